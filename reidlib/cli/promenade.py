"""Promenade as an instrument: the runs that settle and judge it, and the report on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from reidlib.cli.common import Json, example, tell
from reidlib.errors import ReidError

app = typer.Typer(help="Promenade as an instrument: study its noise, report on its fairness.")


def study(
    parts: Annotated[list[str] | None, typer.Argument(help="Parts of it; default: all.")] = None,
    worlds: Annotated[
        int, typer.Option(help="Worlds of each part; plateau has 3 at most, climbs and seeds 1.")
    ] = 5,
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
    if worlds < 1 or (jobs is not None and jobs < 1):
        raise ReidError("--worlds and --jobs are at least 1")
    from reidlib.experiments.runner import cores
    from reidlib.experiments.study import PARTS, run_study, trials
    from reidlib.files import data_folder

    folder = (out or data_folder("results") / "promenade").absolute()
    failed = run_study(trials(tuple(parts or PARTS), worlds), folder, at_once=jobs or cores())
    told = {str(trial): why for trial, why in failed}
    text = "\n".join(f"failed: {name}: {why}" for name, why in told.items()) or "all is recorded"
    tell({"failed": told}, text, json)
    raise typer.Exit(1 if failed else 0)


def measure(
    parts: Annotated[
        list[str] | None, typer.Argument(help="colours, doses; default: both.")
    ] = None,
    worlds: Annotated[int, typer.Option(help="Worlds in which colours are counted.")] = 5,
    out: Annotated[
        Path | None, typer.Option(help="Folder of records [data/results/promenade].")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where the trained baseline is kept.")] = Path("runs"),
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `reid experiment baseline --keep baseline` kept of world 0."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Score colour histograms, and the baseline under each illness's strengths, on test people.

    Part of the report's records; what is recorded is skipped.
    """
    from contextlib import ExitStack

    from reidlib.experiments.locks import held
    from reidlib.files import data_folder

    folder, known = (out or data_folder("results") / "promenade").absolute(), ("colours", "doses")
    for part in parts or ():
        if part not in known:
            raise ReidError(f"there is no part {part!r} to measure; there are {', '.join(known)}")
    if worlds < 1:
        raise ReidError(f"--worlds is at least 1, not {worlds}")
    with ExitStack() as locks:
        for part in parts or known:
            if not locks.enter_context(held(folder / ".locks" / f"measuring-{part}")):
                raise ReidError(f"another program measures {part} into {folder}; let it finish")
        done = _measured(folder, parts or known, worlds, model, runs)
    told = {name: {k: s["map"] for k, s in r.scores.items()} for name, r in done.items()}
    lines = [f"{name}: {len(scores)} scores" for name, scores in told.items()]
    tell(told, "\n".join(lines), json)


def _measured(
    folder: Path, parts: Sequence[str], worlds: int, model: Path | None, runs: Path
) -> dict[str, Any]:
    """Record by name."""
    from reidlib.experiments import measuring
    from reidlib.experiments.evidence import Evidence

    done: dict[str, Any] = {}
    if "colours" in parts:
        for scenarios in (["street"], []):  # what a rule asks for first, then all the rest
            for world in range(worlds):
                record = measuring.measure_colours(folder, world, scenarios=scenarios)
                done[record.name] = record
    if "doses" in parts:
        kept = None
        if model:
            known = Evidence(folder.parent).held.get("baseline", {})
            if 0 not in known:
                raise ReidError(f"{folder.parent} has no record of the baseline in world 0")
            kept = model, known[0].record
        record = measuring.measure_doses(folder, runs.absolute(), kept=kept)
        done[record.name] = record
    return done


def report(
    out: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("report/promenade"),
    records: Annotated[Path | None, typer.Option(help="Folder of records [data/results].")] = None,
    json: Json = False,
) -> None:
    """Judge, by stored records alone, whether Promenade is a fair instrument: lines and a page.

    Nothing is trained or scored here; a rule whose records are missing says which.
    """
    from reidlib.experiments.fairness import examine
    from reidlib.fairness_report import write_fairness
    from reidlib.files import data_folder

    folder = records or data_folder("results")
    if not folder.is_dir():
        raise ReidError(f"there is no folder of records {folder}")
    found = examine(folder)
    page = write_fairness(found, out)
    tell(found.as_dict(), "\n".join([*map(str, found.lines), "", f"open {page}"]), json)


def sheets(
    names: Annotated[
        list[str] | None, typer.Argument(help="Illnesses, or readme; default: all.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs"),
    json: Json = False,
) -> None:
    """Draw the README's picture, and one sheet for each illness, from none to full strength."""
    from reidlib.seeing.sheets import WHO, illness_sheet, readme_picture, save_small

    done = []
    for name in names or ("readme", *WHO):
        picture = readme_picture() if name == "readme" else illness_sheet(name)
        file = "promenade" if name == "readme" else f"promenade-{name}"
        done.append(str(save_small(picture, out / f"{file}.jpg")))
    tell(done, "\n".join(done), json)


def register(parent: typer.Typer) -> None:
    app.command(epilog=example("reid promenade study seeds"))(study)
    app.command(epilog=example("reid promenade measure colours"))(measure)
    app.command(epilog=example("reid promenade report --out report/promenade"))(report)
    app.command(epilog=example("reid promenade sheets occlusion --out docs"))(sheets)
    parent.add_typer(app, name="promenade")
