"""How long jobs will take, judged by the runs that are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from reidlib.experiments.jobs import Job
from reidlib.experiments.recorded import find
from reidlib.records import Record, load_records


@dataclass(frozen=True)
class Forecast:
    """Seconds of one run after the other, and how many records of the profile told."""

    seconds: float
    records: int

    def told(self, at_once: int) -> str:
        """One line for a person; runs are taken to share the machine without loss."""
        if not self.records:
            return "no run of this profile is recorded yet that would tell how long it takes"
        hours = self.seconds / at_once / 3600
        time = f"{hours:.1f} hours" if hours >= 1 else f"{max(1, round(60 * hours))} minutes"
        time = time.removesuffix("s") if time == "1 minutes" else time
        many = f"{self.records} record{'s' * (self.records > 1)}"
        return f"about {time} with {at_once} at once, judged by {many} of this profile"


def forecast(jobs: Sequence[Job], results: Path) -> Forecast:
    """What is missing of the jobs; a recipe without a record takes as long as the mean of all."""
    if not jobs:
        return Forecast(0.0, 0)
    known = [r for r in load_records(results) if r.profile.get("name") == jobs[0].profile]
    known = [r for r in known if r.steps and r.seconds.get("training") and r.scores]
    if not known:
        return Forecast(0.0, 0)
    by_recipe: dict[str, list[Record]] = {}
    for record in known:
        by_recipe.setdefault(record.recipe["name"], []).append(record)
    total = 0.0
    for job in jobs:
        like = by_recipe.get(job.recipe, known)
        found = find(job, results)
        if not (missing := found.missing(job)):
            continue
        # Whatever is missing: models are not kept as a rule, so it is trained again, and what the
        # model before was scored on is scored again.
        scenes = sum(len({*found.scenes.get(n, ()), *missing.get(n, ())}) for n in job.tests)
        total += fmean(r.seconds["training"] for r in like)
        total += scenes * fmean(r.seconds.get("scoring", 0.0) / len(r.scores) for r in like)
    return Forecast(total, len(known))
