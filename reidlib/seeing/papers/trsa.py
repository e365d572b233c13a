"""TRSA has no figure of its maps; this one shows what its penalty does to them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.seeing.arms import LOOKED_AT, Arm, Drawn, queries
from reidlib.seeing.attention import Seen, spatial_attention
from reidlib.seeing.papers.common import maps_sheet


def attention(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Attention of each frame, without and with the penalty, where people get covered."""
    return maps_sheet(
        arms,
        dataset,
        covered_first(dataset),
        lambda arm, data, seen: _maps(seen),
        title="TRSA: attention per frame",
        slots=("person",),
        which="the most covered" if dataset.truth is not None else "the first",
        note="Frames are evenly spread over each tracklet.",
    )


def _maps(seen: Seen) -> torch.Tensor:
    return spatial_attention(seen.output)


def covered_first(dataset: TrackletDataset, count: int = LOOKED_AT) -> list[Tracklet]:
    """Of four times as many queries the `count` whose person is covered most; data order else."""
    known = queries(dataset, 4 * count)
    if dataset.truth is None:
        return known[:count]
    truth = dataset.truth
    most = [-float(truth.read(t, range(0, len(t), 2))["covered"].mean()) for t in known]
    return [known[i] for i in sorted(range(len(known)), key=most.__getitem__)[:count]]
