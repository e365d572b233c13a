"""Frames and their truth, any of them, in any order: the stage on which a request's people walk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import finish, raster, scenery
from reidlib.data.promenade.cast import IN_FRONT, LABELLED, SCENERY, Cast
from reidlib.data.promenade.chance import Ints, integer, uniform
from reidlib.data.promenade.facades import HIGH, WIDE
from reidlib.data.promenade.illnesses import FAULTS
from reidlib.data.promenade.strokes import Strokes
from reidlib.data.promenade.tables import Tables


class Stage(Tables):
    """Draws the frames of a census. Nothing is stored: equal calls give equal pixels."""

    def frames(self, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints) -> Tensor:
        """uint8 (n, 3, h, w): frame `frames[i]` (from 0) of tracklet `rows[i]`."""
        cast = Cast(self, rows, frames)
        strokes = cast.strokes()
        plan = _plan(cast, strokes)
        canvas = _backdrop(cast, plan)
        raster.paint(plan, strokes, canvas)
        return _develop(cast, plan.untile(canvas, *cast.size))

    def truth(self, rows: Sequence[int] | Ints, frames: Sequence[int] | Ints) -> dict[str, Tensor]:
        """What is true about the same frames: see `reidlib.data.promenade.truth`."""
        return _truth(Cast(self, rows, frames))


def _plan(cast: Cast, strokes: Strokes) -> raster.Plan:
    height, width = cast.size
    tile = (8, 8) if height >= 128 else (4, 8)
    return raster.plan(strokes, len(cast.rows), height, width, tile)


def _backdrop(cast: Cast, plan: raster.Plan) -> Tensor:
    """The scenery behind each box, on a tiled canvas (3, th, tw, tiles)."""
    settings, texels, device = cast.settings, cast.size[0], cast.device
    camera = (cast.camera + settings.backdrop) % settings.cameras
    high, wide = int(HIGH * texels), int(WIDE * texels)
    street = settings.world, settings.cameras, texels, settings.strength["clutter"]
    scenes = scenery.scenes(*street, str(device)).view(3, -1)
    at = plan.frame
    step = cast.tensor(cast.boxes.step * texels)[at]
    left = cast.tensor(cast.boxes.left % WIDE * texels)[at]
    top = cast.tensor(cast.boxes.top * texels)[at]
    x, y = plan.pixels()
    column = torch.floor(x * step + left).long() % wide
    row = torch.floor(y * step + top).long().clamp(0, high - 1)
    start = torch.from_numpy(camera * (high * wide)).to(device)[at]
    index = row * wide + (column + start)
    seen = scenes.index_select(1, index.flatten()).view(3, *index.shape)
    return seen.float() * (1.0 / 255.0)


def _develop(cast: Cast, image: Tensor) -> Tensor:
    """Light to bytes, by this camera and with this frame's fault."""
    fault, t = cast.fault, cast.tensor
    names = ("gain", "curve", "warm", "green", "fade", "saturation")
    view = {name: t(cast.view[name]) for name in names}
    up, down = 1.0 + 1.3 * fault.severity, 1.0 / (1.0 + 2.2 * fault.severity)
    jump = np.where(uniform("jump", cast.key) < 0.5, up, down)
    view["gain"] = view["gain"] * t(np.where(fault.kind == FAULTS.index("exposure"), jump, 1.0))
    image = finish.respond(image, view)
    image = finish.soften(image, t(cast.view["blur"] * min(1.0, cast.size[0] / 128)))
    reach = 1 + (fault.severity * 0.11 * cast.size[1]).astype(np.int64)
    reach = np.where(fault.kind == FAULTS.index("motion blur"), reach, 0)
    for r in np.unique(reach[reach > 0]):
        which = torch.from_numpy(np.flatnonzero(reach == r)).to(image.device)
        image[which] = finish.smear(image[which], int(r))
    burst = np.where(fault.kind == FAULTS.index("noise"), 0.17 * fault.severity, 0.0)
    seed = torch.from_numpy(integer("grain", cast.key, cast.frame) & 0x7FFFFFFF)
    noise = finish.grain(seed.to(image.device), *cast.size)
    # A small frame is a large one scaled down, which averages noise away.
    level = t((cast.view["noise"] + burst) * min(1.0, (cast.size[0] / 160) ** 0.5))
    return finish.to_bytes(image + noise * level[:, None, None, None])


def _truth(cast: Cast) -> dict[str, Tensor]:
    """Masks from the same strokes, and the numbers that were drawn."""
    strokes = cast.strokes()
    plan = _plan(cast, strokes)
    parts, owners = plan.canvas(1).fill_(0.0), plan.canvas(1).fill_(0.0)
    raster.label(plan, strokes, strokes.part.float(), parts, strokes.owner == LABELLED)
    raster.label(plan, strokes, strokes.owner.float(), owners, strokes.owner > SCENERY)
    image = plan.untile(torch.cat([parts, owners]), *cast.size).to(torch.uint8)
    mask = image[:, 0] > 0
    visible = mask & (image[:, 1] == LABELLED)
    full, seen = mask.flatten(1).sum(1), visible.flatten(1).sum(1)
    return {
        "mask": mask,
        "visible": visible,
        "front": image[:, 1] == IN_FRONT,
        "parts": image[:, 0],
        "covered": torch.where(full > 0, 1.0 - seen.double() / full.clamp(min=1), 1.0).float(),
        "box": torch.stack([cast.tensor(values) for values in cast.errors], 1),
        "quality": cast.tensor(cast.fault.quality),
        "foreign": torch.from_numpy(cast.foreign),
        "fault": torch.from_numpy(cast.fault.kind),
        "occluder": torch.from_numpy(cast.occlusion.kind),
    }
