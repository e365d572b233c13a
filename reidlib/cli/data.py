"""Data: render Promenade, look at it, check a copy of a real data set."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from reidlib.cli.common import Json, Scenario, Size, World, example, tell
from reidlib.errors import ReidError


class Layout(str, Enum):
    mars = "mars"
    cache = "cache"


class Copy(str, Enum):
    mars = "mars"
    duke = "duke"
    ilids = "ilids"
    prid = "prid"
    lsvid = "lsvid"


def render(
    size: Size = "tiny",
    scenario: Scenario = "street",
    seed: World = 0,
    layout: Annotated[
        Layout, typer.Option(help="mars: JPEG files in MARS's folders; cache: tensors.")
    ] = Layout.mars,
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
    height: Annotated[int, typer.Option(help="Pixels of a frame.")] = 64,
    width: Annotated[int, typer.Option(help="Pixels of a frame.")] = 32,
    processes: Annotated[int | None, typer.Option(help="Default: one a core.")] = None,
    json: Json = False,
) -> None:
    """Render Promenade: to disk as MARS lays it out, or into the cache that training reads.

    Interrupted, it goes on where it stopped when run again.
    """
    from reidlib.data import promenade

    chosen: dict[str, object] = {
        "size": size,
        "scenario": scenario,
        "world": seed,
        "height": height,
        "width": width,
    }
    if layout is Layout.mars:
        if out is None:
            raise ReidError("--layout mars needs --out, the folder to write to")
        promenade.write_mars(promenade.request(**chosen), out, processes=processes)
        place, reader = str(out), f"--data mars --root {out}"
    else:
        dataset = promenade.load(**chosen, cache=out)  # type: ignore[arg-type]
        place = str(dataset.settings["digest"])
        reader = f"--size {size} --scenario {scenario} --world {seed}"
    tell(
        {**chosen, "layout": layout.value, "place": place},
        f"rendered {place}; train on it with `reid train baseline {reader}`",
        json,
    )


def doctor(
    name: Annotated[Copy, typer.Argument(help="Which data set it is.")],
    path: Annotated[Path, typer.Argument(help="The folder of your copy.")],
    images: Annotated[bool, typer.Option(help="Open every image, to find broken ones.")] = True,
    workers: Annotated[int | None, typer.Option(help="Default: one a core.")] = None,
    json: Json = False,
) -> None:
    """Check your copy of a real data set: what is there, what is missing, what to do.

    Exit code 0 when all is well, 1 when something is wrong.
    """
    from reidlib.data.doctor import diagnose

    report = diagnose(name.value, path, check_images=images, workers=workers)
    tell(report.as_dict(), str(report), json)
    raise typer.Exit(0 if report.ok else 1)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid render --size tiny --scenario street --out promenade"))(render)
    app.command(epilog=example("reid doctor mars path/to/MARS"))(doctor)
