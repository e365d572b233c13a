"""Tables as text, Markdown, LaTeX and CSV. Cells are strings by now; nothing is computed here."""

from __future__ import annotations

import csv
import io
import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from reidlib.experiments.five_papers import FivePapers
from reidlib.experiments.jobs import FIVE_PAPERS, HALVED, HALVINGS
from reidlib.experiments.printed import PRINTED_NAMES, breaches, disagreements, printed_tables
from reidlib.experiments.printed_tables import DIAMETERS
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.tables import NOT_RUN, Comparisons, Table

if TYPE_CHECKING:
    from reidlib.experiments.mechanisms.records import TruthRecord
    from reidlib.experiments.verdicts import Verdict
    from reidlib.seeing.truth import Estimate as OverPeople

DIAMETERS_TABLE = "tacan-3"  # as `reid table` calls it
FORMATS = ("text", "markdown", "latex", "csv")
WIDE = 40  # characters of a cell in a line of text


@dataclass(frozen=True)
class Sheet:
    """A title, a header, rows of cells, and notes beneath."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


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
                _gain(row.gain) if row.base else "-",
                numbers.get(row.base, "-"),
                row.verdict or "-",
            )
        )
    notes = [
        f"ours: {table.trained}, scored on {table.scored}; percent; mean and 95 % t interval over "
        "worlds, differences paired by world",
        "(+): a control of ours, not in the paper",
    ]
    fewest = min((row.ours.worlds for row in table.rows if row.ours), default=0)
    notes += _halvings(fewest, table.halvings)
    stale = {row.stale for row in table.rows if row.stale and row.ours}
    notes += [f"!: stale, {why}" for why in sorted(stale)]
    return Sheet(f"{table.name}: {table.source}", header, tuple(rows), tuple(notes))


def five_papers_sheet(*tables: FivePapers) -> Sheet:
    """Scores of every method in every scenario, then its gains; a table for each kind of base."""
    first = tables[0]
    scenarios = tuple(first.rows[0].cells)
    rows = []
    for together in zip(*(table.rows for table in tables)):
        row = together[0]
        held = any(cell.score for cell in row.cells.values())
        mark = " !" if held and any(one.stale for one in together) else ""
        rows.append((row.name + mark, "", *(_score(cell.score) for cell in row.cells.values())))
        for one in together:
            gains = [_gain(cell.gain) for cell in one.cells.values()]
            rows += [(f"{one.name}{mark}", f"minus {one.base}", *gains)] if one.base else []
    notes = [
        f"{first.measure}, percent; {first.trained}; mean and 95 % t interval over worlds, "
        "differences paired by world; a number alone is of one world",
    ]
    stale = {row.stale for table in tables for row in table.rows if row.stale}
    notes += [f"!: stale, {why}" for why in sorted(stale)]
    return Sheet("five papers, one protocol", ("method", "", *scenarios), tuple(rows), tuple(notes))


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
    return Sheet(f"{table.name}: {table.source}", header, tuple(rows), notes)


def bounds_sheet() -> Sheet:
    """Printed numbers that their own protocol or their own paper rules out."""
    rows = [
        (b.table, b.row, f"{b.column[0]} {b.column[1]}", _number(b.value), b.why)
        for b in breaches()
    ]
    notes = (
        "bounds are computed from the printed CMC values, each end as generous as rounding allows",
    )
    header = ("table", "row", "column", "printed", "why it cannot be")
    return Sheet("printed numbers that contradict their own paper", header, tuple(rows), notes)


def disagreements_sheet() -> Sheet:
    """Rivals for whom the papers print different numbers."""
    rows = [
        (d.method, f"{d.column[0]} {d.column[1]}", _number(value), "; ".join(places))
        for d in disagreements()
        for value, places in d.values.items()
    ]
    header = ("method", "column", "printed", "where")
    return Sheet("one rival, several numbers", header, tuple(rows))


def diameters_sheet(truth: TruthRecord | None) -> Sheet:
    """TACAN's Table 3: diameters of five people as printed, and ours from the record of claim C5.

    Three of ours, mean over people: raw as printed, of unit vectors, and relative to the distance
    between people; only the last two can be compared across models.
    """
    kinds, models = ("raw", "unit", "relative"), ("tacan-1/ca", "tacan-1/minmax")
    rows = []
    for (label, values), model in zip(DIAMETERS.items(), models):
        ours = [
            _between(truth.estimate("street", f"diameter, {kind}", model)) if truth else NOT_RUN
            for kind in kinds
        ]
        rows.append((label, *(f"{value:.4f}" for value in values), *ours))
    header = ("model", *(f"sample {i}" for i in range(1, 6)), *(f"ours {kind}" for kind in kinds))
    notes = ["ours: mean over people, 95 % bootstrap interval over them"]
    if truth is None:
        notes = [f"`reid truth C5` measures ours, once {' and '.join(models)} are trained"]
    elif why := truth.stale():
        notes.append(f"stale, {why}")
    title = "tacan-3: TACAN, Table 3, largest distance within a person"
    return Sheet(title, header, tuple(rows), tuple(notes))


def verdicts_sheet(every: Sequence[Verdict], paper: str) -> Sheet:
    """A paper's claims: what it says, its number, the verdict here and what it rests on."""
    header = ("claim", "the paper says", "its number", "here", "because")
    rows = [
        (v.claim.id, v.claim.text, v.claim.printed, v.verdict, v.why or "nothing measured yet")
        for v in every
        if v.claim.paper == paper
    ]
    return Sheet(f"{paper}: what became of its claims", header, tuple(rows))


def list_sheet() -> Sheet:
    """Every name that can be asked for."""
    rows: list[tuple[str, ...]] = [(t.name, t.source, t.kind) for t in printed_tables().values()]
    rows.append((DIAMETERS_TABLE, "TACAN, Table 3", "diameters"))
    rows.append((FIVE_PAPERS, "all", "scenarios"))
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


def write(sheet: Sheet, form: str) -> str:
    """The sheet in one of FORMATS."""
    return {"text": _text, "markdown": _markdown, "latex": _latex, "csv": _csv}[form](sheet)


def csv_of(table: Table) -> str:
    """An ablation for programs: every number in a column of its own, `seeds` = worlds."""
    header = ["table", "row", "recipe", "control", "measure", "scored", "trained"]
    header += [f"paper {data}" for data in table.data_sets]
    header += ["ours", "low", "high", "seeds", "base"]
    header += [f"paper difference {data}" for data in table.data_sets]
    header += ["difference", "difference low", "difference high", "p", "verdict", "stale"]
    rows = []
    for row in table.rows:
        cells: list[object] = [table.name, row.label, row.recipe, row.control, table.measure]
        cells += [table.scored, table.trained, *(row.printed.get(d, "") for d in table.data_sets)]
        cells += [*_ends(row.ours), row.ours.worlds if row.ours else 0, row.base]
        cells += [row.printed_gain.get(data, "") for data in table.data_sets]
        cells += [*_ends(row.gain), row.gain.p if row.gain else "", row.verdict, row.stale]
        rows.append(cells)
    return _lines([header, *rows])


def _halvings(fewest: int, wanted: int) -> list[str]:
    """What to say where runs are there, and not of all the halvings that a protocol averages."""
    return [f"{fewest} of {wanted} halvings"] if 0 < fewest < wanted else []


def _ends(found: Estimate | None) -> list[object]:
    if found is None:
        return ["", "", ""]
    ends = (found.low, found.high)
    return [found.mean, *(end if math.isfinite(end) else "" for end in ends)]


def _between(found: OverPeople) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


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


def _text(sheet: Sheet) -> str:
    head, rows = _wrapped(sheet.header), [_wrapped(row) for row in sheet.rows]
    columns = zip(*head, *(line for row in rows for line in row))
    widths = [max(map(len, column)) for column in columns]
    rule = ["-" * width for width in widths]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
        for cells in (*head, rule, *(line for row in rows for line in row))
    ]
    return "\n".join([sheet.title, "", *lines, "", *sheet.notes])


def _wrapped(cells: Sequence[str]) -> list[tuple[str, ...]]:
    """A row as lines: the words of a long cell go on beneath. Names stay whole."""
    fold = textwrap.TextWrapper(
        WIDE, subsequent_indent="   ", break_on_hyphens=False, break_long_words=False
    )
    parts = [fold.wrap(cell) or [""] for cell in cells]
    return list(zip_longest(*parts, fillvalue=""))


def _markdown(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    body = [line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, sheet.rows)]
    return "\n".join([f"**{sheet.title}**", "", *body, "", *(f"{n}  " for n in sheet.notes)])


_ESCAPES = {"\\": r"\textbackslash{}", "±": r"$\pm$", **{c: f"\\{c}" for c in "&%$#_{}"}}


def _latex(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(_ESCAPES.get(c, c) for c in cell) for cell in cells) + r" \\"

    return "\n".join(
        [
            f"% {sheet.title}",
            *(f"% {note}" for note in sheet.notes),
            r"\begin{tabular}{l" + "r" * (len(sheet.header) - 2) + "l}",
            r"\toprule",
            line(sheet.header),
            r"\midrule",
            *map(line, sheet.rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _csv(sheet: Sheet) -> str:
    return _lines([sheet.header, *sheet.rows])


def _lines(rows: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().rstrip("\n")
