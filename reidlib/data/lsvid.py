"""LS-VID: tracklet_{train,val,test}/<person>/<track>_<frame>_<camera>_<...>.jpg and its lists.

list_seq_{train,val,test}.txt give one tracklet a line, "<path prefix> <identity>"; info_val.mat and
info_test.mat give first row, last row, identity and camera (from 1) of the same tracklets, and
the queries among them (from 1). The lists are not public, so what is said here of names follows
public loaders; a copy that disagrees is refused with the line. Identity 0 is a person like others,
and there is no junk.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from reidlib.data import reading
from reidlib.data.matlab import read_integers
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

LIST_PLACES = ("list_sequence", "info/list_sequence")
TABLE_PLACES = ("test/data", "info/data", "info")
PROTOCOLS = {
    "queries_removed": "gallery without the queries, as in SINet's code",
    "queries_kept": "whole test list as gallery, as in the official script",
}
EXPECTED: reading.Expected = {
    "train": {"identities": 842, "tracklets": 2831, "cameras": 15},
    "val": {
        "identities": 200,
        "tracklets": 779,
        "images": 155191,
        "cameras": 15,
        "shortest": 60,
        "median": 171,
        "longest": 901,
    },
    "val query": {"tracklets": 252},
    "val gallery": {"tracklets": 527},
    "test": {
        "identities": 2730,
        "tracklets": 11333,
        "images": 2277075,
        "cameras": 15,
        "shortest": 60,
        "median": 172,
        "longest": 2533,
    },
    "test query": {
        "identities": 2730,
        "tracklets": 3504,
        "images": 691980,
        "cameras": 15,
        "shortest": 60,
        "median": 171,
        "longest": 1678,
    },
    "test gallery": {
        "identities": 2730,
        "tracklets": 7829,
        "images": 1585095,
        "cameras": 15,
        "shortest": 60,
        "median": 174,
        "longest": 2533,
    },
}


class Missing(ReidError):
    """A list or table that is not there."""


@dataclass(frozen=True)
class Part:
    """What the files say about train, val or test."""

    tracklets: tuple[Tracklet, ...]
    queries: frozenset[int]  # rows
    short: tuple[tuple[str, int, int], ...]  # path prefix, images promised, images found
    odd: tuple[str, ...]  # where the table disagrees with lists and names

    @property
    def missing(self) -> int:
        """Images that are promised and not there."""
        return sum(max(0, promised - found) for _, promised, found in self.short)

    def query(self) -> tuple[Tracklet, ...]:
        return tuple(t for t in self.tracklets if t.row in self.queries)

    def gallery(self) -> tuple[Tracklet, ...]:
        return tuple(t for t in self.tracklets if t.row not in self.queries)


def load(
    root: str | Path,
    *,
    protocol: Literal["queries_removed", "queries_kept"] = "queries_removed",
    subset: Literal["test", "val"] = "test",
    size: tuple[int, int] = (256, 128),
    strict: bool = True,
    check_files: bool = True,
    expect: reading.Expected | None = EXPECTED,
) -> TrackletDataset:
    """The training set, and queries and gallery of the test or validation set.

    protocol: which gallery, see PROTOCOLS: 7,829 or 11,333 tracklets at test.
    strict: refuse missing images, and tables that disagree with the lists or the names.
    check_files: count the images of each tracklet against the table.
    expect: the counts to insist on; None for a part of the set.
    """
    if protocol not in PROTOCOLS:
        raise ReidError(f"no LS-VID protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    if subset not in ("test", "val"):
        raise ReidError(f"subset is 'test' or 'val', not {subset!r}")
    base = find_base(Path(root))
    parts = {name: read_part(base, name, check_files=check_files) for name in ("train", subset)}
    if strict:
        for part in parts.values():
            _refuse(part, base)
    if expect is not None:
        found = subsets(parts)
        wanted = {name: counts for name, counts in expect.items() if name in found}
        reading.check_counts(found, wanted, base, "lsvid")
    tested = parts[subset]
    query = tested.query()
    gallery = tested.gallery() if protocol == "queries_removed" else tested.tracklets
    missing = sum(part.missing for part in parts.values())
    return reading.assemble(
        "lsvid",
        base,
        size,
        f"LS-VID {subset}, {len(query):,} queries, {len(gallery):,} in {PROTOCOLS[protocol]}"
        + (f"; {missing} frames missing" if missing else ""),
        parts["train"].tracklets,
        query,
        gallery,
        settings={"protocol": protocol, "subset": subset, "missing_frames": missing},
    )


def find_base(root: Path) -> Path:
    return reading.find_base(root, "LS-VID", "tracklet_train", "lsvid")


def subsets(parts: Mapping[str, Part]) -> dict[str, tuple[Tracklet, ...]]:
    """What the published counts are about."""
    found = {}
    for name, part in parts.items():
        found[name] = part.tracklets
        if name != "train":
            found[f"{name} query"], found[f"{name} gallery"] = part.query(), part.gallery()
    return found


def read_part(base: Path, name: str, *, check_files: bool = True) -> Part:
    """The tracklets of "train", "val" or "test". Rows count over train, test, val."""
    before = {"train": (), "test": ("train",), "val": ("train", "test")}[name]
    offset = sum(len(_read_list(base, earlier)) for earlier in before)
    lines = _read_list(base, name)
    table, queries = _read_table(base, name, len(lines)) if name != "train" else (None, ())
    folders: dict[str, list[str]] = {}
    tracklets, short, odd = [], [], []
    for i, (prefix, pid) in enumerate(lines):
        images = _matching(base, prefix, folders)
        promised = len(images) or 1  # where no table counts them
        if images:
            camera = _camera(base, images)
            tracklets.append(Tracklet(offset + i, images, pid, camera - 1, pid, camera))
        if table is not None:
            first, last, *said = table[i].tolist()
            promised = last - first + 1 if check_files else promised
            if images and said != [pid, camera]:
                odd.append(
                    f"{prefix} is identity {pid}, camera {camera} by list and names, and "
                    f"{said[0]}, {said[1]} by row {i + 1} of info_{name}.mat"
                )
        if promised != len(images):
            short.append((prefix, promised, len(images)))
    rows = frozenset(offset + int(query) for query in queries)
    return Part(tuple(tracklets), rows, tuple(short), tuple(odd))


def _refuse(part: Part, base: Path) -> None:
    if part.odd:
        raise ReidError(
            f"{base}: {part.odd[0]}; take all tables from one copy, or load with strict=False"
        )
    if part.short:
        prefix, promised, found = part.short[0]
        raise ReidError(
            f"{base / prefix}_*: {found} images where {promised} are promised, and {part.missing} "
            f"missing in all; unpack {prefix.split('/')[0]} again, or load with strict=False"
        )


def _read_list(base: Path, name: str) -> list[tuple[str, int]]:
    """Path prefix and identity of each line."""
    path = find_file(base, LIST_PLACES, f"list_seq_{name}.txt")
    lines = []
    for number, line in enumerate(
        path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
    ):
        prefix, _, pid = line.strip().replace("\\", "/").rpartition(" ")
        place = PurePosixPath(prefix.strip())
        if not pid.isdigit() or len(place.parts) < 2 or ".." in place.parts or place.is_absolute():
            raise ReidError(
                f"{path}, line {number}: {line!r} is not a path inside the data set and an identity"
            )
        lines.append((place.as_posix(), int(pid)))
    return lines


def _read_table(base: Path, name: str, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, 4) and queries (q,), the latter from 0. info_val.mat calls its table info_test."""
    path = find_file(base, TABLE_PLACES, f"info_{name}.mat")
    table = read_integers(path, "info_test", columns=4)
    queries = read_integers(path, "query") - 1
    if len(table) != lines:
        raise ReidError(f"{path} has {len(table)} rows, list_seq_{name}.txt {lines} lines")
    if len(set(queries.tolist())) < len(queries) or not ((queries >= 0) & (queries < lines)).all():
        raise ReidError(f"{path}: the queries are not different rows 1 to {lines}")
    return table, queries


def find_file(base: Path, places: Sequence[str], name: str) -> Path:
    """The file in the first of the folders that has it."""
    for place in places:
        if (base / place / name).is_file():
            return base / place / name
    raise Missing(
        f"{name} is missing from {base} (looked in {', '.join(places)}); it comes with the data "
        "set from its authors"
    )


def _matching(base: Path, prefix: str, folders: dict[str, list[str]]) -> tuple[str, ...]:
    """The images `<prefix>_*` by frame number; `<prefix>*` would swallow track 12 by track 1."""
    folder, _, start = prefix.rpartition("/")
    if folder not in folders:
        there = (base / folder).is_dir()
        folders[folder] = reading.list_images(base / folder) if there else []
    names, start = folders[folder], start.rstrip("_") + "_"
    low = bisect_left(names, start)
    high = bisect_left(names, True, low, key=lambda name: not name.startswith(start))
    return tuple(f"{folder}/{name}" for name in sorted(names[low:high], key=_frame_number))


def _frame_number(name: str) -> tuple[int, str]:
    """The second field; a public loader reads it so."""
    number = _fields(name)[1]
    return (int(number) if number.isdigit() else 0, name)


def _fields(name: str) -> list[str]:
    fields = PurePosixPath(name).stem.split("_")
    if len(fields) != 4 or not fields[2].isdigit():
        raise ReidError(f"{name} is not named <track>_<frame>_<camera>_<...>.jpg")
    return fields


def _camera(base: Path, images: Sequence[str]) -> int:
    cameras = {int(_fields(image)[2]) for image in images}
    if len(cameras) > 1 or min(cameras) < 1:
        raise ReidError(f"{base / images[0]}: its tracklet has the cameras {sorted(cameras)}")
    return cameras.pop()
