"""Promenade: rendered people walking past cameras, unlimited, deterministic, with ground truth.

    ds = promenade.load(size="small", scenario="street", world=0)   # cached tensors
    promenade.write_mars(ds, "data/promenade-mars")                  # the same, as MARS on disk

Nobody in it exists. A score on it says nothing about MARS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from reidlib.data.frames import StoredFrames
from reidlib.data.promenade.body import PARTS
from reidlib.data.promenade.cache import BLOCK, default_folder, opened
from reidlib.data.promenade.census import Census, take_census
from reidlib.data.promenade.disk import write_mars
from reidlib.data.promenade.illnesses import FAULTS, OCCLUDERS
from reidlib.data.promenade.people import ATTRIBUTES, describe
from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS, SIZES, VERSION, Settings, resolve
from reidlib.data.promenade.sheet import contact_sheet, save_picture
from reidlib.data.promenade.truth import RenderedTruth
from reidlib.data.promenade.truth_files import read_truth
from reidlib.data.tracklets import Tracklet, TrackletDataset, relabel
from reidlib.errors import ReidError

_PIXELS = 512 * 64 * 32  # drawn together; larger batches fall out of the processor's cache
_ROOM = 512  # bytes of a graphics card for each pixel that is drawn; it takes a part of that


def load(
    size: str = "small",
    scenario: str = "street",
    *,
    world: int = 0,
    height: int = 64,
    width: int = 32,
    evaluate: Literal["test", "validation", "none"] = "test",
    subset: Literal["train", "pretrain", "none"] = "train",
    cache: Path | str | None = None,
    cameras: int = 6,
    strengths: Mapping[str, float] | None = None,
    family: int = 3,
    lengths: tuple[int, int] | tuple[int, int, float] | None = None,
    people: Mapping[str, int] | None = None,
    backdrop: int = 0,
    device: str = "cpu",
    workers: int = 2,
    progress: bool = True,
) -> TrackletDataset:
    """Promenade in memory: frames rendered once, cached, memory-mapped.

    Args:
        size: how many people: "tiny" (16 + 16), "small" (420 + 450), "mars" (MARS's counts; its
            validation and pretraining people, and any with `people`, are no part of MARS and have
            2 to 920 frames, each number as likely as another).
        scenario: which illnesses: "clean", one of ILLNESSES alone, or "street", all of them.
        world: the data seed: other people, other cameras.
        evaluate: whose tracklets are query and gallery. "none" renders training people only.
        subset: who `train` is; "pretrain" people are in no split; "none" renders test people only.
        strengths: illness -> 0..1, replacing the scenario's.
        family: people per look-alike family, 2 to 6.
        lengths: fewest and most frames a tracklet, each number between as likely as another; or
            (fewest, most, mean), many short and a few long. people: set -> number, of "train",
            "validation", "test", "pretrain". Both replace the size's.
        backdrop: the same walks before the scenery of another camera, this many further on.
        workers: threads that draw, each a batch of its own.
        device: where to draw; the pixels do not depend on it beyond one grey level.

    Raises:
        ReidError: a name, number or device that does not exist, no room for the frames.
    """
    _able_to_draw(device, workers)
    request = Settings(size, scenario, world, height, width, evaluate, subset, cameras, (), family,
                       lengths, (), backdrop)  # fmt: skip
    settings = resolve(request, strengths, people)
    census = take_census(settings)
    stage = Stage(settings, census, device)
    folder = Path(cache) if cache is not None else default_folder()
    draw = _drawer(stage, _batch(settings, torch.device(device), workers))
    frames = opened(folder, settings, census, draw, workers=workers, progress=progress)
    return _dataset(settings, census, frames, stage)


def _able_to_draw(device: str, workers: int) -> None:
    if not isinstance(workers, int) or workers < 1:
        raise ReidError(f"workers is {workers!r}; drawing takes at least 1 thread")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ImportError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ReidError(f"no device {device!r} here ({reason}); try device='cpu'") from error


def _batch(settings: Settings, device: torch.device, workers: int) -> int:
    """Frames to draw together: what fits a processor's cache, or keeps a graphics card busy."""
    pixels = _PIXELS
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        pixels = free // (workers * _ROOM)
    return min(BLOCK, max(1, pixels // (settings.height * settings.width)))


def _drawer(stage: Stage, step: int) -> Callable[[int, int], NDArray[np.uint8]]:
    """A function that draws the frames first..last of all frames, `step` at a time."""

    def draw(first: int, last: int) -> NDArray[np.uint8]:
        rows, frames = stage.census.places(first, last)
        batches = [slice(at, at + step) for at in range(0, len(rows), step)]
        return np.concatenate([stage.frames(rows[b], frames[b]).cpu().numpy() for b in batches])

    return draw


def _dataset(
    settings: Settings, census: Census, frames: StoredFrames, stage: Stage
) -> TrackletDataset:
    rows = [
        Tracklet(
            row,
            census.names(row),
            int(census.person[row]),
            int(census.camera[row]),
            int(census.person[row]),
            int(census.camera[row]) + 1,
        )
        for row in range(len(census))
    ]
    return TrackletDataset(
        name="promenade",
        version=VERSION,
        protocol="MARS protocol B: one query per person and camera, the gallery is every test "
        "tracklet, queries and distractors included, junk skipped",
        train=relabel([t for t in rows if census.train[t.row]]),
        query=tuple(t for t in rows if census.query[t.row]),
        gallery=tuple(t for t in rows if not census.train[t.row]),
        frames=frames,
        truth=RenderedTruth(stage),
        junk_pids=(-1,),
        settings={
            "request": settings,
            "scenario": settings.scenario,
            "size": settings.size,
            "world": settings.world,
            "height": settings.height,
            "width": settings.width,
            "evaluate": settings.evaluate,
            "subset": settings.subset,
            "cameras": settings.cameras,
            "strengths": settings.strength,
            "family": settings.family,
            "digest": settings.digest(),
            **_unusual(settings),
        },
    )


def _unusual(settings: Settings) -> dict[str, Any]:
    """What few requests name and a record must repeat all the same; the rest stay as they were."""
    lengths = list(settings.lengths) if settings.lengths else None  # as a record has it
    told = {"lengths": lengths, "people": dict(settings.people)}
    return {k: v for k, v in {**told, "backdrop": settings.backdrop}.items() if v}


def attributes(dataset: TrackletDataset, tracklet: Tracklet) -> dict[str, str]:
    """The tracklet's person in words."""
    truth = dataset.truth
    assert isinstance(truth, RenderedTruth)
    return describe(truth.stage.traits, tracklet.row)


__all__ = [
    "ATTRIBUTES", "FAULTS", "ILLNESSES", "OCCLUDERS", "PARTS", "SCENARIOS", "SIZES", "VERSION",
    "RenderedTruth", "Settings", "attributes", "contact_sheet", "load", "read_truth", "resolve",
    "save_picture", "write_mars",
]  # fmt: skip
