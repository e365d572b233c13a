"""The papers' line plots, from run records: a point is the mean over the records of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reidlib.errors import ReidError
from reidlib.records import Record
from reidlib.seeing.arms import Drawn
from reidlib.seeing.drawing import curves

Lines = dict[str, tuple[Sequence[float], Sequence[float]]]
Panel = tuple[str, str, Lines]
SCORES = {"mAP": "map", "rank-1": "rank-1"}  # as they are called here, and in records


def collect(records: Sequence[Record], heading: str, x: str, at: Mapping[str, float]) -> Panel:
    """One panel: mAP and rank-1 (in %) of the recipes at their x, where records are there.

    Raises ReidError when there is no record of any of them.
    """
    lines: Lines = {}
    for name, key in SCORES.items():
        points = []
        for recipe, where in at.items():
            found = [_score(r, key) for r in records if r.recipe["name"] == recipe]
            if found:
                points.append((float(where), 100 * float(np.mean(found))))
        points.sort()
        lines[name] = ([p[0] for p in points], [p[1] for p in points])
    if not lines["mAP"][0]:
        raise ReidError(
            f"the sweep over {x} has not been run: there is no record of {', '.join(at)}"
        )
    return heading, x, lines


def _score(record: Record, key: str) -> float:
    """Of the data it was trained on (its first score, else)."""
    wanted = str(record.data["settings"].get("scenario", record.data["name"]))
    score = record.scores.get(wanted) or next(iter(record.scores.values()))
    return float(score[key])


def draw_sweeps(
    records: Sequence[Record], plots: Sequence[tuple[str, str, Mapping[str, float]]], title: str
) -> Drawn:
    """Plots side by side: (heading, x, recipe -> where it stands on x) each."""
    panels = [collect(records, *plot) for plot in plots]
    wanted = {recipe for *_, at in plots for recipe in at}
    used = [r for r in records if r.recipe["name"] in wanted]
    figure = curves(panels, y="%", title=title, caption=_told(used, panels))
    return Drawn(figure, {heading: lines for heading, _, lines in panels})


def _told(records: Sequence[Record], panels: Sequence[Panel]) -> str:
    """How many records, of which profiles; with the points that are missing left out."""
    profiles = sorted({r.profile["name"] for r in records})
    points = sum(len(lines["mAP"][0]) for _, _, lines in panels)
    return (
        f"{points} points, means over the run records of each recipe; profiles "
        f"{', '.join(profiles)}. Scores on rendered people say nothing about MARS."
    )
