"""Ten ways to halve the people of iLIDS-VID and PRID-2011: from a file, or drawn by a rule.

Averages over "the ten splits" compare only when the splits are the same, so whoever reads them is
told where they come from, with the SHA-256 of the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reidlib.data.matlab import read_integers
from reidlib.errors import ReidError

COUNT = 10


@dataclass(frozen=True)
class Split:
    """Names of person folders, sorted."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Splits:
    """The halvings of one file or one seed, and what to say about them."""

    origin: str  # one word for `split_id`: "official", "file-1a2b3c4d-swapped", "seed-0"
    label: str  # for the protocol
    all: tuple[Split, ...]
    sha256: str = ""  # of the file, if there is one
    seed: int | None = None  # otherwise

    def pick(self, number: int) -> Split:
        if not 0 <= number < len(self.all):
            raise ReidError(f"there is no split {number}; they are 0 to {len(self.all) - 1}")
        return self.all[number]


def seeded(people: Sequence[str], seed: int) -> Splits:
    """Splits that any program can draw again.

    Split k orders the names by the SHA-256 of the text "seed/k/name"; the first half tests.
    """

    def order(k: int) -> list[str]:
        return sorted(people, key=lambda name: _sha256_of(f"{seed}/{k}/{name}"))

    half = len(people) // 2
    drawn = tuple(_split(names[half:], names[:half]) for names in map(order, range(COUNT)))
    return Splits(f"seed-{seed}", f"drawn with seed {seed}, not official", drawn, seed=seed)


def from_rows(
    path: Path, people: Sequence[str], known: Mapping[str, str], *, first_half: str = "test"
) -> Splits:
    """MATLAB's `ls_set`: ten permutations of 1..n over the *sorted* person folders.

    known: `fingerprint` of splits in circulation -> what to call them.
    first_half: "test" (the reading of the data set's keepers), or "train" (the Snippet code's).
    """
    if first_half not in ("test", "train"):
        raise ReidError(f"first_half is 'test' or 'train', not {first_half!r}")
    names, n = sorted(people), len(people)
    splits = []
    for k, row in enumerate(read_integers(path, "ls_set", columns=n)):
        if not np.array_equal(np.sort(row), np.arange(1, n + 1)):
            raise ReidError(f"{path}: row {k + 1} of ls_set is not a permutation of 1..{n}")
        order = [names[i - 1] for i in row]
        splits.append(_split(order[n // 2 :], order[: n // 2]))
    _check(path, splits, set(names))
    name, digest = known.get(fingerprint(splits)), _sha256(path)
    origin = "official" if name else f"file-{digest[:8]}"
    if first_half == "train":
        splits, origin = [Split(split.test, split.train) for split in splits], f"{origin}-swapped"
    told = name or "unlike those in circulation"
    label = f"{path.name} ({told}), first half of a row is {first_half}"
    return Splits(origin, label, tuple(splits), digest)


def from_json(path: Path, people: Sequence[str], known: Mapping[str, str]) -> Splits:
    """A list of ten {"train": [...], "test": [...]} with names of person folders.

    people: the names that may occur, those whose two cameras show the same person.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        splits = tuple(_split(entry["train"], entry["test"]) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReidError(
            f"{path} is not a list of train and test lists ({error!r}); fetch it again"
        ) from error
    _check(path, splits, set(people))
    digest = _sha256(path)
    name = known.get(fingerprint(splits), "unlike those in circulation")
    return Splits(f"file-{digest[:8]}", f"{path.name} ({name})", splits, digest)


def fingerprint(splits: Sequence[Split]) -> str:
    """Tells sets of splits apart by what they say, however the file is written."""
    return _sha256_of("\n".join(" ".join(split.test) for split in splits))[:16]


def _sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _split(train: Sequence[str], test: Sequence[str]) -> Split:
    return Split(tuple(sorted(train)), tuple(sorted(test)))


def _check(path: Path, splits: Sequence[Split], allowed: set[str]) -> None:
    """Ten splits that each halve the same people, all of whom are there in both cameras."""
    if len(splits) != COUNT:
        raise ReidError(f"{path} holds {len(splits)} splits, expected {COUNT}; fetch it again")
    everyone = set(splits[0].train + splits[0].test)
    for k, (train, test) in enumerate((split.train, split.test) for split in splits):
        union = set(train + test)
        if len(union) != len(train) + len(test):
            raise ReidError(f"{path}: split {k} names somebody twice, so it is not a partition")
        if len(train) != len(test):
            raise ReidError(
                f"{path}: split {k} is not two halves, {len(train)} train and {len(test)} test"
            )
        if union != everyone:
            raise ReidError(f"{path}: split {k} is about other people than split 0")
        if not union <= allowed:
            raise ReidError(
                f"{path}: split {k} names {min(union - allowed)}, who is not there in both cameras"
            )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
