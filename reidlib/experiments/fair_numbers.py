"""What the records of Promenade's examination say, as numbers; `fairness.py` judges them.

mAP in percent throughout. Intervals over worlds are Student's; errors inside one world are a
bootstrap over its people, paired where two conditions share their queries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.resampling import resampled_maps
from reidlib.experiments.statistics import Estimate, differences, estimate
from reidlib.experiments.study_records import Run, Studies, maps
from reidlib.recipes import PAPERS, profile

WORLDS = range(5)  # in which a measure's pair is compared
FEW_PEOPLE = 200  # a test that more people are held against
SETTLED = 0.5  # change of mAP with half as many steps again
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MEASURES: Mapping[str, str] = {  # part of the study -> what is new in it; what stands before stays
    "scratch-120": "120 people to learn from, random first weights",
    "scratch": "420 people to learn from",
    "pretrained": "a backbone pretrained on other people",
    "averaged": "weights averaged: the laptop profile",
}
FEWER = ("one", "two")  # arms that four frames are held against; the second at the profile alone
PLATEAU: Mapping[str, str] = {
    "baseline": "the baseline",
    "newcomer": "the same with squeeze-and-excitation blocks that start at random",
}


@dataclass(frozen=True)
class Rung:
    """One measure against noise: mAP of four frames, and the gain over one, paired by world."""

    part: str
    what: str
    score: Estimate
    gain: Estimate
    seconds: float  # of a training of four frames, mean
    threads: int

    @property
    def error(self) -> float:
        """Standard error of the paired difference; NaN from one world."""
        return standard_error(self.gain)


@dataclass(frozen=True)
class Dose:
    """One illness alone in one world: mAP at its strengths from 0, and how sure each change is.

    drops: (mAP lost against strength 0, its standard error), one a strength above 0.
    rises: (mAP gained against the strength before, its standard error), likewise.
    """

    illness: str
    strengths: tuple[float, ...]
    maps: tuple[float, ...]
    drops: tuple[tuple[float, float], ...]
    rises: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LargerTest:
    """What more people in the test buy: the sampling error of mAP had there been `fewer`."""

    people: int
    fewer: int
    error_of_fewer: float


class Gathered:
    """The records that the report reads, by where they stand under a folder of results.

    trained: world -> the ordinary record of `reid experiment baseline`.
    colours, doses: world -> those of `reid promenade measure`. study: of `reid promenade study`.
    stale: whether to read records that do not hold any more.
    """

    def __init__(self, results: Path, *, stale: bool = True) -> None:
        own = Evidence(results, only="baseline") if results.is_dir() else None
        held = own.held.get("baseline", {}) if own else {}
        runs = {w: Run(h.record.name, h.record, h.stale) for w, h in sorted(held.items())}
        self.trained = {w: run for w, run in runs.items() if stale or not run.stale}
        self.study = Studies(results / "promenade", stale=stale)
        self.colours = self.study.by_world("colours", "histogram", "street")
        self.doses = self.study.by_world("doses", "baseline", "clean")

    def by_scenario(self, runs: Mapping[int, Run]) -> dict[str, Estimate]:
        """Scenario -> mAP over the worlds that were scored on it."""
        found = {}
        for scenario in SCENARIOS:
            scored = [r.map(scenario) for r in runs.values() if scenario in r.record.scores]
            if scored:
                found[scenario] = estimate(scored)
        return found

    def ladder(self) -> dict[str, Rung]:
        """Part -> rung, all in the worlds that they share, so that their errors can be compared."""
        gains = {part: found for part in MEASURES if (found := self.gains(part, "one"))}
        shared = set(WORLDS).intersection(*gains.values())
        return {part: self._rung(part, shared) for part in gains} if shared else {}

    def _rung(self, part: str, worlds: set[int]) -> Rung:
        four = self.study.by_world(part, "four")
        gains = {world: gain for world, gain in self.gains(part, "one").items() if world in worlds}
        records = [four[world].record for world in gains]
        return Rung(
            part=part,
            what=MEASURES[part],
            score=estimate([four[world].map("street") for world in gains]),
            gain=estimate(list(gains.values())),
            seconds=math.fsum(r.seconds["training"] for r in records) / len(records),
            threads=int(records[0].machine.get("threads", 1)),
        )

    def gains(self, part: str, fewer: str) -> dict[int, float]:
        """World, of WORLDS -> mAP of four frames minus that of this arm."""
        four, other = (self.study.by_world(part, arm) for arm in ("four", fewer))
        found = differences(maps(four), maps(other))
        return {world: gain for world, gain in found.items() if world in WORLDS}

    def dose(self, illness: str) -> Dose | None:
        """Of the first world that has the queries of every strength so far; None without any."""
        for run in self.doses.values():
            keys = ["clean", *(f"{illness}={s:g}" for s in STRENGTHS)]
            there = {s: run.per_query(key) for s, key in zip((0.0, *STRENGTHS), keys)}
            known = {s: found for s, found in there.items() if found is not None}
            if 0.0 in known and len(known) > 1:
                people = known[0.0][1]
                return dose(illness, {s: ap for s, (ap, _) in known.items()}, people)
        return None

    def change(self, arm: str, steps: tuple[int, int], part: str = "plateau") -> Estimate | None:
        """mAP with the longer budget minus the shorter, paired by world; None without both."""
        short, long = (self.study.by_world(part, f"{arm}-{count}") for count in steps)
        gains = differences(maps(long), maps(short))
        return estimate(list(gains.values())) if gains else None

    def gap(self, steps: tuple[int, int]) -> Estimate | None:
        """How far the longer budget moves newcomer minus baseline, paired by world."""
        moves = []
        for count in steps:
            baseline, newcomer = (
                self.study.by_world("plateau", f"{arm}-{count}") for arm in PLATEAU
            )
            moves.append(differences(maps(newcomer), maps(baseline)))
        found = differences(moves[1], moves[0])
        return estimate(list(found.values())) if found else None

    def resampled(self) -> tuple[NDArray[np.float64], Run | None]:
        """mAP of resamples of world 0's test people in street, and the run it is from."""
        runs = self.study.by_seed("seeds", "baseline")
        for run in sorted(runs.values(), key=lambda run: (bool(run.stale), run.record.seed)):
            if found := run.per_query("street"):
                return 100 * resampled_maps(*found), run
        return np.empty(0), None


def noise(results: Path) -> str:
    """In one line, how far the baseline's mAP moves by chance; "" where no record of now says."""
    return _noise(Gathered(results, stale=False))


def climbing(results: Path, recipes: Iterable[str]) -> str:
    """Which of these recipes still climbs with half as many steps again; "" if none is known to.

    Records that do not hold any more say nothing.
    """
    return _climbing(Gathered(results, stale=False), recipes)


def chance(results: Path, recipes: Iterable[str]) -> dict[str, str]:
    """Both, of records that are read once."""
    records = Gathered(results, stale=False)
    return {"noise": _noise(records), "climbing": _climbing(records, recipes)}


def _noise(records: Gathered) -> str:
    over = {
        "seeds": list(maps(records.study.by_seed("seeds", "baseline")).values()),
        "worlds": [
            r.map("street") for r in records.trained.values() if "street" in r.record.scores
        ],
    }
    told = [
        f"{estimate(values).sd:.1f} over {len(values)} {what}"
        for what, values in over.items()
        if len(values) > 1
    ]
    resampled, _ = records.resampled()
    if len(resampled):
        told.append(f"{resampled.std(ddof=1):.1f} over other test people (bootstrap)")
    return f"noise of the baseline's mAP in street, one deviation: {', '.join(told)}" * bool(told)


def _climbing(records: Gathered, recipes: Iterable[str]) -> str:
    steps = profile("laptop").steps or 0
    changes = {
        PAPERS[name]: records.change(name, (steps, steps * 3 // 2), "climbs")
        for name in PAPERS
        if name in set(recipes)
    }
    told = [f"{n} {c.mean:+.1f}" for n, c in changes.items() if c and c.mean >= SETTLED]
    return f"still climbing, mAP with half as many steps again: {', '.join(told)}" * bool(told)


def larger_test(ap: NDArray[np.float64], people: list[int]) -> LargerTest | None:
    """From each query's average precision (q,) and person; None without more than FEW_PEOPLE.

    A bootstrap over people, with the gallery as it is: fewer people in that too would make an
    easier task.
    """
    count = len(set(people))
    if count <= FEW_PEOPLE:
        return None
    fewer = 100 * resampled_maps(ap, people, drawn=FEW_PEOPLE)
    return LargerTest(count, FEW_PEOPLE, float(fewer.std(ddof=1)))


def dose(illness: str, aps: Mapping[float, NDArray[np.float64]], people: list[int]) -> Dose:
    """From each query's average precision (q,) by strength, 0 among them."""
    strengths = tuple(sorted(aps))
    rows = np.stack([aps[s] for s in strengths])
    again = 100 * resampled_maps(rows, people)  # (strengths, draws)
    score = 100 * np.nanmean(rows, axis=1)
    error = [float((again[i] - again[0]).std(ddof=1)) for i in range(len(rows))]
    step = [float((again[i] - again[i - 1]).std(ddof=1)) for i in range(len(rows))]
    return Dose(
        illness,
        strengths,
        tuple(map(float, score)),
        tuple((float(score[0] - score[i]), error[i]) for i in range(1, len(rows))),
        tuple((float(score[i] - score[i - 1]), step[i]) for i in range(1, len(rows))),
    )


def standard_error(found: Estimate) -> float:
    """Of the mean; NaN from one value."""
    return found.sd / math.sqrt(found.worlds) if found.worlds > 1 else math.nan
