"""RGSA+RGTR's Figure 4: Grad-CAM of the baseline above RGSA, on good and on bad boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.seeing.arms import Arm, Drawn, caption, gather, queries, told
from reidlib.seeing.cam import scaled
from reidlib.seeing.cams import GRAD_CAM, Cam
from reidlib.seeing.drawing import Cell, lit, outlines, picture, sheet

SHOWN = 3  # frames of each kind


def framing(arms: Sequence[Arm], dataset: TrackletDataset, cam: Cam = GRAD_CAM) -> Drawn:
    """One frame of each of six people: the best framed three, (a)-(c), and the worst, (d)-(f)."""
    if dataset.truth is None:
        raise ReidError(f"{dataset.name} does not know how boxes err; rgsa-4 needs Promenade")
    people = queries(dataset)
    wrong = np.array([_box_error(dataset, t) for t in people])
    if len(people) < 2 * SHOWN:
        raise ReidError(f"rgsa-4 shows {2 * SHOWN} people; the data have {len(people)} queries")
    cam.check(dataset, people)
    order = np.argsort(wrong, kind="stable")
    chosen = [*order[:SHOWN], *order[-SHOWN:]]
    found = [gather(arm, dataset, people, cam.maps) for arm in arms]
    highest = max(float(g.maps[i].max()) for g in found for i in chosen) or 1.0

    rows: list[list[Cell | None]] = [[_frame(found[0].seen[i]) for i in chosen]]
    names = ["input"]
    for g in found:
        rows.append([_lit(g.seen[i], scaled(g.maps[i][:1])[0, 0]) for i in chosen])
        names.append(f"{g.arm.name}, own scale")
    for g in found:
        rows.append([_lit(g.seen[i], g.maps[i][0, 0] / highest) for i in chosen])
        names.append(f"{g.arm.name}, common scale")
    verdicts = {g.arm.name: g.verdict() for g in found}
    half = [order[: len(order) // 2], order[len(order) // 2 :]]
    for g in found:
        shares = g.person()
        verdicts[g.arm.name]["well framed"] = float(np.nanmean(shares[half[0]]))
        verdicts[g.arm.name]["badly framed"] = float(np.nanmean(shares[half[1]]))
    lines = [
        f"{n}: {told(v, 'person', 'parts')}; better framed half {v['well framed']:.2f}, "
        f"worse half {v['badly framed']:.2f}."
        for n, v in verdicts.items()
    ]
    words = [w for g in found for w in g.words(cam.name)]
    note = (
        f"Of the first {len(people)} queries the {SHOWN} whose box errs least, (a)-(c), and most, "
        f"(d)-(f); {cam.told}. Own scale: each map by its largest value; common scale: all by the "
        "largest of all."
    )
    figure = sheet(
        rows,
        names=names,
        heads=[f"({x})" for x in "abcdef"],
        gaps=[SHOWN - 1],
        title=f"RGSA+RGTR, Figure 4: {cam.name}, well and badly framed",
        caption=caption(dataset, arms, note, *lines, *words),
    )
    return Drawn(figure, verdicts, words)


def _box_error(dataset: TrackletDataset, tracklet: Tracklet) -> float:
    """How far off the detector's box is in the first frame: shifts plus zoom, in box sizes."""
    assert dataset.truth is not None
    right, down, zoom = dataset.truth.read(tracklet, [0])["box"][0].abs().tolist()
    return right + down + abs(float(torch.tensor(zoom).log()))


def _frame(seen) -> Cell:  # type: ignore[no-untyped-def]
    return Cell(picture(seen.frames[0, 0]), outlines(seen.truth, *seen.places.shape)[0][0])


def _lit(seen, one) -> Cell:  # type: ignore[no-untyped-def]
    return Cell(lit(seen.frames[0, 0], one), outlines(seen.truth, *seen.places.shape)[0][0])
