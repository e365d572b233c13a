"""DukeMTMC-VideoReID, for those who hold it lawfully: {train,query,gallery}/<person>/<tracklet>/.

File names: PPPP_Cc_Fffff_Xnnnnn.jpg, or the same without underscores in the older release; D
instead of X marks a distractor. F counts inside the tracklet and is what frames are ordered by.
The query folder repeats 702 tracklets of the gallery, so a query is the gallery's own tracklet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reidlib.data import reading
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

STATUS = (
    "Duke University took DukeMTMC, the parent of this data set, offline in April 2019: recording "
    "outdoors and publishing openly went beyond what its ethics board had approved. The licence "
    "of copies still in circulation does not undo that, and training on them is not recommended"
)
NAME = re.compile(r"(\d{4})_?C(\d)_?F(\d+)_?[XD]\d+\.\w+")
EXPECTED: reading.Expected = {
    "train": {"identities": 702, "tracklets": 2196, "images": 369656, "cameras": 8},
    "query": {
        "identities": 702,
        "tracklets": 702,
        "images": 111848,
        "tracklets per camera": (135, 117, 49, 41, 61, 110, 81, 108),
        "shortest": 6,
        "median": 144,
        "longest": 3147,
    },
    "gallery": {
        "identities": 1110,
        "tracklets": 2636,
        "images": 445764,
        "tracklets per camera": (432, 411, 191, 157, 216, 378, 239, 612),
        "shortest": 1,
        "median": 140.5,
        "longest": 9324,
    },
}


def load(
    root: str | Path,
    *,
    i_hold_this_data_lawfully: bool = False,
    size: tuple[int, int] = (256, 128),
    strict: bool = True,
    check_files: bool = True,
    expect: reading.Expected | None = EXPECTED,
) -> TrackletDataset:
    """The published train, query and gallery. Nothing is decoded.

    i_hold_this_data_lawfully: your statement that you hold the data lawfully and know its status.
    strict: refuse holes in the frame numbers and queries that the gallery lacks.
    check_files: look for such holes at all.
    expect: the counts to insist on; None for a part of the set.
    """
    if i_hold_this_data_lawfully is not True:
        raise ReidError(
            f"DukeMTMC-VideoReID is off: {STATUS}. If you hold it lawfully and know its status, "
            "say so with i_hold_this_data_lawfully=True"
        )
    base = find_base(Path(root))
    subsets = survey(base, strict=strict)
    settings: dict[str, Any] = {"i_hold_this_data_lawfully": True}
    if expect is not None:
        reading.check_counts(subsets, expect, base, "duke")
    elif check_files:  # whether the whole set has holes is not known; its counts settle the matter
        holes = reading.missing_frames((*subsets["train"], *subsets["gallery"]), frame_number)
        settings["missing_frames"] = sum(len(lost) for _, lost in holes)
        if strict:
            reading.refuse_holes(holes, base, "duke")
    return reading.assemble(
        "duke",
        base,
        size,
        f"DukeMTMC-VideoReID, gallery {len(subsets['gallery'])} with the queries in it",
        subsets["train"],
        subsets["query"],
        subsets["gallery"],
        settings=settings,
    )


def find_base(root: Path) -> Path:
    return reading.find_base(root, "DukeMTMC-VideoReID", "gallery", "duke")


def frame_number(name: str) -> int:
    """The F number of a file name in either form."""
    return _parse(name)[2]


def survey(base: Path, *, strict: bool = True) -> dict[str, tuple[Tracklet, ...]]:
    """All three subsets, from listings. Rows count over train, then gallery."""
    train = _read(base, "train", 0, strict)
    gallery = _read(base, "gallery", len(train), strict)
    twins = {_content(t): t for t in gallery}
    query = []
    for t in _read(base, "query", len(train) + len(gallery), strict):
        if strict and _content(t) not in twins:
            raise ReidError(
                f"{base / t.frames[0]}: this query is not in the gallery, which should hold all "
                "of them; fetch query/ and gallery/ again, or load with strict=False"
            )
        query.append(twins.get(_content(t), t))
    return {"train": train, "query": tuple(query), "gallery": gallery}


def _content(tracklet: Tracklet) -> tuple[str, ...]:
    """What a tracklet is, wherever its folder lies; the names carry identity and camera."""
    return tuple(frame.rpartition("/")[2] for frame in tracklet.frames)


def _read(base: Path, subset: str, row: int, strict: bool) -> tuple[Tracklet, ...]:
    reading.need_folder(base / subset, f"run `reid doctor duke {base}`")
    tracklets: list[Tracklet] = []
    for person in reading.list_folders(base / subset):
        for name in reading.list_folders(base / subset / person):
            folder = f"{subset}/{person}/{name}"
            images = reading.list_images(base / folder)
            if images:
                tracklets.append(_tracklet(base, folder, images, row + len(tracklets)))
            elif strict:
                raise ReidError(
                    f"{base / folder} holds no image; fetch it again, or load with strict=False"
                )
    return tuple(tracklets)


def _tracklet(base: Path, folder: str, images: Sequence[str], row: int) -> Tracklet:
    fields = {_parse(f"{base}/{folder}/{name}"): name for name in images}
    pids, cameras, _ = zip(*fields, strict=True)
    if len(fields) < len(images):
        raise ReidError(f"{base / folder} holds two images of one frame; fetch it again")
    for seen, what in ((set(pids), "identities"), (set(cameras), "cameras")):
        if len(seen) > 1:
            raise ReidError(f"{base / folder} mixes the {what} {sorted(seen)}; fetch it again")
    if folder.split("/")[1] != f"{pids[0]:04d}":
        raise ReidError(f"{base / folder} holds images of person {pids[0]:04d}; move them there")
    frames = tuple(f"{folder}/{fields[f]}" for f in sorted(fields, key=lambda f: f[2]))
    return Tracklet(row, frames, pids[0], cameras[0] - 1, pids[0], cameras[0])


def _parse(path: str) -> tuple[int, int, int]:
    """Identity, camera (from 1) and F number of an image."""
    match = NAME.fullmatch(path.rpartition("/")[2])
    if match is None:
        raise ReidError(
            f"{path} is not named like 0001_C6_F0099_X30823.jpg or 0001C6F0099X30823.jpg"
        )
    pid, camera, frame = match.groups()
    return int(pid), int(camera), int(frame)
