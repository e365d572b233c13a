"""k-reciprocal re-ranking (Zhong, Zheng, Cao and Li, CVPR 2017). None of the five papers uses it.

Two rows that are among each other's k nearest are likelier to show one person than their distance
says. Every row is described by the weights of its reciprocal neighbours, and rows are compared by
the overlap (Jaccard distance) of these descriptions, mixed with the original distance.

Numbers depend on details of the authors' program, kept here: distances are squared first (feed
distances, or say `square=False`: squares of squares are fourth powers); each column is divided by
its largest value before the matrix is transposed; half of k1 is rounded half to even; a row is its
own neighbour. Where that program leaves equal distances to chance, the lower index comes first.

Neighbourhoods are sparse and distances are read a row at a time, so memory stays near the three
matrices given. Rows are those of the queries, then those of the gallery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from reidlib.errors import ReidError
from reidlib.evaluation.candidates import to_array
from reidlib.evaluation.distance import distances

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def rerank(
    query_query: ArrayLike | Tensor,
    query_gallery: ArrayLike | Tensor,
    gallery_gallery: ArrayLike | Tensor,
    *,
    k1: int = 20,
    k2: int = 6,
    original: float = 0.3,
    square: bool = True,
) -> NDArray[Any]:
    """New distances (q, g) from those within and between the queries and the gallery.

    k1: neighbours that must be mutual. k2: neighbours whose descriptions are averaged (1: none).
    original: weight of the original distance (the paper's lambda), against the Jaccard distance.
    Raises ReidError for shapes that do not fit and for distances that are negative or not finite.
    """
    matrices = [to_array(m) for m in (query_query, query_gallery, gallery_gallery)]
    q, g = matrices[1].shape if matrices[1].ndim == 2 else (0, 0)
    if [m.shape for m in matrices] != [(q, q), (q, g), (g, g)] or not q * g:
        shapes = ", ".join(str(m.shape) for m in matrices)
        raise ReidError(f"re-ranking takes matrices (q, q), (q, g) and (g, g), not {shapes}")
    if k1 < 1 or k2 < 1:
        raise ReidError(f"k1 and k2 count neighbours from 1; they are {k1} and {k2}")
    rows = _Rows(matrices, square)
    known = min(max(k1 + 1, k2), q + g)
    nearest = np.stack([_nearest(rows[i], known) for i in range(q + g)])
    weights = _describe(rows, _expanded(nearest, k1), nearest[:, :k2])
    found = np.empty((q, g), rows.dtype)
    for i, shared in enumerate(_overlaps(weights, q)):
        jaccard = 1 - shared / (2 - shared)  # the union of two sets of weight 1
        found[i] = (1 - original) * jaccard + original * rows[i][q:]
    return found


def rerank_features(
    queries: ArrayLike | Tensor, gallery: ArrayLike | Tensor, *, unit: bool = True, **options: Any
) -> NDArray[Any]:
    """`rerank` on Euclidean distances of embeddings (q, d) and (g, d); unit: of length 1 first."""
    from torch import from_numpy
    from torch.nn.functional import normalize

    sets = [from_numpy(to_array(x).astype(np.float64)) for x in (queries, gallery)]
    q, g = [normalize(x) for x in sets] if unit else sets
    pairs = ((q, q), (q, g), (g, g))
    return rerank(*(distances(*pair, "euclidean", np.float32) for pair in pairs), **options)


class _Rows:
    """Row i of the matrix that is ranked: column i of ((qq, qg), (qg', gg)) over its maximum."""

    def __init__(self, matrices: list[NDArray[Any]], square: bool) -> None:
        self.within, self.between, self.beyond = matrices
        self.square = square
        self.dtype = np.result_type(*matrices, np.float32)

    def __getitem__(self, i: int) -> NDArray[Any]:
        j = i - len(self.within)
        parts = (
            (self.within[:, i], self.between[i])
            if j < 0
            else (self.between[:, j], self.beyond[:, j])
        )
        row = np.concatenate(parts, dtype=self.dtype)
        if not (np.isfinite(row).all() and (row >= 0).all()):
            raise ReidError(
                f"a distance of row {i} (queries first) is {row.min()}, negative or not finite"
            )
        if self.square:
            row **= 2
        largest = row.max()
        return row / largest if largest > 0 else row


def _nearest(row: NDArray[Any], k: int) -> NDArray[np.intp]:
    """The k smallest, ascending, of equals the first; a full sort would take ten times as long."""
    bound = np.partition(row, k - 1)[k - 1]
    close = np.flatnonzero(row <= bound)
    return close[np.argsort(row[close], kind="stable")[:k]]


def _reciprocal(nearest: NDArray[np.intp]) -> csr_array:
    """(n, n), 1 where i and j are both among each other's nearest (n, k)."""
    from scipy.sparse import csr_array

    n, k = nearest.shape
    ones = np.ones(n * k, dtype=np.int32)
    near = csr_array((ones, nearest.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    return near.multiply(near.T).tocsr()


def _expanded(nearest: NDArray[np.intp], k1: int) -> csr_array:
    """R*(i): reciprocal neighbours, and theirs (of half k1) where two thirds are shared (Eq. 6)."""
    from scipy.sparse import csr_array

    close = _reciprocal(nearest[:, : k1 + 1])
    half = _reciprocal(nearest[:, : round(k1 / 2) + 1])  # round: half to even
    shared = (close @ half.T).multiply(close).tocoo()  # of candidate j's half, how many are in R(i)
    enough = 3 * shared.data > 2 * half.sum(axis=1)[shared.col]
    place = (shared.row[enough], shared.col[enough])
    taken = csr_array((np.ones(len(place[0]), dtype=np.int32), place), shape=close.shape)
    return (close + taken @ half).tocsr()


def _describe(rows: _Rows, members: csr_array, nearest: NDArray[np.intp]) -> csr_array:
    """(n, n) rows of sum 1: exp(-distance) of the members (Eq. 7), their mean over nearest."""
    from scipy.sparse import csr_array

    members.sort_indices()
    values = np.empty(members.nnz)
    for i, (start, stop) in enumerate(zip(members.indptr[:-1], members.indptr[1:])):
        weight = np.exp(-rows[i][members.indices[start:stop]].astype(np.float64))
        values[start:stop] = weight / weight.sum()
    weights = csr_array((values, members.indices, members.indptr), shape=members.shape)
    n, k2 = nearest.shape
    if k2 == 1:  # the one nearest of a row with a twin may be the twin
        return weights
    mean = np.full(n * k2, 1 / k2)
    return csr_array((mean, nearest.ravel(), np.arange(0, n * k2 + 1, k2)), shape=(n, n)) @ weights


def _overlaps(weights: csr_array, queries: int) -> Iterator[NDArray[np.float64]]:
    """For each query i, (g,): the sum of the smaller weights of i and gallery row j (Eq. 10)."""
    columns = weights[queries:].tocsc()
    for i in range(queries):
        shared = np.zeros(columns.shape[0])
        own = slice(weights.indptr[i], weights.indptr[i + 1])
        for column, weight in zip(weights.indices[own], weights.data[own]):
            part = slice(columns.indptr[column], columns.indptr[column + 1])
            shared[columns.indices[part]] += np.minimum(weight, columns.data[part])
        yield shared
