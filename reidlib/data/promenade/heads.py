"""Heads: a ball with hair over part of it, a face in front, perhaps a hat."""

from __future__ import annotations

import torch
from torch import Tensor

from reidlib.data.promenade.body import HAIR, HEAD, Body, moved
from reidlib.data.promenade.garments import IN_FRONT

_ON_TOP = IN_FRONT + 0.006  # depth of the head
_HIGH = 0.068  # half its height


def head(body: Body) -> None:
    """The whole head."""
    pen, pose, person = body.pen, body.pose, body.person
    hair = person["hair_rgb"]
    half, high = pose.breadth(0.050, 0.058), _HIGH * body.unit
    bald, full = body.is_("hairstyle", 1), body.is_("hairstyle", 2, 3, 6)
    volume = half * (1.04 + 0.10 * full + 0.08 * body.is_("hairstyle", 6))
    round_ = (half / high, half / high)
    behind = pose.spot(moved(body.crown, -0.012, 0.010))
    pen.stroke(behind, behind, (volume, volume, volume), hair, part=HAIR, depth=_ON_TOP - 0.003,
               caps=round_, opacity=1.0 - bald, ball=1.0)  # fmt: skip
    # On the ball itself hair grows above and behind a slanting plane.
    fabric: dict[str, Tensor | float] = {
        "red3": hair[0], "green3": hair[1], "blue3": hair[2],
        "decal_u": -0.75 * pose.cos, "decal_n": -0.75 * pose.sin, "decal_v": -0.66,
        "decal_0": -0.12 - 0.12 * full + 0.67 * bald, "decal_edge": half * 0.9,
        "decal_half": 9.0 * body.unit, "decal_cut": 1.0,
    }  # fmt: skip
    middle = pose.spot(body.crown)
    pen.stroke(middle, middle, (half, half, half), person["skin_rgb"], part=HEAD, depth=_ON_TOP,
               caps=round_, fabric=fabric, ball=1.0)  # fmt: skip
    _long_hair(body)
    _face(body)
    _hat(body, half, high)


def _long_hair(body: Body) -> None:
    """Bob and long hair, ponytail, bun: behind the face, over collar and back from behind."""
    pen, pose, hair, unit = body.pen, body.pose, body.person["hair_rgb"], body.unit
    bob, long, tail, bun = (body.is_("hairstyle", k) for k in (2, 3, 4, 5))
    depth = IN_FRONT - 0.055 * pose.sin
    top = pose.spot(moved(body.crown, -0.022, 0.005))
    end = pose.spot(moved(body.crown, -0.050, -0.05 - 0.105 * long))
    wide = pose.breadth(0.056, 0.040)
    pen.stroke(top, end, (wide, wide, wide * 0.85), hair, part=HAIR, depth=depth,
               opacity=bob + long, caps=(1.0, 1.6), fade=0.15)  # fmt: skip
    root, tip = moved(body.crown, -0.058, 0.030), moved(body.crown, -0.085, -0.085)
    pen.stroke(pose.spot(root), pose.spot(tip), (0.016 * unit, 0.022 * unit, 0.010 * unit), hair,
               part=HAIR, depth=depth + 0.002, opacity=tail)  # fmt: skip
    knot = pose.spot(moved(body.crown, -0.060, 0.045))
    pen.stroke(knot, knot, (0.028 * unit,) * 3, hair, part=HAIR, depth=depth + 0.005, opacity=bun,
               ball=1.0)  # fmt: skip


def _face(body: Body) -> None:
    """Two eyes, a nose, a mouth, as far as they are turned towards the viewer."""
    pen, pose, side, unit, skin = body.pen, body.pose, body.side, body.unit, body.person["skin_rgb"]
    device = unit.device
    eye = pose.spot(moved(body.crown, 0.050, 0.004, side * 0.019))
    seen = ((pose.sin * 0.93 - side * 0.36 * pose.cos) * 3.0 - 0.3).clamp(0.0, 0.9)
    dark = torch.tensor([[0.13], [0.09], [0.08]], device=device)
    pen.stroke(eye, eye, (0.0066 * unit,) * 3, dark, part=HEAD, depth=_ON_TOP + 0.002, opacity=seen)
    x, y = pose.spot(moved(body.crown, 0.050, -0.036, side * 0.010))
    lips = skin * torch.tensor([[0.72], [0.50], [0.50]], device=device)
    pen.stroke((x[0], y[0]), (x[1], y[1]), (0.004 * unit,) * 3, lips, part=HEAD,
               depth=_ON_TOP + 0.002, opacity=(pose.sin * 3.0 - 0.3).clamp(0.0, 0.9))  # fmt: skip
    nose = pose.spot(moved(body.crown, 0.062, -0.012))
    pen.stroke(nose, nose, (0.009 * unit,) * 3, skin * 0.97, part=HEAD, depth=_ON_TOP + 0.001,
               opacity=(pose.sin * 3.0 + 1.0).clamp(0.0, 1.0), caps=(0.7, 0.9))  # fmt: skip


def _hat(body: Body, half: Tensor, high: Tensor) -> None:
    """A cap with its peak, a beanie, or a hat with a brim."""
    pen, pose, unit, colour = body.pen, body.pose, body.unit, body.person["second_rgb"]
    cap, beanie, brimmed = (body.is_("hat", k) for k in (1, 2, 3))
    depth = IN_FRONT + 0.060
    x, y = pose.spot(moved(body.crown, -0.004, 0.010))
    wide = half * 1.12
    pen.stroke((x, y), (x, y), (wide, wide, wide), colour, part=HAIR, depth=depth,
               caps=(half / high, half / high), cut=-(0.22 - 0.10 * beanie) * high,
               opacity=cap + beanie + brimmed, ball=1.0)  # fmt: skip
    (x0, y0), near = pose.on_screen(moved(body.crown, 0.040, 0.030))
    x1, y1 = pose.spot(moved(body.crown, 0.098, 0.018))
    peak = (pose.breadth(0.040, 0.010) * 0.5 + 0.004 * unit) * pose.sin.abs()
    thin = 0.0085 * unit
    pen.stroke((x0 - peak, y0), (x1 + peak, y1), (thin, thin, thin), colour * 0.8, part=HAIR,
               depth=depth + near * 0.1, opacity=cap)  # fmt: skip
    reach, y = half * 1.9, y - 0.20 * high
    pen.stroke((x - reach, y), (x + reach, y), (thin, thin * 1.3, thin), colour * 0.9, part=HAIR,
               depth=depth + 0.005, opacity=brimmed)  # fmt: skip
