"""MARS's own numbers, and draws that meet them exactly.

Promenade at size "mars" has as many people, tracklets, queries, distractors, junk tracklets and
frames as MARS, and lengths with its extremes and medians; all else about it is drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reidlib.data.promenade.chance import Bools, Floats, Ints, Key, uniform

CAMERAS = (1.9, 2.2, 1.4, 0.8, 1.9, 0.7)  # thousands of people's tracklets in each camera, about


class Count(NamedTuple):
    """Of a group of tracklets: how many, their frames in all, and the lengths' spread."""

    tracklets: int
    frames: int
    shortest: int
    median: int
    longest: int


COUNTS = {
    "train": Count(8298, 509_914, 5, 36, 900),
    "query": Count(1980, 114_493, 2, 35, 880),
    "rest": Count(6082, 395_473, 3, 33, 920),  # of the people in test
    "distractors": Count(3248, 147_743, 6, 29, 734),
    "junk": Count(870, 23_380, 6, 18, 226),
}
# (people in one camera only, pairs of person and camera): a query stands for every pair of test
# people seen by two cameras or more.
_PAIRS = {"train": (6, 1955), "test": (8, COUNTS["query"].tracklets + 8)}
_MOST = 24  # tracklets of one person in one camera, less one


def cameras_of(raw: Ints, group: str, world: int, cameras: int) -> Ints:
    """How many cameras see each person: a few people one, the others two or more."""
    alone, pairs = _PAIRS[group]
    order = np.argsort(uniform("alone", world, raw), kind="stable")
    rest = order[alone:]
    seen = np.ones(len(raw), dtype=np.int64)
    more = pairs - alone - 2 * len(rest)
    seen[rest] = 2 + _deal(more, len(rest), cameras - 2, "more", world, raw[rest])
    return seen


def tracklets_of(person: Ints, camera: Ints, group: str, world: int) -> Ints:
    """How many tracklets each pair of person and camera has."""
    names = ("train",) if group == "train" else ("query", "rest")
    total = sum(COUNTS[name].tracklets for name in names)
    return 1 + _deal(total - len(person), len(person), _MOST, "again", world, person, camera)


def lengths_of(query: Bools, group: str, luck: Floats) -> Ints:
    """Lengths of all tracklets of people."""
    if group == "train":
        return stretched("train", luck)
    length = np.zeros(len(query), dtype=np.int64)
    length[query], length[~query] = stretched("query", luck[query]), stretched("rest", luck[~query])
    return length


def stretched(name: str, luck: Floats) -> Ints:
    """Heavy-tailed lengths with the group's median and extremes and its frames in all.

    luck: a uniform number for each tracklet. What lies above the median is stretched until the
    total is met, then the rest is settled frame by frame.
    """
    count = COUNTS[name]
    span = count.shortest, count.longest
    drawn = np.clip(count.median * np.sqrt(luck / (1.0 - luck)), *span)
    low, high = 0.25, 4.0
    for _ in range(40):
        factor = (low + high) / 2
        above = count.median + (drawn - count.median) * factor
        length = np.where(drawn > count.median, np.clip(above, *span), drawn).astype(np.int64)
        low, high = (factor, high) if length.sum() < count.frames else (low, factor)
    missing = count.frames - int(length.sum())
    room = np.flatnonzero((length > count.median + 1) & (length < count.longest - 1))
    turn = room[np.argsort(luck[room], kind="stable")]
    for start in range(0, abs(missing), len(turn)):
        length[turn[: abs(missing) - start]] += 1 if missing > 0 else -1
    return length


def _deal(total: int, hands: int, most: int, *keys: Key) -> Ints:
    """`total` cards dealt to `hands`, none gets more than `most`; the luck of a hand is its own."""
    luck = uniform("luck", *keys) ** 2 + 0.05
    each = (key[:, None] if isinstance(key, np.ndarray) else key for key in keys)
    turn = uniform("deal", *each, np.arange(most)) / luck[:, None]
    lucky = np.argsort(turn, axis=None, kind="stable")[:total]
    return np.bincount(lucky // most, minlength=hands)
