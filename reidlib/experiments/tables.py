"""The papers' tables beside ours: rows as data, every number a record's or the paper's.

row | paper (data set) | ours | difference to the base row, in both | verdict
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reidlib.errors import ReidError
from reidlib.experiments.cells import NOT_RUN
from reidlib.experiments.claims import CLAIMS, Comparison
from reidlib.experiments.data import HALVED, HALVINGS, Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.findings import judge
from reidlib.experiments.printed import MEASURES, PRINTED_NAMES, Column, PrintedTable, printed
from reidlib.experiments.statistics import Estimate
from reidlib.recipes import recipes
from reidlib.recipes.core import Recipe


@dataclass(frozen=True)
class Row:
    """One row. printed, printed_gain: by data set, percent; gains are against the row `base`.

    ours, gain: None without a record. verdict: "" where neither the paper nor a claim says what
    to expect. stale, gain_stale, verdict_stale: why ours, the gain (which is of two rows) and the
    verdict (which may be of two others) may not hold any more.
    """

    label: str
    recipe: str
    control: bool
    base: str
    printed: Mapping[str, float]
    printed_gain: Mapping[str, float]
    ours: Estimate | None
    gain: Estimate | None
    verdict: str
    stale: str
    gain_stale: str = ""
    verdict_stale: str = ""

    @property
    def why_stale(self) -> str:
        """Of any of its numbers, ours first."""
        return self.stale or self.gain_stale or self.verdict_stale


@dataclass(frozen=True)
class Table:
    """One ablation in one measure, as `trained` and `scored` say."""

    name: str
    source: str
    measure: str  # as printed: "mAP", "rank-1"
    data_sets: tuple[str, ...]  # of the paper, those with this measure
    trained: str
    scored: str
    rows: tuple[Row, ...]
    halvings: int = 0  # that each row is to be averaged over, of the data sets that have some
    command: str = ""  # what makes such records
    margins: tuple[float, ...] = ()  # points within which verdicts call two rows equivalent


def ablation(name: str, evidence: Evidence, measure: str = "mAP", scored: str = "") -> Table:
    """The rows of one table: the paper's, then the controls.

    measure: "mAP", "rank-1", ...; scored: a scenario, "" for the one in training.
    """
    known(measure)
    paper = printed(name)
    labels = rows_of(name)
    by_recipe = {recipe.name: label for label, recipe in labels.items()}
    rows, margins = [], set()
    for label, recipe in labels.items():
        to = base_within(labels, recipe)
        base = labels[to].name if to else ""
        here, there = (_cells(paper, x, measure) for x in (label, to))
        printed_gain = {d: round(here[d] - there[d], 2) for d in here if d in there}
        key = MEASURES[measure]
        gain = evidence.gain(recipe.name, base, key, scored) if base else None
        deciding = _deciding(recipe.name, base, printed_gain, by_recipe, scored)
        margins |= {deciding.margin} if deciding and deciding.kind == "E" else set()
        rows.append(
            Row(
                label, recipe.name, recipe.control, to, here, printed_gain,
                evidence.score(recipe.name, key, scored), gain,
                _verdict(deciding, evidence, key, scored)
                + _against(deciding, recipe.name, base, by_recipe), evidence.stale(recipe.name),
                evidence.stale(recipe.name, base) if gain else "",
                evidence.stale(deciding.of, deciding.to) if deciding else "",
            )
        )  # fmt: skip
    sets = tuple(dict.fromkeys(data for data, what in paper.columns if what == measure))
    return Table(name, paper.source, measure, sets, trained_on(evidence),
                 scored or evidence.trained_on, tuple(rows),
                 HALVINGS if evidence.data.name in HALVED else 0, evidence.command(name),
                 tuple(sorted(margins)))  # fmt: skip


def known(measure: str) -> None:
    """Raise a ReidError for a measure that no table is in."""
    if measure not in MEASURES:
        raise ReidError(f"no measure {measure!r}; there are {', '.join(MEASURES)}")


def rows_of(name: str) -> dict[str, Recipe]:
    """Label -> recipe of a table's rows, the paper's in their order, then the controls."""
    found = [
        (_readable(label, recipe), recipe)
        for recipe in recipes().values()
        for table, label in ((recipe.table, recipe.row), *recipe.also)
        if table == name
    ]
    order = {label: i for i, label in enumerate(printed(name).rows)}
    found.sort(key=lambda row: (row[1].control, order.get(row[0], len(order))))
    return dict(found)


def base_within(rows: Mapping[str, Recipe], recipe: Recipe) -> str:
    """The label of the row that a recipe's gains are against; "" where the table has none."""
    return next(
        (label for label, row in rows.items() if row.name == recipe.base != recipe.name), ""
    )


def _readable(label: str, recipe: Recipe) -> str:
    """Some controls are named as their recipe is: what they are is told in its summary."""
    return recipe.summary if recipe.control and recipe.name.endswith(f"/{label}") else label


def _cells(paper: PrintedTable, label: str, measure: str) -> dict[str, float]:
    row = paper.rows.get(label, {})
    return {data: value for (data, what), value in row.items() if what == measure}


def _verdict(deciding: Comparison | None, evidence: Evidence, key: str, scored: str) -> str:
    if deciding is None:
        return ""
    found = evidence.gain(deciding.of, deciding.to, key, scored)
    return judge(deciding, found, evidence) if found else NOT_RUN


def _against(deciding: Comparison | None, of: str, base: str, labels: Mapping[str, str]) -> str:
    """The row that a verdict is against, where it is not the base."""
    others = {deciding.of, deciding.to} - {of, base} if deciding else ()
    return "".join(f" (to {labels[other]})" for other in others)


def _deciding(
    of: str, base: str, expected: Mapping[str, float], labels: Mapping[str, str], scored: str
) -> Comparison | None:
    """What judges a row: the claim about it and its base, or the direction of the print.

    Where there is neither, the only claim that holds it against one other row of the table.
    """
    if not base:
        return None
    if claimed := [c for c in _claimed(of, scored) if base in (c.of, c.to)]:
        return claimed[0]
    signs = {gain > 0 for gain in expected.values() if gain}
    if len(signs) == 1:
        return Comparison(of, base) if signs.pop() else Comparison(base, of)
    near = [c for c in _claimed(of, scored) if c.of in labels and c.to in labels]
    return near[0] if len(near) == 1 and not signs else None


def _claimed(recipe: str, scored: str) -> list[Comparison]:
    """The comparisons that a row decides a claim with, those about the scenario itself first."""
    every = [
        c for claim in CLAIMS for c in claim.comparisons
        if c.decides and not (c.illness or c.steps) and recipe in (c.of, c.to)
        and c.scene in ("", scored)
    ]  # fmt: skip
    return sorted(every, key=lambda one: one.scene == "")


def trained_on(evidence: Evidence) -> str:
    """Data and profile of the records, in words."""
    data = evidence.data
    if data.name != "promenade":
        return f"{PRINTED_NAMES.get(data.name, data.name)}, profile {evidence.profile}"
    return f"Promenade {data.size}, {data.scenario}, profile {evidence.profile}"


@dataclass(frozen=True)
class Comparisons:
    """A paper's comparison with its rivals. ours: the paper's model, run here on the user's data.

    worlds: runs (or halvings) behind our numbers, by data set.
    """

    name: str
    source: str
    columns: tuple[Column, ...]
    rows: Mapping[str, Mapping[Column, float]]
    own: str
    ours: Mapping[Column, float]
    worlds: Mapping[str, int]
    profile: str


def comparison(name: str, folder: Path, profile: str) -> Comparisons:
    """The table as printed, and what records say of the same method on the same data set."""
    paper = printed(name)
    recipe = next(r for r in full_models() if r.paper == _code_name(paper.paper))
    ours: dict[Column, float] = {}
    worlds: dict[str, int] = {}
    for reader, data_set in PRINTED_NAMES.items():
        columns = [c for c in paper.columns if c[0] == data_set]
        evidence = Evidence(folder, profile, Data(reader)) if columns else None
        for column in columns:
            assert evidence is not None
            if found := evidence.score(recipe.name, MEASURES[column[1]]):
                ours[column], worlds[data_set] = found.mean, found.worlds
    return Comparisons(
        name, paper.source, paper.columns, paper.rows, paper.own, ours, worlds, profile
    )


def full_models() -> list[Recipe]:
    """Each paper's own model."""
    return [r for name, r in recipes().items() if name == r.paper]


def _code_name(paper: str) -> str:
    from reidlib.recipes import PAPERS

    return next(code for code, name in PAPERS.items() if name == paper)
