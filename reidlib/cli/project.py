"""The whole project at once: reproduce the main job, run the notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reidlib.cli.common import example


def reproduce(
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report"),
) -> None:
    """Render, train, score, run the notebooks, and write one report page that shows them all."""
    from reidlib.reproduce import reproduce as run

    run(out)


def notebooks(
    names: Annotated[list[Path] | None, typer.Argument(help="Only these; default: all.")] = None,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Store what their figures draw now as references.")
    ] = False,
) -> None:
    """Run the numbered notebooks and store their outputs; a rerun gives the same bytes.

    Figures are compared with the references in notebooks/reference. New records change some of
    them: look at the figures, then --redraw.
    """
    from tqdm import tqdm

    from reidlib.notebooks import execute, numbered

    bar = tqdm(names or numbered(Path("notebooks")), unit="notebook")
    for path in bar:
        bar.set_description(path.stem)
        execute(path, redraw=redraw)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid reproduce"))(reproduce)
    app.command(epilog=example("reid notebooks notebooks/00_start_here.ipynb"))(notebooks)
