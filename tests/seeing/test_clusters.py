"""Purity, silhouette, diameters in plain loops; t-SNE that repeats itself and refuses nonsense."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reidlib.errors import ReidError
from reidlib.seeing.clusters import (
    choose_people,
    diameters,
    flat,
    perplexity_of,
    purities,
    purity,
    silhouette,
)

G = torch.Generator().manual_seed(0)
LABELS = [1] * 4 + [2] * 3 + [3] * 5 + [4]
X = torch.randn(13, 6, generator=G, dtype=torch.float64)


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return math.sqrt(sum(float(u - v) ** 2 for u, v in zip(a, b, strict=True)))


def test_purity_by_loops() -> None:
    shares = []
    for i in range(13):
        own = LABELS.count(LABELS[i]) - 1
        others = sorted((distance(X[i], X[j]), j) for j in range(13) if j != i)
        if own:
            kept = others[: min(3, own)]
            shares.append(sum(LABELS[j] == LABELS[i] for _, j in kept) / len(kept))
    assert purity(X, LABELS, k=3) == pytest.approx(sum(shares) / 12, abs=1e-12)
    assert math.isnan(purity(X[:2], [1, 2]))
    rows = purities(X, LABELS, k=3)
    assert rows[:12].tolist() == pytest.approx(shares, abs=1e-12)
    assert np.isnan(rows[12])


def test_diameters_by_loops() -> None:
    found = diameters(X, LABELS)
    assert found.identities == (1, 2, 3, 4)
    unit = [x / math.sqrt(sum(float(v) ** 2 for v in x)) for x in X]
    means = []
    for n, label in enumerate(found.identities):
        rows = [i for i in range(13) if LABELS[i] == label]
        raw = max(distance(X[i], X[j]) for i in rows for j in rows)
        assert found.raw[n] == pytest.approx(raw, abs=1e-10)
        expected = max(distance(unit[i], unit[j]) for i in rows for j in rows)
        assert found.unit[n] == pytest.approx(expected, abs=1e-10)
        means.append(X[rows].mean(0))
    between = [distance(means[i], means[j]) for i in range(4) for j in range(i)]
    apart = sum(between) / len(between)
    assert found.relative == pytest.approx([r / apart for r in found.raw], abs=1e-10)
    assert found.raw[3] == 0
    assert math.isnan(diameters(X[:3], [1, 1, 1]).relative[0])


def test_scale_changes_only_the_raw_diameter() -> None:
    a, b = diameters(X, LABELS), diameters(7 * X, LABELS)
    assert b.raw == pytest.approx([7 * v for v in a.raw])
    assert b.unit == pytest.approx(a.unit)
    assert b.relative == pytest.approx(a.relative)


def test_planted_clusters_are_found_and_shuffled_labels_are_not() -> None:
    centres = 20 * torch.eye(4, 6, dtype=torch.float64)
    x = centres[torch.tensor(LABELS) - 1] + X
    shuffled = np.random.default_rng(0).permutation(LABELS).tolist()
    assert purity(x, LABELS) == 1
    assert purity(x, shuffled) < 0.6
    assert silhouette(x, LABELS) > 0.6
    assert silhouette(x, shuffled) < 0.1
    assert math.isnan(silhouette(x[:4], [1] * 4))


def test_tsne_repeats_itself_and_lowers_a_perplexity_that_is_too_large() -> None:
    first, again = flat(X, seed=3), flat(X, seed=3, perplexity=400)
    assert first.shape == (13, 2)
    np.testing.assert_array_equal(first, again)  # both use (13 - 1) / 3
    assert not np.array_equal(first, flat(X, seed=3, perplexity=2))
    np.testing.assert_array_equal(first, flat(X, seed=3, perplexity=perplexity_of(13)))
    assert (perplexity_of(13), perplexity_of(91), perplexity_of(90)) == (4, 30, 89 / 3)


def test_bad_input() -> None:
    with pytest.raises(ReidError, match="at least 4"):
        flat(X[:3])
    with pytest.raises(ReidError, match="equal"):
        flat(torch.ones(9, 3))
    with pytest.raises(ReidError, match="equal"):  # but for rounding
        flat(torch.ones(9, 3, dtype=torch.float64) + 1e-7 * X[:9, :3])
    with pytest.raises(ReidError, match="1 of 13 features are not finite"):
        flat(torch.where(torch.arange(13)[:, None] == 2, torch.nan, X))
    with pytest.raises(ReidError, match="no table"):
        purity(X, LABELS[:-1])


def test_people_are_drawn_by_seed_and_nobody_is_not_among_them() -> None:
    pids = [0, 0, 0, -1, -1, 4, 4, 5, 5, 6, 7, 7]
    rows = choose_people(pids, 2, seed=1)
    assert {pids[i] for i in rows} < {4, 5, 7}
    assert len(rows) == 4
    assert rows.tolist() == choose_people(pids, 2, 1, {7, 6, 5, 4}).tolist()
    assert set(choose_people(pids, 2, among={0, 5})) == {0, 1, 2, 7, 8}  # where 0 is a person
    with pytest.raises(ReidError, match="3 have two"):
        choose_people(pids, 4)
    with pytest.raises(ReidError, match="5 identities are asked for; 1 have two"):
        choose_people([3, 3, 3])
