"""The papers' line plots, from run records: a point is the mean over the worlds of a recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from reidlib.errors import ReidError
from reidlib.experiments.statistics import Estimate, estimate
from reidlib.records import Record
from reidlib.seeing.arms import Drawn
from reidlib.seeing.drawing import Lines, curves

Panel = tuple[str, str, Lines]
NAMED = 3  # records in a caption
SCORES = {"mAP": "map", "rank-1": "rank-1"}  # as they are called here, and in records


def collect(records: Sequence[Record], heading: str, x: str, at: Mapping[str, float]) -> Panel:
    """One panel: mAP and rank-1 (in %) of the recipes at their x, where records are there.

    A line is (x, means, half widths of their 95 % t intervals), NaN for the half of one record.
    Raises ReidError when there is no record of any of them.
    """
    lines: Lines = {}
    for name, key in SCORES.items():
        points: list[tuple[float, Estimate]] = []
        for recipe, where in at.items():
            found = [100 * _score(r, key) for r in records if r.recipe["name"] == recipe]
            if found:
                points.append((float(where), estimate(found)))
        points.sort(key=lambda point: point[0])
        halves = [e.high - e.mean if e.worlds > 1 else float("nan") for _, e in points]
        lines[name] = ([x for x, _ in points], [e.mean for _, e in points], halves)
    if not lines["mAP"][0]:
        raise ReidError(
            f"the sweep over {x} has not been run: there is no record of {', '.join(at)}"
        )
    return heading, x, lines


def _score(record: Record, key: str) -> float:
    """Of the data it was trained on (its first score, else)."""
    score = record.scores.get(_trained_on(record)) or next(iter(record.scores.values()))
    return float(score[key])


def _trained_on(record: Record) -> str:
    return str(record.data["settings"].get("scenario", record.data["name"]))


def _kind(record: Record) -> tuple[str, str, str]:
    """What records must share for a mean to make sense: profile, data set, scenario."""
    return record.profile["name"], record.data["name"], _trained_on(record)


def comparable(records: Sequence[Record]) -> list[Record]:
    """Those of one profile, data set and scenario: the combination with the most records."""
    if not records:
        return []
    (kind, _), *_ = Counter(sorted(map(_kind, records))).most_common(1)
    return [r for r in records if _kind(r) == kind]


def shared(records: Sequence[Record], wanted: Iterable[str]) -> list[Record]:
    """Those of the worlds that every wanted recipe with a record has: points compare like things.

    A recipe that is a row of another table, too, may have been run in more worlds than the rest.
    """
    worlds: dict[str, set[int]] = {}
    for record in records:
        worlds.setdefault(record.recipe["name"], set()).add(record.seed)
    common = set.intersection(*(worlds[name] for name in wanted if name in worlds))
    return [r for r in records if r.seed in common] if common else list(records)


def draw_sweeps(
    records: Sequence[Record],
    plots: Sequence[tuple[str, str, Mapping[str, float]]],
    title: str,
    note: str = "",
) -> Drawn:
    """Plots side by side: (heading, x, recipe -> where it stands on x) each. note: for readers."""
    wanted = {recipe for *_, at in plots for recipe in at}
    used = comparable([r for r in records if r.recipe["name"] in wanted])
    used = shared(used, wanted) if used else []
    panels = [collect(used, *plot) for plot in plots]
    missing = [name for *_, at in plots for name in at if not _has(used, name)]
    told = [_told(used, panels), _named(used), note]
    told += [f"Not run yet: {', '.join(missing)}."] if missing else []
    figure = curves(panels, y="%", title=title, caption="\n".join(one for one in told if one))
    return Drawn(figure, {heading: lines for heading, _, lines in panels})


def _has(records: Sequence[Record], recipe: str) -> bool:
    return any(r.recipe["name"] == recipe for r in records)


def _named(records: Sequence[Record]) -> str:
    """A few of the records by name."""
    names = sorted(r.name.removesuffix(".json") for r in records)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Records: {', '.join(names[:NAMED])}{more}."


def _told(records: Sequence[Record], panels: Sequence[Panel]) -> str:
    """How many points and worlds, of which profile and data; how many are out of date."""
    profile, data, scenario = _kind(records[0])
    version = records[0].data.get("version")
    points = sum(len(lines["mAP"][0]) for _, _, lines in panels)
    known = sorted({r.data["settings"].get("world", r.seed) for r in records})
    worlds = Counter(r.recipe["name"] for r in records).values()
    fewest, most = min(worlds), max(worlds)
    several = most > 1
    which = f"({', '.join(map(str, known))})"
    count = f"{fewest} to {most} worlds" if fewest < most else f"{most} worlds"
    count = f"{count} {which}" if several else f"one world {which}, which has no interval"
    stale = sum(bool(r.stale) for r in records)
    told = [
        f"{data.capitalize()}{f', version {version}' if version else ''}, {scenario}, "
        f"profile {profile}; {points} points of {count}.",
        "Bars: 95 % t interval over worlds." * several,
        f"Out of date: {stale} of {len(records)} records." if stale else "",
        "Scores on rendered people say nothing about MARS.",
    ]
    return " ".join(part for part in told if part)
