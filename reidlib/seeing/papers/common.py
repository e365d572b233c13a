"""The sheet that most papers print: frames above, each model's maps below, three people across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.seeing.arms import Arm, Drawn, Gathered, MapMaker, first_median_worst, gather
from reidlib.seeing.attention import Seen
from reidlib.seeing.cam import scaled
from reidlib.seeing.drawing import Cell, lit, outlines, picture, sheet
from reidlib.seeing.words import caption, keys, labels, number, outlined, rule, told

RIVALS = "In brackets: 95 % interval over people, and maps that know nothing, by the same measure."


def maps_sheet(
    arms: Sequence[Arm],
    dataset: TrackletDataset,
    tracklets: Sequence[Tracklet],
    maker: MapMaker,
    *,
    title: str,
    over: Literal["frame", "clip", "all"] = "frame",
    question: str = "person",
    slots: Sequence[str] = (),
    which: str = "the first",
    note: str = "",
) -> Drawn:
    """One clip of three people, each model's maps in a row, judged over all the tracklets.

    The people are chosen by the last model's mass on the visible person; over: see `cam.scaled`.
    slots: questions whose answers are told frame by frame. which: of all queries `tracklets` are.
    """
    found = [gather(arm, dataset, tracklets, maker) for arm in arms]
    names, worth = labels(arms), found[-1].person()
    chosen = first_median_worst(worth)
    shown = [found[0].seen[i] for i in chosen]
    verdicts: dict[str, Any] = {key: g.verdict() for key, g in zip(keys(arms), found)}
    called = list(zip(names, verdicts.values()))
    words = list(dict.fromkeys(word for n, g in zip(names, found) for word in g.words(name=n)))
    t = found[0].maps[0].shape[1]
    rows = [frame_row(shown), *(map_row(g, chosen, over) for g in found)]
    lines = [f"{name}: {told(v, question)}" for name, v in called if "map" in v]
    scale = {"frame": "each frame", "clip": "each clip", "all": "all clips"}[over]
    figure = sheet(
        rows,
        names=["input", *names],
        heads=heads(shown, t),
        title=title,
        gaps=[t * n - 1 for n in range(1, len(chosen))],
        caption=caption(
            dataset,
            arms,
            rule(worth, "mass of the last row's maps on the visible person", which),
            " ".join(x for x in (f"Maps are scaled over {scale}.", outlined(dataset), note) if x),
            *(f"Mass over {len(tracklets)} people, {line}." for line in lines),
            RIVALS if lines else "",
            *(by_slot(name, v, slots) for name, v in called if slots),
            meant(slots) if slots and lines else "",
            *words,
        ),
    )
    return Drawn(figure, verdicts, words)


def by_slot(name: str, verdict: dict[str, Any], questions: Sequence[str]) -> str:
    """One line: what is asked of the first, second, ... frame of a clip, and how alike they are."""
    rows = {q: _means(verdict["by slot"][q]) for q in questions if "by slot" in verdict}
    kept = _means(verdict["overlap with frame 0, by slot"])
    parts = [f"{question} {values}" for question, values in rows.items()]
    parts += [f"overlap with the first {kept}"]
    if len(verdict["overlap with frame 0, by slot"]) > 1:
        alike = verdict["likeness of frames"]["mean"]
        parts += [f"cosine between frames {number(alike, '.3f')}"]
    return f"Frame by frame, {name}: " + "; ".join(parts) + "."


MEANT = {
    "person": "on the visible person",
    "background": "neither on the person nor on what stands in front",
    "parts beyond breadth": "how much more of the visible body parts is lit than of the frame",
    "breadth": "share of the frame that is lit, above half of its highest value",
}


def meant(questions: Sequence[str]) -> str:
    """What the words of `by_slot` mean, in one line."""
    told = [f"{name}: {MEANT[name]}" for name in questions if name in MEANT]
    told.append(
        "overlap with the first: mass that two maps have in common (a map that never changes has "
        "1, noise two thirds)"
    )
    return f"Above the first row: id, and number of the frame. {'; '.join(told)}."


def _means(estimates: Sequence[dict[str, Any]]) -> str:
    if not any(np.isfinite(value["mean"]) for value in estimates):
        return "not known here"
    return ", ".join(number(value["mean"]) for value in estimates)


def frame_row(seen: Sequence[Seen]) -> list[Cell | None]:
    """The frames of the first clip of each."""
    cells: list[Cell | None] = []
    for one in seen:
        m, t = one.places.shape
        drawn = outlines(one.truth, m, t)[0]
        cells += [Cell(picture(one.frames[0, j]), drawn[j]) for j in range(t)]
    return cells


def map_row(found: Gathered, chosen: Sequence[int], over: Literal["frame", "clip", "all"]) -> list:
    """The maps of the first clip of the chosen, on their frames."""
    cells: list[Cell | None] = []
    if over == "all":
        highest = max(float(found.maps[i][0].max()) for i in chosen) or 1.0
        shown = [(found.maps[i][:1] / highest).clamp_min(0) for i in chosen]
    else:
        shown = [scaled(found.maps[i][:1], over) for i in chosen]
    for i, maps in zip(chosen, shown):
        cells += on_frames(found.seen[i], maps)
    return cells


def on_frames(seen: Seen, maps: Tensor, clip: int = 0) -> list[Cell | None]:
    """Maps (1, t, h, w) in 0..1 over the frames of one clip."""
    m, t = seen.places.shape
    drawn = outlines(seen.truth, m, t)[clip]
    return [Cell(lit(seen.frames[clip, j], maps[0, j]), drawn[j]) for j in range(t)]


def heads(seen: Sequence[Seen], t: int) -> list[str]:
    """Who it is above a person's first frame, the frame's number above the others."""
    found: list[str] = []
    for one in seen:
        numbers = [f"{n + 1}" for n in np.asarray(one.places[0])]
        found += [f"id {one.tracklet.raw_pid}, {numbers[0]}", *numbers[1:t]]
    return found
