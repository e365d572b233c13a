"""What iLIDS-VID and PRID-2011 share: one sequence of each person from each of two cameras."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reidlib.data import reading
from reidlib.data.splits import COUNT, Split, Splits
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

ASKING = {"1to2": (0,), "2to1": (1,), "both": (0, 1)}  # cameras of the queries
FRAME_COUNTS = ("images", "shortest", "longest")


def sequences(
    base: Path, cameras: Sequence[str], name: re.Pattern[str], *, strict: bool = True
) -> tuple[Tracklet, ...]:
    """All sequences below base/<camera>/<person>/, camera by camera, people in sorted order.

    name: of an image; its group "frame" is the number, and the groups "camera" and "person",
    where it has them, must agree with the folders.
    """
    found: list[Tracklet] = []
    for camera, folder in enumerate(cameras):
        for person in reading.list_folders(base / folder):
            images = reading.list_images(base / folder / person)
            if images:
                images = _in_order(base / folder, person, images, name)
                frames = tuple(f"{folder}/{person}/{image}" for image in images)
                pid = person_number(person)
                found.append(Tracklet(len(found), frames, pid, camera, pid, camera + 1))
            elif strict:
                raise ReidError(
                    f"{base / folder / person} holds no image; fetch it again, "
                    "or load with strict=False"
                )
    return tuple(found)


def person_number(folder: str) -> int:
    digits = re.search(r"\d+$", folder)
    if digits is None:
        raise ReidError(f"the folder {folder} is not that of a numbered person; move it elsewhere")
    return int(digits[0])


def person_folder(tracklet: Tracklet) -> str:
    return tracklet.frames[0].split("/")[-2]


def in_both(tracklets: Sequence[Tracklet]) -> list[str]:
    """Person folders that both cameras have, sorted."""
    seen: dict[int, set[str]] = {0: set(), 1: set()}
    for t in tracklets:
        seen[t.camid].add(person_folder(t))
    return sorted(seen[0] & seen[1])


def given(split_file: str | Path | None) -> dict[str, str]:
    """A split file of the user's as a setting; the copy's own is found again by itself."""
    return {} if split_file is None else {"split_file": str(split_file)}


def halves(
    tracklets: Sequence[Tracklet], split: Split, direction: str
) -> tuple[list[Tracklet], list[Tracklet], list[Tracklet]]:
    """Train, query and gallery of one split; with direction "both", either camera asks."""
    if direction not in ASKING:
        raise ReidError(f"direction is one of {', '.join(ASKING)}, not {direction!r}")
    train = [t for t in tracklets if person_folder(t) in split.train]
    tested = [t for t in tracklets if person_folder(t) in split.test]
    query = [t for t in tested if t.camid in ASKING[direction]]
    gallery = [t for t in tested if direction == "both" or t.camid not in ASKING[direction]]
    return train, query, gallery


def assemble(
    name: str,
    title: str,
    base: Path,
    tracklets: Sequence[Tracklet],
    splits: Splits,
    split: int,
    direction: str,
    *,
    asked: Mapping[str, Any],
    size: tuple[int, int],
    holes: Sequence[tuple[Tracklet, list[int]]],
    strict: bool,
) -> TrackletDataset:
    """The data set of one split, with everything about it that a record must repeat.

    asked: options of the reader, beyond those here, that loading it again needs.
    In direction "both" a query of either camera ranks people of the other only: `settings` asks
    for the camera rule "exclude_camera", and the scores are the mean of both directions.
    """
    if strict:
        reading.refuse_holes(holes, base, name)
    missing = sum(len(lost) for _, lost in holes)
    train, query, gallery = halves(tracklets, splits.pick(split), direction)
    settings = {
        **asked,
        "split": split,
        "seed": splits.seed,
        "splits": splits.origin,
        "splits_sha256": splits.sha256,
        "direction": direction,
        "missing_frames": missing,
    }
    if direction == "both":
        settings["camera_rule"] = "exclude_camera"
    return reading.assemble(
        name,
        base,
        size,
        f"{title}, split {split} of {COUNT}: {splits.label}; cameras {direction}"
        + (f"; {missing} frames missing" if missing else ""),
        train,
        query,
        gallery,
        split_id=f"{splits.origin}-{split}",
        settings=settings,
    )


def _in_order(folder: Path, person: str, images: Sequence[str], name: re.Pattern[str]) -> list[str]:
    numbered: dict[int, str] = {}
    for image in images:
        match = name.fullmatch(image)
        if match is None:
            raise ReidError(f"{folder / person / image} is not named as in the published set")
        told = match.groupdict()
        if told.get("person", person) != person or told.get("camera", folder.name) != folder.name:
            raise ReidError(
                f"{folder / person / image} is named for {told['camera']}/{told['person']}; "
                "folders are swapped or mixed"
            )
        numbered[int(told["frame"])] = image
    if len(numbered) < len(images):
        raise ReidError(f"{folder / person} holds two images of one frame; fetch it again")
    return [numbered[number] for number in sorted(numbered)]
