"""The sampling error of a test: what its score would have been with other people in it.

Queries of one person stand or fall together, so people are drawn, not queries: a bootstrap over
identities. Conditions that score the same queries are resampled alike, so that their difference
has an error of its own, usually far below that of either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reidlib.errors import ReidError

DRAWS = 2000


def resampled_maps(
    ap: ArrayLike,
    people: Sequence[int],
    draws: int = DRAWS,
    seed: int = 0,
    drawn: int | None = None,
) -> NDArray[np.float64]:
    """mAP of `draws` resamples of the people, each person with all their queries.

    ap: (q,) or (conditions, q), fractions, NaN where a query does not count; people: (q,) ids.
    drawn: people in a resample; None draws as many as there are.
    Returns (draws,) or (conditions, draws). Raises ReidError where a condition counts nobody.
    """
    values = np.atleast_2d(np.asarray(ap, np.float64))
    if values.shape[1] != len(people):
        raise ReidError(f"{values.shape[1]} average precisions for {len(people)} queries' people")
    ids, own = np.unique(np.asarray(people), return_inverse=True)
    counted = np.isfinite(values)
    if not len(people) or not counted.any(1).all():
        raise ReidError("there is no query that counts, so nothing to resample")
    belongs = own[:, None] == np.arange(len(ids))  # (q, people)
    sums = np.where(counted, values, 0.0) @ belongs
    counts = counted.astype(np.float64) @ belongs
    chance = np.full(len(ids), 1 / len(ids))
    times = np.random.default_rng(seed).multinomial(drawn or len(ids), chance, size=draws)
    found = (sums @ times.T) / np.maximum(counts @ times.T, 1)
    return found[0] if np.ndim(ap) == 1 else found
