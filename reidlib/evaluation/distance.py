"""Distances between embeddings, block by block.

Inner products are summed in float64 whatever the embeddings' type, so that a score does not hang
on rounding. Two more promises, since scores depend on ties:

* equal gallery vectors are equally far from every query, bit for bit (a matrix product alone does
  not keep that: its rounding depends on where in the matrix a vector stands);
* the block size changes memory and speed, never a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, DTypeLike, NDArray
from torch import Tensor

from reidlib.errors import ReidError

Metric = Literal["cosine", "euclidean", "sqeuclidean"]
ROWS, TILE = 32, 2**21  # queries and gallery numbers of one matrix product, for every block size
TINY = 1e-300  # in place of the length of a zero vector
BUDGET = 2**26  # bytes of distances held at once, unless that is less than ROWS queries


def distances(
    queries: ArrayLike | Tensor,
    gallery: ArrayLike | Tensor,
    metric: Metric = "cosine",
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """All distances, (q, d) and (g, d) -> (q, g), worked out in float64 whatever `dtype` keeps.

    metric: "cosine" is minus the inner product of unit vectors (a zero vector stays zero),
        "euclidean" and "sqeuclidean" are clamped at 0.
    Raises ReidError for other shapes, and for a value that is not finite, with its place.
    """
    matrix, start = np.empty((len(queries), len(gallery)), dtype), 0  # type: ignore[arg-type]
    for block in distance_blocks(queries, gallery, metric):
        matrix[start : start + len(block)] = block
        start += len(block)
    return matrix


def distance_blocks(
    queries: ArrayLike | Tensor,
    gallery: ArrayLike | Tensor,
    metric: Metric = "cosine",
    block: int | None = None,
) -> Iterator[NDArray[np.float64]]:
    """The rows of `distances`, some queries at a time, each block written over the last.

    block: queries held at once, rounded up to a multiple of 32; None takes what fits in 64 MiB.
    """
    if metric not in get_args(Metric):
        raise ReidError(f"no metric {metric!r}; there are {', '.join(get_args(Metric))}")
    q, g = _features(queries, "query"), _features(gallery, "gallery")
    if q.shape[1] != g.shape[1]:
        raise ReidError(
            f"query embeddings have {q.shape[1]} numbers each, gallery embeddings {g.shape[1]}"
        )
    lengths = _lengths(q, "query"), _lengths(g, "gallery")
    if metric == "cosine":
        lengths = lengths[0].clamp_min(TINY), lengths[1].clamp_min(TINY)
    later, first = _twins(g)
    block = -(-(block or BUDGET // (8 * len(g)) or 1) // ROWS) * ROWS
    held = torch.empty(min(block, len(q)), len(g), dtype=torch.float64)
    for start in range(0, len(q), block):
        part = slice(start, start + block)
        rows = held[: len(q[part])]
        _fill(rows, q[part], lengths[0][part], g, lengths[1], metric)
        found = rows.numpy()
        found[:, later] = found[:, first]
        yield found


def _fill(
    rows: Tensor, q: Tensor, q_length: Tensor, g: Tensor, g_length: Tensor, metric: Metric
) -> None:
    """Distances of (b, d) to (g, d), given their lengths, into `rows` (b, g), float64."""
    unit = metric == "cosine"
    left = q / -q_length[:, None] if unit else q.double()
    columns = max(1, TILE // q.shape[1])
    for column in range(0, len(g), columns):
        part = slice(column, column + columns)
        right = g[part] / g_length[part, None] if unit else g[part].double()
        for row in range(0, len(q), ROWS):
            torch.mm(left[row : row + ROWS], right.T, out=rows[row : row + ROWS, part])
        if not unit:
            tile = rows[:, part]
            tile.mul_(-2).add_(q_length[:, None] ** 2).add_(g_length[part] ** 2).clamp_min_(0)
            if metric == "euclidean":
                tile.sqrt_()


def _features(values: ArrayLike | Tensor, whose: str) -> Tensor:
    """Embeddings as a floating (n, d) tensor on the CPU, not copied where that can be helped."""
    found = values if isinstance(values, Tensor) else torch.from_numpy(np.asarray(values))
    found = found.detach().cpu()
    if found.ndim != 2 or 0 in found.shape:
        raise ReidError(f"{whose} embeddings are (n, d), not {tuple(found.shape)}")
    return (found if found.is_floating_point() else found.double()).contiguous()


def _lengths(features: Tensor, whose: str) -> Tensor:
    """(n,) Euclidean lengths in float64."""
    lengths = torch.empty(len(features), dtype=torch.float64)
    step = max(1, TILE // features.shape[1])  # in one go, the whole would be copied to float64
    for part, out in zip(features.split(step), lengths.split(step)):
        torch.linalg.vector_norm(part, dim=1, dtype=torch.float64, out=out)
    if not lengths.isfinite().all():
        row = int((~lengths.isfinite()).nonzero()[0])
        raise ReidError(f"{whose} embedding {row} holds a number that is not finite or too large")
    return lengths


def _twins(features: Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows that equal an earlier one, and the first such one of each."""
    raw = features.reshape(-1).view(torch.uint8).reshape(len(features), -1).numpy()
    keys = np.fromiter((hash(row.tobytes()) for row in raw), dtype=np.int64, count=len(raw))
    _, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
    first = index[inverse]
    later = np.flatnonzero(first != np.arange(len(first)))
    same = [bool((raw[i] == raw[j]).all()) for i, j in zip(later, first[later])]  # hashes collide
    return later[same], first[later[same]]
