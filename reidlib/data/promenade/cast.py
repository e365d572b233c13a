"""Who and what is in a batch of frames, and where: geometry, illnesses and strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import props
from reidlib.data.promenade.census import JUNK
from reidlib.data.promenade.chance import Ints, integer, normal, uniform
from reidlib.data.promenade.figures import draw_figures
from reidlib.data.promenade.illnesses import FAULTS, OCCLUDERS, box_errors, faults, occluders
from reidlib.data.promenade.people import Traits, draw_traits
from reidlib.data.promenade.strokes import Pen, Strokes
from reidlib.data.promenade.tables import Tables
from reidlib.data.promenade.walks import detect, walk

_FINE = 96  # frames at least this high show creases in cloth
SCENERY, LABELLED, IN_FRONT = 0, 1, 2  # owners of strokes
_WALKER, _POLE, _CAR, _EDGE = (OCCLUDERS.index(n) for n in ("walker", "pole", "car", "frame edge"))
_FOREIGN = FAULTS.index("foreign")


class Cast:
    """One batch of frames: everything in numpy has one entry a frame."""

    def __init__(
        self, tables: Tables, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints
    ) -> None:
        settings, census = tables.settings, tables.census
        self.settings, self.device = settings, tables.device
        self.rows, asked = np.asarray(rows, np.int64), np.asarray(frames, np.int64)
        self.size = settings.height, settings.width
        self.camera = census.camera[self.rows]
        self.key, length = tables.keys[self.rows], census.length[self.rows]
        strength, person = settings.strength, census.person[self.rows]
        self.fault = faults(strength["corruption"], self.key, asked, length)
        frame = self.frame = self.fault.source
        nobody = person <= 0
        rough = np.where(nobody, np.where(person == JUNK, 1.2, 0.5), 0.0)
        self.errors = box_errors(strength["misalignment"], self.key, frame, rough)
        self.occlusion = occluders(strength["occlusion"], self.key, frame, length)
        self.view = {name: values[self.rows] for name, values in tables.view.items()}
        self.traits = {name: values[self.rows] for name, values in tables.traits.items()}
        self.walk = walk(self.view, self.traits, self.key, frame)
        self.boxes = detect(
            self.walk, self.traits["height"], self.view["above"], self.errors, self.size
        )
        self.empty = nobody & (uniform("empty", self.key) < 0.35)
        self.foreign = self.fault.kind == _FOREIGN

    def tensor(self, values: np.ndarray) -> Tensor:
        """The values as float32 where frames are drawn."""
        return torch.from_numpy(np.ascontiguousarray(values)).float().to(self.device)

    def _pen(self, which: Ints, layer: float, owner: int, sharp: float = 1.0) -> Pen:
        device, n = self.device, len(which)
        sun = self.tensor(self.view["sun"][which])
        return Pen(
            n,
            (sun * 0.8, torch.full_like(sun, -0.50), torch.full_like(sun, 0.72)),
            self.tensor(self.view["ambient"][which]),
            torch.from_numpy(which).to(device),
            torch.full((n,), layer, device=device),
            torch.full((n,), owner, dtype=torch.long, device=device),
            sharp,
        )

    def _figures(self, pen: Pen, which: Ints, traits: Traits, **place: np.ndarray) -> Strokes:
        """One person in each of the frames `which`. place: phase, heading, x (units) and depth."""
        x, y, scale = self.boxes.at(which).pixels(place["x"], place["depth"])
        draw_figures(
            pen,
            traits,
            phase=self.tensor(place["phase"] % 1.0),
            heading=self.tensor(place["heading"] % 1.0),
            tilt=self.tensor(self.view["tilt"][which]),
            x=self.tensor(x),
            y=self.tensor(y),
            scale=self.tensor(scale),
            fine=self.size[0] >= _FINE,
        )
        return pen.strokes()

    def strokes(self) -> Strokes:
        """Everybody and everything that moves through the frames."""
        world, every, path = self.settings.world, np.arange(len(self.rows)), self.walk
        pieces = [Strokes.none(self.device)]
        for owner, there in ((LABELLED, ~self.foreign), (IN_FRONT, self.foreign)):
            which = every[there & ~self.empty]
            if len(which):
                if owner == LABELLED:
                    traits = {name: values[which] for name, values in self.traits.items()}
                else:
                    traits = draw_traits(world, integer("foreign", self.key[which]))
                pieces.append(self._figures(
                    self._pen(which, 0.0, owner), which, traits, phase=path.phase[which],
                    heading=path.heading[which], x=path.x[which], depth=path.depth[which],
                ))  # fmt: skip
        far = every[uniform("far", self.key) < 0.55 * self.settings.strength["clutter"]]
        if len(far):
            pieces.append(self._far_walker(far))
        walkers = every[self.occlusion.kind == _WALKER]
        if len(walkers):
            pieces.append(self._near_walker(walkers))
        things = every[self.occlusion.kind > _WALKER]
        if len(things):
            pieces.append(self._things(things))
        return Strokes.joined(pieces)

    def _near_walker(self, which: Ints) -> Strokes:
        """Somebody who crosses in front, or walks along half in front."""
        path, met, key = self.walk, self.occlusion, self.occlusion.key[which]
        traits = draw_traits(self.settings.world, key)
        depth = path.depth[which] * met.larger[which]
        return self._figures(
            self._pen(which, 100.0, IN_FRONT), which, traits,
            phase=traits["phase"] + traits["cadence"] * path.seconds[which],
            heading=np.where(met.beside[which], path.heading[which], met.ahead[which]),
            x=path.x[which] + met.away[which] * path.depth[which], depth=depth,
        )  # fmt: skip

    def _far_walker(self, which: Ints) -> Strokes:
        """Somebody who walks behind, smaller and out of focus."""
        path, key = self.walk, integer("far walker", self.key[which])
        traits = draw_traits(self.settings.world, key)
        depth = path.depth[which] * uniform("far depth", key, low=0.62, high=0.86)
        ahead = np.where(uniform("far way", key) < 0.5, 0.0, 0.5)
        pace = uniform("far pace", key, low=-0.35, high=0.35)
        offset = uniform("far x", key, low=-0.35, high=0.35)
        return self._figures(
            self._pen(which, -100.0, SCENERY, 0.6), which, traits,
            phase=traits["phase"] + traits["cadence"] * path.seconds[which],
            heading=ahead + normal("far turn", key, scale=0.04),
            x=path.x[which] + offset + pace * path.seconds[which], depth=depth,
        )  # fmt: skip

    def _things(self, which: Ints) -> Strokes:
        """A pole, a car or the picture's edge in front of the person."""
        met, path = self.occlusion, self.walk
        kind, key, away = met.kind[which], met.key[which], met.away[which]
        side = np.where(away > 0, 1.0, -1.0)
        wide = np.where(kind == _CAR, 2.6, np.where(kind == _EDGE, 0.55, 1.0))
        shift = np.where(kind == _EDGE, side * (np.abs(away) * 0.55 + 0.04), away * wide)
        depth = path.depth[which] * np.where(kind == _EDGE, 1.0, met.larger[which])
        x, y, metre = (
            self.tensor(v)
            for v in self.boxes.at(which).pixels(path.x[which] + shift * path.depth[which], depth)
        )
        pen = self._pen(which, 150.0, IN_FRONT)
        tone = uniform("paint", key, low=0.12, high=0.80)
        tint = uniform("tint", key, low=-0.15, high=0.15)
        paint = self.tensor(np.stack([tone + tint, tone, tone - tint]).clip(0.03, 0.95))

        def shown(name: int) -> Tensor:
            return self.tensor(kind == name)

        half = self.tensor(uniform("pole", key, low=0.05, high=0.16))
        props.post(pen, x, y, metre, half, paint * 0.7, shown(_POLE))
        props.car(pen, x, y, metre, paint, shown(_CAR))
        props.edge(pen, x, y, metre * self.tensor(side), shown(_EDGE))
        return pen.strokes()
