"""CMC with a single gallery shot: one row per gallery identity, drawn by lot (CUHK03's way).

Each row below is a query's *impostors*: (g,) distances of the other people's ranked rows, infinite
elsewhere. A true match j at distance `values[j]` has an impostor before it that is closer, or as
close with a gallery index below `upto[j]`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def expected_ranks(
    impostors: NDArray[Any], values: NDArray[Any], upto: NDArray[Any], people: NDArray[Any]
) -> NDArray[np.float64]:
    """Chance of each rank (index 0 = rank 1) of the true match, exactly.

    people: (g,) identities numbered from 0. The drawn row of an identity with n rows, a of them
    before the match, stands before it with chance a / n. Identities are drawn independently, so
    the number of those before the match is a sum of coin tosses, convolved one by one; the true
    match is itself drawn evenly among the m.
    """
    ranked = np.isfinite(impostors)
    sizes = np.bincount(people[ranked])
    before = _before(impostors, values, upto)
    chances = [np.bincount(people[ranked], weights=row[ranked]) for row in before]
    coins = np.array(chances)[:, sizes > 0] / sizes[sizes > 0]
    ranks = np.zeros((len(values), coins.shape[1] + 1))
    ranks[:, 0] = 1
    for n, coin in enumerate(coins.T[:, :, None], start=1):
        ranks[:, 1 : n + 1] += coin * (ranks[:, :n] - ranks[:, 1 : n + 1])
        ranks[:, :1] *= 1 - coin
    mean: NDArray[np.float64] = ranks.mean(axis=0)
    return mean


def drawn_ranks(
    impostors: NDArray[Any],
    values: NDArray[Any],
    upto: NDArray[Any],
    people: NDArray[Any],
    draws: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Share of `draws` lots that give each rank of the true match (index 0 = rank 1)."""
    ranked = np.flatnonzero(np.isfinite(impostors))
    ranked = ranked[np.argsort(people[ranked], kind="stable")]
    _, starts, sizes = np.unique(people[ranked], return_index=True, return_counts=True)
    picks = ranked[starts + np.floor(rng.random((draws, len(sizes))) * sizes).astype(np.intp)]
    match = rng.integers(len(values), size=draws)
    before = _before(impostors, values, upto)[match[:, None], picks].sum(axis=1)
    return np.bincount(before) / draws


def _before(impostors: NDArray[Any], values: NDArray[Any], upto: NDArray[Any]) -> NDArray[np.bool_]:
    """(m, g): does the impostor stand before the true match?"""
    tied_before = np.arange(len(impostors)) < upto[:, None]
    before: NDArray[np.bool_] = (impostors < values[:, None]) | (
        (impostors == values[:, None]) & tied_before
    )
    return before
