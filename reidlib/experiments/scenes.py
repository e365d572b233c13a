"""A paper's rows in every scenario: which row helps against which illness.

All scores of a row are of the same trained models, so that a gain under an illness minus the gain
in `clean` says what the illness adds. In points it says so only roughly: where little is missing,
little can be gained. So the same question is asked of shares, too, of what the base row misses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.claims import CLAIMS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.printed import MEASURES, printed
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.tables import base_within, known, rows_of, trained_on

SURE, ROUGHLY = "*", "~"  # behind a gain that is another than in clean
EVERY = "all"  # instead of a scenario: each of them


@dataclass(frozen=True)
class Cell:
    """One recipe in one scenario, percent; None without a record.

    gain: over the row's base. beyond: that gain minus the gain in `clean`, over the worlds scored
    in both. saved: the same as a share of the errors, see `Evidence.saved_under`. Both are None in
    `clean`.
    """

    score: Estimate | None
    gain: Estimate | None
    beyond: Estimate | None
    saved: Estimate | None = None

    @property
    def mark(self) -> str:
        """SURE where `beyond` and `saved` surely have one sign, ROUGHLY where only `beyond` has."""
        if self.beyond is None or not self.beyond.sign:
            return ""
        return SURE if self.saved and self.saved.sign == self.beyond.sign else ROUGHLY


@dataclass(frozen=True)
class Shown:
    """A line of a picture of gains. illnesses: those that the claims are about; stale: of gains."""

    name: str
    cells: Mapping[str, Cell]
    illnesses: tuple[str, ...]
    stale: str


def cells(evidence: Evidence, recipe: str, base: str, key: str) -> dict[str, Cell]:
    """Scenario -> cell. base: the recipe that gains are against, or ""; key: as in records."""
    return {scenario: _cell(evidence, recipe, base, key, scenario) for scenario in SCENARIOS}


def _cell(evidence: Evidence, recipe: str, base: str, key: str, scenario: str) -> Cell:
    score = evidence.score(recipe, key, scenario)
    if not base:
        return Cell(score, None, None)
    gain = evidence.gain(recipe, base, key, scenario)
    if scenario == "clean":
        return Cell(score, gain, None)
    beyond, saved = (
        under(recipe, base, key, scenario) for under in (evidence.gain_under, evidence.saved_under)
    )
    return Cell(score, gain, beyond, saved)


@dataclass(frozen=True)
class Row:
    """One row: scenario -> cell. base: label of the row that gains are against, "" for none.

    illnesses: those that a claim compares these two rows under. stale, score_stale: why gains (of
    two rows) and scores may not hold any more, or "".
    """

    name: str  # the label
    recipe: str
    control: bool
    base: str
    cells: Mapping[str, Cell]
    illnesses: tuple[str, ...]
    stale: str
    score_stale: str


@dataclass(frozen=True)
class SceneTable:
    """One ablation in one measure, scored in every scenario. command: what makes its records."""

    table: str
    source: str
    measure: str
    trained: str
    rows: tuple[Row, ...]
    command: str

    @property
    def usual(self) -> str:
        """The row that most others are held against; "" where there is none."""
        bases = [row.base for row in self._compared]
        return next((base for base in bases if 2 * bases.count(base) > len(bases)), "")

    @property
    def _compared(self) -> list[Row]:
        """The paper's rows that are held against another."""
        return [row for row in self.rows if row.base and not row.control]

    @property
    def shown(self) -> list[Shown]:
        """A row's name, and on a second line what it is held against, unless that is usual."""
        return [
            Shown(row.name if row.base == self.usual else f"{row.name}\n(to {row.base})",
                  row.cells, row.illnesses, row.stale)
            for row in self._compared
        ]  # fmt: skip


def by_scenario(name: str, evidence: Evidence, measure: str = "mAP") -> SceneTable:
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
            Row(label, recipe.name, recipe.control, base, found, _claimed(recipe.name, against),
                stale, evidence.stale(recipe.name))
        )  # fmt: skip
    return SceneTable(name, printed(name).source, measure, trained_on(evidence), tuple(rows),
                  evidence.command(name, "--score-on all"))  # fmt: skip


def _claimed(of: str, to: str) -> tuple[str, ...]:
    found = (c for claim in CLAIMS for c in claim.comparisons if {c.of, c.to} == {of, to})
    return tuple(dict.fromkeys(c.illness or c.scene for c in found if c.illness or c.scene))
