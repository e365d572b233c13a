"""Submissions that loop, eat memory, fork, delete and overwrite: stopped, and nothing is harmed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="submissions run where processes can fork")

from reidlib.course.confine import Limits
from reidlib.course.guard import Guard
from reidlib.course.pool import Job, Pool, Ran

LINUX = sys.platform.startswith("linux")
LIMITS = Limits(seconds=4, cell_seconds=2, patience=4, memory=1 << 30, disk=64 << 20, processes=30)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEACHERS_SECRET", "open sesame")
        with Pool(tmp_path_factory.mktemp("frames"), 1, LIMITS) as pool:
            yield pool


def run(pool: Pool, *sources: str) -> Ran:
    found = []
    pool.run([Job(("s", "t"), list(sources))], lambda job, ran: found.append(ran))
    (ran,) = found
    return ran


def failed(ran: Ran, cell: int) -> str:
    """How a finished cell failed."""
    result = ran.cells[cell]
    assert result is not None
    (error,) = (o for o in result["outputs"] if o["output_type"] == "error")
    return f"{error['ename']}: {error['evalue']}"


def printed(ran: Ran, cell: int) -> str:
    result = ran.cells[cell]
    assert result is not None
    return "".join(o["text"] for o in result["outputs"] if o["output_type"] == "stream")


def test_cells_share_names_and_show_text_and_pictures(pool: Pool) -> None:
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    ran = run(pool, "x = 20", "print(x + 1)\nx", draw, "1 / 0", "print('on')")
    assert ran.stopped is None
    assert printed(ran, 1) == "21\n"
    assert ran.cells[2] is not None
    assert "image/png" in ran.cells[2]["outputs"][-1]["data"]
    assert failed(ran, 3).startswith("ZeroDivisionError")
    assert printed(ran, 4) == "on\n"


def test_nothing_stays_for_the_next_submission(pool: Pool) -> None:
    run(pool, "import numpy\nnumpy.mean = lambda x: 42\nleft = 1\nopen('left', 'w').write('1')")
    ran = run(pool, "import numpy\nprint(numpy.mean([0.0]))", "left", "open('left')")
    assert printed(ran, 0) == "0.0\n"
    assert "NameError" in failed(ran, 1)
    assert "FileNotFoundError" in failed(ran, 2)


def test_an_endless_loop_costs_its_own_cell(pool: Pool) -> None:
    ran = run(pool, "print(1)", "while True: pass", "print(3)")
    assert (printed(ran, 0), printed(ran, 2)) == ("1\n", "3\n")
    assert failed(ran, 1) == "CellStopped: stopped after 2 seconds"


def test_a_loop_that_catches_everything_is_ended(pool: Pool) -> None:
    sleepy = "time.sleep(9)", "it took longer than 16 seconds"
    for what, said in (("sum(range(1000))", "it ran longer than 4 seconds"), sleepy):
        again = f"    try:\n        {what}\n    except BaseException:\n        print()"
        ran = run(pool, "print(1)", f"import time\nwhile True:\n{again}", "print(3)")
        assert ran.stopped in (said, sleepy[1])  # by the clock first, on a busy machine
        assert printed(ran, 0) == "1\n"
        assert ran.cells[1:] == [None, None]


@pytest.mark.skipif(not LINUX, reason="memory is limited on Linux")
def test_a_memory_hog_is_refused_and_the_rest_goes_on(pool: Pool) -> None:
    # asked for and not filled: on some machines filling a gigabyte takes longer than a cell may
    hog = "import numpy\nkept = []\nwhile True: kept.append(numpy.zeros(1 << 25))"
    ran = run(pool, hog, "del kept", "import torch\ntorch.zeros(1 << 32)", "print('fine')")
    assert "MemoryError" in failed(ran, 0)
    assert "memory" in failed(ran, 2)
    assert printed(ran, 3) == "fine\n"


@pytest.mark.skipif(not LINUX, reason="memory is limited on Linux")
def test_a_hog_that_leaves_not_a_byte_is_told_as_one(pool: Pool) -> None:
    # asked for and not filled, as above: in ever smaller pieces
    take = "    try:\n        while True: kept = numpy.zeros(1 << n, 'u1'), kept"
    loop = f"for n in range(28, 3, -2):\n{take}\n    except MemoryError: pass"
    hog = f"import numpy\nprint('x' * 40_000)\nkept = None\n{loop}\nraise MemoryError"
    ran = run(pool, hog, "kept = None", "print('fine')")
    assert failed(ran, 0).startswith("MemoryError")
    assert printed(ran, 0).startswith("x" * 40_000)
    assert printed(ran, 2) == "fine\n"


def test_printing_and_files_have_their_limits(pool: Pool) -> None:
    flood = "for _ in range(300_000): print('x' * 99)"
    big = "with open('big', 'wb') as f:\n    for _ in range(65): f.write(bytes(1 << 20))"
    many = "for i in range(9): open(str(i), 'wb').write(bytes(9 << 20))\nwhile True: pass"
    ran = run(pool, flood, big, "import os\nos.remove('big')", many)
    assert len(printed(ran, 0)) < 60_000
    assert "File too large" in failed(ran, 1)
    assert ran.stopped == "it wrote more than 64 MiB"


@pytest.mark.skipif(not LINUX, reason="orphans are found on Linux")
def test_forks_end_with_the_submission(pool: Pool, tmp_path: Path) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    ran = run(pool, "print(1)", bomb)
    assert ran.stopped is not None
    assert printed(ran, 0) == "1\n"
    word = f"orphan-{os.getpid()}"
    sleeper = f"[sys.executable, '-c', 'import time; time.sleep(60)', '{word}']"
    orphan = f"import subprocess, sys\nsubprocess.Popen({sleeper}, start_new_session=True)"
    assert run(pool, orphan).stopped is None
    time.sleep(0.1)
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert word not in lines


def test_leaving_python_keeps_what_was_finished(pool: Pool) -> None:
    ran = run(pool, "print(1)", "import os\nos._exit(3)", "print(2)")
    assert ran.stopped == "it ended the Python process itself (exit code 3)"
    assert printed(ran, 0) == "1\n"
    assert ran.cells[1:] == [None, None]
    assert run(pool, "exit()", "print(2)").stopped is None  # the shell's exit only asks


def test_a_crash_keeps_what_was_finished(pool: Pool) -> None:
    ran = run(pool, "print(1)", "import ctypes\nctypes.string_at(0)")
    assert ran.stopped is not None
    assert printed(ran, 0) == "1\n"
    assert printed(run(pool, "print(2)"), 0) == "2\n"


def test_nonsense_in_the_graders_pipe(pool: Pool) -> None:
    ran = run(pool, "import os\nos.write(3, b'{not json\\n')\nimport time\ntime.sleep(2)")
    assert ran.stopped == "it wrote into the grader's pipe"
    assert printed(run(pool, "print(2)"), 0) == "2\n"


def test_the_graders_environment_is_unknown(pool: Pool) -> None:
    ran = run(pool, "import os\nprint(dict(os.environ), os.getcwd())")
    assert "open sesame" not in printed(ran, 0)
    assert "HOME" in printed(ran, 0)


def test_files_outside_are_neither_written_nor_read(pool: Pool, tmp_path: Path) -> None:
    victim = tmp_path / "gradebook.db"
    victim.write_text("marks")
    tmp_path.chmod(0o777)
    victim.chmod(0o666)
    ways = (
        f"open({str(victim)!r}, 'w').write('full marks')",
        f"import os\nos.remove({str(victim)!r})",
        f"import os\nos.rename({str(victim)!r}, {str(tmp_path / 'x')!r})",
        f"import os\nos.truncate({str(victim)!r}, 0)",
        f"import shutil\nshutil.rmtree({str(tmp_path)!r})",
        f"import os\nos.symlink({str(victim)!r}, 'l')\nopen('l', 'w')",
        f"import subprocess\nsubprocess.run(['rm', {str(victim)!r}], check=True)",
    )
    ran = run(pool, *ways, f"print(open({str(victim)!r}).read())")
    if "files" not in ran.locks:
        pytest.skip("this system has no lock for files; the guard puts them back")
    assert victim.read_text() == "marks"
    assert [p.name for p in tmp_path.iterdir()] == ["gradebook.db"]
    for cell in range(len(ways) + 1):
        assert "Error" in failed(ran, cell)


def test_no_network_and_no_signals(pool: Pool) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = run(
            pool,
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)",
            f"import os\nos.kill({os.getpid()}, 9)",
        )
    if "network" in ran.locks:
        assert "Error" in failed(ran, 0)
    if "signals" in ran.locks:
        assert "Error" in failed(ran, 1)


def test_pools_hand_back_what_they_started(tmp_path: Path) -> None:
    with Pool(tmp_path, 1, LIMITS) as pool:
        worker = int(printed(run(pool, "print(1)"), 0))
        assert worker == 1
        place = pool._free.queue[0]
        assert place._process is not None
        process = place._process
    assert process.poll() is not None


def test_the_guard_puts_back_what_was_changed_or_removed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    alone = tmp_path / "alone"
    alone.write_text("1")
    guard = Guard([tmp_path, alone, tmp_path / "missing"])
    assert guard.mend() == []
    (tmp_path / "a").write_text("changed")
    (tmp_path / "b").unlink()
    (tmp_path / "new").write_text("of the teacher, meanwhile")
    assert {p.name for p in guard.mend()} == {"a", "b"}
    assert (tmp_path / "a").read_text() == "a"
    assert (tmp_path / "b").read_text() == "b"
    assert (tmp_path / "new").exists()
