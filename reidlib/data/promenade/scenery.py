"""The street behind the people: one wide picture a camera, painted once, cut out behind each box.

Measured in box heights of a person at the nominal distance: the picture is `WIDE` by `HIGH` of them and closes
on itself sideways. Calm by itself; clutter adds posters, cars, plants and bystanders in the
colours people wear.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import raster
from reidlib.data.promenade.chance import choice, integer, uniform
from reidlib.data.promenade.people import CLOTH
from reidlib.data.promenade.strokes import Pen

WIDE, HIGH, HORIZON = 12.0, 3.0, 1.0


@lru_cache(maxsize=16)
def scene(world: int, camera: int, texels: int, clutter: float, device: str) -> Tensor:
    """(3, HIGH * texels, WIDE * texels): the scenery of one camera."""
    high, wide = int(HIGH * texels), int(WIDE * texels)
    pen = _Brush(world, camera, texels, torch.device(device))
    pen.ground()
    pen.wall()
    pen.clutter(clutter)
    strokes = pen.pen.strokes()
    plan = raster.plan(strokes, 1, high, wide, (16, 16))
    canvas = plan.canvas(3)
    canvas.fill_(0.5)
    raster.paint(plan, strokes, canvas)
    image = plan.untile(canvas, high, wide)[0]
    return _texture(image, world, camera, texels).contiguous()


def _texture(image: Tensor, world: int, camera: int, texels: int) -> Tensor:
    """Soft unevenness at three sizes, so that no surface is dead flat."""
    _, high, wide = image.shape
    for size, strength in ((0.05, 0.05), (0.2, 0.06), (0.9, 0.10)):
        step = max(int(size * texels), 1)
        rows, columns = high // step + 2, wide // step + 2
        key = integer("texture", world, camera, step)
        knots = uniform("knot", key, np.arange(rows)[:, None], np.arange(columns))
        knots[:, -2:] = knots[:, :2]
        field = torch.from_numpy(knots).float().to(image.device)
        y, x = (torch.arange(n, device=image.device) for n in (high, wide))
        fy, fx = (y % step).float()[:, None] / step, (x % step).float() / step
        y0, x0 = y // step, x // step
        top = field[y0][:, x0] + (field[y0][:, x0 + 1] - field[y0][:, x0]) * fx
        low = field[y0 + 1][:, x0] + (field[y0 + 1][:, x0 + 1] - field[y0 + 1][:, x0]) * fx
        image = image * (1.0 + strength * ((top + (low - top) * fy) - 0.5) * 2.0)
    return image


class _Brush:
    """Shapes of the street in box heights."""

    def __init__(self, world: int, camera: int, texels: int, device: torch.device) -> None:
        self.key = int(integer("scene", world, camera)[0])
        self.texels, self.device = texels, device
        one = torch.ones(1, device=device)
        self.pen = Pen(
            1, (one * 0.0, one * -1.0, one * 0.0), one, torch.zeros(1, dtype=torch.long, device=device),
            one * 0.0, torch.zeros(1, dtype=torch.long, device=device),
        )  # fmt: skip
        self.layer = 0.0

    def draw(self, name: str, *numbers: int, low: float = 0.0, high: float = 1.0) -> float:
        return float(uniform(name, self.key, *numbers, low=low, high=high)[0])

    def pillar(
        self, x: float, top: float, bottom: float, half: float, colour: tuple[float, ...],
        sharp: float = 0.6, round_top: bool = False,
    ) -> None:  # fmt: skip
        """An upright shape, drawn again where it leaves the picture sideways."""
        self.layer += 1.0
        t = self.texels
        for turn in (-WIDE, 0.0, WIDE):
            if not -half - 0.3 < x + turn < WIDE + half + 0.3:
                continue
            place = [
                torch.full((1,), v * t, device=self.device) for v in (x + turn, top, bottom, half)
            ]
            self.pen.stroke(
                (place[0], place[1]), (place[0], place[2]), (place[3],) * 3,
                torch.tensor(colour, device=self.device)[:, None], part=0, depth=self.layer,
                caps=(1.0 if round_top else 40.0, 0.0), cut=0.0, sharp=sharp, flat=0.0,
            )  # fmt: skip

    def ground(self) -> None:
        """Pavement that grows darker towards the camera, and a kerb."""
        base = self.draw("ground", low=0.42, high=0.68)
        warm = self.draw("ground warm", low=-0.03, high=0.05)
        for k in range(10):
            top = HORIZON + (HIGH - HORIZON) * (k / 10) ** 1.4
            shade = base * (1.05 - 0.018 * k)
            self.pillar(WIDE / 2, top, HIGH + 0.1, WIDE, (shade + warm, shade, shade - warm))
        kerb = HORIZON + self.draw("kerb", low=0.12, high=0.3)
        self.pillar(WIDE / 2, kerb, kerb + 0.03, WIDE, (base * 1.2, base * 1.18, base * 1.15))

    def wall(self) -> None:
        """House fronts with windows and doors, and a hedge here and there."""
        x, house = 0.0, 0
        while x < WIDE:
            wide = min(self.draw("house", house, low=1.2, high=3.0), WIDE - x)
            tone = self.draw("tone", house, low=0.38, high=0.78)
            warm = self.draw("warm", house, low=-0.05, high=0.10)
            self.pillar(
                x + wide / 2, -0.2, HORIZON + 0.1, wide / 2, (tone + warm, tone, tone - warm)
            )
            panes = max(int(wide / 0.55), 1)
            for pane in range(panes):
                at = x + wide * (pane + 0.5) / panes
                glass = self.draw("glass", house, pane, low=0.22, high=0.45)
                self.pillar(at, 0.18, 0.62, 0.13, (tone * 1.15, tone * 1.15, tone * 1.15))
                self.pillar(at, 0.21, 0.59, 0.105, (glass, glass * 1.04, glass * 1.12))
            x, house = x + wide, house + 1
        for bush in range(5):
            at = self.draw("bush", bush, high=WIDE)
            self.pillar(at, HORIZON - 0.1, HORIZON + 0.12, self.draw("leaf", bush, low=0.1, high=0.3),
                        (0.24, 0.33, 0.20), 0.25, True)  # fmt: skip

    def clutter(self, strength: float) -> None:
        """Things in the colours people wear; the stronger, the more."""
        weights = [c[3] for c in CLOTH.values()]
        palette = list(CLOTH.values())
        for thing in range(90):
            if self.draw("there", thing) >= strength:
                continue
            colour = palette[int(choice(weights, "thing", self.key, thing)[0])][:3]
            x = self.draw("thing x", thing, high=WIDE)
            size = self.draw("thing size", thing, low=0.06, high=0.20)
            kind = thing % 3
            if kind == 0:  # a poster or a shop sign
                y = self.draw("thing y", thing, low=0.2, high=0.9)
                self.pillar(x, y, y + size * 2.2, size, colour)
            elif kind == 1:  # somebody standing about
                foot = HORIZON + self.draw("thing y", thing, low=0.15, high=0.9)
                tall = 0.45 + 0.35 * (foot - HORIZON)
                legs = palette[int(choice(weights, "legs", self.key, thing)[0])][:3]
                self.pillar(x, foot - tall * 0.5, foot, tall * 0.10, legs, 0.4)
                self.pillar(
                    x, foot - tall * 0.80, foot - tall * 0.45, tall * 0.13, colour, 0.4, True
                )
                self.pillar(
                    x,
                    foot - tall * 0.93,
                    foot - tall * 0.9,
                    tall * 0.06,
                    (0.7, 0.55, 0.45),
                    0.4,
                    True,
                )
            else:  # a bin, a box, a bollard
                foot = HORIZON + self.draw("thing y", thing, low=0.1, high=1.2)
                self.pillar(x, foot - size * 2.0, foot, size * 0.7, colour, 0.5, thing % 2 == 0)
