"""The five illnesses of real video, frame by frame, with what is true about each.

An illness of strength 0 leaves no trace, but for the jitter of a hundredth of a box that the best
of detectors has and the bad boxes of distractors and junk. What an illness draws depends on nothing
but its own keys: turning one on or off changes nothing else. Raising a strength adds cases and
deepens them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reidlib.data.promenade.chance import Floats, Ints, choice, integer, normal, uniform

OCCLUDERS = ("none", "walker", "pole", "car", "frame edge")
FAULTS = ("none", "motion blur", "noise", "exposure", "frozen", "foreign")


def wander(name: str, key: Ints, frame: Ints, step: int) -> Floats:
    """A smooth random path through the frames of a tracklet, deviation about 1."""
    knot, share = frame // step, (frame % step) / step
    before, after = normal(name, key, knot), normal(name, key, knot + 1)
    return (before + (after - before) * share) * 1.2


def box_errors(strength: float, key: Ints, frame: Ints, rough: Floats) -> tuple[Floats, ...]:
    """Offset right and down in box widths and heights, and zoom, of the detector's box.

    Offsets to the right deviate by 0.8 % at strength 0, by about 9 % at 0.6; those down by less.
    Some tracklets lose the legs, others are mostly background. `rough` adds to the strength (bad
    boxes of distractors and junk).
    """
    s = np.minimum(strength + rough, 1.6)
    kind = uniform("box kind", key)
    amount = uniform("box amount", key)
    cut = kind < 0.08 * s
    loose = (kind > 0.5) & (kind < 0.5 + 0.08 * s)
    jitter = 0.008 + 0.05 * s

    def axis(name: str) -> Floats:
        steady = normal(name, key, scale=0.055) * s + wander(name, key, frame, 7) * 0.12 * s
        return steady + normal(name + " jitter", key, frame) * jitter

    right, down = axis("box right"), 0.60 * axis("box down")
    zoom = 1.0 + 0.40 * axis("box zoom")
    zoom = np.where(cut, zoom * (0.85 - 0.15 * amount), zoom)
    down = np.where(cut, down - 0.07 - 0.10 * amount, down)
    zoom = np.where(loose, zoom * (1.18 + 0.27 * amount), zoom)
    return right, down, np.clip(zoom, 0.5, 1.9)


@dataclass
class Occlusion:
    """What passes in front, per frame."""

    kind: Ints  # index into OCCLUDERS
    away: Floats  # horizontal distance to the person in box heights
    ahead: Floats  # turns: heading of a walker
    beside: np.ndarray  # bool: walks along with the person instead of crossing
    larger: Floats  # size against the person
    key: Ints  # who or what it is


def occluders(strength: float, key: Ints, frame: Ints, length: Ints) -> Occlusion:
    """A share `strength` of the tracklets meets something that covers the person for a while."""
    met = uniform("met", key) < strength
    kind = 1 + choice((0.66, 0.16, 0.10, 0.08), "what", key)
    centre = uniform("when", key, low=0.1, high=0.9)
    span = uniform("how long", key, low=0.22, high=0.26 + 0.24 * strength)
    side = np.where(uniform("side", key) < 0.5, -1.0, 1.0)
    time = (frame + 0.5) / length - centre
    away = side * time / span * 0.42
    # Some walk along beside the person and stay there, half in front.
    company = (kind == 1) & (uniform("company", key) < 0.18)
    near = side * (
        uniform("beside", key, low=0.12, high=0.34) + 0.05 * wander("sway", key, frame, 9)
    )
    away = np.where(company, near, away)
    ahead = np.where(side > 0, 0.0, 0.5) + normal("ahead", key, scale=0.05)
    return Occlusion(
        kind=np.where(met & (np.abs(away) < 0.75), kind, 0),
        away=away,
        ahead=ahead,
        beside=company,
        larger=uniform("larger", key, low=1.0, high=1.22),
        key=integer("occluder", key),
    )


@dataclass
class Fault:
    """What went wrong with the picture itself, per frame."""

    kind: Ints  # index into FAULTS
    severity: Floats  # 0..1
    source: Ints  # the frame that is shown (another one when the video froze)

    @property
    def quality(self) -> Floats:
        """1 for a good frame, less the worse it is; 0 shows somebody else."""
        loss = np.where(self.kind == FAULTS.index("frozen"), 0.3, self.severity)
        loss = np.where(self.kind == FAULTS.index("foreign"), 1.0, loss)
        return np.where(self.kind > 0, 1.0 - loss, 1.0)


def faults(strength: float, key: Ints, frame: Ints, length: Ints) -> Fault:
    """A share `strength` of the tracklets has a bad stretch of a fifth to a half of its frames."""
    ill = uniform("ill", key) < strength
    kind = 1 + choice((0.26, 0.22, 0.20, 0.12, 0.20), "fault", key)
    share = uniform("stretch", key, low=0.20, high=0.35 + 0.25 * strength)
    width = np.maximum((share * length).astype(np.int64), 1)
    start = (uniform("onset", key) * (length - width + 1)).astype(np.int64)
    inside = ill & (frame >= start) & (frame < start + width)
    severity = 0.35 + 0.65 * uniform("severity", key, frame)
    severity = severity * (0.6 + 0.4 * strength)
    frozen = inside & (kind == FAULTS.index("frozen"))
    return Fault(
        kind=np.where(inside, kind, 0),
        severity=np.where(inside, severity, 0.0),
        source=np.where(frozen, np.maximum(start - 1, 0), frame),
    )
