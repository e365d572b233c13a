"""The papers' tables: read from `printed_tables.py`, compared with one another and with bounds.

Two checks need no data. The same rival should have the same numbers everywhere; and where each
query has a single true match, its average precision is 1 / rank, so that the CMC curve bounds mAP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from reidlib.errors import ReidError
from reidlib.experiments.printed_tables import SAME, TEXT

Column = tuple[str, str]  # data set, measure

# What the data sets are called in print, by the names their readers have here.
PRINTED_NAMES = {
    "mars": "MARS",
    "duke": "DukeMTMC-VideoReID",
    "ilids": "iLIDS-VID",
    "prid": "PRID-2011",
    "lsvid": "LS-VID",
}
MEASURES = {"mAP": "map", "rank-1": "rank-1", "rank-5": "rank-5", "rank-10": "rank-10",
            "rank-20": "rank-20"}  # fmt: skip
# Data sets with one true match a query: gallery sizes that papers use.
SINGLE_MATCH = {"iLIDS-VID": (150,), "PRID-2011": (89, 100)}
ROUNDING = 0.05  # half of the last digit printed, percent


@dataclass(frozen=True)
class PrintedTable:
    """One table. Values are percent; a row marked "*" in the source is the paper's own method."""

    name: str
    paper: str
    where: str
    kind: Literal["ablation", "comparison"]
    columns: tuple[Column, ...]
    rows: Mapping[str, Mapping[Column, float]]
    own: str = ""

    @property
    def source(self) -> str:
        return f"{self.paper}, {self.where}"


@lru_cache
def printed_tables() -> dict[str, PrintedTable]:
    """Every table by name."""
    blocks = [block.strip() for block in TEXT.strip().split("\n\n")]
    return {table.name: table for table in map(_read, blocks)}


def printed(name: str) -> PrintedTable:
    """The table `name`. Raises ReidError with the names there are."""
    known = printed_tables()
    if name not in known:
        raise ReidError(f"no printed table {name!r}; there are {', '.join(known)}")
    return known[name]


def _read(block: str) -> PrintedTable:
    head, sets, *lines = block.splitlines()
    name, paper, where, kind = (part.strip() for part in head.removeprefix("=").split("|"))
    columns = tuple(
        (data.strip(), measure)
        for data, measures in (one.split(":") for one in sets.split(";"))
        for measure in measures.split()
    )
    rows, own = {}, ""
    for line in lines:
        label, *groups = line.split(" | ")
        values = " ".join(groups).split()
        if len(values) != len(columns):
            raise ValueError(f"{name}, {label}: {len(values)} values for {len(columns)} columns")
        if label.endswith(" *"):
            label = own = label.removesuffix(" *")
        rows[label] = {c: float(v) for c, v in zip(columns, values) if v != "-"}
    assert kind in ("ablation", "comparison")
    return PrintedTable(name, paper, where, kind, columns, rows, own)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Disagreement:
    """One rival, one measure, several numbers: where each stands."""

    method: str
    column: Column
    values: Mapping[float, tuple[str, ...]]  # number -> tables that print it


def disagreements() -> list[Disagreement]:
    """Rivals for which the papers' comparison tables print different numbers."""
    found: dict[tuple[str, Column], dict[float, list[str]]] = {}
    for table in printed_tables().values():
        if table.kind != "comparison" or table.name.endswith("-rerun"):
            continue
        for row, values in table.rows.items():
            method = SAME.get(f"{row} ({table.paper})", SAME.get(row, row))
            for column, value in values.items():
                of = found.setdefault((method, column), {})
                near = next((v for v in of if abs(v - value) <= ROUNDING), value)
                of.setdefault(near, []).append(f"{table.source} ({row})")
    return [
        Disagreement(method, column, {v: tuple(places) for v, places in of.items()})
        for (method, column), of in found.items()
        if len(of) > 1
    ]


@dataclass(frozen=True)
class Breach:
    """A printed number that its own protocol rules out, or that its own paper contradicts."""

    table: str
    row: str
    column: Column
    value: float
    why: str


def breaches() -> list[Breach]:
    """Every printed number outside the bounds that the numbers beside it set."""
    return [
        breach
        for table in printed_tables().values()
        for row, values in table.rows.items()
        for check in (_curve_falls, _map_out_of_bounds)
        for breach in check(table, row, values)
    ] + list(_unlike_elsewhere())


def map_bounds(cmc: Mapping[int, float], gallery: int) -> tuple[float, float]:
    """Least and greatest mAP (percent) of a CMC curve, rank -> percent, one true match a query.

    A query found between ranks k and l has an average precision from 1/l to 1/(k+1); beyond the
    last rank printed, from 1/gallery. Numbers are taken as rounded to one digit, so each end is
    as generous as rounding allows.
    """
    ends = []
    for shift, best in ((-ROUNDING, False), (ROUNDING, True)):
        last, before, total = 0, 0.0, 0.0
        for rank, percent in sorted({**cmc, gallery: 100.0}.items()):
            reached = min(100.0, max(before, percent + shift if rank != gallery else 100.0))
            total += (reached - before) / (last + 1 if best else rank)
            last, before = rank, reached
        ends.append(total)
    return ends[0], ends[1]


def _map_out_of_bounds(
    table: PrintedTable, row: str, values: Mapping[Column, float]
) -> Iterator[Breach]:
    for data, galleries in SINGLE_MATCH.items():
        cmc = _curve(values, data)
        value = values.get((data, "mAP"))
        if value is None or 1 not in cmc:
            continue
        bounds = [map_bounds(cmc, gallery) for gallery in galleries]
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
        if not low - ROUNDING <= value <= high + ROUNDING:
            why = f"one true match a query: the CMC curve allows mAP {low:.2f} to {high:.2f}"
            yield Breach(table.name, row, (data, "mAP"), value, why)


def _curve_falls(table: PrintedTable, row: str, values: Mapping[Column, float]) -> Iterator[Breach]:
    for data in dict(table.columns):
        curve = sorted(_curve(values, data).items())
        for (lower, before), (rank, value) in pairwise(curve):
            if value < before:
                why = f"a CMC curve never falls, and rank-{lower} is {before}"
                yield Breach(table.name, row, (data, f"rank-{rank}"), value, why)


def _curve(values: Mapping[Column, float], data: str) -> dict[int, float]:
    return {
        int(measure.removeprefix("rank-")): value
        for (where, measure), value in values.items()
        if where == data and measure != "mAP"
    }


# The same network in two tables of one paper.
TWICE = (
    ("trsa-1", "Baseline + L_f + SAM + Reg", "trsa-2", "TRSA"),
    ("rgsa-1", "RGSA+RGTR + L_total", "rgsa-2", "r1 = 32, r2 = 256"),
    ("rgsa-1", "RGSA+RGTR + L_total", "rgsa-3", "T = 8"),
    ("rgsa-1", "RGSA+RGTR + L_total", "rgsa-4", "RGSA+RGTR"),
    ("rgsa-1", "RGSA+RGTR + L_total", "rgsa-6", "RGSA+RGTR"),
    ("fgra-2", "8. GB+RAM+TAS+CR+SA", "fgra-1", "FGRA"),
    ("tacan-1", "SENet50 + TA + CA + L", "tacan-2", "TACAN"),
    ("tacan-1", "ResNet50 + TA + CA + L", "tacan-2", "TACAN (ResNet)"),
    ("sinet-2", "base.", "sinet-3", "base."),
    ("sinet-2", "+SBM", "sinet-3", "base. + SBM"),
    ("sinet-2", "+IDM", "sinet-3", "base. + 2 IDM (Default)"),
    ("sinet-2", "SINet", "sinet-3", "SINet (base. + SBM + IDM)"),
    ("sinet-2", "SINet", "sinet-1", "SINet"),
)


def _unlike_elsewhere() -> Iterator[Breach]:
    for one, row, other, same in TWICE:
        here, there = printed(one).rows[row], printed(other).rows[same]
        for column in here.keys() & there.keys():
            if here[column] != there[column]:
                why = f"the same network has {here[column]} in {printed(one).source}"
                yield Breach(other, same, column, there[column], why)
