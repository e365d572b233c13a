"""Search against a full sort, and what approximation costs."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from reidlib.errors import ReidError
from reidlib.evaluation import distances
from reidlib.search import Found, Index, recall


def gallery(n: int = 2000, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, d))
    rows = (centres[rng.integers(0, 50, n)] + 0.5 * rng.normal(size=(n, d))).astype(np.float32)
    return rows, (rows[:30] + 0.1 * rng.normal(size=(30, d))).astype(np.float32)


def test_without_faiss_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ReidError, match=r"\.\[search\]"):
        Index(np.eye(3))


def test_recall() -> None:
    exact = Found(np.zeros((2, 2), np.float32), np.array([[1, 2], [3, 4]]))
    other = Found(np.zeros((2, 2), np.float32), np.array([[2, 1], [4, -1]]))
    assert recall(exact, exact) == 1.0
    assert recall(other, exact) == 0.75


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_exact_search_is_a_full_sort(metric: Any) -> None:
    pytest.importorskip("faiss")
    rows, queries = gallery()
    found = Index(torch.from_numpy(rows), "exact", metric).search(torch.from_numpy(queries), 10)
    matrix = distances(queries, rows, metric)
    np.testing.assert_array_equal(found.rows, np.argsort(matrix, axis=1)[:, :10])
    np.testing.assert_allclose(found.distances, np.sort(matrix, axis=1)[:, :10], atol=1e-3)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_effort_buys_recall(kind: Any, metric: Any) -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)  # without clusters, which would make it easy
    rows, queries = rng.normal(size=(2000, 24)), rng.normal(size=(30, 24))
    exact = Index(rows, "exact", metric).search(queries, 10)
    index = Index(rows, kind, metric, links=8, cells=40, effort=1)
    poor = recall(index.search(queries, 10), exact)
    index.effort = 400
    rich = recall(index.search(queries, 10), exact)
    assert poor < 0.95 < 0.99 < rich
    again = Index(rows, kind, metric, links=8, cells=40, effort=400).search(queries, 10)
    assert recall(again, exact) > 0.99


def test_one_row() -> None:
    pytest.importorskip("faiss")
    for kind in ("exact", "hnsw", "ivf"):
        found = Index(np.array([[0.0, 2.0]]), kind).search([[0.0, 1.0], [1.0, 0.0]], 1)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.distances, [[-1], [0]])
        assert (found.rows == 0).all()


def test_bad_input() -> None:
    pytest.importorskip("faiss")
    rows, queries = gallery(60)
    with pytest.raises(ReidError, match="no kind of search 'tree'"):
        Index(rows, "tree")  # type: ignore[arg-type]
    with pytest.raises(ReidError, match="61 nearest of 60"):
        Index(rows).search(queries, 61)
    with pytest.raises(ReidError, match="23 numbers each, the gallery 24"):
        Index(rows).search(queries[:, 1:])
    rows[7, 3] = np.inf
    with pytest.raises(ReidError, match="embedding 7"):
        Index(rows)
