"""Statistics against the textbook's formulas, and numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from reidlib.experiments.statistics import (
    beyond,
    differences,
    equivalence,
    estimate,
    holm,
    holm_confidence,
    unequal_scatter,
)

VALUES = [1.3, 0.4, -0.2, 2.1, 0.9]


def test_mean_and_interval() -> None:
    """t(0.975, 4) = 2.776445 from the table."""
    found = estimate(VALUES)
    mean = sum(VALUES) / 5
    error = math.sqrt(sum((v - mean) ** 2 for v in VALUES) / 4 / 5)
    assert found.mean == pytest.approx(mean, abs=1e-12)
    assert found.high - found.mean == pytest.approx(2.7764451052 * error, abs=1e-9)
    assert found.mean - found.low == pytest.approx(2.7764451052 * error, abs=1e-9)
    assert found.p == pytest.approx(stats.ttest_1samp(VALUES, 0).pvalue, abs=1e-12)
    assert found.worlds == 5
    assert found.interval(0.95) == pytest.approx((found.low, found.high))
    assert found.interval(0.99)[0] < found.low


def test_interval_excludes_zero_just_when_p_is_small() -> None:
    for shift in (-2.0, -0.5, 0.0, 0.4, 1.0):
        found = estimate([v + shift for v in VALUES])
        assert (found.low > 0 or found.high < 0) == (found.p < 0.05)


def test_one_world_decides_nothing() -> None:
    found = estimate([3.0])
    assert (found.low, found.high, found.p) == (-math.inf, math.inf, 1.0)
    assert equivalence(found, 2.0) == 1.0


def test_worlds_that_agree_to_the_last_digit() -> None:
    assert estimate([0.0, 0.0]).p == 1.0
    assert estimate([2.0, 2.0]).p == 0.0
    assert equivalence(estimate([1.0, 1.0]), 2.0) == 0.0
    assert equivalence(estimate([3.0, 3.0]), 2.0) == 1.0


def test_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        estimate([])


def test_differences_are_paired_by_world() -> None:
    of, to = {0: 5.0, 2: 7.0, 3: 1.0}, {3: 4.0, 0: 4.5, 1: 9.0}
    assert differences(of, to) == {0: 0.5, 3: -3.0}


@pytest.mark.parametrize("margin", [0.5, 1.0, 2.0, 4.0])
def test_equivalence_is_two_one_sided_tests(margin: float) -> None:
    found = estimate(VALUES)
    lower = stats.ttest_1samp(VALUES, -margin, alternative="greater").pvalue
    upper = stats.ttest_1samp(VALUES, margin, alternative="less").pvalue
    assert equivalence(found, margin) == pytest.approx(max(lower, upper), abs=1e-12)
    low, high = found.interval(0.90)
    assert (equivalence(found, margin) < 0.05) == (-margin < low and high < margin)


@pytest.mark.parametrize("shift", [-6.0, -3.5, -0.9, 0.0, 1.4, 2.9, 5.0])
def test_a_difference_beyond_the_margin_is_an_interval_outside_it(shift: float) -> None:
    values = [v + shift for v in VALUES]
    found, margin = estimate(values), 1.0
    nearest = margin if found.mean > 0 else -margin
    further = "greater" if found.mean > 0 else "less"
    one = stats.ttest_1samp(values, nearest, alternative=further).pvalue
    assert beyond(found, margin) == pytest.approx(min(1.0, 2 * one), abs=1e-12)
    assert (beyond(found, margin) < 0.05) == (found.low > margin or found.high < -margin)
    assert not (beyond(found, margin) < 0.05 and equivalence(found, margin) < 0.05)


def test_beyond_a_margin_at_the_edges() -> None:
    assert beyond(estimate([9.0]), 2.0) == 1.0
    assert beyond(estimate([3.0, 3.0]), 2.0) == 0.0
    assert beyond(estimate([2.0, 2.0]), 2.0) == 1.0


def test_holm_by_hand() -> None:
    """Smallest times 4, next times 3, ...; none below its predecessor; never above 1."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("shifts", [(-0.9, 0.1, 1.5, 3.0), (0.25, 0.3), (0.0,), (3.0, 0.05, 0.0)])
def test_holm_interval_excludes_zero_just_when_holm_rejects(shifts: tuple[float, ...]) -> None:
    """(0.25, 0.3): both p lie below 0.05 and neither stands after the correction."""
    found = [estimate([v + shift for v in VALUES]) for shift in shifts]
    ps = [f.p for f in found]
    if shifts == (0.25, 0.3):
        assert max(ps) < 0.05 < min(holm(ps))
    for f, p, confidence in zip(found, holm(ps), holm_confidence(ps)):
        low, high = f.interval(confidence)
        assert (low > 0 or high < 0) == (p < 0.05)


def test_unequal_scatter_is_the_t_test_of_sums_against_differences() -> None:
    """t = (F - 1) sqrt(n - 2) / (2 sqrt(F (1 - r^2))): Morgan's own form, F of variances."""
    one, other = VALUES, [0.3, 0.2, 0.4, 0.1, 0.2]
    a, b = (estimate(v) for v in (one, other))
    cross = sum((x - a.mean) * (y - b.mean) for x, y in zip(one, other))
    r = cross / (4 * a.sd * b.sd)
    ratio = (a.sd / b.sd) ** 2
    t = (ratio - 1) * math.sqrt(3) / (2 * math.sqrt(ratio * (1 - r**2)))
    assert unequal_scatter(one, other) == pytest.approx(2 * stats.t.sf(abs(t), 3), abs=1e-12)


def test_what_worlds_do_to_both_is_no_scatter() -> None:
    noise = [0.1, -0.1, 0.05, -0.02, 0.0]
    world = [10.0, -8.0, 3.0, 5.0, -9.0]
    wild = [w + 20 * n for w, n in zip(world, noise[::-1])]
    calm = [w + n for w, n in zip(world, noise)]
    assert unequal_scatter(wild, calm) == pytest.approx(unequal_scatter(calm, wild))
    assert unequal_scatter(calm, [w + 1 for w in calm]) == 1.0
    assert unequal_scatter(calm[:2], wild[:2]) == 1.0
