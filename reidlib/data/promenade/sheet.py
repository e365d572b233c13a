"""Contact sheets: people, cameras and frames side by side, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reidlib.data.promenade.cache import one_thread_each
from reidlib.data.promenade.census import take_census
from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.settings import Settings, resolve
from reidlib.errors import ReidError
from reidlib.files import whole_file

_PAPER = 250  # grey level between the frames


def contact_sheet(
    scenarios: str | Sequence[str] = "street",
    *,
    people: int = 4,
    first: int = 0,
    every: int = 1,
    cameras: int = 2,
    frames: int = 4,
    world: int = 0,
    height: int = 256,
    width: int = 128,
    gap: int = 4,
    strengths: dict[str, float] | None = None,
    **settings: Any,
) -> NDArray[np.uint8]:
    """uint8 (h, w, 3): a row for each person and scenario, a block of frames for each camera.

    The test people from number `first` on, `every` so many; each block shows `frames` frames of one
    tracklet at equal steps. Several scenarios show the same tracklets under each, so that the eye
    can compare. strengths replace the scenarios' own; settings are those of `load`, family and
    lengths say.
    """
    names = [scenarios] if isinstance(scenarios, str) else list(scenarios)
    if not names or min(frames, cameras) < 1 or gap < 0:
        raise ReidError(
            f"a sheet has at least one scenario, frame and camera, and no negative gap: not "
            f"{len(names)} scenarios, frames {frames}, cameras {cameras}, gap {gap}"
        )
    lines: list[NDArray[np.uint8]] = []
    stages = []
    for name in names:
        request = Settings("small", name, world, height, width, subset="none", **settings)
        resolved = resolve(request, strengths)
        stages.append(Stage(resolved, take_census(resolved)))
    census = stages[0].census
    everyone = np.unique(census.person[census.person > 0])
    shown = everyone[first::every][:people] if first >= 0 < every else everyone[:0]
    if not len(shown):
        raise ReidError(
            f"nobody to show: people {people}, first {first}, every {every}, of {len(everyone)} "
            "test people; people and every are from 1, first from 0 to one less than all"
        )
    for person in shown:
        rows = np.flatnonzero(census.person == person)
        _, once = np.unique(census.camera[rows], return_index=True)
        rows = rows[once][:cameras]
        places = [np.linspace(0, census.length[row] - 1, frames).astype(np.int64) for row in rows]
        for stage in stages:
            with one_thread_each():
                pictures = stage.frames(np.repeat(rows, frames), np.concatenate(places))
            lines.append(_line(pictures.permute(0, 2, 3, 1).cpu().numpy(), frames, cameras, gap))
    return np.concatenate([_framed(line, gap) for line in lines])


def _line(pictures: NDArray[np.uint8], frames: int, blocks: int, gap: int) -> NDArray[np.uint8]:
    """(n, h, w, 3) side by side, a gap after every block, empty paper where one is missing."""
    _, h, w, _ = pictures.shape
    paper = np.full((h, blocks * (frames * w + gap) - gap, 3), _PAPER, dtype=np.uint8)
    for i, picture in enumerate(pictures):
        left = i * w + i // frames * gap
        paper[:, left : left + w] = picture
    return paper


def _framed(line: NDArray[np.uint8], gap: int) -> NDArray[np.uint8]:
    return np.pad(line, ((0, gap), (0, 0), (0, 0)), constant_values=_PAPER)


def save_picture(picture: NDArray[np.uint8], path: Path | str) -> Path:
    """Write an array (h, w, 3) as PNG, JPEG or WebP, by the name's ending."""
    from PIL import Image

    path = Path(path)
    kind = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(
        path.suffix.lower()
    )
    if kind is None:
        raise ReidError(f"{path} is no picture: its name ends in .png, .jpg, .jpeg or .webp")
    with whole_file(path) as temporary, temporary.open("wb") as file:
        Image.fromarray(picture).save(file, format=kind, quality=90, optimize=True)
    return path
