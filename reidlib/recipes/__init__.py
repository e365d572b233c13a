"""All recipes by name: the baseline, five papers, their ablation rows and the controls (+)."""

from __future__ import annotations

from importlib import import_module

from reidlib.errors import ReidError
from reidlib.recipes.core import PROFILES, Profile, Recipe

# What the papers are called in print, by the names they go by in code.
PAPERS = {
    "trsa": "TRSA",
    "rgsa_rgtr": "RGSA+RGTR",
    "fgra": "FGRA",
    "tacan": "TACAN",
    "sinet": "SINet",
}
# Rows that the run of another row fills, by the names that they would have.
SAME = {
    "trsa-1/trsa": "trsa",
    "rgsa-1/rgsa_rgtr": "rgsa_rgtr",
    "rgsa-2/32-256": "rgsa_rgtr",
    "fgra-2/fgra": "fgra",
    "fgra-fig4/regions-4": "fgra",
    "tacan-1/tacan": "tacan",
    "sinet-2/sinet": "sinet",
    "sinet-3/sinet": "sinet",
    "sinet-3/sbm": "sinet-2/sbm",
    "sinet-3/idm": "sinet-2/idm",
    "sinet-3/2-idm": "sinet-2/idm",
    "sinet-fig5a/3": "sinet-2/sbm",
    "sinet-fig5b/4": "sinet-2/idm",
}
MODULES = ("baseline", "trsa", "rgsa_rgtr", "fgra", "tacan", "sinet")


def recipes() -> dict[str, Recipe]:
    """Every recipe, papers in the order of MODULES, rows in the tables' order."""
    found: dict[str, Recipe] = {}
    for module in MODULES:
        for recipe in import_module(f"reidlib.recipes.{module}").RECIPES:
            if recipe.name in found:
                raise ValueError(f"two recipes are called {recipe.name!r}")
            found[recipe.name] = recipe
    return found


def recipe(name: str) -> Recipe:
    """The recipe `name`, or a ReidError that names the nearest ones."""
    known = recipes()
    if name in SAME:
        raise ReidError(f"{name} is the same run as {SAME[name]}, and goes by that name")
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "see `reid recipes`"
        raise ReidError(f"no recipe {name!r}; {hint}")
    return known[name]


def profile(name: str) -> Profile:
    """The profile `name`, or a ReidError that lists them."""
    if name not in PROFILES:
        raise ReidError(f"no profile {name!r}; there are {', '.join(PROFILES)}")
    return PROFILES[name]
