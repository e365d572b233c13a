"""A walking person's joints, from the gait, and their place on the screen.

Everything stands in the walker's own axes (forward, up, left), in body heights, is turned by the
heading, tilted by the camera's height and flattened onto the screen: one description for all sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reidlib.data.promenade.strokes import Pen

PARTS = ("background", "head", "hair", "torso", "arms", "legs", "feet", "bag")
HEAD, HAIR, TORSO, ARMS, LEGS, FEET, BAG = range(1, 8)
LEFT, RIGHT = 0, 1

Number = Tensor | float
Point = tuple[Tensor, Tensor, Tensor]  # forward, up, left
Spot = tuple[Tensor, Tensor]  # x, y on the screen


def sine(turns: Tensor) -> Tensor:
    """sin(2 pi turns) to a thousandth, by operations that round alike everywhere."""
    t = turns - torch.floor(turns + 0.5)
    rough = 8.0 * t - 16.0 * t * t.abs()
    return rough + 0.225 * (rough * rough.abs() - rough)


def cosine(turns: Tensor) -> Tensor:
    """cos(2 pi turns), likewise."""
    return sine(turns + 0.25)


def between(a: Point, b: Point, share: Number) -> Point:
    """The point this share of the way from a to b."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share


def moved(a: Point, forward: Number = 0.0, up: Number = 0.0, left: Number = 0.0) -> Point:
    """The point shifted."""
    return a[0] + forward, a[1] + up, a[2] + left


@dataclass
class Pose:
    """Where figures stand on the screen and how they move; every field is (figures,)."""

    phase: Tensor  # turns of the walking cycle; the left heel strikes at 0
    heading: Tensor  # turns: 0 to the right, 0.25 towards the camera, 0.5 left, 0.75 away
    tilt: Tensor  # turns the camera looks down
    x: Tensor  # pixels: where the ground below the hips is
    y: Tensor
    unit: Tensor  # pixels of a body height

    def __post_init__(self) -> None:
        self.cos, self.sin = cosine(self.heading), sine(self.heading)
        self.cos_tilt, self.sin_tilt = cosine(self.tilt), sine(self.tilt)

    def on_screen(self, point: Point) -> tuple[Spot, Tensor]:
        """Screen position, and how near to the viewer it is (body heights)."""
        forward, up, left = point
        east = forward * self.cos + left * self.sin
        near = forward * self.sin - left * self.cos
        x = self.x + self.unit * east
        y = self.y - self.unit * (up * self.cos_tilt - near * self.sin_tilt)
        return (x, y), near

    def spot(self, point: Point) -> Spot:
        """Screen position alone."""
        return self.on_screen(point)[0]

    def breadth(self, across: Number, deep: Number) -> Tensor:
        """Half width on the screen (pixels) of an upright ellipse with these half axes."""
        a, b = across * self.sin, deep * self.cos
        return torch.sqrt(a * a + b * b) * self.unit


# Joint angles of level walking over the cycle in degrees: a mean, then (cosine, sine) of harmonics.
_HIP = (13.2, (19.2, -3.3), (-2.6, -1.7))
_KNEE = (22.8, (-3.6, -19.2), (-12.5, 7.5), (-0.5, 3.3))
_ANKLE = (-1.1, (0.0, 6.1), (0.2, -7.2), (-2.2, 1.9))
_STOOP = 0.006  # turns: nobody walks quite upright


def _angle(curve: tuple, phase: Tensor) -> Tensor:
    """Turns of a joint angle at this phase."""
    total = torch.full_like(phase, curve[0])
    for k, (c, s) in enumerate(curve[1:], start=1):
        total = total + c * cosine(k * phase) + s * sine(k * phase)
    return total / 360.0


def _swung(origin: Point, turns: Tensor, length: Number, out: Number = 0.0) -> Point:
    """The far end of a limb that hangs from `origin`, swung forward by `turns`."""
    return (
        origin[0] + length * sine(turns),
        origin[1] - length * cosine(turns),
        origin[2] + out * length,
    )


class Body:
    """Joints of figures. `person` maps traits to tensors (figures,), colours to (3, figures).

    Joints of limbs are (2, figures): left, right. Lengths are body heights; `unit` and `bulk` are
    pixels of a body height, and the same for the thickness of limbs.
    """

    def __init__(self, pen: Pen, pose: Pose, person: dict[str, Tensor], fine: bool = True) -> None:
        self.pen, self.pose, self.person, self.fine = pen, pose, person, fine
        self.unit, self.bulk = pose.unit, pose.unit * person["build"]
        self.side = torch.tensor([[1.0], [-1.0]], device=pose.x.device)  # left, right
        self.phase = pose.phase + (1.0 - self.side) * 0.25
        self._legs()
        self._trunk()
        self._arms()

    def is_(self, trait: str, *values: int) -> Tensor:
        """1.0 where the trait has one of the values, else 0.0."""
        trait_values = self.person[trait]
        hits = [trait_values == value for value in values]
        return torch.stack(hits).any(0).float()

    def _legs(self) -> None:
        person, phase, side = self.person, self.phase, self.side
        stride = person["stride"]
        thigh_turn = (_angle(_HIP, phase) - _HIP[0] / 360) * stride + 9.0 / 360
        shin_turn = thigh_turn - _angle(_KNEE, phase) * (0.45 + 0.55 * stride)
        toe_turn = 0.25 + shin_turn + _angle(_ANKLE, phase)
        hip = (
            side * 0.012 * stride * cosine(phase),
            torch.zeros_like(phase),
            side * (0.046 + 0.008 * person["hips"]),
        )
        knee = _swung(hip, thigh_turn, 0.245, -0.05 * side)
        ankle = _swung(knee, shin_turn, 0.240, -0.03 * side)
        heel = _swung(ankle, shin_turn - 0.06, 0.042)
        toe = _swung(heel, toe_turn.clamp(0.06, 0.38), 0.125, 0.10 * side)
        lowest = torch.minimum(heel[1], toe[1])
        self.hip_height = -torch.minimum(lowest[LEFT], lowest[RIGHT])  # one foot is on the ground
        raised = (moved(joint, up=self.hip_height) for joint in (hip, knee, ankle, heel, toe))
        self.hip, self.knee, self.ankle, self.heel, self.toe = raised

    def _trunk(self) -> None:
        person = self.person
        zero = torch.zeros_like(self.unit)
        self.ground: Point = (zero, zero, zero)
        self.pelvis: Point = (zero, self.hip_height + 0.01, zero)
        self.neck = _swung(self.pelvis, 0.5 - person["lean"] - _STOOP, 0.305)
        self.crown = moved(self.neck, 0.012, 0.098)  # middle of the head
        self.shoulders = 0.100 * (1.08 - 0.16 * person["hips"]) * (0.6 + 0.4 * person["build"])

    def _arms(self) -> None:
        person, phase, side = self.person, self.phase, self.side
        swing = person["swing"]
        self.shoulder: Point = (
            self.neck[0] - side * 0.012 * swing * cosine(phase),
            self.neck[1] - 0.044 + 0.0 * phase,
            side * self.shoulders,
        )
        carries = self.is_("bag", 3) * (1.0 - side) * 0.5  # a bag in the right hand hangs still
        turn = (2.0 - 19.0 * cosine(phase) * swing) / 360 * (1.0 - 0.7 * carries)
        bend = (16.0 + 10.0 * swing * (1.0 - cosine(phase))) / 360 * (1.0 - 0.8 * carries)
        self.elbow = _swung(self.shoulder, turn, 0.172, 0.10 * side)
        self.wrist = _swung(self.elbow, turn + bend, 0.150, 0.02 * side)
        self.hand = _swung(self.wrist, turn + bend, 0.055, -0.04 * side)
