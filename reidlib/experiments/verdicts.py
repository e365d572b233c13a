"""What the records say about each claim: holds, opposite, equivalent, different, or undecided.

A claim is judged by its parts (`findings.py`), and one that speaks of scatter by that, too. Holm's
correction over all comparisons that decide is shown beside, and named where it changes the matter;
it leaves out scatter, and what was asked of one trained model, which the verdict then says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reidlib.experiments.claims import CLAIMS, Claim, Comparison
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.findings import (
    DIFFERENT,
    EQUIVALENT,
    LEVEL,
    MEASURE,
    NOT_MEASURED,
    UNDECIDED,
    Finding,
    Observed,
    holds,
    judge,
    measure,
    observe,
    opposite,
    p_value,
)
from reidlib.experiments.statistics import (
    Estimate,
    equivalence,
    estimate,
    holm,
    holm_confidence,
    unequal_scatter,
)

ONE_MODEL = "of one trained model a row, interval over people"
DECIDED = ("holds", "opposite", "equivalent", "different")
BESIDE = "numbers beside each other"
FAILED = (DIFFERENT, "opposite")  # how a verdict against a claim begins


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
    scatter: str = ""  # of a claim that one row scatters more: the verdict on that part

    @property
    def told(self) -> str:
        """The verdict, with what weakens it: points alone, or one trained model a row."""
        points = " (in points alone)" * self.in_points_alone
        return self.verdict + points + " (one model)" * self.one_model

    @property
    def one_model(self) -> bool:
        """Whether it rests on maps of one trained model a row.

        What holds does so in all its parts; what fails may do so by scores over worlds alone.
        """
        if not self.verdict.startswith(DECIDED):
            return False
        failed = self.verdict.startswith(FAILED)
        worlds = [f for f in self.findings if f.comparison.decides and f.verdict == self.verdict]
        seen = any(o.asked.decides and o.found for o in self.observed)
        return seen and not (failed and worlds)

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
        return self._rests_on(lambda finding: finding.taken_back)

    @property
    def in_points_alone(self) -> bool:
        """Whether it rests on what an illness adds in points, not as a share of the errors."""
        return self._rests_on(lambda finding: finding.in_points_alone)

    def _rests_on(self, weak: Callable[[Finding], bool]) -> bool:
        """Whether the verdict needs a weak part: of what holds any, of what fails all that fail."""
        parts = [f for f in self.findings if f.comparison.decides]
        if not self.verdict.startswith(FAILED):
            return self.verdict.startswith(DECIDED) and any(map(weak, parts))
        seen = any(o.asked.decides and o.verdict.startswith(FAILED) for o in self.observed)
        seen |= self.scatter.startswith(FAILED)
        failing = [f for f in parts if f.verdict.startswith(FAILED)]
        return not seen and bool(failing) and all(map(weak, failing))

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "id": self.claim.id,
            "paper": self.claim.paper,
            "claim": self.claim.text,
            "kinds": list(self.claim.kinds),
            "printed": self.claim.printed,
            "verdict": self.verdict,
            "one_model": self.one_model,
            "in_points_alone": self.in_points_alone,
            "why": self.why,
            "taken_back": self.taken_back,
            "note": self.claim.note,
            "seen": list(self.seen),
            "numbers": list(self.numbers),
            "scatter": self.scatter,
            "comparisons": [finding.as_dict() for finding in self.findings],
            "mechanisms": [one.as_dict() for one in self.observed],
        }


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
                    c,
                    e,
                    judge(c, e, evidence),
                    corrected.get(id(e)),
                    evidence.stale(c.of, c.to),
                    evidence.saved_under(c.of, c.to, MEASURE, c.illness) if c.illness else None,
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
    for (comparison, one), raw, confidence, p in zip(found, ps, holm_confidence(ps), holm(ps)):
        # one-sided tests at some level go with the interval that leaves out that level twice
        within = comparison.kind == "E" and equivalence(one, comparison.margin) == raw
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
    scatter = _scatter_word(claim, evidence)
    words = [*(one.verdict for one in deciding), *filter(None, [scatter])]
    word = _word(claim, words, numbers, evidence)
    faults = evidence.truth_words(claim.id)
    return Verdict(claim, word, why, findings, numbers, observed, faults, scatter)


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
    return (*told, *_scatter(claim, evidence), *evidence.truth_numbers(claim.id))


def _scatter(claim: Claim, evidence: Evidence) -> list[str]:
    """How much two rows scatter over the worlds that both have, and whether that differs."""
    pairs = _scattered(claim, evidence)
    if claim.scattered is None or not pairs:
        return []
    sds = (estimate(values).sd for values in pairs)
    told = ", ".join(f"{name} by {sd:.1f}" for name, sd in zip(claim.scattered, sds))
    p = unequal_scatter(*pairs)
    word = _scatter_word(claim, evidence)
    return [f"over {len(pairs[0])} worlds scatter {told}; alike: p {p:.2g}: {word}"]


def _scatter_word(claim: Claim, evidence: Evidence) -> str:
    """Whether the first row scatters more, as the claim says; "" where none says so."""
    if claim.scattered is None:
        return ""
    pairs = _scattered(claim, evidence)
    if not pairs:
        return NOT_MEASURED
    if unequal_scatter(*pairs) >= LEVEL:
        return UNDECIDED
    one, other = (estimate(values).sd for values in pairs)
    return holds(evidence) if one > other else opposite(evidence)


def _scattered(claim: Claim, evidence: Evidence) -> list[list[float]]:
    """The scores of the two rows in the worlds that both have; [] for fewer than two worlds."""
    one, other = (evidence.values(recipe, MEASURE) for recipe in claim.scattered or ("", ""))
    worlds = sorted(one.keys() & other.keys())
    return [[of[world] for world in worlds] for of in (one, other)] if len(worlds) > 1 else []
