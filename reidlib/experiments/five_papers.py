"""Five papers, one protocol: every method in every scenario.

The methods are trained on the same people from the same first weights with the same budget, each
with the losses and batches of its own paper. So there are two questions. Against `baseline`: what
does a paper's whole recipe bring? Against its own base (`OWN`: the same losses and batches without
the paper's modules): what do the modules bring?
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS
from reidlib.experiments.claims import CLAIMS
from reidlib.experiments.data import WORLDS
from reidlib.experiments.evidence import Evidence, Held
from reidlib.experiments.printed import MEASURES
from reidlib.experiments.scenes import Cell, Shown, cells
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.tables import known, trained_on
from reidlib.recipes import PAPERS

BASELINE = "baseline"
# The row of each paper's own table that its modules are added to.
OWN = {
    "trsa": "trsa-1/triplet",
    "rgsa_rgtr": "rgsa-1/baseline",
    "fgra": "fgra-2/gb-avg",
    "tacan": "tacan-1/triplet",
    "sinet": "sinet-2/base",
}
METHODS = (BASELINE, *PAPERS)
# What a difference compares, where the profile sets the budget of every method.
RULES = (
    "one for all: people and frames of 64x32, the small backbone and its first weights (TACAN's "
    "full model has squeeze-and-excitation in it, and that network's first weights), clips of 4 "
    "frames, batches of 8 people x 4 clips, 750 steps of Adam, their schedule",
    "each paper's own: losses, how batches are put together (SINet's groups, the others' one "
    "pass), which frames make a clip, augmentation, how tracklets are tested; so `minus baseline` "
    "compares whole recipes, and `minus` a paper's own row only its modules and their losses",
)


@dataclass(frozen=True)
class Row:
    """One method: scenario -> cell. stale: why its gains may not hold any more, or "".

    score_stale: the same for its scores, which are of its own records alone.
    """

    method: str
    base: str  # the recipe that gains are against; "" for the baseline itself
    cells: Mapping[str, Cell]
    stale: str
    score_stale: str

    @property
    def name(self) -> str:
        return PAPERS.get(self.method, self.method)


@dataclass(frozen=True)
class FivePapers:
    """Baseline and five methods in every scenario, in one measure.

    rules: what is the same for all methods and what is not, in words.
    """

    measure: str
    trained: str
    rows: tuple[Row, ...]
    rules: tuple[str, ...] = ()

    @property
    def shown(self) -> list[Shown]:
        """The methods that are held against another."""
        return [Shown(r.name, r.cells, named(r.method), r.stale) for r in self.rows if r.base]

    @property
    def empty(self) -> bool:
        """Whether no record says anything."""
        return not any(cell.score for row in self.rows for cell in row.cells.values())


def five_papers(evidence: Evidence, measure: str = "mAP", *, own: bool = False) -> FivePapers:
    """The whole table; own: gains over each paper's own base instead of over the baseline."""
    known(measure)
    key = MEASURES[measure]
    rows = []
    for method in METHODS:
        base = "" if method == BASELINE else OWN[method] if own else BASELINE
        stale = evidence.stale(*filter(None, (method, base)))
        found = cells(evidence, method, base, key)
        rows.append(Row(method, base, found, stale, evidence.stale(method)))
    rules = RULES if evidence.profile == "laptop" else ()
    return FivePapers(measure, trained_on(evidence), tuple(rows), rules)


def named(paper: str) -> tuple[str, ...]:
    """The illnesses that a paper's claims are about: of their comparisons, or in their words."""
    claims = [claim for claim in CLAIMS if claim.paper == PAPERS[paper]]
    found = {c.illness for claim in claims for c in claim.comparisons}
    found |= {word for claim in claims for word in re.findall(r"\w+", claim.text)}
    return tuple(illness for illness in ILLNESSES if illness in found)


def missing(evidence: Evidence, *, own: bool = False, worlds: int = WORLDS) -> str:
    """Which runs the table still waits for, and what makes them; "" when nothing is missing."""
    recipes = [*METHODS, *(OWN.values() if own else ())]
    done = {name: sum(_complete(h) for h in evidence.held.get(name, {}).values())
            for name in recipes}  # fmt: skip
    short = {name: count for name, count in done.items() if count < worlds}
    if not short:
        return ""
    told = ", ".join(f"{name} {count} of {worlds}" for name, count in short.items())
    return (
        f"worlds with a record that holds, in all {len(SCENARIOS)} scenarios: {told}.\n"
        f"What makes the others: {evidence.command(*short, f'--worlds {worlds}')}"
    )


def _complete(held: Held) -> bool:
    return not held.stale and set(SCENARIOS) <= set(held.record.scores)


@dataclass(frozen=True)
class Advice:
    """For one kind of video. better, worse: methods whose gain is surely above or below zero.

    open: those whose interval contains zero, or that have none; unknown: those without a record.
    """

    scenario: str
    named_by: tuple[str, ...]
    better: tuple[tuple[str, Estimate], ...]  # the largest gain first
    worse: tuple[tuple[str, Estimate], ...]
    open: tuple[str, ...]
    unknown: tuple[str, ...]


def advice(table: FivePapers) -> tuple[Advice, ...]:
    """Which method for which video, as far as the records decide it."""
    return tuple(_advice(table, scenario) for scenario in SCENARIOS)


def _advice(table: FivePapers, scenario: str) -> Advice:
    gains = {row.name: row.cells[scenario].gain for row in table.rows if row.base}
    measured = {name: gain for name, gain in gains.items() if gain}
    ranked = sorted(measured.items(), key=lambda item: -item[1].mean)
    return Advice(
        scenario,
        tuple(PAPERS[paper] for paper in PAPERS if scenario in named(paper)),
        tuple((name, gain) for name, gain in ranked if gain.low > 0),
        tuple((name, gain) for name, gain in ranked if gain.high < 0),
        tuple(name for name, gain in ranked if gain.low <= 0 <= gain.high),
        tuple(name for name, gain in gains.items() if gain is None),
    )
