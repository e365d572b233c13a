"""What figures say in words: what models are called, whom a sheet shows, how numbers are told.

Rows are called what papers call them (`labels`); recipes' names and records stand in the caption.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reidlib.data.tracklets import TrackletDataset
from reidlib.recipes import PAPERS
from reidlib.recipes.core import Recipe
from reidlib.seeing.arms import Arm

# What models are called -------------------------------------------------------------------------

# What the figures that show them call them, where the printed row says it otherwise.
CALLED = {"tacan-1/ca": "without L_m", "tacan-1/minmax": "with L_m"}
_LOSS = re.compile(r"L(_\w+)?|ResNet50|SENet50")  # parts of a printed row that name no module


def label(recipe: Recipe) -> str:
    """What a paper calls the recipe's model: "RGSA", "SAM + Reg", "baseline"; ours by summary.

    The printed row without its number, its losses, its backbone and the word for the baseline,
    unless that is all there is.
    """
    if recipe.name in CALLED:
        return CALLED[recipe.name]
    title = PAPERS.get(recipe.paper, recipe.paper)
    if recipe.name == recipe.paper:
        return title
    if not recipe.row:  # ours, of no table
        told = recipe.summary if recipe.paper else recipe.name
        return told if told.startswith(title) else f"{title}, {told}"
    if recipe.row == recipe.name.rpartition("/")[2]:  # ours, called by its name
        return recipe.summary
    parts = [part.strip() for part in re.split(r" \+ |^\+", _row(recipe))]
    kept = [part for part in parts if part and not _LOSS.fullmatch(part)]
    kept = [part for part in kept if part.lower() not in ("baseline", "base.")] or ["baseline"]
    return _lower(" + ".join(kept))


def labels(arms: Sequence[Arm]) -> list[str]:
    """`label` of each; those that coincide by their whole rows, or else by their places."""
    found = [label(arm.recipe) for arm in arms]
    whole = [_lower(_row(arm.recipe) or arm.recipe.summary) for arm in arms]
    return _apart(_apart(found, whole), [f"{one}, run {n + 1}" for n, one in enumerate(found)])


def keys(arms: Sequence[Arm]) -> list[str]:
    """What an arm's numbers are filed under: its name, with its place where names coincide."""
    names = [arm.name for arm in arms]
    return _apart(names, [f"{name}, run {n + 1}" for n, name in enumerate(names)])


def _apart(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """The names, the others in place of those that occur twice."""
    known = Counter(names)
    return [other if known[name] > 1 else name for name, other in zip(names, others, strict=True)]


def _row(recipe: Recipe) -> str:
    """As printed, without number and without what stands in brackets behind "baseline"."""
    row = re.sub(r"^\d+\w?\. ", "", recipe.row)
    return re.sub(r"^(baseline) \(.*\)$", r"\1", row)


def _lower(text: str) -> str:
    """Words begin small, abbreviations as they are."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


# Captions ---------------------------------------------------------------------------------------


def caption(dataset: TrackletDataset, arms: Sequence[Arm], *sentences: str) -> str:
    """Data, scenario, profile and record, then the sentences, each on a line of its own."""
    told = [f"{dataset.name.capitalize()}, version {dataset.version}"]
    known = dataset.settings
    told += [f"{key} {known[key]}" for key in ("scenario", "world") if key in known]
    told += [f"profile {name}" for name in dict.fromkeys(arm.profile.name for arm in arms)]
    shown = [
        f"{name}: recipe {arm.recipe.name}, record {arm.record}."
        for name, arm in zip(labels(arms), arms)
    ]
    return "\n".join([", ".join(told) + ".", *(s for s in (*shown, *sentences) if s)])


def outlined(dataset: TrackletDataset) -> str:
    """What the white line is, where the data know it, else ""."""
    return "White line: what is truly visible of the person." if dataset.truth is not None else ""


def rule(values: Sequence[float] | np.ndarray, by: str, which: str = "the first") -> str:
    """How the people of a sheet were chosen, in one sentence. by: what `values`, one of each, are;
    which: of all queries are looked at."""
    looked_at = f"{which} {len(values)} queries"
    if len(values) < 3:
        return f"Shown: {looked_at}, all there are."
    if np.isfinite(np.asarray(values, np.float64)).sum() < 3:
        return f"Shown: three of {looked_at}; nothing that is known here ranks them."
    return (
        f"Shown, of {looked_at}: the first, the worst of the others, and between them the median "
        f"of the rest, by {by}."
    )


def told(verdict: Mapping[str, Any], *questions: str) -> str:
    """Some of a verdict in a line: person 0.61 (0.57 to 0.65; centre 0.55, random 0.38)."""
    parts = []
    for question in questions:
        there = (name for name in ("map", "centre", "random") if name in verdict)
        row = {name: verdict[name][question] for name in there}
        if row:
            own = row.pop("map")
            rivals = ", ".join(f"{name} {number(value['mean'])}" for name, value in row.items())
            parts.append(f"{question} {interval(own, more=rivals)}")
    return "; ".join(parts)


def number(value: float, form: str = ".2f") -> str:
    """A number in a caption; in words where there is none."""
    return format(value, form) if np.isfinite(value) else "not known here"


def interval(value: Mapping[str, Any], form: str = ".2f", more: str = "") -> str:
    """A stored estimate in a caption: 0.61 (0.57 to 0.65; more); in words what is not known."""
    mean, low, high = (value[key] for key in ("mean", "low", "high"))
    if not np.isfinite(mean):
        return "not known here"
    sure = np.isfinite(low) and np.isfinite(high)
    inside = f"{low:{form}} to {high:{form}}" if sure else "one person, no interval"
    return f"{mean:{form}} ({inside}{'; ' * bool(more)}{more})"
