"""People as strokes: traits turned into tensors, posed and drawn with a pen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade import bags, garments, heads
from reidlib.data.promenade.body import Body, Pose
from reidlib.data.promenade.people import Traits, colours
from reidlib.data.promenade.strokes import Pen

_COLOURS = {
    "skin_rgb": "skin", "hair_rgb": "hair", "upper_rgb": "upper_colour",
    "second_rgb": "second_colour", "lower_rgb": "lower_colour", "socks_rgb": "socks",
    "shoes_rgb": "shoes", "bag_rgb": "bag_colour",
}  # fmt: skip


def draw_figures(
    pen: Pen,
    traits: Traits,
    *,
    phase: Tensor,
    heading: Tensor,
    tilt: Tensor,
    x: Tensor,
    y: Tensor,
    scale: Tensor,
    fine: bool,
) -> None:
    """Draw one person for each of the pen's figures.

    x, y: where they stand (pixels); scale: pixels a metre; phase, heading, tilt: see `Pose`.
    fine: creases in cloth, which only large frames show.
    """
    device = pen.frame.device

    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).float().to(device)

    person = {name: tensor(values) for name, values in traits.items() if name != "family"}
    for name, source in _COLOURS.items():
        person[name] = tensor(colours(traits, source).T)
    pose = Pose(phase, heading, tilt, x, y, scale * person["height"])
    body = Body(pen, pose, person, fine)
    garments.shadow(body)
    garments.legs(body)
    garments.torso(body)
    garments.arms(body)
    heads.head(body)
    bags.bag(body)
