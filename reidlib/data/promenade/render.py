"""Frames and their truth, any of them, in any order: the stage on which a request's people walk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import finish, props, raster, scenery
from reidlib.data.promenade.cameras import View, draw_cameras
from reidlib.data.promenade.census import JUNK, Census
from reidlib.data.promenade.chance import Ints, integer, normal, uniform
from reidlib.data.promenade.figures import draw_figures
from reidlib.data.promenade.illnesses import FAULTS, OCCLUDERS, box_errors, faults, occluders
from reidlib.data.promenade.people import Traits, draw_traits, dress_people, person_keys
from reidlib.data.promenade.settings import Settings
from reidlib.data.promenade.strokes import Pen, Strokes
from reidlib.data.promenade.walks import detect, walk

_FINE = 96  # frames at least this high show creases in cloth
SCENERY, LABELLED, IN_FRONT = 0, 1, 2  # owners of strokes
_WALKER, _POLE, _CAR, _EDGE = (OCCLUDERS.index(n) for n in ("walker", "pole", "car", "frame edge"))
_FOREIGN = FAULTS.index("foreign")


class Stage:
    """Draws the frames of a census. Nothing is stored: equal calls give equal pixels."""

    def __init__(self, settings: Settings, census: Census, device: str = "cpu") -> None:
        self.settings, self.census, self.device = settings, census, torch.device(device)

    @cached_property
    def keys(self) -> Ints:
        """What each row's own draws depend on."""
        return self.census.key(self.settings.world)

    @cached_property
    def traits(self) -> Traits:
        """Traits of the person of every row."""
        people = person_keys(self.settings, self.census)
        return dress_people(self.settings, self.census.person, people)

    @cached_property
    def view(self) -> View:
        """Camera settings for every row, with the light of the moment."""
        settings, k = self.settings, self.keys
        cameras = draw_cameras(settings.world, np.arange(settings.cameras))
        view = {name: values[self.census.camera] for name, values in cameras.items()}
        cloud = normal("cloud", k, scale=0.09)
        view["gain"] = view["gain"] * np.clip(1.0 + cloud, 0.55, 1.5)
        view["warm"] = np.clip(view["warm"] + normal("warmth", k, scale=0.02), -0.35, 0.35)
        view["ambient"] = np.clip(view["ambient"] - 0.3 * cloud, 0.3, 0.8)
        back = np.where(uniform("back", k) < 0.4, 0.5, 0.0)
        view["heading"] = view["heading"] + back + normal("course", k, scale=0.07)
        view["pause"] = view["pause"] * (0.4 if settings.size == "mars" else 1.0)
        return view

    def frames(self, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints) -> Tensor:
        """uint8 (n, 3, h, w): frame `frames[i]` (from 0) of tracklet `rows[i]`."""
        return Act(self, rows, frames).picture()

    def truth(self, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints) -> dict[str, Tensor]:
        """What is true about the same frames: see `reidlib.data.promenade.truth`."""
        return Act(self, rows, frames).truth()


class Act:
    """One batch of frames on the stage."""

    def __init__(
        self, stage: Stage, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints
    ) -> None:
        settings, census = stage.settings, stage.census
        self.stage, self.settings = stage, settings
        self.rows, asked = np.asarray(rows, np.int64), np.asarray(frames, np.int64)
        self.size = settings.height, settings.width
        self.key, length = stage.keys[self.rows], census.length[self.rows]
        strength, person = settings.strength, census.person[self.rows]
        self.fault = faults(strength["corruption"], self.key, asked, length)
        frame = self.frame = self.fault.source
        nobody = person <= 0
        rough = np.where(nobody, np.where(person == JUNK, 1.2, 0.5), 0.0)
        self.errors = box_errors(strength["misalignment"], self.key, frame, rough)
        self.occlusion = occluders(strength["occlusion"], self.key, frame, length)
        self.view = {name: values[self.rows] for name, values in stage.view.items()}
        self.traits = {name: values[self.rows] for name, values in stage.traits.items()}
        self.walk = walk(self.view, self.traits, self.key, frame)
        self.boxes = detect(
            self.walk, self.traits["height"], self.view["above"], self.errors, self.size
        )
        self.empty = nobody & (uniform("empty", self.key) < 0.35)
        self.foreign = self.fault.kind == _FOREIGN

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).float().to(self.stage.device)

    def _pen(self, which: Ints, layer: float, owner: int, sharp: float = 1.0) -> Pen:
        device, n = self.stage.device, len(which)
        sun = self._tensor(self.view["sun"][which])
        return Pen(
            n,
            (sun * 0.8, torch.full_like(sun, -0.50), torch.full_like(sun, 0.72)),
            self._tensor(self.view["ambient"][which]),
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
            phase=self._tensor(place["phase"] % 1.0),
            heading=self._tensor(place["heading"] % 1.0),
            tilt=self._tensor(self.view["tilt"][which]),
            x=self._tensor(x),
            y=self._tensor(y),
            scale=self._tensor(scale),
            fine=self.size[0] >= _FINE,
        )
        return pen.strokes()

    def cast(self) -> Strokes:
        """Everybody and everything that moves through the frames."""
        world, every, path = self.settings.world, np.arange(len(self.rows)), self.walk
        pieces = [Strokes.none(self.stage.device)]
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
            self._tensor(v)
            for v in self.boxes.at(which).pixels(path.x[which] + shift * path.depth[which], depth)
        )
        pen = self._pen(which, 150.0, IN_FRONT)
        tone = uniform("paint", key, low=0.12, high=0.80)
        tint = uniform("tint", key, low=-0.15, high=0.15)
        paint = self._tensor(np.stack([tone + tint, tone, tone - tint]).clip(0.03, 0.95))

        def shown(name: int) -> Tensor:
            return self._tensor(kind == name)

        half = self._tensor(uniform("pole", key, low=0.05, high=0.16))
        props.post(pen, x, y, metre, half, paint * 0.7, shown(_POLE))
        props.car(pen, x, y, metre, paint, shown(_CAR))
        props.edge(pen, x, y, metre * self._tensor(side), shown(_EDGE))
        return pen.strokes()

    def plan(self, strokes: Strokes) -> raster.Plan:
        height, width = self.size
        tile = (8, 8) if height >= 128 else (4, 8)
        return raster.plan(strokes, len(self.rows), height, width, tile)

    def backdrop(self, plan: raster.Plan) -> Tensor:
        """The scenery behind each box, on a tiled canvas (3, th, tw, tiles)."""
        settings, texels, device = self.settings, self.size[0], self.stage.device
        camera = (self.stage.census.camera[self.rows] + settings.backdrop) % settings.cameras
        high, wide = int(scenery.HIGH * texels), int(scenery.WIDE * texels)
        used, page = np.unique(camera, return_inverse=True)
        clutter = settings.strength["clutter"]
        scenes = [scenery.scene(settings.world, int(c), texels, clutter, str(device)) for c in used]
        pages = torch.stack(scenes, 1).reshape(3, -1)
        at = plan.frame
        step = self._tensor(self.boxes.step * texels)[at]
        left = self._tensor(self.boxes.left % scenery.WIDE * texels)[at]
        top = self._tensor(self.boxes.top * texels)[at]
        x, y = plan.pixels()
        column = torch.floor(x * step + left).long() % wide
        row = torch.floor(y * step + top).long().clamp(0, high - 1)
        start = torch.from_numpy(page * (high * wide)).to(device)[at]
        index = row * wide + (column + start)
        return pages.index_select(1, index.flatten()).view(3, *index.shape)

    def picture(self) -> Tensor:
        """uint8 (n, 3, h, w)."""
        strokes = self.cast()
        plan = self.plan(strokes)
        canvas = self.backdrop(plan)
        raster.paint(plan, strokes, canvas)
        return self._develop(plan.untile(canvas, *self.size))

    def _develop(self, image: Tensor) -> Tensor:
        """Light to bytes, by this camera and with this frame's fault."""
        fault, t = self.fault, self._tensor
        names = ("gain", "curve", "warm", "green", "fade", "saturation")
        view = {name: t(self.view[name]) for name in names}
        up, down = 1.0 + 1.3 * fault.severity, 1.0 / (1.0 + 2.2 * fault.severity)
        jump = np.where(uniform("jump", self.key) < 0.5, up, down)
        view["gain"] = view["gain"] * t(np.where(fault.kind == FAULTS.index("exposure"), jump, 1.0))
        image = finish.respond(image, view)
        image = finish.soften(image, t(self.view["blur"] * min(1.0, self.size[0] / 128)))
        reach = 1 + (fault.severity * 0.11 * self.size[1]).astype(np.int64)
        reach = np.where(fault.kind == FAULTS.index("motion blur"), reach, 0)
        for r in np.unique(reach[reach > 0]):
            which = torch.from_numpy(np.flatnonzero(reach == r)).to(image.device)
            image[which] = finish.smear(image[which], int(r))
        burst = np.where(fault.kind == FAULTS.index("noise"), 0.22 * fault.severity, 0.0)
        seed = torch.from_numpy(integer("grain", self.key, self.frame) & 0x7FFFFFFF)
        noise = finish.grain(seed.to(image.device), *self.size)
        # A small frame is a large one scaled down, which averages noise away.
        level = t((self.view["noise"] + burst) * min(1.0, (self.size[0] / 160) ** 0.5))
        return finish.to_bytes(image + noise * level[:, None, None, None])

    def truth(self) -> dict[str, Tensor]:
        """Masks from the same strokes, and the numbers that were drawn."""
        strokes = self.cast()
        plan = self.plan(strokes)
        parts, owners = plan.canvas(1).fill_(0.0), plan.canvas(1).fill_(0.0)
        raster.label(plan, strokes, strokes.part.float(), parts, strokes.owner == LABELLED)
        raster.label(plan, strokes, strokes.owner.float(), owners, strokes.owner > SCENERY)
        image = plan.untile(torch.cat([parts, owners]), *self.size).to(torch.uint8)
        mask = image[:, 0] > 0
        visible = mask & (image[:, 1] == LABELLED)
        full, seen = mask.flatten(1).sum(1), visible.flatten(1).sum(1)
        return {
            "mask": mask,
            "visible": visible,
            "parts": image[:, 0],
            "covered": torch.where(full > 0, 1.0 - seen.double() / full.clamp(min=1), 1.0).float(),
            "box": torch.stack([self._tensor(values) for values in self.errors], 1),
            "quality": self._tensor(self.fault.quality),
            "foreign": torch.from_numpy(self.foreign),
            "fault": torch.from_numpy(self.fault.kind),
            "occluder": torch.from_numpy(self.occlusion.kind),
        }
