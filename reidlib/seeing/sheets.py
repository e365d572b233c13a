"""Promenade on paper: a sheet for each illness, none to full strength, and the README's picture.

Whom they show was chosen by eye, so that every kind of case is there; what they show is the
renderer's own, nothing retouched. `reid promenade sheets` draws them anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reidlib.errors import ReidError
from reidlib.files import whole_file

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
LIMIT = 240_000  # bytes of a picture
# Heading -> (tracklet's row, frame) of world 0's test people in `small`.
Shots = Mapping[str, tuple[tuple[int, int], ...]]
WHO: Mapping[str, Shots] = {
    "clutter": {
        "camera 3": ((238, 0), (238, 6), (238, 12)),
        "camera 2": ((302, 0), (302, 4), (302, 9)),
        "camera 6": ((317, 0), (317, 4), (317, 9)),
        "camera 5": ((353, 0), (353, 7), (353, 15)),
    },
    "occlusion": {
        "a passer-by": ((317, 5), (317, 7), (317, 9)),
        "a pole": ((639, 7), (639, 10), (639, 13)),
        "a car": ((609, 2), (609, 4), (609, 7)),
        "the picture's edge": ((749, 7), (749, 10), (749, 13)),
    },
    "misalignment": {
        "camera 1": ((264, 0), (264, 5), (264, 11)),
        "camera 2": ((296, 0), (296, 7), (296, 14)),
        "camera 5": ((554, 0), (554, 6), (554, 13)),
        "camera 3": ((624, 0), (624, 4), (624, 9)),
    },
    "lookalike": {
        "family of three": ((549, 4), (554, 4), (555, 4)),
        "another": ((512, 4), (516, 4), (518, 4)),
        "a third": ((296, 4), (299, 4), (303, 4)),
        "a fourth": ((523, 4), (526, 4), (535, 4)),
    },
    "corruption": {
        "motion blur": ((234, 3), (234, 5), (234, 8)),
        "noise": ((412, 3), (412, 7), (412, 9)),
        "exposure": ((264, 5), (264, 7), (264, 9)),
        "frozen": ((219, 3), (219, 4), (219, 6)),
        "somebody else": ((242, 0), (242, 2), (242, 8)),
    },
}
_PAPER, _INK, _GAP = 250, 40, 4


def illness_sheet(
    illness: str, *, height: int = 256, width: int = 128, shots: Shots | None = None
) -> NDArray[np.uint8]:
    """uint8 (h, w, 3): a row for each strength, the same frames of the same tracklets in each.

    shots: whom to show instead of those in WHO.
    """
    if illness not in WHO:
        raise ReidError(f"no illness {illness!r}; there are {', '.join(WHO)}")
    shots = shots or WHO[illness]
    lines = [_heads(list(shots), [len(some) for some in shots.values()], height, width)]
    for strength in STRENGTHS:
        line = strip(shots, {illness: strength}, height=height, width=width)
        label = _text(f"{strength:g}", len(line), _margin(height), height // 12)
        lines.append(np.concatenate([label, line], axis=1))
    return np.concatenate(lines)


def strip(
    shots: Shots, strengths: Mapping[str, float], *, height: int = 256, width: int = 128
) -> NDArray[np.uint8]:
    """uint8 (height + a gap, w, 3): the frames side by side, under illnesses of these strengths."""
    from reidlib.data.promenade.census import take_census
    from reidlib.data.promenade.render import Stage
    from reidlib.data.promenade.settings import Settings, resolve

    settings = resolve(Settings("small", "clean", 0, height, width, subset="none"), strengths)
    rows, frames = zip(*(shot for some in shots.values() for shot in some))
    stage = Stage(settings, take_census(settings))
    pictures = stage.frames(rows, frames).permute(0, 2, 3, 1).numpy()
    pieces, at = [], 0
    for some in shots.values():
        pieces += [np.concatenate(list(pictures[at : at + len(some)]), axis=1)]
        pieces += [_paper(height, _GAP)]
        at += len(some)
    line = np.concatenate(pieces[:-1], axis=1)
    return np.concatenate([line, _paper(_GAP, line.shape[1])])


def readme_picture() -> NDArray[np.uint8]:
    """uint8 (784, 872, 3): four people of four families, three cameras, street."""
    from reidlib.data.promenade.sheet import contact_sheet

    return contact_sheet(
        "street", first=90, every=3, people=4, cameras=3, frames=3, height=192, width=96
    )


def save_small(picture: NDArray[np.uint8], path: Path, limit: int = LIMIT) -> Path:
    """As a JPEG file of the best quality that takes at most `limit` bytes."""
    import io

    from PIL import Image

    for quality in range(92, 30, -4):
        held = io.BytesIO()
        Image.fromarray(picture).save(
            held, "JPEG", quality=quality, optimize=True, progressive=True
        )
        if held.tell() <= limit:
            break
    with whole_file(path) as temporary:
        temporary.write_bytes(held.getvalue())
    return path


def _heads(
    names: Sequence[str], sizes: Sequence[int], height: int, width: int
) -> NDArray[np.uint8]:
    """A line of words above the blocks."""
    high, letters = height // 8, height // 13
    pieces = [_text("strength", high, _margin(height), height // 18)]
    for name, size in zip(names, sizes):
        pieces += [_text(name, high, size * width, letters), _paper(high, _GAP)]
    return np.concatenate(pieces[:-1], axis=1)


def _margin(height: int) -> int:
    return height // 3


def _paper(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), _PAPER, np.uint8)


def _text(words: str, height: int, width: int, size: int) -> NDArray[np.uint8]:
    """Words in the middle of a piece of paper."""
    from PIL import Image, ImageDraw, ImageFont

    paper = Image.fromarray(_paper(height, width))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(paper)
    draw.text((width // 2, height // 2), words, (_INK,) * 3, font, anchor="mm")
    return np.asarray(paper)
