"""Rendered frames on disk: one memory-mapped file a request, whole or not there.

While it is being rendered a file lives under `<name>.partial` beside a journal of finished blocks
and their checksums, so an interrupted render goes on where it stopped. Only a complete file gets
its final name; every opening compares all checksums.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from reidlib.data.frames import StoredFrames
from reidlib.data.promenade.census import Census
from reidlib.data.promenade.settings import VERSION, Settings
from reidlib.errors import ReidError
from reidlib.files import data_folder, reason, write_text

BLOCK = 512  # frames with one checksum
_SPARE = 16 << 20  # bytes left free on the disk
_PATIENCE = 2.0  # seconds of checking without a progress bar

Draw = Callable[[int, int], np.ndarray]  # frames first..last of all frames as uint8 (n, 3, h, w)
Shape = tuple[int, int, int, int]


def default_folder() -> Path:
    """$REIDLIB_CACHE, or data/cache of the checkout or the current directory."""
    named = os.environ.get("REIDLIB_CACHE")
    return Path(named) if named else data_folder("cache")


def frames_file(folder: Path, settings: Settings) -> Path:
    """The file of a request's frames."""
    return folder / f"promenade-{settings.digest()}.u8"


def opened(
    folder: Path,
    settings: Settings,
    census: Census,
    draw: Draw,
    *,
    workers: int = 2,
    progress: bool = True,
) -> StoredFrames:
    """The frames of a request, rendered where they are missing or damaged.

    Raises:
        ReidError: no room for the frames, or the folder cannot be written.
    """
    shape = (int(census.offsets[-1]), 3, settings.height, settings.width)
    path = frames_file(folder, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_suffix(".lock")):
            complaint = _complaint(path, shape, progress)
            if complaint:
                if path.exists():
                    _say(f"{path}: {complaint}; rendering it again")
                    path.unlink()
                _tell_old(folder)
                _render(path, shape, settings, draw, workers, progress)
    except OSError as error:
        raise ReidError(
            f"cannot keep rendered frames in {folder}: {reason(error)}; "
            "choose another folder with cache=... or $REIDLIB_CACHE"
        ) from error
    pixels = (
        np.zeros(shape, np.uint8) if 0 in shape else np.memmap(path, np.uint8, "c", shape=shape)
    )
    return StoredFrames(torch.from_numpy(pixels), torch.from_numpy(census.offsets))


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Whoever asks for the same frames meanwhile waits until they are there."""
    try:
        import fcntl
    except ImportError:  # Windows: two at once would both draw, and one of them fail
        yield
        return
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    """To the standard error: the output may be a script's JSON."""
    print(line, file=sys.stderr, flush=True)


def _tell_old(folder: Path) -> None:
    """One line if the folder still holds frames of other versions, which nobody reads any more."""
    old = []
    for path in folder.glob("promenade-*.u8"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(_sheet(path).read_text())["version"] != VERSION:
                old.append(path.stat().st_size)
    if old:
        _say(
            f"{folder} holds {len(old)} files of other versions of Promenade, "
            f"{sum(old) / 1e6:.0f} MB that version {VERSION} does not read; promenade-* may be "
            "deleted there, what is asked for again is rendered again"
        )


def _sheet(path: Path) -> Path:
    return path.with_suffix(".json")


def _complaint(path: Path, shape: Shape, progress: bool) -> str:
    """Why a cached file cannot be used; empty if it can."""
    try:
        sheet = json.loads(_sheet(path).read_text())
        sums, version = sheet["checksums"], sheet["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return "its list of checksums is missing or unreadable"
    if version != VERSION:
        return f"it was rendered by version {version}, this is {VERSION}"
    size, wanted = path.stat().st_size if path.exists() else -1, int(np.prod(shape))
    if size != wanted:
        return f"it has {size} bytes instead of {wanted}"
    found = _checksums(path, shape, progress)
    wrong = sum(a != b for a, b in zip(found, sums)) + abs(len(found) - len(sums))
    return f"{wrong} of {len(found)} blocks do not match their checksums" if wrong else ""


def _checksums(path: Path, shape: Shape, progress: bool) -> list[int]:
    from tqdm import tqdm

    if not shape[0]:
        return []
    pixels = np.memmap(path, np.uint8, "r", shape=shape)
    blocks = (pixels[at : at + BLOCK].data for at in range(0, shape[0], BLOCK))
    bar = tqdm(total=-(-shape[0] // BLOCK), unit=" blocks", desc="Checking cached frames",
               disable=not progress, delay=_PATIENCE)  # fmt: skip
    sums = []
    with bar, ThreadPoolExecutor(2) as pool:
        for found in pool.map(zlib.crc32, blocks):
            sums.append(found)
            bar.update()
    return sums


def _render(
    path: Path, shape: Shape, settings: Settings, draw: Draw, workers: int, progress: bool
) -> None:
    from tqdm import tqdm

    partial, journal = path.with_suffix(".partial"), path.with_suffix(".journal")
    size = int(np.prod(shape))
    sums = _resumable(partial, journal, shape, progress)
    _check_room(path.parent, size, partial)
    with partial.open("ab") as file:
        file.truncate(size)
    pixels = np.memmap(partial, np.uint8, "r+", shape=shape) if size else None
    spans = {b: (at, min(at + BLOCK, shape[0])) for b, at in enumerate(range(0, shape[0], BLOCK))}
    todo = [b for b in spans if b not in sums]
    bar = tqdm(total=shape[0], initial=sum(b - a for i, (a, b) in spans.items() if i in sums),
               unit=" frames", desc="Promenade", disable=not progress, delay=1.0)  # fmt: skip
    with journal.open("a") as log, bar:
        for block, frames in _drawn(todo, spans, draw, workers):
            assert pixels is not None
            first, last = spans[block]
            pixels[first:last] = frames
            pixels.flush()
            sums[block] = zlib.crc32(np.ascontiguousarray(frames).data)
            log.write(f"{block} {sums[block]}\n")
            log.flush()
            bar.update(last - first)
    sheet = {"version": VERSION, "settings": asdict(settings), "shape": shape,
             "checksums": [sums[b] for b in spans]}  # fmt: skip
    write_text(_sheet(path), json.dumps(sheet))
    del pixels  # Windows renames no file that is mapped
    partial.replace(path)
    journal.unlink()


def _drawn(
    todo: list[int], spans: dict[int, tuple[int, int]], draw: Draw, workers: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks and their frames, in order, drawn by a few threads a little ahead."""
    with one_thread_each(), ThreadPoolExecutor(workers, initializer=_single) as pool:
        ahead: deque[tuple[int, Future[np.ndarray]]] = deque()
        waiting = iter(todo)
        for block in waiting:
            ahead.append((block, pool.submit(draw, *spans[block])))
            if len(ahead) > workers:
                first, job = ahead.popleft()
                yield first, job.result()
        for first, job in ahead:
            yield first, job.result()


def _single() -> None:
    torch.set_num_threads(1)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Tensor operations here are small: two of them side by side beat one cut in two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _held(file: os.stat_result) -> int:
    """Bytes of the disk that a file takes up; Windows counts no blocks and reserves all of it."""
    blocks = getattr(file, "st_blocks", None)
    return file.st_size if blocks is None else int(blocks) * 512


def _check_room(folder: Path, size: int, partial: Path) -> None:
    held = _held(partial.stat()) if partial.exists() else 0
    free = shutil.disk_usage(folder).free + held
    if free < size + _SPARE:
        raise ReidError(
            f"{size / 1e6:.0f} MB of frames do not fit into {folder}, which has "
            f"{free / 1e6:.0f} MB left; choose another folder with cache=... or $REIDLIB_CACHE, "
            "or a smaller size"
        )


def _resumable(partial: Path, journal: Path, shape: Shape, progress: bool) -> dict[int, int]:
    """Finished blocks of an interrupted render and their checksums, verified."""
    whole = partial.exists() and partial.stat().st_size == int(np.prod(shape))
    if not (whole and journal.exists()):
        partial.unlink(missing_ok=True)
        journal.unlink(missing_ok=True)
        return {}
    lines = (line.split() for line in journal.read_text().splitlines())
    written = {int(w[0]): int(w[1]) for w in lines if len(w) == 2 and all(x.isdigit() for x in w)}
    found = _checksums(partial, shape, progress)
    good = {b: s for b, s in written.items() if b < len(found) and found[b] == s}
    journal.write_text("".join(f"{b} {s}\n" for b, s in good.items()))
    return good
