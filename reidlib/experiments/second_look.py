"""More worlds for what the first ones left undecided: an experiment in two stages.

The first look is at the worlds that every row is run in (`Data.worlds`), however many there are by
now, so that it finds the same rows whenever it is repeated. Run in more are those of comparisons
that it leaves undecided, and of those that Holm's correction takes back. As only what survives
this correction is left at the first look, the intervals over all worlds err hardly more often than
they say (the interim look of Haybittle and Peto); were rows with p above 0.05 alone run in more,
a nominal 5 % would become 9 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reidlib.errors import ReidError
from reidlib.experiments.claims import Comparison
from reidlib.experiments.data import HALVED, Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.findings import MEASURE, UNDECIDED, Finding
from reidlib.experiments.jobs import Job, chosen, make_jobs
from reidlib.experiments.verdicts import Verdict, verdicts

MOST = 16  # worlds that a claim is given at most


def second_jobs(evidence: Evidence, data: Data, worlds: range) -> list[Job]:
    """World by world, the rows that claims still hang on, scored where their claims ask.

    Raises ReidError where no world of these is beyond the first look, or where nothing is measured.
    """
    planned = data.worlds
    if data.name in HALVED:
        raise ReidError(f"the {planned} halvings of {data.name} are all there are: no more of them")
    if worlds.stop <= planned:
        raise ReidError(
            f"undecided runs more worlds than the {planned} of the first look: say --worlds "
            f"{MOST}, or --first {planned} --worlds {MOST - planned} for the new ones alone"
        )
    scenes = open_rows(evidence)
    groups: dict[tuple[str, ...], list[str]] = {}
    for trainer, wanted in _by_weights(scenes).items():
        names = [name for name in scenes if _trainer(name) == trainer]
        groups.setdefault(tuple(wanted), []).extend(names)
    found = [
        job
        for wanted, names in groups.items()
        for job in make_jobs(
            chosen(names), evidence.profile, replace(data, score_on=wanted), worlds
        )
    ]
    return sorted(found, key=lambda job: job.world)


def open_rows(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    """Recipe -> scenarios, of deciding comparisons that more worlds may decide.

    What is not measured at all is not among them: the tables come first. Nor are steps of training
    and what was seen of one model's people, which further worlds of a row say nothing about.
    """
    found = verdicts(evidence.within(range(evidence.data.worlds)))
    if not any(f.found for v in found for f in v.findings):
        raise ReidError(
            f"no claim is measured in {evidence.folder} with the profile {evidence.profile} yet: "
            "run the tables first (`reid experiment all`)"
        )
    rows: dict[str, dict[str, None]] = {}
    for comparison in (finding.comparison for finding in _open(found)):
        for name in (comparison.of, comparison.to):
            rows.setdefault(name, {}).update(dict.fromkeys(_scenes(comparison, evidence)))
    for name in (name for verdict in found for name in _scattering(verdict)):
        rows.setdefault(name, {})[evidence.trained_on] = None
    return {name: tuple(scenes) for name, scenes in rows.items()}


def beyond_plan(found: Sequence[Verdict], planned: int) -> list[str]:
    """Claims that rest on a comparison over more worlds than were planned for every row."""
    return [
        v.claim.id
        for v in found
        if any(
            f.found is not None and f.found.worlds > planned
            for f in v.findings
            if f.comparison.decides and not f.comparison.steps
        )
    ]


def caveats(found: Sequence[Verdict], evidence: Evidence) -> list[str]:
    """What to know of numbers of worlds: which claims rest on a second look, which wait for one."""
    planned = evidence.data.worlds
    told = []
    if more := beyond_plan(found, planned):
        told.append(
            f"over more than the {planned} worlds of the first look (nominal 5 %, up to 9 % where "
            "only claims near a decision were gone on with, see `reid experiment undecided`): "
            + ", ".join(more)
        )
    waiting = [v.claim.id for v in found if _waits(v, evidence)]
    if waiting and evidence.data.name not in HALVED:
        told.append(
            f"more worlds than now, up to {MOST}, may decide, and are not run: "
            f"{', '.join(waiting)} (`{evidence.command('undecided', f'--worlds {MOST}')}`)"
        )
    return told


def _waits(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether a part of it is open, and has not had all its worlds."""
    worlds = [f.found.worlds for f in _open([verdict]) if f.found]
    worlds += [len(evidence.values(name, MEASURE)) for name in _scattering(verdict)]
    return any(count < MOST for count in worlds)


def _scattering(verdict: Verdict) -> tuple[str, ...]:
    """The rows of an open claim of which it is not decided which scatters more."""
    undecided = verdict.verdict.startswith(UNDECIDED) and verdict.scatter == UNDECIDED
    return verdict.claim.scattered or () if undecided else ()


def _open(found: Sequence[Verdict]) -> list[Finding]:
    return [
        f
        for v in found
        if v.verdict.startswith(UNDECIDED) or v.taken_back
        for f in v.findings
        if f.comparison.decides and not f.comparison.steps and f.found is not None
        if f.verdict == UNDECIDED or f.taken_back
    ]


def _scenes(comparison: Comparison, evidence: Evidence) -> tuple[str, ...]:
    if comparison.illness:
        return comparison.illness, "clean"
    return (comparison.scene or evidence.trained_on,)


def _trainer(name: str) -> str:
    (recipe,) = chosen([name])
    return recipe.weights_of or recipe.name


def _by_weights(scenes: dict[str, tuple[str, ...]]) -> dict[str, dict[str, None]]:
    """Trained recipe -> scenarios of all that is tested with its weights: one job does them."""
    found: dict[str, dict[str, None]] = {}
    for name, wanted in scenes.items():
        found.setdefault(_trainer(name), {}).update(dict.fromkeys(wanted))
    return found
