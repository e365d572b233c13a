"""What the fairness report needs of the *test* people besides the study and the tables' records.

- `colours`: nearest neighbours by colour histogram, each camera centred, in every scenario, and
  uncentred under "<scenario>, raw". Nothing is trained.
- `doses`: the baseline of world 0, trained on street, under each illness alone at rising strength,
  with the average precision of every query, so that a change of strength has an error of its own.

Records go to `data/results/promenade/<part>/<arm>/`; each score is written as soon as it is there,
and what is recorded is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from reidlib import __version__
from reidlib.checkpoints import load_model
from reidlib.data.promenade.settings import SCENARIOS
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError
from reidlib.experiments.data import Data
from reidlib.experiments.jobs import frame_size
from reidlib.experiments.strengths import LADDER
from reidlib.experiments.study_records import why_stale
from reidlib.extraction import evaluate
from reidlib.histogram import count_colours, score_colours
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import shaping
from reidlib.records import Record, commit, load_records, machine, make_record, plain, write_record
from reidlib.sources import behind, differing
from reidlib.training import Trained, describe, train

COLOURS, DOSES = Path("colours", "histogram"), Path("doses", "baseline")
RECIPE, PROFILE = "baseline", "laptop"


def measure_colours(
    results: Path, world: int, data: Data | None = None, scenarios: Sequence[str] = ()
) -> Record:
    """Colour histograms in these scenarios of a world (default: in all); returns the record."""
    data, folder = data or Data(), results / COLOURS
    code = behind(["reidlib.histogram"])
    record = _earlier(folder, code, lambda known: _is_of(known, world, data))
    known = record.scores if record else {}
    left = [scenario for scenario in scenarios or SCENARIOS if scenario not in known]
    for scenario in tqdm(left, f"colours, world {world}", unit="scenario", dynamic_ncols=True):
        started = time.perf_counter()
        dataset = _test(data, scenario, world)
        counted = count_colours(dataset)
        told = {
            scenario: score_colours(dataset, True, counted).summary(),
            f"{scenario}, raw": score_colours(dataset, False, counted).summary(),
        }
        if record is None:
            record = _untrained(dataset, world, data, code)
        spent = record.seconds["scoring"] + time.perf_counter() - started
        record = replace(
            record, scores={**record.scores, **told}, seconds={"scoring": round(spent, 3)},
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        write_record(record, folder)
    assert record is not None
    return record


def measure_doses(
    results: Path,
    runs: Path,
    world: int = 0,
    data: Data | None = None,
    kept: tuple[Path, Record] | None = None,
) -> Record:
    """The baseline under each illness's strengths; returns the record.

    runs: where the training is kept, so that it is done once.
    kept: a folder that `reid experiment baseline --keep baseline` left, and its record; then
        nothing is trained.
    """
    data, folder = data or Data(), results / DOSES
    chosen, size = recipe(RECIPE), profile(PROFILE)
    if kept:
        trained = _kept(*kept, data, world)
    else:
        trained = train(
            chosen, size, _test(data, data.scenario, world), seed=world,
            out=runs / f"doses-world{world}",
        )  # fmt: skip
    asked = (shaping(plain(asdict(chosen))), plain(asdict(size)))
    record = _earlier(
        folder, trained.sources,
        lambda known: (shaping(known.recipe), known.profile) == asked
        and data.is_of(known, world),
    )  # fmt: skip
    scores = dict(record.scores) if record else {}
    queries: dict[str, Any] = dict(record.notes["queries"]) if record else {"ap": {}}
    left = [scored for scored in LADDER if scored not in scores]
    for scored in tqdm(left, f"doses, world {world}", unit="strength", dynamic_ncols=True):
        dataset = _test(data, scored, world)
        found = evaluate(
            trained.model.to(trained.device), dataset, chosen, size, device=trained.device,
            progress=False,
        )  # fmt: skip
        scores[scored] = found.summary()
        queries["people"] = [t.pid for t in dataset.query]
        queries["ap"][scored] = [None if np.isnan(ap) else round(float(ap), 5) for ap in found.ap]
        record = make_record(trained, scores, notes={"queries": queries})
        write_record(record, folder)
    assert record is not None
    return record


def _kept(folder: Path, record: Record, data: Data, world: int) -> Trained:
    """A trained model as `train` would have returned it.

    Raises ReidError where the model is not the record's, or either is of other data or code.
    """
    model, about = load_model(folder)
    if reason := why_stale(record) or ("" if data.is_of(record, world) else "other data"):
        raise ReidError(f"the record of {folder} does not hold any more: {reason}")
    same = about.data["settings"] == record.data["settings"] and about.start == record.start
    if not same or about.recipe != recipe(RECIPE) or about.profile != profile(PROFILE):
        raise ReidError(f"{folder} is not the {RECIPE} that {record.name} tells of")
    return Trained(
        model, about, record.steps, record.seconds["training"], record.readings, record.parameters,
        "cpu", record.precision, record.code["sources"], record.curve,
    )  # fmt: skip


def _test(data: Data, scored: str, world: int) -> TrackletDataset:
    """Test people; with those to learn from where frames of both are kept for training anyway."""
    size = frame_size(RECIPE, PROFILE)
    if scored == data.scenario:
        return data.load(world, size)
    return data.load_test(scored, world, size)


def _earlier(
    folder: Path, code: Mapping[str, str], same: Callable[[Record], bool]
) -> Record | None:
    """The record of the same request that still holds."""
    for record in load_records(folder) if folder.is_dir() else ():
        other = differing(record.code["sources"], code, record.recipe)
        if not other and same(record) and not why_stale(record):
            return record
    return None


def _is_of(record: Record, world: int, data: Data) -> bool:
    """Whether an untrained record is of this data; it is of many scenarios, so has no digest."""
    told = record.data["settings"]
    asked = (data.size, world, *frame_size(RECIPE, PROFILE), data.asked)
    there = (*map(told.get, ("size", "world", "height", "width")), told.get("asked", ""))
    return there == asked


def _untrained(dataset: TrackletDataset, world: int, data: Data, code: Mapping[str, str]) -> Record:
    """An empty record of something that learns nothing, and has no recipe."""
    about = describe(dataset)
    settings = {k: v for k, v in about["settings"].items() if k not in ("scenario", "digest")}
    if data.asked:
        settings["asked"] = data.asked
    return Record(
        recipe={"name": "colour-histogram"},
        profile={"name": "untrained"},
        plan={},
        seed=world,
        data={**about, "settings": {**settings, "strengths": {}}},
        start="",
        scores={},
        readings={},
        steps=0,
        parameters=0,
        seconds={"scoring": 0.0},
        precision="fp32",
        machine=machine("cpu"),
        code={"version": __version__, "commit": commit(), "sources": dict(code)},
        finished="",
    )
