"""RGSA+RGTR's Figure 4: Grad-CAM of the baseline above RGSA, on good and on bad boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.seeing.arms import Arm, Drawn, Gathered, gather, queries
from reidlib.seeing.attention import Seen
from reidlib.seeing.cam import scaled
from reidlib.seeing.cams import GRAD_CAM, Cam
from reidlib.seeing.drawing import Cell, lit, outlines, picture, sheet
from reidlib.seeing.papers.common import RIVALS
from reidlib.seeing.words import caption, keys, labels, number, outlined, told

SHOWN = 3  # frames of each kind


def framing(arms: Sequence[Arm], dataset: TrackletDataset, cam: Cam = GRAD_CAM) -> Drawn:
    """One frame of each of six people: (a)-(c) well framed, (d)-(f) badly framed and small."""
    if dataset.truth is None:
        raise ReidError(f"{dataset.name} does not know how boxes err; rgsa-4 needs Promenade")
    people = queries(dataset)
    if len(people) < 2 * SHOWN:
        raise ReidError(f"rgsa-4 shows {2 * SHOWN} people; the data have {len(people)} queries")
    cam.check(dataset, people)
    wrong = np.array([_box_error(dataset, t) for t in people])
    found = [gather(arm, dataset, people, cam.maps) for arm in arms]
    order = np.argsort(wrong, kind="stable")
    half = [order[: len(order) // 2], order[len(order) // 2 :]]
    sizes = np.array([_size(seen) for seen in found[0].seen])
    chosen = choose(order, sizes)
    rows, names = _rows(found, labels(arms), chosen)
    verdicts = {key: g.verdict() for key, g in zip(keys(arms), found)}
    for g, verdict in zip(found, verdicts.values()):
        shares = g.person()
        for name, some in zip(("well framed", "badly framed"), half):
            known = shares[some][np.isfinite(shares[some])]
            verdict[name] = float(known.mean()) if len(known) else float("nan")
    lines = [
        f"{name}: {told(v, 'person', 'parts beyond breadth')}; mass on the person in the better "
        f"framed half {number(v['well framed'])}, in the worse {number(v['badly framed'])}."
        for name, v in zip(labels(arms), verdicts.values())
    ]
    words = [w for n, g in zip(labels(arms), found) for w in g.words(cam.name, n)]
    words = list(dict.fromkeys(words))
    note = (
        f"Of the first {len(people)} queries: (a)-(c) the {SHOWN} whose box errs least; (d)-(f), "
        f"of the half whose box errs more, the {SHOWN} that fill the least of the frame shown "
        "(the share stands above it)."
    )
    maps = (
        f"{cam.told}. "
        "Own scale: each map from its smallest to its largest value, so where it is brightest can "
        "be read, not how strong it is; common scale: all maps by the largest value of all that "
        "are shown, so that weak maps of a model are dark (two models' scores have scales of their "
        "own). Parts beyond breadth: how much more of the body is lit than of the frame. "
        + outlined(dataset)
    )
    figure = sheet(
        rows,
        names=names,
        heads=[f"({x}), {sizes[i]:.0%}" for x, i in zip("abcdef", chosen)],
        gaps=[SHOWN - 1],
        title=f"RGSA+RGTR, Figure 4: {cam.name}, well and badly framed",
        caption=caption(dataset, arms, note, maps, *lines, RIVALS, *words),
    )
    return Drawn(figure, verdicts, words)


def choose(order: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Whose box errs least, then of the half that errs most the smallest in the frame.

    order: people by the error of their boxes, least first; sizes: share of the frame they fill.
    """
    worse = order[len(order) // 2 :]
    small = worse[np.argsort(sizes[worse], kind="stable")][:SHOWN]
    return [*order[:SHOWN].tolist(), *small.tolist()]


def _rows(
    found: Sequence[Gathered], names: Sequence[str], chosen: Sequence[int]
) -> tuple[list[list[Cell | None]], list[str]]:
    """Frames, each model by its maps' own scale, each by the scale of all."""
    highest = max(float(g.maps[i][0, 0].max()) for g in found for i in chosen)
    highest = highest if highest > 0 else 1.0
    rows: list[list[Cell | None]] = [[_cell(found[0].seen[i]) for i in chosen]]
    for g in found:
        rows.append([_cell(g.seen[i], scaled(g.maps[i][:1])[0, 0]) for i in chosen])
    for g in found:
        rows.append([_cell(g.seen[i], g.maps[i][0, 0] / highest) for i in chosen])
    told = [f"{name}, {kind} scale" for kind in ("own", "common") for name in names]
    return rows, ["input", *told]


def _box_error(dataset: TrackletDataset, tracklet: Tracklet) -> float:
    """How far off the detector's box is in the first frame: shifts plus zoom, in box sizes."""
    assert dataset.truth is not None
    right, down, zoom = dataset.truth.read(tracklet, [0])["box"][0].abs().tolist()
    return right + down + abs(float(torch.tensor(zoom).log()))


def _size(seen: Seen) -> float:
    """The share of the frame that is shown that the visible person fills."""
    return float(seen.truth["visible"][0].double().mean())


def _cell(seen: Seen, one: torch.Tensor | None = None) -> Cell:
    """The first frame, under its map if there is one."""
    image = picture(seen.frames[0, 0]) if one is None else lit(seen.frames[0, 0], one)
    return Cell(image, outlines(seen.truth, *seen.places.shape)[0][0])
