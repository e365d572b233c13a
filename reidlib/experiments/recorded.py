"""What is recorded of a job already, what of it is stale, and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from reidlib.errors import ReidError
from reidlib.experiments.jobs import Job
from reidlib.files import data_folder
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipe as find_recipe
from reidlib.recipes.core import Profile, Recipe, shaping
from reidlib.records import Record, Unreadable, read_record

WEIGHTS = "weights"  # the note in a record that has its model file's checksum


@dataclass(frozen=True)
class Found:
    """The records of one job: by recipe, those that still hold; the others with the reason.

    scenes: what a recipe has been scored on, by whatever weights of this recipe's code.
    """

    current: Mapping[str, Record]
    stale: Mapping[str, str]
    scenes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def missing(self, job: Job) -> dict[str, list[str]]:
        """Recipe -> what it is still to be scored on; {} when all is recorded."""
        wanted = {
            name: [s for s in job.data.scored if s not in self._scores(name)] for name in job.tests
        }
        return {name: scenes for name, scenes in wanted.items() if scenes}

    def _scores(self, name: str) -> Mapping[str, Any]:
        return self.current[name].scores if name in self.current else {}


def find(job: Job, results: Path) -> Found:
    """What lies in the folder of a job; files that are no records are passed over.

    Raises Unreadable for one that may be a record: doing the job again would replace it.
    """
    current, stale = {}, {}
    for name in job.tests:
        first = name.replace("/", "_")
        pattern = f"{first}--{job.profile}--{job.data.name}-*--seed{job.world}.json"
        for path in sorted(results.glob(pattern)):
            try:
                record = read_record(path)
            except Unreadable:
                raise
            except (ReidError, FileNotFoundError):
                continue
            if not job.data.knows(record, job.world):
                continue
            if reason := why_stale(record):
                stale[name] = reason
            elif job.data.is_of(record, job.world):
                if job.data.version(job.world) in ("", record.data["version"]):
                    current[name] = record
                else:
                    stale[name] = f"the lists of {job.data.root} have changed since"
    scenes = {name: tuple(record.scores) for name, record in current.items()}
    trained = current.get(job.recipe)
    for name in [*current]:
        if trained and (reason := other_weights(current[name], trained)):
            stale[name] = reason
            del current[name]
    return Found(current, {n: why for n, why in stale.items() if n not in current}, scenes)


def other_weights(record: Record, trained: Record) -> str:
    """Why a record is not of the weights that this training left, or ""."""
    told = f"it is of other weights than the record of {trained.recipe['name']}"
    one, other = record.notes.get(WEIGHTS), trained.notes.get(WEIGHTS)
    if one and other:
        return told if one != other else ""
    # Older records do not name their weights; how long a training took is its own.
    keys = [(r.seconds.get("training"), r.readings) for r in (record, trained)]
    return told if keys[0] != keys[1] else ""


def why_stale(record: Record) -> str:
    """`record.stale`, and whether its first weights, or those it tests, would be others now."""
    if reason := record.stale:
        return reason
    recipe, profile = (find_recipe(record.recipe["name"]), find_profile(record.profile["name"]))
    if recipe.weights_of:
        trained = find_recipe(recipe.weights_of)
        if record.notes.get("trained") != trained_by(trained, profile):
            return f"{trained.name}, whose weights it tests, has changed"
    elif (now := shipped(recipe, profile)) and record.start != now:
        return f"it started from {record.start}, not from {now}"
    return ""


def trained_by(recipe: Recipe, profile: Profile) -> str:
    """One word for all that a recipe's training depends on, of now."""
    from reidlib.sources import TRAINING, sources

    shapes = [
        shaping(asdict(recipe)),
        asdict(profile),
        sources(recipe, TRAINING),
        shipped(recipe, profile),
    ]
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()[:12]


def shipped(recipe: Recipe, profile: Profile) -> str:
    """What `build` says of the shipped weights that the backbone starts from; "" for none."""
    if profile.pretrained in ("", "imagenet"):
        return ""
    se = "-se" if recipe.backbone.get("se", False) else ""
    path = data_folder("checkpoints") / f"{profile.pretrained}{se}.safetensors"
    return f"{path.name}, sha256 {_digest(path)}" if path.is_file() else ""


@lru_cache
def _digest(path: Path) -> str:
    from reidlib.weights import digest

    return digest(path)[:16]
