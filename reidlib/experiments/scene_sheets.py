"""Our records over scenarios as sheets: rows of a paper, five papers, one illness growing.

Nothing is computed. The other sheets of records are in `writing`.
"""

from __future__ import annotations

from collections.abc import Sequence

from reidlib.experiments.cells import CONTROL, ends, gain, numbered, score
from reidlib.experiments.five_papers import FivePapers
from reidlib.experiments.five_papers import Row as Method
from reidlib.experiments.forms import Sheet
from reidlib.experiments.scenes import ROUGHLY, SURE, Cell, SceneTable
from reidlib.experiments.scenes import Row as SceneRow
from reidlib.experiments.statistics import Estimate
from reidlib.experiments.strengths import STEPS, Strengths


def scenes_sheet(table: SceneTable) -> Sheet:
    """A paper's rows in every scenario: gains over the row's base, scores where it has none."""
    numbers = {row.name: str(place) for place, row in enumerate(table.rows, 1)}
    rows, screen, data = [], [], []
    for place, row in enumerate(table.rows, 1):
        found = [cell.gain if row.base else cell.score for cell in row.cells.values()]
        mark = " !" * bool(row.stale and any(found))
        head = (numbered(place, row.name, row.control) + mark, numbers.get(row.base, "-"),
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
