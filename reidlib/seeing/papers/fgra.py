"""FGRA's Figures 1, 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from reidlib.data.promenade.body import PARTS
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.records import Record
from reidlib.seeing.arms import Arm, Drawn, caption, first_median_worst, median, queries
from reidlib.seeing.attention import Seen, look, responses
from reidlib.seeing.cam import scaled
from reidlib.seeing.drawing import Cell, picture, sheet
from reidlib.seeing.figures import COLOURS
from reidlib.seeing.health import map_faults
from reidlib.seeing.papers.common import on_frames
from reidlib.seeing.papers.sweep import draw_sweeps
from reidlib.seeing.truth import estimate, region_mass

# Seen from behind, a head is mostly hair.
PARTS_SHOWN = {"head": ("head", "hair"), "torso": ("torso",), "legs": ("legs",), "feet": ("feet",)}
EVERY = 6  # frames of a row of Figure 1


def misaligned(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 1: sequences whose boxes drift, with the true box of four parts. Needs no model."""
    if dataset.truth is None:
        raise ReidError(f"{dataset.name} does not know its body parts; fgra-1 needs Promenade")
    people = queries(dataset)
    drift = [_drift(dataset, t) for t in people]
    order = first_median_worst([-d for d in drift])
    rows, names = [], []
    for i in order:
        tracklet = people[i]
        at = np.linspace(0, len(tracklet) - 1, EVERY).round().astype(int).tolist()
        frames, truth = dataset.frames.read(tracklet, at), dataset.truth.read(tracklet, at)
        rows.append([_boxed(f, box.tolist()) for f, box in zip(frames, truth["part_boxes"])])
        names.append(f"id {tracklet.raw_pid}, drift {drift[i]:.2f}")
    figure = sheet(
        rows,
        names=names,
        title="FGRA, Figure 1: misaligned sequences",
        caption=caption(
            dataset,
            [],
            f"First, median and most drifting of the first {len(people)} queries; {EVERY} frames "
            "evenly spread; boxes: " + ", ".join(PARTS_SHOWN) + ", top to bottom. Drift: spread "
            "of the box's vertical error in box heights.",
        ),
    )
    return Drawn(figure, {"drift": {"mean": float(np.mean(drift)), "most": float(max(drift))}})


def _drift(dataset: TrackletDataset, tracklet: Tracklet) -> float:
    assert dataset.truth is not None
    return float(dataset.truth.read(tracklet, range(len(tracklet)))["box"][:, 1].std(correction=0))


def _boxed(frame: torch.Tensor, boxes: list[list[float]]) -> Cell:
    shown = []
    for parts, colour in zip(PARTS_SHOWN.values(), COLOURS):
        found = [boxes[PARTS.index(part)] for part in parts]
        seen = np.array([box for box in found if box[2] > box[0]])
        if len(seen):
            left, top = seen[:, :2].min(axis=0).tolist()
            right, bottom = seen[:, 2:].max(axis=0).tolist()
            shown.append((left, top, right, bottom, colour))
    return Cell(picture(frame), boxes=tuple(shown))


def regions(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 5: the reference frame's stripes, then A and D of every region in every frame."""
    arm = arms[-1]
    people, how = queries(dataset), (arm.recipe, arm.profile)
    seen = [look(arm.model, dataset, t, *how, rule="evenly") for t in people]
    found = [_judge(one) for one in seen]
    worth = [float(np.nanmean(f["D"]["part"])) if f else np.nan for f in found]
    shown = seen[median(worth)]
    a, d = responses(shown.output)
    count, t = a.shape[2], a.shape[1]
    rows = [
        [
            _reference(shown, i, count),
            *on_frames(shown, scaled(a[:1, :, i])),
            *on_frames(shown, scaled(d[:1, :, i])),
        ]
        for i in range(count)
    ]
    numbers = _summary(found, [s.tracklet.raw_pid for s in seen]) if found[0] else {}
    everyone = [torch.cat([responses(s.output)[k][0].flatten(0, 1) for s in seen]) for k in (0, 1)]
    words = map_faults(everyone[0], "A") + map_faults(everyone[1].clamp_min(0), "D")
    lines = [
        f"{name}: mass on the region's own body part {row['part']}, on its fixed stripe "
        f"{row['stripe']}; an even map {row['part area']} and {row['stripe area']}."
        for name, row in numbers.items()
    ]
    note = (
        f"Of the first {len(seen)} queries the median by D's mass on its part. A is what Eq. 2 "
        "averages; gates start near one half, so only D, A less its mean over regions, can differ."
    )
    figure = sheet(
        rows,
        names=[f"region {i + 1}" for i in range(count)],
        heads=["reference", *(f"{x}, frame {n + 1}" for x in "AD" for n in shown.places[0])],
        gaps=[0, t],
        title="FGRA, Figure 5: responses of each region",
        caption=caption(dataset, [arm], note, *lines, *words),
    )
    return Drawn(figure, numbers, words)


def _reference(seen: Seen, region: int, count: int) -> Cell:
    """The reference frame with its stripe boxed."""
    frame = seen.frames[0, 0]
    height, width = frame.shape[-2:]
    box = (1.0, height * region / count, width - 1.0, height * (region + 1) / count, COLOURS[1])
    return Cell(picture(frame), boxes=(box,))


def _judge(seen: Seen) -> dict[str, dict[str, np.ndarray]]:
    if not seen.truth:
        return {}
    t = seen.places.shape[1]
    truth = {name: seen.truth[name][:t] for name in ("parts", "visible")}
    named = zip("AD", responses(seen.output))
    return {n: {k: v.numpy() for k, v in region_mass(m[0], truth).items()} for n, m in named}


def _summary(found: Sequence[dict[str, Any]], people: Sequence[int]) -> dict[str, Any]:
    """Each map's mass over frames and regions, mean and interval over people."""
    every: dict[str, Any] = {}
    for name in ("A", "D"):
        every[name] = {}
        for what in ("part", "stripe", "part area", "stripe area"):
            values = np.concatenate([f[name][what].ravel() for f in found])
            owners = np.repeat(people, found[0][name][what].size)
            every[name][what] = str(estimate(values, owners.tolist()))
    return every


def sweeps(records: Sequence[Record]) -> Drawn:
    """Figure 4: mAP and rank-1 over clip length and over regions, from run records."""
    lengths = {f"fgra-fig4/length-{n}": float(n) for n in (2, 4, 6, 8, 10)}
    counts = {f"fgra-fig4/regions-{n}": float(n) for n in (1, 2, 8)} | {"fgra": 4.0}
    plots = [("frames of a clip", "N", lengths), ("regions", "N_s", counts)]
    note = (
        "The consistency penalty is a sum over frames and regions at a fixed weight, so its "
        "strength grows with both; the controls fgra-fig4/...-scaled hold it as it is with 6 frames "
        "and 4 regions. One region is the whole body: its region attention is 1 and does nothing."
    )
    return draw_sweeps(records, plots, "FGRA, Figure 4", note)
