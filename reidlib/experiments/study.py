"""What fights the noise, measured: before any paper's module is, on validation people alone.

Differences of one to three points between models are to be decided by five worlds. So each measure
against noise is tried in turn with a *neutral* pair, one frame against four, on validation people;
`reid promenade report` says what each one bought. A large difference also moves much from world to
world, so the profile itself is held against two frames too, an effect nearer to the papers' size.
What was chosen stands in the profile `laptop` and in the strengths of `street`; both were fixed on
21 November 2026. The budget is not at the plateau: either arm of `plateau` still gains more with
half as many steps again than a settled one may. So a score alone would be another with a longer
budget, and a difference is settled only where the report says that a longer budget leaves it alone.

Every run leaves one record in `data/results/promenade/<part>/<arm>/`, with its queries' average
precisions (`notes["queries"]`), from which the report draws people again and again:

- `scratch-120`, `scratch`, `pretrained`, `averaged`: fewer training people; all of them; the
  shipped backbone; weight averaging too, which is the profile itself. Arms `four` and `one`, and
  in the last `two`.
- `plateau`: the budget, and half as many steps again, for the baseline and for a neutral newcomer,
  squeeze-and-excitation blocks that start at random inside the pretrained network.
- `climbs`: the same two budgets for each paper's full model in world 0, so that a table can say
  which of them still climbs. It chooses nothing: the budget was fixed before.
- `budgets`: TACAN with and without its min-max loss at four budgets up to the profile's, for the
  claim that the loss makes training more efficient. It chooses nothing either.
- `seeds`: the profile's baseline with ten seeds in world 0, scored on the *test* people; it
  chooses nothing.

The scores per scenario, and under each illness's strengths, are the ordinary records of
`reid experiment baseline`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reidlib.errors import ReidError
from reidlib.experiments.budgets import PART as BUDGETS
from reidlib.experiments.budgets import RIVALS, arm, budgets
from reidlib.experiments.data import Data
from reidlib.experiments.locks import held
from reidlib.experiments.runner import Processes
from reidlib.experiments.study_records import why_stale
from reidlib.files import data_folder
from reidlib.memory import keep_freed_memory
from reidlib.recipes import PAPERS
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipe as find_recipe
from reidlib.recipes.core import Profile, Recipe, shaping
from reidlib.records import Record, make_record, plain, read_record, write_record

PARTS = (
    "scratch-120",
    "scratch",
    "pretrained",
    "averaged",
    "plateau",
    "climbs",
    "budgets",
    "seeds",
)
WORLDS, SEEDS = 5, 10
SIZE, SCENARIO = "small", "street"
PEOPLE = {"validation": 450}  # as many as a test has
JUDGES: dict[str, Any] = {"evaluate": "validation", "people": PEOPLE}
NEWCOMER = "newcomer"  # the arm of `plateau` with the random blocks; the other is "baseline"


@dataclass(frozen=True)
class Trial:
    """One training of the study."""

    part: str
    arm: str
    world: int
    recipe: Recipe
    profile: Profile
    seed: int | None = None  # None: the world's number
    data: Mapping[str, Any] = field(default_factory=dict)  # further options of `promenade.load`
    weights: Path | None = None

    @property
    def folder(self) -> Path:
        return Path(self.part, self.arm)

    def __str__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.part}, {self.arm}, world {self.world}{seed}"


def trials(parts: Sequence[str] = PARTS, worlds: int = WORLDS) -> list[Trial]:
    """The study's runs, world by world within a part.

    worlds: of each part; `plateau` has three at most, `climbs` and `seeds` have world 0 alone.
    Raises ReidError for a part that does not exist, and without a world.
    """
    if worlds < 1:
        raise ReidError(f"the study needs at least 1 world, not {worlds}")
    for part in parts:
        if part not in PARTS:
            raise ReidError(f"the study has no part {part!r}; it has {', '.join(PARTS)}")
    found: list[Trial] = []
    for part in parts:
        if part == "plateau":
            found += [trial for world in range(min(worlds, 3)) for trial in _plateau(world)]
        elif part == "climbs":
            found += [trial for paper in PAPERS for trial in _climb(paper)]
        elif part == BUDGETS:
            found += [trial for world in range(worlds) for trial in _budgets(world)]
        elif part == "seeds":
            found += [_seed(seed) for seed in range(SEEDS)]
        else:
            found += [trial for world in range(worlds) for trial in _neutral(part, world)]
    return found


def _neutral(part: str, world: int) -> list[Trial]:
    """Four frames and fewer, with the measures against noise up to `part`."""
    laptop, four = find_profile("laptop"), find_recipe("baseline")
    arms = {"four": four, "one": replace(four, small_clip_length=1, frames="random")}
    if part == "averaged":
        arms["two"] = replace(four, small_clip_length=2)
    people = dict(JUDGES["people"])
    if part == "scratch-120":
        people["train"] = 120
    if part in ("scratch-120", "scratch"):
        laptop = replace(laptop, pretrained="")
    if part != "averaged":
        laptop = replace(laptop, averaging=0.0)
    data = {**JUDGES, "people": people}
    return [Trial(part, arm, world, recipe, laptop, data=data) for arm, recipe in arms.items()]


def _plateau(world: int) -> list[Trial]:
    laptop, baseline = find_profile("laptop"), find_recipe("baseline")
    longer = replace(laptop, steps=_half_again(laptop))
    newcomer = replace(baseline, backbone={**baseline.backbone, "se": True})
    start = data_folder("checkpoints") / f"{laptop.pretrained}.safetensors"
    make = partial(Trial, "plateau", world=world, data=JUDGES)
    return [
        make(arm=f"{arm}-{profile.steps}", recipe=recipe, profile=profile, weights=weights)
        for arm, recipe, weights in (("baseline", baseline, None), (NEWCOMER, newcomer, start))
        for profile in (laptop, longer)
    ]


def _climb(paper: str) -> list[Trial]:
    laptop, recipe = find_profile("laptop"), find_recipe(paper)
    longer = replace(laptop, steps=_half_again(laptop))
    return [
        Trial("climbs", f"{paper}-{profile.steps}", 0, recipe, profile, data=JUDGES)
        for profile in (laptop, longer)
    ]


def _budgets(world: int) -> list[Trial]:
    laptop = find_profile("laptop")
    return [
        Trial(
            BUDGETS, arm(name, n), world, find_recipe(name), replace(laptop, steps=n), data=JUDGES
        )
        for name in RIVALS
        for n in budgets(laptop)
    ]


def _half_again(profile: Profile) -> int:
    if profile.steps is None:
        raise ReidError(f"the profile {profile.name} has no fixed number of steps")
    return profile.steps * 3 // 2


def _seed(seed: int) -> Trial:
    recipe, laptop = find_recipe("baseline"), find_profile("laptop")
    return Trial("seeds", "baseline", 0, recipe, laptop, seed=seed)


def run_study(
    asked: Sequence[Trial],
    results: Path,
    *,
    at_once: int = 1,
    progress: bool = True,
) -> list[tuple[Trial, str]]:
    """Do the trials that have no record of now in `results`; returns what failed, and why.

    Stopped at any moment and started again, it goes on with the runs that are missing.
    Raises ReidError where no run is to be done `at_once`.
    """
    from concurrent.futures import as_completed

    from tqdm import tqdm

    if at_once < 1:
        raise ReidError(f"at least 1 run has to be done at once, not {at_once}")
    left, failed = [one for one in asked if recorded(one, results) is None], []
    own = Processes(at_once)
    try:
        with tqdm(total=len(left), unit="run", disable=not progress, dynamic_ncols=True) as bar:
            running = {own.submit(perform, one, results): one for one in left}
            for future in as_completed(running):
                if error := future.exception():
                    failed.append((running[future], str(error)))
                bar.update()
    finally:
        own.shutdown()
    return failed


def perform(trial: Trial, results: Path) -> None:
    """Train, score, write the record."""
    from reidlib.data import promenade
    from reidlib.extraction import evaluate
    from reidlib.recipes.core import plan
    from reidlib.training import train

    torch.set_num_threads(1)  # several runs share the machine
    keep_freed_memory()
    height, width = plan(trial.recipe, trial.profile).size
    with held(results / ".locks" / f"rendering-{trial.world}", wait=True):
        dataset = promenade.load(
            SIZE, SCENARIO, world=trial.world, height=height, width=width, progress=False,
            **trial.data,
        )  # fmt: skip
    seed = trial.world if trial.seed is None else trial.seed
    trained = train(
        trial.recipe, trial.profile, dataset, seed=seed, weights=trial.weights, progress=False
    )
    score = evaluate(
        trained.model.to(trained.device), dataset, trial.recipe, trial.profile,
        device=trained.device, progress=False,
    )  # fmt: skip
    notes = {
        "study": {"part": trial.part, "arm": trial.arm},
        "queries": {
            "people": [tracklet.pid for tracklet in dataset.query],
            "ap": [None if np.isnan(ap) else round(float(ap), 5) for ap in score.ap],
        },
    }
    record = make_record(trained, {"street": score.summary()}, notes=notes)
    folder = results / trial.folder
    folder.mkdir(parents=True, exist_ok=True)
    write_record(record, folder)


def recorded(trial: Trial, results: Path) -> Record | None:
    """The trial's record, unless it is missing or not what the trial would give now.

    That is: of the same recipe, profile and data, to the last setting, and of today's code, data
    and first weights.
    """
    seed = trial.world if trial.seed is None else trial.seed
    for path in sorted((results / trial.folder).glob(f"*--seed{seed}.json")):
        record = read_record(path)
        if not outdated(record, trial):
            return record
    return None


def outdated(record: Record, trial: Trial) -> str:
    """Why the record is not what this trial would give now; "" where it is.

    The study changes profiles on purpose, so the record is held against the trial's own.
    """
    if record.profile != plain(asdict(trial.profile)):
        return "the profile has changed"
    if shaping(record.recipe) != shaping(plain(asdict(trial.recipe))):
        return "the recipe has changed"
    if reason := why_stale(record):
        return reason
    asked = Data(size=SIZE, scenario=SCENARIO, options=trial.data)
    return "" if asked.is_of(record, trial.world) else "the data are asked for otherwise"
