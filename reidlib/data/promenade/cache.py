"""Rendered frames on disk: one memory-mapped file a request, whole or not there.

While it is being rendered a file lives under `<name>.partial` beside a journal of finished blocks and their
checksums, so an interrupted render goes on where it stopped. Only a complete file with a
complete journal gets its final name; every opening compares all checksums.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade.census import Census
from reidlib.data.promenade.settings import VERSION, Settings
from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError

BLOCK = 512  # frames with one checksum

Draw = Callable[[int, int], np.ndarray]  # frames first..last (of all frames) as uint8 (n, 3, h, w)


class RenderedFrames:
    """A FrameSource over all frames of a request.

    `pixels` (total, 3, h, w) uint8 is memory-mapped; tracklet `row` owns `offsets[row]:offsets[row + 1]`.
    """

    def __init__(self, pixels: Tensor, offsets: np.ndarray) -> None:
        self.pixels = pixels
        self.offsets = torch.from_numpy(offsets)

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> Tensor:
        """uint8 (t, 3, h, w), the frames `indices` (0-based) of the tracklet, in that order."""
        wanted = torch.as_tensor(list(indices), dtype=torch.long)
        length = len(tracklet)
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < length:
            raise IndexError(f"frames {list(indices)} of a tracklet with {length} frames")
        return self.pixels[wanted + self.offsets[tracklet.row]]


def default_folder() -> Path:
    """$REIDLIB_CACHE, or data/cache under the current directory."""
    return Path(os.environ.get("REIDLIB_CACHE") or Path("data") / "cache")


def opened(
    folder: Path, settings: Settings, census: Census, draw: Draw, progress: bool
) -> RenderedFrames:
    """The frames of a request, rendered where they are missing or damaged.

    Raises:
        ReidError: no room for the frames, or the folder cannot be written.
    """
    total = int(census.offsets[-1])
    shape = (total, 3, settings.height, settings.width)
    path = folder / f"promenade-{settings.digest()}.u8"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        complaint = _complaint(path, shape)
        if complaint:
            if path.exists():
                print(f"{path.name}: {complaint}; rendering it again", flush=True)
                path.unlink()
            _render(path, shape, settings, draw, progress)
    except OSError as error:
        raise ReidError(
            f"cannot keep rendered frames in {folder} ({error.strerror}); "
            "choose another folder with cache=... or $REIDLIB_CACHE"
        ) from error
    mapped = (
        np.memmap(path, dtype=np.uint8, mode="c", shape=shape)
        if total
        else np.zeros(shape, np.uint8)
    )
    return RenderedFrames(torch.from_numpy(mapped), census.offsets)


def _sheet(path: Path) -> Path:
    return path.with_suffix(".json")


def _complaint(path: Path, shape: tuple[int, ...]) -> str:
    """Why a cached file cannot be used; empty if it can."""
    try:
        sheet = json.loads(_sheet(path).read_text())
        sums, version = sheet["checksums"], sheet["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return "its list of checksums is missing or unreadable"
    if version != VERSION:
        return f"it was rendered by version {version}, this is {VERSION}"
    size = path.stat().st_size if path.exists() else -1
    if size != int(np.prod(shape)):
        return f"it has {size} bytes instead of {int(np.prod(shape))}"
    wrong = [
        i for i, (a, b) in enumerate(zip(_checksums(path, shape), sums, strict=False)) if a != b
    ]
    if wrong or len(sums) != -(-shape[0] // BLOCK):
        return f"{len(wrong)} of {len(sums)} blocks do not match their checksums"
    return ""


def _checksums(path: Path, shape: tuple[int, ...]) -> list[int]:
    if not shape[0]:
        return []
    pixels = np.memmap(path, dtype=np.uint8, mode="r", shape=shape)
    with ThreadPoolExecutor(2) as pool:
        return list(
            pool.map(lambda at: zlib.crc32(pixels[at : at + BLOCK]), range(0, shape[0], BLOCK))
        )


def _render(
    path: Path, shape: tuple[int, ...], settings: Settings, draw: Draw, progress: bool
) -> None:
    from tqdm import tqdm

    partial = path.with_suffix(".partial")
    journal = path.with_suffix(".journal")
    size = int(np.prod(shape))
    done = _resumable(partial, journal, shape)
    free = shutil.disk_usage(path.parent).free + (partial.stat().st_size if partial.exists() else 0)
    if free < size + (16 << 20):
        raise ReidError(
            f"{size / 1e6:.0f} MB of frames do not fit into {path.parent}, which has {free / 1e6:.0f} MB "
            "left; choose another folder with cache=... or $REIDLIB_CACHE, or a smaller size"
        )
    if shape[0]:
        with partial.open("ab") as file:
            file.truncate(size)
            os.posix_fallocate(file.fileno(), 0, size) if hasattr(os, "posix_fallocate") else None
        pixels = np.memmap(partial, dtype=np.uint8, mode="r+", shape=shape)
    else:
        partial.write_bytes(b"")
    bar = tqdm(total=shape[0], unit="frame", desc="Promenade", disable=not progress, delay=1.0,
               initial=min(len(done) * BLOCK, shape[0]))  # fmt: skip
    with journal.open("a") as log, bar:
        for block, at in enumerate(range(0, shape[0], BLOCK)):
            if block in done:
                continue
            frames = draw(at, min(at + BLOCK, shape[0]))
            pixels[at : at + len(frames)] = frames
            pixels.flush()
            done[block] = zlib.crc32(np.ascontiguousarray(frames))
            log.write(f"{block} {done[block]}\n")
            log.flush()
            bar.update(len(frames))
    sheet = {"version": VERSION, "settings": asdict(settings), "shape": shape,
             "checksums": [done[b] for b in range(len(done))]}  # fmt: skip
    beside = _sheet(path).with_suffix(".json.partial")
    beside.write_text(json.dumps(sheet))
    beside.replace(_sheet(path))
    partial.replace(path)
    journal.unlink()


def _resumable(partial: Path, journal: Path, shape: tuple[int, ...]) -> dict[int, int]:
    """Finished blocks of an interrupted render and their checksums, verified."""
    if not (partial.exists() and journal.exists()):
        partial.unlink(missing_ok=True)
        journal.unlink(missing_ok=True)
        return {}
    if partial.stat().st_size != int(np.prod(shape)):
        journal.unlink()
        return {}
    written: dict[int, int] = {}
    for line in journal.read_text().splitlines():
        words = line.split()
        if len(words) == 2 and all(w.isdigit() for w in words):
            written[int(words[0])] = int(words[1])
    found = _checksums(partial, shape)
    good = {b: s for b, s in written.items() if b < len(found) and found[b] == s}
    journal.write_text("".join(f"{b} {s}\n" for b, s in good.items()))
    return good
