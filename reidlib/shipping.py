"""Trained models that come with the project: data/checkpoints, each with its record and a check.

The record that lies beside a shipped model repeats how it was trained and what it scored, and adds
`notes["shipped"]`: the checksum of the file, and its score on `CHECK`, a test of seconds, so that
anybody can see whether the file still gives what it gave. Files hold half the digits of the model
that training left, whose score on `CHECK` is noted beside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reidlib.checkpoints import About, load_model, read_about, save_model
from reidlib.errors import ReidError
from reidlib.extraction import evaluate
from reidlib.files import data_folder, whole_file
from reidlib.recipes.core import plan
from reidlib.records import Record, read_record, records_beside, write_record
from reidlib.weights import digest

CHECK: dict[str, Any] = {"size": "tiny", "scenario": "street", "world": 0, "subset": "none"}
ROOM = 40_000_000  # bytes, of all shipped models together


@dataclass(frozen=True)
class Shipped:
    """One shipped model."""

    path: Path
    record: Record

    @property
    def told(self) -> dict[str, Any]:
        """sha256 of the file; rank-1 and map (fractions) on `CHECK`, and "in_training" the same."""
        found: dict[str, Any] = self.record.notes["shipped"]
        return found


def ship(run: Path, folder: Path | None = None) -> Shipped:
    """Put the model of a run of `reid train`, with half its digits, into data/checkpoints.

    Its record goes with it; both are written only when both checks are done.

    folder: another place than that.
    Raises ReidError where the run has no record, or the shipped models would outgrow `ROOM`.
    """
    folder = folder or data_folder("checkpoints")
    about = read_about(run)
    lies = _record_of(run, about)
    if lies is None:
        raise ReidError(f"{run} has no record of {about.recipe.name}; `reid train` writes it")
    path = folder / f"{about.recipe.name.replace('/', '_')}--{about.profile.name}.safetensors"
    record = read_record(lies)
    with whole_file(path) as temporary:
        save_model(temporary, load_model(run)[0], about, half=True)
        _must_fit(temporary.stat().st_size, path)
        told = {"sha256": digest(temporary), **check(temporary), "in_training": check(run)}
    record = replace(record, notes={**record.notes, "shipped": told})
    written = write_record(record, folder)
    for old in set(records_beside(path, about.recipe.name, about.profile.name)) - {written}:
        old.unlink()  # of the model that was here before, under other data
    return Shipped(path, record)


def open_shipped(path: Path) -> Shipped:
    """A shipped model's record; the file's checksum must be the record's.

    Raises ReidError where the record is missing, or the file is not the one it tells of.
    """
    lies = _record_of(path, read_about(path))
    if lies is None:
        raise ReidError(f"{path} has no record beside it; `reid ship RUN` writes both")
    found = Shipped(path, read_record(lies))
    if digest(path) != found.record.notes.get("shipped", {}).get("sha256"):
        raise ReidError(f"{path} is not the file that {lies.name} tells of (its checksum differs)")
    return found


def check(path: Path) -> dict[str, float]:
    """rank-1 and map of a model file, or of a run's folder, on `CHECK`; fractions."""
    from reidlib.data import promenade

    model, about = load_model(path)
    height, width = plan(about.recipe, about.profile).size
    data = promenade.load(**CHECK, height=height, width=width, progress=False)
    found = evaluate(model, data, about.recipe, about.profile, device="cpu", progress=False)
    return {name: found.summary()[name] for name in ("rank-1", "map")}


def _must_fit(size: int, path: Path) -> None:
    folder = path.parent
    others = sum(p.stat().st_size for p in folder.glob("*.safetensors") if p != path)
    if others + size > ROOM:
        raise ReidError(
            f"{size / 1e6:.1f} MB more make {(others + size) / 1e6:.1f} MB of models in {folder}; "
            f"{ROOM / 1e6:.0f} MB is the limit: remove one that no figure needs"
        )


def _record_of(place: Path, about: About) -> Path | None:
    """The record of a run's folder, or the one beside a model file."""
    return next(iter(records_beside(place, about.recipe.name, about.profile.name)), None)
