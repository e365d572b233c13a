"""Real names and counts of published data sets, where the machine has them; never any picture.

REIDLIB_ILIDS_METADATA, REIDLIB_PRID_METADATA and REIDLIB_MARS_METADATA name folders with lists that
are not part of this project, since their terms are not stated. Tests that need them are skipped
without. Images stand in as empty files, so anything that decodes would fail.
"""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from pathlib import Path

import pytest


def metadata(name: str) -> Path:
    """The folder, or a skipped test that says what is not set."""
    variable = f"REIDLIB_{name}_METADATA"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: it names the folder of the real lists")
    return Path(os.environ[variable])


def ilids(root: Path) -> Path:
    """All 600 sequences of iLIDS-VID, by name."""
    for row in _rows(metadata("ILIDS")):
        stem, _, first = row["first_file"].removesuffix(".png").rpartition("_")
        folder = root / "i-LIDS-VID" / "sequences" / row["camera"] / row["person"]
        _touch(folder, [f"{stem}_{int(first) + i:05d}.png" for i in range(int(row["num_frames"]))])
    return root


def prid(root: Path) -> Path:
    """The 178 people of PRID-2011 by name; others, of unknown length, by one frame."""
    folder = root / "prid_2011" / "multi_shot"
    for row in _rows(metadata("PRID")):
        camera = {"cam1": "cam_a", "cam2": "cam_b"}[row["camera"]]
        names = [f"{i + 1:04d}.png" for i in range(int(row["num_frames"]))]
        _touch(folder / camera / row["person"], names)
    for camera, people in (("cam_a", 385), ("cam_b", 749)):
        for number in range(1, people + 1):
            if not (folder / camera / f"person_{number:04d}").exists():
                _touch(folder / camera / f"person_{number:04d}", ["0001.png"])
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


def _touch(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY))
