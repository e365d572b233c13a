"""The fairness report's pictures: scenarios, strengths, measures against noise, what noise is left.

Each draws what `reidlib.experiments.fairness.examine` found and computes nothing; where there is
no record yet, its place is left blank and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reidlib.experiments.fair_numbers import MEASURES
from reidlib.experiments.fairness import (
    MIDDLE,
    OPEN,
    PAIRED_ERROR,
    SCENARIOS,
    SETTLED,
    SURE,
    Fairness,
)
from reidlib.experiments.statistics import Estimate
from reidlib.recipes import PAPERS
from reidlib.seeing.figures import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BASELINE, HISTOGRAM, BAND = COLOURS[0], COLOURS[4], "0.9"


def draw_scenarios(found: Fairness) -> Figure:
    """mAP of the baseline and of colour histograms in each scenario, means over worlds."""
    import matplotlib.pyplot as plt

    style()
    figure, axes = plt.subplots(figsize=(7.2, 2.9))
    axes.axhspan(*MIDDLE, color=BAND, zorder=0)
    axes.text(len(SCENARIOS) - 0.45, MIDDLE[1], "mid-range ", ha="right", va="top", fontsize=7)
    for shift, colour, name, scores in (
        (-0.2, BASELINE, "trained baseline", found.baseline),
        (0.2, HISTOGRAM, "colour histogram", found.colours),
    ):
        _bars(axes, shift, colour, name, scores)
    axes.set_xticks(range(len(SCENARIOS)), list(SCENARIOS))
    axes.set(ylabel="mAP, %", ylim=(0, 100), xlim=(-0.6, len(SCENARIOS) - 0.4))
    if axes.patches[1:]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def _bars(axes: Axes, shift: float, colour: str, name: str, scores: Mapping[str, Estimate]) -> None:
    for i, scenario in enumerate(SCENARIOS):
        if scenario not in scores:
            told = f"{name}: {OPEN}"
            _unmeasured(axes, i + shift, 1, told, rotation=90, ha="center", va="bottom")
    places = [i + shift for i, scenario in enumerate(SCENARIOS) if scenario in scores]
    held = [scores[scenario] for scenario in SCENARIOS if scenario in scores]
    if not held:
        return
    means = [one.mean for one in held]
    half = [one.high - one.mean if one.worlds > 1 else 0.0 for one in held]
    axes.bar(places, means, 0.38, yerr=half, color=colour, label=name, error_kw={"linewidth": 1})
    for x, mean, more in zip(places, means, half):
        axes.text(x, mean + more + 1, f"{mean:.0f}", ha="center", va="bottom", fontsize=7)


def _unmeasured(axes: Axes, x: float, y: float, told: str = f" {OPEN}", **more: Any) -> None:
    """In the place of what has no record yet."""
    axes.text(x, y, told, fontsize=7, color="0.5", **{"va": "center", **more})


def draw_doses(found: Fairness) -> Figure:
    """mAP over each illness's strength, its 95 % error against strength 0."""
    import matplotlib.pyplot as plt

    from reidlib.data.promenade.settings import ILLNESSES

    style()
    figure, grid = plt.subplots(1, len(ILLNESSES), figsize=(8.4, 2.3), sharey=True)
    doses = {dose.illness: dose for dose in found.doses}
    for axes, illness in zip(grid, ILLNESSES):
        axes.set(title=illness, xlabel="strength", xticks=[0, 0.5, 1], xlim=(-0.08, 1.08))
        if (dose := doses.get(illness)) is None:
            _unmeasured(axes, 0.5, 0.5, OPEN, ha="center", transform=axes.transAxes)
            continue
        half = [0.0, *(SURE * error for _, error in dose.drops)]
        axes.axhline(dose.maps[0], color="0.7", linewidth=0.8, linestyle=":")
        axes.errorbar(dose.strengths, dose.maps, yerr=half, marker="o", markersize=4, capsize=2)
    grid[0].set_ylabel("mAP, %")
    return figure


def draw_ladder(found: Fairness) -> Figure:
    """What each measure against noise bought: error of a paired difference, and the score."""
    import matplotlib.pyplot as plt

    style()
    rungs = {rung.part: rung for rung in found.ladder}
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8.4, 0.6 + 0.42 * len(MEASURES)), sharey=True
    )
    shared = f" ({found.ladder[0].gain.worlds} worlds)" if found.ladder else ""
    left.axvline(PAIRED_ERROR, color=COLOURS[1], linewidth=1)
    for row, part in enumerate(list(MEASURES)[::-1]):
        if (rung := rungs.get(part)) is None:
            _unmeasured(left, 0, row)
            continue
        left.barh(row, np.nan_to_num(rung.error), 0.6, color=BASELINE)
        left.text(np.nan_to_num(rung.error), row, f" {rung.error:.2f}", va="center", fontsize=7)
        values = rung.score.values
        right.plot(values, [row] * len(values), "o", color=BASELINE, markersize=3)
        right.plot(rung.score.mean, row, "|", color="black", markersize=12)
    left.set_yticks(range(len(MEASURES)), [*MEASURES.values()][::-1])
    left.set(
        ylim=(-0.5, len(MEASURES) - 0.5),
        title=f"standard error of a paired difference{shared}",
        xlabel="mAP, points",
    )
    right.set(title="score, one dot a world", xlabel="mAP, % (validation people)")
    return figure


def draw_budget(found: Fairness) -> Figure:
    """What half as many steps again change, arm by arm; the band is what a settled one may."""
    import matplotlib.pyplot as plt

    style()
    names = {"baseline": "baseline", "newcomer": "random blocks", **PAPERS}
    changes = {**found.plateau, **found.climbs}
    figure, axes = plt.subplots(figsize=(6.2, 2.4))
    axes.axvspan(-SETTLED, SETTLED, color=BAND, zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.8)
    for row, name in enumerate(names):
        if (change := changes.get(name)) is None:
            _unmeasured(axes, 0, row)
            continue
        colour = COLOURS[1] if name in PAPERS else BASELINE
        axes.plot(change.values, [row] * change.worlds, "o", color=colour, markersize=4)
        axes.plot(change.mean, row, "|", color="black", markersize=12)
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="mAP gained with half as many steps again")
    axes.margins(x=0.1)
    return figure


def draw_noise(found: Fairness) -> Figure:
    """One baseline's score if other people, other seeds, other worlds had been drawn."""
    import matplotlib.pyplot as plt

    style()
    figure, axes = plt.subplots(figsize=(6.2, 2.4))
    seeds, worlds = found.seeds, found.baseline.get("street")
    rows = {
        "other test people\n(2,000 resamples)": found.resampled,
        "other seeds\n(world 0)": np.array(seeds.values if seeds else ()),
        "other worlds": np.array(worlds.values if worlds else ()),
    }
    for row, values in enumerate(rows.values()):
        if not len(values):
            _unmeasured(axes, 0, row, transform=axes.get_yaxis_transform())
        elif len(values) > 100:
            shape = axes.violinplot(values, [row], orientation="horizontal", showextrema=False)
            for body in shape["bodies"]:  # type: ignore[attr-defined]
                body.set(facecolor=BASELINE, alpha=0.35)
        else:
            axes.plot(values, [row] * len(values), "o", color=BASELINE, markersize=4, alpha=0.7)
        if len(values) > 1:
            axes.text(1.01, row, f"sd {values.std(ddof=1):.2f}", fontsize=8, va="center",
                      transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel="mAP in street, %", ylim=(-0.6, len(rows) - 0.4))
    return figure


PICTURES = {
    "scenarios": draw_scenarios,
    "doses": draw_doses,
    "ladder": draw_ladder,
    "budget": draw_budget,
    "noise": draw_noise,
}
