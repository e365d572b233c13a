"""Promenade in MARS's layout on disk: JPEG frames, tables, name lists, and the truth beside them.

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
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np

from reidlib.data.promenade.census import Census, take_census
from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.settings import VERSION, Settings, resolve
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import reason, whole_file, write_text

TRUTH = "promenade_truth"  # the folder that MARS's readers ignore
_JOB = 512  # frames
_PIXELS = 12 * 256 * 128  # drawn together
_QUALITY = 95

Job = tuple[Settings, Path, int, bool]


def write_mars(
    what: TrackletDataset | Settings,
    out: Path | str,
    *,
    processes: int | None = None,
    truth: bool = True,
    progress: bool = True,
) -> Path:
    """Write a request in MARS's layout into the folder `out`. Run again, it goes on.

    what: a data set that `load` gave, or its settings. processes: None is one a core.
    truth: also `promenade_truth/frames_<job>.npz`, see `reidlib.data.promenade.truth`.
    Raises:
        ReidError: no room, the folder holds something else, or it cannot be written.
    """
    settings = resolve(what if isinstance(what, Settings) else what.settings["request"])
    out, census = Path(out), take_census(settings)
    marks = out / TRUTH / "jobs"
    try:
        _claim(out, settings, census)
        marks.mkdir(parents=True, exist_ok=True)
        jobs = -(-int(census.offsets[-1]) // _JOB)
        missing = [job for job in range(jobs) if not _mark(marks, job, truth).exists()]
        _run([(settings, out, job, truth) for job in missing], jobs, processes, progress)
        _tables(census, out)
    except OSError as error:
        raise ReidError(f"cannot write to {out}: {reason(error)}") from error
    return out


def _mark(marks: Path, job: int, truth: bool) -> Path:
    return marks / f"{job:06d}{'-truth' if truth else ''}"


def _claim(out: Path, settings: Settings, census: Census) -> None:
    """Take a new folder, or the same request's unfinished one; check the space."""
    card = out / TRUTH / "request.json"
    if card.exists() and json.loads(card.read_text()).get("digest") == settings.digest():
        return
    if out.exists() and any(out.iterdir()):
        raise ReidError(f"{out} is not empty and holds another data set; choose a new folder")
    total = int(census.offsets[-1])
    # A JPEG of a noisy frame takes about three bits a pixel, and a block of the disk at least.
    need = total * max(4096, settings.height * settings.width * 3 // 8) + total * 512
    place = next(parent for parent in (out, *out.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < need:
        raise ReidError(
            f"{total} frames need about {need / 1e6:,.0f} MB and {place} has {free / 1e6:,.0f} MB "
            "left; choose another folder, a smaller size or smaller frames"
        )
    request = {"version": VERSION, "digest": settings.digest(), **asdict(settings)}
    write_text(card, json.dumps(request, indent=1))


def _run(work: list[Job], jobs: int, processes: int | None, progress: bool) -> None:
    from tqdm import tqdm

    count = min(processes or os.cpu_count() or 1, len(work))
    with tqdm(total=jobs * _JOB, initial=(jobs - len(work)) * _JOB, unit=" frames", delay=1.0,
              desc="MARS layout", disable=not progress) as bar:  # fmt: skip
        for _ in _done(work, count):
            bar.update(_JOB)


def _done(work: list[Job], count: int) -> Iterator[None]:
    """Jobs as they are finished, here or in `count` processes."""
    if count <= 1:
        yield from map(_write, work)
        return
    # Fresh interpreters: forking a process whose tensor library has threads can hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=spawn, initializer=_one_thread) as pool:
        try:
            yield from pool.map(_write, work)
        except BrokenProcessPool as error:
            raise ReidError(
                "a process that was drawing frames was killed (out of memory?); what it had "
                "finished is kept, run the same command again"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _stage(settings: Settings) -> Stage:
    return Stage(settings, take_census(settings))


def _write(job: Job) -> None:
    """The frames of one job, and their truth in one file; then the mark."""
    settings, root, number, truth = job
    stage = _stage(settings)
    total = int(stage.census.offsets[-1])
    rows, frames = stage.census.places(number * _JOB, min((number + 1) * _JOB, total))
    step = max(1, _PIXELS // (settings.height * settings.width))
    known: list[dict[str, np.ndarray]] = []
    for at in range(0, len(rows), step):
        some, those = rows[at : at + step], frames[at : at + step]
        _save(stage, root, some, those, f".{number}.partial")
        if truth:
            known.append({k: v.numpy() for k, v in stage.truth(some, those).items()})
    if truth:
        joined = {name: np.concatenate([k[name] for k in known]) for name in known[0]}
        joined |= {"rows": rows, "frames": frames}
        target = root / TRUTH / f"frames_{number:06d}.npz"
        with whole_file(target) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **joined)
    _mark(root / TRUTH / "jobs", number, truth).touch()


def _save(stage: Stage, root: Path, rows: np.ndarray, frames: np.ndarray, suffix: str) -> None:
    from PIL import Image

    pictures = stage.frames(rows, frames).permute(0, 2, 3, 1).numpy()
    for picture, row, frame in zip(pictures, rows.tolist(), frames.tolist()):
        path = root / stage.census.names(row)[frame]
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(suffix)
        Image.fromarray(picture).save(beside, format="JPEG", quality=_QUALITY, subsampling=0)
        beside.replace(path)


def _tables(census: Census, out: Path) -> None:
    """Name lists with CRLF line ends, and the three MATLAB tables."""
    for name, mask in (("train", census.train), ("test", ~census.train)):
        (out / f"bbox_{name}").mkdir(exist_ok=True)
        rows = np.flatnonzero(mask)
        last = np.cumsum(census.length[rows])
        first = last - census.length[rows] + 1
        table = np.stack([first, last, census.person[rows], census.camera[rows] + 1], 1)
        lines = (Path(n).name for row in rows.tolist() for n in census.names(row))
        with whole_file(out / "info" / f"{name}_name.txt") as temporary:
            temporary.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
        _matlab(out / "info" / f"tracks_{name}_info.mat", f"track_{name}_info", table, np.int32)
    query = np.flatnonzero(census.query[~census.train]) + 1
    _matlab(out / "info" / "query_IDX.mat", "query_IDX", query[None], np.uint16)


def _matlab(path: Path, name: str, values: np.ndarray, kind: type) -> None:
    from scipy.io import savemat

    with whole_file(path) as temporary, temporary.open("wb") as file:
        savemat(file, {name: values.astype(kind)})
