"""A process that runs submissions, one after the other, each in a fork of its own.

    python -m reidlib.course.worker      requests on stdin, answers on stdout, each a line of JSON

The libraries are imported once; a fork has them at once. The fork confines itself and runs the
cells; this process watches it from outside (time, memory, processes, disk) and ends it with all
that it started. A fork reports each cell through a pipe, so what was finished is never lost.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from reidlib.course import cells, confine

_LOOK = 0.1  # seconds between two looks
_WIDE = 1 << 16


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints while it is loaded is no answer
    shell = _libraries()
    if sys.platform.startswith("linux"):  # orphans of a submission become ours, to be ended
        confine.ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        print(json.dumps(handle(shell, json.loads(line))), file=answers)


def _libraries() -> Any:
    """Everything that sets import, and the shell; no thread may be running when it returns."""
    import matplotlib.pyplot
    import numpy
    import torch

    torch.set_num_threads(1)
    numpy.random.default_rng(0)
    matplotlib.pyplot.close("all")
    for module in ("data.promenade", "evaluation", "seeing.figures", "models", "losses", "build"):
        __import__(f"reidlib.{module}")
    return cells.shell()


def handle(shell: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Run one notebook's code cells; what each gave, and why the rest did not run.

    request: "sources" of the code cells, "home" (an empty folder), "limits", "place", "readable"
    folders, and "confined": false only for the teacher's own solution.
    Answer: "cells" (outputs and seconds, or null where a cell was not finished), "stopped" (None,
    or the reason in words), "locks" that held, "seconds" of processor time.
    """
    limits = confine.Limits(**request["limits"])
    receive, send = os.pipe()
    start, before = time.monotonic(), _worked()
    warden = os.fork()
    if not warden:
        os.close(receive)
        _ward(shell, request, limits, send)
    os.close(send)
    os.set_blocking(receive, False)
    watch = _Watch(warden, Path(request["home"]), limits, start)
    inbox, stopped = _Inbox(receive, len(request["sources"]), limits.output), None
    try:
        while stopped is None and not inbox.done:
            select.select([receive], [], [], _LOOK)
            stopped = inbox.read() or watch.complaint()
            if stopped is None and watch.ended is not None:
                inbox.read()  # what was sent before the end
                stopped = None if inbox.done else watch.ended
    finally:
        _end_all(warden)
        os.close(receive)
    return {
        "cells": inbox.cells,
        "stopped": stopped,
        "locks": inbox.locks,
        "seconds": round(_worked() - before, 2),
    }


def _worked() -> float:
    """Processor seconds of all submissions that have ended."""
    import resource  # not on Windows, where nothing forks either

    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _ward(shell: Any, request: dict[str, Any], limits: confine.Limits, send: int) -> None:
    """In the fork: leave the grader's world, fork once more into the new one, wait for it."""
    code = 1
    try:
        os.setsid()
        locks = confine.separate() if request["confined"] else []
        if not (pid := os.fork()):
            _student(shell, request, limits, send, locks)
        os.close(send)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os._exit(code if code >= 0 else 128 - code)


def _student(
    shell: Any, request: dict[str, Any], limits: confine.Limits, send: int, locks: list[str]
) -> None:
    """The process in which the student's code runs."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        os.dup2(send, 3)
        os.closerange(4, 4096)
        home = Path(request["home"])
        os.chdir(home)
        named = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR"), str(home))
        os.environ.update(named, REIDLIB_CACHE=request["cache"])
        tempfile.tempdir = str(home)
        if request["confined"]:
            readable = [Path(p) for p in request["readable"]]
            locks += confine.confine(home, readable, limits, request["place"])
        _send({"locks": sorted(set(locks))})
        cells.run(shell, request["sources"], limits.cell_seconds, limits.patience, _report)
        with confine.spare():
            _send({"done": True})
    except BaseException as error:  # the student's exit() among them
        with suppress(OSError), confine.spare():
            _send({"broken": f"{type(error).__name__}: {error}"[:500]})
    finally:
        os._exit(0)


def _report(index: int, outputs: list[Any], seconds: float) -> None:
    _send({"cell": index, "outputs": outputs, "seconds": round(seconds, 3)})


def _send(message: dict[str, Any]) -> None:
    data = (json.dumps(message) + "\n").encode()
    while data:
        data = data[os.write(3, data) :]


class _Inbox:
    """What the fork has reported: untrusted, so counted and checked."""

    def __init__(self, handle: int, count: int, limit: int) -> None:
        self.handle, self.limit, self.rest, self.total = handle, limit, b"", 0
        self.cells: list[Any] = [None] * count
        self.locks: list[str] = []
        self.heard = self.done = False

    def read(self) -> str | None:
        """Take what is there; a complaint if it is too much or makes no sense."""
        with suppress(BlockingIOError):
            while data := os.read(self.handle, _WIDE):
                self.total += len(data)
                if self.total > self.limit:
                    return f"its outputs passed {self.limit >> 20} MiB"
                *lines, self.rest = (self.rest + data).split(b"\n")
                for line in lines:
                    try:
                        if complaint := self._take(json.loads(line)):
                            return complaint
                    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
                        return "it wrote into the grader's pipe"
        return None

    def _take(self, message: Any) -> str | None:
        if not isinstance(message, dict):
            raise TypeError
        if "cell" in message:
            found = {k: message[k] for k in ("outputs", "seconds")}
            if not (
                isinstance(found["outputs"], list) and isinstance(found["seconds"], float | int)
            ):
                raise TypeError
            self.cells[message["cell"]] = found
        elif "locks" in message:
            if not self.heard:  # before any of the student's code has run
                self.locks = [str(lock) for lock in message["locks"]]
            self.heard = True
        elif "broken" in message:
            return f"it broke off with {message['broken']}"
        self.done = "done" in message
        return None


class _Watch:
    """Looks at a submission from outside."""

    def __init__(self, warden: int, home: Path, limits: confine.Limits, start: float) -> None:
        self.warden, self.home, self.limits, self.start = warden, home, limits, start
        self.own = _anonymous(os.getpid())  # each fork begins with a copy of this
        self.next_disk = 0.0
        self.ended: str | None = None

    def complaint(self) -> str | None:
        """Which limit is passed, in words."""
        now = time.monotonic()
        if now - self.start > (clock := self.limits.patience * self.limits.seconds):
            return f"it took longer than {clock:g} seconds"
        family = _family(os.getpid())
        if len(family) > self.limits.processes:
            return f"it started more than {self.limits.processes} processes"
        used = sum(max(0, _anonymous(pid) - self.own) for pid in family)
        if used > self.limits.memory + confine.SPARE:
            return f"it took more than {self.limits.memory / 2**30:.1f} GiB of memory"
        if now > self.next_disk:
            self.next_disk = now + 10 * _LOOK
            if _size(self.home) > self.limits.disk:
                return f"it wrote more than {self.limits.disk >> 20} MiB"
        pid, status = os.waitpid(self.warden, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            if code - 128 in (signal.SIGXCPU, signal.SIGKILL):  # the system's limit of work
                self.ended = f"it ran longer than {self.limits.seconds:g} seconds"
                return None
            self.ended = f"it ended the Python process itself (exit code {code})"
        return None


def _family(pid: int) -> list[int]:
    """All descendants of a process; none where the system does not tell (no /proc)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            after = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(after[1]), []).append(int(stat.parent.name))
    found, new = [], [pid]
    while new:
        new = [child for parent in new for child in children.get(parent, [])]
        found += new
    return found


def _anonymous(pid: int) -> int:
    """Bytes of memory of a process that are backed by no file; 0 where it is not told."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(
            int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon", "RssShmem"))
        )
    return 0


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(Path(place, name)).st_size
    return total


def _end_all(warden: int) -> None:
    """End the submission and whatever it started, until nothing is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(warden, signal.SIGKILL)
    while True:
        for pid in _family(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:  # nobody left
            return
        time.sleep(0.005)


if __name__ == "__main__":
    main()
