"""Things of the street as strokes: cars, posts and trees, sized in metres, many at once."""

from __future__ import annotations

import torch
from torch import Tensor

from reidlib.data.promenade.strokes import Pen


def _rgb(pen: Pen, *colour: float) -> Tensor:
    return torch.tensor(colour, device=pen.frame.device)[:, None].expand(3, pen.figures)


def car(pen: Pen, x: Tensor, y: Tensor, metre: Tensor, paint: Tensor, shown: Tensor) -> None:
    """A car from the side, its wheels on the ground at y. metre: pixels; shown: opacity."""

    def at(right: float, up: float) -> tuple[Tensor, Tensor]:
        return x + right * metre, y - up * metre

    def wide(half: float) -> tuple[Tensor, Tensor, Tensor]:
        return (half * metre,) * 3

    dark, glass = _rgb(pen, 0.07, 0.07, 0.08), _rgb(pen, 0.24, 0.29, 0.33)
    pen.stroke(at(-1.7, 0.05), at(1.7, 0.05), wide(0.10), dark * 0.5, part=0, depth=-0.5,
               opacity=shown * 0.5, sharp=6.0 / metre, ghost=True, flat=0.0)  # fmt: skip
    pen.stroke(at(-0.25, 1.36), at(-0.25, 0.80), (0.85 * metre, 1.12 * metre, 1.36 * metre), paint,
               part=0, depth=0.0, caps=(7.0, 0.0), cut=0.0, opacity=shown, flat=0.5)  # fmt: skip
    pen.stroke(at(-0.25, 1.29), at(-0.25, 0.92), (0.80 * metre, 1.02 * metre, 1.21 * metre), glass,
               part=0, depth=0.1, caps=(9.0, 0.0), cut=0.0, opacity=shown, flat=0.4)  # fmt: skip
    pen.stroke(at(-0.30, 1.38), at(-0.30, 0.85), wide(0.05), paint, part=0, depth=0.2,
               opacity=shown, flat=0.5)  # fmt: skip
    pen.stroke(at(-1.78, 0.60), at(1.78, 0.55), (0.30 * metre, 0.33 * metre, 0.28 * metre), paint,
               part=0, depth=0.3, caps=(1.5, 1.5), opacity=shown)  # fmt: skip
    pen.stroke(at(-1.75, 0.32), at(1.75, 0.32), wide(0.09), dark, part=0, depth=0.35, opacity=shown)
    for wheel in (-1.22, 1.20):
        spot = at(wheel, 0.31)
        pen.stroke(spot, spot, wide(0.31), dark, part=0, depth=0.4, opacity=shown, ball=0.2)
        pen.stroke(spot, spot, wide(0.17), _rgb(pen, 0.55, 0.56, 0.58), part=0, depth=0.5,
                   opacity=shown, ball=0.3)  # fmt: skip
    for lamp, tint in ((-2.0, (0.75, 0.16, 0.14)), (2.0, (0.95, 0.92, 0.80))):
        spot = at(lamp, 0.66)
        pen.stroke(spot, spot, wide(0.08), _rgb(pen, *tint), part=0, depth=0.5, opacity=shown)


def post(
    pen: Pen, x: Tensor, y: Tensor, metre: Tensor, half: Tensor, paint: Tensor, shown: Tensor
) -> None:
    """A lamp post or a trunk, half as thick as `half` metres, taller than any frame."""
    radius = half * metre
    pen.stroke((x - radius, y), (x + radius * 3.0, y), (radius * 0.5,) * 3, paint * 0.1, part=0,
               depth=-0.5, opacity=shown * 0.4, sharp=2.0 / radius.clamp(min=1.0), ghost=True,
               flat=0.0)  # fmt: skip
    pen.stroke((x, y - 5.0 * metre), (x, y), (radius,) * 3, paint, part=0, depth=0.0, cut=0.0,
               caps=(1.0, 0.0), opacity=shown)  # fmt: skip
    pen.stroke((x, y - 0.30 * metre), (x, y), (radius * 1.15, radius * 1.3, radius * 1.45),
               paint * 0.8, part=0, depth=0.1, cut=0.0, caps=(4.0, 0.0), opacity=shown)  # fmt: skip


def edge(pen: Pen, x: Tensor, y: Tensor, metre: Tensor, shown: Tensor) -> None:
    """Where the camera's picture ends: black from x to the right or, with negative metre, left."""
    middle, half = x + 4.0 * metre, (4.0 * metre).abs()
    pen.stroke((middle, y - 3.0 * half), (middle, y + 3.0 * half), (half,) * 3,
               _rgb(pen, 0.02, 0.02, 0.02), part=0, depth=0.0, caps=(9.0, 0.0), cut=0.0,
               opacity=shown, flat=0.0)  # fmt: skip


def tree(pen: Pen, x: Tensor, y: Tensor, metre: Tensor, leaf: Tensor, luck: list[Tensor]) -> None:
    """A trunk and a crown of soft balls. luck: eight numbers in 0..1 per tree."""
    trunk = _rgb(pen, 0.30, 0.24, 0.19)
    pen.stroke((x, y - 3.0 * metre), (x, y), (0.10 * metre, 0.12 * metre, 0.20 * metre), trunk,
               part=0, depth=0.0, cut=0.0, caps=(1.0, 0.0))  # fmt: skip
    for k in range(8):
        right = (luck[k] - 0.5) * 2.6
        up = 2.5 + 1.5 * luck[(k + 3) % 8]
        spot = (x + right * metre, y - up * metre)
        tone = 0.72 + 0.5 * luck[(k + 5) % 8]
        pen.stroke(spot, spot, ((0.45 + 0.40 * luck[(k + 1) % 8]) * metre,) * 3, leaf * tone,
                   part=0, depth=0.1 + 0.01 * k, sharp=5.0 / metre, ball=1.0)  # fmt: skip
