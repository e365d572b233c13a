"""One job from start to record, in a process of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from reidlib.build import build
from reidlib.checkpoints import MODEL, STATE, load_model, load_weights
from reidlib.data.tracklets import TrackletDataset
from reidlib.experiments.jobs import Job, frame_size
from reidlib.experiments.locks import held
from reidlib.experiments.recorded import WEIGHTS, Found, find, trained_by
from reidlib.extraction import evaluate
from reidlib.memory import keep_freed_memory
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipe as find_recipe
from reidlib.recipes import recipes
from reidlib.recipes.core import Recipe
from reidlib.records import Record, make_record, write_record
from reidlib.sources import sources
from reidlib.training import Trained, train
from reidlib.weights import digest


@dataclass(frozen=True)
class Places:
    """Where and with what jobs are done.

    results: folder of the records. runs: of trainings on their way, removed once recorded.
    keep: recipes whose model file stays. device: as in `train`; threads: of the processor, a job.
    """

    results: Path
    runs: Path
    keep: tuple[str, ...] = ()
    device: str | None = None
    threads: int = 1


Outcome = Literal["done", "recorded", "claimed"]


def perform(job: Job, places: Places) -> Outcome:
    """Train, score, write the records.

    Returns "recorded" where nothing was left to do, "claimed" where another program is at it.
    """
    torch.set_num_threads(places.threads)
    keep_freed_memory()
    record, training = lock_files(job, places)
    with held(record) as mine:
        if not mine:
            return "claimed"
        with held(training) as mine:
            return _perform(job, places) if mine else "claimed"


def _perform(job: Job, places: Places) -> Outcome:
    found = find(job, places.results)
    missing = found.missing(job)
    if not missing:
        return "recorded"
    _train_and_score(job, places, found, missing)
    return "done"


def _with_borrowers(job: Job, results: Path) -> Job:
    """The job with all recorded tests of its weights: other weights would make them stale."""
    others = [r.name for r in recipes().values() if r.weights_of == job.recipe]
    known = find(replace(job, tests=tuple(others)), results)
    tests = [*job.tests, *(n for n in others if n in known.current and n not in job.tests)]
    return replace(job, tests=tuple(tests))


def lock_files(job: Job, places: Places) -> tuple[Path, Path]:
    """Of the job's records, and of the folder it trains in: others may have one of the two."""
    return places.results / ".locks" / job.name, places.runs / f".{job.name}.lock"


def _train_and_score(
    job: Job, places: Places, found: Found, missing: Mapping[str, Sequence[str]]
) -> None:
    """missing: recipe -> what it is to be scored on."""
    scenes = Scenes(job, places)
    home = places.runs / job.name
    # Other code trains other weights: the folder of a half-trained run says which it was.
    made_by = trained_by(find_recipe(job.recipe), find_profile(job.profile))
    folder = home / made_by
    _remove(home, but=folder)
    record = found.current.get(job.recipe)
    if record is not None and _is_kept(folder, record):
        trained = _kept(folder, record, find_recipe(job.recipe), places)
        earlier = {name: one for name, one in found.current.items() if _twins(one, record)}
        names = tuple(missing)
    else:
        # None of the scores there are is this model's: all of them are made again.
        trained, earlier = _train(job, places, scenes, folder), {}
        job = _with_borrowers(job, places.results)
        found, names = find(job, places.results), job.tests
    for name in names:
        known = found.scenes.get(name, ())
        stays = earlier[name].scores if name in earlier else {}
        wanted = dict.fromkeys((*known, *missing.get(name, ())))
        left = [scored for scored in wanted if scored not in stays]
        _record(job, places, scenes, trained, name, left, stays, digest(folder / MODEL))
    kept = any(name in places.keep for name in job.tests)
    _remove(folder if kept else home, but=folder / MODEL if kept else None)


class Scenes:
    """The data sets of one job, the one it trains on loaded once."""

    def __init__(self, job: Job, places: Places) -> None:
        self.job, self.locks = job, places.results / ".locks"
        self.size = frame_size(job.recipe, job.profile)
        self.trained_on: TrackletDataset | None = None

    def train(self) -> TrackletDataset:
        if self.trained_on is None:
            with held(self._rendering(self.job.data.scenario), wait=True):
                self.trained_on = self.job.data.load(self.job.world, self.size)
        return self.trained_on

    def test(self, scored: str) -> TrackletDataset:
        data = self.job.data
        if data.name != "promenade" or scored == data.scenario:
            return self.train()
        with held(self._rendering(scored), wait=True):
            return data.load_test(scored, self.job.world, self.size)

    def _rendering(self, scenario: str) -> Path:
        """Whoever comes second waits for the frames instead of drawing them a second time."""
        return self.locks / f"rendering-{scenario}-{self.job.world}"


def _is_kept(folder: Path, record: Record) -> bool:
    """Whether the model that a record is of lies here.

    A record that does not name its weights is older than that. Then a model beside the state of
    its training is of a run that was stopped before its record was written.
    """
    if not (folder / MODEL).is_file():
        return False
    if told := record.notes.get(WEIGHTS):
        return bool(told == digest(folder / MODEL))
    return not (folder / STATE).exists()


def _twins(one: Record, other: Record) -> bool:
    """Whether two records tell of the same training, down to how long it took."""
    return _training(one) == _training(other)


def _training(record: Record) -> tuple[Any, ...]:
    return record.notes.get(WEIGHTS), record.seconds["training"], record.readings


def _train(job: Job, places: Places, scenes: Scenes, folder: Path) -> Trained:
    """Trained anew; what is left of a run that was stopped is gone on with."""
    return train(
        find_recipe(job.recipe), find_profile(job.profile), scenes.train(), seed=job.world,
        out=folder, device=places.device, progress=False,
    )  # fmt: skip


def _kept(folder: Path, record: Record, recipe: Recipe, places: Places) -> Trained:
    model, about = load_model(folder)
    return Trained(
        model, about, record.steps, record.seconds["training"], record.readings, record.parameters,
        places.device or _best_device(), record.precision, sources(recipe), record.curve,
    )  # fmt: skip


def _best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _record(
    job: Job,
    places: Places,
    scenes: Scenes,
    trained: Trained,
    name: str,
    wanted: Sequence[str],
    stays: Mapping[str, Any],
    weights: str,
) -> None:
    """Score one recipe with the trained weights. stays: scores that these very weights have."""
    if name != job.recipe:
        trained = borrow(trained, find_recipe(name))
    scores = dict(stays)
    started = time.perf_counter()
    for scored in wanted:
        scores[scored] = evaluate(
            trained.model.to(trained.device),
            scenes.test(scored),
            trained.about.recipe,
            trained.about.profile,
            device=trained.device,
            progress=False,
        ).summary()
    seconds = {"scoring": round(time.perf_counter() - started, 3)}
    notes = {WEIGHTS: weights} | ({"asked": job.data.asked} if job.data.asked else {})
    if name != job.recipe:
        notes["trained"] = trained_by(find_recipe(job.recipe), find_profile(job.profile))
    write_record(make_record(trained, scores, seconds=seconds, notes=notes), places.results)


def borrow(trained: Trained, recipe: Recipe) -> Trained:
    """The same weights in the network, and under the test, of another recipe."""
    about = trained.about
    model = build(recipe, about.profile, about.num_classes, pretrained=False).model
    load_weights(model, trained.model.state_dict(), recipe, Path(about.recipe.name))
    return replace(
        trained,
        model=model.eval(),
        about=replace(about, recipe=recipe, start=f"the weights of {about.recipe.name}"),
        parameters=sum(p.numel() for p in model.parameters()),
        sources=sources(recipe),
    )


def _remove(folder: Path, but: Path | None) -> None:
    """The folder and all in it; only what it holds besides `but`, where that is given."""
    if but is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir() if folder.is_dir() else ():
        if path == but:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
