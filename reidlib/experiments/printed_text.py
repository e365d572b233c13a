"""What the papers say in sentences, held against their own tables and sums; and numbers on a grid.

The third kind of slip, beside those of `printed.py`: a sentence quotes a gain that the table does
not have, or a count that its own parts do not add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reidlib.experiments.printed import (
    ROUNDING,
    Breach,
    Column,
    PrintedTable,
    printed,
    printed_tables,
)
from reidlib.experiments.printed_tables import SAME


@dataclass(frozen=True)
class Quoted:
    """A gain in a sentence: `own` over the best of `rivals` in a table, points of percent.

    rivals: rows of the table; "" for all that use no optical flow.
    """

    table: str
    own: str
    rivals: str
    column: Column
    gain: float


_ILIDS, _PRID = "iLIDS-VID", "PRID-2011"
QUOTED = (
    Quoted("trsa-1", "Baseline + L_v + SAM", "Baseline + L_v", (_ILIDS, "rank-1"), 4.9),
    Quoted("trsa-1", "Baseline + L_v + SAM", "Baseline + L_v", (_PRID, "rank-1"), 3.0),
    Quoted("trsa-2", "TRSA", "STAN", (_ILIDS, "rank-1"), 4.1),
    Quoted("rgsa-4", "RGSA+RGTR", "VRSTC", ("MARS", "rank-1"), 0.9),
    Quoted("rgsa-4", "RGSA+RGTR", "VRSTC", ("MARS", "mAP"), 1.7),
    Quoted("rgsa-5", "RGSA+RGTR", "Snippet", (_ILIDS, "rank-1"), 0.6),
    Quoted("rgsa-5", "RGSA+RGTR", "Snippet", (_ILIDS, "rank-5"), 1.3),
    Quoted("fgra-1", "FGRA", "", (_ILIDS, "rank-1"), 6.7),
    Quoted("fgra-1", "FGRA", "", (_PRID, "rank-1"), 2.3),
    Quoted("fgra-1", "FGRA", "", ("MARS", "rank-1"), 0.7),
    Quoted("fgra-1", "FGRA", "", ("MARS", "mAP"), 4.5),
    Quoted("tacan-2", "TACAN", "VRSTC", ("MARS", "rank-1"), 0.6),
    Quoted("tacan-2", "TACAN", "VRSTC", ("MARS", "mAP"), 1.7),
    Quoted("tacan-4", "TACAN", "SCAN", (_ILIDS, "mAP"), 3.1),
    Quoted("tacan-4", "TACAN", "SCAN", (_ILIDS, "rank-1"), 0.8),
    Quoted("tacan-4", "TACAN", "SCAN", (_PRID, "mAP"), 0.9),
    Quoted("sinet-1", "SINet", "STA", ("MARS", "rank-1"), 4.7),
    Quoted("sinet-1", "SINet", "STA", ("MARS", "mAP"), 5.4),
)


@dataclass(frozen=True)
class Counted:
    """Counts that a paper gives of one thing, by its own parts: they should be the same."""

    paper: str
    what: str
    stated: int
    parts: tuple[int, ...]  # a negative part is taken away
    told: str  # what the parts are


COUNTED = (
    Counted("FGRA", "tracklets of MARS, 17,503 and 3,248 distracters", 17503 + 3248, (8298, 12180),
            "its split into training and test, distracters included"),
    Counted("FGRA", "people in the test set of MARS", 636, (1261, -625), "all less training"),
    Counted("TACAN", "tracklets of MARS", 20478, (8298, 12180), "training and test"),
    Counted("TACAN", "people in the test set of MARS", 626, (1261, -625), "all less training"),
    Counted("TACAN", "tracklets in the test set of MARS", 12180, (1980, 9330),
            "query and gallery"),
)  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """A number in a sentence that its own paper contradicts."""

    paper: str
    what: str
    stated: str
    why: str


def slips() -> list[Slip]:
    """Every gain and count in QUOTED and COUNTED that does not come out."""
    return [*_gains(), *_counts()]


def _gains() -> Iterator[Slip]:
    for said in QUOTED:
        table = printed(said.table)
        rivals = [said.rivals] if said.rivals else [
            row for row in table.rows if row != said.own and not row.endswith("+OF")
        ]  # fmt: skip
        best = max((row for row in rivals if said.column in table.rows[row]),
                   key=lambda row: table.rows[row][said.column])  # fmt: skip
        own, other = table.rows[said.own][said.column], table.rows[best][said.column]
        if abs(own - other - said.gain) > ROUNDING:
            over = said.rivals or "all without optical flow"
            yield Slip(
                table.paper, f"gain over {over}, {' '.join(said.column)}", f"{said.gain:+.1f}",
                f"{table.where} has {own:.1f} - {other:.1f} ({best}) = {own - other:+.1f}",
            )  # fmt: skip


def _counts() -> Iterator[Slip]:
    for said in COUNTED:
        if sum(said.parts) != said.stated:
            first, *more = said.parts
            terms = f"{first:,}" + "".join(f" {'-' if n < 0 else '+'} {abs(n):,}" for n in more)
            why = f"{terms} = {sum(said.parts):,}, {said.told}"
            yield Slip(said.paper, said.what, f"{said.stated:,}", why)


# Papers that say how many people are tested in how many splits: every share is k of the product.
GRIDS = {"FGRA": (_PRID, 89, 10, "178 people, half of them tested")}


# Papers that say how many queries one split has, where ten are usual.
LONE = {"FGRA": (_ILIDS, 150)}


def off_grid() -> list[Breach]:
    """Printed CMC values of a paper's own networks that no count of hits gives.

    Only where the paper says the number of people: with 100 queries and ten splits, which others
    may have, every number of one decimal is possible.
    """
    found = []
    for table in printed_tables().values():
        if table.paper not in GRIDS:
            continue
        data, queries, splits, said = GRIDS[table.paper]
        for row, values in _own_rows(table):
            for (where, measure), value in values.items():
                if where == data and measure != "mAP" and not on_grid(value, queries * splits):
                    why = (
                        f"{said}, as the paper says: {queries} queries; no k / {queries * splits}, "
                        f"a mean over {splits} splits, rounds to it"
                    )
                    found.append(Breach(table.name, row, (where, measure), value, why))
    return found


def lone_splits() -> Iterator[str]:
    """Rows of a paper's own networks whose every CMC value is a share of one split's queries.

    A mean over ten splits may be so, too, but then each value is so by chance alone.
    """
    for table in printed_tables().values():
        if table.paper not in LONE:
            continue
        data, queries = LONE[table.paper]
        rows: list[str] = []
        values, every = 0, _own_rows(table)
        for row, cells in every:
            own = [v for (where, what), v in cells.items() if where == data and what != "mAP"]
            if own and all(on_grid(value, queries) for value in own):
                rows, values = [*rows, row], values + len(own)
        if rows:
            share = sum(on_grid(k / 10, queries) for k in range(1001)) / 1001
            yield (
                f"{table.name}: {', '.join(rows)} ({len(rows)} of {len(every)} rows): all {values} "
                f"CMC values of {data} are k / {queries}; of numbers with one decimal, "
                f"{share:.0%} are"
            )


def _own_rows(table: PrintedTable) -> list[tuple[str, dict[Column, float]]]:
    own = [table.own] if table.kind == "comparison" else list(table.rows)
    return [(row, dict(table.rows[row])) for row in own]


def on_grid(percent: float, count: int) -> bool:
    """Whether some k of `count` is `percent`, rounded to one decimal."""
    nearest = round(percent * count / 100)
    return abs(100 * nearest / count - percent) <= ROUNDING + 1e-9


@dataclass(frozen=True)
class Twin:
    """The same numbers in two papers where something else should stand."""

    what: str
    values: tuple[float, ...]
    places: tuple[str, str]


def twins() -> list[Twin]:
    """Rows of two methods that are equal, and values that moved to another rank."""
    tables = [
        table
        for table in printed_tables().values()
        if table.kind == "comparison" and not table.name.endswith("-rerun")
    ]
    pairs = [(one, other) for i, one in enumerate(tables) for other in tables[i + 1 :]]
    return [twin for check in (_renamed, _moved) for twin in _of_pairs(pairs, check)]


def _of_pairs(
    pairs: list[tuple[PrintedTable, PrintedTable]],
    check: Callable[[PrintedTable, str, PrintedTable, str], Iterator[Twin]],
) -> Iterator[Twin]:
    for one, other in pairs:
        for row in one.rows:
            for there in other.rows:
                yield from check(one, row, other, there)


def _method(row: str, table: PrintedTable) -> str:
    return SAME.get(f"{row} ({table.paper})", SAME.get(row, row))


def _renamed(one: PrintedTable, row: str, other: PrintedTable, there: str) -> Iterator[Twin]:
    """Two methods with the same values, at least three of a data set."""
    if _method(row, one) == _method(there, other):
        return
    for data in dict(one.columns):
        both = [c for c in one.rows[row].keys() & other.rows[there].keys() if c[0] == data]
        both.sort(key=one.columns.index)
        values = tuple(one.rows[row][c] for c in both)
        if len(both) > 2 and values == tuple(other.rows[there][c] for c in both):
            places = (f"{one.source} ({row})", f"{other.source} ({there})")
            yield Twin(f"{data} {', '.join(c[1] for c in both)}", values, places)


def _moved(one: PrintedTable, row: str, other: PrintedTable, there: str) -> Iterator[Twin]:
    """One method, one value, and a rank that the other table does not print."""
    if _method(row, one) != _method(there, other):
        return
    for here, value in one.rows[row].items():
        for away, same in other.rows[there].items():
            if value == same and here[0] == away[0] and here not in other.columns:
                if away in one.columns:
                    continue
                places = (
                    f"{one.source} ({row}), {here[1]}",
                    f"{other.source} ({there}), {away[1]}",
                )
                yield Twin(f"{here[0]} {here[1]} or {away[1]}", (value,), places)
