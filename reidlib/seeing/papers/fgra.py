"""FGRA's Figures 1, 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from reidlib.data.promenade.body import PARTS
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.records import Record
from reidlib.seeing.arms import Arm, Drawn, first_median_worst, queries
from reidlib.seeing.attention import Seen, look, responses
from reidlib.seeing.cam import scaled
from reidlib.seeing.drawing import Cell, picture, sheet
from reidlib.seeing.figures import COLOURS
from reidlib.seeing.health import faults
from reidlib.seeing.papers.common import on_frames
from reidlib.seeing.papers.sweep import draw_sweeps
from reidlib.seeing.truth import estimate, references, region_mass
from reidlib.seeing.words import caption, interval, number, outlined, rule

# Seen from behind, a head is mostly hair.
PARTS_SHOWN = {"head": ("head", "hair"), "torso": ("torso",), "legs": ("legs",), "feet": ("feet",)}
HUES = ("blue", "orange", "green", "pink")  # what the first of COLOURS are called
EVERY = 6  # frames of a row of Figure 1
BLOB = "A blob in the middle of every frame"


def misaligned(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 1: sequences whose boxes drift, with the true box of four parts. Needs no model."""
    if dataset.truth is None:
        raise ReidError(f"{dataset.name} does not know its body parts; fgra-1 needs Promenade")
    people = queries(dataset)
    drift = [_drift(dataset, t) for t in people]
    at = [np.linspace(0, len(t) - 1, EVERY).round().astype(int).tolist() for t in people]
    frames = [dataset.frames.read(t, one) for t, one in zip(people, at)]
    rows, names = [], []
    for i in first_median_worst([-d for d in drift]):
        boxes = dataset.truth.read(people[i], at[i])["part_boxes"]
        rows.append([_boxed(f, box.tolist()) for f, box in zip(frames[i], boxes)])
        names.append(f"id {people[i].raw_pid}, drift {drift[i]:.2f}")
    words = faults(frames)
    parts = ", ".join(f"{part} {hue}" for part, hue in zip(PARTS_SHOWN, HUES))
    figure = sheet(
        rows,
        names=names,
        title="FGRA, Figure 1: misaligned sequences",
        caption=caption(
            dataset,
            [],
            rule(drift, "drift, most being worst"),
            "Drift: the standard deviation of the box's vertical error over a tracklet, in box "
            f"heights. {EVERY} frames evenly spread. True boxes of what is visible: {parts}. "
            "No model is asked.",
            *words,
        ),
    )
    numbers = {"drift": {"mean": float(np.mean(drift)), "most": float(max(drift))}}
    return Drawn(figure, numbers, words)


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
    """Figure 5: of three people, the reference frame's stripes, then A and D of every region."""
    arm = arms[-1]
    people, how = queries(dataset), (arm.recipe, arm.profile)
    seen = [look(arm.model, dataset, t, *how, rule="evenly") for t in people]
    found = [_judge(one) for one in seen]
    worth = [_mean(f["D"]["part"]) if f else np.nan for f in found]
    chosen = [seen[i] for i in first_median_worst(worth)]
    rows: list[list[Cell | None]] = []
    names: list[str] = []
    groups: dict[int, Sequence[str]] = {}
    for one in chosen:
        groups[len(rows)] = [
            f"id {one.tracklet.raw_pid}, {one.places[0][0] + 1}",
            *(f"{x}, frame {n + 1}" for x in "AD" for n in one.places[0]),
        ]
        rows += _responses(one)
        names += [f"region {i + 1}" for i in range(len(rows) - len(names))]
    numbers = _summary(found, [s.tracklet.raw_pid for s in seen]) if found[0] else {}
    words = _wrong(arm, seen)
    t = chosen[0].places.shape[1]
    figure = sheet(
        rows,
        names=names,
        heads=groups.pop(0),
        groups=groups,
        gaps=[0, t],
        title="FGRA, Figure 5: responses of each region",
        caption=caption(
            dataset,
            [arm],
            rule(worth, "D's mass on the region's own body part"),
            "Left, orange: the region's stripe in the reference frame, the clip's first. A is what "
            "Eq. 2 averages; gates start near one half, so A is much the same for all regions, and "
            "only D, A less its mean over regions, can differ. Each map is scaled by itself. "
            + outlined(dataset),
            *(_told(name, row) for name, row in numbers.items()),
            *words,
        ),
    )
    return Drawn(figure, numbers, words)


def _responses(seen: Seen) -> list[list[Cell | None]]:
    """A row a region: reference, A over the frames of the first clip, D over the same."""
    a, d = responses(seen.output)
    count = a.shape[2]
    return [
        [
            _reference(seen, i, count),
            *on_frames(seen, scaled(a[:1, :, i])),
            *on_frames(seen, scaled(d[:1, :, i])),
        ]
        for i in range(count)
    ]


def _told(name: str, row: dict[str, Any]) -> str:
    """One line on A, on D, or on a blob in the middle, which knows nothing."""
    part, stripe = interval(row["part"], ".3f"), interval(row["stripe"], ".3f")
    even = [number(row[f"{what} area"]["mean"], ".3f") for what in ("part", "stripe")]
    who = BLOB if name == "centre" else name
    return (
        f"{who}, after the reference frame: mass on the box of the region's own body part {part}, "
        f"an even map {even[0]}; "
        f"on the region's fixed stripe {stripe}, an even map {even[1]}."
    )


def _wrong(arm: Arm, seen: Sequence[Seen]) -> list[str]:
    """What is wrong with frames, A, D and embeddings."""
    a, d = zip(*(responses(s.output) for s in seen))
    with torch.no_grad():
        pooled = [arm.model.pool(s.output) for s in seen]  # type: ignore[operator]
    maps = {name: torch.cat([m.flatten(0, 2) for m in of]) for name, of in (("A", a), ("D", d))}
    maps["D"] = maps["D"].clamp_min(0)
    found = faults([s.flat(s.frames) for s in seen], maps, {"FGRA": torch.stack(pooled)})
    if a[0].shape[2] == 1:
        found.append("One region: its D is nothing, since there is no other to differ from.")
    return found


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


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
    named = dict(zip("AD", responses(seen.output)))
    like = named["A"].flatten(0, 2)
    named["centre"] = references(like)["centre"].view(named["A"].shape)
    return {
        n: {k: v.numpy() for k, v in region_mass(m[0], truth).items()} for n, m in named.items()
    }


def _summary(found: Sequence[dict[str, Any]], people: Sequence[int]) -> dict[str, Any]:
    """Each map's mass over regions and the frames after the reference frame (in that one a region
    lies on its part by its making; a clip of one frame has no other); mean and interval over
    people."""
    every: dict[str, Any] = {}
    for name in ("A", "D", "centre"):
        every[name] = {}
        for what in ("part", "stripe", "part area", "stripe area"):
            after = [f[name][what][1:] if len(f[name][what]) > 1 else f[name][what] for f in found]
            values = np.concatenate([one.ravel() for one in after])
            owners = np.repeat(people, after[0].size)
            every[name][what] = asdict(estimate(values, owners.tolist()))
    return every


def sweeps(records: Sequence[Record]) -> Drawn:
    """Figure 4: mAP and rank-1 over clip length and over regions, from run records."""
    lengths = {f"fgra-fig4/length-{n}": float(n) for n in (2, 4, 6, 8, 10)}
    counts = {f"fgra-fig4/regions-{n}": float(n) for n in (1, 2, 8)} | {"fgra": 4.0}
    plots = [("frames of a clip", "N", lengths), ("regions", "N_s", counts)]
    return draw_sweeps(
        records,
        plots,
        "FGRA, Figure 4",
        "With one region the whole body is aligned: attention over regions has nothing to weigh. "
        "Eq. 3 is a sum over frames and regions, so at the one weight that all points share the "
        "consistency penalty grows with N and N_s; recipes named -scaled hold its strength. "
        "The paper names N = 2 as the outlier and 6 as the best, all others within 5 points; "
        "N_s = 4 as the best.",
    )
