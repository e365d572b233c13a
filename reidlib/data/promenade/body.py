"""A walking person as strokes: joints from the gait, then legs, torso, arms, head and bag around them.

Everything stands in the walker's own axes (forward, up, left; metres), is turned by the heading, tilted by
the camera's height and flattened onto the screen. So one description serves every side.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reidlib.data.promenade.strokes import Pen

PARTS = ("background", "head", "hair", "torso", "arms", "legs", "feet", "bag")
HEAD, HAIR, TORSO, ARMS, LEGS, FEET, BAG = range(1, 8)

Point = tuple[Tensor, Tensor, Tensor]  # forward, up, left


def sine(turns: Tensor) -> Tensor:
    """sin(2 pi turns) to a thousandth, by operations that round alike everywhere."""
    t = turns - torch.floor(turns + 0.5)
    rough = 8.0 * t - 16.0 * t * t.abs()
    return rough + 0.225 * (rough * rough.abs() - rough)


def cosine(turns: Tensor) -> Tensor:
    """cos(2 pi turns), likewise."""
    return sine(turns + 0.25)


@dataclass
class Pose:
    """Where figures stand on the screen and how they move; every field is (figures,)."""

    phase: Tensor  # turns of the walking cycle
    heading: Tensor  # turns: 0 to the right, 0.25 towards the camera, 0.5 left, 0.75 away
    tilt: Tensor  # turns the camera looks down
    x: Tensor  # pixels: where the ground point below the hips is
    y: Tensor
    scale: Tensor  # pixels per metre

    def project(self, point: Point) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Screen position (pixels) and nearness to the viewer (metres)."""
        forward, up, left = point
        east = forward * self.cos + left * self.sin
        near = forward * self.sin - left * self.cos
        x = self.x + self.scale * east
        y = self.y - self.scale * (up * self.cos_tilt - near * self.sin_tilt)
        return (x, y), near

    def __post_init__(self) -> None:
        self.cos, self.sin = cosine(self.heading), sine(self.heading)
        self.cos_tilt, self.sin_tilt = cosine(self.tilt), sine(self.tilt)

    def breadth(self, across: Tensor, deep: Tensor) -> Tensor:
        """Half width on the screen (pixels) of an upright ellipse with these half axes."""
        a, b = across * self.sin, deep * self.cos
        return torch.sqrt(a * a + b * b) * self.scale


# Joint angles of level walking over the cycle, in degrees: mean, then (cosine, sine) of its harmonics.
_HIP = (13.2, (19.2, -3.3), (-2.6, -1.7))
_KNEE = (22.8, (-3.6, -19.2), (-12.5, 7.5), (-0.5, 3.3))
_ANKLE = (-1.1, (0.0, 6.1), (0.2, -7.2), (-2.2, 1.9))


def _angle(curve: tuple, phase: Tensor) -> Tensor:
    """Turns of a joint angle at this phase."""
    total = torch.full_like(phase, curve[0])
    for k, (c, s) in enumerate(curve[1:], start=1):
        total = total + c * cosine(k * phase) + s * sine(k * phase)
    return total / 360.0


def _swing(origin: Point, turns: Tensor, length: Tensor, out: Tensor | float = 0.0) -> Point:
    """The far end of a limb that hangs from `origin`, swung forward by `turns`."""
    return (
        origin[0] + length * sine(turns),
        origin[1] - length * cosine(turns),
        origin[2] + out * length,
    )


class Body:
    """Draws figures with a pen. `person` maps traits to tensors (figures,) or (3, figures)."""

    def __init__(self, pen: Pen, pose: Pose, person: dict[str, Tensor], fine: bool = True) -> None:
        self.pen, self.pose, self.person = pen, pose, person
        self.tall = person["height"]
        self.px = pose.scale
        self.fine = fine
        self.girth = person["build"] * self.tall
        self._joints()

    def is_(self, trait: str, *values: int) -> Tensor:
        """1.0 where the trait has one of the values, else 0.0."""
        hit = torch.zeros_like(self.tall, dtype=torch.bool)
        for value in values:
            hit = hit | (self.person[trait] == value)
        return hit.float()

    def _joints(self) -> None:
        person, tall = self.person, self.tall
        side = torch.tensor([[1.0], [-1.0]], device=tall.device)  # left, right
        phase = self.pose.phase + torch.tensor([[0.0], [0.5]], device=tall.device)
        stride = person["stride"]
        hip_angle = (_angle(_HIP, phase) - 13.2 / 360) * stride + 9.0 / 360
        knee_angle = _angle(_KNEE, phase) * (0.45 + 0.55 * stride)
        shin_angle = hip_angle - knee_angle
        toe_angle = 0.25 + shin_angle + _angle(_ANKLE, phase)
        thigh, shin = 0.245 * tall, 0.240 * tall
        twist = 0.012 * tall * stride
        hips_out = 0.050 * tall * (0.92 + 0.16 * person["hips"])
        forward = side * twist * cosine(phase)
        hip0 = (forward, torch.zeros_like(phase), side * hips_out)
        knee0 = _swing(hip0, hip_angle, thigh, -0.05 * side)
        ankle0 = _swing(knee0, shin_angle, shin, -0.03 * side)
        foot = 0.125 * tall
        heel0 = _swing(ankle0, shin_angle - 0.06, 0.042 * tall)
        toe0 = _swing(heel0, toe_angle.clamp(0.06, 0.38), foot, 0.10 * side)
        lowest = torch.minimum(heel0[1], toe0[1])
        lift = -torch.minimum(lowest[0], lowest[1])  # somebody's foot is on the ground
        self.hip_height = lift

        def raised(point: Point) -> Point:
            return point[0], point[1] + lift, point[2]

        self.hip, self.knee, self.ankle = raised(hip0), raised(knee0), raised(ankle0)
        self.heel, self.toe = raised(heel0), raised(toe0)
        lean = person["lean"] + 0.006
        zero = torch.zeros_like(tall)
        self.pelvis: Point = (zero, lift + 0.01 * tall, zero)
        self.neck = _swing(self.pelvis, 0.5 - lean, 0.305 * tall)
        sway = 0.012 * tall * person["swing"]
        shoulder_out = 0.100 * tall * (1.08 - 0.16 * person["hips"]) * (0.6 + 0.4 * person["build"])
        self.shoulder_out = shoulder_out
        down = 0.044 * tall
        self.shoulder = (
            self.neck[0] - side * sway * cosine(phase), self.neck[1] - down + 0.0 * phase,
            side * shoulder_out,
        )  # fmt: skip
        swing = person["swing"]
        arm_angle = (-19.0 * cosine(phase) * swing + 2.0) / 360
        bend = (16.0 + 10.0 * swing * (1.0 - cosine(phase))) / 360
        holds = self.is_("bag", 3) * torch.tensor([[0.0], [1.0]], device=tall.device)
        arm_angle = arm_angle * (1.0 - 0.7 * holds)
        bend = bend * (1.0 - 0.8 * holds)
        self.elbow = _swing(self.shoulder, arm_angle, 0.172 * tall, 0.10 * side)
        self.wrist = _swing(self.elbow, arm_angle + bend, 0.150 * tall, 0.02 * side)
        self.hand = _swing(self.wrist, arm_angle + bend, 0.055 * tall, -0.04 * side)

    def draw(self) -> None:
        """The whole figure."""
        from reidlib.data.promenade import clothes

        clothes.shadow(self)
        clothes.legs(self)
        clothes.torso(self)
        clothes.arms(self)
        clothes.head(self)
        clothes.bag(self)
