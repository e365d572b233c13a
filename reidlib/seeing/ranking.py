"""Ranked lists as pictures: a query, its nearest gallery tracklets, right and wrong marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reidlib.data.tracklets import FrameSource, Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.recipes.core import Profile, Recipe
from reidlib.seeing.figures import RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from reidlib.evaluation.distance import Metric


@dataclass(frozen=True)
class Ranking:
    """One query and the gallery rows nearest to it, nearest first."""

    query: Tracklet
    matches: tuple[Tracklet, ...]
    right: tuple[bool, ...]
    distances: tuple[float, ...]

    @property
    def first_hit(self) -> int | None:
        """Rank of the first right match among those kept, counted from 1; None if there is none."""
        return self.right.index(True) + 1 if True in self.right else None


def ranking(
    distances: np.ndarray,
    query: Tracklet,
    gallery: Sequence[Tracklet],
    k: int = 8,
    junk_pids: Sequence[int] = (),
) -> Ranking:
    """The k nearest of the gallery by one row of distances (n,), by the rules of scoring.

    Junk and the query's own identity in its own camera are passed over; ties keep gallery order.
    """
    if len(distances) != len(gallery):
        raise ValueError(f"{len(distances)} distances for {len(gallery)} gallery tracklets")
    order = [
        i
        for i in np.argsort(distances, kind="stable")
        if gallery[i].pid not in junk_pids
        and not (gallery[i].pid == query.pid and gallery[i].camid == query.camid)
    ][:k]
    return Ranking(
        query=query,
        matches=tuple(gallery[i] for i in order),
        right=tuple(gallery[i].pid == query.pid for i in order),
        distances=tuple(float(distances[i]) for i in order),
    )


def rank_all(
    model: nn.Module,
    dataset: TrackletDataset,
    recipe: Recipe,
    profile: Profile,
    *,
    k: int = 8,
    device: str = "cpu",
    progress: bool = True,
) -> list[Ranking]:
    """The ranking of every query of the data set by a trained model."""
    from reidlib.extraction import embed_subsets

    queries, gallery = embed_subsets(
        model, dataset, recipe, profile, device=device, progress=progress
    )
    return rank_embeddings(queries, gallery, dataset, recipe.test.distance, k)


def rank_embeddings(
    queries: Tensor, gallery: Tensor, dataset: TrackletDataset, metric: Metric, k: int = 8
) -> list[Ranking]:
    """The ranking of every query from embeddings (q, d) and (g, d) in the data set's order."""
    from reidlib.evaluation import distances

    return [
        ranking(row, query, dataset.gallery, k, dataset.junk_pids)
        for row, query in zip(distances(queries, gallery, metric), dataset.query, strict=True)
    ]


def spread(rankings: Sequence[Ranking], count: int) -> list[Ranking]:
    """`count` of the rankings by a stated rule: from the most right matches to the fewest, evenly.

    Queries of equal standing keep their order, so nobody picks by hand.
    """
    if count < 1:
        raise ReidError(f"ask for at least one query, not {count}")
    order = sorted(rankings, key=lambda r: -sum(right / (i + 1) for i, right in enumerate(r.right)))
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [order[i] for i in places]


def draw_rankings(rankings: Sequence[Ranking], frames: FrameSource) -> Figure:
    """One row a query: its middle frame, then its matches, green frames right, orange wrong."""
    import matplotlib.pyplot as plt

    columns = 1 + max(len(r.matches) for r in rankings)
    figure, grid = plt.subplots(
        len(rankings), columns, figsize=(0.85 * columns, 2.0 * len(rankings)), squeeze=False
    )
    figure.set_layout_engine("constrained", h_pad=0.09)  # inches between a row's words and the next
    for row, found in zip(grid, rankings, strict=True):
        _show(row[0], found.query, frames, f"query\nid {found.query.pid}, cam {_cam(found.query)}")
        marks = zip(found.matches, found.right, strict=True)
        for rank, (axes, (match, right)) in enumerate(zip(row[1:], marks, strict=False), start=1):
            _show(axes, match, frames, f"{rank}\nid {match.pid}, cam {_cam(match)}")
            _frame(axes, RIGHT if right else WRONG, "right" if right else "wrong")
        for axes in row[1 + len(found.matches) :]:
            axes.set_axis_off()
    return figure


def _cam(tracklet: Tracklet) -> int:
    return tracklet.raw_camid


def _show(axes: Axes, tracklet: Tracklet, frames: FrameSource, title: str) -> None:
    frame = frames.read(tracklet, [len(tracklet) // 2])[0]
    axes.imshow(frame.permute(1, 2, 0).numpy())
    axes.set_title(title, fontsize=6)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _frame(axes: Axes, colour: str, word: str) -> None:
    """A coloured border, and the word for readers who cannot tell the colours apart."""
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=2.5)
    axes.set_xlabel(word, fontsize=6, color=colour, labelpad=2)
