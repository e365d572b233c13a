"""How people walk and what they are made of."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reidlib.data.promenade import people, raster
from reidlib.data.promenade.body import (
    ARMS,
    BAG,
    LEFT,
    RIGHT,
    TORSO,
    Body,
    Pose,
    cosine,
    sine,
)
from reidlib.data.promenade.chance import integer
from reidlib.data.promenade.figures import draw_figures
from reidlib.data.promenade.people import ATTRIBUTES, Traits, draw_traits
from reidlib.data.promenade.strokes import PLAIN, Pen, Strokes

FRONT, BEHIND = 0.25, 0.75  # headings: towards the camera, away from it
CROWD = 16


def pen(count: int) -> Pen:
    one = torch.ones(count)
    return Pen(count, (one * 0.3, one * -0.5, one * 0.7), one * 0.5, torch.arange(count), one,
               one.long())  # fmt: skip


def body(phase: torch.Tensor, heading: float = 0.0, tilt: float = 0.0) -> Body:
    count = len(phase)
    traits = draw_traits(0, np.repeat(integer("walker"), count))
    person = {name: torch.from_numpy(np.asarray(v)).float() for name, v in traits.items()}
    one = torch.ones(count)
    pose = Pose(phase, one * heading, one * tilt, one * 50, one * 100, one * 90)
    return Body(pen(count), pose, person)


def drawn(traits: Traits, headings: torch.Tensor) -> Strokes:
    """Everybody in a frame of their own, standing at (32, 120)."""
    one = pen(len(headings))
    still = torch.zeros(len(headings))
    draw_figures(one, traits, phase=still, heading=headings, tilt=still, x=still + 32.0,
                 y=still + 120.0, scale=still + 60.0, fine=False)  # fmt: skip
    return one.strokes()


def dressed(**worn: str) -> Traits:
    """A crowd, all in this: words of ATTRIBUTES."""
    traits = draw_traits(3, np.arange(CROWD))
    fixed = {name: ATTRIBUTES[name].index(word) for name, word in worn.items()}
    return {**traits, **{name: np.full(CROWD, value) for name, value in fixed.items()}}


def seen(traits: Traits, heading: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (n, 3, 128, 64) of a crowd from one side, and which part each pixel shows."""
    strokes = drawn(traits, torch.full((CROWD,), heading))
    plan = raster.plan(strokes, CROWD, 128, 64, (8, 8))
    canvas, parts = plan.canvas(3).fill_(0.5), plan.canvas(1).fill_(0.0)
    raster.paint(plan, strokes, canvas)
    raster.label(plan, strokes, strokes.part.float(), parts, strokes.owner > 0)
    return plan.untile(canvas, 128, 64), plan.untile(parts, 128, 64)[:, 0].long()


def test_sine() -> None:
    turns = torch.linspace(-3, 3, 601)
    expected = torch.tensor([math.sin(2 * math.pi * t) for t in turns.tolist()])
    torch.testing.assert_close(sine(turns), expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(cosine(turns), sine(turns + 0.25))


def test_walking_keeps_one_foot_on_the_ground_and_repeats() -> None:
    phase = torch.linspace(0, 1, 41)
    walker = body(phase)
    lowest = torch.minimum(walker.heel[1], walker.toe[1])
    torch.testing.assert_close(lowest.amin(0), torch.zeros(41), atol=1e-6, rtol=0)
    assert lowest.amax() > 0.03  # the other foot is lifted
    for joint in (walker.knee, walker.hand):
        torch.testing.assert_close(joint[0][:, 0], joint[0][:, -1], atol=1e-4, rtol=0)


def test_limbs_swing_opposite_and_knees_bend_backwards() -> None:
    walker = body(torch.linspace(0, 1, 41))
    left_leg, right_leg = walker.ankle[0]
    left_arm, right_arm = walker.hand[0]
    assert torch.corrcoef(torch.stack([left_leg, right_leg]))[0, 1] < -0.8
    assert torch.corrcoef(torch.stack([left_leg, right_arm]))[0, 1] > 0.7
    assert torch.corrcoef(torch.stack([left_leg, left_arm]))[0, 1] < -0.7
    thigh, shin = (walker.knee[0] - walker.hip[0]), (walker.ankle[0] - walker.knee[0])
    turn = thigh * (walker.ankle[1] - walker.knee[1]) - shin * (walker.knee[1] - walker.hip[1])
    assert (turn < 1e-3).all()


@pytest.mark.parametrize("heading", [0.0, 0.13, 0.25, 0.6])
def test_every_side_shows_the_same_body(heading: float) -> None:
    """The screen is the walker's axes, turned and tilted: checked with plain trigonometry."""
    walker = body(torch.tensor([0.1]), heading, 0.03)
    point = tuple(
        float(v) for v in (walker.knee[0][LEFT], walker.knee[1][LEFT], walker.knee[2][LEFT])
    )
    h, t = 2 * math.pi * heading, 2 * math.pi * 0.03
    east = point[0] * math.cos(h) + point[2] * math.sin(h)
    near = point[0] * math.sin(h) - point[2] * math.cos(h)
    x, y = 50 + 90 * east, 100 - 90 * (point[1] * math.cos(t) - near * math.sin(t))
    (sx, sy), depth = walker.pose.on_screen(walker.knee)
    assert abs(float(sx[LEFT]) - x) < 0.05
    assert abs(float(sy[LEFT]) - y) < 0.05
    assert abs(float(depth[LEFT]) - near) < 1e-3


def test_left_is_on_the_right_when_somebody_comes_towards_us() -> None:
    walker = body(torch.tensor([0.2]), 0.25)
    x, _ = walker.pose.spot(walker.shoulder)
    assert x[LEFT] > x[RIGHT]


@pytest.mark.parametrize("trait", list(ATTRIBUTES))
def test_every_attribute_can_be_seen(trait: str) -> None:
    """Changing one attribute changes what is drawn, for some person and some side."""
    count = 64
    traits = draw_traits(3, np.arange(count))
    traits["lower"] = np.arange(count) % 4
    traits["bag"] = 1 + np.arange(count) % 3
    traits["hat"] = np.arange(count) % 4
    traits["pattern"] = 1 + np.arange(count) % 5
    other = dict(traits)
    other[trait] = (traits[trait] + 1) % len(ATTRIBUTES[trait])
    tables = []
    for worn in (traits, other):
        strokes = drawn(worn, torch.arange(count) / count)
        opaque = strokes.table[PLAIN.index("opacity")] > 0.05
        tables.append((strokes.table[:, opaque].sum(1), strokes.fabric.sum(1)))
    assert any(not torch.equal(a, b) for a, b in zip(*tables))


@pytest.mark.parametrize("upper", ATTRIBUTES["upper"])
def test_a_logo_is_on_the_front_of_what_can_have_one(upper: str) -> None:
    without, logo = (
        dressed(upper=upper, pattern="plain", bag="none", logo=word) for word in ATTRIBUTES["logo"]
    )
    apart = (seen(logo, FRONT)[0] - seen(without, FRONT)[0]).abs().amax(1)
    torso = seen(without, FRONT)[1] == TORSO
    assert not apart[~torso].any()
    area = (apart > 0.05).flatten(1).sum(1) / torso.flatten(1).sum(1)
    if upper in ("T-shirt", "hoodie"):
        assert (area > 0.02).all()
        assert (area < 0.3).all()
    else:
        assert not apart.any()
    assert torch.equal(seen(logo, BEHIND)[0], seen(without, BEHIND)[0])


def test_a_backpack_shows_from_behind_and_its_straps_from_the_front() -> None:
    traits = dressed(bag="backpack", upper="T-shirt", hairstyle="short")
    front, behind = (seen(traits, side)[1] for side in (FRONT, BEHIND))
    back = slice(44, 66)  # rows
    for parts, low, high in ((front, 0.05, 0.35), (behind, 0.5, 1.0)):
        bag, torso = ((parts[:, back] == part).flatten(1).sum(1) for part in (BAG, TORSO))
        share = bag / (bag + torso)
        assert (share > low).all(), share
        assert (share < high).all(), share
    middle = slice(30, 34)
    assert not (front[:, back, middle] == BAG).any()
    assert (behind[:, back, middle] == BAG).float().mean() > 0.8
    left, right = front[:, back, :30] == BAG, front[:, back, 34:] == BAG
    assert left.flatten(1).any(1).all()
    assert right.flatten(1).any(1).all()


def test_short_sleeves_bare_the_arms() -> None:
    short, long = (dressed(upper="T-shirt", bag="none", sleeve=s) for s in ATTRIBUTES["sleeve"])
    (one, parts), (other, _) = seen(short, FRONT), seen(long, FRONT)
    apart = (one - other).abs().amax(1)
    arms = parts == ARMS
    assert ((apart > 0.03) & arms).flatten(1).sum(1).gt(20).all()


def test_people_wear_what_everybody_wears() -> None:
    traits = draw_traits(0, integer("crowd", np.arange(4000)))
    words = people.describe({**traits, "family": np.zeros(4000)}, 7)
    assert words["height"].endswith(" m")
    assert set(words) == {*ATTRIBUTES, "height", "family"}
    dark = [
        list(people.CLOTH).index(c) for c in ("black", "charcoal", "grey", "white", "navy", "denim")
    ]
    assert np.isin(traits["upper_colour"], dark).mean() > 0.4
    assert np.isin(traits["lower_colour"], dark).mean() > 0.6
    assert (traits["second_colour"] != traits["upper_colour"]).all()
    assert not ((traits["lower"] == 3) & np.isin(traits["upper"], (2, 4))).any()
    for name, values in ATTRIBUTES.items():
        assert traits[name].min() >= 0
        assert len(np.unique(traits[name])) >= min(len(values), 14), name
