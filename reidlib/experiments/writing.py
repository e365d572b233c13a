"""Every table as a sheet: cells in words for people, numbers for programs. Nothing is computed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reidlib.experiments.five_papers import Cell, FivePapers
from reidlib.experiments.five_papers import Row as Method
from reidlib.experiments.forms import FORMATS, WIDE, Sheet, lines, write
from reidlib.experiments.jobs import FIVE_PAPERS, HALVED, HALVINGS
from reidlib.experiments.looking import DIAMETERS_TABLE, MAPS_TABLE
from reidlib.experiments.printed import PRINTED_NAMES, breaches, disagreements, printed_tables
from reidlib.experiments.printed_text import off_grid, slips, twins
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.strengths import STEPS, STRENGTHS_TABLE, Strengths
from reidlib.experiments.tables import NOT_RUN, Comparisons, Row, Table

if TYPE_CHECKING:
    from reidlib.experiments.verdicts import Verdict

__all__ = ["FORMATS", "WIDE", "Sheet", "write"]

# Data sets on a screen.
SHORT = {"iLIDS-VID": "iLIDS", "PRID-2011": "PRID", "DukeMTMC-VideoReID": "Duke"}


def ablation_sheet(table: Table) -> Sheet:
    """One measure: the paper's data sets, ours, differences in both, the verdict."""
    sets = table.data_sets
    header = (
        "row", *(f"{data} {table.measure}" for data in sets), f"ours {table.measure}", "worlds",
        *(f"{data} diff." for data in sets), "ours diff.", "to row", "verdict",
    )  # fmt: skip
    numbers = {row.label: str(number) for number, row in enumerate(table.rows, 1)}
    rows = []
    for number, row in enumerate(table.rows, 1):
        label = re.sub(r"^\d+[a-z]?\. ", "", row.label)  # some papers number their rows, too
        ours = _score(row.ours) + (" !" if row.stale and row.ours else "")
        rows.append(
            (
                f"{number}. {'(+) ' * row.control}{label}",
                *(_number(row.printed.get(data)) for data in sets),
                ours,
                str(row.ours.worlds) if row.ours else "0",
                *(_signed(row.printed_gain.get(data)) for data in sets),
                _paired(row) if row.base else "-",
                numbers.get(row.base, "-"),
                _judged(row),
            )
        )
    notes = [
        f"ours: {table.trained}, scored on {table.scored}; percent; mean and 95 % t interval over "
        "worlds, differences paired by world",
        "(+): a control of ours, not in the paper",
    ]
    fewest = min((row.ours.worlds for row in table.rows if row.ours), default=0)
    notes += _halvings(fewest, table.halvings)
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
            value if gain == "-" else f"{value} ({gain})"
            for value, gain in zip(cells[:count], gains)
        )
        told.append((label, *values, *ours, *cells[2 * count + 2 :]))
    return tuple(told)


def five_papers_sheet(*tables: FivePapers) -> Sheet:
    """Scores of every method in every scenario, then its gains; a table for each kind of base."""
    first = tables[0]
    rows, data = [], []
    for together in zip(*(table.rows for table in tables)):
        row, cells = together[0], together[0].cells.values()
        scores = [cell.score for cell in cells]
        mark = " !" * bool(row.score_stale and any(scores))
        rows.append((row.name + mark, "", _span(scores), *map(_score, scores)))
        data += _numbers(row, "", first.measure)
        for one in together:
            if one.base:
                gains = [cell.gain for cell in one.cells.values()]
                mark = " !" * bool(one.stale and any(gains))
                told = (f"{one.name}{mark}", f"minus {one.base}", _span(gains))
                rows.append((*told, *map(_gain, gains)))
                data += _numbers(one, one.base, first.measure)
    notes = [
        f"{first.measure}, percent; {first.trained}; mean and 95 % t interval over worlds, "
        "differences paired by world; a number alone is of one world",
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
        rows.append((*told, *map(_score, scores.values()), _gain(curve.change)))
        for strength, one in scores.items():
            head = (curve.illness, strength, curve.name, curve.method, table.measure)
            data.append((*head, *_ends(one), one.worlds if one else 0, curve.stale if one else ""))
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
        return (*head, *_ends(found), found.worlds if found else 0, stale)

    return [line(scenario, cell) for scenario, cell in row.cells.items()]


def comparison_sheet(table: Comparisons) -> Sheet:
    """The rivals as printed, and our run of the paper's method under its name."""
    header = ("method", *(f"{data} {measure}" for data, measure in table.columns))
    rows = [
        (label, *(_number(values.get(column)) for column in table.columns))
        for label, values in table.rows.items()
    ]
    ours = (_number(table.ours.get(c)) if c in table.ours else NOT_RUN for c in table.columns)
    rows.append((f"{table.own}, run here", *ours))
    worlds = ", ".join(f"{data} {count}" for data, count in table.worlds.items())
    halved = [n for name, n in table.worlds.items() if name in {PRINTED_NAMES[h] for h in HALVED}]
    notes = ("percent, as printed", *((f"runs here: {worlds}",) if worlds else ()),
             *_halvings(min(halved, default=0), HALVINGS))  # fmt: skip
    short = ("method", *(f"{SHORT.get(data, data)} {measure}" for data, measure in table.columns))
    label, *cells = rows[-1]
    here = (label if worlds else f"{label}: {NOT_RUN}",
            *("-" if cell == NOT_RUN else cell for cell in cells))  # fmt: skip
    return Sheet(f"{table.name}: {table.source}", header, tuple(rows), notes,
                 screen=(short, *rows[:-1], here))  # fmt: skip


def bounds_sheet() -> Sheet:
    """Printed numbers that their own protocol or their own paper rules out."""
    rows = [
        (b.table, b.row, f"{b.column[0]} {b.column[1]}", _number(b.value), b.why)
        for b in (*breaches(), *off_grid())
    ]
    rows += [(f"{s.paper}, in the text", "", s.what, s.stated, s.why) for s in slips()]
    notes = (
        "bounds are computed from the printed CMC values, each end as generous as rounding allows",
        "shares of queries: only where the paper says how many people are tested; with 100 queries "
        "and ten splits every number of one decimal is possible",
    )
    header = ("table", "row", "column", "printed", "why it cannot be")
    return Sheet("printed numbers that contradict their own paper", header, tuple(rows), notes)


def disagreements_sheet() -> Sheet:
    """Rivals for whom the papers print different numbers, and numbers of one rival for another."""
    rows = [
        (d.method, f"{d.column[0]} {d.column[1]}", _number(value), "; ".join(places))
        for d in disagreements()
        for value, places in d.values.items()
    ]
    rows += [
        ("same numbers", one.what, " ".join(f"{v:.1f}" for v in one.values), "; ".join(one.places))
        for one in twins()
    ]
    header = ("method", "column", "printed", "where")
    return Sheet("one rival, several numbers", header, tuple(rows))


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
        cells += [*_ends(row.ours), row.ours.worlds if row.ours else 0, row.base]
        cells += [row.printed_gain.get(data, "") for data in table.data_sets]
        cells += [*_ends(row.gain), row.gain.worlds if row.gain else 0]
        cells += [row.gain.p if row.gain else "", row.verdict, row.why_stale if row.ours else ""]
        rows.append(cells)
    return lines([header, *rows])


def _halvings(fewest: int, wanted: int) -> list[str]:
    """What to say where runs are there, and not of all the halvings that a protocol averages."""
    return [f"{fewest} of {wanted} halvings"] if 0 < fewest < wanted else []


def _ends(found: Estimate | None) -> list[object]:
    """Mean, low and high; None, an empty cell for programs, where there is none."""
    if found is None:
        return [None, None, None]
    ends = (found.low, found.high)
    return [found.mean, *(end if math.isfinite(end) else None for end in ends)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _score(found: Estimate | None) -> str:
    if found is None:
        return NOT_RUN
    if found.worlds < 2:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} ± {found.high - found.mean:.1f}"


def _gain(found: Estimate | None) -> str:
    if found is None:
        return NOT_RUN
    if found.worlds < 2:
        return f"{found.mean:+.1f}"
    return f"{found.mean:+.1f} [{found.low:+.1f}, {found.high:+.1f}]"


def _paired(row: Row) -> str:
    """A row's gain; its worlds where they are fewer than the row's, and whether it may not hold."""
    told = _gain(row.gain)
    if row.gain and row.ours and row.gain.worlds != row.ours.worlds:
        told += f" ({row.gain.worlds} world{'s' * (row.gain.worlds > 1)})"
    return told + " !" * bool(row.gain and row.gain_stale)


def _judged(row: Row) -> str:
    measured = row.verdict not in ("", NOT_RUN)
    return (row.verdict or "-") + " !" * bool(measured and row.verdict_stale)
