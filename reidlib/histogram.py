"""What a network must beat: colour histograms of horizontal stripes and the nearest neighbour.

If counting colours did as well as a trained network, the data would test nothing. So every report
on Promenade shows this beside the network, as it is and after centring each camera.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.evaluation import Score, score_features

STRIPES, BINS, FRAMES = 6, 6, 8


def colour_histogram(frames: Tensor, stripes: int = STRIPES, bins: int = BINS) -> Tensor:
    """uint8 (t, 3, h, w) -> (stripes * bins**3,): the joint RGB histogram of each stripe.

    Each stripe's part has unit length after a square root (the Hellinger kernel), so that the inner
    product of two histograms compares their shapes.
    """
    h = frames.shape[2]
    level = frames.long() * bins // 256
    colour = (level[:, 0] * bins + level[:, 1]) * bins + level[:, 2]  # (t, h, w)
    stripe = torch.arange(h) * stripes // h
    cell = stripe[None, :, None] * bins**3 + colour
    counts = torch.bincount(cell.flatten(), minlength=stripes * bins**3).float()
    return F.normalize(counts.view(stripes, -1).sqrt(), dim=1).flatten()


def histogram_embeddings(
    dataset: TrackletDataset, tracklets: Sequence[Tracklet], frames: int = FRAMES
) -> Tensor:
    """(n, d): one histogram a tracklet, over `frames` frames at equal steps."""
    rows = []
    for tracklet in tracklets:
        chosen = np.unique(np.linspace(0, len(tracklet) - 1, frames).round().astype(int))
        rows.append(colour_histogram(dataset.frames.read(tracklet, chosen.tolist())))
    return torch.stack(rows)


def centred(embeddings: Tensor, camids: Sequence[int]) -> Tensor:
    """Embeddings minus their camera's mean: what is left when each camera's tint is known."""
    cameras = torch.as_tensor(camids)
    result = embeddings.clone()
    for camera in cameras.unique():
        rows = cameras == camera
        result[rows] -= embeddings[rows].mean(dim=0)
    return result


def score_colours(
    dataset: TrackletDataset, centre: bool = True, sides: tuple[Tensor, Tensor] | None = None
) -> Score:
    """Nearest neighbours by colour alone, on the queries and gallery that a network is scored on.

    centre: take each camera's mean away first, of queries and of gallery.
    sides: the histograms of both, where they have been counted already.
    """
    subsets = dataset.query, dataset.gallery
    cameras = [[t.camid for t in subset] for subset in subsets]
    counted = list(sides or count_colours(dataset))
    if centre:
        counted = [centred(side, camids) for side, camids in zip(counted, cameras)]
    return score_features(
        *counted,
        *([t.pid for t in subset] for subset in subsets),
        *cameras,
        junk_pids=dataset.junk_pids,
        protocol=dataset.protocol,
        frames=f"{FRAMES} frames at equal steps",
    )


def count_colours(dataset: TrackletDataset) -> tuple[Tensor, Tensor]:
    """Histograms of the queries (q, d) and of the gallery (g, d); each tracklet is read once."""
    rows = {t.row: t for t in (*dataset.query, *dataset.gallery)}
    counted = histogram_embeddings(dataset, list(rows.values()))
    place = {row: i for i, row in enumerate(rows)}
    return (
        counted[[place[t.row] for t in dataset.query]],
        counted[[place[t.row] for t in dataset.gallery]],
    )
