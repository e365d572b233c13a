"""Five papers beside each other: who gains where, and what that costs.

Arrays first, drawing second. What has no record is left blank and says so; what is not sure, since
its interval contains zero or there is one world only, is pale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from reidlib.experiments.five_papers import FivePapers
from reidlib.experiments.prices import Price
from reidlib.experiments.scenes import ROUGHLY, SURE, SceneTable
from reidlib.experiments.strengths import Curve, Strengths
from reidlib.seeing.drawing import tell
from reidlib.seeing.figures import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = 36  # characters of a row's name in a line
LESS = 0.25  # of its colour is left to a cell that is not sure

MARKED = (
    f"{SURE}: surely another gain than in clean, {ROUGHLY}: in points, not as a share of the errors"
)
SCENES = (
    "mAP, points; 95 % t interval over worlds, pale where it holds zero or one world has none; "
    f"frame: a claim compares the two rows there; {MARKED}; !: stale"
)

# Method by illness -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """Gains, (rows, scenarios): NaN without a record; low and high NaN where one world is.

    methods: what the rows are called. named: whether the paper's own claims are about that illness.
    stale: a bool a row. marks: what to write behind a mean.
    """

    methods: tuple[str, ...]
    scenarios: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    worlds: np.ndarray
    named: np.ndarray
    stale: tuple[bool, ...]
    marks: tuple[tuple[str, ...], ...]

    @property
    def sure(self) -> np.ndarray:
        """Where the interval excludes zero."""
        apart: np.ndarray = (self.low > 0) | (self.high < 0)
        return apart


def gain_grid(
    table: FivePapers | SceneTable, *, beyond: bool = False, marked: bool = False
) -> Grid:
    """The gains of a table as arrays; rows that are compared with nothing are left out.

    beyond: minus the gain in `clean`, without its column. marked: with the marks of the cells.
    """
    rows = table.shown
    scenarios = tuple(s for s in rows[0].cells if not (beyond and s == "clean"))
    shape = (len(rows), len(scenarios))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    worlds, own = np.zeros(shape, int), np.zeros(shape, bool)
    for i, row in enumerate(rows):
        for j, scenario in enumerate(scenarios):
            cell = row.cells[scenario]
            found = cell.beyond if beyond else cell.gain
            own[i, j] = scenario in row.illnesses
            if found is not None:
                mean[i, j], worlds[i, j] = found.mean, found.worlds
                low[i, j], high[i, j] = found.ends
    stale = tuple(bool(row.stale) and bool(worlds[i].any()) for i, row in enumerate(rows))
    marks = tuple(tuple(row.cells[s].mark * marked for s in scenarios) for row in rows)
    names = tuple(row.name for row in rows)
    return Grid(names, scenarios, mean, low, high, worlds, own, stale, marks)


def draw_grid(grid: Grid, title: str = "", caption: str = "") -> Figure:
    """The heat map: mean and interval in each cell, a frame where the paper names the illness."""
    import matplotlib.pyplot as plt
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    style()
    rows, columns = grid.mean.shape
    figure, axes = plt.subplots(figsize=(0.98 * columns + 1.1, 0.5 * rows + 0.5))
    limit = max(1.0, float(np.nanmax(np.abs(grid.mean), initial=0.0)))
    colours = colormaps["RdBu"](0.5 + 0.42 * np.nan_to_num(grid.mean) / limit)[..., :3]
    colours = np.where(grid.sure[..., None], colours, 1 - LESS * (1 - colours))
    colours[np.isnan(grid.mean)] = 0.93
    axes.imshow(colours, aspect="auto")
    for i, j in np.ndindex(rows, columns):
        _write(axes, grid, i, j, dark=bool(colours[i, j].mean() < 0.45))
        if grid.named[i, j]:
            box = (j - 0.47, i - 0.45)
            axes.add_patch(Rectangle(box, 0.94, 0.9, fill=False, edgecolor="black", linewidth=1.4))
    axes.set_xticks(range(columns), grid.scenarios, fontsize=8)
    names = [f"{name}{' !' * stale}" for name, stale in zip(grid.methods, grid.stale)]
    folded = ["\n".join(fill(line, NAME) for line in name.split("\n")) for name in names]
    axes.set_yticks(range(rows), folded)
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    tell(figure, title, caption)
    return figure


def draw_scenes(table: SceneTable) -> Figure:
    """What each of a paper's rows gains in every scenario; grey where a row or its base has no
    record.
    """
    to = f", over “{table.usual}” unless told" if table.usual else ""
    return draw_grid(gain_grid(table, marked=True), f"{table.table}: gains by scenario{to}", SCENES)


def _write(axes: Axes, grid: Grid, i: int, j: int, dark: bool) -> None:
    """A cell's words, white on a dark cell."""
    if not grid.worlds[i, j]:
        axes.text(j, i, "no record", ha="center", va="center", fontsize=7, color="0.45")
        return
    sure = bool(grid.sure[i, j])
    weight, colour = ("bold", "white" if dark else "black") if sure else ("normal", "0.3")
    one = grid.worlds[i, j] < 2
    ends = "one world" if one else f"[{grid.low[i, j]:+.1f}, {grid.high[i, j]:+.1f}]"
    told = f"{grid.mean[i, j]:+.1f}{grid.marks[i][j]}"
    axes.text(j, i - 0.14, told, ha="center", va="center", fontsize=9,
              weight=weight, color=colour)  # fmt: skip
    axes.text(j, i + 0.22, ends, ha="center", va="center", fontsize=6.5, color=colour)


# As one illness grows --------------------------------------------------------------------------


def draw_strengths(table: Strengths, title: str = "", caption: str = "") -> Figure:
    """A panel for each illness: scores from none to full strength, a line a method."""
    import matplotlib.pyplot as plt

    style()
    illnesses = list(dict.fromkeys(curve.illness for curve in table.curves))
    methods = list(dict.fromkeys(curve.method for curve in table.curves))
    figure, grid = plt.subplots(1, len(illnesses), figsize=(8.8, 2.5), sharey=True)
    for axes, illness in zip(grid, illnesses):
        for curve in table.curves:
            if curve.illness == illness and curve.scores:
                _line(axes, curve, methods.index(curve.method))
        axes.set(title=illness, xlabel="strength", xlim=(-0.06, 1.06))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        if not axes.lines:
            axes.text(0.5, 0.5, "not tested at\nevery strength", ha="center", fontsize=7,
                      color="0.45", transform=axes.transAxes)  # fmt: skip
    grid[0].set_ylabel(f"{table.measure}, %")
    drawn = [axes.get_legend_handles_labels() for axes in grid]
    if known := {name: one for pair in drawn for one, name in zip(*pair)}:
        names = list(known)
        grid[-1].legend([known[name] for name in names], names, loc="center left",
                        bbox_to_anchor=(1, 0.5), fontsize=8)  # fmt: skip
    tell(figure, title, caption)
    return figure


def _line(axes: Axes, curve: Curve, n: int) -> None:
    """The scores there are, with intervals where worlds give them; the baseline black."""
    at, found = list(curve.scores), list(curve.scores.values())
    means = [one.mean for one in found]
    half = [one.high - one.mean if one.worlds > 1 else 0.0 for one in found]
    hue = COLOURS[n - 1] if n else "black"
    name = f"{curve.name}{' !' * bool(curve.stale)}"
    axes.plot(
        at, means, f"{'*osD^v'[n % 6]}-", color=hue, markersize=3.5, linewidth=1.2, label=name
    )
    if any(half):
        axes.errorbar(at, means, yerr=half, fmt="none", ecolor=hue, capsize=2, linewidth=0.8)


# What it costs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bargain:
    """One method: what it adds to its base, in percent of it, and what it gains, in mAP."""

    name: str
    multiply_adds: float
    kept: float
    gain: float  # NaN without a record
    low: float
    high: float


def bargains(prices: Mapping[str, Price], table: FivePapers, scenario: str) -> tuple[Bargain, ...]:
    """Costs beside gains, both over the row's base. prices: by recipe, of methods and bases."""
    found = []
    for row in table.rows:
        if not row.base:
            continue
        own, base, gain = prices[row.method], prices[row.base], row.cells[scenario].gain
        numbers = (gain.mean, *gain.ends) if gain else (math.nan,) * 3
        found.append(
            Bargain(row.name, added(own.multiply_adds, base.multiply_adds),
                    added(own.kept, base.kept), *numbers)
        )  # fmt: skip
    return tuple(found)


def added(cost: float, base: float) -> float:
    """By how many percent one is above the other."""
    return 100 * (cost / base - 1)


def draw_bargains(found: Sequence[Bargain], caption: str = "") -> Figure:
    """Gain over added multiply-adds, and over added memory; no point without a record."""
    import matplotlib.pyplot as plt

    style()
    figure, grid = plt.subplots(1, 2, figsize=(7.4, 2.6), sharey=True)
    for axes, kind, label in zip(
        grid, ("multiply_adds", "kept"), ("multiply-adds a frame", "memory of training a frame")
    ):
        axes.axhline(0, color="0.6", linewidth=0.8)
        for n, one in enumerate(found):
            x, hue = getattr(one, kind), COLOURS[n]
            if not math.isfinite(one.gain):
                continue
            if math.isfinite(one.low):
                axes.plot([x, x], [one.low, one.high], color=hue, linewidth=1.2)
            axes.plot(x, one.gain, "osD^v"[n], color=hue, label=one.name)
        axes.set(title=label, xlabel="% more than the base")
        axes.margins(x=0.08)
    grid[0].set_ylabel("gain in mAP, points")
    grid[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    tell(figure, "", caption)
    return figure
