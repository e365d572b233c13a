"""What became of the papers' claims, drawn: a tile each, and the comparisons that decide them.

Arrays first, drawing second. A comparison without a record says so; one of a single world has an
open point and no interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reidlib.experiments.verdicts import Verdict
from reidlib.seeing.drawing import tell
from reidlib.seeing.figures import COLOURS, RIGHT, WRONG, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a verdict means for its claim, and its colour.
OUTCOMES = {
    "borne out": RIGHT,
    "contradicted": WRONG,
    "undecided": "#BBBBBB",
    "not measured yet": "white",
    "numbers to compare": COLOURS[5],
}
LEAST = 2.0  # points to either side that a forest shows, however small its differences


def outcome(verdict: str) -> str:
    """A verdict of `reidlib.experiments.verdicts` as one of OUTCOMES."""
    if verdict.startswith("holds") or verdict == "equivalent":
        return "borne out"
    if verdict.startswith(("opposite", "different")):
        return "contradicted"
    if verdict.startswith("numbers"):
        return "numbers to compare"
    return "not measured yet" if "not measured" in verdict else "undecided"


def tally(verdicts: Sequence[Verdict]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Paper -> outcome -> ids of its claims; only outcomes that occur, in OUTCOMES' order."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for paper in dict.fromkeys(v.claim.paper for v in verdicts):
        own = [v for v in verdicts if v.claim.paper == paper]
        by = {o: tuple(v.claim.id for v in own if outcome(v.verdict) == o) for o in OUTCOMES}
        found[paper] = {o: ids for o, ids in by.items() if ids}
    return found


def summary(verdicts: Sequence[Verdict], paper: str) -> str:
    """One sentence on a paper's claims, whatever became of them, with the tiles' marks."""
    found = tally(verdicts)[paper]
    names = {v.claim.id: marked(v) for v in verdicts}
    parts = [f"{len(ids)} {o} ({', '.join(names[i] for i in ids)})" for o, ids in found.items()]
    return f"{paper}, {sum(map(len, found.values()))} claims: {'; '.join(parts)}."


def marked(verdict: Verdict) -> str:
    """The claim's id, and behind it what weakens the verdict.

    †: decided by one trained model a row, not over worlds; ~: what an illness adds is so in points
    alone, not as a share of the errors; °: Holm's correction would take back what decides it.
    """
    weak = {"†": verdict.one_model, "~": verdict.in_points_alone, "°": verdict.taken_back}
    return verdict.claim.id + "".join(mark for mark, on in weak.items() if on)


def draw_claims(verdicts: Sequence[Verdict], caption: str = "") -> Figure:
    """A tile for each claim, a row for each paper, coloured by what became of it.

    Names are as `marked` has them.
    """
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
            axes.text(x + 0.46, y, marked(one), ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.1, wide), ylim=(len(papers) - 0.5, -0.5))
    axes.set_axis_off()
    keys = [Patch(facecolor=c, edgecolor="0.4", label=name) for name, c in OUTCOMES.items()]
    axes.legend(handles=keys, loc="upper left", bbox_to_anchor=(-0.1, 0), ncols=5, fontsize=7.5)
    tell(figure, "", caption)
    return figure


@dataclass(frozen=True)
class Branch:
    """One deciding comparison of a claim: mean NaN without a record, ends NaN with one world.

    margin: of an equivalence, else NaN. marks: as in `marked`, of this comparison.
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
    marks: str = ""


def branches(verdicts: Sequence[Verdict], paper: str) -> tuple[Branch, ...]:
    """Every comparison of scores that decides a claim of the paper, in their order."""
    found = []
    for verdict in verdicts:
        for finding in verdict.findings:
            comparison, one = finding.comparison, finding.found
            if verdict.claim.paper != paper or not comparison.decides or comparison.steps:
                continue
            margin = comparison.margin if comparison.kind == "E" else math.nan
            numbers = (one.mean, *one.ends) if one else (math.nan,) * 3
            marks = "~" * finding.in_points_alone + "°" * finding.taken_back
            found.append(
                Branch(verdict.claim.id, str(comparison), *numbers, one.worlds if one else 0,
                       outcome(finding.verdict), margin, bool(finding.stale and one), marks)
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
    names = [f"{one.claim}  {one.text} {one.marks}{' !' * one.stale}".rstrip() for one in found]
    axes.set_yticks(range(len(found)), names, fontsize=7.5)
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="difference in mAP, points")
    axes.margins(x=0.08)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -LEAST), max(high, LEAST))
    tell(figure, "", caption)
    return figure
