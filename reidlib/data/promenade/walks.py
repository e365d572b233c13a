"""Where people walk and how their camera cuts them out: the geometry of every frame, in numpy.

Places are in units of 1.9 m at depth 1 (see `scenery`); a box is (height of) the person with a
margin, shifted and zoomed by the detector's errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reidlib.data.promenade.cameras import View
from reidlib.data.promenade.chance import Floats, Ints, normal, uniform
from reidlib.data.promenade.facades import HORIZON, METRE, WIDE
from reidlib.data.promenade.people import Traits

_MARGIN = 1.10  # height of a good box against that of its person
_FEET = 0.455  # of a box height below its middle


def _sine(turns: Floats) -> Floats:
    """sin(2 pi turns) to a thousandth, from operations that round alike everywhere."""
    t = turns - np.floor(turns + 0.5)
    rough = 8.0 * t - 16.0 * t * np.abs(t)
    return rough + 0.225 * (rough * np.abs(rough) - rough)


@dataclass
class Walk:
    """One entry a frame."""

    seconds: Floats  # since the tracklet began
    phase: Floats  # turns of the walking cycle
    heading: Floats  # turns, see `body.Pose`
    x: Floats  # place along the street
    depth: Floats  # size against the nominal distance


def walk(view: View, traits: Traits, key: Ints, frame: Ints) -> Walk:
    """The person's way through the frames. All arguments have one entry a frame."""
    seconds = frame * view["pause"]
    pace = traits["cadence"]
    bend = normal("bend", key, scale=0.02)
    heading = view["heading"] + bend * seconds / (1.0 + 0.2 * seconds)
    speed = 0.66 * traits["height"] * traits["stride"] * pace  # metres a second
    closer = 0.10 * speed * _sine(heading) * seconds
    depth = uniform("near", key, low=0.85, high=1.15) * (
        1.0 + 0.5 * closer / (1.0 + np.abs(closer))
    )
    start = uniform("place", key, high=WIDE)
    return Walk(
        seconds,
        (uniform("step", key) + pace * seconds) % 1.0,
        heading % 1.0,
        start + METRE * speed * _sine(heading + 0.25) * seconds * depth,
        depth,
    )


@dataclass
class Boxes:
    """What the detector cut out of the camera's picture, one entry a frame."""

    left: Floats  # units, of the frame's left and upper edge
    top: Floats
    step: Floats  # units a pixel
    above: Floats  # height of the camera

    def pixels(self, x: Floats, depth: Floats) -> tuple[Floats, Floats, Floats]:
        """A point on the ground in the frame: x, y, and pixels a metre there."""
        feet = HORIZON + self.above * depth
        return (x - self.left) / self.step, (feet - self.top) / self.step, METRE * depth / self.step

    def at(self, which: Ints) -> Boxes:
        return Boxes(self.left[which], self.top[which], self.step[which], self.above[which])


def detect(
    path: Walk, tall: Floats, above: Floats, errors: tuple[Floats, ...], size: tuple[int, int]
) -> Boxes:
    """Boxes of people `tall` metres high. errors: see `illnesses.box_errors`; size: (h, w)."""
    height, width = size
    right, down, zoom = errors
    high = METRE * path.depth * tall * _MARGIN
    middle_x = path.x + right * high * width / height
    middle_y = HORIZON + above * path.depth - _FEET * high + down * high
    step = high * zoom / height
    return Boxes(middle_x - 0.5 * width * step, middle_y - 0.5 * height * step, step, above)
