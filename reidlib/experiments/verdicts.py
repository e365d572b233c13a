"""What the records say about each claim: holds, opposite, equivalent, different, or undecided.

An interval that excludes zero decides superiority. Two one-sided tests decide equivalence, and an
interval wholly outside the margin decides against it. Holm's correction over all comparisons that
decide is shown beside, and named where it changes the matter. What was asked of pictures and
embeddings (`claims.Asked`) has another interval: a bootstrap over people, of one trained model a
row, so it says nothing of other trainings; Holm leaves it out, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reidlib.experiments.claims import CLAIMS, Asked, Claim, Comparison
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.printed import PRINTED_NAMES
from reidlib.experiments.statistics import (
    Estimate,
    beyond,
    equivalence,
    holm,
    holm_confidence,
)
from reidlib.seeing.truth import Estimate as OverPeople

MEASURE = "map"
LEVEL = 0.05
UNDECIDED, NOT_MEASURED = "undecided", "undecided: not measured yet"
ONE_MODEL = "of one trained model a row, interval over people"
DECIDED = ("holds", "opposite", "equivalent", "different")
EQUIVALENT, DIFFERENT, BESIDE = "equivalent", "different", "numbers beside each other"
FAILED = (DIFFERENT, "opposite")  # how a verdict against a claim begins


def holds(evidence: Evidence) -> str:
    return f"holds on {place(evidence)}"


def opposite(evidence: Evidence) -> str:
    return f"opposite on {place(evidence)}"


def place(evidence: Evidence) -> str:
    """The data set's name in words."""
    name = evidence.data.name
    return PRINTED_NAMES.get(name, name.capitalize())


@dataclass(frozen=True)
class Finding:
    """One comparison, measured or not.

    p: see `p_value`. corrected: the interval at Holm's confidence, and Holm's p; of equivalence the
    interval that lies within the margin just when Holm's correction leaves it equivalent.
    """

    comparison: Comparison
    found: Estimate | None
    verdict: str
    corrected: tuple[float, float, float] | None = None
    stale: str = ""

    @property
    def p(self) -> float | None:
        return None if self.found is None else p_value(self.comparison, self.found)

    @property
    def taken_back(self) -> bool:
        """Whether what it decides by itself is not decided after Holm's correction."""
        several = self.found is not None and self.found.worlds > 1
        if not several or self.corrected is None or self.verdict == UNDECIDED:
            return False
        return self.corrected[2] >= LEVEL

    def __str__(self) -> str:
        if self.found is None or self.p is None:
            return f"{self.comparison}: not run yet"
        text = f"{self.comparison}: {told(self.found)}"
        if self.comparison.kind == "E":
            text += f", margin {self.comparison.margin:g}"
            text += f", p {self.p:.2g}" * (self.found.worlds > 1)
        if self.corrected and self.found.worlds > 1:
            low, high, p = self.corrected
            text += f", Holm [{low:+.1f}, {high:+.1f}]"
            if self.taken_back:
                text += f", not after Holm's correction (p {p:.2g})"
        return text + (" (stale)" if self.stale else "")


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


@dataclass(frozen=True)
class Verdict:
    """A claim, what was found, and one line on why."""

    claim: Claim
    verdict: str
    why: str
    findings: tuple[Finding, ...] = ()
    numbers: tuple[str, ...] = ()  # of the cost part
    observed: tuple[Observed, ...] = ()
    seen: tuple[str, ...] = ()  # what is wrong with what a mechanism's measurement looked at

    @property
    def told(self) -> str:
        """The verdict, and whether it rests on one trained model a row.

        What holds does so in all its parts; what fails may do so by scores over worlds alone.
        """
        if not self.verdict.startswith(DECIDED):
            return self.verdict
        failed = self.verdict.startswith(FAILED)
        worlds = [f for f in self.findings if f.comparison.decides and f.verdict == self.verdict]
        seen = any(o.asked.decides and o.found for o in self.observed)
        return self.verdict + " (one model)" * (seen and not (failed and worlds))

    @property
    def deciding(self) -> tuple[str, ...]:
        """What decides, a line each."""
        findings = (str(f) for f in self.findings if f.comparison.decides)
        return (*findings, *(str(o) for o in self.observed if o.asked.decides))

    @property
    def beside(self) -> tuple[str, ...]:
        """What does not decide, a line each, what is not run yet as well."""
        told = [str(f) for f in self.findings if not f.comparison.decides]
        return (*told, *(str(o) for o in self.observed if not o.asked.decides))

    @property
    def taken_back(self) -> bool:
        """Whether Holm's correction would take back a part on which the verdict rests."""
        parts = [f for f in self.findings if f.comparison.decides]
        if not self.verdict.startswith(FAILED):
            return self.verdict.startswith(DECIDED) and any(f.taken_back for f in parts)
        seen = any(o.asked.decides and o.verdict.startswith(FAILED) for o in self.observed)
        return not seen and all(f.taken_back for f in parts if f.verdict.startswith(FAILED))

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "id": self.claim.id,
            "paper": self.claim.paper,
            "claim": self.claim.text,
            "kinds": list(self.claim.kinds),
            "printed": self.claim.printed,
            "verdict": self.verdict,
            "one_model": self.told != self.verdict,
            "why": self.why,
            "taken_back": self.taken_back,
            "note": self.claim.note,
            "seen": list(self.seen),
            "numbers": list(self.numbers),
            "comparisons": [_plain(finding) for finding in self.findings],
            "mechanisms": [_observed(one) for one in self.observed],
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


def verdicts(evidence: Evidence) -> list[Verdict]:
    """Every claim of `claims.py`, in their order."""
    found = [[(c, measure(c, evidence)) for c in claim.comparisons] for claim in CLAIMS]
    decisive = [(c, e) for of in found for c, e in of if e is not None and c.decides]
    corrected = dict(zip((id(e) for _, e in decisive), _corrected(decisive)))
    return [
        _verdict(
            claim,
            tuple(
                Finding(
                    c, e, judge(c, e, evidence), corrected.get(id(e)), evidence.stale(c.of, c.to)
                )
                for c, e in of
            ),
            evidence,
        )
        for claim, of in zip(CLAIMS, found)
    ]


def _corrected(found: Sequence[tuple[Comparison, Estimate]]) -> list[tuple[float, float, float]]:
    """Holm's interval and p of each, over all of them."""
    ps = [p_value(comparison, one) for comparison, one in found]
    corrected = []
    for (comparison, one), confidence, p in zip(found, holm_confidence(ps), holm(ps)):
        # one-sided tests at some level go with the interval that leaves out that level twice
        within = comparison.kind == "E" and equivalence(one, comparison.margin) == p
        wide = 2 * confidence - 1 if within else confidence
        corrected.append((*one.interval(wide), p))
    return corrected


def _verdict(claim: Claim, findings: tuple[Finding, ...], evidence: Evidence) -> Verdict:
    observed = tuple(observe(asked, claim.id, evidence) for asked in claim.asked)
    deciding: list[Finding | Observed] = [f for f in findings if f.comparison.decides]
    deciding += [o for o in observed if o.asked.decides]
    numbers = _numbers(claim, evidence)
    seen = [o for o in observed if o.asked.decides and o.found]
    why = "; ".join([*map(str, deciding), *numbers])
    why += f" ({ONE_MODEL})" * bool(seen)
    words = [one.verdict for one in deciding]
    word = _word(claim, words, numbers, evidence)
    faults = evidence.truth_words(claim.id)
    return Verdict(claim, word, why, findings, numbers, observed, faults)


def _word(claim: Claim, verdicts: Sequence[str], numbers: Sequence[str], evidence: Evidence) -> str:
    """A claim of several parts holds when all do, and fails when one does."""
    words = set(verdicts)
    for failed in (opposite(evidence), DIFFERENT):
        if failed in words:
            return failed
    if not words:
        whole = bool(numbers) and not evidence.lacks_cost(claim.id)
        return BESIDE if whole else NOT_MEASURED
    if NOT_MEASURED in words:
        return NOT_MEASURED if words == {NOT_MEASURED} else UNDECIDED
    if words == {holds(evidence), EQUIVALENT}:
        return holds(evidence)
    return words.pop() if len(words) == 1 else UNDECIDED


def _numbers(claim: Claim, evidence: Evidence) -> tuple[str, ...]:
    """Beside comparisons: parameters in records, counted costs, times, scatter over worlds."""
    told = []
    for one, other in claim.counted:
        counts = [evidence.parameters(recipe) for recipe in (one, other)]
        if None not in counts:
            told.append(f"{one} has {counts[0]:,} parameters, {other} {counts[1]:,}")
    if "C" in claim.kinds and not claim.counted:
        from reidlib.costs import claims

        for cost in claims(claim.paper.lower()):
            told.append(f"{cost.what}, {cost.convention}: {cost.printed:.3f} G, {cost.ours:.3f} G")
    for recipe in claim.scattered:
        score = evidence.score(recipe, MEASURE)
        if score and score.worlds > 1:
            told.append(f"{recipe} scatters by {score.sd:.1f} over {score.worlds} worlds")
    return (*told, *evidence.truth_numbers(claim.id))


def _observed(one: Observed) -> dict[str, Any]:
    found = one.found
    return {
        **asdict(one.asked),
        "mean": found.mean if found else None,
        "interval": [found.low, found.high] if found else None,
        "people": found.identities if found else 0,
        "verdict": one.verdict,
        "stale": one.stale,
    }


def _plain(finding: Finding) -> dict[str, Any]:
    found, comparison = finding.found, finding.comparison
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
        "p": finding.p,
        "holm": list(finding.corrected) if finding.corrected and several else None,
        "worlds": found.worlds if found else 0,
        "verdict": finding.verdict,
        "stale": finding.stale,
    }
