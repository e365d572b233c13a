"""Real names and counts of published data sets, where the machine has them; never any picture.

REIDLIB_ILIDS_METADATA, REIDLIB_PRID_METADATA and REIDLIB_MARS_METADATA name folders with lists that
are not part of this project, since their terms are not stated. Tests that need them are skipped
without. Folders are made, images are only listed: anything that decodes would fail.
"""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from pathlib import Path

import pytest

from reidlib.data import reading


def metadata(name: str) -> Path:
    """The folder, or a skipped test that says what is not set."""
    variable = f"REIDLIB_{name}_METADATA"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: it names the folder of the real lists")
    return Path(os.environ[variable])


def ilids(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All 600 sequences of iLIDS-VID, by name."""
    listed: dict[Path, list[str]] = {}
    for row in _rows(metadata("ILIDS")):
        stem, _, first = row["first_file"].removesuffix(".png").rpartition("_")
        folder = root / "i-LIDS-VID" / "sequences" / row["camera"] / row["person"]
        numbers = range(int(first), int(first) + int(row["num_frames"]))
        listed[folder] = [f"{stem}_{number:05d}.png" for number in numbers]
    _list(listed, monkeypatch)
    return root


def prid(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The 178 people of PRID-2011 by name; others, of unknown length, by one frame."""
    folder, listed = root / "prid_2011" / "multi_shot", {}
    for camera, people in (("cam_a", 385), ("cam_b", 749)):
        for number in range(1, people + 1):
            listed[folder / camera / f"person_{number:04d}"] = ["0001.png"]
    for row in _rows(metadata("PRID")):
        camera = {"cam1": "cam_a", "cam2": "cam_b"}[row["camera"]]
        numbers = range(1, int(row["num_frames"]) + 1)
        listed[folder / camera / row["person"]] = [f"{number:04d}.png" for number in numbers]
    _list(listed, monkeypatch)
    return root


def mars(root: Path) -> Path:
    """info/ of MARS, unpacked, without any image."""
    (root / "info").mkdir(parents=True)
    for path in metadata("MARS").iterdir():
        if path.suffix == ".gz":
            (root / "info" / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        elif path.suffix == ".mat":
            shutil.copyfile(path, root / "info" / path.name)
    return root


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "tracklets.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _list(listed: dict[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in listed:
        folder.mkdir(parents=True)
    monkeypatch.setattr(reading, "list_images", lambda folder: sorted(listed[folder]))
