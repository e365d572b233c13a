"""Promenade in MARS's layout on disk: JPEG frames, tables and name lists, truth in a folder of its own.

Frames are written by several processes in jobs of a few hundred; a finished job leaves a mark, so a
second call does only what is missing. The tables come last: without them no reader takes the
folder for a whole data set.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np

from reidlib.data.promenade.census import Census, take_census
from reidlib.data.promenade.settings import VERSION, Settings
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError

_JOB = 512  # frames
_QUALITY = 95
TRUTH = "promenade_truth"


def write_mars(
    what: TrackletDataset | Settings,
    out: Path | str,
    *,
    processes: int | None = None,
    truth: bool = True,
    progress: bool = True,
) -> Path:
    """Write a request in MARS's layout into the folder `out`; run again, it goes on where it stopped.

    Raises:
        ReidError: no room, the folder belongs to another request, or it cannot be written.
    """
    settings = what if isinstance(what, Settings) else what.settings["request"]
    out = Path(out)
    census = take_census(settings)
    marks = out / TRUTH / "jobs"
    try:
        _claim(out, settings, census)
        marks.mkdir(parents=True, exist_ok=True)
        jobs = [job for job in range(_jobs(census)) if not (marks / f"{job:06d}").exists()]
        _run(jobs, settings, out, processes, truth, progress)
        _tables(census, out)
    except OSError as error:
        raise ReidError(f"cannot write to {out}: {error.strerror}") from error
    return out


def _jobs(census: Census) -> int:
    return -(-int(census.offsets[-1]) // _JOB)


def _claim(out: Path, settings: Settings, census: Census) -> None:
    """Take a new folder, or the same request's unfinished one; check the space."""
    card = out / TRUTH / "request.json"
    request = {"version": VERSION, "digest": settings.digest(), **asdict(settings)}
    text = json.dumps(request, indent=1)
    if card.exists() and json.loads(card.read_text())["digest"] == settings.digest():
        return
    if out.exists() and any(out.iterdir()):
        raise ReidError(f"{out} is not empty and holds another data set; choose a new folder")
    total = int(census.offsets[-1])
    # A JPEG of a noisy frame takes about two bits a pixel and at least a block of the file system.
    need = total * max(4096, settings.height * settings.width // 3) + total * 512
    place = next(p for p in (out, *out.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < need:
        raise ReidError(
            f"{total} frames need about {need / 1e9:.1f} GB, {place} has {free / 1e9:.1f} GB left; "
            "choose another folder, a smaller size or smaller frames"
        )
    card.parent.mkdir(parents=True, exist_ok=True)
    beside = card.with_suffix(".partial")
    beside.write_text(text)
    beside.replace(card)


def _run(
    jobs: list[int], settings: Settings, out: Path, processes: int | None, truth: bool, progress: bool
) -> None:  # fmt: skip
    from tqdm import tqdm

    count = min(processes or os.cpu_count() or 1, max(len(jobs), 1))
    work = ((settings, str(out), job, truth) for job in jobs)
    with tqdm(
        total=len(jobs) * _JOB, unit="frame", desc="MARS layout", disable=not progress, delay=1.0
    ) as bar:
        for _ in _mapped(work, count):
            bar.update(_JOB)


def _mapped(work: Iterator[tuple], count: int) -> Iterator[None]:
    if count == 1:
        yield from map(_job, work)
        return
    # A fresh interpreter each: forking a process whose tensor library has threads can hang.
    with multiprocessing.get_context("spawn").Pool(count, initializer=_one_thread) as pool:
        yield from pool.imap_unordered(_job, work)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _stage(settings: Settings):  # type: ignore[no-untyped-def]
    from reidlib.data.promenade.render import Stage

    return Stage(settings, take_census(settings))


def _job(work: tuple[Settings, str, int, bool]) -> None:
    """Write the frames of one job, and their truth in one file."""
    from PIL import Image

    settings, out, job, truth = work
    stage, root = _stage(settings), Path(out)
    census = stage.census
    first, last = job * _JOB, min((job + 1) * _JOB, int(census.offsets[-1]))
    every = np.arange(first, last)
    rows = np.searchsorted(census.offsets, every, side="right") - 1
    numbers = every - census.offsets[rows]
    step = max(1, 32 * 256 * 128 // (settings.height * settings.width))
    found: list[dict[str, np.ndarray]] = []
    for at in range(0, len(every), step):
        some, those = rows[at : at + step], numbers[at : at + step]
        pictures = stage.frames(some, those).permute(0, 2, 3, 1).numpy()
        for picture, row, number in zip(pictures, some, those):
            path = root / census.names(row)[number]
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(f".{job}.partial")
            Image.fromarray(picture).save(beside, format="JPEG", quality=_QUALITY, subsampling=0)
            beside.replace(path)
        if truth:
            known = stage.truth(some, those)
            found.append({name: values.numpy() for name, values in known.items()})
    folder = root / TRUTH
    if truth:
        joined = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
        joined["mask"], joined["visible"] = (
            np.packbits(joined["mask"]),
            np.packbits(joined["visible"]),
        )
        with (folder / f"frames_{job:06d}.partial").open("wb") as file:
            np.savez_compressed(file, first=first, **joined)
        (folder / f"frames_{job:06d}.partial").replace(folder / f"frames_{job:06d}.npz")
    (folder / "jobs" / f"{job:06d}").touch()


def _tables(census: Census, out: Path) -> None:
    """Name lists and the three MATLAB tables."""
    from scipy.io import savemat

    info = out / "info"
    info.mkdir(exist_ok=True)
    for name, mask in (("train", census.train), ("test", ~census.train)):
        (out / f"bbox_{name}").mkdir(exist_ok=True)
        rows = np.flatnonzero(mask)
        last = np.cumsum(census.length[rows])
        first = last - census.length[rows] + 1
        table = np.stack([first, last, census.person[rows], census.camera[rows] + 1], 1)
        _replace(
            info / f"{name}_name.txt",
            "".join(f"{Path(n).name}\r\n" for row in rows for n in census.names(row)).encode(),
        )
        _matlab(
            savemat, info / f"tracks_{name}_info.mat", f"track_{name}_info", table.astype(np.int32)
        )
    query = np.flatnonzero(census.query[~census.train]) + 1
    _matlab(savemat, info / "query_IDX.mat", "query_IDX", query[None].astype(np.uint16))


def _matlab(savemat, path: Path, name: str, values: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    beside = path.with_suffix(".partial")
    savemat(beside, {name: values}, appendmat=False)
    beside.replace(path)


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".partial")
    beside.write_bytes(content)
    beside.replace(path)
