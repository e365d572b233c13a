"""Records of Promenade's own examination: data/results/promenade/<part>/<arm>/*.json.

A study changes the profile on purpose (fewer people, no pretraining, more steps), so unlike a
table's row its record is stale only once the data or the code behind it are others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reidlib.data.promenade.settings import VERSION
from reidlib.files import data_folder
from reidlib.records import Record, load_records
from reidlib.sources import changed


@dataclass(frozen=True)
class Run:
    """One record, its name from the folder of records on, and why it does not hold any more."""

    name: str
    record: Record
    stale: str

    @property
    def world(self) -> int:
        return int(self.record.data["settings"]["world"])

    def map(self, scored: str) -> float:
        """mAP in percent."""
        return 100 * float(self.record.scores[scored]["map"])

    def per_query(self, scored: str) -> tuple[NDArray[np.float64], list[int]] | None:
        """Each query's average precision (NaN: not counted) and person; None if not recorded."""
        told = self.record.notes.get("queries", {})
        ap = told.get("ap", ())
        ap = ap.get(scored, ()) if isinstance(ap, dict) else ap
        if scored not in self.record.scores or not ap:
            return None
        return np.array([np.nan if one is None else one for one in ap], np.float64), told["people"]


class Studies:
    """All runs below a folder, by part and arm, then by world or seed.

    Of two runs alike, what holds goes before what is stale, the newer before the older.
    stale: whether to keep runs that do not hold any more.
    """

    def __init__(self, folder: Path, *, stale: bool = True) -> None:
        self.runs: dict[tuple[str, str], list[Run]] = {}
        for place in sorted({path.parent for path in folder.glob("*/*/*.json")}):
            part, arm = place.parent.name, place.name
            runs = [
                Run(f"{folder.name}/{part}/{arm}/{record.name}", record, why_stale(record))
                for record in load_records(place)
            ]
            runs = [run for run in runs if stale or not run.stale]
            self.runs[part, arm] = sorted(runs, key=lambda r: (not r.stale, r.record.finished))

    def by_world(self, part: str, arm: str, scored: str = "street") -> dict[int, Run]:
        """World -> run that was scored on `scored`."""
        found = self.runs.get((part, arm), ())
        return {run.world: run for run in found if scored in run.record.scores}

    def by_seed(self, part: str, arm: str, scored: str = "street") -> dict[int, Run]:
        """Seed -> run that was scored on `scored`."""
        found = self.runs.get((part, arm), ())
        return {run.record.seed: run for run in found if scored in run.record.scores}


def why_stale(record: Record) -> str:
    """What has changed since: the data's version, source files, the weights it started from."""
    version = record.data["version"]
    if version != VERSION:
        return f"the data are at version {VERSION} now, were at {version}"
    if files := changed(record.code["sources"], record.recipe):
        return f"{', '.join(files)} changed"
    name, _, told = record.start.partition(", sha256 ")
    path = data_folder("checkpoints") / name
    if told and (not path.is_file() or _digest(path) != told):
        return f"it started from another {name} than the one that is here"
    return ""


@lru_cache
def _digest(path: Path) -> str:
    from reidlib.weights import digest

    return digest(path)[:16]


def maps(runs: Mapping[int, Run], scored: str = "street") -> dict[int, float]:
    """World or seed -> mAP in percent."""
    return {key: run.map(scored) for key, run in sorted(runs.items())}
