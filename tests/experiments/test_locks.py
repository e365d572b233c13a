"""One holder at a time, with real processes: no lost update, no lock left by the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reidlib.errors import ReidError
from reidlib.experiments import locks
from reidlib.experiments.locks import held, holder

COUNT = """
import sys, time
from pathlib import Path
from reidlib.experiments.locks import held
lock, counter = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(40):
    with held(lock, wait=True) as mine:
        assert mine
        before = int(counter.read_text())
        time.sleep(0.0005)
        counter.write_text(str(before + 1))
"""
HOLD = """
import sys, time
from pathlib import Path
from reidlib.experiments.locks import held
with held(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def start(program: str, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE, text=True
    )


def test_four_processes_lose_no_count(tmp_path: Path) -> None:
    """The file is made and removed 160 times, so that every race between these is met."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    running = [start(COUNT, tmp_path / "lock", counter) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    assert counter.read_text() == "160"
    assert not (tmp_path / "lock").exists()


def test_held_by_a_living_process_and_free_when_it_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    process = start(HOLD, lock)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    with held(lock) as mine:
        assert not mine
        assert holder(lock) == str(process.pid)
    assert lock.exists()  # whoever was refused removed nothing
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert lock.exists()  # left behind, and no hindrance
    with held(lock) as mine:
        assert mine
        assert holder(lock) == str(os.getpid())
    assert holder(lock) == "?"


def test_a_full_disk_is_told_with_the_remedy(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:  # the file is there, its one line does not fit
        patch.setattr(locks.os, "write", full)
        with held(tmp_path / "lock") as mine:
            assert mine
            with held(tmp_path / "lock") as other:
                assert not other
    monkeypatch.setattr(locks.os, "open", full)
    wanted = pytest.raises(ReidError, match=r"lock cannot be written \(no space left.*make room")
    with wanted, held(tmp_path / "lock"):
        pass


def test_waiting_ends_when_the_holder_does(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path / "lock")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    began = time.perf_counter()
    with held(tmp_path / "lock", wait=True) as mine:
        assert mine
    assert time.perf_counter() - began < 10
    process.wait()
