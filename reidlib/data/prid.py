"""PRID-2011: prid_2011/multi_shot/{cam_a,cam_b}/person_<dddd>/<ffff>.png.

385 people in A, 749 in B; only the numbers 0001 to 0200 are the same person in both, and only they
are used. Most papers take 178 of them, without saying how those were chosen: the rule they quote,
more than 21 frames, leaves 183 people. The 178 are a list, and stand here as one.
"""

from __future__ import annotations

import re
from pathlib import Path

from reidlib.data import pairs, reading, splits
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

CAMERAS = ("cam_a", "cam_b")
NAME = re.compile(r"(?P<frame>\d+)\.\w+")
SPLIT_FILE = "splits_prid2011.json"
KNOWN = {
    "960dcb76a86c154e": "the splits of torchreid's documentation",
    "a423b99224753f37": "the splits of Deep Association Learning",
}
# fmt: off
UNUSED = {
    6, 19, 31, 52, 57, 62, 71, 94, 106, 120, 136, 138, 139, 142, 145, 158, 159, 166, 183, 190,
    199, 200,
}
# fmt: on
PROTOCOLS = {
    178: tuple(n for n in range(1, 201) if n not in UNUSED),
    200: tuple(range(1, 201)),
}
EXPECTED: reading.Expected = {
    "cam_a": {"identities": 385, "tracklets": 385},
    "cam_b": {"identities": 749, "tracklets": 749},
    "cam_a, the 178": {"tracklets": 178, "images": 22434, "shortest": 31, "longest": 675},
    "cam_b, the 178": {"tracklets": 178, "images": 16032, "shortest": 28, "longest": 179},
}


def load(
    root: str | Path,
    *,
    people: int = 178,
    split: int = 0,
    split_file: str | Path | None = None,
    seed: int | None = None,
    direction: str = "1to2",
    size: tuple[int, int] = (256, 128),
    strict: bool = True,
    check_files: bool = True,
    expect: reading.Expected | None = EXPECTED,
) -> TrackletDataset:
    """One of ten splits: half of the people train, half test, one true match a query.

    people: 178 (usual) or 200 (early recurrent work).
    split: 0 to 9. The splits are those of `split_file` (.json), or drawn with `seed`; with neither,
        splits_prid2011.json where it lies in the copy and names so many people, else seed 0.
    direction: "1to2" asks with camera A; "2to1"; "both", for the camera rule in `settings`.
    strict: refuse holes in the frame numbers. check_files: look for them at all.
    expect: the counts to insist on (frame counts only warn); None for a part of the set.
    """
    if people not in PROTOCOLS:
        raise ReidError(f"PRID-2011 is tested on 178 or 200 people, not {people}")
    base = find_base(Path(root))
    subsets = survey(base, strict=strict)
    if expect is not None:
        reading.check_counts(subsets, expect, base, "prid", tolerated=pairs.FRAME_COUNTS)
    used = tuple(t for t in subsets["both"] if t.raw_pid in PROTOCOLS[people])
    names = pairs.in_both(used)
    asked = {"people": people, **pairs.given(split_file)}
    if split_file is None and seed is None and people == 178:
        split_file = find_split_file(base)
    drawn = choose_splits(names, split_file, seed)
    if expect is not None and len(drawn.all[0].train + drawn.all[0].test) != people:
        raise ReidError(
            f"{split_file or base}: the splits are about "
            f"{len(drawn.all[0].train + drawn.all[0].test)} people, not {people}"
        )
    return pairs.assemble(
        "prid",
        f"PRID-2011, {people} people",
        base,
        used,
        drawn,
        split,
        direction,
        asked=asked,
        size=size,
        holes=reading.missing_frames(used, frame_number, first=1) if check_files else [],
        strict=strict,
    )


def find_base(root: Path) -> Path:
    """The folder that holds multi_shot/."""
    base = reading.find_base(root, "prid_2011", "multi_shot", "prid")
    for camera in CAMERAS:
        reading.need_folder(base / "multi_shot" / camera, f"run `reid doctor prid {root}`")
    return base


def find_split_file(base: Path) -> Path | None:
    """Where users are told to put the split file: beside or inside prid_2011/."""
    places = (base / SPLIT_FILE, base.parent / SPLIT_FILE)
    return next((place for place in places if place.is_file()), None)


def frame_number(name: str) -> int:
    return int(name.partition(".")[0])


def survey(base: Path, *, strict: bool = True) -> dict[str, tuple[Tracklet, ...]]:
    """All sequences by camera, and those of the 178, from listings. Rows count over all."""
    folders = tuple(f"multi_shot/{camera}" for camera in CAMERAS)
    both = pairs.sequences(base, folders, NAME, strict=strict)
    subsets = {"both": both}
    for index, camera in enumerate(CAMERAS):
        of_camera = tuple(t for t in both if t.camid == index)
        subsets[camera] = of_camera
        subsets[f"{camera}, the 178"] = tuple(t for t in of_camera if t.raw_pid in PROTOCOLS[178])
    return subsets


def choose_splits(
    people: list[str], file: str | Path | None, seed: int | None = None
) -> splits.Splits:
    """The splits of a file, or drawn with a seed."""
    if file is not None and seed is not None:
        raise ReidError("give split_file or seed, not both")
    if file is None:
        return splits.seeded(people, seed or 0)
    if Path(file).suffix != ".json":
        raise ReidError(f"{file}: only .json splits of PRID-2011 are understood")
    return splits.from_json(Path(file), people, KNOWN)
