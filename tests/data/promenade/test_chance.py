"""Draws that are functions of their keys."""

from __future__ import annotations

import numpy as np

from reidlib.data.promenade.chance import choice, integer, normal, scramble, uniform

MASK = (1 << 64) - 1


def splitmix(keys: list[int]) -> int:
    """The hash again, in Python's own integers."""
    bits = 0
    for key in keys:
        bits = ((bits ^ (key & MASK)) + 0x9E3779B97F4A7C15) & MASK
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
        bits ^= bits >> 31
    return bits


def test_hash_is_splitmix_of_all_keys() -> None:
    keys = np.array([0, 1, 2**61, -1])
    expected = [splitmix([7, int(k), 3]) for k in keys]
    assert scramble(7, keys, 3).tolist() == expected


def test_a_draw_does_not_depend_on_the_others_drawn_with_it() -> None:
    keys = np.arange(1000)
    together = uniform("name", 5, keys)
    alone = [uniform("name", 5, int(k))[0] for k in keys[::97]]
    assert together[::97].tolist() == alone
    assert uniform("name", 5, keys[:, None], np.arange(3)).shape == (1000, 3)


def test_names_and_every_key_matter() -> None:
    assert integer("a", 1)[0] != integer("b", 1)[0]
    assert integer("a", 1, 2)[0] != integer("a", 2, 1)[0]
    assert len(set(integer("a", np.arange(10_000)).tolist())) == 10_000
    assert integer("a", np.arange(10_000)).min() >= 0


def test_distributions() -> None:
    keys = np.arange(40_000)
    flat, bell = uniform("u", keys, low=-1.0, high=3.0), normal("n", keys, scale=2.0)
    assert flat.min() >= -1
    assert flat.max() < 3
    np.testing.assert_allclose([flat.mean(), flat.std()], [1.0, 4 / 12**0.5], atol=0.02)
    np.testing.assert_allclose([bell.mean(), bell.std()], [0.0, 2.0], atol=0.03)
    assert np.abs(bell).max() <= 7.0
    picks = choice([1, 0, 3], "c", keys)
    np.testing.assert_allclose(np.bincount(picks, minlength=3) / 40_000, [0.25, 0, 0.75], atol=0.01)
