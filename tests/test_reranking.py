"""k-reciprocal re-ranking against its definition in plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reidlib.errors import ReidError
from reidlib.evaluation import distances, score
from reidlib.reranking import rerank, rerank_features


def plain_loops(
    within: np.ndarray,
    between: np.ndarray,
    beyond: np.ndarray,
    k1: int,
    k2: int,
    original: float,
    square: bool,
) -> np.ndarray:
    q, g = between.shape
    n = q + g
    whole = np.block([[within, between], [between.T, beyond]]) ** (2 if square else 1)
    table = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            table[i, j] = whole[j, i] / whole[:, i].max() if whole[:, i].max() else 0.0
    ranked = [sorted(range(n), key=lambda j: (table[i, j], j)) for i in range(n)]

    def mutual(i: int, k: int) -> set[int]:
        return {j for j in ranked[i][: k + 1] if i in ranked[j][: k + 1]}

    half = int(np.around(k1 / 2))  # numpy rounds half to even
    described = np.zeros((n, n))
    for i in range(n):
        own = mutual(i, k1)
        members = set(own)
        for j in own:
            theirs = mutual(j, half)
            if len(theirs & own) > 2 / 3 * len(theirs):
                members |= theirs
        total = sum(math.exp(-table[i, j]) for j in members)
        for j in members:
            described[i, j] = math.exp(-table[i, j]) / total
    averaged = described
    if k2 > 1:
        near = [ranked[i][:k2] for i in range(n)]
        averaged = np.array([np.mean([described[j] for j in own], axis=0) for own in near])
    out = np.zeros((q, g))
    for i in range(q):
        for j in range(g):
            overlap = sum(min(a, b) for a, b in zip(averaged[i], averaged[q + j]))
            jaccard = 1 - overlap / (2 - overlap)
            out[i, j] = (1 - original) * jaccard + original * table[i, q + j]
    return out


def people(seed: int, q: int = 12, g: int = 40) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 6))
    qp, gp = rng.integers(0, 8, q), rng.integers(0, 8, g)
    noise = 0.8 * rng.normal(size=(q + g, 6))
    return centres[qp] + noise[:q], centres[gp] + noise[q:], qp, gp


def matrices(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    return [distances(a, b, "euclidean") for a, b in ((x, x), (x, y), (y, y))]


@pytest.mark.parametrize(
    ("k1", "k2", "original", "square"),
    [
        (20, 6, 0.3, True),
        (20, 6, 0.3, False),
        (5, 1, 0.0, True),  # half of 5 is 2, of 7 is 4, of 9 is 4
        (7, 3, 1.0, True),
        (9, 12, 0.5, True),  # k2 beyond k1
        (100, 6, 0.3, True),  # more neighbours than rows
        (1, 1, 0.3, True),
    ],
)
def test_agrees_with_plain_loops(k1: int, k2: int, original: float, square: bool) -> None:
    for seed in range(2):
        given = matrices(*people(seed)[:2])
        options = {"k1": k1, "k2": k2, "original": original, "square": square}
        expected = plain_loops(*given, **options)  # type: ignore[arg-type]
        np.testing.assert_allclose(rerank(*given, **options), expected, rtol=0, atol=1e-12)  # type: ignore[arg-type]


def test_nothing_is_averaged_over_one_neighbour_even_if_it_is_a_twin() -> None:
    queries, gallery = people(0)[:2]
    gallery[5], gallery[9], queries[3] = gallery[2], queries[0], queries[1]
    given = matrices(queries, gallery)
    expected = plain_loops(*given, 7, 1, 0.3, True)
    np.testing.assert_allclose(rerank(*given, k1=7, k2=1), expected, rtol=0, atol=1e-12)


def test_tables_that_are_not_symmetric_are_divided_by_columns() -> None:
    rng = np.random.default_rng(0)
    given = [rng.random(shape) for shape in ((7, 7), (7, 23), (23, 23))]
    found = rerank(*given, k1=6)
    np.testing.assert_allclose(found, plain_loops(*given, 6, 6, 0.3, True), atol=1e-12)
    other = rerank(given[0].T, given[1], given[2].T, k1=6)
    assert np.abs(found - other).max() > 1e-3


@pytest.mark.parametrize("levels", [0, 2])
def test_ties_go_to_the_lower_index(levels: int) -> None:
    """Also where every row is alike, and most have no mutual neighbour at all."""
    rng = np.random.default_rng(1)
    whole = rng.integers(0, levels + 1, (30, 30)).astype(float)
    whole = np.triu(whole, 1) + np.triu(whole, 1).T
    given = [whole[:10, :10], whole[:10, 10:], whole[10:, 10:]]
    expected = plain_loops(*given, 6, 3, 0.3, True)
    np.testing.assert_allclose(rerank(*given, k1=6, k2=3), expected, atol=1e-12)


def test_one_query_one_row() -> None:
    given = np.zeros((1, 1)), np.full((1, 1), 2.0), np.zeros((1, 1))
    np.testing.assert_allclose(rerank(*given), plain_loops(*given, 20, 6, 0.3, True))


def test_from_features() -> None:
    x, y, *_ = people(0)
    for unit in (True, False):
        a, b = (
            (v / np.linalg.norm(v, axis=1, keepdims=True) if unit else v).astype(np.float64)
            for v in (x, y)
        )
        expected = rerank(*matrices(a, b))
        np.testing.assert_allclose(rerank_features(x, y, unit=unit), expected, atol=1e-5)
    single = rerank_features(torch.from_numpy(x).float(), torch.from_numpy(y).float())
    assert single.dtype == np.float32


def test_it_helps_where_people_form_clusters() -> None:
    x, y, qp, gp = people(0, 60, 200)
    cams = np.zeros(60, dtype=int), np.ones(200, dtype=int)
    before = score(distances(x, y, "euclidean"), qp, gp, *cams).map
    assert score(rerank(*matrices(x, y)), qp, gp, *cams).map > before + 0.02


def test_bad_input() -> None:
    within, between, beyond = matrices(*people(0)[:2])
    with pytest.raises(ReidError, match=r"\(12, 12\), \(12, 40\), \(39, 40\)"):
        rerank(within, between, beyond[1:])
    with pytest.raises(ReidError, match=r"row 3 \(queries first\) is -0.5, negative"):
        rerank(np.where(np.arange(12) == 3, -0.5, within), between, beyond)
    with pytest.raises(ReidError, match="k1 and k2 count neighbours from 1"):
        rerank(within, between, beyond, k1=0)
    between[2, 4] = np.nan
    with pytest.raises(ReidError, match="row 2 "):
        rerank(within, between, beyond)
