"""TACAN's Figures 4 and 6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.seeing.arms import LOOKED_AT, Arm, Drawn, first_median_worst
from reidlib.seeing.attention import ClipWeights, Seen, clip_weights, look
from reidlib.seeing.drawing import (
    Cell,
    levels,
    outlines,
    picture,
    sheet,
    tell,
    weights_over_time,
)
from reidlib.seeing.figures import COLOURS, style
from reidlib.seeing.health import faults, still
from reidlib.seeing.papers.trsa import covered_first
from reidlib.seeing.truth import estimate, rank_correlation
from reidlib.seeing.words import caption, interval, label, number, outlined, rule

GOOD, FAIR, POOR = COLOURS[2], COLOURS[4], COLOURS[1]
PRINTED = (0.9240, 0.9460)  # the thresholds of Figure 6
NEIGHBOURS = "consecutive_cyclic_tail"
CLIPS, LONG, TRIED = 3, 15, 20  # of Figure 4, of Figure 6; queries that may be in Figure 6


def consecutive(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 4: three consecutive clips, the weight under each; low where others cover?"""
    arm = arms[-1]
    seen = [
        look(arm.model, dataset, t, arm.recipe, arm.profile, rule=NEIGHBOURS)
        for t in covered_first(dataset, LOOKED_AT)
    ]
    found = [clip_weights(s) for s in seen]
    enough = [i for i, f in enumerate(found) if len(f.weights) >= CLIPS] or list(range(len(found)))
    ranges = [-float(np.ptp(found[i].covered)) for i in enough]
    chosen = [enough[i] for i in first_median_worst(ranges)]
    numbers = {arm.name: correlations(found)}
    words = _wrong(arm, seen, found)
    t = seen[0].places.shape[1]
    known = dataset.truth is not None
    short = len(found) - len(enough)
    figure = sheet(
        [_clips(seen[i], found[i]) for i in chosen],
        names=[f"id {found[i].tracklet.raw_pid}" for i in chosen],
        gaps=[t * n - 1 for n in range(1, CLIPS)],
        title="TACAN, Figure 4: clips and their weights",
        caption=caption(
            dataset,
            [arm],
            rule(
                ranges,
                "how much covering changes from clip to clip, most being worst",
                "the most covered" if known else "the first",
            ),
            f"{CLIPS} consecutive clips (or as many as there are), those around the most covered "
            "one; w is the weight. "
            + (outlined(dataset) or "The hidden share of the person is not known here."),
            f"{short} more have less than {CLIPS} clips and are passed over." if short else "",
            _correlated(numbers[arm.name]),
            *words,
        ),
    )
    return Drawn(figure, numbers, words)


def _clips(seen: Seen, found: ClipWeights) -> list[Cell | None]:
    """The clips around the most covered one, weight and hidden share under each."""
    m, t = seen.places.shape
    hidden = found.covered
    middle = int(np.nanargmax(hidden)) if np.isfinite(hidden).any() else 0
    start = int(np.clip(middle - 1, 0, max(m - CLIPS, 0)))
    drawn = outlines(seen.truth, m, t)
    row: list[Cell | None] = []
    for clip in range(start, min(start + CLIPS, m)):
        share = f"{hidden[clip]:.0%} hidden" if np.isfinite(hidden[clip]) else ""
        under = [f"w = {found.weights[clip]:.4f}", share]
        for j in range(t):
            text = under[j] if j < 2 else ""
            row.append(Cell(picture(seen.frames[clip, j]), drawn[clip][j], text))
    return row


def _wrong(arm: Arm, seen: Sequence[Seen], found: Sequence[ClipWeights]) -> list[str]:
    """What is wrong with frames, weights and embeddings of some tracklets."""
    with torch.no_grad():
        pooled = [arm.model.pool(s.output) for s in seen]  # type: ignore[operator]
    inner = [s.output.maps["frame_weights"] for s in seen if "frame_weights" in s.output.maps]
    told = faults(
        [s.flat(s.frames) for s in seen],
        {"the weight of frames": torch.cat(inner)} if inner else {},
        {label(arm.recipe): torch.stack(pooled)},
    )
    return told + [f"{word}." for word in still([f.weights for f in found])]


def long_tracklet(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 6: one long tracklet, its clips coloured by weight, and the weights over time."""
    arm = arms[-1]
    tracklet = _longest(dataset)
    seen = look(arm.model, dataset, tracklet, arm.recipe, arm.profile, rule=NEIGHBOURS)
    found = clip_weights(seen)
    own = np.quantile(found.weights, (1 / 3, 2 / 3))
    figure = _draw_long(seen, found, own)
    numbers = {arm.name: {**correlations([found]), "own terciles": own.tolist(),
                          "clips": len(found.weights)}}  # fmt: skip
    low = int((found.weights < PRINTED[0]).sum())
    high = int((found.weights > PRINTED[1]).sum())
    words = _wrong(arm, [seen], [found])
    known = dataset.truth is not None
    half = f", of the {TRIED} longest, in which the person is once half covered"
    which = (
        half
        if _half_covered(dataset, tracklet)
        else f" (none of the {TRIED} longest gets half covered)" * known
    )
    told = (
        f"The longest query{which}: {len(tracklet)} frames, "
        f"{len(found.weights)} clips, "
        f"{min(LONG, len(found.weights))} shown, evenly spread. Green, yellow, orange: above, "
        f"between and below own terciles, {own[0]:.4f} and {own[1]:.4f}. By the paper's "
        f"{PRINTED[0]:.4f} and {PRINTED[1]:.4f}, {low} of the {len(found.weights)} clips would be "
        f"red and {high} green."
    )
    told += "" if known else " The hidden share of the person is not known here."
    title = "TACAN, Figure 6: the clips of one long tracklet"
    tell(figure, title, caption(dataset, [arm], told, _correlated(numbers[arm.name], True), *words))
    return Drawn(figure, numbers, words)


def _longest(dataset: TrackletDataset) -> Tracklet:
    """The longest query in which the person is once half covered, of the TRIED longest."""
    order = sorted(dataset.query, key=lambda t: (-len(t), t.row))[:TRIED]
    if not order:
        raise ReidError(f"{dataset.name} was loaded without queries: there is nobody to look at")
    return next((t for t in order if _half_covered(dataset, t)), order[0])


def _half_covered(dataset: TrackletDataset, tracklet: Tracklet) -> bool:
    """Whether every fourth frame or so shows it; False where nobody knows."""
    if dataset.truth is None:
        return False
    return float(dataset.truth.read(tracklet, range(0, len(tracklet), 4))["covered"].max()) >= 0.5


def colours(weights: np.ndarray, low: float, high: float) -> list[str]:
    """Green above high, red below low, yellow between."""
    return [GOOD if w > high else POOR if w < low else FAIR for w in weights]


def _draw_long(seen: Any, found: ClipWeights, own: np.ndarray) -> Any:
    import matplotlib.pyplot as plt

    from reidlib.seeing.drawing import show

    style()
    m = len(found.weights)
    shown = np.unique(np.linspace(0, m - 1, min(LONG, m)).round().astype(int))
    hues = colours(found.weights, *own)
    figure = plt.figure(figsize=(0.72 * max(len(shown), 8), 4.2), layout="none")
    grid = figure.add_gridspec(
        2, 1, height_ratios=(1.5, 2.1), hspace=0.3, left=0, right=1, top=1, bottom=0.12
    )
    cells = grid[0].subgridspec(1, len(shown), wspace=0.08)
    for k, clip in enumerate(shown):
        axes = figure.add_subplot(cells[k])
        middle = seen.places.shape[1] // 2
        text = f"{found.weights[clip]:.4f}"
        show(axes, Cell(picture(seen.frames[clip, middle]), None, text, hues[clip]))
        axes.set_title(f"{clip + 1}", fontsize=7)
    axes = figure.add_subplot(grid[1])
    weights_over_time(found.weights, found.covered, hues, foreign=found.foreign, axes=axes)
    axes.set_xlim(0, 1.12 * m + 1)  # what the levels are called stands where no clip is
    levels(axes, own.tolist(), "own tercile", "0.35", ":")
    levels(axes, PRINTED, "the paper's", COLOURS[0])
    return figure


def correlations(found: Sequence[ClipWeights]) -> dict[str, Any]:
    """Rank correlation of weights with what befell the clips, over all and inside tracklets.

    Inside: each tracklet's own, where it has three clips or more and both vary; mean and interval.
    """
    result: dict[str, Any] = {}
    for name in ("covered", "quality", "foreign"):
        pairs = [(f.weights, getattr(f, name)) for f in found]
        over = rank_correlation(*(np.concatenate(side) for side in zip(*pairs)))
        inside = [rank_correlation(*pair) if len(pair[0]) > 2 else np.nan for pair in pairs]
        owners = [f.tracklet.raw_pid for f in found]
        result[name] = {
            "over all clips": over,
            "inside tracklets": asdict(estimate(np.array(inside), owners)),
        }
    return result


def _correlated(found: dict[str, Any], one: bool = False) -> str:
    """One line; what did not vary, or is not known, is left out."""
    parts = []
    for name in ("covered", "quality"):
        over, inside = found[name]["over all clips"], found[name]["inside tracklets"]
        told = [number(over, "+.2f")] if np.isfinite(over) else []
        if not one and inside["frames"]:
            told.append(f"inside {inside['frames']} tracklets {interval(inside, '+.2f')}")
        parts += [f"{name} {', '.join(told)}"] if told else []
    told_all = "; ".join(parts) or "nothing, neither covering nor quality is known and varies here"
    return f"Rank correlation of w over clips with: {told_all}. The paper: low where covered."
