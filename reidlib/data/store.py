"""Image files decoded once for good: every frame of a data set in memory, or in a mapped folder."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reidlib.data.ahead import ahead
from reidlib.data.frames import ImageFiles, StoredFrames
from reidlib.data.tracklets import FrameSource, Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import reason

CHUNK = 256  # frames that one thread decodes at a time; bounds the memory


def store(
    dataset: TrackletDataset,
    height: int,
    width: int,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    progress: bool = True,
) -> StoredFrames:
    """Decode every frame once, into memory or into the folder `out`, which is then mapped.

    A folder that holds the very same frames is opened again. One that was not finished is never
    seen, since it gets its name at the end.

    Raises:
        ReidError: too little room (before anything is decoded), an unreadable image, a folder that
            holds something else.
    """
    source = dataset.frames
    if isinstance(source, ImageFiles):
        source = replace(source, size=(height, width))
    rows = {t.row: t for part in (dataset.train, dataset.query, dataset.gallery) for t in part}
    tracklets = [rows[row] for row in sorted(rows)]
    lengths = np.zeros(max(rows) + 1, dtype=np.int64)
    lengths[sorted(rows)] = [len(t) for t in tracklets]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    shape = (int(offsets[-1]), 3, height, width)
    key = _key(dataset, tracklets, shape)
    if out is not None and Path(out).exists():
        return _open(Path(out), key)
    size = f"{shape[0]:,} frames of {height}x{width}, {math.prod(shape) / 2**20:,.0f} MiB"
    _check_room(math.prod(shape), size, Path(out) if out is not None else None)
    chunks = _decode(tracklets, source, shape, size, threads, progress)
    if out is not None:
        _write(Path(out), key, shape, offsets, chunks)
        return _open(Path(out), key)
    pixels, end = torch.empty(shape, dtype=torch.uint8), 0
    for chunk in chunks:
        pixels[end : end + len(chunk)] = chunk
        end += len(chunk)
    return StoredFrames(pixels, torch.from_numpy(offsets))


def _key(dataset: TrackletDataset, tracklets: Sequence[Tracklet], shape: tuple[int, ...]) -> str:
    """What the frames depend on, as a digest."""
    how = getattr(dataset.frames, "interpolation", "")
    state = hashlib.sha256(repr((dataset.name, dataset.version, how, shape)).encode())
    for tracklet in tracklets:
        state.update(repr((tracklet.row, tracklet.frames)).encode())
    return state.hexdigest()


def _check_room(need: int, size: str, out: Path | None) -> None:
    if out is None:
        place, free = "memory", _free_memory()
    else:
        place = str(out)
        free = shutil.disk_usage(next(p for p in out.absolute().parents if p.exists())).free
    if need > free:
        raise ReidError(
            f"{size}, do not fit {place}, where {free / 2**20:,.0f} MiB are free: "
            "choose smaller frames or another place, or read from the image files"
        )


def _free_memory() -> float:
    """Bytes that can be had without swapping; no limit where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvail")), math.inf)


def _decode(
    tracklets: Sequence[Tracklet],
    source: FrameSource,
    shape: tuple[int, ...],
    size: str,
    threads: int | None,
    progress: bool,
) -> Iterator[Tensor]:
    """Every frame in order, in chunks of (up to CHUNK, 3, h, w)."""
    from tqdm import tqdm

    def read(job: tuple[Tracklet, range]) -> Tensor:
        chunk = source.read(*job)
        if chunk.shape[1:] != shape[1:]:
            raise ValueError(f"frames of {tuple(chunk.shape)}, asked for {shape[1:]}")
        return chunk

    jobs = (
        (t, range(start, min(start + CHUNK, len(t))))
        for t in tracklets
        for start in range(0, len(t), CHUNK)
    )
    threads = threads or os.cpu_count() or 1
    with tqdm(total=shape[0], desc=f"decoding {size}", unit="f", disable=not progress) as bar:
        for chunk in ahead(read, jobs, threads=threads, depth=2 * threads):
            bar.update(len(chunk))
            yield chunk


def _write(
    out: Path, key: str, shape: tuple[int, ...], offsets: np.ndarray, chunks: Iterator[Tensor]
) -> None:
    """The folder of a store, under a temporary name until it is whole."""
    part = out.with_name(f"{out.name}.{os.getpid()}.tmp")
    try:
        part.mkdir(parents=True)
        with (part / "pixels.npy").open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in chunks:
                file.write(chunk.numpy().tobytes())
        np.save(part / "offsets.npy", offsets)
        (part / "key.txt").write_text(key)
        part.rename(out)
    except OSError as error:
        raise ReidError(f"{out} cannot be written: {reason(error)}; name another folder") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _open(out: Path, key: str) -> StoredFrames:
    try:
        found = (out / "key.txt").read_text()
        if found != key:
            raise ValueError("it holds the frames of other data, or of another size")
        # "c" is copy on write: nothing can reach the file, and torch asks for a writable array.
        pixels = np.load(out / "pixels.npy", mmap_mode="c")
        return StoredFrames(
            torch.from_numpy(pixels), torch.from_numpy(np.load(out / "offsets.npy"))
        )
    except (OSError, ValueError) as error:
        raise ReidError(f"{out} is not the store of these frames ({error}); remove it") from error
