"""Is Promenade a fair instrument? Each rule that it must keep, judged by stored records alone.

A rule is judged once all the records that it asks for are there and hold; until then its line says
what was found so far and names what is missing or stale. Nothing is filled in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS
from reidlib.experiments.fair_numbers import (
    FEWER,
    PLATEAU,
    SETTLED,
    STRENGTHS,
    WORLDS,
    Dose,
    Gathered,
    LargerTest,
    Rung,
    larger_test,
    standard_error,
)
from reidlib.experiments.statistics import Estimate, estimate, finite
from reidlib.experiments.study_records import Run, maps
from reidlib.recipes import PAPERS, profile

HOLDS, FAILS, OPEN = "holds", "does not hold", "not measured yet"
PLATEAU_WORLDS, SEEDS = range(3), range(10)
FEWEST = range(3)  # worlds that a rule about scores asks for; it takes all that there are
COLOURS_AT_MOST = 60.0  # percent of the trained baseline's mAP in street
MIDDLE = (50.0, 75.0)  # mAP of the baseline in street
PAIRED_ERROR = 0.5  # standard error of the neutral pair's difference over the worlds
MINUTES = 2.5  # of one training
ABOUT_ONE = 1.5  # "about 1 point": sampling error of the test's mAP
SURE = 1.96  # standard errors that chance seldom passes


@dataclass(frozen=True)
class Line:
    """One rule: what it asks, whether it is kept, the numbers, the records they come from."""

    name: str
    asks: str
    verdict: str
    found: str
    records: tuple[str, ...]
    missing: tuple[str, ...]
    stale: str

    def __str__(self) -> str:
        told = [f"{self.verdict}: {self.asks}"]
        told += [f"    {self.found}"] if self.found else []
        told += [f"    missing: {'; '.join(self.missing)}"] if self.missing else []
        told += [f"    stale: {self.stale}"] if self.stale else []
        told += [f"    from {self.origin}"] if self.records else []
        return "\n".join(told)

    @property
    def origin(self) -> str:
        """How many records of which folder, or the name of the only one."""
        if len(self.records) == 1:
            return self.records[0]
        folders = dict.fromkeys(name.rpartition("/")[0] or "results" for name in self.records)
        return f"{len(self.records)} records in {', '.join(folders)}"


@dataclass(frozen=True)
class Fairness:
    """All that the records say; numbers as in `fair_numbers.py`."""

    lines: tuple[Line, ...]
    baseline: Mapping[str, Estimate]  # scenario -> mAP of the trained baseline
    colours: Mapping[str, Estimate]  # scenario -> mAP of colour histograms
    ladder: tuple[Rung, ...]
    doses: tuple[Dose, ...]
    plateau: Mapping[str, Estimate]  # arm -> change with half as many steps again
    climbs: Mapping[str, Estimate]  # paper's recipe -> the same of its full model, in world 0
    seeds: Estimate | None  # of the baseline in world 0
    larger_test: LargerTest | None
    resampled: NDArray[np.float64] = field(repr=False)  # mAP of resamples of its test people

    @property
    def sampling_error(self) -> float:
        """Standard error of one test's mAP; NaN if unknown."""
        return float(self.resampled.std(ddof=1)) if len(self.resampled) else math.nan

    def as_dict(self) -> dict[str, Any]:
        """For scripts: plain data, null for what is not finite."""
        plain = asdict(self)
        del plain["resampled"]
        for rung, row in zip(self.ladder, plain["ladder"]):
            row["error"] = rung.error
        found: dict[str, Any] = finite({**plain, "sampling_error": self.sampling_error})
        return found


def examine(results: Path) -> Fairness:
    """Judge every rule by the records under `results` (data/results)."""
    records = Gathered(results)
    steps = profile("laptop").steps or 0
    budgets = (steps, steps * 3 // 2)
    ladder = records.ladder()
    doses = {illness: dose for illness in ILLNESSES if (dose := records.dose(illness))}
    plateau = {arm: found for arm in PLATEAU if (found := records.change(arm, budgets))}
    climbs = {p: found for p in PAPERS if (found := records.change(p, budgets, "climbs"))}
    seeds = maps(records.study.by_seed("seeds", "baseline"))
    resampled, source = records.resampled()
    queries = source.per_query("street") if source else None
    larger = larger_test(*queries) if queries else None
    lines = (
        _colours(records),
        _middle(records),
        *(_lowers(records, illness) for illness in ILLNESSES),
        *(_monotone(records, illness, doses.get(illness)) for illness in ILLNESSES),
        *(_quiet(records, fewer) for fewer in FEWER),
        _quick(records),
        *(_settled(records, arm, budgets, plateau.get(arm)) for arm in PLATEAU),
        _gap(records, budgets),
        _climbs(records, budgets, climbs),
        _seeds(records, seeds),
        _sampling(resampled, source, larger),
    )
    return Fairness(
        lines=lines,
        baseline=records.by_scenario(records.trained),
        colours=records.by_scenario(records.colours),
        ladder=tuple(ladder.values()),
        doses=tuple(doses.values()),
        plateau=plateau,
        climbs=climbs,
        seeds=estimate(list(seeds.values())) if seeds else None,
        larger_test=larger,
        resampled=resampled,
    )


class _Asked:
    """The records that a rule asks for: those that are there, and what the others would be."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.missing: list[str] = []

    def take(
        self, what: str, runs: Mapping[int, Run], wanted: Iterable[int], *scored: str,
        each: str = "world",
    ) -> dict[int, Run]:  # fmt: skip
        """Those of `wanted` that were scored on all of `scored`."""
        found: dict[int, Run] = {}
        lacking: dict[tuple[str, ...], list[str]] = {}
        for key in wanted:
            has = runs[key].record.scores if key in runs else {}
            if lacks := tuple(name for name in scored if name not in has):
                lacking.setdefault(lacks, []).append(str(key))
            else:
                found[key] = runs[key]
        self.runs += found.values()
        for lacks, keys in lacking.items():
            some = f"{each}{'s' * (len(keys) > 1)} {', '.join(keys)}"
            self.missing.append(f"{what} in {some}, scored on {', '.join(lacks)}")
        return found

    def line(self, name: str, asks: str, holds: bool, found: str) -> Line:
        """The rule, judged; open while a record is missing or stale."""
        records = tuple(dict.fromkeys(run.name for run in self.runs))
        stale = next((f"{run.name}: {run.stale}" for run in self.runs if run.stale), "")
        verdict = OPEN if self.missing or stale else HOLDS if holds else FAILS
        return Line(name, asks, verdict, found, records, tuple(self.missing), stale)


def _colours(records: Gathered) -> Line:
    asked = _Asked()
    worlds = sorted({*FEWEST, *records.trained})
    seen = asked.take("colour histograms", records.colours, worlds, "street")
    learned = asked.take("trained baseline", records.trained, worlds, "street")
    both = sorted(seen.keys() & learned.keys())
    found, share = "", math.inf
    if both:
        one, other = (estimate([r[w].map("street") for w in both]) for r in (seen, learned))
        share = 100 * one.mean / other.mean
        found = f"colours {told(one)}, baseline {told(other)}: {share:.0f} %"
    asks = f"counting colours gets at most {COLOURS_AT_MOST:.0f} % of the baseline's mAP in street"
    return asked.line("colours", asks, share <= COLOURS_AT_MOST, found)


def _middle(records: Gathered) -> Line:
    asked, (low, high) = _Asked(), MIDDLE
    worlds = sorted({*FEWEST, *records.trained})
    runs = asked.take("trained baseline", records.trained, worlds, "street")
    found = estimate([run.map("street") for run in runs.values()]) if runs else None
    asks = f"the baseline is mid-range in street, {low:.0f} to {high:.0f} mAP"
    holds = found is not None and low <= found.mean <= high
    return asked.line("mid-range", asks, holds, told(found) if found else "")


def _lowers(records: Gathered, illness: str) -> Line:
    """The interval of the difference must exclude zero."""
    asked = _Asked()
    worlds = sorted({*FEWEST, *records.trained})
    runs = asked.take("trained baseline", records.trained, worlds, "clean", illness)
    found = estimate([r.map(illness) - r.map("clean") for r in runs.values()]) if runs else None
    holds = found is not None and found.high < 0
    text = f"{told(found, signed=True)} against clean" if found else ""
    return asked.line(f"lowers: {illness}", f"{illness} alone lowers the baseline", holds, text)


def _monotone(records: Gathered, illness: str, dose: Dose | None) -> Line:
    """No step up that chance would seldom make, and a fall from end to end that it would not."""
    asked = _Asked()
    keys = ("clean", *(f"{illness}={strength:g}" for strength in STRENGTHS))
    run = asked.take("strengths", records.doses, [0], *keys).get(0)
    asks = f"more {illness} lowers the baseline more, within error"
    if dose is None or run is None:
        if run is not None:
            asked.missing.append("the average precision of each query")
        return asked.line(f"monotone: {illness}", asks, False, "")
    up = [i for i, (rise, error) in enumerate(dose.rises) if rise > SURE * error]
    drop, error = dose.drops[-1]
    marks = zip(dose.strengths[1:], dose.drops)
    text = ", ".join(f"{s:g}: -{lost:.1f} ± {SURE * e:.1f}" for s, (lost, e) in marks)
    text = f"clean {dose.maps[0]:.1f}; by strength {text}".replace("--", "+")
    text += "".join(f"; it rises to {dose.strengths[i + 1]:g}" for i in up)
    return asked.line(f"monotone: {illness}", asks, not up and drop > SURE * error, text)


def _quiet(records: Gathered, fewer: str) -> Line:
    asked = _Asked()
    for arm in ("four", fewer):
        asked.take(f"averaged/{arm}", records.study.by_world("averaged", arm), WORLDS, "street")
    asks = f"a paired difference over {len(WORLDS)} worlds has a standard error of at most "
    asks += f"{PAIRED_ERROR} mAP (four frames minus {fewer}, validation people)"
    gains = list(records.gains("averaged", fewer).values())
    gain = estimate(gains) if gains else None
    holds = gain is not None and standard_error(gain) <= PAIRED_ERROR
    return asked.line(f"paired error: {fewer}", asks, holds, _moved(gain))


def _quick(records: Gathered) -> Line:
    asked = _Asked()
    four = records.study.by_world("averaged", "four")
    runs = [run.record for run in asked.take("averaged/four", four, WORLDS, "street").values()]
    found, seconds = "", math.inf
    if runs:
        seconds = math.fsum(record.seconds["training"] for record in runs) / len(runs)
        threads = int(runs[0].machine.get("threads", 1))
        many = f"{threads} thread{'s' * (threads != 1)}"
        found = f"{seconds:.0f} s on {many}, mean of {len(runs)} trainings"
    holds = seconds <= 60 * MINUTES
    return asked.line("time", f"one training takes at most {MINUTES} minutes", holds, found)


def _settled(records: Gathered, arm: str, steps: tuple[int, int], found: Estimate | None) -> Line:
    asked = _Asked()
    for count in steps:
        runs = records.study.by_world("plateau", f"{arm}-{count}")
        asked.take(f"plateau/{arm}-{count}", runs, PLATEAU_WORLDS, "street")
    asks = f"half as many steps again ({steps[0]} to {steps[1]}) change {PLATEAU[arm]} by less "
    asks += f"than {SETTLED} mAP"
    holds = found is not None and abs(found.mean) < SETTLED
    return asked.line(f"plateau: {arm}", asks, holds, _moved(found))


def _gap(records: Gathered, steps: tuple[int, int]) -> Line:
    """What a comparison needs of the budget, whatever either arm still gains alone."""
    asked = _Asked()
    for arm, count in product(PLATEAU, steps):
        runs = records.study.by_world("plateau", f"{arm}-{count}")
        asked.take(f"plateau/{arm}-{count}", runs, PLATEAU_WORLDS, "street")
    found = records.gap(steps)
    asks = "half as many steps again change the difference between baseline and newcomer by less "
    asks += f"than {SETTLED} mAP"
    holds = found is not None and abs(found.mean) < SETTLED
    return asked.line("plateau: difference", asks, holds, _moved(found))


def _climbs(records: Gathered, steps: tuple[int, int], climbs: Mapping[str, Estimate]) -> Line:
    """Known is all that is asked; tables say which row still climbs."""
    asked = _Asked()
    for paper, count in product(PAPERS, steps):
        runs = records.study.by_world("climbs", f"{paper}-{count}")
        asked.take(f"climbs/{paper}-{count}", runs, [0], "street")
    asks = "what half as many steps again change of each paper's full model is known"
    text = ", ".join(f"{PAPERS[paper]} {found.mean:+.1f}" for paper, found in climbs.items())
    return asked.line("climbs", asks, True, text)


def _seeds(records: Gathered, seeds: Mapping[int, float]) -> Line:
    """Known is all that is asked."""
    asked = _Asked()
    runs = records.study.by_seed("seeds", "baseline")
    asked.take("seeds/baseline", runs, SEEDS, "street", each="seed")
    worlds = [
        run.map("street") for run in records.trained.values() if "street" in run.record.scores
    ]
    text = ""
    if len(seeds) > 1:
        found = estimate(list(seeds.values()))
        text = f"{found.mean:.1f} in world 0, deviation {found.sd:.2f} over {found.worlds} seeds"
    if len(worlds) > 1:
        text += f"; {estimate(worlds).sd:.2f} over {len(worlds)} worlds (one seed each)"
    asks = f"the baseline's noise over {len(SEEDS)} seeds is known"
    return asked.line("seeds", asks, True, text.removeprefix("; "))


def _sampling(
    resampled: NDArray[np.float64], source: Run | None, larger: LargerTest | None
) -> Line:
    asked = _Asked()
    asked.take("seeds/baseline with its queries", {0: source} if source else {}, [0], "street")
    asks = f"the sampling error of the test is about one point of mAP (below {ABOUT_ONE})"
    if source is None:
        return asked.line("sampling", asks, False, "")
    error = float(resampled.std(ddof=1))
    people = len(set(source.record.notes["queries"]["people"]))
    low, high = np.quantile(resampled, (0.025, 0.975))
    text = f"standard error {error:.2f}, {people} people, {len(resampled)} resamples; "
    text += f"95 % of them between {low:.1f} and {high:.1f}"
    if larger:
        text += f"; standard error {larger.error_of_fewer:.2f} with {larger.fewer} people"
    return asked.line("sampling", asks, error < ABOUT_ONE, text)


def _moved(found: Estimate | None) -> str:
    """A difference, and its standard error where there is more than one world."""
    if found is None:
        return ""
    error = f", standard error {standard_error(found):.2f}" if found.worlds > 1 else ""
    return told(found, signed=True) + error


def told(found: Estimate, signed: bool = False) -> str:
    """ "61.2 ± 0.8 (5 worlds)": the mean and half of its 95 % interval."""
    mean = f"{found.mean:+.1f}" if signed else f"{found.mean:.1f}"
    if found.worlds < 2:
        return f"{mean} (one world)"
    return f"{mean} ± {found.high - found.mean:.1f} ({found.worlds} worlds)"


__all__ = ["FAILS", "HOLDS", "OPEN", "SCENARIOS", "Fairness", "Line", "examine", "told"]
