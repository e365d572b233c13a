"""Randomness that is a function of its keys: no state, so any frame can be drawn alone.

Every draw is an integer hash (the splitmix64 finaliser) of names and numbers, turned into a float.
Only integer arithmetic, additions and multiplications are used, so a draw is the same everywhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Key = int | np.integer | str | Ints  # names and integers; arrays broadcast against each other

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def scramble(*keys: Key) -> NDArray[np.uint64]:
    """64 well-mixed bits for each entry of the broadcast keys; at least one dimension."""
    bits = np.zeros(1, dtype=np.uint64)
    for key in keys:
        number = zlib.crc32(key.encode()) if isinstance(key, str) else key
        bits = (bits ^ np.atleast_1d(np.asarray(number, dtype=np.int64)).view(np.uint64)) + _STEP
        bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
        bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
        bits = bits ^ (bits >> np.uint64(31))
    return bits


def integer(*keys: Key) -> Ints:
    """A non-negative key for further draws, 62 bits."""
    return (scramble(*keys) >> np.uint64(2)).astype(np.int64)


def uniform(*keys: Key, low: float | Floats = 0.0, high: float | Floats = 1.0) -> Floats:
    """Uniform in [low, high)."""
    unit = (scramble(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return unit * (high - low) + low


def normal(*keys: Key, scale: float = 1.0) -> Floats:
    """Nearly normal, mean 0, deviation `scale`, never beyond 3.5 of it: a sum of four uniforms."""
    bits = scramble(*keys)
    total = np.zeros(bits.shape)
    for shift in (0, 16, 32, 48):
        total += ((bits >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64) / 65536.0
    return (total - 2.0 + 2.0 / 65536.0) * (1.7320508075688772 * scale)


def choice(weights: Sequence[float], *keys: Key) -> Ints:
    """An index into `weights`, drawn in proportion to them."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges[:-1] / edges[-1], uniform(*keys), side="right").astype(np.int64)
