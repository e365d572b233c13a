"""What a measurement leaves: one JSON file a claim, with all that its numbers depend on.

    data/results/truth/T5.json

A record is stale once the data, a source file behind it or the weights it looked at are others.
Weights that do not lie in the folder any more (not all are shipped) make nothing stale: the record
has their checksum.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from reidlib import __version__
from reidlib.data.promenade import VERSION
from reidlib.errors import ReidError, ReidWarning
from reidlib.experiments.mechanisms import mechanism
from reidlib.experiments.mechanisms.core import Cell, Lab
from reidlib.experiments.statistics import finite
from reidlib.files import data_folder, write_text
from reidlib.models import MODELS
from reidlib.recipes import recipe
from reidlib.records import commit, machine, read_fields
from reidlib.seeing.truth import Estimate, estimate
from reidlib.sources import behind, differing
from reidlib.weights import digest

FORMAT, FOLDER = 1, "truth"
PROFILE = "fine"  # whose maps are large enough to be looked at
DIGITS = 5  # of a number, significant


@dataclass(frozen=True)
class TruthRecord:
    """One claim's readings. Every field is plain data, as in the file."""

    claim: str
    rule: str  # who was looked at
    setting: dict[str, Any]  # people, profile, options of Promenade
    data: dict[str, Any]  # version, scenes -> digest of their settings
    models: dict[str, dict[str, Any]]  # recipe -> file, sha256, what it was trained on
    cells: list[dict[str, Any]]
    numbers: dict[str, float | None]
    words: list[str]
    machine: dict[str, Any]
    code: dict[str, Any]  # version, commit, sources: file -> hash
    format: int = FORMAT

    @property
    def name(self) -> str:
        """T5.json, and of another profile than the figures' own T5--laptop.json."""
        other = "" if self.profile == PROFILE else f"--{self.profile}"
        return f"{self.claim}{other}.json"

    @property
    def profile(self) -> str:
        """Of the models that were looked at."""
        return str(self.setting.get("profile", PROFILE))

    def has(self, scene: str, question: str, *sources: str) -> bool:
        """Whether the question was asked of all the sources (those named "" apart)."""
        known = {(c["scene"], c["question"], c["source"]) for c in self.cells}
        return all((scene, question, source) in known for source in sources if source)

    def people(self, scene: str, source: str, question: str) -> dict[int, float]:
        """Person -> number. Raises ReidError where nothing was asked so."""
        for cell in self.cells:
            if (cell["scene"], cell["source"], cell["question"]) == (scene, source, question):
                return {int(pid): value for pid, value in cell["values"].items()}
        raise ReidError(f"{self.name} has no {question!r} of {source} in {scene}")

    def estimate(self, scene: str, question: str, of: str, to: str = "") -> Estimate:
        """Mean over people and its interval; of `of` minus `to`, person by person, if both."""
        values = self.people(scene, of, question)
        if to:
            other = self.people(scene, to, question)
            values = {pid: values[pid] - other[pid] for pid in values.keys() & other.keys()}
        people = sorted(values)
        return estimate(np.array([values[pid] for pid in people]), people)

    def stale(self, checkpoints: Path | None = None) -> str:
        """Why this is no longer what the code would give; "" if nothing has changed."""
        if self.data["version"] != VERSION and self.data["scenes"]:
            return f"the data are at version {VERSION} now, were at {self.data['version']}"
        now, then = _sources(self.claim), self.code["sources"]
        if changed := differing(then, now, {}):
            return f"{', '.join(changed)} changed"
        folder = checkpoints or data_folder("checkpoints")
        for about in self.models.values():
            path = folder / about["file"]
            if path.is_file() and digest(path) != about["sha256"]:
                return f"it looked at another {path.name} than the one that is here"
        return ""


def measure(claim: str, lab: Lab) -> TruthRecord:
    """Look, and tell. Raises ReidError where a model that it needs is not trained yet."""
    chosen = mechanism(claim)
    if lacking := lab.missing(chosen.recipes):
        files = ", ".join(lab.path(name).name for name in lacking)
        raise ReidError(
            f"{claim} looks at trained models that are not in {lab.folder}: {files}; the "
            f"model.safetensors that `reid train {lacking[0]} --profile {lab.profile}` leaves, "
            "under that name"
        )
    found = chosen.function(lab)
    return TruthRecord(
        claim=claim,
        rule=f"the first {lab.people} people of the test with a query, the first query of each",
        setting=_setting(lab),
        data={
            "name": "promenade",
            "version": VERSION,
            "scenes": {name: lab.scene(name).settings["digest"] for name in chosen.scenes},
        },
        models={name: _model(lab, name) for name in chosen.recipes},
        cells=[_cell(cell) for cell in found.cells],
        numbers=finite({name: _short(value) for name, value in found.numbers.items()}),
        words=list(dict.fromkeys(found.words)),
        machine=machine("cpu"),
        code={"version": __version__, "commit": commit(), "sources": _sources(claim)},
    )


def is_current(record: TruthRecord, lab: Lab) -> bool:
    """Whether measuring again, in this lab, would find the same."""
    return record.setting == _setting(lab) and not record.stale(lab.folder)


def write_truth(record: TruthRecord, results: Path) -> Path:
    """The record as a file of its own, whole or not at all."""
    path = results / FOLDER / record.name
    mark = "here are the cells"
    text = json.dumps({**asdict(record), "cells": mark}, indent=1, allow_nan=False)
    rows = ",\n  ".join(json.dumps(cell, allow_nan=False) for cell in record.cells)
    cells = f"[\n  {rows}\n ]" if rows else "[]"  # a line each: thousands of numbers
    write_text(path, text.replace(json.dumps(mark), cells, 1) + "\n")
    return path


def load_truth(results: Path, profile: str = PROFILE) -> dict[str, TruthRecord]:
    """Claim -> record of models of a profile. A file that is no record is left out and told."""
    found = {}
    for path in sorted((results / FOLDER).glob("*.json")):
        try:
            record = read_truth(path)
        except ReidError as error:
            warnings.warn(f"{error}; it is left out", ReidWarning, stacklevel=2)
            continue
        if record.profile == profile:
            found[record.claim] = record
    return found


def read_truth(path: Path) -> TruthRecord:
    """One record. Raises ReidError for a file that is none."""
    try:
        found = TruthRecord(**read_fields(path, [one.name for one in fields(TruthRecord)], FORMAT))
        for cell in found.cells:
            Cell(**cell)
            if not isinstance(cell["values"], dict):
                raise ValueError("a cell without values")
        return found
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ReidError(f"{path} is not a record of a mechanism ({error})") from error


def _sources(claim: str) -> dict[str, str]:
    """Of the measurement and of every model that it looks at."""
    chosen = mechanism(claim)
    roots = {chosen.module} | {MODELS[recipe(r).model].split(":")[0] for r in chosen.recipes}
    return behind(roots)


def _model(lab: Lab, name: str) -> dict[str, Any]:
    from reidlib.checkpoints import read_about

    path = lab.path(name)
    about = read_about(path)
    return {
        "file": path.name,
        "sha256": digest(path),
        "seed": about.seed,
        "data": {"name": about.data["name"], "version": about.data["version"]},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    values = {str(pid): _short(value) for pid, value in sorted(cell.values.items())}
    return {**asdict(cell), "values": values}


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _setting(lab: Lab) -> dict[str, Any]:
    """Of the lab, as plain JSON; where frames are kept is left out."""
    options = {name: value for name, value in lab.options.items() if name != "cache"}
    told = {"people": lab.people, "profile": lab.profile, "options": options}
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain
