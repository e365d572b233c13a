"""What the papers print as sheets: rivals, numbers that cannot be, numbers that disagree."""

from __future__ import annotations

from reidlib.experiments.cells import NOT_RUN, SHORT, halvings, number
from reidlib.experiments.data import HALVED, HALVINGS
from reidlib.experiments.forms import Sheet
from reidlib.experiments.printed import PRINTED_NAMES, breaches, disagreements
from reidlib.experiments.printed_text import lone_splits, off_grid, slips, twins
from reidlib.experiments.tables import Comparisons


def comparison_sheet(table: Comparisons) -> Sheet:
    """The rivals as printed, and our run of the paper's method under its name."""
    header = ("method", *(f"{data} {measure}" for data, measure in table.columns))
    rows = [
        (label, *(_as_printed(values.get(column)) for column in table.columns))
        for label, values in table.rows.items()
    ]
    ours = (number(table.ours.get(c)) if c in table.ours else NOT_RUN for c in table.columns)
    rows.append((f"{table.own}, run here", *ours))
    runs = ", ".join(f"{count} on {data}" for data, count in table.worlds.items())
    here = (f"runs here: profile {table.profile}, mean of {runs}",) if runs else ()
    halved = [n for name, n in table.worlds.items() if name in {PRINTED_NAMES[h] for h in HALVED}]
    notes = ("percent, as printed", *here, *halvings(min(halved, default=0), HALVINGS))
    short = ("method", *(f"{SHORT.get(data, data)} {measure}" for data, measure in table.columns))
    label, *cells = rows[-1]
    last = (label if runs else f"{label}: {NOT_RUN}",
            *("-" if cell == NOT_RUN else cell for cell in cells))  # fmt: skip
    return Sheet(f"{table.name}: {table.source}", header, tuple(rows), notes,
                 screen=(short, *rows[:-1], last))  # fmt: skip


def _as_printed(value: float | None) -> str:
    """With the decimals that the paper gives: one, rarely two."""
    return number(value) if value is None or round(value, 1) == value else f"{value:.2f}"


def bounds_sheet() -> Sheet:
    """Printed numbers that their own protocol or their own paper rules out."""
    rows = [
        (b.table, b.row, f"{b.column[0]} {b.column[1]}", number(b.value), b.why)
        for b in (*breaches(), *off_grid())
    ]
    rows += [(f"{s.paper}, in the text", "", s.what, s.stated, s.why) for s in slips()]
    notes = (
        "bounds are computed from the printed CMC values, each end as generous as rounding allows",
        "shares of queries: only where the paper says how many people are tested; with 100 queries "
        "and ten splits every number of one decimal is possible",
        *(f"like one split alone, {one}" for one in lone_splits()),
    )
    header = ("table", "row", "column", "printed", "why it cannot be")
    return Sheet("printed numbers that contradict their own paper", header, tuple(rows), notes)


def disagreements_sheet() -> Sheet:
    """Rivals for whom the papers print different numbers, and numbers of one rival for another."""
    rows = [
        (d.method, f"{d.column[0]} {d.column[1]}", number(value), "; ".join(places))
        for d in disagreements()
        for value, places in d.values.items()
    ]
    rows += [
        ("same numbers", one.what, " ".join(f"{v:.1f}" for v in one.values), "; ".join(one.places))
        for one in twins()
    ]
    header = ("method", "column", "printed", "where")
    return Sheet("one rival, several numbers", header, tuple(rows))
