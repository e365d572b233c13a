"""Five papers beside each other: which claims hold, who gains where, and what that costs.

Arrays first, drawing second. What has no record is left blank and says so; what is not sure, since
its interval contains zero or there is one world only, is pale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reidlib.experiments.five_papers import FivePapers, Price, named
from reidlib.experiments.verdicts import Verdict
from reidlib.seeing.drawing import tell
from reidlib.seeing.figures import COLOURS, RIGHT, WRONG, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reidlib.experiments.mechanisms.records import TruthRecord

# What a verdict means for its claim, and its colour.
OUTCOMES = {
    "borne out": RIGHT,
    "contradicted": WRONG,
    "undecided": "#BBBBBB",
    "not measured yet": "white",
    "numbers to compare": COLOURS[5],
}
LESS = 0.25  # of its colour is left to a cell that is not sure


def outcome(verdict: str) -> str:
    """A verdict of `reidlib.experiments.verdicts` as one of OUTCOMES."""
    if verdict.startswith("holds") or verdict == "equivalent":
        return "borne out"
    if verdict.startswith(("opposite", "different")):
        return "contradicted"
    if verdict.startswith("numbers"):
        return "numbers to compare"
    return "not measured yet" if "not measured" in verdict else "undecided"


# The claims ------------------------------------------------------------------------------------


def tally(verdicts: Sequence[Verdict]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Paper -> outcome -> ids of its claims; only outcomes that occur, in OUTCOMES' order."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for paper in dict.fromkeys(v.claim.paper for v in verdicts):
        own = [v for v in verdicts if v.claim.paper == paper]
        by = {o: tuple(v.claim.id for v in own if outcome(v.verdict) == o) for o in OUTCOMES}
        found[paper] = {o: ids for o, ids in by.items() if ids}
    return found


def summary(verdicts: Sequence[Verdict], paper: str) -> str:
    """One sentence on a paper's claims, whatever became of them."""
    found = tally(verdicts)[paper]
    parts = [f"{len(ids)} {o} ({', '.join(ids)})" for o, ids in found.items()]
    return f"{paper}, {sum(map(len, found.values()))} claims: {'; '.join(parts)}."


def draw_claims(verdicts: Sequence[Verdict], caption: str = "") -> Figure:
    """A tile for each claim, a row for each paper, coloured by what became of it."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch, Rectangle

    style()
    papers = list(dict.fromkeys(v.claim.paper for v in verdicts))
    rows = {paper: [v for v in verdicts if v.claim.paper == paper] for paper in papers}
    wide = max(map(len, rows.values()))
    figure, axes = plt.subplots(figsize=(0.46 * wide + 1.1, 0.4 * len(papers) + 0.5))
    for y, (paper, own) in enumerate(rows.items()):
        axes.text(-0.2, y, paper, ha="right", va="center")
        for x, one in enumerate(own):
            colour = OUTCOMES[outcome(one.verdict)]
            axes.add_patch(Rectangle((x, y - 0.42), 0.92, 0.84, facecolor=colour, edgecolor="0.4"))
            axes.text(x + 0.46, y, one.claim.id, ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.1, wide), ylim=(len(papers) - 0.5, -0.5))
    axes.set_axis_off()
    keys = [Patch(facecolor=c, edgecolor="0.4", label=name) for name, c in OUTCOMES.items()]
    axes.legend(handles=keys, loc="upper left", bbox_to_anchor=(-0.1, 0), ncols=5, fontsize=7.5)
    tell(figure, "", caption)
    return figure


@dataclass(frozen=True)
class Branch:
    """One deciding comparison of a claim: mean NaN without a record, ends NaN with one world.

    margin: of an equivalence, else NaN.
    """

    claim: str
    text: str
    mean: float
    low: float
    high: float
    worlds: int
    outcome: str
    margin: float
    stale: bool


def branches(verdicts: Sequence[Verdict], paper: str) -> tuple[Branch, ...]:
    """Every comparison of scores that decides a claim of the paper, in their order."""
    found = []
    for verdict in verdicts:
        for finding in verdict.findings:
            comparison, one = finding.comparison, finding.found
            if verdict.claim.paper != paper or not comparison.decides:
                continue
            margin = comparison.margin if comparison.kind == "E" else math.nan
            numbers = (one.mean, *_ends(one.low, one.high)) if one else (math.nan,) * 3
            found.append(
                Branch(verdict.claim.id, str(comparison), *numbers, one.worlds if one else 0,
                       outcome(finding.verdict), margin, bool(finding.stale and one))
            )  # fmt: skip
    return tuple(found)


def draw_forest(found: Sequence[Branch], caption: str = "") -> Figure:
    """Differences in mAP with 95 % intervals, a line each; a grey band is a margin of equality."""
    import matplotlib.pyplot as plt

    style()
    figure, axes = plt.subplots(figsize=(5.2, 0.24 * len(found) + 0.7))
    axes.axvline(0, color="0.6", linewidth=0.8)
    for y, one in enumerate(found):
        if math.isfinite(one.margin):
            axes.fill_betweenx([y - 0.35, y + 0.35], -one.margin, one.margin, color="0.9", zorder=0)
        if not math.isfinite(one.mean):
            axes.text(0, y, " not run yet", fontsize=7, color="0.5", va="center")
            continue
        sure = math.isfinite(one.low)
        colour = OUTCOMES[one.outcome] if one.outcome in ("borne out", "contradicted") else "0.45"
        if sure:
            axes.plot([one.low, one.high], [y, y], color=colour, linewidth=1.6)
        axes.plot(one.mean, y, "o", color=colour, markersize=5, mfc=colour if sure else "white")
    names = [f"{one.claim}  {one.text}{' !' if one.stale else ''}" for one in found]
    axes.set_yticks(range(len(found)), names, fontsize=7.5)
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="difference in mAP, points")
    axes.margins(x=0.08)
    tell(figure, "", caption)
    return figure


def _ends(low: float, high: float) -> tuple[float, float]:
    """The interval, NaN where one world has none."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (math.nan, math.nan)


# Method by illness -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """Gains, (methods, scenarios): NaN without a record; low and high NaN where one world is.

    named: whether the paper's own claims are about that illness. stale: a bool a method.
    """

    methods: tuple[str, ...]
    scenarios: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    worlds: np.ndarray
    named: np.ndarray
    stale: tuple[bool, ...]

    @property
    def sure(self) -> np.ndarray:
        """Where the interval excludes zero."""
        apart: np.ndarray = (self.low > 0) | (self.high < 0)
        return apart


def gain_grid(table: FivePapers, *, beyond: bool = False) -> Grid:
    """The gains of a table as arrays; beyond: minus the gain in `clean`, without its column."""
    rows = [row for row in table.rows if row.base]
    scenarios = tuple(s for s in rows[0].cells if not (beyond and s == "clean"))
    shape = (len(rows), len(scenarios))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    worlds, own = np.zeros(shape, int), np.zeros(shape, bool)
    for i, row in enumerate(rows):
        for j, scenario in enumerate(scenarios):
            cell = row.cells[scenario]
            found = cell.beyond if beyond else cell.gain
            own[i, j] = scenario in named(row.method)
            if found is not None:
                mean[i, j], worlds[i, j] = found.mean, found.worlds
                low[i, j], high[i, j] = _ends(found.low, found.high)
    stale = tuple(bool(row.stale) and bool(worlds[i].any()) for i, row in enumerate(rows))
    return Grid(tuple(row.name for row in rows), scenarios, mean, low, high, worlds, own, stale)


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
    axes.set_xticks(range(columns), grid.scenarios)
    names = [f"{name}{' !' * stale}" for name, stale in zip(grid.methods, grid.stale)]
    axes.set_yticks(range(rows), names)
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    tell(figure, title, caption)
    return figure


def _write(axes: Axes, grid: Grid, i: int, j: int, dark: bool) -> None:
    """A cell's words, white on a dark cell."""
    if not grid.worlds[i, j]:
        axes.text(j, i, "no record", ha="center", va="center", fontsize=7, color="0.45")
        return
    sure = bool(grid.sure[i, j])
    weight, colour = ("bold", "white" if dark else "black") if sure else ("normal", "0.3")
    one = grid.worlds[i, j] < 2
    ends = "one world" if one else f"[{grid.low[i, j]:+.1f}, {grid.high[i, j]:+.1f}]"
    axes.text(j, i - 0.14, f"{grid.mean[i, j]:+.1f}", ha="center", va="center", fontsize=9,
              weight=weight, color=colour)  # fmt: skip
    axes.text(j, i + 0.22, ends, ha="center", va="center", fontsize=6.5, color=colour)


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
        numbers = (gain.mean, *_ends(gain.low, gain.high)) if gain else (math.nan,) * 3
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


# What was looked at, held against the truth ----------------------------------------------------

REFERENCES = ("random", "even", "centre")  # maps that know nothing, see `truth.references`
QUESTIONS = ("person", "parts", "background", "pointing")  # of `truth.readings`


@dataclass(frozen=True)
class Looked:
    """One answer about maps: mean over people and its bootstrap interval.

    source: a recipe, or one of REFERENCES. stale: the record may not hold any more.
    """

    claim: str
    scene: str
    source: str
    question: str
    mean: float
    low: float
    high: float
    identities: int
    stale: bool

    @property
    def blind(self) -> bool:
        """Whether it is a map that knows nothing."""
        return self.source in REFERENCES


def looked(
    records: Mapping[str, TruthRecord], questions: Sequence[str] = QUESTIONS
) -> tuple[Looked, ...]:
    """What the records of `reidlib.experiments.mechanisms` say of maps, claim by claim."""
    found = []
    for claim, record in records.items():
        stale = bool(record.stale())
        for cell in record.cells:
            if cell["question"] in questions and cell["values"]:
                where = cell["scene"], cell["source"], cell["question"]
                one = record.estimate(where[0], where[2], where[1])
                numbers = one.mean, one.low, one.high
                found.append(Looked(claim, *where, *numbers, one.identities, stale))
    return tuple(found)


def draw_looked(found: Sequence[Looked], caption: str = "") -> Figure:
    """A column for each question, a line for each source; maps that know nothing are grey."""
    import matplotlib.pyplot as plt

    style()
    questions = list(dict.fromkeys(one.question for one in found))
    lines = list(dict.fromkeys((one.claim, one.scene, one.source, one.stale) for one in found))
    figure, grid = plt.subplots(
        1, len(questions), figsize=(1.9 * len(questions) + 1.6, 0.22 * len(lines) + 0.7),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axes, question in zip(grid[0], questions):
        for one in (one for one in found if one.question == question):
            y = lines.index((one.claim, one.scene, one.source, one.stale))
            hue = "0.6" if one.blind else COLOURS[0]
            axes.plot([one.low, one.high], [y, y], color=hue, linewidth=1.4)
            axes.plot(one.mean, y, "|" if one.blind else "o", color=hue, markersize=5)
        axes.set(title=question, ylim=(len(lines) - 0.5, -0.5))
    names = [f"{c} {scene}: {source}{' !' * stale}" for c, scene, source, stale in lines]
    grid[0, 0].set_yticks(range(len(lines)), names, fontsize=7)
    tell(figure, "", caption)
    return figure
