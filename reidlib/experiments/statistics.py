"""How sure a mean over worlds is: t intervals, Holm's correction, equivalence, double differences.

Everything is paired: run k of every row lives in world k, so that differences are taken within a
world, where both rows met the same people, batches and shared first weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A mean over worlds. One world has no interval: low and high are then infinite, p is 1.

    p: two-sided, of a t test that the mean is zero; for differences.
    """

    mean: float
    low: float
    high: float
    p: float
    sd: float
    worlds: int
    values: tuple[float, ...]  # one a world

    @property
    def ends(self) -> tuple[float, float]:
        """The interval for drawing: NaN where one world has none."""
        return (self.low, self.high) if self.worlds > 1 else (math.nan, math.nan)

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies above or below zero, 0 where it does not leave it out."""
        return (self.low > 0) - (self.high < 0)

    def interval(self, confidence: float) -> tuple[float, float]:
        """The t interval at another confidence than 95 %."""
        half = _half_width(self.sd, self.worlds, confidence)
        return self.mean - half, self.mean + half


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Mean and Student's t interval of values, one a world. Raises ValueError for none."""
    count = len(values)
    if not count:
        raise ValueError("no values to estimate a mean from")
    mean = math.fsum(values) / count
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1)) if count > 1 else 0.0
    half = _half_width(sd, count, confidence)
    return Estimate(mean, mean - half, mean + half, _p(mean, sd, count), sd, count, tuple(values))


def differences(of: Mapping[int, float], to: Mapping[int, float]) -> dict[int, float]:
    """World -> difference, in the worlds that both have."""
    return {world: of[world] - to[world] for world in sorted(of.keys() & to.keys())}


def equivalence(found: Estimate, margin: float) -> float:
    """p of two one-sided t tests (TOST) that the mean lies within -margin..margin."""
    from scipy.stats import t

    if found.worlds < 2:
        return 1.0
    error = found.sd / math.sqrt(found.worlds)
    if error == 0:
        return 0.0 if abs(found.mean) < margin else 1.0
    above, below = (found.mean + margin) / error, (margin - found.mean) / error
    return float(t.sf(min(above, below), found.worlds - 1))


def beyond(found: Estimate, margin: float) -> float:
    """Two-sided p of a t test that the mean lies no further out than the margin's nearer end.

    Below 5 % just where the 95 % interval lies outside -margin..margin.
    """
    from scipy.stats import t

    if found.worlds < 2:
        return 1.0
    error, out = found.sd / math.sqrt(found.worlds), abs(found.mean) - margin
    if error == 0:
        return 0.0 if out > 0 else 1.0
    return min(1.0, float(2 * t.sf(out / error, found.worlds - 1)))


def unequal_scatter(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p that paired values scatter alike, as Pitman (1939) and Morgan (1939) test it.

    Sums and differences of pairs are uncorrelated just when both variances are equal; what worlds
    do to both rows alike is so left out. 1 for fewer than three pairs.
    """
    from scipy.stats import pearsonr

    sums = [a + b for a, b in zip(one, other, strict=True)]
    gaps = [a - b for a, b in zip(one, other, strict=True)]
    if len(sums) < 3 or len(set(sums)) == 1 or len(set(gaps)) == 1:
        return 1.0
    return float(pearsonr(sums, gaps).pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: a family-wise error that needs no independence.

    The r-th smallest of m (from 0) is multiplied by m - r, and none falls below a smaller one's.
    """
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return adjusted


def holm_confidence(ps: Sequence[float], level: float = 0.05) -> list[float]:
    """The confidence at which each interval excludes zero just when Holm's correction rejects.

    The r-th smallest of m (from 0) has 1 - level / (m - r), up to the first that is not rejected:
    there Holm's correction stops, and what comes after has that one's confidence.
    """
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    found, going, confidence = [0.0] * len(ps), True, 0.0
    for rank, i in enumerate(order):
        if going:
            confidence = 1 - level / (len(ps) - rank)
            going = ps[i] * (len(ps) - rank) < level
        found[i] = confidence
    return found


def _half_width(sd: float, count: int, confidence: float) -> float:
    from scipy.stats import t

    if count < 2:
        return math.inf
    return float(t.ppf((1 + confidence) / 2, count - 1)) * sd / math.sqrt(count)


def _p(mean: float, sd: float, count: int) -> float:
    from scipy.stats import t

    if count < 2:
        return 1.0
    if sd == 0:
        return 0.0 if mean else 1.0
    return float(2 * t.sf(abs(mean) / (sd / math.sqrt(count)), count - 1))


def finite(value: Any) -> Any:
    """Plain data for JSON, which has no infinity: the interval of a single world is null."""
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
