"""iLIDS-VID: i-LIDS-VID/sequences/{cam1,cam2}/person<ddd>/cam<c>_person<ddd>_<fffff>.png.

300 people, each seen once by each camera; folder numbers run to 319 with gaps. The sibling folder
images/ holds single shots and is not read. The split file indexes the sorted person folders, not
the numbers in their names.
"""

from __future__ import annotations

import re
from pathlib import Path

from reidlib.data import pairs, reading, splits
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

CAMERAS = ("cam1", "cam2")
NAME = re.compile(r"(?P<camera>cam\d)_(?P<person>person\d+)_(?P<frame>\d+)\.\w+")
SPLIT_FILE = "train-test people splits/train_test_splits_ilidsvid.mat"
KNOWN = {"a780c276de1e00e8": "the ten published splits"}
# Papers say 23 to 192 frames and 73 on average; the files say 22 to 192 and 70.8.
EXPECTED: reading.Expected = {
    "cam1": {"identities": 300, "tracklets": 300, "images": 19701, "shortest": 22, "longest": 192},
    "cam2": {"identities": 300, "tracklets": 300, "images": 22758, "shortest": 23, "longest": 172},
    "both": {"identities": 300, "tracklets": 600, "images": 42459, "cameras": 2},
}


def load(
    root: str | Path,
    *,
    split: int = 0,
    split_file: str | Path | None = None,
    seed: int | None = None,
    first_half: str = "test",
    direction: str = "1to2",
    size: tuple[int, int] = (256, 128),
    strict: bool = True,
    check_files: bool = True,
    expect: reading.Expected | None = EXPECTED,
) -> TrackletDataset:
    """One of ten splits: 150 people train, 150 test, one true match a query. Nothing is decoded.

    split: 0 to 9. The splits are those of `split_file` (.mat or .json), or drawn with `seed`; with
        neither, the official file where it lies in the copy, else seed 0. `split_id` says which.
    first_half: what the first half of a row of the .mat does: "test", or "train" (Snippet code).
    direction: "1to2" asks with camera 1; "2to1"; "both", for the camera rule in `settings`.
    strict: refuse holes in the frame numbers. check_files: look for them at all.
    expect: the counts to insist on (frame counts only warn); None for a part of the set.
    """
    base = find_base(Path(root))
    subsets = survey(base, strict=strict)
    people = pairs.in_both(subsets["both"])
    if expect is not None:
        reading.check_counts(subsets, expect, base, "ilids", tolerated=pairs.FRAME_COUNTS)
    asked = {"first_half": first_half, **pairs.given(split_file)}
    if seed is None and split_file is None:
        split_file = find_split_file(base)
    return pairs.assemble(
        "ilids",
        "iLIDS-VID",
        base,
        subsets["both"],
        choose_splits(people, split_file, seed, first_half),
        split,
        direction,
        asked=asked,
        size=size,
        holes=reading.missing_frames(subsets["both"], frame_number) if check_files else [],
        strict=strict,
    )


def find_base(root: Path) -> Path:
    """The folder that holds sequences/."""
    base = reading.find_base(root, "i-LIDS-VID", "sequences", "ilids")
    for camera in CAMERAS:
        reading.need_folder(base / "sequences" / camera, f"run `reid doctor ilids {root}`")
    return base


def find_split_file(base: Path) -> Path | None:
    """The official splits, which lie beside or inside i-LIDS-VID/."""
    places = (base / SPLIT_FILE, base.parent / SPLIT_FILE)
    return next((place for place in places if place.is_file()), None)


def frame_number(name: str) -> int:
    return int(name.rpartition(".")[0].rpartition("_")[2])


def survey(base: Path, *, strict: bool = True) -> dict[str, tuple[Tracklet, ...]]:
    """The sequences of either camera and of both, from listings. Rows count over both."""
    folders = tuple(f"sequences/{camera}" for camera in CAMERAS)
    both = pairs.sequences(base, folders, NAME, strict=strict)
    cameras = {c: tuple(t for t in both if t.camid == i) for i, c in enumerate(CAMERAS)}
    return {**cameras, "both": both}


def choose_splits(
    people: list[str], file: str | Path | None, seed: int | None = None, first_half: str = "test"
) -> splits.Splits:
    """The splits of a file, or drawn with a seed."""
    if file is not None and seed is not None:
        raise ReidError("give split_file or seed, not both")
    if file is None:
        return splits.seeded(people, seed or 0)
    if Path(file).suffix == ".mat":
        return splits.from_rows(Path(file), people, KNOWN, first_half=first_half)
    return splits.from_json(Path(file), people, KNOWN)
