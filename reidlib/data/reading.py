"""What the readers of real data share: sorted listings, counts against the published ones."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from reidlib.data.tracklets import Tracklet, TrackletDataset, relabel
from reidlib.errors import ReidError, ReidWarning

IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
Subsets = Mapping[str, Sequence[Tracklet]]
Expected = Mapping[str, Mapping[str, Any]]  # subset -> quantity of `count` -> published value


@dataclass(frozen=True)
class Row:
    """One line of the table of counts."""

    subset: str
    quantity: str
    expected: Any
    found: Any

    @property
    def ok(self) -> bool:
        return bool(self.expected == self.found)

    def __str__(self) -> str:
        return f"{self.subset}: {self.found} {self.quantity}, expected {self.expected}"


def need_folder(path: Path, remedy: str) -> Path:
    if not path.is_dir():
        raise ReidError(f"{path} is not a folder; {remedy}")
    return path


def list_folders(path: Path) -> list[str]:
    """Names of the folders inside, sorted: the order of a directory differs between disks."""
    return sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def list_images(path: Path) -> list[str]:
    """Names of the images inside, sorted. What file managers leave behind is no image."""
    names = (p.name for p in path.iterdir())
    return sorted(n for n in names if n.lower().endswith(IMAGES) and not n.startswith("."))


def count(tracklets: Sequence[Tracklet]) -> dict[str, Any]:
    """The quantities that data sets publish about a subset."""
    lengths = [len(t) for t in tracklets]
    cameras = Counter(t.raw_camid for t in tracklets)
    return {
        "identities": len({t.raw_pid for t in tracklets}),
        "tracklets": len(tracklets),
        "images": sum(lengths),
        "cameras": len(cameras),
        "tracklets per camera": tuple(n for _, n in sorted(cameras.items())),
        "shortest": min(lengths, default=0),
        "median": median(lengths) if lengths else 0,
        "longest": max(lengths, default=0),
    }


def compare(subsets: Subsets, expected: Expected) -> list[Row]:
    """Every published figure beside the one found; a subset that is not there counts as empty."""
    rows = []
    for subset, quantities in expected.items():
        found = count(subsets.get(subset, ()))
        rows += [Row(subset, name, value, found[name]) for name, value in quantities.items()]
    return rows


def check_counts(
    subsets: Subsets, expected: Expected, root: Path, name: str, *, tolerated: Sequence[str] = ()
) -> None:
    """Refuse a copy that is not the whole set; a `tolerated` quantity that differs only warns."""
    wrong = [row for row in compare(subsets, expected) if not row.ok]
    refused = [str(row) for row in wrong if row.quantity not in tolerated]
    if refused:
        raise ReidError(
            f"{root} is not the published {name}: {refused[0]}"
            + (f" (and {len(refused) - 1} more differences)" if len(refused) > 1 else "")
            + f"; run `reid doctor {name} {root}`, or load with expect=None"
            + ", for a set of your own in its folders --data mars-layout" * (name == "mars")
        )
    for row in wrong:
        warnings.warn(f"{root}: {row}", ReidWarning, stacklevel=3)


def digest(subsets: Iterable[Sequence[Tracklet]]) -> str:
    """Twelve digits that change whenever a row of the tables does."""
    state = hashlib.sha256()
    for subset in subsets:
        for t in subset:
            state.update(f"{t.row} {t.raw_pid} {t.raw_camid} {'|'.join(t.frames)}\n".encode())
        state.update(b"\n")
    return state.hexdigest()[:12]


def find_base(root: Path, outer: str, marker: str, name: str) -> Path:
    """The folder that holds `marker`: root itself, or the data set's own folder inside it."""
    need_folder(root, f"give the folder of your copy of {name}")
    for base in (root / outer, root):
        if (base / marker).is_dir():
            return base
    raise ReidError(
        f"{root} holds neither {marker}/ nor {outer}/{marker}/; run `reid doctor {name} {root}`"
    )


def missing_frames(
    tracklets: Iterable[Tracklet], number: Callable[[str], int], first: int | None = None
) -> list[tuple[Tracklet, list[int]]]:
    """Tracklets with holes in their frame numbers, and the numbers that are not there.

    number: frame number of a file name. first: the number that every tracklet starts with, if so.
    """
    holes = []
    for tracklet in tracklets:
        there = {number(frame.rpartition("/")[2]) for frame in tracklet.frames}
        start = min(there, default=0) if first is None else first
        lost = sorted(set(range(start, max(there, default=-1) + 1)) - there)
        if lost:
            holes.append((tracklet, lost))
    return holes


def refuse_holes(holes: Sequence[tuple[Tracklet, list[int]]], base: Path, name: str) -> None:
    """A shorter clip than the published one would be read without a word: say it instead."""
    if holes:
        tracklet, lost = holes[0]
        raise ReidError(
            f"{base / tracklet.frames[0]}: its tracklet lacks frame {lost[0]}; "
            f"{sum(len(numbers) for _, numbers in holes)} frames are missing in {len(holes)} "
            f"tracklets; run `reid doctor {name} {base}`, or load with strict=False"
        )


def assemble(
    name: str,
    base: Path,
    size: tuple[int, int],
    protocol: str,
    train: Sequence[Tracklet],
    query: Sequence[Tracklet],
    gallery: Sequence[Tracklet],
    *,
    split_id: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> TrackletDataset:
    """A data set whose frames are files below `base`, decoded at `size` (h, w) when asked for."""
    from reidlib.data.frames import ImageFiles

    return TrackletDataset(
        name=name,
        version=digest((train, query, gallery)),
        protocol=protocol,
        train=relabel(train),
        query=tuple(query),
        gallery=tuple(gallery),
        frames=ImageFiles(base, size),
        split_id=split_id,
        settings={"size": size, **(settings or {})},
    )


def at_least(dataset: TrackletDataset, frames: int) -> TrackletDataset:
    """The same data set without tracklets shorter than `frames`, and a protocol that says so."""
    if not isinstance(frames, int) or frames < 1:
        raise ReidError(f"min_frames is a whole number from 1, not {frames!r}")

    def long(subset: Sequence[Tracklet]) -> tuple[Tracklet, ...]:
        return tuple(t for t in subset if len(t) >= frames)

    return replace(
        dataset,
        protocol=f"{dataset.protocol}; only tracklets of at least {frames} frames",
        train=relabel(long(dataset.train)),
        query=long(dataset.query),
        gallery=long(dataset.gallery),
        settings={**dataset.settings, "min_frames": frames},
    )
