"""What a user asks of experiments and tables, checked once before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

from reidlib.data import DATASETS, loader
from reidlib.errors import ReidError
from reidlib.experiments.data import HALVED, HALVINGS, Data, request

# What runs give a data set themselves: the world, the recipe's frames, who is tested.
RUNS_OWN = ("root", "size", "scenario", "world", "height", "width", "subset")


def check_data(data: Data) -> None:
    """Raise a ReidError for a name that does not exist, and for options that runs cannot have."""
    if data.name not in (*DATASETS, "mars-layout"):
        raise ReidError(f"no data set {data.name!r}; there are {', '.join(DATASETS)}, mars-layout")
    known = known_options(data.name)
    for option in data.options:
        if option not in known:
            raise ReidError(
                f"runs on {data.name} have no option {option!r}; they have {', '.join(known)}"
            )
    if data.name != "promenade":
        return
    for scored in (data.scenario, *data.score_on):
        check_scored(scored, data)


def known_options(name: str) -> tuple[str, ...]:
    """What `--with` can say of the data of runs."""
    if name == "promenade":
        from reidlib.data.promenade import Settings

        return tuple(one.name for one in fields(Settings) if one.name not in RUNS_OWN)
    own = (*RUNS_OWN, "split") if name in HALVED else RUNS_OWN  # run k is of halving k
    load = loader("mars" if name == "mars-layout" else name)
    return (*(one for one in signature(load).parameters if one not in own), "min_frames")


def check_scored(scored: str, data: Data) -> None:
    """Raise a ReidError for something that runs on this data cannot be scored on."""
    if data.name != "promenade":
        if scored != data.name:
            raise ReidError(f"runs on {data.name} are scored on it alone, not on {scored!r}")
        return
    from reidlib.data.promenade import Settings, resolve

    try:
        asked: dict[str, Any] = request(0, (64, 32), scored)
    except ValueError:
        raise ReidError(f"{scored!r} is not SCENARIO or SCENARIO=STRENGTH") from None
    asked |= {**_plain(data.options), "size": data.size}
    changes = {name: asked.pop(name, None) for name in ("strengths", "people")}
    resolve(Settings(**asked), **changes)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in RUNS_OWN}


def check_root(data: Data) -> None:
    """Raise a ReidError where a user's copy is missing, or named for data that need none."""
    if (data.root is None) != (data.name == "promenade"):
        wants = "takes no --root" if data.root else "needs --root, the folder of your own copy"
        raise ReidError(f"--data {data.name} {wants}")
    if data.root and not Path(data.root).is_dir():
        raise ReidError(f"--root {data.root}: there is no such folder; name that of your own copy")


def check_worlds(data: Data, first: int, worlds: int) -> None:
    """Raise a ReidError for runs beyond the halvings that a data set has."""
    if first < 0 or worlds < 1:
        raise ReidError("--worlds is at least 1, --first at least 0")
    if data.name in HALVED and first + worlds > HALVINGS:
        raise ReidError(
            f"{data.name} has {HALVINGS} halvings, one a run, from 0 to {HALVINGS - 1}; "
            f"--first {first} --worlds {worlds} asks for others"
        )
