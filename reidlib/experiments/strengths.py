"""Method by illness by strength: what is left of each method as one illness grows.

The methods of `five_papers`, trained on `street`, tested on people who have a single illness, from
none (`clean`) to full strength. So a curve says where a method begins to break, and not only that
it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reidlib.data.promenade.settings import ILLNESSES
from reidlib.errors import ReidError
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.fair_numbers import STRENGTHS
from reidlib.experiments.five_papers import METHODS
from reidlib.experiments.printed import MEASURES
from reidlib.experiments.statistics import Estimate, differences, estimate
from reidlib.experiments.tables import known, trained_on
from reidlib.recipes import PAPERS

STRENGTHS_TABLE = "strengths"  # as `reid table` and `--score-on` call it
STEPS = (0.0, *STRENGTHS)


def scene(illness: str, strength: float) -> str:
    """As `--score-on` and the scores of records call it."""
    return f"{illness}={strength:g}" if strength else "clean"


LADDER = tuple(dict.fromkeys(scene(illness, s) for illness in ILLNESSES for s in STEPS))


@dataclass(frozen=True)
class Curve:
    """One method under one illness, percent: strength -> score.

    All points are of the same worlds, those that were tested at every strength; {} where none was.
    change: score at full strength minus that in `clean`, by world. stale: why the records may not
    hold any more, or "".
    """

    illness: str
    method: str
    scores: Mapping[float, Estimate]
    change: Estimate | None
    stale: str

    @property
    def name(self) -> str:
        return PAPERS.get(self.method, self.method)


@dataclass(frozen=True)
class Strengths:
    """Baseline and five methods under every illness at every strength, in one measure.

    missing: which methods have no whole curve that still holds, and what makes it; "" if none.
    """

    measure: str
    trained: str
    curves: tuple[Curve, ...]
    missing: str = ""


def strengths(evidence: Evidence, measure: str = "mAP") -> Strengths:
    """All curves, illness by illness. Raises ReidError for data without illnesses."""
    known(measure)
    if evidence.data.name != Data().name:
        raise ReidError(f"only Promenade has illnesses; {evidence.data.name} has none to turn up")
    curves = [
        _curve(evidence, illness, method, MEASURES[measure])
        for illness in ILLNESSES
        for method in METHODS
    ]
    return Strengths(measure, trained_on(evidence), tuple(curves), _missing(evidence, curves))


def _missing(evidence: Evidence, curves: Sequence[Curve]) -> str:
    short = dict.fromkeys(curve.method for curve in curves if not curve.scores or curve.stale)
    if not short:
        return ""
    command = evidence.command(*short, "--worlds 1", f"--score-on {STRENGTHS_TABLE}")
    return f"not tested at every strength yet: {', '.join(short)}; what does it: {command}"


def _curve(evidence: Evidence, illness: str, method: str, key: str) -> Curve:
    values = {s: evidence.values(method, key, scene(illness, s)) for s in STEPS}
    worlds = set.intersection(*(set(found) for found in values.values()))
    held = evidence.held.get(method, {})
    stale = next((held[k].stale for k in sorted(worlds) if held[k].stale), "")
    if not worlds:
        return Curve(illness, method, {}, None, stale)
    scores = {s: estimate([found[k] for k in sorted(worlds)]) for s, found in values.items()}
    change = differences(values[STEPS[-1]], values[STEPS[0]])
    return Curve(illness, method, scores, estimate([change[k] for k in sorted(worlds)]), stale)
