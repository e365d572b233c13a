"""From stored uint8 clips to what a model sees: resize, crop, flip, normalise, erase.

Chance and work are apart: `draw` decides everything on the CPU, once a clip (`per_frame` erasing
once a frame), from (seed, step, slot) alone; `augment` carries it out on whatever device the clips
are, for all at once. So the result depends neither on the device nor on who loaded the clip. Order:
resize (to an eighth more, then a crop, where that was drawn), flip, [0, 1], ImageNet's mean and
deviation, erasing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from reidlib.data.sampling import AUGMENT, generator

if TYPE_CHECKING:
    from reidlib.recipes.core import Augment

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
ENLARGED = 1.125
TRIES = 100


@dataclass(frozen=True)
class Draws:
    """What chance decided for b clips of t frames; for b t clips of one, if each has its own."""

    flip: Tensor  # (b,) bool
    crop: Tensor  # (b,) bool
    corner: Tensor  # (b, 2) top and left of the crop in the enlarged frame
    box: Tensor  # (b, t, 4) top, left, height, width of what is erased; height 0 for nothing


def draw(
    how: Augment, slots: Sequence[int], frames: int, size: tuple[int, int], *, seed: int, step: int
) -> Draws:
    """The decisions for the clips at `slots` of batch `step`; size = (height, width) at the end.

    A slot's decisions do not depend on the other slots, nor on the probabilities: a clip that is
    flipped stays so when erasing is switched on.
    """
    flips, crops, corners, boxes = [], [], [], []
    slack = np.array(enlarged(size), dtype=np.int64) - np.array(size)
    places: list[tuple[int, ...]] = [(int(slot),) for slot in slots]
    if how.per_frame:
        places, frames = [(slot, frame) for (slot,) in places for frame in range(frames)], 1
    for place in places:
        rng = generator(seed, AUGMENT, step, *place)
        chance = rng.random(3)
        corners.append(rng.integers(slack + 1))
        box = erasing_boxes(rng, how, frames, size)
        # Drawn last, so that everything else is the same in every mode.
        erasing = rng.random(frames) if how.erase_mode == "per_frame" else chance[2:]
        flips.append(chance[0] < how.flip)
        crops.append(chance[1] < how.crop)
        boxes.append(np.where((erasing < how.erase)[:, None], box, 0))
    arrays = (np.array(flips), np.array(crops), np.array(corners), np.array(boxes))
    return Draws(*map(torch.from_numpy, arrays))


def erasing_boxes(
    rng: np.random.Generator, how: Augment, frames: int, size: tuple[int, int]
) -> np.ndarray:
    """(t, 4) top, left, height and width of the box to erase in each frame of a clip.

    Area and aspect are uniform, drawn up to TRIES times until the box is smaller than the frame
    both ways; if none is, height and width are 0. Then it takes a uniform place, given as a share
    of the room it has. how.erase_mode:
      clip_same_box: one box for the clip.
      clip_same_place: one relative place, the shape anew for each frame (SINet).
      per_frame: place and shape anew for each frame (and `draw` decides for each whether to erase).
    """
    whole = np.array(size)
    place = rng.random((frames, 2))
    area = rng.uniform(*how.erase_area, (frames, TRIES)) * whole.prod()
    aspect = rng.uniform(*how.erase_aspect, (frames, TRIES))
    if how.erase_mode != "per_frame":
        place = place[:1].repeat(frames, axis=0)
    if how.erase_mode == "clip_same_box":
        area, aspect = area[:1].repeat(frames, axis=0), aspect[:1].repeat(frames, axis=0)
    shape = np.rint(np.sqrt(np.stack([area * aspect, area / aspect], axis=-1))).astype(np.int64)
    fits = ((shape > 0) & (shape < whole)).all(axis=-1)
    shape = shape[np.arange(frames), fits.argmax(axis=1)] * fits.any(axis=1)[:, None]
    corner = np.floor(place * (whole - shape + 1)).astype(np.int64)
    return np.concatenate([corner, shape], axis=1)


def augment(clips: Tensor, draws: Draws, how: Augment, size: tuple[int, int]) -> Tensor:
    """uint8 (b, t, 3, h0, w0) -> normalised float (b, t, 3, h, w), as drawn."""
    if how.per_frame:
        frames, one = rearrange(clips, "b t c h w -> (b t) 1 c h w"), replace(how, per_frame=False)
        x = augment(frames, draws, one, size)
        return rearrange(x, "(b t) 1 c h w -> b t c h w", b=len(clips))
    flip, crop, box = (x.to(clips.device) for x in (draws.flip, draws.crop, draws.box))
    x = resize(clips, size, how.interpolation)
    if draws.crop.any():
        big = resize(clips[crop], enlarged(size), how.interpolation)
        x = x.index_put((crop,), cut(big, draws.corner[draws.crop], size))
    x = torch.where(flip[:, None, None, None, None], x.flip(-1), x)
    return erase(normalise(x), box, how.erase_fill)


def prepare(clips: Tensor, size: tuple[int, int], interpolation: str = "bilinear") -> Tensor:
    """uint8 (b, t, 3, h0, w0) -> normalised float (b, t, 3, h, w), without chance: for testing."""
    return normalise(resize(clips, size, interpolation))


def enlarged(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width), an eighth more."""
    return round(size[0] * ENLARGED), round(size[1] * ENLARGED)


def resize(clips: Tensor, size: tuple[int, int], interpolation: str = "bilinear") -> Tensor:
    """uint8 (b, t, 3, h, w) at another size, antialiased and rounded as image libraries do."""
    if tuple(clips.shape[-2:]) == tuple(size):
        return clips
    frames = rearrange(clips, "b t c h w -> (b t) c h w").float()
    frames = F.interpolate(frames, size, mode=interpolation, antialias=True, align_corners=False)
    frames = frames.round_().clamp_(0, 255).to(torch.uint8)
    return rearrange(frames, "(b t) c h w -> b t c h w", b=len(clips))


def cut(clips: Tensor, corner: Tensor, size: tuple[int, int]) -> Tensor:
    """(b, t, c, h, w): of each clip the window of `size` at its own `corner` (b, 2)."""
    h, w = size
    windows = zip(clips, corner.tolist(), strict=True)
    return torch.stack([clip[..., y : y + h, x : x + w] for clip, (y, x) in windows])


def normalise(clips: Tensor) -> Tensor:
    """(b, t, 3, h, w) of 0 to 255 -> float32 with ImageNet's mean 0 and deviation 1."""
    mean, deviation = (
        torch.tensor(x, device=clips.device)[:, None, None] for x in (MEAN, DEVIATION)
    )
    return clips.to(torch.float32, copy=True).div_(255).sub_(mean).div_(deviation)


def erase(clips: Tensor, box: Tensor, fill: Sequence[float]) -> Tensor:
    """(b, t, c, h, w) with `fill`, a value a channel, inside each frame's box (b, t, 4)."""
    top, left, height, width = box[..., None, None].unbind(dim=2)
    y = torch.arange(clips.shape[-2], device=clips.device)[:, None]
    x = torch.arange(clips.shape[-1], device=clips.device)
    inside = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)
    colour = torch.tensor(fill, dtype=clips.dtype, device=clips.device)[:, None, None]
    return torch.where(inside[:, :, None], colour, clips)
