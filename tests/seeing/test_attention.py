"""Maps, frames and truth side by side; each paper's arrays against the model's own equations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from reidlib.data.frames import StoredFrames
from reidlib.errors import ReidError
from reidlib.models.output import Output
from reidlib.seeing import attention as A
from reidlib.seeing.health import frame_faults
from reidlib.seeing.truth import judge


def see(arms, people, name: str, **how) -> A.Seen:
    return A.look(arms(name).model, people, people.query[0], *arms(name)[1:], **how)


def test_frames_clips_truth_and_maps_are_aligned(arms, people) -> None:
    seen = see(arms, people, "trsa", rule="consecutive_cyclic_tail")
    m, t = seen.places.shape
    assert seen.frames.shape == (m, t, 3, 64, 32)
    for i in range(m):
        for j in range(t):
            own = people.frames.read(seen.tracklet, [int(seen.places[i, j])])[0]
            assert torch.equal(seen.frames[i, j], own)
            told = people.truth.read(seen.tracklet, [int(seen.places[i, j])])["visible"][0]
            assert torch.equal(seen.truth["visible"][i * t + j], told)
    maps = A.spatial_attention(seen.output)
    with torch.no_grad():
        alone = arms("trsa").model(seen.clips[-1:]).maps["spatial_attention"]
    torch.testing.assert_close(maps[-1:], alone)
    assert len(seen.flat(maps)) == len(seen.identities) == m * t


def test_a_tracklet_shorter_than_a_clip_repeats_its_frames(arms, people) -> None:
    short = replace(people.query[0], frames=people.query[0].frames[:2])
    seen = A.look(arms("sinet").model, people, short, *arms("sinet")[1:])
    assert seen.places.shape == (1, 4)
    assert set(seen.places.ravel()) == {0, 1}
    with pytest.raises(ReidError, match="no frames"):
        A.look(arms("sinet").model, people, replace(short, frames=()), *arms("sinet")[1:])


def test_a_limit_spreads_clips_over_the_tracklet(arms, people) -> None:
    tracklet = max(people.gallery, key=len)
    places = np.arange(len(tracklet))[:, None].repeat(4, 1)
    seen = A.look(
        arms("baseline").model, people, tracklet, *arms("baseline")[1:], places=places, limit=2
    )
    assert seen.places[:, 0].tolist() == [0, len(tracklet) - 1]


def test_suppression_stands_in_the_frames_it_acts_on(arms, people) -> None:
    model = arms("sinet").model
    seen = see(arms, people, "sinet")
    found = A.suppression(model, seen.output)
    assert list(found) == ["layer3_1", "layer3_2", "layer3_3"]
    for split, (site, maps) in enumerate(found.items(), start=1):
        assert maps.shape[:2] == seen.places.shape
        assert (maps[:, :split] == 1).all()
        assert torch.equal(maps[:, split:], seen.output.maps[f"{site}.suppression"])


def test_suppression_of_modules_that_share_a_place_and_of_cut_clips(arms) -> None:
    model = arms("sinet-3/sbm-same-position").model
    clips = torch.randn(1, 4, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    found = A.suppression(model, A.forward(model, clips))
    assert list(found) == ["layer3_2.0", "layer3_2.1", "layer3_2.2"]
    model = arms("sinet/code").model
    for module in model.modules():
        if hasattr(module, "chunk"):
            module.chunk = 4
    latter = torch.rand(1, 6, 2, 2)
    output = Output(torch.zeros(1, 1), maps={"layer3_1.suppression": latter,
                                             "features": torch.zeros(1, 8, 1, 2, 2)})  # fmt: skip
    (maps,) = A.suppression(model, output).values()
    assert (maps[:, [0, 4]] == 1).all()
    assert torch.equal(maps[:, [1, 2, 3, 5, 6, 7]], latter)


def test_region_responses_differ_from_their_mean_only(arms, people) -> None:
    seen = see(arms, people, "fgra")
    a, d = A.responses(seen.output)
    b, n, i, _, _ = a.shape
    for frame in range(n):
        mean = sum(a[0, frame, region] for region in range(i)) / i
        for region in range(i):
            torch.testing.assert_close(d[0, frame, region], a[0, frame, region] - mean)
    assert b == len(seen.places)


def test_clip_weights_beside_the_truth_of_their_frames(arms, people) -> None:
    seen = see(arms, people, "tacan", rule="consecutive_cyclic_tail")
    found = A.clip_weights(seen)
    m, t = seen.places.shape
    assert found.weights.shape == (m,)
    assert ((found.weights > 0) & (found.weights < 1)).all()
    for clip in range(m):
        covered = [float(seen.truth["covered"][clip * t + frame]) for frame in range(t)]
        assert found.covered[clip] == pytest.approx(sum(covered) / t)


def test_weight_shift_counts_change_in_units_of_spread(arms, people) -> None:
    found = A.clip_weights(see(arms, people, "tacan", rule="consecutive_cyclic_tail"))
    weights = np.array([0.2, 0.4, 0.9])
    a, b = replace(found, weights=weights), replace(found, weights=weights + 0.1)
    assert A.weight_shift([a], [a]) == 0
    expected = 0.1 / np.concatenate([weights, weights + 0.1]).std()
    assert A.weight_shift([a], [b]) == pytest.approx(expected)
    with pytest.raises(ReidError, match="3 clips"):
        A.weight_shift([a], [replace(a, weights=weights[:2])])
    even = replace(a, weights=np.ones(3))
    assert math.isnan(A.weight_shift([even], [even]))


def test_position_maps_are_rows_of_the_integration(arms) -> None:
    found = A.position_maps(arms("sinet").model)
    assert len(found) == 2
    for name, maps in found.items():
        module = arms("sinet").model.get_submodule(name)
        t, h, w = module.grid
        assert maps.shape[1:] == (t, h, w)
        row = module.integrate_positions.weight[3, :, 0].detach()
        assert float(maps[3, 2, 5, 1]) == float(row[2 * h * w + 5 * w + 1])
    assert A.position_maps(arms("baseline").model) == {}


def test_a_planted_silhouette_is_found() -> None:
    mask = torch.zeros(5, 16, 8, dtype=torch.bool)
    mask[:, 4:12, 2:6] = True
    maps = torch.randn(6, 2, 16, 8, generator=torch.Generator().manual_seed(0))
    assert abs(A.silhouette(maps, mask)["correlation"]) < 0.3
    found = A.silhouette(maps * (0.1 + mask[:1].float()), mask)
    assert found["correlation"] > 0.8
    assert found["negative"] == pytest.approx(float((maps < 0).double().mean()))


def test_a_model_without_the_map_is_told_with_what_it_has(arms, people) -> None:
    seen = see(arms, people, "trsa")
    with pytest.raises(ReidError, match=r"'clip_weights'; this one has spatial_attention"):
        A.clip_weights(seen)
    with pytest.raises(ReidError, match="suppression"):
        A.suppression(arms("trsa").model, seen.output)
    with pytest.raises(ReidError, match="region_response"):
        A.responses(seen.output)
    with pytest.raises(ReidError, match="this one has none"):
        A.spatial_attention(see(arms, people, "baseline").output)


def test_black_frames_are_told_and_their_maps_can_be_judged(arms, people) -> None:
    pixels = torch.zeros_like(torch.as_tensor(np.array(people.frames.pixels)))
    dark = replace(people, frames=StoredFrames(pixels, people.frames.offsets))
    seen = see(arms, dark, "trsa")
    assert "one colour" in frame_faults(seen.flat(seen.frames))[0]
    maps = seen.flat(A.spatial_attention(seen.output))
    assert maps.isfinite().all()
    verdict = judge(maps, seen.truth, seen.identities)
    assert 0 < verdict["map"]["background"].mean < 1


class Corner(nn.Module):
    """Embeds the mean of the upper left quarter, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, clips: torch.Tensor) -> Output:
        quarter = clips[..., :8, :4].flatten(3)
        weights = torch.linspace(0.5, 1.5, quarter.shape[-1])
        return Output((quarter * weights).mean(dim=(1, 3)) * self.scale)


def test_deletion_and_insertion_find_the_map_that_tells_the_truth() -> None:
    clips = torch.randn(3, 2, 3, 16, 8, generator=torch.Generator().manual_seed(0)) + 0.3
    right = torch.zeros(3, 2, 4, 4)
    right[..., :2, :2] = 1
    right += 0.1 * torch.rand(right.shape, generator=torch.Generator().manual_seed(1))
    curves = {
        name: A.perturbation(Corner(), clips, maps)
        for name, maps in (("right", right), ("wrong", -right))
    }
    for curve in curves.values():
        assert curve["deletion"][0] == pytest.approx(1)
        assert curve["insertion"][-1] == pytest.approx(1)
        assert abs(curve["deletion"][-1]) < 1e-6
    assert A.area(curves["right"], "deletion") < A.area(curves["wrong"], "deletion") - 0.3
    assert A.area(curves["right"], "insertion") > A.area(curves["wrong"], "insertion") + 0.3


def test_cells_that_tie_go_in_no_order_of_rows() -> None:
    """The highest first; those that tie once each, and not row by row."""
    cells = torch.tensor([[[0.0, 0.5, 0.0, 0.9, 0.0, 0.0, 0.5, 0.0]]])
    ranks = A._ranks(cells)[0, 0].tolist()
    assert sorted(ranks) == list(range(8))
    assert ranks[3] == 0
    assert {ranks[1], ranks[6]} == {1, 2}
    even = A._ranks(torch.ones(1, 1, 64))[0, 0]
    assert even.tolist() != list(range(64))
    assert torch.equal(even, A._ranks(torch.ones(1, 1, 64))[0, 0])
