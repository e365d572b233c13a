"""Who is seen by which camera, how often and for how long: every tracklet of a request, as columns.

People of training carry odd numbers, people of test even ones, as in MARS; validation people lie
from 5001 to 6999 and pretraining people from 7000 on; `settings.PEOPLE` holds every set to its
numbers. `0000` collects false detections and passers-by (distractors), `00-1` boxes that no
protocol scores (junk).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from reidlib.data.promenade import mars_counts
from reidlib.data.promenade.chance import Bools, Floats, Ints, Key, choice, integer, uniform
from reidlib.data.promenade.settings import Settings

DISTRACTOR, JUNK = 0, -1
VALIDATION_FROM, PRETRAIN_FROM = 5001, 7000
_NUMBERS = {"train": (1, 2), "test": (2, 2), "validation": (VALIDATION_FROM, 1),
            "pretrain": (PRETRAIN_FROM, 1)}  # fmt: skip  # first number, step


@dataclass(frozen=True)
class Census:
    """One entry per tracklet, in the order of the rows: training first, then test by file name."""

    person: Ints  # raw identity
    camera: Ints  # from 0
    number: Ints  # of the tracklet within its identity, from 1
    length: Ints  # frames
    train: Bools
    query: Bools

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def offsets(self) -> Ints:
        """(rows + 1,): where each tracklet's frames begin among all frames."""
        return np.concatenate([[0], np.cumsum(self.length)]).astype(np.int64)

    def places(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Rows, and frames within them, of the frames first..last among all frames."""
        every = np.arange(first, last)
        rows = np.searchsorted(self.offsets, every, side="right") - 1
        return rows, every - self.offsets[rows]

    def key(self, world: int) -> Ints:
        """What the tracklets' own draws depend on."""
        return integer("tracklet", world, self.person, self.camera, self.number)

    def names(self, row: int) -> tuple[str, ...]:
        """Frame files relative to the data set's root: `bbox_train/0065/0065C1T0002F016.jpg`."""
        person = identity(int(self.person[row]))
        folder = f"bbox_{'train' if self.train[row] else 'test'}/{person}"
        stem = f"{folder}/{person}C{self.camera[row] + 1}T{self.number[row]:04d}"
        return tuple(f"{stem}F{frame:03d}.jpg" for frame in range(1, self.length[row] + 1))


class _Group(NamedTuple):
    person: Ints
    camera: Ints
    number: Ints
    length: Ints
    query: Bools


def identity(person: int) -> str:
    """The four characters of an identity: `0065`, `0000`, `00-1`."""
    return f"{person:04d}" if person >= 0 else "00-1"


def people(settings: Settings, group: str) -> Ints:
    """Raw identities of a set of people, ascending."""
    first, step = _NUMBERS[group]
    return first + step * np.arange(getattr(settings.counts, group), dtype=np.int64)


def take_census(settings: Settings) -> Census:
    """All tracklets of a request."""
    train, test = [], []
    if settings.subset != "none":
        train.append(_of_people(settings, settings.subset))
    if settings.evaluate != "none":
        counts = settings.counts
        part = 1 if settings.evaluate == "test" else 4
        test.append(_of_nobody(settings, JUNK, -(-counts.junk // part)))
        test.append(_of_nobody(settings, DISTRACTOR, -(-counts.distractors // part)))
        test.append(_of_people(settings, settings.evaluate))
    none = np.zeros(0, dtype=np.int64)
    groups = [_Group(none, none, none, none, none.astype(bool)), *train, *test]
    person, camera, number, length, query = (np.concatenate(column) for column in zip(*groups))
    training = np.arange(len(person)) < sum(len(group.person) for group in train)
    return Census(person, camera, number, length, training, query & ~training)


def _of_people(settings: Settings, group: str) -> _Group:
    """Tracklets of labelled people, by identity, camera, number."""
    world, raw = settings.world, people(settings, group)
    as_mars = settings.size == "mars" and group in ("train", "test") and not settings.people
    if as_mars:
        cameras = mars_counts.cameras_of(raw, group, world, settings.cameras)
    else:
        low, high = (min(n, settings.cameras) for n in settings.counts.seen_by)
        span = uniform("cameras", world, raw, low=float(max(low, 2)), high=float(max(high, 2) + 1))
        cameras = span.astype(np.int64)
    who, camera = _seen(raw, cameras, settings)
    person = raw[who]
    if as_mars:
        repeats = mars_counts.tracklets_of(person, camera, group, world)
    else:
        repeats = 1 + (uniform("again", world, person, camera) < settings.counts.again)
    pair = np.repeat(np.arange(len(person)), repeats)
    chosen = (uniform("query", world, person, camera) * repeats).astype(np.int64)
    query = (_counting(pair) == chosen[pair]) & (cameras[who][pair] > 1)
    person, camera = person[pair], camera[pair]
    number = 1 + _counting(person)
    keys: tuple[Key, ...] = ("length", world, person, camera, number)
    if as_mars:
        length = mars_counts.lengths_of(query, group, uniform(*keys))
    else:
        length = _lengths(settings, keys)
    return _Group(person, camera, number, length, query)


def _of_nobody(settings: Settings, person: int, count: int) -> _Group:
    """Distractors or junk: tracklets of nobody in particular."""
    number = np.arange(1, count + 1)
    camera = np.sort(choice(_appeal(settings), "special camera", settings.world, person, number))
    keys: tuple[Key, ...] = ("length", settings.world, person, camera, number)
    if settings.size == "mars" and settings.evaluate == "test":
        kind = "distractors" if person == DISTRACTOR else "junk"
        length = mars_counts.stretched(kind, uniform(*keys))
    else:
        length = _lengths(settings, keys)
    return _Group(np.full(count, person), camera, number, length, np.zeros(count, dtype=bool))


def _appeal(settings: Settings) -> tuple[float, ...]:
    """How often people pass each camera."""
    return mars_counts.CAMERAS if settings.cameras == 6 else (1.0,) * settings.cameras


def _seen(raw: Ints, cameras: Ints, settings: Settings) -> tuple[Ints, Ints]:
    """(index into raw, camera) of everyone in `cameras` cameras each, frequented ones first."""
    every = np.arange(settings.cameras)
    turn = uniform("camera", settings.world, raw[:, None], every) / np.asarray(_appeal(settings))
    place = np.argsort(np.argsort(turn, axis=1, kind="stable"), axis=1, kind="stable")
    who, camera = np.nonzero(place < cameras[:, None])
    return who, camera


def _counting(keys: Ints) -> Ints:
    """0, 1, 2, ... within each run of equal keys."""
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    sizes = np.diff(np.append(starts, len(keys)))
    return np.arange(len(keys)) - np.repeat(starts, sizes)


def _lengths(settings: Settings, keys: tuple[Key, ...]) -> Ints:
    low, high = settings.counts.frames
    if settings.lengths and len(settings.lengths) == 3:
        return heavy_tailed(low, high, settings.lengths[2], uniform(*keys))
    return uniform(*keys, low=float(low), high=float(high + 1)).astype(np.int64)


def heavy_tailed(low: int, high: int, mean: float, luck: Floats) -> Ints:
    """Lengths from low to high with an expected `mean`: many short ones and a few long, as in MARS.

    The curve is that of `mars_counts.stretched`, but each length depends on its own luck, a uniform
    number, and on nobody else's: the totals are met on average only.
    """
    even = (np.arange(8192) + 0.5) / 8192
    least, most = low / 256, high * 256.0  # medians that leave nearly all at one end
    for _ in range(60):
        median = (least + most) / 2
        short = _curve(even, median, low, high).mean() < mean
        least, most = (median, most) if short else (least, median)
    return _curve(luck, most, low, high)


def _curve(luck: Floats, median: float, low: int, high: int) -> Ints:
    drawn = np.clip(median * np.sqrt(luck / (1.0 - luck)), low, high)
    return np.floor(drawn + 0.5).astype(np.int64)
