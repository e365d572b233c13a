"""The truth in files beside a MARS layout: of frames, a job's in each, and of whole tracklets."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.truth import of_tracklets
from reidlib.errors import ReidError
from reidlib.files import whole_file

TRUTH = "promenade_truth"  # the folder that MARS's readers ignore
JOB = 512  # frames in a file


def read_truth(root: Path | str, row: int, frames: Sequence[int]) -> dict[str, Tensor]:
    """Stored truth of the frames `frames` (0-based) of tracklet `row` in `write_mars`'s folder.

    Names and shapes are those of the table in `reidlib.data.promenade.truth`.
    Raises:
        ReidError: the folder has no truth, or it is damaged.
        IndexError: no such row or frame.
    """
    folder = Path(root) / TRUTH
    if not folder.is_dir():
        raise ReidError(f"{root} has no folder {TRUTH}: it was written without truth, or elsewhere")
    known = _arrays(folder / "tracklets.npz")
    length, chosen = known["length"], np.asarray(frames, np.int64)
    if not (0 <= row < len(length) and ((chosen >= 0) & (chosen < length[row])).all()):
        raise IndexError(f"frames {list(frames)} of row {row}: no such frames in {folder}")
    at = int(length[:row].sum()) + chosen
    jobs = np.unique(at // JOB).tolist() or [0]
    parts = [_arrays(frames_file(Path(root), job)) for job in range(jobs[0], jobs[-1] + 1)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found = {name: values[at - jobs[0] * JOB] for name, values in found.items()}
    if (found.pop("rows") != row).any() or (found.pop("frames") != chosen).any():
        raise ReidError(f"{folder} was written in other portions than {JOB} frames; render it anew")
    found |= {name: np.asarray(known[name][row]) for name in ("family", "attributes", "differs")}
    return {name: torch.from_numpy(values) for name, values in found.items()}


def columns(stage: Stage) -> dict[str, np.ndarray]:
    """Of every tracklet, by row: who, where, which, how long, and what is true of the whole."""
    census = stage.census
    return {
        "person": census.person, "camera": census.camera, "number": census.number,
        "length": census.length, **of_tracklets(stage),
    }  # fmt: skip


def frames_file(out: Path, job: int) -> Path:
    return out / TRUTH / f"frames_{job:06d}.npz"


def store(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored.items())
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise ReidError(
            f"{path} is missing or damaged; delete it and write the folder again with its truth "
            "(`reid render` with the same options), which draws only what is missing"
        ) from error
