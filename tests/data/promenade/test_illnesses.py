"""Each illness does what it is named for, in measure, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from reidlib.data.promenade import illnesses
from reidlib.data.promenade.body import BAG, FEET, LEGS, TORSO
from reidlib.data.promenade.cast import Cast
from reidlib.data.promenade.chance import integer
from reidlib.data.promenade.people import (
    ATTRIBUTES,
    CLOTH,
    FAMILY_TRAITS,
    SOMETIMES_SHARED,
    describe,
    dress_people,
    family_of,
)
from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS, Settings, resolve
from reidlib.data.promenade.strokes import PLAIN

ROWS = np.repeat(np.arange(14, 38), 4)  # behind the twelve tracklets of nobody
FRAMES = np.tile([0, 2, 4, 7], 24)
KEY = integer("tracklet", np.arange(4000))
STREET = SCENARIOS["street"]


def both(stage, name: str, strength: float = 1.0):
    """Frames and truth without any illness, and with one alone."""
    clean, ill = stage("clean"), stage("clean", strengths={name: strength})
    return [(s.frames(ROWS, FRAMES), s.truth(ROWS, FRAMES), s) for s in (clean, ill)]


def test_occlusion_hides_and_changes_nothing_else(stage) -> None:
    (before, known, _), (after, ill, _) = both(stage, "occlusion")
    hit = ill["occluder"] > 0
    assert 0.2 < hit.float().mean() < 1
    assert torch.equal(before[~hit], after[~hit])
    for name in ("mask", "parts", "box", "quality", "foreign"):
        assert torch.equal(known[name], ill[name]), name
    assert (known["covered"] == 0).all()
    assert torch.equal(known["visible"], known["mask"])
    assert ((ill["visible"] | ill["mask"]) == ill["mask"]).all()
    hidden = ill["mask"] & ~ill["visible"]
    apart = (before.int() - after.int()).abs().amax(1)
    assert apart[hidden].float().mean() > 20
    assert set(ill["occluder"].unique().tolist()) >= {0, 1}


def test_misalignment_moves_boxes_and_changes_nothing_else(stage) -> None:
    (_, known, clean), (_, ill, other) = both(stage, "misalignment")
    assert known["box"][:, :2].abs().max() < 0.05
    assert ill["box"][:, :2].std() > 0.08
    for name in ("covered", "quality", "foreign", "occluder"):
        assert torch.equal(known[name], ill[name]), name
    assert all(np.array_equal(clean.traits[n], other.traits[n]) for n in clean.traits)
    moved = ill["mask"].flatten(1).sum(1).double() / known["mask"].flatten(1).sum(1)
    zoom = (known["box"][:, 2] / ill["box"][:, 2]).double() ** 2
    inside = (ill["box"][:, :2].abs() < 0.05).all(1) & (zoom < 1)
    assert inside.any()
    torch.testing.assert_close(moved[inside], zoom[inside], atol=0.08, rtol=0.08)


def test_box_offset_is_where_the_person_went(stage) -> None:
    """The person's mask moves against the box, by the offset that the truth tells."""
    (_, known, _), (_, ill, _) = both(stage, "misalignment", 0.3)
    for dim, size, axis in ((0, 32, 1), (1, 64, 2)):
        place = torch.arange(size).double()

        def middle(mask: torch.Tensor, axis: int = axis, place: torch.Tensor = place):
            line = mask.any(axis).double()
            return (line * place).sum(1) / line.sum(1)

        near = (ill["box"][:, 2] - 1).abs() < 0.04
        whole = near & ~ill["mask"][:, :, 0].any(1) & ~ill["mask"][:, :, -1].any(1)
        whole &= ~ill["mask"][:, 0].any(1) & ~ill["mask"][:, -1].any(1)
        assert whole.sum() > 5
        shift = middle(ill["mask"]) - middle(known["mask"])
        told = (known["box"][:, dim] - ill["box"][:, dim]).double() * size
        assert (shift - told)[whole].abs().max() < 1.6


def test_corruption_leaves_good_frames_alone(stage) -> None:
    (before, known, _), (after, ill, ill_stage) = both(stage, "corruption")
    good = ill["fault"] == 0
    assert 0.3 < good.float().mean() < 0.95
    assert torch.equal(before[good], after[good])
    assert (ill["quality"][good] == 1).all()
    assert (ill["quality"][~good] < 0.75).all()
    foreign = ill["foreign"]
    assert foreign.any()
    assert torch.equal(foreign, ill["fault"] == illnesses.FAULTS.index("foreign"))
    assert not ill["mask"][foreign].any()
    assert (ill["covered"][foreign] == 1).all()
    assert (ill["quality"][foreign] == 0).all()
    others = ~foreign & (ill["fault"] != illnesses.FAULTS.index("frozen"))
    assert torch.equal(known["mask"][others], ill["mask"][others])
    frozen = np.flatnonzero(ill["fault"] == illnesses.FAULTS.index("frozen"))
    assert len(frozen)
    row, frame = ROWS[frozen[0]], FRAMES[frozen[0]]
    length = ill_stage.census.length[[row]]
    source = illnesses.faults(1.0, ill_stage.keys[[row]], np.array([frame]), length).source
    assert torch.equal(ill_stage.frames([row], source)[0], after[frozen[0]])


@pytest.mark.parametrize("fault", ["motion blur", "noise", "exposure"])
def test_every_fault_shows(stage, fault: str) -> None:
    (before, _, _), (after, ill, _) = both(stage, "corruption")
    hit = ill["fault"] == illnesses.FAULTS.index(fault)
    assert hit.any()
    assert (before[hit].int() - after[hit].int()).abs().float().mean() > 2


def test_clutter_stays_behind(stage) -> None:
    (before, known, _), (after, ill, _) = both(stage, "clutter")
    for name, values in known.items():
        assert torch.equal(values, ill[name]), name
    apart = (before.int() - after.int()).abs().amax(1)
    inside = torch.nn.functional.max_pool2d((~known["mask"]).float(), 5, 1, 2) == 0
    assert apart[~known["mask"]].float().mean() > 10
    assert apart[inside].float().mean() < 2


def test_lookalikes_share_what_is_salient_and_keep_the_rest(stage) -> None:
    (_, _, clean), (_, _, ill) = both(stage, "lookalike")
    people = clean.census.person > 0
    family = ill.traits["family"]
    assert (clean.traits["family"] == 0).all()
    assert (family[people] > 0).all()
    for number in np.unique(family[people]):
        members = np.flatnonzero(family == number)
        assert len(set(ill.census.person[members])) == 3
        for name in FAMILY_TRAITS:
            assert len(np.unique(ill.traits[name][members])) == 1, name
        person, shoes = ill.census.person[members], ill.traits["shoes"][members]
        assert len({*zip(person, shoes)}) == len({*shoes}) == 3, "each person's own shoes"
    for name in clean.traits:
        if name not in (*FAMILY_TRAITS, *SOMETIMES_SHARED, "shoes", "family"):
            np.testing.assert_array_equal(clean.traits[name], ill.traits[name])
    for name in ("socks", "shoes", "bag", "lower_colour"):
        assert any(
            len(np.unique(ill.traits[name][family == f])) > 1 for f in np.unique(family[people])
        ), name


def test_half_of_the_families_share_the_lower_garment() -> None:
    settings = resolve(Settings(), {"lookalike": 1.0})
    people = 1 + 2 * np.arange(1500)
    traits = dress_people(settings, people, integer("person", settings.world, people))
    outfits = 16 * traits["lower"] + traits["lower_colour"]
    family = traits["family"]
    one = np.array([len(np.unique(outfits[family == f])) == 1 for f in np.unique(family)])
    assert len(one) == 500
    assert 0.44 < one.mean() < 0.62  # half, and a few by chance


def test_share_and_size_of_families() -> None:
    people = np.concatenate([1 + 2 * np.arange(3000), 2 + 2 * np.arange(2400)])
    people = people[people < 5001]
    for strength, size in ((0.0, 3), (0.4, 2), (1.0, 6)):
        settings = resolve(Settings(family=size), {"lookalike": strength})
        family = family_of(settings, people)
        assert abs((family > 0).mean() - strength) < 0.05
        named = family[family > 0]
        if len(named):
            sizes = np.bincount(np.unique(named, return_inverse=True)[1])
            assert (sizes == size).mean() > 0.99
            odd = np.array([len(set(people[family == f] % 2)) for f in np.unique(named)[:50]])
            assert (odd == 1).all()  # training and test people are never family
    assert (family_of(resolve(Settings(), {"lookalike": 1.0}), np.array([0, -1])) == 0).all()


def test_occlusion_in_street_meets_seventeen_of_twenty_and_most_are_walkers() -> None:
    length = np.full(len(KEY), 12)
    met, walker = (np.zeros(len(KEY), dtype=bool) for _ in range(2))
    for frame in range(12):
        at = np.full(len(KEY), frame)
        kind = illnesses.occluders(STREET["occlusion"], KEY, at, length).kind
        met |= kind > 0
        walker |= kind == illnesses.OCCLUDERS.index("walker")
    assert abs(met.mean() - 0.85) < 0.03
    assert abs(walker.mean() - 0.56) < 0.03


@pytest.mark.parametrize(
    ("strength", "expected"),  # deviations of the offsets right and down, and of the zoom
    [
        (0.0, (0.008, 0.005, 0.003)),  # what `clean` keeps
        (0.6, (0.090, 0.058, 0.089)),  # what the docstring says
        (STREET["misalignment"], (0.116, 0.075, 0.106)),
    ],
)
def test_boxes_drift_by_what_is_said(strength: float, expected: tuple[float, ...]) -> None:
    frame = np.arange(len(KEY)) % 16
    errors = illnesses.box_errors(strength, KEY, frame, np.zeros(len(KEY)))
    for values, deviation in zip(errors, expected, strict=True):
        assert values.std() == pytest.approx(deviation, rel=0.12)


@pytest.mark.parametrize("name", ["occlusion", "corruption"])
def test_a_stronger_illness_has_all_cases_of_a_weaker_one(name: str) -> None:
    length, frame = np.full(len(KEY), 12), np.arange(len(KEY)) % 12
    draw = illnesses.occluders if name == "occlusion" else illnesses.faults
    struck = [np.zeros(len(KEY), dtype=bool) for _ in range(4)]
    for mask, strength in zip(struck, (0.0, 0.3, 0.7, 1.0)):
        for frame in range(12):
            mask |= draw(strength, KEY, np.full(len(KEY), frame), length).kind > 0
    assert not struck[0].any()
    for weak, strong in pairwise(struck):
        assert (strong | ~weak).mean() > 0.995
        assert strong.mean() > weak.mean() + 0.2


def test_covered_fractions_spread(stage) -> None:
    """Under full strength some frames are nearly hidden, many partly, many not at all."""
    ill = stage("clean", strengths={"occlusion": 1.0})
    rows = np.repeat(np.flatnonzero(ill.census.person > 0)[:60], 8)
    covered = ill.truth(rows, np.tile(np.arange(8), 60))["covered"]
    shares = torch.histc(covered, bins=5, min=0, max=1) / len(covered)
    assert shares[0] > 0.3
    assert (shares > 0.02).all()
    assert 0.12 < covered.mean() < 0.5


def test_every_illness_has_a_truth_of_its_own(stage) -> None:
    """Turning one on changes the truth that is its own (clutter shows in pixels alone).

    A frozen frame tells the truth of the frame that it repeats, so those are left out.
    """
    known = stage("clean").truth(ROWS, FRAMES)
    own = {"occlusion": "occluder", "misalignment": "box", "corruption": "fault"}
    for name in ILLNESSES:
        ill = stage("clean", strengths={name: 1.0}).truth(ROWS, FRAMES)
        moving = ill["fault"] != illnesses.FAULTS.index("frozen")
        for other in own.values():
            changed = not torch.equal(known[other][moving], ill[other][moving])
            assert changed == (own.get(name) == other), (name, other)


def test_attributes_are_the_labels(stage) -> None:
    """What the words say of somebody is what the strokes of their frame are made of."""
    made = stage("clean")
    assert {len(made.traits[name]) for name in ATTRIBUTES} == {len(made.census)}
    rows = np.flatnonzero(made.census.person > 0)
    strokes = Cast(made, rows, np.zeros(len(rows))).strokes()
    red, y = PLAIN.index("red"), PLAIN.index("ay")
    for i, row in enumerate(rows):
        words = describe(made.traits, int(row))
        here = strokes.frame == i

        def where(part: int, name: str, here: torch.Tensor = here, words: dict = words):
            """How far down the strokes of a part begin that have the colour of this label."""
            table = strokes.table[:, here & (strokes.part == part)]
            named = torch.tensor(CLOTH[words[name]][:3])[:, None]
            return table[y, torch.isclose(table[red : red + 3], named, atol=1e-6).all(0)].tolist()

        assert where(TORSO, "upper_colour")
        assert where(LEGS, "upper_colour" if words["lower"] == "dress" else "lower_colour")
        assert bool(where(BAG, "bag_colour")) == (words["bag"] != "none")
        shoes, socks = where(FEET, "shoes"), where(FEET, "socks")
        assert max(shoes) > max(socks) or words["shoes"] == words["socks"]
