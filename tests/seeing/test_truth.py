"""Every metric against plain loops over pixels, on planted maps whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reidlib.data.promenade import ATTRIBUTES, PARTS
from reidlib.errors import ReidError
from reidlib.seeing import truth as T

H, W, h, w = 12, 6, 4, 2  # cells of 3x3 pixels
Scene = dict[str, torch.Tensor]


@pytest.fixture
def scene() -> Scene:
    """Three frames: a person half covered, a person in full, nobody but what is in front."""
    g = torch.Generator().manual_seed(1)
    mask = torch.rand(3, H, W, generator=g) < 0.5
    mask[2] = False
    visible = mask & (torch.rand(3, H, W, generator=g) < 0.6)
    visible[1] = mask[1]
    parts = torch.randint(1, 8, (3, H, W), generator=g) * mask
    front = (mask & ~visible) | (~mask & (torch.rand(3, H, W, generator=g) < 0.3))
    front[1] = False
    return {"mask": mask, "visible": visible, "front": front, "parts": parts.to(torch.uint8)}


@pytest.fixture
def maps() -> torch.Tensor:
    return torch.randn(3, h, w, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def spread_over_pixels(one: torch.Tensor) -> list[list[float]]:
    """A map as a density over pixels, cell by cell."""
    cut = [[max(float(v), 0.0) for v in row] for row in one]
    total = sum(map(sum, cut))
    return [[cut[y * h // H][x * w // W] / total / 9 for x in range(W)] for y in range(H)]


def loop_mass(one: torch.Tensor, region: torch.Tensor) -> float:
    pixels = spread_over_pixels(one)
    return sum(pixels[y][x] for y in range(H) for x in range(W) if region[y, x])


def test_mass_is_a_sum_over_pixels(scene: Scene, maps: torch.Tensor) -> None:
    found = T.shares(maps, scene)
    for n in range(3):
        seen, front = scene["visible"][n], scene["front"][n]
        for name, region in (
            ("person", seen), ("occluder", front), ("background", ~seen & ~front),
        ):  # fmt: skip
            told = float(found[name][n])
            if region.any():
                assert told == pytest.approx(loop_mass(maps[n], region), abs=1e-10)
            else:
                assert math.isnan(told)
    assert sum(float(found[name][0]) for name in found) == pytest.approx(1)
    assert math.isnan(found["occluder"][1])  # nothing stands in front there
    assert math.isnan(found["person"][2])  # nobody is there


def test_a_map_of_everything_lights_every_part_and_none_beyond_the_frame(scene: Scene) -> None:
    even = T.readings(torch.ones(3, h, w), scene)
    assert even["parts"][:2].tolist() == pytest.approx([1, 1])
    assert even["parts beyond breadth"][:2].tolist() == pytest.approx([0, 0])
    body = T.readings(scene["visible"].double() + 1e-9, scene)
    assert float(body["parts beyond breadth"][1]) == pytest.approx(
        1 - float(scene["visible"][1].double().mean())
    )


def test_mass_when_cells_do_not_divide_pixels() -> None:
    region = torch.zeros(1, 7, 5, dtype=torch.bool)
    region[:, :, :2] = True
    assert float(T.mass(torch.ones(1, 7, 5), region)) == pytest.approx(0.4)
    assert 0.3 < float(T.mass(torch.ones(1, 3, 2), region)) < 0.5


def test_iou_at_the_best_of_all_thresholds(scene: Scene, maps: torch.Tensor) -> None:
    maps = maps.round(decimals=1)  # ties
    found = T.best_iou(maps, scene["visible"])
    for n in range(2):
        pixels, seen = spread_over_pixels(maps[n]), scene["visible"][n]
        best = 0.0
        for threshold in {v for row in pixels for v in row}:
            chosen = [[pixels[y][x] >= threshold for x in range(W)] for y in range(H)]
            both = sum(chosen[y][x] and bool(seen[y, x]) for y in range(H) for x in range(W))
            either = sum(chosen[y][x] or bool(seen[y, x]) for y in range(H) for x in range(W))
            best = max(best, both / either)
        assert float(found[n]) == pytest.approx(best, abs=1e-10)
    assert math.isnan(found[2])


def test_a_perfect_map_and_its_shuffle() -> None:
    region = torch.zeros(2, 16, 8, dtype=torch.bool)
    region[:, 4:12, 2:6] = True
    good = region.double()
    assert T.best_iou(good, region).tolist() == [1.0, 1.0]
    assert T.pointing(good, region).tolist() == [1.0, 1.0]
    assert T.mass(good, region).tolist() == [1.0, 1.0]
    order = torch.randperm(128, generator=torch.Generator().manual_seed(0))
    bad = good.flatten(1)[:, order].view_as(good)
    assert (T.best_iou(bad, region) < 0.6).all()
    assert (T.mass(bad, region) < 0.6).all()


def test_pointing_shares_the_point_among_ties(scene: Scene) -> None:
    cells = T.to_cells(scene["visible"], (h, w))
    expected = (cells[1] >= 0.5).double().mean()
    assert float(T.pointing(torch.ones(3, h, w), scene["visible"])[1]) == pytest.approx(
        float(expected)
    )


def test_coverage_counts_lit_pixels_of_each_part(scene: Scene, maps: torch.Tensor) -> None:
    found = T.coverage(maps, scene["parts"], scene["visible"])
    assert found.shape == (3, len(PARTS) - 1)
    highest = float(maps[0].max())
    for part in range(1, 8):
        lit = whole = 0
        for y in range(H):
            for x in range(W):
                if scene["parts"][0, y, x] == part and scene["visible"][0, y, x]:
                    whole += 1
                    lit += float(maps[0, y * h // H, x * w // W]) > 0.5 * highest
        told = float(found[0, part - 1])
        assert told == pytest.approx(lit / whole, abs=1e-10) if whole else math.isnan(told)
    assert found[2].isnan().all()


def test_breadth_grows_from_one_cell_to_all() -> None:
    one = torch.zeros(1, 4, 4)
    one[0, 1, 1] = 3
    assert T.breadth(one).tolist() == [1 / 16]
    assert T.breadth(torch.ones(1, 4, 4)).tolist() == [1.0]
    assert T.breadth(torch.zeros(1, 4, 4)).isnan().all()


def test_every_attribute_has_a_cue_and_unknown_ones_are_named() -> None:
    assert list(T.CUES) == list(ATTRIBUTES)
    parts = torch.tensor([[[0, 5, 6, 7]]])
    visible = torch.tensor([[[True, True, False, True]]])
    assert T.cue_mask(parts, visible, ["shoes", "bag"]).tolist() == [[[False, False, False, True]]]
    assert not T.cue_mask(parts, visible, []).any()
    with pytest.raises(ReidError, match="tie"):
        T.cue_mask(parts, visible, ["tie"])


def test_overlap_by_loops() -> None:
    maps = torch.rand(2, 3, h, w, generator=torch.Generator().manual_seed(3))
    for b in range(2):
        p = [m.double().flatten() / m.double().sum() for m in maps[b]]
        pairs = [
            sum(min(float(u), float(v)) for u, v in zip(p[i], p[j], strict=True))
            for i in range(3)
            for j in range(3)
            if i != j
        ]
        assert float(T.overlap(maps)[b]) == pytest.approx(sum(pairs) / 6, abs=1e-10)
        first = sum(min(float(u), float(v)) for u, v in zip(p[0], p[2], strict=True))
        assert float(T.overlap_with_first(maps)[b, 2]) == pytest.approx(first, abs=1e-10)
    assert T.overlap(maps[:, :1]).isnan().all()
    assert float(T.overlap(maps[:1, :1].expand(1, 4, h, w))) == pytest.approx(1.0)


def test_likeness_is_the_mean_cosine_of_pairs() -> None:
    frames = torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    x = frames[0]
    pairs = [float(torch.cosine_similarity(x[i], x[j], 0)) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert float(T.likeness(frames)) == pytest.approx(sum(pairs) / 3, abs=1e-10)


def test_rank_correlation_with_ties_and_without_spread() -> None:
    a, b = [3.0, 1.0, 1.0, 2.0, float("nan")], [9.0, 2.0, 4.0, 4.0, 1.0]
    ranks_a, ranks_b = np.array([4, 1.5, 1.5, 3]), np.array([4, 1, 2.5, 2.5])
    expected = np.corrcoef(ranks_a, ranks_b)[0, 1]
    assert T.rank_correlation(a, b) == pytest.approx(expected)
    assert T.rank_correlation([1, 2, 3], [30, 20, 10]) == pytest.approx(-1)
    assert math.isnan(T.rank_correlation([1, 1, 1], [1, 2, 3]))
    assert math.isnan(T.rank_correlation([1], [2]))
    with pytest.raises(ReidError, match="cannot be compared"):
        T.rank_correlation([1, 2], [1, 2, 3])


def test_regions_that_follow_the_body_beat_their_fixed_stripe() -> None:
    """The person sinks by a quarter in frame 1; a response that sinks too stays on its part."""
    t, H, W, regions = 2, 16, 8, 4
    parts = torch.zeros(t, H, W, dtype=torch.uint8)
    parts[0, 0:4, 2:6], parts[1, 4:8, 2:6] = 1, 1  # the head
    truth = {"parts": parts, "visible": parts > 0}
    response = torch.zeros(t, regions, 16, 8)
    response[0, :, 0:4, 2:6], response[1, :, 4:8, 2:6] = 1, 1
    found = T.region_mass(response, truth)
    assert found["part"][:, 0].tolist() == [1.0, 1.0]
    assert found["stripe"][:, 0].tolist() == [1.0, 0.0]
    assert found["place"][:, 0].tolist() == [1.0, 0.0]
    assert found["place area"][1, 0] == pytest.approx(4 * 4 / 128)
    assert found["part"][:, 1:].isnan().all()  # no part of the body is theirs
    assert found["part area"][0, 0] == pytest.approx(4 * 4 / 128)
    assert found["stripe area"][1, 2] == pytest.approx(0.25)


def test_part_boxes_agree_with_the_renderer() -> None:
    from reidlib.data.promenade.truth import part_boxes

    parts = torch.zeros(1, H, W, dtype=torch.uint8)
    parts[0, 2, 1] = parts[0, 7, 4] = 3
    left, top, right, bottom = part_boxes(parts)[0, 3].tolist()
    expected = torch.zeros(1, H, W, dtype=torch.bool)
    expected[0, top:bottom, left:right] = True
    assert torch.equal(T._boxes(parts == 3), expected)


def test_the_centre_beats_noise_where_people_stand_in_the_middle() -> None:
    region = torch.zeros(4, 16, 8, dtype=torch.bool)
    region[:, 3:13, 2:6] = True
    truth = {"visible": region, "front": region & False, "parts": region.to(torch.uint8)}
    found = T.judge(region.double(), truth, [1, 1, 2, 3])
    person = {name: row["person"].mean for name, row in found.items()}
    assert person["map"] == pytest.approx(1.0)
    assert person["map"] > person["centre"] > person["random"]
    assert person["even"] == pytest.approx(40 / 128)
    assert found["map"]["person"].identities == 3


def test_an_estimate_counts_every_identity_once() -> None:
    values, people = [0.0, 0.0, 0.0, 1.0, float("nan")], [7, 7, 7, 8, 9]
    found = T.estimate(np.array(values), people)
    assert found.mean == pytest.approx(0.5)
    assert (found.low, found.high) == (0.0, 1.0)
    assert (found.frames, found.identities) == (4, 2)
    assert T.estimate(np.array(values), people) == found  # nothing is left to chance
    one = T.estimate(np.array([1.0, 2.0]), [3, 3])
    assert one.mean == pytest.approx(1.5)
    assert math.isnan(one.low)
    assert math.isnan(T.estimate(np.array([np.nan]), [1]).mean)
    with pytest.raises(ReidError, match="2 values"):
        T.estimate(np.array([1.0, 2.0]), [1])


def test_the_interval_holds_what_it_says() -> None:
    """Of 200 samples of 30 people, about 95 % of the intervals hold the mean they come from."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        found = T.estimate(rng.normal(size=30), range(30), draws=300)
        held += found.low <= 0 <= found.high
    assert 0.88 < held / 200 < 0.99


def test_dead_maps_are_left_out_not_counted(scene: Scene) -> None:
    maps = torch.ones(3, h, w)
    maps[0] = 0
    maps[1, 0, 0] = float("nan")
    for values in T.readings(maps, scene).values():
        assert values[:2].isnan().all()


def test_agreement_is_of_shape_and_overlap_is_not() -> None:
    a, b = torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(0)).double()
    expected = float(np.corrcoef(a.flatten(), b.flatten())[0, 1])
    assert float(T.agreement(torch.stack([a, b])[None])) == pytest.approx(expected)
    flatter = torch.stack([a + 9, b + 9])[None]
    assert float(T.agreement(flatter)) == pytest.approx(expected)
    assert float(T.overlap(flatter)) > float(T.overlap(torch.stack([a, b])[None]))
    even = torch.ones(1, 2, 4, 3)
    assert T.agreement(even).isnan().all()
    mixed = torch.stack([a, torch.ones(4, 3).double(), 2 * a])[None]
    assert float(T.agreement(mixed)) == pytest.approx(1.0)


def test_part_brightness_by_hand() -> None:
    maps = torch.tensor([[[4.0, 2.0], [0.0, 1.0]]])
    parts = torch.zeros(1, 4, 4, dtype=torch.uint8)
    parts[0, :2, :2], parts[0, 2:, 2:], parts[0, :2, 2] = 1, 3, 2
    visible = torch.ones(1, 4, 4, dtype=torch.bool)
    visible[0, 2:, 2:] = False
    found = T.part_brightness(maps, parts, visible, 4)[0]
    assert found[:2].tolist() == pytest.approx([1.0, 0.5])
    assert found[2].isnan()
    assert T.part_brightness(maps * torch.nan, parts, visible).isnan().all()
