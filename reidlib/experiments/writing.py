"""Our records as sheets: cells in words for people, numbers for programs. Nothing is computed.

What needs no records is in `printed_sheets`, what goes over scenarios in `scene_sheets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reidlib.experiments.cells import (
    CONTROL,
    NOT_RUN,
    SHORT,
    ends,
    gain,
    halvings,
    number,
    numbered,
    score,
    signed,
)
from reidlib.experiments.forms import Sheet
from reidlib.experiments.jobs import FIVE_PAPERS
from reidlib.experiments.looking import DIAMETERS_TABLE, MAPS_TABLE
from reidlib.experiments.printed import printed_tables
from reidlib.experiments.printed_sheets import bounds_sheet, disagreements_sheet
from reidlib.experiments.strengths import STRENGTHS_TABLE
from reidlib.experiments.tables import Row, Table

if TYPE_CHECKING:
    from reidlib.experiments.verdicts import Verdict


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
                numbered(place, row.label, row.control),
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
        notes.append(f"no row is recorded here yet: `{table.command}` runs them")
    if any(row.ours and row.verdict for row in table.rows):
        notes.append(
            "verdict: of a row by itself; `reid verdicts` has its claim, and Holm's correction"
        )
    if table.margins:
        within = " or ".join(f"{margin:g}" for margin in table.margins)
        notes.append(
            f"equivalent: shown to lie within {within} points; different: beyond; undecided there: "
            "neither is shown"
        )
    if len({row.ours.worlds for row in table.rows if row.ours}) > 1:
        notes.append(
            "rows with unlike numbers of worlds have means over unlike people: what compares them "
            "is `ours diff.`, over the worlds that both rows have"
        )
    notes += [CONTROL] * any(row.control for row in table.rows)
    fewest = min((row.ours.worlds for row in table.rows if row.ours), default=0)
    notes += halvings(fewest, table.halvings)
    stale = {row.why_stale for row in table.rows if row.why_stale and row.ours}
    notes += [f"!: stale, {why}" for why in sorted(stale)]
    return Sheet(f"{table.name}: {table.source}", header, tuple(rows), tuple(notes),
                 screen=_screen(table, rows), data=_data(table))  # fmt: skip


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


def _data(table: Table) -> tuple[tuple[object, ...], ...]:
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
        rows.append(tuple(cells))
    return (tuple(header), *rows)


def _paired(row: Row) -> str:
    """A row's gain; its worlds where they are fewer than the row's, and whether it may not hold."""
    told = gain(row.gain)
    if row.gain and row.ours and row.gain.worlds != row.ours.worlds:
        told += f" ({row.gain.worlds} world{'s' * (row.gain.worlds > 1)})"
    return told + " !" * bool(row.gain and row.gain_stale)


def _judged(row: Row) -> str:
    measured = row.verdict not in ("", NOT_RUN)
    return (row.verdict or "-") + " !" * bool(measured and row.verdict_stale)


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
