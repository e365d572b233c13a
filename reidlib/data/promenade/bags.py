"""What people carry: a backpack with its straps, a bag over the shoulder, one in the hand."""

from __future__ import annotations

import torch

from reidlib.data.promenade.body import BAG, RIGHT, Body, moved
from reidlib.data.promenade.garments import IN_FRONT


def bag(body: Body) -> None:
    """Whatever bag the person has."""
    _backpack(body)
    _shoulder_bag(body)
    _hand_bag(body)


def _backpack(body: Body) -> None:
    """Full from behind, in profile from the side, only its straps from the front."""
    pen, pose, unit, colour = body.pen, body.pose, body.unit, body.person["bag_rgb"]
    there = body.is_("bag", 1)
    top, near = pose.on_screen(moved(body.neck, -0.085, -0.055))
    low = pose.spot(moved(body.pelvis, -0.095, 0.055))
    wide = pose.breadth(0.083, 0.046)
    depth = IN_FRONT + near * 1.5
    pen.stroke(top, low, (wide * 0.9, wide * 1.05, wide), colour, part=BAG, depth=depth,
               caps=(2.0, 2.4), opacity=there)  # fmt: skip
    x, y = pose.spot(moved(body.pelvis, -0.118, 0.105))
    pocket = wide * 0.66
    pen.stroke((x, y), (x, y + 0.04 * unit), (pocket, pocket, pocket), colour * 0.82, part=BAG,
               depth=depth + 0.001, caps=(2.4, 2.4), opacity=there)  # fmt: skip
    shoulder = moved(body.neck, 0.035, -0.012, body.side * 0.062)
    waist = moved(body.pelvis, 0.058, 0.095, body.side * 0.072)
    strap = 0.0115 * unit
    pen.stroke(pose.spot(shoulder), pose.spot(waist), (strap, strap, strap), colour * 0.85,
               part=BAG, depth=IN_FRONT + 0.003,
               opacity=there * (pose.sin * 4.0 + 0.8).clamp(0.0, 1.0))  # fmt: skip


def _shoulder_bag(body: Body) -> None:
    """At the left hip; its strap crosses chest and back."""
    pen, pose, unit, colour = body.pen, body.pose, body.unit, body.person["bag_rgb"]
    there = body.is_("bag", 2)
    front = torch.where(pose.sin >= 0, 0.060, -0.060)
    shoulder = moved(body.neck, front * 0.5, -0.018, -0.070)
    hip = moved(body.pelvis, front, 0.030, 0.080)
    strap = 0.009 * unit
    pen.stroke(pose.spot(shoulder), pose.spot(hip), (strap, strap, strap), colour * 0.7, part=BAG,
               depth=IN_FRONT + 0.0035, opacity=there)  # fmt: skip
    (x, y), near = pose.on_screen(moved(body.pelvis, 0.0, -0.020, 0.112))
    size = pose.breadth(0.030, 0.072)
    pen.stroke((x, y - 0.02 * unit), (x, y + 0.045 * unit), (size, size, size), colour, part=BAG,
               depth=near + 0.036, caps=(2.5, 2.5), opacity=there)  # fmt: skip


def _hand_bag(body: Body) -> None:
    """Hangs from the right hand."""
    pen, pose, unit, colour = body.pen, body.pose, body.unit, body.person["bag_rgb"]
    there = body.is_("bag", 3)
    (x2, y2), near2 = pose.on_screen(body.hand)
    x, y, near = x2[RIGHT], y2[RIGHT], near2[RIGHT]
    low = y + 0.045 * unit
    handle, size = 0.008 * unit, pose.breadth(0.028, 0.070)
    pen.stroke((x, y), (x, low), (handle, handle, handle), colour * 0.7, part=BAG,
               depth=near + 0.050, opacity=there)  # fmt: skip
    pen.stroke((x, low), (x, low + 0.06 * unit), (size * 0.9, size, size * 1.05), colour, part=BAG,
               depth=near + 0.051, caps=(2.6, 2.6), opacity=there)  # fmt: skip
