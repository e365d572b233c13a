"""House fronts and ground of a street: upright rectangles with seams, painted all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from reidlib.data.promenade.cameras import draw_cameras
from reidlib.data.promenade.chance import choice, integer, uniform
from reidlib.data.promenade.people import CLOTH
from reidlib.data.promenade.strokes import FABRIC, Pen, Strokes

WIDE, HIGH, HORIZON = 12.0, 3.2, 0.9  # units; the horizon's distance from the upper edge
METRE = 1.0 / 1.9  # in units, where people walk

Colour = tuple[float, ...]
_FRONTS = ((0.74, 0.71, 0.66), (0.66, 0.64, 0.61), (0.60, 0.48, 0.42), (0.55, 0.57, 0.60),
           (0.78, 0.74, 0.64), (0.50, 0.42, 0.38), (0.70, 0.73, 0.74))  # fmt: skip
_ROAD, _GRASS = (0.34, 0.34, 0.35), (0.33, 0.41, 0.24)


def shaded(colour: Colour, factor: float) -> Colour:
    """The colour, darker or lighter."""
    return tuple(factor * c for c in colour)


@dataclass(frozen=True)
class Place:
    """Numbers that shape one camera's street."""

    key: int
    above: float  # height of the camera, units
    wall: float  # depth of the house fronts

    @staticmethod
    def of(world: int, camera: int) -> Place:
        """The street of a camera."""
        key = int(integer("scene", world, camera)[0])
        above = float(draw_cameras(world, np.array([camera]))["above"][0])
        return Place(key, above, float(uniform("wall", key, low=0.50, high=0.80)[0]))

    def draw(self, name: str, *numbers: int, low: float = 0.0, high: float = 1.0) -> float:
        """One number of this street."""
        return float(uniform(name, self.key, *numbers, low=low, high=high)[0])

    def floor(self, depth: float) -> float:
        """Where the ground lies at this depth, from the picture's upper edge."""
        return HORIZON + self.above * depth

    def worn(self, name: str, *numbers: int) -> Colour:
        """A colour as common here as on people."""
        pick = int(choice([c[3] for c in CLOTH.values()], name + " colour", self.key, *numbers)[0])
        return list(CLOTH.values())[pick][:3]


class Facades:
    """The rectangles of one street, back to front."""

    def __init__(self, place: Place, clutter: float) -> None:
        self.place, self.clutter = place, clutter
        self._rows: list[tuple[float, ...]] = []
        self._houses()
        self._ground()

    def _box(
        self,
        x: float,
        top: float,
        bottom: float,
        half: float,
        colour: Colour,
        *,
        blur: float = 0.008,
        seams: tuple[float, float] = (0.0, 0.0),
        deep: float = 0.12,
    ) -> None:
        """A rectangle in units. seams: periods along and across, 0 for none; deep: how dark."""
        for turn in (-WIDE, 0.0, WIDE):
            if -half < x + turn < WIDE + half:
                self._rows.append((x + turn, top, bottom, half, *colour, blur, *seams, deep))

    def strokes(self, texels: int, pen: Pen) -> Strokes:
        """All rectangles; `pen` has one figure for each, see `len`."""
        columns = torch.tensor(self._rows, device=pen.frame.device).T
        x, top, bottom, half, red, green, blue, blur, along, across, deep = columns
        colour = torch.stack([red, green, blue])
        dark = colour * (1.0 - deep)
        lined, barred = (along > 0).float(), (across > 0).float()
        fabric = dict.fromkeys(FABRIC, torch.zeros_like(x)) | {
            "red2": dark[0], "green2": dark[1], "blue2": dark[2], "left_u": torch.ones_like(x),
            "along1": lined / (along * texels).clamp(min=1e-3),
            "across2": barred * half / across.clamp(min=1e-6),
            "share1": 0.44, "edge1": (along * texels * 0.5).clamp(min=0.5), "phase1": 0.25,
            "share2": 0.44, "edge2": (across * texels * 0.5).clamp(min=0.5), "phase2": 0.25,
            "first": lined, "second": barred, "both": -lined * barred,
            "decal_half": -9.0, "decal_cut": 1.0,
        }  # fmt: skip
        x, top, bottom, half, blur = (v * texels for v in (x, top, bottom, half, blur))
        pen.stroke((x, top), (x, bottom), (half, half, half), colour, part=0, depth=0.0,
                   caps=(40.0, 0.0), cut=0.0, sharp=1.0 / blur.clamp(min=1.0), flat=0.0,
                   fabric=fabric)  # fmt: skip
        return pen.strokes()

    def __len__(self) -> int:
        return len(self._rows)

    def _houses(self) -> None:
        """Fronts side by side, of plaster or brick."""
        place = self.place
        base, metre = place.floor(place.wall), METRE * place.wall
        x, house = place.draw("first house"), 0
        end = x + WIDE
        while x < end - 1e-6:
            wide = place.draw("house", house, low=3.5, high=8.0) * metre
            wide = end - x if end - x - wide < 3.0 * metre else wide
            tone = _FRONTS[int(place.draw("tone", house, high=len(_FRONTS)))]
            brick = place.draw("brick", house) < 0.4
            seams = (0.30 * metre, 0.9 * metre) if brick else (0.0, 0.0)
            self._box(x + wide / 2, -0.5, base, wide / 2, tone, seams=seams)
            plinth = shaded(tone, 0.72)
            self._box(x + wide / 2, base - 0.35 * metre, base, wide / 2, plinth)
            bays = max(int(wide / (2.1 * metre)), 1)
            for bay in range(bays):
                self._bay(house, bay, x + wide * (bay + 0.5) / bays, wide / bays, base, metre)
            self._bushes(house, x, wide, base, metre)
            x, house = x + wide, house + 1

    def _bay(self, house: int, bay: int, x: float, wide: float, base: float, metre: float) -> None:
        """A door, a shop window or a window, and what is stuck beside it."""
        place = self.place
        frame = (0.80, 0.79, 0.76) if place.draw("frame", house) < 0.6 else (0.30, 0.29, 0.28)
        dim = place.draw("glass", house, bay, low=0.16, high=0.40)
        glass = (dim, dim * 1.06, dim * 1.16)

        def panel(up: float, down: float, half: float, colour: Colour, right: float = 0.0) -> None:
            self._box(
                x + right * metre, base - up * metre, base - down * metre, half * metre, colour
            )

        if place.draw("door", house, bay) < 0.3:
            wood = place.draw("wood", house, low=0.22, high=0.5)
            panel(2.25, 0.0, 0.55, frame)
            panel(2.15, 0.0, 0.46, (wood, wood * 0.8, wood * 0.7))
        elif place.draw("shop", house) < 0.35:
            panel(2.5, 0.40, 0.95, frame)
            panel(2.4, 0.50, 0.87, glass)
            panel(2.4, 0.50, 0.18, shaded(glass, 1.25), -0.3)
            if place.draw("sign", house, bay) < self.clutter:
                panel(3.1, 2.6, 0.95, place.worn("sign", house, bay))
        else:
            panel(2.35, 0.85, 0.58, frame)
            panel(2.25, 0.95, 0.50, glass)
            panel(2.25, 0.95, 0.03, frame)
        for n in range(3):
            if place.draw("poster", house, bay, n) < 0.8 * self.clutter:
                right = (place.draw("poster x", house, bay, n) - 0.5) * wide
                low = base - place.draw("poster y", house, bay, n, low=0.5, high=1.8) * metre
                size = place.draw("poster size", house, bay, n, low=0.2, high=0.5) * metre
                hue = place.worn("poster", house, bay, n)
                self._box(x + right, low - 1.5 * size, low, size, hue,
                          seams=(size * 0.7, 0.0), deep=0.35)  # fmt: skip

    def _bushes(self, house: int, x: float, wide: float, base: float, metre: float) -> None:
        for bush in range(2):
            if self.place.draw("bush", house, bush) < 0.4:
                at = x + wide * self.place.draw("bush x", house, bush)
                half = self.place.draw("bush wide", house, bush, low=0.5, high=1.4) * metre
                green = self.place.draw("bush tone", house, bush, low=0.8, high=1.2)
                self._box(at, base - 0.9 * metre, base + 0.05 * metre, half,
                          shaded((0.22, 0.32, 0.19), green), blur=0.06)  # fmt: skip

    def _ground(self) -> None:
        """Pavement in slabs that shrink with distance, a kerb, a strip of road or grass."""
        place, wall = self.place, self.place.wall
        tone, warm = (
            place.draw("ground", low=0.46, high=0.66),
            place.draw("warm", low=-0.02, high=0.04),
        )
        paving = (tone + warm, tone, tone - warm)
        self._box(WIDE / 2, place.floor(wall), HIGH + 0.1, WIDE, paving)
        depth, strip = wall, place.draw("strip")
        if strip < 0.85:
            depth = wall + (0.93 - wall) * place.draw("strip to", low=0.45, high=0.9)
            kerb = place.floor(depth)
            self._box(
                WIDE / 2, place.floor(wall + 0.06), kerb, WIDE, _ROAD if strip < 0.6 else _GRASS
            )
            self._box(WIDE / 2, kerb, kerb + 0.025, WIDE, shaded(paving, 1.18))
        while place.floor(depth) < HIGH:
            depth *= 1.085
            joint = place.floor(depth)
            self._box(WIDE / 2, joint, joint + 0.012 * depth, WIDE, shaded(paving, 0.90), blur=0.01)
        for patch in range(5):  # shade of things out of sight
            depth = place.draw("patch", patch, low=0.9, high=1.6)
            self._box(place.draw("patch x", patch, high=WIDE), place.floor(depth),
                      place.floor(depth * 1.12), place.draw("patch w", patch, low=0.3, high=1.0),
                      shaded(paving, 0.80), blur=0.10)  # fmt: skip
