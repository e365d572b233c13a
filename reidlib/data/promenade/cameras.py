"""Cameras of a world: where they hang, how they see colour, how sharp and how noisy they are."""

from __future__ import annotations

import numpy as np

from reidlib.data.promenade.chance import Floats, Ints, normal, uniform

View = dict[str, Floats]


def draw_cameras(world: int, cameras: Ints) -> View:
    """Settings of each camera, one array entry a camera."""
    k = ("camera", world, cameras)

    def flat(name: str, low: float, high: float) -> Floats:
        return uniform(name, *k, low=low, high=high)

    # Main directions differ from camera to camera, so that people are seen from other sides.
    turn = uniform("turn", "camera", world)
    view = {
        "heading": turn + cameras * 0.381966 + normal("heading", *k, scale=0.03),
        "above": flat("above", 0.75, 1.35),  # height in units of 1.9 m
        "gain": flat("gain", 0.85, 1.15),
        "curve": flat("curve", -0.12, 0.12),
        "warm": normal("warm", *k, scale=0.05),
        "green": normal("green", *k, scale=0.02),
        "fade": flat("fade", 0, 0.06),
        "saturation": flat("saturation", 0.85, 1.05),
        "sun": flat("sun", -0.75, 0.75),
        "ambient": flat("ambient", 0.42, 0.66),
        "blur": flat("blur", 0, 0.4),
        "noise": flat("noise", 0.004, 0.012),
        "pause": flat("pause", 0.14, 0.22),  # seconds between stored frames
    }
    view["tilt"] = 0.008 + 0.022 * view["above"]  # a higher camera looks down more steeply
    return {name: np.asarray(values) for name, values in view.items()}
