"""A paper's rows in every scenario: which row helps against which illness.

All scores of a row are of the same trained models, so that a gain under an illness minus the gain
in `clean` is what the illness itself explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.printed import MEASURES, printed
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.tables import base_within, known, rows_of, trained_on

EVERY = "all"  # instead of a scenario: each of them


@dataclass(frozen=True)
class Cell:
    """One recipe in one scenario, percent; None without a record.

    gain: over the row's base. beyond: that gain minus the gain in `clean`, which is what the
    illness itself explains; None in `clean`.
    """

    score: Estimate | None
    gain: Estimate | None
    beyond: Estimate | None

    @property
    def explained(self) -> bool:
        """Whether the illness itself surely changes the gain."""
        return bool(self.beyond and not self.beyond.low <= 0 <= self.beyond.high)


def cells(evidence: Evidence, recipe: str, base: str, key: str) -> dict[str, Cell]:
    """Scenario -> cell. base: the recipe that gains are against, or ""; key: as in records."""
    return {scenario: _cell(evidence, recipe, base, key, scenario) for scenario in SCENARIOS}


def _cell(evidence: Evidence, recipe: str, base: str, key: str, scenario: str) -> Cell:
    score = evidence.score(recipe, key, scenario)
    if not base:
        return Cell(score, None, None)
    beyond = None
    if scenario != "clean":
        beyond = evidence.gain_under(recipe, base, key, scenario)
    return Cell(score, evidence.gain(recipe, base, key, scenario), beyond)


@dataclass(frozen=True)
class Row:
    """One row: scenario -> cell. base: label of the row that gains are against, "" for none.

    paper: whose claims name illnesses. stale, score_stale: why gains (of two rows) and scores may
    not hold any more, or "".
    """

    name: str  # the label
    recipe: str
    paper: str
    control: bool
    base: str
    cells: Mapping[str, Cell]
    stale: str
    score_stale: str


@dataclass(frozen=True)
class Scenes:
    """One ablation in one measure, scored in every scenario."""

    table: str
    source: str
    measure: str
    trained: str
    rows: tuple[Row, ...]

    def label(self, row: Row) -> str:
        """A row's name, and on a second line what it is held against where most rows differ."""
        bases = [one.base for one in self.rows if one.base]
        usual = row.base == "" or 2 * bases.count(row.base) > len(bases)
        return row.name if usual else f"{row.name}\n(to {row.base})"


def by_scenario(name: str, evidence: Evidence, measure: str = "mAP") -> Scenes:
    """A paper's table over scenarios: the paper's rows, then the controls."""
    known(measure)
    labels = rows_of(name)
    rows = []
    for label, recipe in labels.items():
        base = base_within(labels, recipe)
        against = labels[base].name if base else ""
        found = cells(evidence, recipe.name, against, MEASURES[measure])
        stale = evidence.stale(*filter(None, (recipe.name, against)))
        rows.append(
            Row(label, recipe.name, recipe.paper, recipe.control, base, found, stale,
                evidence.stale(recipe.name))
        )  # fmt: skip
    return Scenes(name, printed(name).source, measure, trained_on(evidence), tuple(rows))
