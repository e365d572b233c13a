"""What is true about every frame, rendered on demand.

| name | shape | meaning |
|---|---|---|
| mask | (t, h, w) bool | the labelled person, whatever stands in front; empty in foreign frames |
| visible | (t, h, w) bool | the part of the mask that is seen |
| front | (t, h, w) bool | what stands in front, on the person and beside; all of a foreign person |
| parts | (t, h, w) uint8 | index into PARTS inside the mask, 0 outside |
| covered | (t,) | share of the mask that is not seen; 1 where the person is not there |
| box | (t, 3) | the detector's error: offset right and down (box widths, heights) and zoom |
| part_boxes | (t, 8, 4) | left, top, right, bottom (pixels, exclusive) of each part, or zeros |
| quality | (t,) | 1 good, lower the worse the frame's fault, 0 somebody else |
| foreign | (t,) bool | the tracker shows another person |
| fault, occluder | (t,) | index into FAULTS, OCCLUDERS |
| family | () | number of the look-alike family, 0 none |
| attributes | (18,) | index of each attribute's value, in the order of ATTRIBUTES |
| differs | (18,) bool | attributes that are not the same for all of the family |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reidlib.data.promenade.body import PARTS
from reidlib.data.promenade.people import ATTRIBUTES
from reidlib.data.promenade.render import Stage
from reidlib.data.tracklets import Tracklet


class RenderedTruth:
    """A TruthSource that draws what it is asked for."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> dict[str, Tensor]:
        """Truth of the frames `indices` (0-based) of the tracklet; shapes in the module's table."""
        row, frames = tracklet.row, np.asarray(list(indices), dtype=np.int64)
        if len(frames) and not 0 <= frames.min() <= frames.max() < len(tracklet):
            raise IndexError(f"frames {list(indices)} of a tracklet with {len(tracklet)} frames")
        found = self.stage.truth(np.full(len(frames), row), frames)
        found["part_boxes"] = part_boxes(found["parts"])
        for name, values in self._of_tracklets.items():
            found[name] = torch.from_numpy(np.array(values[row]))
        return found

    @cached_property
    def _of_tracklets(self) -> dict[str, NDArray[Any]]:
        return of_tracklets(self.stage)


def of_tracklets(stage: Stage) -> dict[str, NDArray[Any]]:
    """What is true of whole tracklets, by row: family, attributes, differs; see the table."""
    family = stage.traits["family"]
    labels = np.stack([stage.traits[name] for name in ATTRIBUTES], 1)
    differs = np.zeros(labels.shape, dtype=bool)
    for number in np.unique(family[family != 0]).tolist():
        relatives = family == number
        differs[relatives] = (labels[relatives] != labels[relatives][0]).any(0)
    return {"family": family, "attributes": labels, "differs": differs}


def part_boxes(parts: Tensor) -> Tensor:
    """(t, len(PARTS), 4) left, top, right, bottom of each part of (t, h, w); zeros if absent."""
    _, h, w = parts.shape
    inside = parts[:, None] == torch.arange(len(PARTS), device=parts.device)[:, None, None]
    columns, rows = inside.any(2), inside.any(3)
    left, top = columns.int().argmax(2), rows.int().argmax(2)
    right = w - columns.flip(2).int().argmax(2)
    bottom = h - rows.flip(2).int().argmax(2)
    box = torch.stack([left, top, right, bottom], 2)
    return box * columns.any(2, keepdim=True)
