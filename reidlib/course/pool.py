"""Submissions run side by side, each place with a worker process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from reidlib.course.confine import Limits
from reidlib.errors import ReidError
from reidlib.files import ROOT

_GIB = 1 << 30
_TRUSTED = Limits(seconds=3600, cell_seconds=900)  # the teacher's own code


@dataclass(frozen=True)
class Job:
    """One notebook's code cells. confined: False only for what the teacher wrote."""

    key: tuple[str, str]
    sources: list[str]
    confined: bool = True


@dataclass(frozen=True)
class Ran:
    """cells: outputs and seconds of each code cell, None where it was not finished.

    stopped: why not all were, in words; locks: what held the submission (see `confine`).
    """

    cells: list[dict[str, Any] | None]
    stopped: str | None
    locks: list[str]
    seconds: float


class Pool:
    """Workers that stay warm between submissions. Use as a context.

    places: how many run side by side; None: one a core, as far as half the memory goes.
    cache: rendered frames that every submission may read, and only unconfined jobs extend.
    Raises ReidError on systems that cannot fork (Windows: use WSL).
    """

    def __init__(
        self, cache: Path, places: int | None = None, limits: Limits | None = None
    ) -> None:
        if not hasattr(os, "fork"):
            raise ReidError("submissions are run on Linux or macOS; on Windows, grade inside WSL")
        self.limits = limits or Limits()
        self.count = places or _places(self.limits)
        self.cache = cache
        self._free: Queue[_Place] = Queue()
        for number in range(self.count):
            self._free.put(_Place(number))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        while not self._free.empty():
            self._free.get().close()

    def run(self, jobs: Iterable[Job], tick: Callable[[Job, Ran], None]) -> None:
        """Run the jobs; `tick(job, what it gave)` after each, in this thread, as they end."""
        with ThreadPoolExecutor(self.count) as threads:
            futures = {threads.submit(self._one, job): job for job in jobs}
            for future in as_completed(futures):
                tick(futures[future], future.result())

    def _one(self, job: Job) -> Ran:
        place = self._free.get()
        try:
            with tempfile.TemporaryDirectory(prefix="reid-grade-", ignore_cleanup_errors=True) as t:
                home = Path(t).resolve()
                cache = self.cache if not job.confined else _lent(self.cache, home / "cache")
                return place.ask(
                    {
                        "sources": job.sources,
                        "home": str(home),
                        "cache": str(cache),
                        "readable": [str(p) for p in (ROOT / "reidlib", ROOT / "data", self.cache)],
                        "limits": asdict(self.limits if job.confined else _TRUSTED),
                        "place": place.number,
                        "confined": job.confined,
                    }
                )
        finally:
            self._free.put(place)


class _Place:
    """One worker process, started when first needed, and again should it ever die."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: dict[str, Any]) -> Ran:
        if self._process is None:
            self._process = _start()
        answer = _exchange(self._process, json.dumps(request))
        if answer is None:  # possible only where no lock keeps its signals in
            self.close()
            nothing: list[dict[str, Any] | None] = [None] * len(request["sources"])
            return Ran(nothing, "it brought down the process that watched it", [], 0.0)
        return Ran(**answer)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None


def _start() -> subprocess.Popen[str]:
    """A worker that knows nothing of the grader's environment but where programs are."""
    keep = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment |= {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "HOME": tempfile.gettempdir(),
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "",  # the same machine for everybody
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS: forks after its frameworks
    }
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "reidlib.course.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=environment,
            cwd=tempfile.gettempdir(),
        )
        assert process.stdout is not None
        if not process.stdout.readline():
            complaints.seek(0)
            last = (complaints.read().strip().splitlines() or ["no message"])[-1]
            raise ReidError(f"the process that runs submissions did not start: {last}")
        return process


def _exchange(process: subprocess.Popen[str], line: str) -> dict[str, Any] | None:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except (BrokenPipeError, ValueError):
        return None
    found: dict[str, Any] | None = json.loads(answer) if answer.endswith("\n") else None
    return found


def _lent(cache: Path, folder: Path) -> Path:
    """The cache as links in a folder of its own: read where it lies, extended here."""
    folder.mkdir()
    for path in cache.glob("*.*"):
        if path.suffix in (".u8", ".json"):
            (folder / path.name).symlink_to(path.resolve())
    return folder


def _places(limits: Limits) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        memory = 8 * _GIB
    return max(1, min(cores or 1, int(memory / 2 / min(limits.memory, 2 * _GIB))))
