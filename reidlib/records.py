"""Run records: what came out of one run, one JSON file each. A number without one is shown nowhere.

A record repeats all that shaped it: recipe, profile, seed, data, and the hash of every source file
that had a say. When one of these has changed since, the record is stale, and says why.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from reidlib import __version__
from reidlib.errors import ReidError, ReidWarning
from reidlib.files import ROOT, reason, write_text
from reidlib.recipes import recipes
from reidlib.recipes.core import PROFILES, Recipe, plan, shaping
from reidlib.recipes.edit import from_dict
from reidlib.sources import differing, sources
from reidlib.training import Trained

FORMAT = 1
BROKEN = ".broken"  # what the name of a file that is no record ends in, once it is set aside


@dataclass(frozen=True)
class Record:
    """One run. Every field is plain data, as in the file."""

    recipe: dict[str, Any]
    profile: dict[str, Any]
    plan: dict[str, Any]  # what the two make of each other
    seed: int
    data: dict[str, Any]  # name, version, protocol, split, settings of what it was trained on
    start: str  # where the backbone's first weights came from
    scores: dict[str, dict[str, Any]]  # what was scored -> `Score.summary()`
    readings: dict[str, float]  # of training, means over the last tenth of the steps
    steps: int
    parameters: int
    seconds: dict[str, float]  # "training", ...
    precision: str
    machine: dict[str, Any]
    code: dict[str, Any]  # version, commit, sources: file -> hash
    finished: str  # date and time, UTC
    curve: dict[str, list[float]] = field(default_factory=dict)  # of the training loss
    notes: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def name(self) -> str:
        """The same for runs of the same recipe, profile, data and seed: the newer one stays."""
        settings = self.data["settings"]
        told = [_word(settings[key]) for key in ("size", "scenario") if key in settings]
        told += [f"world{settings['world']}"] if "world" in settings else []
        data = {key: value for key, value in self.data.items() if key != "version"}
        parts = [
            self.recipe["name"].replace("/", "_"),
            self.profile["name"],
            "-".join([self.data["name"], *told, _digest(data)]),
            f"seed{self.seed}",
        ]
        return "--".join(parts) + ".json"

    @property
    def stale(self) -> str:
        """Why this is no longer what the code would give; "" if nothing has changed."""
        known = recipes().get(self.recipe["name"])
        if known is None:
            return f"there is no recipe {self.recipe['name']} any more"
        if shaping(plain(asdict(known))) != shaping(self.recipe):
            return "the recipe has changed"
        profile = PROFILES.get(self.profile["name"])
        if profile is None or plain(asdict(profile)) != self.profile:
            return "the profile has changed"
        if plain(asdict(plan(known, profile))) != self.plan:
            return "recipe and profile are put together otherwise"
        version = _data_version(self.data["name"])
        if version is not None and version != self.data["version"]:
            return f"the data are at version {version} now, were at {self.data['version']}"
        now, then = sources(from_dict(Recipe, self.recipe)), self.code["sources"]
        changed = differing(then, now, self.recipe)
        return f"{', '.join(changed)} changed" if changed else ""


def make_record(
    trained: Trained,
    scores: Mapping[str, Mapping[str, Any]],
    *,
    seconds: Mapping[str, float] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Record:
    """The record of a run that has just ended, on this machine.

    scores: by name of what was scored, for instance {"street": score.summary()}.
    seconds: of what was done besides training.
    """
    about = trained.about
    return Record(
        recipe=plain(asdict(about.recipe)),
        profile=plain(asdict(about.profile)),
        plan=plain(asdict(plan(about.recipe, about.profile))),
        seed=about.seed,
        data=plain(about.data),
        start=about.start,
        scores=plain(dict(scores)),
        readings=trained.readings,
        steps=trained.steps,
        parameters=trained.parameters,
        seconds={"training": round(trained.seconds, 3), **(seconds or {})},
        precision=trained.precision,
        machine=machine(trained.device),
        code={"version": __version__, "commit": commit(), "sources": trained.sources},
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        curve=trained.curve,
        notes=plain(dict(notes or {})),
    )


def write_record(record: Record, folder: Path) -> Path:
    """The record as a file of its own in `folder`, whole or not at all."""
    path = folder / record.name
    write_text(path, json.dumps(asdict(record), indent=1, allow_nan=False) + "\n")
    return path


class Unreadable(ReidError):
    """A file that may well be a record, and could not be read here and now."""


def load_records(folder: Path, only: str = "") -> list[Record]:
    """Every record in `folder`, by name; only: of this recipe.

    A file that is no record is set aside (renamed) and told; one that cannot be read, for want of
    file handles or on a network that fails, is told and stays.
    """
    return [record for _, record in _read_all(folder, only)]


def _read_all(folder: Path, only: str = "") -> Iterator[tuple[Path, Record]]:
    first = f"{only.replace('/', '_')}--" if only else ""
    for path in sorted(folder.glob(f"{first}*.json")):
        try:
            seen = _state(path)
            yield path, read_record(path)
        except FileNotFoundError:  # another process has set it aside
            continue
        except Unreadable as error:
            warnings.warn(f"{error}; it is left out", ReidWarning, stacklevel=3)
        except ReidError as error:
            warnings.warn(f"{error}; {_set_aside(path, seen)}", ReidWarning, stacklevel=3)


def _state(path: Path) -> tuple[int, int]:
    """Another one once the file has been written again. Raises as `read_record` does."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({reason(error)})") from error
    return found.st_ino, found.st_mtime_ns


def _set_aside(path: Path, seen: tuple[int, int]) -> str:
    """Rename what is no record, and say so; where that cannot be done it is only left out.

    seen: the file's state when it was read; what has been written since stays.
    """
    try:
        if _state(path) != seen:
            return "it has been written again since, and is left out this time"
        path.rename(path.with_name(path.name + BROKEN))
    except FileNotFoundError:  # another process was faster
        pass
    except Unreadable as error:
        return f"it is left out, and stays where it is: {error}"
    except OSError as error:
        return f"it is left out, and stays where it is: {reason(error)}"
    return f"it is set aside as {path.name}{BROKEN}"


def read_record(path: Path) -> Record:
    """One record. Raises ReidError for a file that is none, FileNotFoundError where none is.

    Unreadable, a ReidError, is for a file that may be one: of a newer format, or lost in reading.
    """
    try:
        found = read_fields(path, [one.name for one in fields(Record)], FORMAT)
        _check(found)
        record = Record(**found)
        return replace(record, recipe=_whole(record.recipe))
    except (FileNotFoundError, Unreadable):
        raise
    except OSError as error:
        if not isinstance(error, IsADirectoryError):
            raise Unreadable(f"{path} cannot be read ({reason(error)})") from error
        raise ReidError(f"{path} is not a run record (is a directory)") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ReidError(
            f"{path} is not a run record ({error}); repeat the run it was of"
        ) from error


# Kinds of what readers of a record rely on; TRAINED: only where something was trained.
SHAPE = {
    "recipe.name": str, "profile.name": str, "plan": dict, "seed": int, "data.name": str,
    "data.version": str, "data.settings": dict, "start": str, "scores": dict, "readings": dict,
    "steps": int, "parameters": int, "seconds": dict, "precision": str, "machine": dict,
    "code.sources": dict, "finished": str, "curve": dict, "notes": dict,
}  # fmt: skip
TRAINED = {"plan.size": list, "seconds.training": float}
KINDS = {str: "a text", int: "a whole number", float: "a number", list: "a list", dict: "a table"}


def _check(found: Mapping[str, Any]) -> None:
    """Raise ValueError for the first thing that is not what it should be."""
    for place, kind in SHAPE.items():
        _need(found, place.split("."), kind)
    for place, kind in TRAINED.items() if "model" in found["recipe"] else ():
        _need(found, place.split("."), kind)
    for scored in found["scores"]:
        for measure in ("map", "rank-1"):
            _need(found, ("scores", scored, measure), float)
            share = found["scores"][scored][measure]
            if not 0 <= share <= 1 + 1e-9:
                raise ValueError(f"its scores.{scored}.{measure} is {share:g}, not from 0 to 1")


def _need(found: Any, keys: Sequence[str], kind: type) -> None:
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise ValueError(f"it has no {'.'.join(keys)}")
        found = found[key]
    number = isinstance(found, int) and not isinstance(found, bool)
    fits = number if kind is int else isinstance(found, kind) or (kind is float and number)
    if not fits or (isinstance(found, float) and not math.isfinite(found)):
        raise ValueError(f"its {'.'.join(keys)} is {found!r}, not {KINDS[kind]}")


def _whole(recipe: dict[str, Any]) -> dict[str, Any]:
    """With the defaults of settings that are younger than the record; what is not trained has none.

    A setting that recipes have no more is left for `stale` to find.
    """
    if "model" not in recipe:
        return recipe
    with suppress(TypeError, KeyError):
        return plain(asdict(from_dict(Recipe, recipe)))
    return recipe


def read_fields(path: Path, names: Sequence[str], form: int) -> dict[str, Any]:
    """What a record's file holds; ValueError, TypeError or KeyError where it is none."""
    found: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or "format" not in found:
        raise ValueError("it has no format")
    if isinstance(found["format"], int) and found["format"] > form:
        raise Unreadable(
            f"{path} is of a newer reidlib: its format is {found['format']}, not {form}"
        )
    if found["format"] != form:
        raise ValueError(f"its format is {found['format']}, not {form}")
    for name in names:
        if name not in found:
            raise ValueError(f"it has no {name!r}")
    return found


def records_beside(place: Path, recipe: str, profile: str) -> list[Path]:
    """The records of a recipe at a profile's size in a run's folder, or beside a model file."""
    folder = place if place.is_dir() else place.parent
    return sorted(folder.glob(f"{recipe.replace('/', '_')}--{profile}--*.json"))


def machine(device: str) -> dict[str, Any]:
    """What a speed, and the last digits of a score, depend on. No names, no paths."""
    kind = torch.device(device).type
    return {
        "device": torch.cuda.get_device_name(device) if kind == "cuda" else kind,
        "processor": processor(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def processor() -> str:
    """The processor's model name, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor()


def _data_version(name: str) -> str | None:
    """Today's version of a data set that this package makes itself."""
    if name != "promenade":
        return None
    from reidlib.data.promenade.settings import VERSION

    return VERSION


def commit() -> str | None:
    """The checkout's commit, with "+" where files differ from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the values are once they have been JSON: lists for tuples."""
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found


def _word(value: Any) -> str:
    """For file names: 256x128 for [256, 128]."""
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]
