"""Resampling people: the same draws by loops, and the errors that theory gives."""

import math

import numpy as np
import pytest

from reidlib.errors import ReidError
from reidlib.experiments.resampling import resampled_maps


def by_loops(ap, people, draws, seed):
    ids = sorted(set(people))
    times = np.random.default_rng(seed).multinomial(len(ids), [1 / len(ids)] * len(ids), size=draws)
    maps = []
    for draw in times:
        total = count = 0.0
        for value, person in zip(ap, people):
            if not math.isnan(value):
                total += draw[ids.index(person)] * value
                count += draw[ids.index(person)]
        maps.append(total / max(count, 1))
    return maps


def test_is_the_plain_loop():
    rng = np.random.default_rng(0)
    ap, people = rng.uniform(size=40), rng.integers(0, 9, 40).tolist()
    ap[[3, 8]] = np.nan
    found = resampled_maps(ap, people, draws=50, seed=3)
    np.testing.assert_allclose(found, by_loops(ap, people, 50, 3), atol=1e-12)


def test_conditions_are_resampled_alike():
    rng = np.random.default_rng(0)
    ap, people = rng.uniform(size=30), list(range(10)) * 3
    maps = resampled_maps(np.stack([ap, ap - 0.1]), people, draws=200)
    np.testing.assert_allclose(maps[0] - maps[1], 0.1, atol=1e-12)
    np.testing.assert_allclose(maps[0], resampled_maps(ap, people, draws=200), atol=1e-12)


def test_the_error_of_a_mean_over_people():
    ap = np.random.default_rng(0).normal(0.6, 0.2, 400)
    spread = resampled_maps(ap, list(range(400))).std(ddof=1)
    assert spread == pytest.approx(ap.std() / 20, rel=0.05)


def test_one_person_cannot_be_resampled_into_another():
    assert resampled_maps([0.2, 0.4], [7, 7], draws=5) == pytest.approx([0.3] * 5)


def test_bad_input():
    with pytest.raises(ReidError, match="3 average precisions for 2"):
        resampled_maps([0.1, 0.2, 0.3], [1, 2])
    with pytest.raises(ReidError, match="no query that counts"):
        resampled_maps([np.nan, np.nan], [1, 2])
