"""Where pixels come from: frames stored once as uint8, or image files decoded on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError


class StoredFrames:
    """Every frame of a data set in one tensor; the source that training reads fastest.

    pixels: uint8 (total, 3, h, w), in memory, memory-mapped, or on a device.
    offsets: int64 (rows + 1,); the tracklet of row r owns pixels[offsets[r] : offsets[r + 1]].
    """

    def __init__(self, pixels: Tensor, offsets: Tensor) -> None:
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
            raise ValueError(
                f"pixels are uint8 (total, 3, h, w), not {pixels.dtype} {tuple(pixels.shape)}"
            )
        if int(offsets[-1]) != len(pixels):
            raise ValueError(f"offsets end at {int(offsets[-1])}, frames at {len(pixels)}")
        self.pixels, self.offsets = pixels, offsets

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> Tensor:
        """uint8 (t, 3, h, w): the frames `indices` of one tracklet, in that order."""
        places = np.asarray(indices, dtype=np.int64)[None] + getattr(tracklet, "start", 0)
        return gather(self.pixels, self.offsets, np.array([tracklet.row]), places)[0]


def gather(pixels: Tensor, offsets: Tensor, rows: np.ndarray, places: np.ndarray) -> Tensor:
    """uint8 (b, t, 3, h, w): the frames `places` (b, t) of the tracklets `rows` (b,), in one go."""
    first, end = offsets.numpy()[rows][:, None], offsets.numpy()[rows + 1][:, None]
    if (places < 0).any() or (first + places >= end).any():
        raise IndexError(f"frames {places.tolist()} of tracklets of {(end - first)[:, 0]} frames")
    flat = (first + places).ravel()
    if pixels.device.type == "cpu":
        # numpy copies in one thread and lets go of the interpreter: a loader in the background
        # must not start a second team of torch threads on cores that train.
        taken = torch.from_numpy(pixels.numpy().take(flat, axis=0))
    else:
        taken = pixels[torch.from_numpy(flat).to(pixels.device)]
    return taken.reshape(*places.shape, *pixels.shape[1:])


@dataclass(frozen=True)
class ImageFiles:
    """The user's own image files, decoded when asked for. Safe to read from several threads.

    size: (height, width) that every frame is resized to, antialiased, where it differs.
    Raises:
        ReidError: a missing, truncated or unreadable file, by name. No frame is ever left out.
    """

    root: Path
    size: tuple[int, int]
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> Tensor:
        """uint8 (t, 3, h, w): the frames `indices` of one tracklet, in that order."""
        frames = np.empty((len(indices), *self.size, 3), dtype=np.uint8)
        for frame, index in zip(frames, indices):
            frame[:] = self.decode(tracklet.frames[index])
        return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()

    def decode(self, name: str) -> np.ndarray:
        """uint8 (h, w, 3), RGB. Pillow, because it refuses files that end too early."""
        from PIL import Image

        path = Path(self.root) / name
        kernel = getattr(Image.Resampling, self.interpolation.upper())
        height, width = self.size
        try:
            with Image.open(path) as image:
                rgb = image.convert("RGB")
        except FileNotFoundError:
            raise ReidError(f"{path} is missing; unpack the data set again") from None
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ReidError(
                f"{path} cannot be decoded ({error}); replace it by the original file"
            ) from error
        if rgb.size != (width, height):
            rgb = rgb.resize((width, height), kernel)
        return np.asarray(rgb)
