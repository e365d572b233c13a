"""Frames and their truth, any of them, in any order: the stage on which a request's people walk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import finish, raster, scenery
from reidlib.data.promenade.body import Body, Pose
from reidlib.data.promenade.cameras import draw_cameras
from reidlib.data.promenade.census import JUNK, Census
from reidlib.data.promenade.chance import Floats, Ints, integer, normal, uniform
from reidlib.data.promenade.illnesses import FAULTS, Fault, Occlusion, box_errors, faults, occluders
from reidlib.data.promenade.people import Traits, colours, draw_traits, dress_people, person_keys
from reidlib.data.promenade.settings import Settings
from reidlib.data.promenade.strokes import Pen, Strokes

_COLOURS = {
    "skin_rgb": "skin", "hair_rgb": "hair", "upper_rgb": "upper_colour", "second_rgb": "second_colour",
    "lower_rgb": "lower_colour", "socks_rgb": "socks", "shoes_rgb": "shoes", "bag_rgb": "bag_colour",
}  # fmt: skip
_MARGIN = 1.10  # height of a good box against that of its person


class Stage:
    """Draws the frames of a census. Nothing is stored: equal calls give equal pixels."""

    def __init__(self, settings: Settings, census: Census, device: str = "cpu") -> None:
        self.settings, self.census, self.device = settings, census, torch.device(device)

    @cached_property
    def keys(self) -> Ints:
        return self.census.key(self.settings.world)

    @cached_property
    def traits(self) -> Traits:
        """Traits of the person of every row."""
        return dress_people(
            self.settings, self.census.person, person_keys(self.settings, self.census)
        )

    @cached_property
    def view(self) -> dict[str, Floats]:
        """Camera settings for every row, with the light of the moment."""
        cameras = np.arange(self.settings.cameras)
        view = {
            n: v[self.census.camera] for n, v in draw_cameras(self.settings.world, cameras).items()
        }
        k = self.keys
        cloud = normal("cloud", k, scale=0.16)
        view["gain"] = view["gain"] * np.clip(1.0 + cloud, 0.55, 1.5)
        view["warm"] = np.clip(view["warm"] + normal("warmth", k, scale=0.035), -0.35, 0.35)
        view["ambient"] = np.clip(view["ambient"] - 0.3 * cloud, 0.3, 0.8)
        back = np.where(uniform("back", k) < 0.4, 0.5, 0.0)
        view["heading"] = view["heading"] + back + normal("course", k, scale=0.07)
        view["pause"] = view["pause"] * (0.4 if self.settings.size == "mars" else 1.0)
        return view

    def frames(self, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints) -> Tensor:
        """uint8 (n, 3, h, w): frame `frames[i]` (from 0) of tracklet `rows[i]`."""
        act = Act(self, np.asarray(rows, dtype=np.int64), np.asarray(frames, dtype=np.int64))
        return act.picture()

    def truth(self, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints) -> dict[str, Tensor]:
        """Masks and numbers of the same frames."""
        act = Act(self, np.asarray(rows, dtype=np.int64), np.asarray(frames, dtype=np.int64))
        return act.truth()


class Act:
    """One batch of frames on the stage."""

    def __init__(self, stage: Stage, rows: Ints, asked: Ints) -> None:
        self.stage, self.rows, self.asked = stage, rows, asked
        settings, census = stage.settings, stage.census
        self.height, self.width = settings.height, settings.width
        self.key, length = stage.keys[rows], census.length[rows]
        strength = settings.strength
        self.fault: Fault = faults(strength["corruption"], self.key, asked, length)
        self.frame = self.fault.source
        self.foreign = self.fault.kind == FAULTS.index("foreign")
        nobody = census.person[rows] <= 0
        rough = np.where(nobody, np.where(census.person[rows] == JUNK, 1.2, 0.5), 0.0)
        self.right, self.down, self.zoom = box_errors(
            strength["misalignment"], self.key, self.frame, rough
        )
        self.empty = nobody & (uniform("empty", self.key) < 0.35)
        self.occlusion: Occlusion = occluders(strength["occlusion"], self.key, self.frame, length)
        self.view = {name: values[rows] for name, values in stage.view.items()}
        self._walk()

    def _walk(self) -> None:
        """Where the person is: seconds since the start, phase, heading, distance, place."""
        traits = self.stage.traits
        get = {n: traits[n][self.rows] for n in ("height", "cadence", "stride", "phase")}
        seconds = self.frame * self.view["pause"]
        key = self.key
        self.phase = (uniform("step", key) + get["cadence"] * seconds) % 1.0
        bend = normal("bend", key, scale=0.02)
        self.heading = (self.view["heading"] + bend * seconds / (1.0 + 0.2 * seconds)) % 1.0
        speed = 0.66 * get["height"] * get["stride"] * get["cadence"]  # metres a second
        tau = 6.283185307179586 * self.heading
        cos, sin = np.cos(tau), np.sin(tau)
        near = 0.10 * speed * sin * seconds
        self.near = uniform("near", key, low=0.80, high=1.15) * (1.0 + near / (1.0 + np.abs(near)))
        self.place = uniform("place", key, high=scenery.WIDE) + speed * cos * seconds / 1.9

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.stage.device).float()

    def _figures(
        self, which: Ints, traits: Traits, place: dict[str, np.ndarray], layer: float, owner: int
    ) -> Strokes:
        """Strokes of one figure in each of the frames `which`. place: x, y, scale, phase, heading."""
        n, device = len(which), self.stage.device
        person = {name: self._tensor(values) for name, values in traits.items() if name != "family"}
        for name, source in _COLOURS.items():
            person[name] = self._tensor(colours(traits, source).T)
        sun = self._tensor(self.view["sun"][which])
        pen = Pen(
            n,
            (sun * 0.8, torch.full_like(sun, -0.50), torch.full_like(sun, 0.72)),
            self._tensor(self.view["ambient"][which]),
            torch.from_numpy(which).to(device),
            torch.full((n,), layer, device=device),
            torch.full((n,), owner, dtype=torch.long, device=device),
        )
        pose = Pose(tilt=self._tensor(self.view["tilt"][which]),
                    **{name: self._tensor(values) for name, values in place.items()})  # fmt: skip
        Body(pen, pose, person).draw()
        return pen.strokes()

    @cached_property
    def _main_place(self) -> dict[str, np.ndarray]:
        high, wide = self.height, self.width
        tall = self.stage.traits["height"][self.rows]
        return {
            "phase": self.phase,
            "heading": self.heading,
            "x": wide / 2 - self.right * wide / self.zoom,
            "y": high / 2 + (0.455 - self.down) * high / self.zoom,
            "scale": high / (_MARGIN * tall * self.zoom),
        }

    def _cast(self) -> Strokes:
        """Everybody and everything in the frames."""
        traits, every = self.stage.traits, np.arange(len(self.rows))
        shown = every[~self.empty & ~self.foreign]
        pieces: list[Strokes] = []
        main = self._main_place
        if len(shown):
            some = {n: v[self.rows[shown]] for n, v in traits.items()}
            pieces.append(
                self._figures(shown, some, {n: v[shown] for n, v in main.items()}, 0.0, 1)
            )
        other = every[self.foreign & ~self.empty]
        if len(other):
            some = draw_traits(self.stage.settings.world, integer("foreign", self.key[other]))
            pieces.append(
                self._figures(other, some, {n: v[other] for n, v in main.items()}, 0.0, 2)
            )
        walkers = every[self.occlusion.kind == 1]
        if len(walkers):
            pieces.append(self._passer_by(walkers))
        objects = every[self.occlusion.kind > 1]
        if len(objects):
            pieces.append(self._object(objects))
        if not pieces:
            pieces.append(self._object(every[:0]))
        return Strokes.joined(pieces)

    def _passer_by(self, which: Ints) -> Strokes:
        main, occlusion = self._main_place, self.occlusion
        traits = draw_traits(self.stage.settings.world, occlusion.key[which])
        larger = occlusion.larger[which]
        high = self.height / self.zoom[which]
        company = np.isnan(occlusion.ahead[which])
        ahead = np.where(company, self.heading[which], occlusion.ahead[which])
        seconds = self.frame[which] * self.view["pause"][which]
        place = {
            "phase": (traits["phase"] + traits["cadence"] * seconds) % 1.0,
            "heading": ahead % 1.0,
            "x": main["x"][which] + occlusion.away[which] * high,
            "y": main["y"][which] + (larger - 1.0) * 0.45 * high,
            "scale": high * larger / (_MARGIN * 1.7),
        }
        return self._figures(which, traits, place, 100.0, 2)

    def _object(self, which: Ints) -> Strokes:
        """A pole, a car or the picture's edge in front of the person."""
        kind, away = self.occlusion.kind[which], self.occlusion.away[which]
        key = self.occlusion.key[which]
        main, device, n = self._main_place, self.stage.device, len(which)
        high = self.height / self.zoom[which]
        pole, car, edge = (kind == k for k in (2, 3, 4))
        x = main["x"][which] + away * high
        side = np.where(away > 0, 1.0, -1.0)
        foot = main["y"][which] + 0.06 * high
        half = high * np.where(pole, uniform("pole", key, low=0.025, high=0.075), 0.40)
        x = np.where(edge, main["x"][which] + side * (np.abs(away) * 0.5 + 0.42) * high, x)
        top = foot - high * np.where(car, uniform("car", key, low=0.30, high=0.46), 2.0)
        low = foot + np.where(edge, high, 0.0)
        tone = uniform("paint", key, low=0.15, high=0.75)
        tint = uniform("tint", key, low=-0.12, high=0.12)
        red = np.where(edge, 0.02, tone + tint * car)
        blue = np.where(edge, 0.02, tone - tint * car)
        green = np.where(edge, 0.02, tone)
        t = self._tensor
        one = torch.ones(n, device=device)
        pen = Pen(
            n, (one * -0.4, one * -0.4, one * 0.75), one * 0.5, torch.from_numpy(which).to(device),
            one * 150.0, torch.full((n,), 2, dtype=torch.long, device=device),
        )  # fmt: skip
        if n:
            pen.stroke((t(x), t(top)), (t(x), t(low)), (t(half),) * 3,
                       torch.stack([t(red), t(green), t(blue)]), part=0, depth=0.0,
                       caps=(t(np.where(car, 2.0, 8.0)), 0.0), cut=0.0)  # fmt: skip
        else:
            pen.stroke((one, one), (one, one), (one,) * 3, torch.ones(3, 0, device=device), part=0,
                       depth=0.0)  # fmt: skip
        return pen.strokes()

    @property
    def _tile(self) -> tuple[int, int]:
        return (8, 8) if self.height >= 128 else (4, 8)

    def _backdrop(self, plan: raster.Plan) -> Tensor:
        """The scenery behind each box, on a tiled canvas."""
        settings, census = self.stage.settings, self.stage.census
        texels = self.height
        span = 1.0 * _MARGIN * self.stage.traits["height"][self.rows] / 1.9 * self.near * self.zoom
        feet = scenery.HORIZON + 0.95 * self.near
        centre_y = feet - (0.455 - self.down / 1.0) * span / self.zoom * 1.0
        left = (self.place + self.right * 0.5 * span) * texels - 0.5 * span * self.width
        top = centre_y * texels - 0.5 * span * self.height
        step = self._tensor(span)
        camera = (census.camera[self.rows] + settings.backdrop) % settings.cameras
        x, y = plan.pixels()
        at = plan.frame
        high, wide = int(scenery.HIGH * texels), int(scenery.WIDE * texels)
        left, top = self._tensor(left % wide)[at], self._tensor(top)[at]
        column = (torch.floor(x * step[at] + left).long()) % wide
        row = torch.floor(y * step[at] + top).long().clamp(0, high - 1)
        index = row * wide + column
        used = sorted(set(camera.tolist()))
        books = [
            scenery.scene(
                settings.world, c, texels, settings.strength["clutter"], str(self.stage.device)
            )
            for c in used
        ]
        pages = torch.stack(books, 1).reshape(3, -1)
        page = torch.tensor([used.index(c) for c in camera.tolist()], device=index.device)
        index = index + page[at] * (high * wide)
        return pages.index_select(1, index.flatten()).view(3, *index.shape)

    def picture(self) -> Tensor:
        """uint8 (n, 3, h, w)."""
        strokes = self._cast()
        plan = raster.plan(strokes, len(self.rows), self.height, self.width, self._tile)
        canvas = self._backdrop(plan)
        raster.paint(plan, strokes, canvas)
        image = plan.untile(canvas, self.height, self.width)
        return self._develop(image)

    def _develop(self, image: Tensor) -> Tensor:
        fault, t = self.fault, self._tensor
        names = ("gain", "curve", "warm", "green", "fade", "saturation")
        view = {name: t(self.view[name]) for name in names}
        view["haze"] = torch.full_like(view["gain"], 0.72)
        jump = np.where(
            uniform("jump", self.key) < 0.5,
            1.0 + 1.3 * fault.severity,
            1.0 / (1.0 + 2.2 * fault.severity),
        )
        exposed = np.where(fault.kind == FAULTS.index("exposure"), jump, 1.0)
        view["gain"] = view["gain"] * t(exposed)
        image = finish.respond(image, view)
        image = finish.soften(image, t(self.view["blur"] * min(1.0, self.height / 128)))
        smeared = fault.kind == FAULTS.index("motion blur")
        reach = np.where(smeared, 1 + (fault.severity * 0.11 * self.width).astype(np.int64), 0)
        for r in sorted(set(reach.tolist()) - {0}):
            which = torch.from_numpy(np.flatnonzero(reach == r)).to(image.device)
            image[which] = finish.smear(image[which], r)
        burst = np.where(fault.kind == FAULTS.index("noise"), 0.22 * fault.severity, 0.0)
        sigma = t(self.view["noise"] + burst)[:, None, None, None]
        seed = torch.from_numpy(integer("grain", self.key, self.frame) & 0x7FFFFFFF)
        noise = finish.grain(len(self.rows), self.height, self.width, seed.to(image.device))
        return finish.to_bytes(image + noise * sigma)

    def truth(self) -> dict[str, Tensor]:
        """See `reidlib.data.promenade.truth`."""
        strokes = self._cast()
        plan = raster.plan(strokes, len(self.rows), self.height, self.width, self._tile)
        own, solid = strokes.owner == 1, strokes.owner > 0
        parts, owners = plan.canvas(1).fill_(0.0), plan.canvas(1).fill_(0.0)
        raster.label(plan, strokes, strokes.part.float(), parts, own)
        raster.label(plan, strokes, strokes.owner.float(), owners, solid)
        both = torch.cat([parts, owners])
        image = plan.untile(both, self.height, self.width).to(torch.uint8)
        mask = image[:, 0] > 0
        visible = mask & (image[:, 1] == 1)
        full = mask.flatten(1).sum(1).double()
        covered = torch.where(full > 0, 1.0 - visible.flatten(1).sum(1) / full.clamp(min=1), 1.0)
        t = self._tensor
        return {
            "mask": mask,
            "visible": visible,
            "parts": image[:, 0],
            "covered": covered.float(),
            "box": torch.stack([t(self.right), t(self.down), t(self.zoom)], 1),
            "quality": t(self.fault.quality),
            "foreign": torch.from_numpy(self.foreign),
            "fault": torch.from_numpy(self.fault.kind),
            "occluder": torch.from_numpy(self.occlusion.kind),
        }
