"""One holder at a time, over all processes of a machine (and of a cluster with a shared disk).

The system lets go of a lock when its holder dies, however it dies: no lock outlives its process,
and none needs to be judged by its age or by a process id that may have been given away again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reidlib.errors import ReidError
from reidlib.files import reason


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock file `path` for the length of the block, which is told whether it does.

    wait: until it is free, rather than enter with False. The file, which holds the holder's
    process id for people to see, is gone afterwards.
    """
    try:
        import fcntl
    except ImportError as error:
        raise ReidError(
            "`reid experiment` shares its work through locks that Windows lacks; run it in WSL"
        ) from error
    how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
    while True:
        handle = _opened(path)
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            os.close(handle)
            yield False
            return
        if _is_still(handle, path):
            break
        os.close(handle)  # its last holder removed the file between our opening and our locking
    try:
        with suppress(OSError):  # a full disk takes no process id; the lock holds all the same
            os.truncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield True
    finally:
        with suppress(FileNotFoundError):
            path.unlink()  # while it is still locked, so that nobody's new file is removed
        os.close(handle)


def _opened(path: Path) -> int:
    """A handle of the lock file, which may be new. Raises a ReidError where none can be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ReidError(f"{path} cannot be written ({reason(error)}): runs are shared out through "
                        "it; make room or name another folder") from error  # fmt: skip


def holder(path: Path) -> str:
    """The process id in a lock file, for messages; "?" where nobody holds it."""
    try:
        return path.read_text().strip() or "?"
    except OSError:
        return "?"


def _is_still(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
