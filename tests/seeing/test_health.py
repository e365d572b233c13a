"""Dead attention, collapse and broken numbers are told; healthy ones are not."""

from __future__ import annotations

import numpy as np
import torch

from reidlib.seeing.health import embedding_faults, faults, frame_faults, map_faults, still

NOISE = torch.rand(6, 4, 3, generator=torch.Generator().manual_seed(0))


def test_healthy_maps_are_not_accused() -> None:
    assert map_faults(NOISE) == []
    assert embedding_faults(torch.randn(6, 9, generator=torch.Generator().manual_seed(1))) == []
    assert frame_faults((NOISE[:, None].expand(6, 3, 4, 3) * 255).to(torch.uint8)) == []


def test_each_illness_is_named_with_its_number() -> None:
    maps = NOISE.clone()
    maps[0], maps[1, 0, 0], maps[2] = 0.25, float("nan"), 0
    told = " ".join(map_faults(maps, "attention"))
    assert "not finite in 1 of 6" in told
    assert "empty in 1 of 6" in told
    assert "even in 1 of 6" in told


def test_weights_of_a_dead_gate_are_even_and_one_weight_is_not_called_so() -> None:
    assert "even" in map_faults(torch.full((3, 4), 0.25))[0]
    assert map_faults(torch.full((3, 1), 1.0)) == []


def test_broken_embeddings() -> None:
    base = torch.randn(1, 9, generator=torch.Generator().manual_seed(2))
    assert "collapsed" in embedding_faults(base * torch.arange(1, 6)[:, None])[0]
    assert "zero" in embedding_faults(torch.cat([base, base * 0]))[0]
    assert "not finite" in embedding_faults(torch.cat([base, base / 0]))[0]
    assert embedding_faults(base) == []


def test_a_black_frame() -> None:
    frames = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    frames[1, 0, 0, 0] = 200
    assert frame_faults(frames) == ["1 of 2 frames are of one colour: nothing to see"]
    assert frame_faults(frames[:0]) == []


def test_all_faults_are_told_once_and_say_whose_they_are() -> None:
    black = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    base = torch.randn(1, 9, generator=torch.Generator().manual_seed(2))
    alike = base.expand(3, 9)
    told = faults([black, black[:1]], {"a": NOISE, "b": NOISE * 0}, {"SAM": alike, "TA": alike})
    assert told == [
        "3 of 3 frames are of one colour: nothing to see.",
        "b is empty in 6 of 6.",
        "SAM: embeddings have collapsed: their mean cosine is 1.0000.",
        "TA: embeddings have collapsed: their mean cosine is 1.0000.",
    ]
    assert faults() == []


def test_weights_of_clips_are_looked_at_tracklet_by_tracklet() -> None:
    """All together these vary; inside two of the three tracklets nothing does."""
    weights = [np.array([0.2, 0.2, 0.2]), np.array([0.9, 0.9]), np.array([0.1, 0.5]), np.ones(1)]
    assert still(weights) == ["w is even in 2 of 3 tracklets"]
    broken = [np.array([0.2, np.nan]), np.array([0.1, 0.5])]
    assert still(broken) == ["w is not finite in 1 of 2 tracklets"]
    assert still([np.ones(1)]) == []
