"""Which runs a table needs: recipes x data x worlds. Run k lives in world k and has seed k."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from reidlib.errors import ReidError
from reidlib.experiments.asking import check_data
from reidlib.experiments.data import Data
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipe as find_recipe
from reidlib.recipes import recipes
from reidlib.recipes.core import Recipe, plan

FIVE_PAPERS, ALL = "five-papers", "all"  # names for the rows of several tables


@dataclass(frozen=True)
class Job:
    """One training, and the recipes that are scored with its weights, itself first."""

    recipe: str
    tests: tuple[str, ...]
    profile: str
    data: Data
    world: int

    @property
    def name(self) -> str:
        """For folders and lock files; the same in every program that means the same run."""
        asked = {**asdict(self.data), "root": None, "score_on": None}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
        recipe = self.recipe.replace("/", "_")
        return f"{recipe}--{self.profile}--{self.data.name}-{digest}--{self.world}"

    def __str__(self) -> str:
        return f"{self.recipe} in world {self.world}"


def chosen(names: Sequence[str]) -> list[Recipe]:
    """Recipes and whole tables by name, in the order given, each once.

    "all" is every table and the baseline that papers are held against, "five-papers" what
    `reid table five-papers` shows. Raises ReidError for any other name, with the tables there are.
    """
    known, found = recipes(), {}
    tables = {table for r in known.values() for table, _ in ((r.table, r.row), *r.also) if table}
    for name in names:
        rows = [known[name]] if name in known else _rows(name, known)
        if not rows:
            try:
                find_recipe(name)
            except ReidError as error:
                told = ", ".join((*sorted(tables), FIVE_PAPERS, ALL))
                raise ReidError(f"{error}; tables: {told}") from None
        for one in rows:
            found[one.name] = one
    return list(found.values())


def _rows(name: str, known: Mapping[str, Recipe]) -> list[Recipe]:
    """The recipes of a table, or of several; [] for a name that is none."""
    from reidlib.experiments.five_papers import BASELINE, METHODS, OWN

    if name == FIVE_PAPERS:
        return [known[one] for one in (*METHODS, *OWN.values())]
    rows = [
        r for r in known.values() if name in (r.table, *dict(r.also)) or (name == ALL and r.table)
    ]
    return [*rows, known[BASELINE]] if name == ALL else rows


def make_jobs(
    recipes: Iterable[Recipe], profile: str, data: Data, worlds: Iterable[int]
) -> list[Job]:
    """World 0 of every row, then world 1 of every row, so that unfinished tables have all rows.

    A recipe that tests another one's weights is done where those are trained.
    """
    find_profile(profile)
    check_data(data)
    groups: dict[str, dict[str, None]] = {}
    for one in recipes:
        trained = one.weights_of or one.name
        groups.setdefault(trained, {trained: None})[one.name] = None
    return [
        Job(trained, tuple(tests), profile, data, world)
        for world in worlds
        for trained, tests in groups.items()
    ]


def frame_size(recipe: str, profile: str) -> tuple[int, int]:
    """Height and width of a recipe's frames at a profile's size."""
    return plan(find_recipe(recipe), find_profile(profile)).size
