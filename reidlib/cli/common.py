"""What the commands share: how a result is told, and how a data set is named."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.data.tracklets import TrackletDataset
    from reidlib.recipes.core import Profile, Recipe

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
Root = Annotated[Path | None, typer.Option(help="Folder of your own copy of a real data set.")]
World = Annotated[int, typer.Option(help="Seed of Promenade's people, cameras and walks.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; default: the best there is.")]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME=VALUE",
        help="Further options of the data set, e.g. split=3, protocol=queries_removed, "
        "min_frames=4, family=4.",
    ),
]


def example(*lines: str) -> str:
    """The examples under a command's --help."""
    return "**Example:** " + " · ".join(f"`{line}`" for line in lines)


def tell(result: Any, text: str, as_json: bool) -> None:
    """Print a result: `text` for people, JSON for scripts."""
    typer.echo(json.dumps(result, indent=1) if as_json else text)


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Plain columns, as wide as they need to be."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
    head = "  ".join(cell.ljust(w) for cell, w in zip(header, widths)).rstrip()
    return "\n".join([head, "  ".join("-" * w for w in widths), *lines])


def typed(ctx: typer.Context) -> list[str]:
    """The options that the user gave, as they are called: "--score-on", "--no-controls"."""
    given = (p for p in ctx.command.params if _is_typed(ctx, p.name or ""))
    return [(p.opts if ctx.params[p.name or ""] else [*p.secondary_opts, *p.opts])[0]
            for p in given]  # fmt: skip


def _is_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse(given: Sequence[str], without: Sequence[str], why: str) -> None:
    """Raise a ReidError for the first given option that would be passed over, and why it is."""
    for option in given:
        if option in without:
            raise ReidError(f"{option} {why}; leave it out")


def refuse_rendering(given: Sequence[str], data: str) -> None:
    """Promenade is rendered as one says; other data are as they are."""
    if data != "promenade":
        refuse(given, ("--scenario", "--size"), f"is of promenade, and the data are {data}")


def assignments(pairs: Sequence[str] | None) -> dict[str, Any]:
    """ "name=value" strings as a table; values are Python's plain ones, or words."""
    found = {}
    for pair in pairs or ():
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ReidError(f"{pair!r} is not NAME=VALUE")
        try:
            found[name.strip()] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name.strip()] = text
    return found


def find_device(name: str | None) -> str:
    """The device asked for, or the best there is; a ReidError for one that is not there."""
    import torch

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ReidError(f"no device {name!r} here ({reason}); try --device cpu") from error
    return name


def decode_for(dataset: TrackletDataset, recipe: Recipe, profile: Profile) -> TrackletDataset:
    """The data set with image files decoded as the recipe wants them: its size, its interpolation.

    Where the recipe crops, frames are kept an eighth larger, so that a crop enlarges nothing.
    """
    from reidlib.data.frames import ImageFiles
    from reidlib.data.transforms import enlarged
    from reidlib.recipes.core import plan

    if not isinstance(dataset.frames, ImageFiles):
        return dataset
    size = plan(recipe, profile).size
    size = enlarged(size) if recipe.augment.crop else size
    return replace(
        dataset, frames=ImageFiles(dataset.frames.root, size, recipe.augment.interpolation)
    )


def open_data(name: str, root: Path | None, options: Mapping[str, Any]) -> TrackletDataset:
    """The data set a command names; the real ones need --root.

    Every one of them takes `min_frames` besides its own options: tracklets that are shorter are
    left out. Raises ReidError for an option that the data set does not take, with those it does.
    """
    from inspect import signature

    from reidlib.data import DATASETS, loader
    from reidlib.data.reading import at_least

    if name == "mars-layout":  # Promenade, or other data, in MARS's folders
        name, options = "mars", {"expect": None, **options}
    load = loader(name)
    if (root is None) != (name == "promenade"):
        wants = "needs --root, the folder of your own copy" if root is None else "takes no --root"
        raise ReidError(f"--data {name} {wants}; data sets: {', '.join(DATASETS)}")
    options = dict(options)
    shortest = options.pop("min_frames", None)
    known = [p for p in signature(load).parameters if p != "root"]
    for option in options:
        if option not in known:
            raise ReidError(
                f"{name} has no option {option!r}; it has {', '.join(known)}, min_frames"
            )
    dataset = load(**options) if root is None else load(root, **options)
    return dataset if shortest is None else at_least(dataset, shortest)
