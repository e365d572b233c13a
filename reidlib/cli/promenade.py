"""Promenade as an instrument: the runs that settle and judge it, and the report on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reidlib.cli.common import Json, example, tell

app = typer.Typer(help="Promenade as an instrument: study its noise, report on its fairness.")


def study(
    parts: Annotated[list[str] | None, typer.Argument(help="Parts of it; default: all.")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Runs side by side; default: a core each.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of records [data/results/promenade].")
    ] = None,
    json: Json = False,
) -> None:
    """Train what says how noisy a comparison is, and what helps; leave a record of each run.

    What is recorded is skipped; stopped at any moment, it goes on when repeated.
    """
    from reidlib.experiments.runner import cores
    from reidlib.experiments.study import PARTS, run_study, trials
    from reidlib.files import data_folder

    folder = (out or data_folder("results") / "promenade").absolute()
    failed = run_study(trials(tuple(parts or PARTS)), folder, at_once=jobs or cores())
    told = {str(trial): why for trial, why in failed}
    text = "\n".join(f"failed: {name}: {why}" for name, why in told.items()) or "all is recorded"
    tell({"failed": told}, text, json)
    raise typer.Exit(1 if failed else 0)


def register(parent: typer.Typer) -> None:
    app.command(epilog=example("reid promenade study seeds"))(study)
    parent.add_typer(app, name="promenade")
