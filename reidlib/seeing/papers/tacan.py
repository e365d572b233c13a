"""TACAN's Figures 4, 5 and 6, and Table 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.embedding import embed_tracklets
from reidlib.errors import ReidError
from reidlib.seeing.arms import (
    LOOKED_AT,
    Arm,
    Drawn,
    caption,
    first_median_worst,
)
from reidlib.seeing.attention import ClipWeights, clip_weights, look
from reidlib.seeing.clusters import choose_people, diameters, flat, purity, silhouette
from reidlib.seeing.drawing import Cell, outlines, picture, scatter, sheet, tell, weights_over_time
from reidlib.seeing.figures import COLOURS, style
from reidlib.seeing.health import embedding_faults, map_faults
from reidlib.seeing.papers.trsa import covered_first
from reidlib.seeing.truth import estimate, rank_correlation

GOOD, FAIR, POOR = COLOURS[2], COLOURS[4], COLOURS[1]
PRINTED = (0.9240, 0.9460)  # the thresholds of Figure 6
NEIGHBOURS = "consecutive_cyclic_tail"
CLIPS, LONG = 3, 15  # of Figure 4, of Figure 6


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
    rows, names = [], []
    for i in chosen:
        w, hidden = found[i].weights, found[i].covered
        t = seen[i].places.shape[1]
        middle = int(np.nanargmax(hidden)) if np.isfinite(hidden).any() else 0
        start = int(np.clip(middle - 1, 0, max(len(w) - CLIPS, 0)))
        row: list[Cell | None] = []
        drawn = outlines(seen[i].truth, *seen[i].places.shape)
        for clip in range(start, min(start + CLIPS, len(w))):
            for j in range(t):
                under = f"w = {w[clip]:.4f}" if j == 0 else f"{hidden[clip]:.0%} hidden" * (j == 1)
                row.append(Cell(picture(seen[i].frames[clip, j]), drawn[clip][j], under))
        rows.append(row)
        names.append(f"id {found[i].tracklet.raw_pid}")
    numbers = {arm.name: correlations(found)}
    words = map_faults(torch.from_numpy(np.concatenate([f.weights for f in found]))[None], "w")
    t = seen[0].places.shape[1]
    figure = sheet(
        rows,
        names=names,
        gaps=[t * n - 1 for n in range(1, CLIPS)],
        title="TACAN, Figure 4: clips and their weights",
        caption=caption(
            dataset,
            [arm],
            "Of the tracklets that get covered most: the first, the median and the widest by how "
            "much covering changes from clip to clip; the clips around the most covered one.",
            _correlated(numbers[arm.name]),
            *words,
        ),
    )
    return Drawn(figure, numbers, words)


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
    words = map_faults(torch.from_numpy(found.weights)[None], "the weight")
    told = (
        f"The longest query that gets half covered (if any): {len(tracklet)} frames, "
        f"{len(found.weights)} clips, "
        f"{min(LONG, len(found.weights))} shown, evenly spread. Green, yellow, red: own terciles, "
        f"{own[0]:.4f} and {own[1]:.4f}. By the paper's {PRINTED[0]:.4f} and {PRINTED[1]:.4f}, "
        f"{low} of the clips would be red and {int((found.weights > PRINTED[1]).sum())} green."
    )
    title = "TACAN, Figure 6: the clips of one long tracklet"
    tell(figure, title, caption(dataset, [arm], told, _correlated(numbers[arm.name], True), *words))
    return Drawn(figure, numbers, words)


def _longest(dataset: TrackletDataset, tried: int = 20) -> Tracklet:
    """The longest query in which the person is once half covered, of the `tried` longest."""
    order = sorted(dataset.query, key=lambda t: (-len(t), t.row))[:tried]
    if not order:
        raise ReidError(f"{dataset.name} was loaded without queries: there is nobody to look at")
    for tracklet in order if dataset.truth is not None else ():
        assert dataset.truth is not None
        covered = dataset.truth.read(tracklet, range(0, len(tracklet), 4))["covered"]
        if float(covered.max()) >= 0.5:
            return tracklet
    return order[0]


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
    for value in own:
        axes.axhline(value, color="0.5", linewidth=0.7, linestyle=":")
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
    """One line; what did not vary is left out."""
    parts = []
    for name in ("covered", "quality"):
        row, inside = found[name], found[name]["inside tracklets"]
        if np.isfinite(row["over all clips"]):
            parts.append(f"{name} {row['over all clips']:+.2f}")
        if not one and inside["frames"]:
            parts[-1] += (
                f", inside tracklets {inside['mean']:+.2f} ({inside['low']:+.2f} to "
                f"{inside['high']:+.2f}, {inside['frames']} tracklets)"
            )
    told = "; ".join(parts) or "nothing, neither varies here"
    return f"Rank correlation of w over clips with: {told}. The paper: low where covered."


def tsne(arms: Sequence[Arm], dataset: TrackletDataset, people: int = 5, seed: int = 0) -> Drawn:
    """Figure 5 and Table 3: five people's tracklets in each model, flat and in numbers."""
    asked = {t.pid for t in dataset.query}
    rows = choose_people([t.pid for t in dataset.gallery], people, seed, asked)
    tracklets = [dataset.gallery[i] for i in rows]
    labels = [t.raw_pid for t in tracklets]
    panels, numbers, words = [], {}, []
    for arm in arms:
        x = embed(arm, dataset, tracklets)
        words += [f"{arm.name}: {w}" for w in embedding_faults(x)]
        near, split = purity(x, labels), silhouette(x, labels)
        heading = f"{arm.name}\npurity {near:.2f}, silhouette {split:.2f}"
        panels.append((heading, flat(x, seed), labels))
        numbers[arm.name] = {"purity": near, "silhouette": split, **asdict(diameters(x, labels))}
    lines = [f"{name}: {_table_3(row)}." for name, row in numbers.items()]
    note = (
        f"{people} people with {len(tracklets)} tracklets, drawn by seed {seed}; t-SNE from a PCA "
        "start; purity of 5 neighbours and silhouette in the embedding's own space. Distances "
        "between groups mean nothing in t-SNE."
    )
    figure = scatter(
        panels,
        title="TACAN, Figure 5: tracklets of five people",
        caption=caption(dataset, arms, note, *lines, *words),
    )
    return Drawn(figure, numbers, words)


def _table_3(row: dict[str, Any]) -> str:
    """The three diameters of each identity, in words."""
    kinds = ("raw", "unit", "relative")
    return "diameters " + "; ".join(
        f"{kind} {', '.join(f'{v:.2f}' for v in row[kind])}" for kind in kinds
    )


def embed(arm: Arm, dataset: TrackletDataset, tracklets: Sequence[Tracklet]) -> torch.Tensor:
    """Embeddings (n, d) of tracklets, as the recipe tests."""
    from functools import partial

    from reidlib.data.transforms import prepare
    from reidlib.recipes.core import plan

    numbers = plan(arm.recipe, arm.profile)
    transform = partial(prepare, size=numbers.size, interpolation=arm.recipe.augment.interpolation)
    return embed_tracklets(
        arm.model, dataset, tracklets, clip_length=numbers.frames, transform=transform,
        test=arm.recipe.test, progress=False, device=next(arm.model.parameters()).device,
    )  # fmt: skip
