"""Promenade in MARS's layout on disk: JPEG frames, tables, name lists, and the truth beside them.

Frames are written by several processes in jobs of a few hundred; a finished job leaves a mark with
the bytes of its files, so a second call does only what is missing or cut short. The tables come
last: without them no reader takes the folder for a whole data set.
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
import torch
from torch import Tensor

from reidlib.data.promenade.census import Census, take_census
from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.settings import VERSION, Settings, resolve
from reidlib.data.promenade.truth import part_boxes
from reidlib.data.promenade.truth_files import JOB, TRUTH, columns, frames_file, store
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import reason, whole_file, write_text

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

    what: a data set that `load` gave, or its settings. processes: None is one a core, as far as
    2 GiB of memory go. truth: also `promenade_truth/frames_<job>.npz` and `tracklets.npz` (what is
    true of whole tracklets, by row), see `truth_files.read_truth`.
    Raises:
        ReidError: a data set that is not Promenade's, no room, the folder holds something else,
            or it cannot be written.
    """
    settings = resolve(what if isinstance(what, Settings) else _request(what))
    out, census = Path(out), take_census(settings)
    jobs = -(-int(census.offsets[-1]) // JOB)
    try:
        _claim(out, settings)
        missing = _missing(census, out, jobs, truth, progress)
        _check_room(out, settings, sum(len(_span(census, job)[0]) for job in missing))
        request = {"version": VERSION, "digest": settings.digest(), **asdict(settings)}
        write_text(out / TRUTH / "request.json", json.dumps(request, indent=1))
        work = [(settings, out, job, truth) for job in missing]
        _run(work, int(census.offsets[-1]), processes or _processes(settings), progress)
        if truth:
            store(out / TRUTH / "tracklets.npz", columns(_stage(settings)))
        _tables(census, out)
    except OSError as error:
        raise ReidError(f"cannot write to {out}: {reason(error)}") from error
    return out


def _request(dataset: TrackletDataset) -> Settings:
    if "request" not in dataset.settings:
        raise ReidError(
            f"write_mars draws Promenade, and this is {dataset.name} (version {dataset.version}); "
            "give it what promenade.load gave, or promenade.Settings"
        )
    request: Settings = dataset.settings["request"]
    return request


def _mark(out: Path, job: int) -> Path:
    return out / TRUTH / "jobs" / f"{job:06d}"


def _span(census: Census, job: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a job's frames, and their places within them."""
    return census.places(job * JOB, min((job + 1) * JOB, int(census.offsets[-1])))


def _names(census: Census, job: int) -> list[str]:
    """The job's frame files, relative to the root; each tracklet's names are made once."""
    rows, frames = _span(census, job)
    names = {row: census.names(row) for row in np.unique(rows).tolist()}
    return [names[row][frame] for row, frame in zip(rows.tolist(), frames.tolist())]


def _sizes(census: Census, out: Path, job: int, truth: bool) -> dict[str, int]:
    """How many files a finished job has on the disk, and how large they are."""
    names = _names(census, job)
    sizes = {"frames": len(names), "bytes": sum((out / name).stat().st_size for name in names)}
    if truth:
        sizes["truth"] = frames_file(out, job).stat().st_size
    return sizes


def _missing(census: Census, out: Path, jobs: int, truth: bool, progress: bool) -> list[int]:
    """Jobs without a mark, or whose files are not as many and as large as it says."""
    from tqdm import tqdm

    def whole(job: int) -> bool:
        try:
            mark = json.loads(_mark(out, job).read_text(encoding="utf-8"))
            return bool(_sizes(census, out, job, truth).items() <= mark.items())
        except (OSError, ValueError, AttributeError):
            return False

    every = tqdm(range(jobs), desc="What is there", unit=" jobs", delay=1.0, disable=not progress)
    return [job for job in every if not whole(job)]


def _claim(out: Path, settings: Settings) -> None:
    """Refuse a folder that is neither new nor the same request's."""
    card = out / TRUTH / "request.json"
    if not card.exists():
        if out.exists() and any(out.iterdir()):
            raise ReidError(f"{out} is not empty and holds another data set; choose a new folder")
        return
    try:
        request = json.loads(card.read_text(encoding="utf-8"))
        digest, version = request["digest"], request["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReidError(
            f"{card} is damaged, so what {out} holds is not known; delete {out} or choose a new "
            "folder"
        ) from error
    if version != VERSION:
        raise ReidError(
            f"{out} was rendered by version {version} of Promenade, this is version {VERSION}; "
            "delete it to render it again, or choose a new folder"
        )
    if digest != settings.digest():
        raise ReidError(f"{out} is not empty and holds another data set; choose a new folder")


def _check_room(out: Path, settings: Settings, frames: int) -> None:
    """Whether the frames that are still to be written fit on the disk."""
    pixels = settings.height * settings.width
    # A JPEG of a noisy frame takes about four bits a pixel, and a block of the disk at least; a
    # frame's truth half a bit a pixel and its part in the tables.
    need = frames * (max(4096, pixels // 2) + pixels // 16 + 512)
    place = next(parent for parent in (out, *out.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < need:
        raise ReidError(
            f"{frames} frames need about {need / 1e6:,.0f} MB and {place} has {free / 1e6:,.0f} MB "
            "left; choose another folder, a smaller size or smaller frames"
        )


def _processes(settings: Settings) -> int:
    """One a core that this program may use, as far as 2 GiB of memory go."""
    able = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if able else os.cpu_count() or 1
    each = 400 + settings.height * settings.width // 128  # MiB of its own, as measured
    return max(1, min(cores, (2048 - 600) // each))  # 600: this process, and what all share


def _run(work: list[Job], frames: int, processes: int, progress: bool) -> None:
    from tqdm import tqdm

    count = min(processes, len(work))
    there = max(0, frames - len(work) * JOB)
    with tqdm(total=frames, initial=there, unit=" frames", delay=1.0, desc="MARS layout",
              disable=not progress) as bar:  # fmt: skip
        bar.refresh()  # at once: the first job may take a while
        for _ in _done(work, count):
            bar.update(min(JOB, frames - bar.n))


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
    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _stage(settings: Settings) -> Stage:
    return Stage(settings, take_census(settings))


def _write(job: Job) -> None:
    """The frames of one job, and their truth in one file; then the mark."""
    settings, root, number, truth = job
    stage = _stage(settings)
    rows, frames = _span(stage.census, number)
    names = _names(stage.census, number)
    step = max(1, _PIXELS // (settings.height * settings.width))
    known: list[dict[str, np.ndarray]] = []
    for at in range(0, len(rows), step):
        some, those = rows[at : at + step], frames[at : at + step]
        paths = [root / name for name in names[at : at + step]]
        _save(stage.frames(some, those), paths, f".{number}.partial")
        if truth:
            told = stage.truth(some, those)
            told["part_boxes"] = part_boxes(told["parts"])
            known.append({name: values.numpy() for name, values in told.items()})
    if truth:
        joined = {name: np.concatenate([k[name] for k in known]) for name in known[0]}
        store(frames_file(root, number), joined | {"rows": rows, "frames": frames})
    sizes = _sizes(stage.census, root, number, truth)
    write_text(_mark(root, number), json.dumps(sizes))


def _save(pictures: Tensor, paths: list[Path], suffix: str) -> None:
    from PIL import Image

    for picture, path in zip(pictures.permute(0, 2, 3, 1).numpy(), paths, strict=True):
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
