"""Our records as sheets: cells in words for people, numbers for programs. Nothing is computed.

What needs no records is in `printed_sheets`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reidlib.experiments.cells import NOT_RUN, SHORT, ends, gain, halvings, number, score, signed
from reidlib.experiments.five_papers import FivePapers
from reidlib.experiments.five_papers import Row as Method
from reidlib.experiments.forms import FORMATS, WIDE, Sheet, lines, write
from reidlib.experiments.jobs import FIVE_PAPERS
from reidlib.experiments.looking import DIAMETERS_TABLE, MAPS_TABLE
from reidlib.experiments.printed import printed_tables
from reidlib.experiments.printed_sheets import (
    bounds_sheet,
    comparison_sheet,
    disagreements_sheet,
)
from reidlib.experiments.scenes import ROUGHLY, SURE, Cell, SceneTable
from reidlib.experiments.scenes import Row as SceneRow
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.strengths import STEPS, STRENGTHS_TABLE, Strengths
from reidlib.experiments.tables import Row, Table

if TYPE_CHECKING:
    from reidlib.experiments.verdicts import Verdict

__all__ = ["FORMATS", "WIDE", "Sheet", "comparison_sheet", "write"]


CONTROL = "(+): a control of ours, not in the paper"


def ablation_sheet(table: Table) -> Sheet:
    """One measure: the paper's data sets, ours, differences in both, the verdict."""
    sets = table.data_sets
    header = (
        "row", *(f"{data} {table.measure}" for data in sets), f"ours {table.measure}", "worlds",
        *(f"{data} diff." for data in sets), "ours diff.", "to row", "verdict",
    )  # fmt: skip
    numbers = {row.label: str(place) for place, row in enumerate(table.rows, 1)}
    rows = []
    for place, row in enumerate(table.rows, 1):
        ours = score(row.ours) + (" !" if row.stale and row.ours else "")
        rows.append(
            (
                _numbered(place, row.label, row.control),
                *(number(row.printed.get(data)) for data in sets),
                ours,
                str(row.ours.worlds) if row.ours else "0",
                *(signed(row.printed_gain.get(data)) for data in sets),
                _paired(row) if row.base else "-",
                numbers.get(row.base, "-"),
                _judged(row),
            )
        )
    notes = [
        f"ours: {table.trained}, scored on {table.scored}; percent; mean and 95 % t interval over "
        "worlds, differences paired by world",
    ]
    if not any(row.ours for row in table.rows):
        notes.append(f"no row is recorded here yet: `reid experiment {table.name}` runs them")
    if any(row.ours and row.verdict for row in table.rows):
        notes.append(
            "verdict: of a row by itself; `reid verdicts` has margins and Holm's correction"
        )
    notes += [CONTROL] * any(row.control for row in table.rows)
    fewest = min((row.ours.worlds for row in table.rows if row.ours), default=0)
    notes += halvings(fewest, table.halvings)
    stale = {row.why_stale for row in table.rows if row.why_stale and row.ours}
    notes += [f"!: stale, {why}" for why in sorted(stale)]
    return Sheet(
        f"{table.name}: {table.source}", header, tuple(rows), tuple(notes),
        screen=_screen(table, rows),
    )  # fmt: skip


def _screen(table: Table, rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """An ablation's cells for a screen: the paper's value and its difference in one."""
    count = len(table.data_sets)
    papers = (f"{SHORT.get(data, data)} {table.measure} (diff.)" for data in table.data_sets)
    header = ("row", *papers, f"ours {table.measure}", "worlds", "ours diff.", "to row", "verdict")
    told = [header]
    for label, *cells in rows:
        ours, gains = cells[count : count + 2], cells[count + 2 : 2 * count + 2]
        values = (
            value if change == "-" else f"{value} ({change})"
            for value, change in zip(cells[:count], gains)
        )
        told.append((label, *values, *ours, *cells[2 * count + 2 :]))
    return tuple(told)


def _numbered(place: int, label: str, control: bool) -> str:
    """A row's place and name; some papers number their rows, too."""
    return f"{place}. {'(+) ' * control}" + re.sub(r"^\d+[a-z]?\. ", "", label)


def scenes_sheet(table: SceneTable) -> Sheet:
    """A paper's rows in every scenario: gains over the row's base, scores where it has none."""
    numbers = {row.name: str(place) for place, row in enumerate(table.rows, 1)}
    rows, screen, data = [], [], []
    for place, row in enumerate(table.rows, 1):
        found = [cell.gain if row.base else cell.score for cell in row.cells.values()]
        mark = " !" * bool(row.stale and any(found))
        head = (_numbered(place, row.name, row.control) + mark, numbers.get(row.base, "-"),
                _span(found))  # fmt: skip
        rows.append((*head, *(_whole(row, cell) for cell in row.cells.values())))
        screen.append((*head, *(_short(row, cell) for cell in row.cells.values())))
        data += [_scene_line(table, row, scenario) for scenario in row.cells]
    told = [cell for line in rows for cell in line[3:]]
    marked = {row.stale for row, line in zip(table.rows, rows) if line[0].endswith(" !")}
    notes = [
        f"{table.measure}, percent; {table.trained}; of a row with another under `to row`, the "
        "gain over it; mean and 95 % t interval over worlds, differences paired by world; a number "
        "alone is of one world",
        *_marks(rows),
    ]
    if "-" in told:
        notes.append(
            f"-: no record of the row, or of the one it is held against: `{table.command}`"
        )
    notes += [CONTROL] * any(row.control for row in table.rows)
    notes += [f"!: stale, {why}" for why in sorted(marked)]
    header = ("row", "to row", "worlds", *table.rows[0].cells)
    return Sheet(f"{table.table} in every scenario: {table.source}", header, tuple(rows),
                 tuple(notes), keys=3, screen=(header, *screen),
                 data=(SCENE_COLUMNS, *data))  # fmt: skip


MARKS = (
    f"{SURE}: surely another gain than in clean, in points and as a share of what the other row "
    f"misses; {ROUGHLY}: in points alone, and it may only be that there is more to gain or lose. "
    "By the interval of the difference, which is not shown, over the worlds scored in both; each "
    "cell by itself, and a row's cells share the gain in clean"
)
SCENE_COLUMNS = (
    "table", "row", "recipe", "control", "base", "scenario", "measure",
    "mean", "low", "high", "seeds", "stale",
    *(f"{what}{end}" for what in ("difference", "beyond clean", "beyond clean in log errors")
      for end in ("", " low", " high", " seeds")),
    "difference stale",
)  # fmt: skip


def _scene_line(table: SceneTable, row: SceneRow, scenario: str) -> tuple[object, ...]:
    """One row in one scenario for programs."""
    cell = row.cells[scenario]
    head = (table.table, row.name, row.recipe, row.control, row.base, scenario, table.measure)
    more = (number for found in (cell.gain, cell.beyond, cell.saved) for number in _four(found))
    stale = (row.score_stale if cell.score else "", row.stale if cell.gain else "")
    return (*head, *_four(cell.score), stale[0], *more, stale[1])


def _four(found: Estimate | None) -> list[object]:
    return [*ends(found), found.worlds if found else 0]


def _marks(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The note that marks behind gains ask for."""
    return [MARKS] if any(cell.endswith((SURE, ROUGHLY)) for row in rows for cell in row) else []


def _marked(cell: Cell) -> str:
    return f"{gain(cell.gain)} {cell.mark}".rstrip()


def _whole(row: SceneRow, cell: Cell) -> str:
    if row.base:
        return _marked(cell) if cell.gain else "-"
    return score(cell.score) if cell.score else "-"


def _short(row: SceneRow, cell: Cell) -> str:
    """Half the interval's width instead of its ends, so that seven scenarios fit a line."""
    found = cell.gain if row.base else cell.score
    if found is None:
        return "-"
    told = f"{found.mean:+.1f}" if row.base else f"{found.mean:.1f}"
    return told + f"±{found.high - found.mean:.1f}" * (found.worlds > 1) + cell.mark


def five_papers_sheet(*tables: FivePapers) -> Sheet:
    """Scores of every method in every scenario, then its gains; a table for each kind of base."""
    first = tables[0]
    rows, data = [], []
    for together in zip(*(table.rows for table in tables)):
        row, cells = together[0], together[0].cells.values()
        scores = [cell.score for cell in cells]
        mark = " !" * bool(row.score_stale and any(scores))
        rows.append((row.name + mark, "", _span(scores), *map(score, scores)))
        data += _numbers(row, "", first.measure)
        for one in together:
            if one.base:
                gains = [cell.gain for cell in one.cells.values()]
                mark = " !" * bool(one.stale and any(gains))
                told = (f"{one.name}{mark}", f"minus {one.base}", _span(gains))
                rows.append((*told, *map(_marked, one.cells.values())))
                data += _numbers(one, one.base, first.measure)
    notes = [
        f"{first.measure}, percent; {first.trained}; mean and 95 % t interval over worlds, "
        "differences paired by world; a number alone is of one world",
        *_marks(rows),
        *first.rules,
    ]
    stale = {row.stale for table in tables for row in table.rows if row.stale}
    notes += [f"!: stale, {why}" for why in sorted(stale)]
    header = ("method", "", "worlds", *first.rows[0].cells)
    columns = ("method", "recipe", "minus", "scenario", "measure", "mean", "low", "high", "seeds",
               "stale")  # fmt: skip
    return Sheet("five papers, one protocol", header, tuple(rows), tuple(notes), keys=3,
                 data=(columns, *data))  # fmt: skip


def strengths_sheet(table: Strengths) -> Sheet:
    """Scores of every method from no illness to its full strength, and what that costs."""
    rows, data = [], []
    for curve in table.curves:
        scores = {s: curve.scores.get(s) for s in STEPS}
        mark = " !" * bool(curve.stale and curve.scores)
        told = (curve.illness, curve.name + mark, _span([curve.change]))
        rows.append((*told, *map(score, scores.values()), gain(curve.change)))
        for strength, one in scores.items():
            head = (curve.illness, strength, curve.name, curve.method, table.measure)
            data.append((*head, *ends(one), one.worlds if one else 0, curve.stale if one else ""))
    notes = [
        f"{table.measure}, percent, by the illness's strength; {table.trained}; tested under one "
        "illness alone; mean and 95 % t interval over worlds, a number alone is of one world",
        *filter(None, [table.missing]),
    ]
    stale = {curve.stale for curve in table.curves if curve.stale and curve.scores}
    notes += [f"!: stale, {why}" for why in sorted(stale)]
    header = ("illness", "method", "worlds", *(f"{s:g}" for s in STEPS), "full - none")
    columns = ("illness", "strength", "method", "recipe", "measure", "mean", "low", "high",
               "seeds", "stale")  # fmt: skip
    return Sheet("strengths: one illness at a time, from none to full", header, tuple(rows),
                 tuple(notes), keys=3, data=(columns, *data))  # fmt: skip


def _span(found: Sequence[Estimate | None]) -> str:
    """Worlds behind the numbers of a line: as many as every cell has, or from least to most."""
    counts = sorted({one.worlds for one in found if one}) or [0]
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"


def _numbers(row: Method, base: str, measure: str) -> list[tuple[object, ...]]:
    """Scores of a method, or its gains over `base`, a line a scenario."""

    def line(scenario: str, cell: Cell) -> tuple[object, ...]:
        found = cell.gain if base else cell.score
        head = (row.name, row.method, base, scenario, measure)
        stale = (row.stale if base else row.score_stale) if found else ""
        return (*head, *ends(found), found.worlds if found else 0, stale)

    return [line(scenario, cell) for scenario, cell in row.cells.items()]


def verdicts_sheet(every: Sequence[Verdict], paper: str) -> Sheet:
    """A paper's claims: what it says, its number, the verdict here and what it rests on."""
    header = ("claim", "the paper says", "its number", "here", "because")
    rows = [
        (v.claim.id, v.claim.text, v.claim.printed, v.told, _because(v))
        for v in every
        if v.claim.paper == paper
    ]
    return Sheet(f"{paper}: what became of its claims", header, tuple(rows))


def _because(verdict: Verdict) -> str:
    found, note = verdict.why or "nothing measured yet", verdict.claim.note
    return f"{found}. {note[:1].upper()}{note[1:]}" if note else found


def list_sheet() -> Sheet:
    """Every name that can be asked for."""
    rows: list[tuple[str, ...]] = [(t.name, t.source, t.kind) for t in printed_tables().values()]
    rows += [
        (DIAMETERS_TABLE, "TACAN, Table 3", "diameters"),
        (MAPS_TABLE, "all", "what maps show"),
    ]
    rows += [(FIVE_PAPERS, "all", "scenarios"), (STRENGTHS_TABLE, "all", "illnesses")]
    rows += [("bounds", "all", "check"), ("disagreements", "all", "check")]
    return Sheet("tables", ("name", "source", "kind"), tuple(sorted(rows)))


def table_names() -> list[str]:
    """What `reid table` takes."""
    return [*(row[0] for row in list_sheet().rows), "list"]


# Sheets that need no records.
PAPERS_ALONE = {
    "bounds": bounds_sheet,
    "disagreements": disagreements_sheet,
    "list": list_sheet,
}


def csv_of(table: Table) -> str:
    """An ablation for programs: every number in a column of its own, `seeds` = worlds.

    A difference has seeds of its own: the worlds that both rows have.
    """
    header = ["table", "row", "recipe", "control", "measure", "scored", "trained"]
    header += [f"paper {data}" for data in table.data_sets]
    header += ["ours", "low", "high", "seeds", "base"]
    header += [f"paper difference {data}" for data in table.data_sets]
    header += ["difference", "difference low", "difference high", "difference seeds", "p"]
    header += ["verdict", "stale"]
    rows = []
    for row in table.rows:
        cells: list[object] = [table.name, row.label, row.recipe, row.control, table.measure]
        cells += [table.scored, table.trained, *(row.printed.get(d, "") for d in table.data_sets)]
        cells += [*ends(row.ours), row.ours.worlds if row.ours else 0, row.base]
        cells += [row.printed_gain.get(data, "") for data in table.data_sets]
        cells += [*ends(row.gain), row.gain.worlds if row.gain else 0]
        cells += [row.gain.p if row.gain else "", row.verdict, row.why_stale if row.ours else ""]
        rows.append(cells)
    return lines([header, *rows])


def _paired(row: Row) -> str:
    """A row's gain; its worlds where they are fewer than the row's, and whether it may not hold."""
    told = gain(row.gain)
    if row.gain and row.ours and row.gain.worlds != row.ours.worlds:
        told += f" ({row.gain.worlds} world{'s' * (row.gain.worlds > 1)})"
    return told + " !" * bool(row.gain and row.gain_stale)


def _judged(row: Row) -> str:
    measured = row.verdict not in ("", NOT_RUN)
    return (row.verdict or "-") + " !" * bool(measured and row.verdict_stale)
