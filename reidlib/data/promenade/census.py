"""Who is seen by which camera, how often and for how long: every tracklet of a request, as columns.

People of training carry odd numbers, people of test even ones, as in MARS; validation people lie
from 5001 and pretraining people from 7000 on. `0000` collects false detections and passers-by
(distractors), `00-1` boxes that no protocol scores (junk).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reidlib.data.promenade.chance import Ints, choice, integer, uniform
from reidlib.data.promenade.settings import Settings

DISTRACTOR, JUNK = 0, -1
_FIRST_NUMBER = {"train": 1, "test": 2, "validation": 5001, "pretrain": 7000}
_STEP = {"train": 2, "test": 2, "validation": 1, "pretrain": 1}
# MARS: (tracklets, frames) of each group, and the share of tracklets in each of its six cameras
_MARS_TRAIN = (8298, 509_914)
_MARS_TEST = {"query": (1980, 114_493), "rest": (6082, 395_473)}
_MARS_SPECIAL = {DISTRACTOR: (3248, 147_743), JUNK: (870, 23_380)}
_MARS_CAMERAS = (1.9, 2.2, 1.4, 0.8, 1.9, 0.7)


@dataclass(frozen=True)
class Census:
    """One entry per tracklet, in the order of the rows: training first, then test by file name."""

    person: Ints  # raw identity
    camera: Ints  # from 0
    number: Ints  # of the tracklet within its identity, from 1
    length: Ints
    train: np.ndarray  # bool
    query: np.ndarray  # bool
    group: tuple[str, ...]  # "train", "test", ...: who the families are drawn among

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def offsets(self) -> Ints:
        """(rows + 1,): where each tracklet's frames begin among all frames."""
        return np.concatenate([[0], np.cumsum(self.length)]).astype(np.int64)

    def key(self, world: int) -> Ints:
        """What the tracklet's own draws depend on."""
        return integer("tracklet", world, self.person, self.camera, self.number)

    def stem(self, row: int) -> str:
        """File name of a tracklet's frames up to the frame number: `0065C1T0002`."""
        return f"{identity(self.person[row])}C{self.camera[row] + 1}T{self.number[row]:04d}"

    def names(self, row: int) -> tuple[str, ...]:
        """Frame files relative to the data set's root, as in MARS."""
        folder = "bbox_train" if self.train[row] else "bbox_test"
        stem = f"{folder}/{identity(self.person[row])}/{self.stem(row)}"
        return tuple(f"{stem}F{frame:03d}.jpg" for frame in range(1, self.length[row] + 1))


def identity(person: int) -> str:
    """The four characters of an identity: `0065`, `0000`, `00-1`."""
    return f"{person:04d}" if person >= 0 else "00-1"


def people(settings: Settings, group: str) -> Ints:
    """Raw identities of a set of people, ascending."""
    count = getattr(settings.counts, group)
    return _FIRST_NUMBER[group] + _STEP[group] * np.arange(count, dtype=np.int64)


def take_census(settings: Settings) -> Census:
    """All tracklets of a request."""
    pieces: list[tuple[Ints, Ints, Ints, Ints, np.ndarray, str]] = []
    if settings.subset != "none":
        pieces.append(_of_people(settings, settings.subset))
    if settings.evaluate != "none":
        part = 1 if settings.evaluate == "test" else 4
        counts = settings.counts
        pieces.append(_special(settings, JUNK, -(-counts.junk // part)))
        pieces.append(_special(settings, DISTRACTOR, -(-counts.distractors // part)))
        pieces.append(_of_people(settings, settings.evaluate))
    columns = [np.concatenate([piece[i] for piece in pieces] or [[]]) for i in range(5)]
    sizes = [len(piece[0]) for piece in pieces]
    groups = [piece[5] for piece in pieces]
    training = np.array([name == settings.subset for name in groups], dtype=bool)
    return Census(
        *(column.astype(np.int64) for column in columns[:4]),
        train=np.repeat(training, sizes),
        query=columns[4].astype(bool) & ~np.repeat(training, sizes),
        group=tuple(np.repeat(np.array(groups, dtype=object), sizes)),
    )


def _of_people(settings: Settings, group: str) -> tuple[Ints, Ints, Ints, Ints, np.ndarray, str]:
    world, raw = settings.world, people(settings, group)
    mars = settings.size == "mars" and group in ("train", "test") and not settings.people
    pairs = _mars_pairs(raw, settings, group) if mars else _pairs(raw, settings)
    person, camera = raw[pairs[0]], pairs[1]
    if mars:
        total = _MARS_TRAIN[0] if group == "train" else sum(n for n, _ in _MARS_TEST.values())
        repeats = 1 + _deal(total - len(person), len(person), 24, "again", world, person, camera)
    else:
        repeats = 1 + (uniform("again", world, person, camera) < settings.counts.again)
    pair = np.repeat(np.arange(len(person)), repeats)
    within = _counting(pair)
    chosen = (uniform("query", world, person, camera) * repeats).astype(np.int64)
    seen = np.bincount(pairs[0], minlength=len(raw))[pairs[0]]
    query = (within == chosen[pair]) & (seen[pair] > 1)
    person, camera = person[pair], camera[pair]
    number = 1 + _counting(person)
    keys = ("length", world, person, camera, number)
    if not mars:
        length = _lengths(settings, keys)
    elif group == "train":
        length = _mars_lengths(*_MARS_TRAIN, (5, 900), 36, keys)
    else:
        length = np.zeros(len(person), dtype=np.int64)
        for mask, name, span, median in (
            (query, "query", (2, 880), 35),
            (~query, "rest", (3, 920), 33),
        ):
            inside = tuple(k[mask] if isinstance(k, np.ndarray) else k for k in keys)
            length[mask] = _mars_lengths(*_MARS_TEST[name], span, median, inside)
    return person, camera, number, length, query, group


def _special(
    settings: Settings, person: int, count: int
) -> tuple[Ints, Ints, Ints, Ints, np.ndarray, str]:
    """Distractors or junk: tracklets of nobody in particular."""
    number = np.arange(1, count + 1)
    weights = _MARS_CAMERAS if settings.cameras == 6 else (1.0,) * settings.cameras
    camera = np.sort(choice(weights, "special camera", settings.world, person, number))
    keys = ("length", settings.world, person, camera, number)
    if settings.size == "mars" and count == _MARS_SPECIAL[person][0]:
        span, median = ((6, 734), 29) if person == DISTRACTOR else ((6, 226), 18)
        length = _mars_lengths(*_MARS_SPECIAL[person], span, median, keys)
    else:
        length = _lengths(settings, keys)
    everyone = np.full(count, person)
    return everyone, camera, number, length, np.zeros(count, dtype=bool), "special"


def _pairs(raw: Ints, settings: Settings) -> tuple[Ints, Ints]:
    """(index into raw, camera) of everyone, each seen by a few cameras."""
    low, high = (min(n, settings.cameras) for n in settings.counts.seen_by)
    low = max(low, 2)
    span = uniform("cameras", settings.world, raw, low=low, high=max(low, high) + 1)
    return _first_cameras(raw, span.astype(np.int64), settings)


def _mars_pairs(raw: Ints, settings: Settings, group: str) -> tuple[Ints, Ints]:
    """MARS's: 8 test and 6 training people in one camera only, the others in 2 to 6."""
    alone, pairs = (6, 1955) if group == "train" else (8, 1988)
    order = np.argsort(uniform("alone", settings.world, raw), kind="stable")
    count = np.full(len(raw), 1, dtype=np.int64)
    rest = order[alone:]
    extra = pairs - alone - 2 * len(rest)
    count[rest] = 2 + _deal(extra, len(rest), settings.cameras - 2, "more", settings.world, rest)
    return _first_cameras(raw, count, settings)


def _first_cameras(raw: Ints, count: Ints, settings: Settings) -> tuple[Ints, Ints]:
    """`count` cameras for each person, popular cameras more often, ascending."""
    cameras = np.arange(settings.cameras)
    appeal = np.asarray(_MARS_CAMERAS if settings.cameras == 6 else np.ones(settings.cameras))
    turn = uniform("camera", settings.world, raw[:, None], cameras) / appeal
    place = np.argsort(np.argsort(turn, axis=1, kind="stable"), axis=1, kind="stable")
    who, camera = np.nonzero(place < count[:, None])
    return who, camera


def _deal(total: int, hands: int, most: int, *keys: object) -> Ints:
    """`total` cards dealt to `hands`, none gets more than `most`; the luck of a hand is its own."""
    luck = uniform("luck", *keys) ** 2 + 0.05  # type: ignore[arg-type]
    turn = uniform("deal", *(k[:, None] if isinstance(k, np.ndarray) else k for k in keys),
                   np.arange(most)) / luck[:, None]  # type: ignore[arg-type]  # fmt: skip
    lucky = np.argsort(turn, axis=None, kind="stable")[:total]
    return np.bincount(lucky // most, minlength=hands)


def _counting(sorted_keys: Ints) -> Ints:
    """0, 1, 2, ... within each run of equal keys."""
    starts = np.flatnonzero(np.diff(sorted_keys, prepend=sorted_keys[:1] - 1))
    sizes = np.diff(np.append(starts, len(sorted_keys)))
    return np.arange(len(sorted_keys)) - np.repeat(starts, sizes)


def _lengths(settings: Settings, keys: tuple) -> Ints:
    low, high = settings.counts.frames
    return uniform(*keys, low=low, high=high + 1).astype(np.int64)


def _mars_lengths(count: int, total: int, span: tuple[int, int], median: int, keys: tuple) -> Ints:
    """Heavy-tailed lengths within `span`, with this median and exactly this many frames in all."""
    luck = uniform(*keys)
    drawn = np.clip(median * np.sqrt(luck / (1.0 - luck)), *span)
    # Stretch what lies above the median until the total is met, then settle the rest one by one.
    low, high = 0.25, 4.0
    for _ in range(40):
        factor = (low + high) / 2
        length = np.where(drawn > median, median + (drawn - median) * factor, drawn)
        length = np.clip(length, *span).astype(np.int64)
        low, high = (factor, high) if length.sum() < total else (low, factor)
    missing = total - int(length.sum())
    room = np.flatnonzero((length > span[0] + 1) & (length < span[1] - 1))
    turn = room[np.argsort(luck[room], kind="stable")]
    for start in range(0, abs(missing), max(len(turn), 1)):
        length[turn[: abs(missing) - start]] += 1 if missing > 0 else -1
    return length
