"""Nearest-neighbour search in large galleries, exact and approximate, through faiss.

An optional extra: `pip install -e '.[search]'`. Scores never come from here (`score_features`
is exact and settles ties by rule); a search answers "who is this?" with k rows in milliseconds.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from reidlib.errors import ReidError
from reidlib.evaluation.candidates import to_array

Kind = Literal["exact", "hnsw", "ivf"]
Metric = Literal["cosine", "euclidean"]
SEED, PER_CELL, PART = 0, 256, 65536  # of k-means; rows it sees a cell; rows added at once


class Found(NamedTuple):
    """The k nearest gallery rows of each query, nearest first; -1 where fewer were found."""

    distances: NDArray[np.float32]  # (q, k) minus the cosine, or Euclidean
    rows: NDArray[np.int64]  # (q, k)


class Index:
    """A gallery to search in.

    Args:
        gallery: (g, d) embeddings, searched as float32.
        kind: "exact" compares every row. "hnsw" walks a graph of `links` neighbours a row, slow to
            build, quick to ask. "ivf" sorts rows into `cells` by k-means and looks into few.
        effort: what an approximate search spends, and recall grows with it: candidates kept while
            walking (hnsw) or cells looked into (ivf). May be changed at any time.
    """

    def __init__(
        self,
        gallery: ArrayLike | Tensor,
        kind: Kind = "exact",
        metric: Metric = "cosine",
        *,
        links: int = 32,
        cells: int | None = None,
        effort: int | None = None,
    ) -> None:
        faiss = _faiss()
        for name, value, choices in (("kind", kind, Kind), ("metric", metric, Metric)):
            if value not in get_args(choices):
                raise ReidError(
                    f"no {name} of search {value!r}; there are {', '.join(get_args(choices))}"
                )
        self.kind, self.metric = kind, metric
        rows = to_array(gallery)
        self.size, width = len(rows), _rows(rows[:1], metric).shape[1]
        inner = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        if kind == "exact":
            self._index = faiss.IndexFlat(width, inner)
        elif kind == "hnsw":
            self._index = faiss.IndexHNSWFlat(width, links, inner)
        else:
            cells = min(cells or max(1, min(round(4 * self.size**0.5), self.size // 39)), self.size)
            self._index = faiss.IndexIVFFlat(faiss.IndexFlat(width, inner), width, cells, inner)
            self._index.cp.seed = SEED
            self._index.cp.min_points_per_centroid = 1  # a small gallery is no reason to complain
            few = np.linspace(0, self.size - 1, min(self.size, PER_CELL * cells)).astype(np.intp)
            self._index.train(_rows(rows[few], metric))
        for start in range(0, self.size, PART):  # in parts: one copy in the index is enough
            self._index.add(_rows(rows[start : start + PART], metric, start))
        self.effort = effort or {"exact": 0, "hnsw": 64, "ivf": 16}[kind]

    def search(self, queries: ArrayLike | Tensor, k: int = 20) -> Found:
        """The k nearest rows of each query (q, d)."""
        if not 1 <= k <= self.size:
            raise ReidError(
                f"the {k} nearest of {self.size} gallery rows: k is from 1 to their number"
            )
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = self.effort
        elif self.kind == "ivf":
            self._index.nprobe = self.effort
        asked = _rows(queries, self.metric)
        if asked.shape[1] != self._index.d:
            raise ReidError(
                f"queries have {asked.shape[1]} numbers each, the gallery {self._index.d}"
            )
        near, rows = self._index.search(asked, k)
        return Found(-near if self.metric == "cosine" else np.sqrt(np.maximum(near, 0)), rows)


def recall(found: Found, exact: Found) -> float:
    """Share of the truly nearest rows that an approximate search found, mean over queries."""
    pairs = zip(found.rows, exact.rows)
    return float(np.mean([np.isin(right, left).mean() for left, right in pairs]))


def _rows(embeddings: ArrayLike | Tensor, metric: Metric, start: int = 0) -> NDArray[np.float32]:
    """float32 (n, d), of length 1 for the cosine; start: number of the first, for messages."""
    rows = np.ascontiguousarray(to_array(embeddings), dtype=np.float32)
    if rows.ndim != 2 or not rows.size:
        raise ReidError(f"embeddings are (n, d), not {rows.shape}")
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    if not np.isfinite(lengths).all():
        bad = int(np.flatnonzero(~np.isfinite(lengths))[0])
        raise ReidError(f"embedding {start + bad} holds a number that is not finite")
    if metric == "cosine":
        rows = rows / np.maximum(lengths, 1e-30).astype(np.float32)[:, None]
    return rows


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ReidError(
            "search needs faiss, an extra: pip install -e '.[search]' (or faiss-cpu)"
        ) from error
    return faiss
