"""Files written whole or not at all, and the folders they live in."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reidlib.errors import ReidError

ROOT = Path(__file__).resolve().parents[1]  # the checkout; installed elsewhere, see `data_folder`


def data_folder(name: str) -> Path:
    """data/<name> of the checkout, or of the working directory where there is no checkout."""
    return (ROOT if (ROOT / "data").is_dir() else Path.cwd()) / "data" / name


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it when the block ends well, else removed.

    A reader thus meets the old file or the new one, never half of either, and two writers at
    once do not mix. Raises ReidError where the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("r+b") as file:  # Windows syncs no handle that cannot write
            os.fsync(file.fileno())  # on disk before the name is
        temporary.replace(path)
    except OSError as error:
        raise ReidError(f"cannot write {path}: {reason(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """The text as the file's whole content."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def writable_folder(folder: Path, need: int = 0) -> Path:
    """The folder, made where it was missing, once it is sure that `need` bytes can be written.

    Asked before work starts, so that hours of it do not end at a full disk.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{uuid.uuid4().hex[:8]}"
        probe.write_bytes(b"written to see whether it can be")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ReidError(
            f"cannot write to {folder}: {reason(error)}; name another folder"
        ) from error
    if free < need:
        raise ReidError(
            f"{folder} has {free / 2**20:.0f} MiB free and {need / 2**20:.0f} MiB are needed; "
            "make room or name another folder"
        )
    return folder


def reason(error: OSError) -> str:
    """The system's own words, in lower case: "no space left on device"."""
    return (error.strerror or str(error)).lower()
