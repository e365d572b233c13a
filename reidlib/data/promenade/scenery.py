"""The street behind the people: one wide picture a camera, painted once, cut out behind each box.

Measured in units of 1.9 m at the distance where people walk. The picture closes on itself
sideways. At depth k (1 where people walk, less behind) the ground lies `Place.above * k` below the
horizon and everything is k times as large. Calm by itself; clutter adds posters, signs, parked
cars and bystanders in the colours people wear.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import props, raster
from reidlib.data.promenade.chance import Ints, choice, integer, uniform
from reidlib.data.promenade.facades import HIGH, HORIZON, METRE, WIDE, Facades, Place
from reidlib.data.promenade.figures import draw_figures
from reidlib.data.promenade.finish import to_bytes
from reidlib.data.promenade.people import CLOTH, draw_traits
from reidlib.data.promenade.strokes import Pen, Strokes


@lru_cache(maxsize=4)
def scenes(world: int, cameras: int, texels: int, clutter: float, device: str) -> Tensor:
    """uint8 (3, cameras, HIGH * texels, WIDE * texels): every camera's scenery."""
    every = [to_bytes(scene(world, c, texels, clutter, device)) for c in range(cameras)]
    return torch.stack(every, 1)


def scene(world: int, camera: int, texels: int, clutter: float, device: str) -> Tensor:
    """(3, HIGH * texels, WIDE * texels): the scenery of one camera, `texels` pixels a unit."""
    street = _Street(Place.of(world, camera), texels, clutter, torch.device(device))
    strokes = Strokes.joined(
        [street.fronts(), street.trees(), street.cars(), street.bystanders(world)]
    )
    high, wide = int(HIGH * texels), int(WIDE * texels)
    plan = raster.plan(strokes, 1, high, wide, (16, 16))
    canvas = plan.canvas(3).fill_(0.5)
    raster.paint(plan, strokes, canvas)
    return _uneven(plan.untile(canvas, high, wide)[0], world, camera, texels)


def _uneven(image: Tensor, world: int, camera: int, texels: int) -> Tensor:
    """Light and dirt at three sizes, so that no surface is dead flat."""
    _, high, wide = image.shape
    for size, strength in ((0.04, 0.05), (0.17, 0.06), (0.8, 0.13)):
        step = max(int(size * texels), 1)
        rows, columns = high // step + 2, wide // step + 2
        key = integer("texture", world, camera, int(100 * size))
        knots = uniform("knot", key, np.arange(rows)[:, None], np.arange(columns))
        knots[:, -2:] = knots[:, :2]
        field = torch.from_numpy(knots).float().to(image.device)
        y, x = (torch.arange(n, device=image.device) for n in (high, wide))
        fy, fx = (y % step).float()[:, None] / step, (x % step).float() / step
        y, x = y // step, x // step
        upper = field[y][:, x] + (field[y][:, x + 1] - field[y][:, x]) * fx
        lower = field[y + 1][:, x] + (field[y + 1][:, x + 1] - field[y + 1][:, x]) * fx
        image = image * (1.0 + strength * 2.0 * (upper + (lower - upper) * fy - 0.5))
    return image


class _Street:
    """What stands in one street."""

    def __init__(self, place: Place, texels: int, clutter: float, device: torch.device) -> None:
        self.place, self.texels, self.clutter, self.device = place, texels, clutter, device

    def _pen(self, count: int, layer: Tensor) -> Pen:
        one = torch.ones(count, device=self.device)
        nobody = torch.zeros(count, dtype=torch.long, device=self.device)
        soft = 1.0 / max(0.008 * self.texels, 1.0)  # out of focus
        return Pen(count, (one * -0.3, one * -0.5, one * 0.75), one * 0.55, nobody, layer, nobody,
                   soft)  # fmt: skip

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).float().to(self.device)

    def fronts(self) -> Strokes:
        """Houses and ground, behind everything else."""
        facades = Facades(self.place, self.clutter)
        order = torch.arange(len(facades), device=self.device)
        return facades.strokes(self.texels, self._pen(len(facades), order * 0.001 - 50.0))

    def _spread(
        self, name: str, count: int, chance: float
    ) -> tuple[Pen, Tensor, Tensor, Tensor, Ints]:
        """A pen, places on the ground behind the walkers (x, y, pixels a metre), and their numbers.

        Each of `count` places is taken with this chance; the nearer covers the farther. What
        stands within a few metres of the picture's end stands at its other end too.
        """
        key, every = self.place.key, np.arange(count)
        taken = every[uniform(name + " there", key, every) < chance]
        x = uniform(name + " x", key, taken, high=WIDE)
        depth = uniform(name + " depth", key, taken, low=self.place.wall + 0.02, high=0.80)
        x = np.concatenate([x, x - WIDE, x + WIDE])
        inside = (x > -2.0) & (x < WIDE + 2.0)
        k = self._tensor(np.tile(depth, 3)[inside])
        y = (HORIZON + self.place.above * k) * self.texels
        metre = METRE * k * self.texels
        pen = self._pen(len(k), k)
        return pen, self._tensor(x[inside]) * self.texels, y, metre, np.tile(taken, 3)[inside]

    def trees(self) -> Strokes:
        """One to five trees."""
        count = 1 + int(self.place.draw("trees", high=5))
        pen, x, y, metre, who = self._spread("tree", count, 1.0)
        luck = [self._tensor(uniform("crown", self.place.key, who, k)) for k in range(8)]
        leaf = torch.tensor([0.24, 0.34, 0.18], device=self.device)[:, None].expand(3, len(x))
        props.tree(pen, x, y, metre, leaf, luck)
        return pen.strokes()

    def cars(self) -> Strokes:
        """Parked cars, more with clutter."""
        pen, x, y, metre, who = self._spread("car", 8, 0.1 + 0.8 * self.clutter)
        weights = [c[3] for c in CLOTH.values()]
        paint = np.array([c[:3] for c in CLOTH.values()])
        picked = paint[choice(weights, "car paint", self.place.key, who)]
        props.car(pen, x, y, metre, self._tensor(picked.T), torch.ones_like(x))
        return pen.strokes()

    def bystanders(self, world: int) -> Strokes:
        """People who stand and wait, far enough away to be soft."""
        pen, x, y, metre, who = self._spread("bystander", 26, 0.9 * self.clutter)
        key = integer("bystander", self.place.key, who)
        still = torch.zeros_like(x)
        draw_figures(
            pen, draw_traits(world, key), phase=still + 0.22,
            heading=self._tensor(uniform("bystander turn", key)), tilt=still + 0.025,
            x=x, y=y, scale=metre, fine=False,
        )  # fmt: skip
        return pen.strokes()
