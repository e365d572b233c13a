"""Truth agrees with itself and with the tracklets it is about."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reidlib.data.promenade.body import BAG, FEET, HAIR, HEAD, LEGS, PARTS, TORSO
from reidlib.data.promenade.people import ATTRIBUTES
from reidlib.data.promenade.truth import RenderedTruth, part_boxes


class Row(SimpleNamespace):
    """As much of a tracklet as truth needs."""

    def __len__(self) -> int:
        return 8


def test_shapes_and_consistency(stage) -> None:
    made = stage(strengths={"corruption": 1.0})
    truth = RenderedTruth(made)
    for row in range(12, 40, 3):
        known = truth.read(Row(row=row), [7, 0, 3])
        t, h, w = known["mask"].shape
        assert (t, h, w) == (3, 64, 32)
        assert torch.equal(known["mask"], known["parts"] > 0)
        assert not (known["visible"] & ~known["mask"]).any()
        for i in range(3):
            full, seen = int(known["mask"][i].sum()), int(known["visible"][i].sum())
            expected = 1.0 - seen / full if full else 1.0
            assert float(known["covered"][i]) == pytest.approx(expected, abs=1e-6)
        assert known["part_boxes"].shape == (3, len(PARTS), 4)
        assert known["box"].shape == (3, 3)
        assert known["attributes"].shape == known["differs"].shape == (len(ATTRIBUTES),)
        alone = truth.read(Row(row=row), [0])
        for name in ("mask", "parts", "visible", "covered", "quality", "part_boxes"):
            assert torch.equal(alone[name][0], known[name][1]), name


def test_parts_are_where_bodies_have_them(stage) -> None:
    made = stage("clean")
    rows = np.arange(12, 60)
    parts = made.truth(rows, np.zeros(len(rows)))["parts"]
    y = torch.arange(64).double()[:, None]

    def height(part: int) -> torch.Tensor:
        inside = (parts == part).double()
        return (inside * y).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)

    whole = torch.stack([(parts == k).flatten(1).any(1) for k in (HEAD, TORSO, LEGS, FEET)]).all(0)
    assert whole.float().mean() > 0.9
    for above, below in ((HEAD, TORSO), (TORSO, LEGS), (LEGS, FEET)):
        assert (height(above) < height(below))[whole].all()
    assert (parts == HAIR).any()
    has_bag = torch.from_numpy(made.traits["bag"][rows] > 0)
    shown = (parts == BAG).flatten(1).any(1)
    assert not (shown & ~has_bag).any()
    assert shown[has_bag].float().mean() > 0.7


def test_part_boxes_by_loops() -> None:
    parts = torch.randint(0, len(PARTS), (2, 9, 7), generator=torch.Generator().manual_seed(0))
    parts[1][parts[1] == 4] = 0
    boxes = part_boxes(parts.to(torch.uint8))
    for t in range(2):
        for part in range(len(PARTS)):
            at = [(y, x) for y in range(9) for x in range(7) if parts[t, y, x] == part]
            ys, xs = [y for y, _ in at], [x for _, x in at]
            expected = [min(xs), min(ys), max(xs) + 1, max(ys) + 1] if at else [0, 0, 0, 0]
            assert boxes[t, part].tolist() == expected


def test_family_and_what_differs(stage) -> None:
    made = stage("lookalike", strengths={"lookalike": 1.0})
    truth, names = RenderedTruth(made), list(ATTRIBUTES)
    row = 20
    known = truth.read(Row(row=row), [0])
    members = np.flatnonzero(made.traits["family"] == int(known["family"]))
    for i, name in enumerate(names):
        values = set(made.traits[name][members].tolist())
        assert bool(known["differs"][i]) == (len(values) > 1)
        assert int(known["attributes"][i]) == made.traits[name][row]
    assert not known["differs"][names.index("upper_colour")]
    alone = RenderedTruth(stage("clean")).read(Row(row=row), [0])
    assert int(alone["family"]) == 0
    assert not alone["differs"].any()


def test_junk_is_badly_boxed_and_some_distractors_show_nobody(stage) -> None:
    made = stage("clean", people=4)
    rows = np.arange(len(made.census))
    known = made.truth(rows, np.zeros(len(rows)))
    person = torch.from_numpy(made.census.person)
    assert known["box"][person == -1].abs()[:, :2].mean() > 0.08
    assert known["box"][person > 0].abs()[:, :2].mean() < 0.03
    assert known["mask"][person > 0].flatten(1).any(1).all()
    many = stage("clean", people=1, world=5)
    nobody = np.flatnonzero(many.census.person == 0)
    shown = many.truth(nobody, np.zeros(len(nobody)))["mask"].flatten(1).any(1)
    assert 0 < shown.float().mean() < 1


def test_frames_outside_the_tracklet_are_refused(stage) -> None:
    truth = RenderedTruth(stage())
    for wrong in ([8], [-1]):
        with pytest.raises(IndexError, match="8 frames"):
            truth.read(Row(row=14), wrong)


def test_what_stands_in_front_hides_and_reaches_beside(stage) -> None:
    """Every hidden pixel has something in front; nothing visible has; it is not cut to the mask."""
    made = stage(strengths={"occlusion": 1.0})
    known = made.truth(np.arange(12, 60), np.full(48, 3))
    front, mask, visible = known["front"], known["mask"], known["visible"]
    assert torch.equal(front & mask, mask & ~visible)
    assert (front & ~mask).any()
    assert not front[(known["occluder"] == 0) & ~known["foreign"]].any()


def test_a_stranger_stands_in_front_as_a_whole(stage) -> None:
    made = stage(strengths={"corruption": 1.0})
    known = made.truth(np.arange(12, 60).repeat(8), np.tile(np.arange(8), 48))
    foreign = known["foreign"]
    assert foreign.any()
    assert known["front"][foreign].flatten(1).any(1).all()
    assert not known["visible"][foreign].any()
