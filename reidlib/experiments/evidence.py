"""The records of one question: one profile, one data set, one scenario in training."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from reidlib.experiments.budgets import budgets, saved
from reidlib.experiments.claims import Asked
from reidlib.experiments.data import Data
from reidlib.experiments.mechanisms import MECHANISMS
from reidlib.experiments.mechanisms.records import FOLDER, TruthRecord, load_truth
from reidlib.experiments.recorded import other_weights, why_stale
from reidlib.experiments.statistics import Estimate, differences, estimate
from reidlib.experiments.study_records import Studies
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipes
from reidlib.records import Record, load_records
from reidlib.seeing.truth import Estimate as OverPeople

JUDGED = ("laptop", "fine")  # profiles whose verdicts mechanisms, looked at in `fine`, belong to


@dataclass(frozen=True)
class Held:
    """The record of one recipe in one world, and why it does not hold any more, or ""."""

    record: Record
    stale: str


class Evidence:
    """All that records in a folder say about recipes, in points of percent.

    Where a world has no record that still holds, a stale one stands in, and is told as such.
    only: read no other recipe's records, which is faster, and nothing of mechanisms.
    """

    def __init__(
        self, folder: Path, profile: str = "laptop", data: Data | None = None, *, only: str = ""
    ) -> None:
        self.profile, self.data = profile, data or Data()
        self.folder = folder
        self.held: dict[str, dict[int, Held]] = {}
        self.truth = {} if only else self._truth(folder)
        for record in load_records(folder, only) if folder.is_dir() else ():
            world = self._world(record)
            if world is None:
                continue
            there = self.held.setdefault(record.recipe["name"], {})
            now = Held(record, why_stale(record))
            if world not in there or _rank(now) > _rank(there[world]):
                there[world] = now
        self._borrowed()

    def _truth(self, folder: Path) -> dict[str, TruthRecord]:
        """Records of mechanisms (profile fine), which stand beside what street alone taught."""
        there = (folder / FOLDER).is_dir()
        return load_truth(folder) if self._built_in and self.profile in JUDGED and there else {}

    @property
    def _built_in(self) -> bool:
        """Whether models learn from Promenade as it comes, which studies and mechanisms are of."""
        data, usual = self.data, Data()
        told = (data.name, data.scenario, data.size, dict(data.options))
        return told == (usual.name, usual.scenario, usual.size, {})

    def _borrowed(self) -> None:
        """Scores of borrowed weights go with the training that left these weights, or are stale."""
        known = recipes()
        for name, worlds in self.held.items():
            trainer = known[name].weights_of if name in known else ""
            for world, one in worlds.items():
                other = self.held.get(trainer, {}).get(world)
                if not one.stale and other and (reason := other_weights(one.record, other.record)):
                    worlds[world] = Held(one.record, reason)

    def within(self, worlds: range) -> Evidence:
        """The same, of these worlds' records alone."""
        part = copy(self)
        part.held = {
            name: {world: one for world, one in of.items() if world in worlds}
            for name, of in self.held.items()
        }
        return part

    def observed(self, claim: str, asked: Asked) -> OverPeople | None:
        """The answer to a question; None without a record, or where nobody had an answer."""
        if not self.was_asked(claim, asked):
            return None
        record = self.truth[claim]
        found = record.estimate(asked.scene, asked.question, asked.of, asked.to)
        return found if found.identities > 1 else None

    def was_asked(self, claim: str, asked: Asked) -> bool:
        """Whether a claim's record has the question, with or without answers."""
        record = self.truth.get(claim)
        return bool(record and record.has(asked.scene, asked.question, asked.of, asked.to))

    def truth_words(self, claim: str) -> tuple[str, ...]:
        """What was wrong with what a claim's measurement looked at: dead attention and the like."""
        return tuple(self.truth[claim].words) if claim in self.truth else ()

    def why_truth_is_stale(self, claim: str) -> str:
        """Why the record of a claim's mechanism does not hold any more, or ""."""
        return self.truth[claim].stale() if claim in self.truth else ""

    def truth_numbers(self, claim: str) -> tuple[str, ...]:
        """What the record of a claim says of no person, in words: times and the like."""
        record = self.truth.get(claim)
        if record is None:
            return ()
        told = [
            f"{name}: {value:,.0f}" if value >= 100 else f"{name}: {value:.3g}"
            for name, value in record.numbers.items()
            if value is not None
        ]
        if told and not record.cells:  # of a machine, not of people
            told.append("on {device}, {threads} threads of {cpus} cores, {system}".format(
                **record.machine))  # fmt: skip
        told += ["stale"] * bool(told and record.stale())
        return tuple(told)

    def lacks_cost(self, claim: str) -> bool:
        """Whether a claim's costs are to be measured and are not."""
        return claim in MECHANISMS and claim not in self.truth

    def _world(self, record: Record) -> int | None:
        if record.profile["name"] != self.profile:
            return None
        world = record.seed
        if self.data.is_of(record, world):
            return world
        return world if self.data.knows(record, world) and self._outdated(record) else None

    def _outdated(self, record: Record) -> bool:
        """Whether only the version of the data tells them apart."""
        from reidlib.data.promenade.settings import VERSION

        return self.data.name == "promenade" and bool(record.data["version"] != VERSION)

    @property
    def trained_on(self) -> str:
        """The key of a record's scores on what it was trained for."""
        return self.data.scenario if self.data.name == "promenade" else self.data.name

    def values(self, recipe: str, measure: str, scored: str = "") -> dict[int, float]:
        """World -> score in percent; scored: a scenario, or "" for the one in training."""
        scored = scored or self.trained_on
        return {
            world: 100 * held.record.scores[scored][measure]
            for world, held in sorted(self.held.get(recipe, {}).items())
            if measure in held.record.scores.get(scored, ())
        }

    def score(self, recipe: str, measure: str, scored: str = "") -> Estimate | None:
        """Mean over worlds; None without a record."""
        values = self.values(recipe, measure, scored)
        return estimate(list(values.values())) if values else None

    def gain(self, of: str, to: str, measure: str, scored: str = "") -> Estimate | None:
        """Mean difference of two recipes over the worlds that both have; None without any."""
        values = differences(self.values(of, measure, scored), self.values(to, measure, scored))
        return estimate(list(values.values())) if values else None

    def gain_under(
        self, of: str, to: str, measure: str, illness: str, without: str = "clean"
    ) -> Estimate | None:
        """The gain under an illness minus the gain without, by world: what the illness explains."""
        gains = [
            differences(self.values(of, measure, scored), self.values(to, measure, scored))
            for scored in (illness, without)
        ]
        values = differences(*gains)
        return estimate(list(values.values())) if values else None

    def saved_under(
        self, of: str, to: str, measure: str, illness: str, without: str = "clean"
    ) -> Estimate | None:
        """`gain_under` as a share: of ln(what `to` misses / what `of` misses), by world.

        A tenth of the errors less counts alike however many there are. Worlds in which one of them
        misses nothing are left out; None where that leaves none.
        """
        values = differences(*(self._saved(of, to, measure, s) for s in (illness, without)))
        return estimate(list(values.values())) if values else None

    def _saved(self, of: str, to: str, measure: str, scored: str) -> dict[int, float]:
        ours, theirs = (self.values(name, measure, scored) for name in (of, to))
        return {
            world: math.log((100 - theirs[world]) / (100 - ours[world]))
            for world in sorted(ours.keys() & theirs.keys())
            if max(ours[world], theirs[world]) < 100
        }

    def steps_saved(self, of: str, to: str) -> Estimate | None:
        """Steps of training that `of` needs less than `to`, see `budgets`; None without records."""
        laptop = find_profile("laptop")
        if not self._built_in or self.profile != laptop.name:
            return None  # the study is of Promenade's people in one profile
        study = Studies(self.folder / "promenade", stale=False)
        values = saved(study, of, to, budgets(laptop))
        return estimate(list(values.values())) if values else None

    def parameters(self, recipe: str) -> int | None:
        """Of the recipe's model, as its newest record has them."""
        held = self.held.get(recipe)
        return max(held.values(), key=_rank).record.parameters if held else None

    def command(self, *words: str) -> str:
        """What makes records like these, of the named rows or tables: for people to type."""
        root = ["--root <folder>"] * (self.data.name != Data().name)
        return " ".join(["reid experiment", *words, *self.data.words(self.profile), *root])

    def stale(self, *recipes: str) -> str:
        """Why numbers of these recipes may not hold, in the words of the first such record."""
        for recipe in recipes:
            for held in self.held.get(recipe, {}).values():
                if held.stale:
                    return held.stale
        return ""


def _rank(held: Held) -> tuple[bool, str]:
    """What holds goes before what is stale, the newer before the older."""
    return not held.stale, held.record.finished
