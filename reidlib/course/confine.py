"""Locks that a process puts on itself before it runs a student's code, and cannot take off.

What is possible differs from system to system, so `confine` tries each lock and returns the names
of those that hold:

* "limits": memory, processor time, size of a file, open files; on every system but Windows.
* "files": nothing is written outside the own folder, nothing read but libraries (Linux, Landlock).
* "signals": no process outside can be signalled (Linux 6.12 or newer, or own process numbers).
* "network": no connections (own network, or Landlock without TCP).
* "processes": everything it starts ends with it, at once (own process numbers).
* "user": an account that owns nothing, where the grader is root and that account can read Python.

Whatever does not hold is watched from outside instead, by `worker` and `guard`.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_RULESET, _RULE, _RESTRICT = 444, 445, 446  # Landlock's system calls, the same everywhere
_NEW_USER, _NEW_PID, _NEW_NET, _NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
_NO_NEW_PRIVILEGES, _DROP_BOUND = 38, 24  # of prctl
_READ = 0b1101  # execute, read a file, list a folder
_FILE = 0b111 | 1 << 14 | 1 << 15  # rights that a file has, and not only a folder
SPARE = 64 << 20  # bytes more to report that all is taken; code that asks may have them, too
_UNUSED = 64000  # account numbers that nobody has: one for each place where submissions run


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Bytes, and seconds of processor time: fair on a busy machine.

    cell_seconds: after it a cell is interrupted and the next one goes on.
    seconds: after it the whole notebook is stopped.
    patience: so many times as long a cell or a notebook may take by the clock.
    memory: beyond what the libraries take; disk: of the own folder; output: of all cells together.
    """

    seconds: float = 300.0
    cell_seconds: float = 20.0
    patience: float = 4.0
    memory: int = 3 << 30
    disk: int = 256 << 20
    file: int = 64 << 20
    output: int = 16 << 20
    processes: int = 64


def separate() -> list[str]:
    """Own network and process numbers for what is forked from here on, where allowed."""
    if not sys.platform.startswith("linux"):
        return []
    flags = _NEW_PID | _NEW_NET | _NEW_IPC
    uid, gid = os.getuid(), os.getgid()
    if uid:
        flags |= _NEW_USER
    if ctypes.CDLL(None).unshare(flags):
        return []
    if uid:  # keep one's own number inside
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return ["network", "processes", "signals"]


def confine(home: Path, readable: Iterable[Path], limits: Limits, place: int) -> list[str]:
    """Lock this process in; the names of the locks that hold.

    home: the only folder it may write; readable: what it may read besides Python and the system.
    place: which of the places side by side this is; each has an account of its own.
    """
    holds = []
    root = os.getuid() == 0
    libraries = [Path(p) for p in {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix}]
    if root and (uid := _account(home, place)):
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        holds.append("user")
    elif root and sys.platform.startswith("linux"):
        _drop_capabilities()
    _limit(limits)
    holds.append("limits")
    if sys.platform.startswith("linux"):
        system = map(Path, ("/usr", "/lib", "/lib64", "/etc", "/opt", "/proc", "/sys", "/dev"))
        holds += _landlock(home, [*system, *libraries, *readable])
    return holds


def _account(home: Path, place: int) -> int | None:
    """An account number that owns nothing, if it could read Python; `home` is then its own."""
    places = (os.__file__, sys.executable, __file__, *filter(os.path.isdir, sys.path))
    folders = {parent for p in places for parent in Path(p).resolve().parents}
    if not all(folder.stat().st_mode & 0o001 for folder in folders):
        return None
    uid = _UNUSED + place
    for path in (home, *home.iterdir()):
        os.chown(path, uid, uid, follow_symlinks=False)
    return uid


def _limit(limits: Limits) -> None:
    import resource  # not on Windows, where the rest of the package works

    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc").is_dir() else 0
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file,
        resource.RLIMIT_NOFILE: 512,
        resource.RLIMIT_CPU: math.ceil(limits.seconds),
    }
    if os.getuid():  # root is not counted; the watcher counts
        wanted[resource.RLIMIT_NPROC] = _tasks(os.getuid()) + limits.processes
    for what, value in wanted.items():
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))
    if pages:  # address space: libraries are mapped already, so count from here
        soft = pages * resource.getpagesize() + limits.memory
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        room = soft + SPARE if hard == resource.RLIM_INFINITY else min(soft + SPARE, hard)
        resource.setrlimit(resource.RLIMIT_AS, (min(soft, room), room))


@contextmanager
def spare() -> Iterator[None]:
    """A little more memory than the code had, to report on code that took all of it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _tasks(uid: int) -> int:
    """Threads that the account runs now."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == uid:
                count += len(list((entry / "task").iterdir()))
        except OSError:  # ended meanwhile
            continue
    return count


def _drop_capabilities() -> None:
    """Root without a single privilege, now and after any exec."""
    libc = ctypes.CDLL(None)
    for capability in range(64):
        libc.prctl(_DROP_BOUND, capability, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    if libc.capset(header, struct.pack("6I", *[0] * 6)):
        raise OSError("cannot drop root's privileges")


def _landlock(home: Path, readable: Iterable[Path]) -> list[str]:
    """Files, and with newer kernels TCP and signals; what holds."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_RULESET, None, 0, 1)
    if version < 1:
        return []
    every = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(_RULESET, struct.pack("3Q", every, 0b11, 0b11)[:size], size, 0)
    rules = [(path, _READ) for path in readable] + [(home, every), (Path("/dev/null"), every)]
    for path, rights in rules:
        if not path.exists():
            continue
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = rights & every & (~0 if path.is_dir() else _FILE)
        failed = libc.syscall(_RULE, ruleset, 1, struct.pack("=Qi", allowed, handle), 0)
        os.close(handle)
        if failed:
            raise OSError(ctypes.get_errno(), f"Landlock refuses a rule for {path}")
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if ruleset < 0 or libc.syscall(_RESTRICT, ruleset, 0):
        raise OSError(ctypes.get_errno(), "Landlock cannot be switched on")
    os.close(ruleset)
    return ["files"] * (version >= 3) + ["network"] * (version >= 4) + ["signals"] * (version >= 6)
