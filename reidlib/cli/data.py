"""Data: render Promenade, look at it, check a copy of a real data set."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reidlib.cli.common import Json, World, example, tell
from reidlib.errors import ReidError


class Layout(StrEnum):
    mars = "mars"
    cache = "cache"


class Copy(StrEnum):
    mars = "mars"
    duke = "duke"
    ilids = "ilids"
    prid = "prid"
    lsvid = "lsvid"


def render(
    size: Annotated[str, typer.Option(help="How many people: tiny, small or mars.")] = "tiny",
    scenario: Annotated[str, typer.Option(help="clean, one illness, or street.")] = "street",
    seed: World = 0,
    layout: Annotated[
        Layout, typer.Option(help="mars: JPEG files in MARS's folders; cache: tensors.")
    ] = Layout.mars,
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
    height: Annotated[int, typer.Option(help="Pixels of a frame.")] = 64,
    width: Annotated[int, typer.Option(help="Pixels of a frame.")] = 32,
    processes: Annotated[
        int | None, typer.Option(help="Default: one a core, as far as 2 GiB of memory go.")
    ] = None,
    json: Json = False,
) -> None:
    """Render Promenade: to disk as MARS lays it out, or into the cache that training reads.

    Interrupted, it goes on where it stopped when run again.
    """
    from reidlib.data import promenade
    from reidlib.data.promenade.cache import frames_file

    chosen: dict[str, Any] = {"size": size, "scenario": scenario, "world": seed}
    chosen |= {"height": height, "width": width}
    if layout is Layout.mars:
        if out is None:
            raise ReidError("--layout mars needs --out, the folder to write to")
        settings = promenade.resolve(promenade.Settings(**chosen))
        promenade.write_mars(settings, out, processes=processes)
        place, reader = str(out), f"--data mars-layout --root {out}"
    else:
        dataset = promenade.load(**chosen, cache=out)
        folder = out or promenade.default_folder()
        place = str(frames_file(folder, dataset.settings["request"]))
        reader = f"--size {size} --scenario {scenario} --world {seed}{_profile(height, width)}"
        # As an absolute path it is no number to --with, and right from every folder.
        reader += f" --with {shlex.quote(f'cache={out.absolute()}')}" if out else ""
    tell(
        {**chosen, "layout": layout.value, "place": place},
        f"rendered {place}; train on it with `reid train baseline {reader} --out runs/first`",
        json,
    )


def _profile(height: int, width: int) -> str:
    """The option that trains a baseline on frames of this size; "" for the usual size."""
    from reidlib.recipes import recipe
    from reidlib.recipes.core import PROFILES, plan

    baseline = recipe("baseline")
    sizes = {name: plan(baseline, profile).size for name, profile in PROFILES.items()}
    fit = [name for name in ("laptop", "fine", "paper") if sizes[name] == (height, width)]
    if fit:
        return "" if fit[0] == "laptop" else f" --profile {fit[0]}"
    return f" --set profile.height={height} --set profile.width={width}"


def doctor(
    name: Annotated[Copy, typer.Argument(help="Which data set it is.")],
    path: Annotated[Path, typer.Argument(help="The folder of your copy.")],
    images: Annotated[bool, typer.Option(help="Open every image, to find broken ones.")] = True,
    counts: Annotated[
        bool, typer.Option(help="Hold the counts against the published ones.")
    ] = True,
    workers: Annotated[int | None, typer.Option(help="Default: one a core.")] = None,
    json: Json = False,
) -> None:
    """Check your copy of a real data set: what is there, what is missing, what to do.

    Exit code 0 when all is well, 1 when something is wrong.
    """
    from reidlib.data.doctor import diagnose

    report = diagnose(name.value, path, check_images=images, check_counts=counts, workers=workers)
    tell(report.as_dict(), str(report), json)
    raise typer.Exit(0 if report.ok else 1)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid render --size tiny --scenario street --out promenade"))(render)
    app.command(epilog=example("reid doctor mars path/to/MARS"))(doctor)
