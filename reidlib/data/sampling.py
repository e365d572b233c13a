"""Which tracklets make a batch and which frames make a clip, by the names that recipes use.

Identity batches hold P identities times K tracklets. Three public readings of "one epoch" exist and
differ in the number of updates, so each has a name (see `PKSampler`). Frame rules are functions of
the tracklet's length n and the clip's length t; those for training also take a generator, those for
testing are exact. Everything random is counted, not streamed: a draw depends on (seed, what it is
for, step, slot) and on nothing that was drawn before, so any step can be made alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from threading import Lock
from typing import Literal

import numpy as np

from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError

EPOCHS, FRAMES, AUGMENT = 1, 2, 3  # what a draw is for


def generator(
    seed: int, purpose: int, place: int, slot: int = 0, frame: int = 0
) -> np.random.Generator:
    """A generator of its own for these five; no two of them share a number."""
    if not 0 <= seed < 2**64:
        raise ReidError(f"a seed is a whole number from 0 to 2**64 - 1, not {seed}")
    # Unsigned by hand: numpy would make floats of a list with a seed beyond 2**63, and merge seeds.
    key = np.array([seed, purpose], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, frame, place, slot]))


# --- identity batches -----------------------------------------------------------------------------


class PKSampler:
    """Batches of P identities times K tracklets, as positions in `items`; K neighbours share one.

    K tracklets are drawn without replacement where the identity has K, else with replacement. The
    last, incomplete batch of an epoch is dropped. Modes:
      one_pass: each identity once an epoch.
      chunked_shuffle: each identity's tracklets are shuffled and cut into groups of K, left-overs
        dropped; all groups are shuffled. A batch can hold two groups of one identity.
      chunked_distinct: the same groups, but each batch draws P different identities among those
        that have groups left; the epoch ends when fewer than P have.

    The batch of a step depends on (seed, step) alone: `batch(step)` starts anywhere, and epochs
    follow one another.

    Args:
        items: training tracklets; only `pid` and `camid` are read.
        balance_cameras: spread each K over as many cameras as the identity has.
    Raises:
        ReidError: fewer identities (or groups) than P.
    """

    def __init__(
        self,
        items: Sequence[Tracklet],
        identities: int = 8,
        clips: int = 4,
        mode: Literal["one_pass", "chunked_shuffle", "chunked_distinct"] = "one_pass",
        seed: int = 0,
        *,
        balance_cameras: bool = False,
    ) -> None:
        if mode not in ("one_pass", "chunked_shuffle", "chunked_distinct"):
            raise ReidError(
                f"no sampler mode {mode!r}; there are one_pass, chunked_shuffle, chunked_distinct"
            )
        self.identities, self.clips, self.mode, self.seed = identities, clips, mode, seed
        self.camids = np.array([item.camid for item in items]) if balance_cameras else None
        pids = np.array([item.pid for item in items], dtype=np.int64)
        self.members = [np.flatnonzero(pids == pid) for pid in np.unique(pids)]
        self.batches = lru_cache(maxsize=2)(self._batches)
        self._lock = Lock()
        self._starts = [0]  # first step of each epoch, as far as it is known
        if not len(self):
            raise ReidError(
                f"{len(self.members)} training identities do not fill one batch of {identities} "
                f"identities times {clips} tracklets: ask for fewer identities"
            )

    def __len__(self) -> int:
        """Batches in an epoch. Exact; in `chunked_distinct`, whose epochs differ, in epoch 0."""
        return len(self.batches(0))

    def batch(self, step: int) -> np.ndarray:
        """(P * K,) positions, identity by identity, of batch `step`, counted over all epochs."""
        if self.mode != "chunked_distinct":
            epoch, number = divmod(step, len(self))
            return self.batches(epoch)[number]
        with self._lock:  # several threads may ask for batches at once
            while self._starts[-1] <= step:
                self._starts.append(self._starts[-1] + len(self.batches(len(self._starts) - 1)))
        epoch = int(np.searchsorted(self._starts, step, side="right")) - 1
        return self.batches(epoch)[step - self._starts[epoch]]

    def _batches(self, epoch: int) -> np.ndarray:
        """(batches, P * K) positions of one epoch."""
        rng = generator(self.seed, EPOCHS, epoch)
        groups = [self._groups(rng, member) for member in self.members]
        if self.mode == "chunked_distinct":
            chosen = self._distinct(rng, groups)
        else:
            last = 1 if self.mode == "one_pass" else None
            pool = [group for own in groups for group in own[:last]]
            chosen = [pool[i] for i in rng.permutation(len(pool))]
        number = len(chosen) // self.identities
        flat = np.array(chosen[: number * self.identities], dtype=np.int64)
        return flat.reshape(number, self.identities * self.clips)

    def _groups(self, rng: np.random.Generator, member: np.ndarray) -> list[np.ndarray]:
        """One identity's tracklets, shuffled and cut into groups of K."""
        k = self.clips
        if len(member) < k:
            return [rng.choice(member, k, replace=True)]
        order = rng.permutation(member)
        if self.camids is not None:  # first the first of every camera, then the second, ...
            seen: Counter[int] = Counter()
            turns = []
            for camid in self.camids[order].tolist():
                turns.append(seen[camid])
                seen[camid] += 1
            order = order[np.argsort(turns, kind="stable")]
        return [order[i : i + k] for i in range(0, len(order) - k + 1, k)]

    def _distinct(
        self, rng: np.random.Generator, groups: list[list[np.ndarray]]
    ) -> list[np.ndarray]:
        """Groups in an order in which every P neighbours are P identities."""
        chosen = []
        left = [own[::-1] for own in groups]
        while len(able := [own for own in left if own]) >= self.identities:
            for i in rng.choice(len(able), self.identities, replace=False):
                chosen.append(able[i].pop())
        return chosen


@dataclass(frozen=True, slots=True)
class Piece(Tracklet):
    """A stretch of a longer tracklet; `start` is its first frame within the whole."""

    start: int = 0


def chop(tracklets: Sequence[Tracklet], length: int) -> tuple[Tracklet, ...]:
    """Tracklets of at least 2 `length` frames in pieces of `length`; the last takes the rest."""
    pieces: list[Tracklet] = []
    for tracklet in tracklets:
        values = {f.name: getattr(tracklet, f.name) for f in fields(Tracklet)}
        cuts = [i * length for i in range(max(1, len(tracklet) // length))]
        for start, stop in zip(cuts, [*cuts[1:], len(tracklet)]):
            if len(cuts) == 1:
                pieces.append(tracklet)
                continue
            values["frames"] = tracklet.frames[start:stop]
            pieces.append(Piece(**values, start=start + getattr(tracklet, "start", 0)))
    return tuple(pieces)


# --- frames of a clip, training: (n, t, rng) -> (t,) ascending, unless it says otherwise ------


def sparse(n: int, t: int, rng: np.random.Generator) -> np.ndarray:
    """One frame of each of t segments of floor(n / t) frames; the last one runs to the end."""
    segment = max(n, t) // t
    starts = np.arange(t) * segment
    return np.minimum(rng.integers(starts, np.append(starts[1:], max(n, t))), n - 1)


def sparse_even(n: int, t: int, rng: np.random.Generator) -> np.ndarray:
    """One frame of each of t segments with bounds floor(i n / t): no segment is much longer."""
    bounds = np.arange(t + 1) * max(n, t) // t
    return np.minimum(rng.integers(bounds[:-1], bounds[1:]), n - 1)


def random(n: int, t: int, rng: np.random.Generator) -> np.ndarray:
    """t different frames (repeated where n < t), in their order."""
    return np.sort(rng.choice(n, t, replace=n < t))


def random_as_drawn(n: int, t: int, rng: np.random.Generator) -> np.ndarray:
    """The frames of `random` in the order in which chance drew them (RGSA+RGTR does not say)."""
    return rng.choice(n, t, replace=n < t)


def contiguous(n: int, t: int, rng: np.random.Generator) -> np.ndarray:
    """A window of t neighbours, every start equally likely; a short tracklet starts again."""
    return (rng.integers(max(n - t, 0) + 1) + np.arange(t)) % n


def strided(n: int, t: int, rng: np.random.Generator, stride: int = 8) -> np.ndarray:
    """t frames `stride` apart where the tracklet has t * stride, else as `random`."""
    if n < t * stride:
        return random(n, t, rng)
    return rng.integers(n - (t - 1) * stride) + np.arange(t) * stride


# --- clips of a tracklet, testing: (n, t, stride, tail) -> (k, t) ---------------------------------
# Only `overlap` reads stride and tail; one signature lets a protocol name any rule.


def sparse_first_of_segment(
    n: int, t: int, stride: int | None = None, tail: str = "cover"
) -> np.ndarray:
    """One clip: the first frame of each segment of `sparse`."""
    return np.minimum(np.arange(t) * (max(n, t) // t), n - 1)[None]


def sparse_even_first_of_segment(
    n: int, t: int, stride: int | None = None, tail: str = "cover"
) -> np.ndarray:
    """One clip: the first frame of each segment of `sparse_even`, spread over all of n frames."""
    return (np.arange(t) * n // t)[None]


def evenly(n: int, t: int, stride: int | None = None, tail: str = "cover") -> np.ndarray:
    """One clip: t equal steps through the largest multiple of t; those are the segments' firsts."""
    return sparse_first_of_segment(n, t)


def all_frames_strided(
    n: int, t: int, stride: int | None = None, tail: str = "cover"
) -> np.ndarray:
    """Every frame, in k clips that each span the tracklet: clip m takes m, m + k, m + 2k, ...

    The tracklet is first filled to k t frames from its end backwards (round and round where it is
    short), and the repeats stand beside their originals.
    """
    k = -(-n // t)
    again = (n - 1 - np.arange(k * t - n)) % n
    return np.sort(np.concatenate([np.arange(n), again])).reshape(t, k).T


def consecutive_cyclic_tail(
    n: int, t: int, stride: int | None = None, tail: str = "cover"
) -> np.ndarray:
    """Every frame, in clips of neighbours; the last, short one repeats its own frames in turn."""
    clips = np.arange(-(-n // t) * t).reshape(-1, t)
    first = clips[-1, 0]
    clips[-1] = first + np.arange(t) % (n - first)
    return clips


def overlap(n: int, t: int, stride: int | None = None, tail: str = "cover") -> np.ndarray:
    """Windows of t neighbours every `stride` frames (half a window where it is None).

    tail: "cover" adds a window flush with the end where frames are left over, "drop" does not.
    A tracklet shorter than t gives one window that starts again.
    """
    if tail not in ("cover", "drop"):
        raise ValueError(f"tail is cover or drop, not {tail!r}")
    if n < t:
        return (np.arange(t) % n)[None]
    starts = np.arange(0, n - t + 1, stride or max(1, t // 2))
    if tail == "cover" and starts[-1] + t < n:
        starts = np.append(starts, n - t)
    return starts[:, None] + np.arange(t)


def consecutive_pieces(n: int, t: int = 32) -> list[np.ndarray]:
    """Neighbours in pieces of t, the last one short: features are averaged over *frames*.

    AP3D's test. Not one of `TEST_RULES`, since its pieces differ in length.
    """
    return [np.arange(i, min(i + t, n)) for i in range(0, n, t)]


TRAIN_RULES: dict[str, Callable[[int, int, np.random.Generator], np.ndarray]] = {
    "sparse": sparse,
    "sparse_even": sparse_even,
    "random": random,
    "random_as_drawn": random_as_drawn,
    "contiguous": contiguous,
    "strided": strided,
}
TEST_RULES: dict[str, Callable[[int, int, int | None, str], np.ndarray]] = {
    "sparse_first_of_segment": sparse_first_of_segment,
    "sparse_even_first_of_segment": sparse_even_first_of_segment,
    "all_frames_strided": all_frames_strided,
    "consecutive_cyclic_tail": consecutive_cyclic_tail,
    "overlap": overlap,
    "evenly": evenly,
}
