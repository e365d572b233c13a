"""MARS: bbox_train/, bbox_test/ and the tables in info/; also what is written in its layout.

A frame is <folder>/<person>/PPPPCcTttttFfff.jpg: person, camera (from 1), tracklet of the person,
frame. info/train_name.txt and info/test_name.txt list the names; tracks_train_info.mat and
tracks_test_info.mat give each tracklet's first and last line (from 1), person and camera;
query_IDX.mat gives the queries as rows (from 1) of the test table. Person `00-1` is junk (-1),
person `0000` distractors (0).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from reidlib.data import reading
from reidlib.data.matlab import read_integers
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

NAME = re.compile(r"(?:\d{4}|00-1)C[1-9]T\d{4}F\d{3}\.jpg")
JUNK, DISTRACTOR = -1, 0
Protocol = Literal["queries_kept", "queries_removed", "whole_list"]
PROTOCOLS: dict[Protocol, str] = {
    "queries_kept": "gallery B: junk removed, queries kept",
    "queries_removed": "gallery A: junk and queries removed",
    "whole_list": "gallery C: the whole test list, junk skipped while ranking",
}


def _counts(
    identities: int, tracklets: int, images: int, shortest: int, median: int, longest: int
) -> dict[str, int]:
    lengths = {"shortest": shortest, "median": median, "longest": longest}
    return dict(identities=identities, tracklets=tracklets, images=images, cameras=6, **lengths)


EXPECTED: reading.Expected = {
    "train": _counts(625, 8298, 509914, 5, 36, 900)
    | {"tracklets per camera": (1816, 1957, 1321, 750, 1880, 574)},
    "query": _counts(626, 1980, 114493, 2, 35, 880)
    | {"tracklets per camera": (524, 456, 319, 191, 384, 106)},
    "junk": _counts(1, 870, 23380, 6, 18, 226),
    "distractors": _counts(1, 3248, 147743, 6, 29, 734),
    "queries_removed": _counts(621, 9330, 543216, 3, 33, 920)
    | {"tracklets per camera": (1637, 3120, 1162, 734, 1711, 966)},
    "queries_kept": _counts(635, 11310, 657709, 2, 33, 920),
    "whole_list": _counts(636, 12180, 681089, 2, 30, 920),
}


@dataclass(frozen=True)
class Tables:
    """MARS by its tables alone. Rows count over the training list, then the test list."""

    root: Path
    train: tuple[Tracklet, ...]  # not yet relabelled
    test: tuple[Tracklet, ...]  # the whole list
    query: tuple[Tracklet, ...]  # tracklets of `test`

    def subsets(self) -> dict[str, Sequence[Tracklet]]:
        """What the counts are about: a gallery by the name of its protocol, and the rest."""
        queries = {t.row for t in self.query}
        kept = [t for t in self.test if t.pid != JUNK]
        return {
            "train": self.train,
            "query": self.query,
            "junk": [t for t in self.test if t.pid == JUNK],
            "distractors": [t for t in self.test if t.pid == DISTRACTOR],
            "queries_kept": kept,
            "queries_removed": [t for t in kept if t.row not in queries],
            "whole_list": self.test,
        }


def load(
    root: str | Path,
    *,
    protocol: Protocol = "queries_kept",
    size: tuple[int, int] = (256, 128),
    check_files: bool = True,
    expect: reading.Expected | Literal["mars"] | None = "mars",
) -> TrackletDataset:
    """Train, query and gallery. Nothing is decoded.

    protocol: which gallery, see PROTOCOLS. With "queries_removed", 140 of MARS's 1,980 queries
        have no true match left.
    size: (height, width) of the frames.
    check_files: look for every listed file.
    expect: the counts to insist on, "mars" for those of MARS itself; None, or a table like
        EXPECTED, for other data in its layout. Such data is called "mars-layout".
    """
    if protocol not in PROTOCOLS:
        raise ReidError(f"no MARS protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    tables = read_tables(root)
    subsets = tables.subsets()
    expected = EXPECTED if expect == "mars" else expect
    if expected is not None:
        reading.check_counts(subsets, expected, tables.root, "mars")
    if check_files:
        find_files(tables)
    query, gallery = tables.query, subsets[protocol]
    dataset = reading.assemble(
        "mars" if expected is EXPECTED else "mars-layout",
        tables.root,
        size,
        f"{len(query):,} queries, {len(gallery):,} in {PROTOCOLS[protocol]}",
        tables.train,
        query,
        gallery,
        settings={"protocol": protocol},
    )
    return replace(dataset, junk_pids=(JUNK,))


def read_tables(root: str | Path) -> Tables:
    """The tables of info/, checked against one another; no image is needed.

    Raises:
        ReidError: a missing or unreadable table; a name that is not MARS's; rows that do not tile
            the name list; a tracklet of two people or cameras; a query outside the test table;
            a person in both halves; the repackaged MARS.
    """
    refuse_repackaged(Path(root))
    base = reading.find_base(Path(root), "MARS", "info", "mars")
    train = _read(base, "train", 0)
    test = _read(base, "test", len(train))
    path = base / "info" / "query_IDX.mat"
    rows = read_integers(path, "query_IDX") - 1
    if not len(rows) or rows.min() < 0 or rows.max() >= len(test) or len(set(rows)) < len(rows):
        raise ReidError(
            f"{path}: the queries are not different rows 1 to {len(test)} of tracks_test_info.mat; "
            "take all tables from one copy of MARS"
        )
    query = tuple(test[row] for row in rows)
    for t in query:
        if t.pid in (JUNK, DISTRACTOR):
            raise ReidError(f"{path}: row {t.row - len(train) + 1} is no person; fetch it again")
    shared = {t.pid for t in train} & {t.pid for t in test}
    if shared:
        raise ReidError(
            f"{base / 'info'}: identity {min(shared)} stands in train_name.txt and test_name.txt; "
            "take all tables from one copy of MARS"
        )
    return Tables(base, train, test, query)


def _read(base: Path, subset: str, row: int) -> tuple[Tracklet, ...]:
    """The tracklets of one half, `row` being the first one's number."""
    path = base / "info" / f"{subset}_name.txt"
    names = _read_names(path)
    table = base / "info" / f"tracks_{subset}_info.mat"
    tracks = read_integers(table, f"track_{subset}_info", columns=4)
    starts, ends, pids, cameras = tracks.T
    starts = starts - 1  # both ends were inclusive and counted from 1
    tiles = len(tracks) > 0 and starts[0] == 0 and ends[-1] == len(names)
    if not (tiles and (starts < ends).all() and (starts[1:] == ends[:-1]).all()):
        raise ReidError(
            f"{table}: its {len(tracks)} rows do not tile the {len(names)} lines of {path.name}; "
            "take both from one copy of MARS"
        )
    named_pids = np.array([JUNK if name[:4] == "00-1" else int(name[:4]) for name in names])
    named_cameras = np.array([int(name[5]) for name in names])
    track_of = np.repeat(np.arange(len(tracks)), ends - starts)
    wrong = np.flatnonzero((named_pids != pids[track_of]) | (named_cameras != cameras[track_of]))
    if len(wrong):
        line, track = wrong[0], track_of[wrong[0]]
        raise ReidError(
            f"{table}: row {track + 1} is identity {pids[track]}, camera {cameras[track]}, but "
            f"line {line + 1} of {path.name} is {names[line]}; take both from one copy of MARS"
        )
    folder = f"bbox_{subset}"
    files = [f"{folder}/{name[:4]}/{name}" for name in names]
    return tuple(
        Tracklet(row + i, tuple(sorted(files[start:end])), pid, camera - 1, pid, camera)
        for i, (start, end, pid, camera) in enumerate(
            zip(starts, ends, pids.tolist(), cameras.tolist())
        )
    )


def _read_names(path: Path) -> list[str]:
    """One name a line; the published lists end their lines in CR LF."""
    try:
        names = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        raise ReidError(f"{path} is missing; `reid doctor mars` says where to get it") from None
    except (OSError, ValueError) as error:
        raise ReidError(f"{path} cannot be read ({error}); fetch it again") from error
    wrong = next((i for i, name in enumerate(names) if not NAME.fullmatch(name)), None)
    if wrong is not None:
        raise ReidError(
            f"{path}: line {wrong + 1} is {names[wrong]!r}, not a name like 0065C1T0002F016.jpg"
        )
    return names


def find_files(tables: Tables) -> None:
    """Every listed file is where it should be, or a ReidError names the first that is not."""
    missing: list[Path] = []
    there: dict[Path, set[str]] = {}
    for tracklet in (*tables.train, *tables.test):
        folder = (tables.root / tracklet.frames[0]).parent
        if folder not in there:
            there[folder] = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
        missing += [folder / n for f in tracklet.frames if (n := f[-19:]) not in there[folder]]
    if missing:
        raise ReidError(
            f"{missing[0]} is missing, with {len(missing) - 1} others that the name lists hold; "
            f"unpack bbox_train and bbox_test again, or run `reid doctor mars {tables.root}`"
        )


def refuse_repackaged(root: Path) -> None:
    """Another MARS goes round, with a folder for each tracklet and people renumbered."""
    for half in ("bbox_train", "bbox_test", "train", "query", "gallery"):
        person = next((p for p in sorted(root.glob(f"{half}/[0-9]*")) if p.is_dir()), None)
        if person is not None and any(p.is_dir() for p in person.iterdir()):
            raise ReidError(
                f"{root} is the repackaged MARS (a folder for each tracklet, people 1 to 1634, 999 "
                "for junk, 1000 for distractors): its numbers fit no published table; get "
                "bbox_train.zip and bbox_test.zip from the authors of MARS, and info/ with them"
            )
