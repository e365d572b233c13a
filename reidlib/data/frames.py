"""Where pixels come from: frames stored once as uint8, or image files decoded on request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reidlib.data.tracklets import Tracklet


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
            raise ValueError(
                f"offsets end at {int(offsets[-1])}, but there are {len(pixels)} frames"
            )
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
