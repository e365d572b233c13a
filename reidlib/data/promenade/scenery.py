"""The street behind the people: one wide picture a camera, painted once, cut out behind each box.

Measured in units of 1.9 m at the distance where people walk. The picture closes on itself
sideways. At depth k (1 where people walk, less behind) the ground lies `Place.above * k` below the
horizon and everything is k times as large. Calm by itself; clutter adds posters, signs, parked
cars and bystanders in the colours people wear.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import props, raster
from reidlib.data.promenade.cameras import draw_cameras
from reidlib.data.promenade.chance import choice, integer, uniform
from reidlib.data.promenade.figures import draw_figures
from reidlib.data.promenade.people import CLOTH, draw_traits
from reidlib.data.promenade.strokes import FABRIC, Pen, Strokes

WIDE, HIGH, HORIZON = 12.0, 3.2, 0.9  # units; the horizon's distance from the upper edge
METRE = 1.0 / 1.9  # in units

_CALM = ((0.74, 0.71, 0.66), (0.66, 0.64, 0.61), (0.60, 0.48, 0.42), (0.55, 0.57, 0.60),
         (0.78, 0.74, 0.64), (0.50, 0.42, 0.38), (0.70, 0.73, 0.74))  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Numbers that shape one camera's street."""

    key: int
    above: float  # height of the camera in units
    wall: float  # depth of the house fronts


def place(world: int, camera: int) -> Place:
    """The street of a camera."""
    key = int(integer("scene", world, camera)[0])
    above = float(draw_cameras(world, np.array([camera]))["above"][0])
    return Place(key, above, float(uniform("wall", key, low=0.50, high=0.80)[0]))


@lru_cache(maxsize=16)
def scene(world: int, camera: int, texels: int, clutter: float, device: str) -> Tensor:
    """(3, HIGH * texels, WIDE * texels): the scenery of one camera, `texels` pixels a unit."""
    high, wide = int(HIGH * texels), int(WIDE * texels)
    brush = _Brush(place(world, camera), texels, torch.device(device))
    brush.houses(clutter)
    brush.ground()
    pieces = [brush.flats(), brush.trees(), brush.cars(clutter), brush.bystanders(world, clutter)]
    strokes = Strokes.joined(pieces)
    plan = raster.plan(strokes, 1, high, wide, (16, 16))
    canvas = plan.canvas(3)
    canvas.fill_(0.5)
    raster.paint(plan, strokes, canvas)
    return _uneven(plan.untile(canvas, high, wide)[0], world, camera, texels).contiguous()


def _uneven(image: Tensor, world: int, camera: int, texels: int) -> Tensor:
    """Light and dirt at three sizes, so that no surface is dead flat."""
    _, high, wide = image.shape
    for size, strength in ((0.04, 0.05), (0.17, 0.06), (0.8, 0.13)):
        step = max(int(size * texels), 1)
        rows, columns = high // step + 2, wide // step + 2
        key = integer("texture", world, camera, step)
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


class _Brush:
    """Collects upright rectangles, then paints them all in one go; things and people follow."""

    def __init__(self, place: Place, texels: int, device: torch.device) -> None:
        self.place, self.texels, self.device = place, texels, device
        self.key = place.key
        self.rows: list[tuple[float, ...]] = []

    def draw(self, name: str, *numbers: int, low: float = 0.0, high: float = 1.0) -> float:
        return float(uniform(name, self.key, *numbers, low=low, high=high)[0])

    def floor(self, depth: float) -> float:
        """Where the ground lies at this depth, from the picture's upper edge."""
        return HORIZON + self.place.above * depth

    def box(self, x: float, top: float, bottom: float, half: float, colour: tuple[float, ...],
            blur: float = 0.008, lines: tuple[float, float] = (0.0, 0.0), deep: float = 0.1) -> None:  # fmt: skip
        """A rectangle; `lines` are periods (units) of seams along and across, 0 for none."""
        for turn in (-WIDE, 0.0, WIDE):
            if -half < x + turn < WIDE + half:
                self.rows.append((x + turn, top, bottom, half, *colour, blur, *lines, deep))

    def flats(self) -> Strokes:
        """All rectangles so far, in the order they were drawn."""
        columns = torch.tensor(self.rows, device=self.device).T
        x, top, bottom, half, red, green, blue, blur, along, across, deep = columns
        pen = self._pen(len(x), torch.arange(len(x), device=self.device) * 0.001 - 50.0)
        t = self.texels
        colour = torch.stack([red, green, blue])
        dark = colour * (1.0 - deep)
        fabric = dict.fromkeys(FABRIC, torch.zeros_like(x))
        fabric |= {
            "red2": dark[0], "green2": dark[1], "blue2": dark[2], "left_u": torch.ones_like(x),
            "along1": torch.where(along > 0, 1.0 / (along * t).clamp(min=0.1), 0.0),
            "across2": torch.where(across > 0, half / across.clamp(min=1e-3), 0.0),
            "share1": torch.full_like(x, 0.44), "share2": torch.full_like(x, 0.44),
            "edge1": (along * t * 0.5).clamp(min=0.5), "edge2": (across * t * 0.5).clamp(min=0.5),
            "phase1": torch.full_like(x, 0.25), "phase2": torch.full_like(x, 0.25),
            "first": (along > 0).float(), "second": (across > 0).float(),
            "both": -((along > 0) & (across > 0)).float(),
            "decal_half": torch.full_like(x, -9.0), "decal_cut": torch.ones_like(x),
        }  # fmt: skip
        pen.stroke((x * t, top * t), (x * t, bottom * t), (half * t,) * 3, colour, part=0, depth=0.0,
                   caps=(40.0, 0.0), cut=0.0, sharp=1.0 / (blur * t).clamp(min=1.0), flat=0.0,
                   fabric=fabric)  # fmt: skip
        return pen.strokes()

    def _pen(self, count: int, layer: Tensor) -> Pen:
        one = torch.ones(count, device=self.device)
        nobody = torch.zeros(count, dtype=torch.long, device=self.device)
        soft = 1.0 / max(0.008 * self.texels, 1.0)
        return Pen(count, (one * -0.3, one * -0.5, one * 0.75), one * 0.55, nobody, layer, nobody,
                   sharp=soft)  # fmt: skip

    def houses(self, clutter: float) -> None:
        """House fronts side by side: plaster or brick, windows, doors, shops, hedges."""
        k = self.place.wall
        base, m = self.floor(k), METRE * k
        x, house = self.draw("first house", high=1.0), 0
        end = x + WIDE
        while x < end - 1e-6:
            wide = self.draw("house", house, low=3.5, high=8.0) * m
            wide = end - x if end - x - wide < 3.0 * m else wide
            tone = _CALM[int(self.draw("tone", house, high=len(_CALM)))]
            brick = self.draw("brick", house) < 0.4
            middle = x + wide / 2
            seams = (0.30 * m, 0.9 * m) if brick else (0.0, 0.0)
            self.box(middle, -0.5, base, wide / 2, tone, lines=seams, deep=0.14)
            self.box(middle, base - 0.35 * m, base, wide / 2, tuple(0.72 * c for c in tone))
            self._openings(house, x, wide, base, m, clutter)
            x, house = x + wide, house + 1

    def _openings(
        self, house: int, x: float, wide: float, base: float, m: float, clutter: float
    ) -> None:
        count = max(int(wide / (2.1 * m)), 1)
        door = int(self.draw("door", house, high=count))
        shop = self.draw("shop", house) < 0.35
        frame = (0.80, 0.79, 0.76) if self.draw("frame", house) < 0.6 else (0.30, 0.29, 0.28)
        for pane in range(count):
            at = x + wide * (pane + 0.5) / count
            dim = self.draw("glass", house, pane, low=0.16, high=0.40)
            glass = (dim, dim * 1.06, dim * 1.16)
            if pane == door:
                tint = self.draw("leaf", house, low=0.22, high=0.5)
                self.box(at, base - 2.25 * m, base, 0.55 * m, frame)
                self.box(
                    at,
                    base - 2.15 * m,
                    base,
                    0.46 * m,
                    (tint, tint * 0.8, tint * 0.7),
                    deep=0.2,
                    lines=(0.7 * m, 0.0),
                )
            elif shop:
                self.box(at, base - 2.5 * m, base - 0.40 * m, 0.95 * m, frame)
                self.box(at, base - 2.4 * m, base - 0.50 * m, 0.87 * m, glass)
                self.box(
                    at - 0.3 * m,
                    base - 2.4 * m,
                    base - 0.5 * m,
                    0.18 * m,
                    tuple(c * 1.25 for c in glass),
                    0.03,
                )
                if self.draw("sign", house, pane) < clutter:
                    self.box(
                        at,
                        base - 3.1 * m,
                        base - 2.6 * m,
                        0.95 * m,
                        self._worn("sign", house, pane),
                    )
            else:
                self.box(at, base - 2.35 * m, base - 0.85 * m, 0.58 * m, frame)
                self.box(at, base - 2.25 * m, base - 0.95 * m, 0.50 * m, glass)
                self.box(at, base - 2.25 * m, base - 0.95 * m, 0.03 * m, frame)
            for poster in range(3):
                if self.draw("poster", house, pane, poster) < 0.8 * clutter:
                    left = at + (self.draw("poster x", house, pane, poster) - 0.5) * wide / count
                    low = base - self.draw("poster y", house, pane, poster, low=0.5, high=1.8) * m
                    size = self.draw("poster size", house, pane, poster, low=0.2, high=0.5) * m
                    self.box(left, low - 1.5 * size, low, size, self._worn("poster", house, pane, poster),
                             lines=(size * 0.7, 0.0), deep=0.35)  # fmt: skip
        for bush in range(2):
            if self.draw("bush", house, bush) < 0.4:
                at = x + wide * self.draw("bush x", house, bush)
                green = self.draw("bush tone", house, bush, low=0.8, high=1.2)
                self.box(at, base - 0.9 * m, base + 0.05 * m, self.draw("bush w", house, bush, low=0.5, high=1.4) * m,
                         (0.22 * green, 0.32 * green, 0.19 * green), 0.06)  # fmt: skip

    def _worn(self, name: str, *numbers: int) -> tuple[float, float, float]:
        """A colour as common here as on people."""
        weights = [c[3] for c in CLOTH.values()]
        pick = int(choice(weights, name + " colour", self.key, *numbers)[0])
        return list(CLOTH.values())[pick][:3]

    def ground(self) -> None:
        """Pavement in slabs that shrink with distance, a kerb, a strip of road or grass."""
        tone = self.draw("ground", low=0.46, high=0.66)
        warm = self.draw("ground warm", low=-0.02, high=0.04)
        paving = (tone + warm, tone, tone - warm)
        wall, near = self.place.wall, (HIGH - HORIZON) / self.place.above + 0.1
        self.box(WIDE / 2, self.floor(wall), HIGH + 0.1, WIDE, paving)
        strip = self.draw("strip")
        far, close = wall + 0.06, wall + (0.93 - wall) * self.draw("strip to", low=0.45, high=0.9)
        colour = (0.34, 0.34, 0.35) if strip < 0.6 else (0.33, 0.41, 0.24)
        if strip < 0.85:
            self.box(WIDE / 2, self.floor(far), self.floor(close), WIDE, colour)
            self.box(
                WIDE / 2,
                self.floor(close),
                self.floor(close) + 0.025,
                WIDE,
                tuple(1.18 * c for c in paving),
            )
        depth = close if strip < 0.85 else wall
        while depth < near:
            depth *= 1.085
            line = tuple(0.90 * c for c in paving)
            self.box(
                WIDE / 2, self.floor(depth), self.floor(depth) + 0.012 * depth, WIDE, line, 0.01
            )
        for patch in range(5):  # shade of things out of sight
            depth = self.draw("patch", patch, low=0.9, high=1.6)
            dark = tuple(0.80 * c for c in paving)
            self.box(self.draw("patch x", patch, high=WIDE), self.floor(depth), self.floor(depth * 1.12),
                     self.draw("patch w", patch, low=0.3, high=1.0), dark, 0.10)  # fmt: skip

    def _spread(self, name: str, count: int) -> tuple[Tensor, Tensor, Tensor, np.ndarray]:
        """Places on the ground behind the walkers: x, y, pixels a metre, and who is where.

        Everything within a few metres of the picture's end stands at the other end too.
        """
        index = np.arange(count)
        x = uniform(name + " x", self.key, index, high=WIDE)
        depth = uniform(name + " depth", self.key, index, low=self.place.wall + 0.02, high=0.80)
        who = np.concatenate([index, index, index])
        x = np.concatenate([x, x - WIDE, x + WIDE])
        keep = (x > -2.0) & (x < WIDE + 2.0)
        x, who = x[keep], who[keep]
        k = torch.from_numpy(depth[who]).float().to(self.device)
        px = torch.from_numpy(x).float().to(self.device) * self.texels
        return px, (HORIZON + self.place.above * k) * self.texels, METRE * k * self.texels, who

    def trees(self) -> Strokes:
        x, y, metre, who = self._spread("tree", 1 + int(self.draw("trees", high=4)))
        pen = self._pen(len(x), y / self.texels)
        luck = [
            torch.from_numpy(uniform("crown", self.key, who, k)).float().to(self.device)
            for k in range(8)
        ]
        leaf = torch.tensor([0.24, 0.34, 0.18], device=self.device)[:, None].expand(3, len(x))
        props.tree(pen, x, y, metre, leaf, luck)
        return pen.strokes()

    def cars(self, clutter: float) -> Strokes:
        """Parked cars, more with clutter."""
        x, y, metre, who = self._spread("car", 8)
        there = uniform("car there", self.key, who) < 0.1 + 0.8 * clutter
        pen = self._pen(len(x), y / self.texels)
        weights = [c[3] for c in CLOTH.values()]
        paint = np.array([c[:3] for c in CLOTH.values()])[
            choice(weights, "car paint", self.key, who)
        ]
        shown = torch.from_numpy(there).float().to(self.device)
        props.car(pen, x, y, metre, torch.from_numpy(paint.T.copy()).float().to(self.device), shown)
        return pen.strokes()

    def bystanders(self, world: int, clutter: float) -> Strokes:
        """People who stand and wait, far enough away to be soft."""
        x, y, metre, who = self._spread("bystander", 26)
        there = uniform("bystander there", self.key, who) < 0.9 * clutter
        x, y, metre, who = x[there], y[there], metre[there], who[there]
        pen = self._pen(len(x), y / self.texels)
        turn = torch.from_numpy(uniform("bystander turn", self.key, who)).float().to(self.device)
        still = torch.zeros_like(turn)
        draw_figures(
            pen, draw_traits(world, integer("bystander", self.key, who)),
            phase=still + 0.22, heading=turn, tilt=still + 0.025, x=x, y=y, scale=metre, fine=False,
        )  # fmt: skip
        return pen.strokes()
