"""One comparison, or one question to a mechanism's record: what was found, and what it decides.

An interval that excludes zero decides superiority. Two one-sided tests decide equivalence, and an
interval wholly outside the margin decides against it. What was asked of pictures and embeddings
(`claims.Asked`) has another interval: a bootstrap over people, of one trained model a row, so it
says nothing of other trainings.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from reidlib.experiments.claims import Asked, Comparison
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.printed import PRINTED_NAMES
from reidlib.experiments.statistics import Estimate, beyond, equivalence
from reidlib.seeing.truth import Estimate as OverPeople

MEASURE = "map"
LEVEL = 0.05
UNDECIDED, NOT_MEASURED = "undecided", "undecided: not measured yet"
EQUIVALENT, DIFFERENT = "equivalent", "different"


def holds(evidence: Evidence) -> str:
    """The word for a claim that the records bear out."""
    return f"holds on {place(evidence)}"


def opposite(evidence: Evidence) -> str:
    """The word for a claim that the records contradict."""
    return f"opposite on {place(evidence)}"


def place(evidence: Evidence) -> str:
    """The data set's name in words."""
    name = evidence.data.name
    return PRINTED_NAMES.get(name, name.capitalize())


@dataclass(frozen=True)
class Finding:
    """One comparison, measured or not.

    p: see `p_value`. corrected: the interval at Holm's confidence, and Holm's p; of equivalence the
    interval that lies within the margin just when Holm's correction leaves it equivalent. saved: of
    a gain under an illness minus the gain in clean the same as a share of the errors, in logarithms
    (`Evidence.saved_under`); it has no say in the verdict.
    """

    comparison: Comparison
    found: Estimate | None
    verdict: str
    corrected: tuple[float, float, float] | None = None
    stale: str = ""
    saved: Estimate | None = None

    @property
    def p(self) -> float | None:
        """See `p_value`; None where nothing was measured."""
        return None if self.found is None else p_value(self.comparison, self.found)

    @property
    def taken_back(self) -> bool:
        """Whether what it decides by itself is not decided after Holm's correction."""
        several = self.found is not None and self.found.worlds > 1
        if not several or self.corrected is None or self.verdict == UNDECIDED:
            return False
        return self.corrected[2] >= LEVEL

    @property
    def in_points_alone(self) -> bool:
        """Whether what an illness adds is decided in points and not as a share of the errors."""
        if not self.comparison.illness or self.found is None or self.verdict == UNDECIDED:
            return False
        return self.saved is None or self.saved.sign != self.found.sign

    def __str__(self) -> str:
        if self.found is None or self.p is None:
            return f"{self.comparison}: not run yet"
        text = f"{self.comparison}: {told(self.found)}"
        if self.comparison.kind == "E":
            text += f", margin {self.comparison.margin:g}"
            within = self.p == equivalence(self.found, self.comparison.margin)
            side = "within" if within else "beyond"
            text += f", p {self.p:.2g} ({side})" * (self.found.worlds > 1)
        if self.corrected and self.found.worlds > 1:
            low, high, p = self.corrected
            text += f", Holm [{low:+.1f}, {high:+.1f}]"
            if self.taken_back:
                text += f", not after Holm's correction (p {p:.2g})"
        if self.saved:
            text += f", errors saved beyond clean {_percent(self.saved)}"
        return text + (" (stale)" if self.stale else "")

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        found, comparison = self.found, self.comparison
        several = found is not None and found.worlds > 1
        return {
            "of": comparison.of,
            "to": comparison.to,
            "illness": comparison.illness,
            "scene": comparison.scene,
            "unit": "steps" if comparison.steps else "mAP",
            "kind": comparison.kind,
            "margin": comparison.margin if comparison.kind == "E" else None,
            "decides": comparison.decides,
            "mean": found.mean if found else None,
            "interval": [found.low, found.high] if found and several else None,
            "p": self.p,
            "errors_saved": [_share(x) for x in (self.saved.mean, *self.saved.ends)]
            if self.saved
            else None,
            "holm": list(self.corrected) if self.corrected and several else None,
            "worlds": found.worlds if found else 0,
            "verdict": self.verdict,
            "stale": self.stale,
        }


def _share(saved: float) -> float:
    """Logarithms of errors as percent: how many fewer than clean scenes let expect."""
    return 100 * (1 - math.exp(-saved))


def _percent(saved: Estimate) -> str:
    """ "+22 % [+11, +31]"."""
    mean, low, high = (f"{_share(x):+.0f}" for x in (saved.mean, saved.low, saved.high))
    return f"{mean} %" + f" [{low}, {high}]" * (saved.worlds > 1)


def p_value(comparison: Comparison, found: Estimate) -> float:
    """A t test's; of equivalence that of two one-sided tests or, where it is smaller, of a
    difference beyond the margin: at most one of these two can be small."""
    if comparison.kind == "S":
        return found.p
    return min(equivalence(found, comparison.margin), beyond(found, comparison.margin))


def told(found: Estimate) -> str:
    """ "+1.3 [+0.2, +2.4], 5 worlds"."""
    if found.worlds < 2:
        return f"{found.mean:+.1f}, one world"
    return f"{found.mean:+.1f} [{found.low:+.1f}, {found.high:+.1f}], {found.worlds} worlds"


@dataclass(frozen=True)
class Observed:
    """One question to a record of a mechanism, answered or not.

    verdict: UNDECIDED without an answer where people were asked, and fewer than two had one.
    """

    asked: Asked
    found: OverPeople | None
    verdict: str
    stale: str = ""

    def __str__(self) -> str:
        if self.found is None:
            none = "asked, and too few people have an answer"
            told = NOT_MEASURED.removeprefix(f"{UNDECIDED}: ")
            return f"{self.asked}: {none if self.verdict == UNDECIDED else told}"
        one = self.found
        text = f"{self.asked}: {one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}], "
        return f"{text}{one.identities} people" + (" (stale)" if self.stale else "")

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        found = self.found
        return {
            **asdict(self.asked),
            "mean": found.mean if found else None,
            "interval": [found.low, found.high] if found else None,
            "people": found.identities if found else 0,
            "verdict": self.verdict,
            "stale": self.stale,
        }


def measure(comparison: Comparison, evidence: Evidence) -> Estimate | None:
    """The comparison's mean difference over worlds, in mAP or steps; None without records."""
    if comparison.steps:
        return evidence.steps_saved(comparison.of, comparison.to)
    if comparison.illness:
        return evidence.gain_under(comparison.of, comparison.to, MEASURE, comparison.illness)
    return evidence.gain(comparison.of, comparison.to, MEASURE, comparison.scene)


def judge(comparison: Comparison, found: Estimate | None, evidence: Evidence) -> str:
    """One comparison in the words of its kind."""
    if found is None:
        return NOT_MEASURED
    if comparison.kind == "E":
        if equivalence(found, comparison.margin) < LEVEL:
            return EQUIVALENT
        return DIFFERENT if beyond(found, comparison.margin) < LEVEL else UNDECIDED
    if found.low <= 0 <= found.high:
        return UNDECIDED
    return holds(evidence) if found.mean > 0 else opposite(evidence)


def observe(asked: Asked, claim: str, evidence: Evidence) -> Observed:
    """What the claim's record says, and whether its interval lies where the claim puts it."""
    found = evidence.observed(claim, asked)
    if found is None:
        was_asked = evidence.was_asked(claim, asked)
        word = UNDECIDED if was_asked else NOT_MEASURED
        return Observed(asked, None, word, evidence.why_truth_is_stale(claim))
    low, high = sorted((asked.sign * found.low, asked.sign * found.high))
    bound = asked.sign * asked.than
    word = holds(evidence) if low > bound else opposite(evidence) if high < bound else UNDECIDED
    return Observed(asked, found, word, evidence.why_truth_is_stale(claim))
