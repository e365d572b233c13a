"""How many steps a model needs: two recipes, each trained anew at several budgets.

A budget is a whole training, its learning rate falling to the end, so a score belongs to a budget
and not to a moment of one long training. Scores are on validation people, from the records of the
part `budgets` of Promenade's study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reidlib.experiments.study_records import Studies
from reidlib.recipes.core import Profile

PART = "budgets"
RIVALS = ("tacan-1/ca", "tacan-1/minmax")  # claim C5
SHARES = (6, 3, 1.5, 1)  # the profile's budget is divided by these


def budgets(profile: Profile) -> tuple[int, ...]:
    """Steps of each training, the last being the profile's own."""
    return tuple(int((profile.steps or 0) / share) for share in SHARES)


def arm(recipe: str, steps: int) -> str:
    """The folder of a recipe's records at a budget."""
    return f"{recipe.replace('/', '_')}-{steps}"


def steps_needed(curve: Mapping[int, float], target: float) -> float:
    """Steps at which scores (budget -> mAP) first reach the target, on straight lines between.

    The smallest budget where its score is there already; NaN where none is.
    """
    before: tuple[int, float] | None = None
    for steps, score in sorted(curve.items()):
        if score >= target:
            if before is None:
                return float(steps)
            share = (target - before[1]) / (score - before[1])
            return before[0] + share * (steps - before[0])
        before = steps, score
    return float("nan")


def steps_saved(of: Mapping[int, float], to: Mapping[int, float]) -> float:
    """Steps that `to` needs minus steps that `of` needs, for the lower of their last scores.

    Both reach that score, so that neither is cut off.
    """
    target = min(curve[max(curve)] for curve in (of, to))
    return steps_needed(to, target) - steps_needed(of, target)


def saved(study: Studies, of: str, to: str, steps: Sequence[int]) -> dict[int, float]:
    """World -> steps saved, in the worlds where both have a record of every budget."""
    curves = {recipe: _curves(study, recipe, steps) for recipe in (of, to)}
    worlds = sorted(curves[of].keys() & curves[to].keys())
    return {world: steps_saved(curves[of][world], curves[to][world]) for world in worlds}


def _curves(study: Studies, recipe: str, steps: Sequence[int]) -> dict[int, dict[int, float]]:
    """World -> budget -> mAP."""
    runs = {count: study.by_world(PART, arm(recipe, count)) for count in steps}
    worlds = set.intersection(*(set(of) for of in runs.values()))
    return {world: {count: runs[count][world].map("street") for count in steps} for world in worlds}
