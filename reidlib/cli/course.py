"""A course: releases of the problem sets, and grading what students hand in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reidlib.cli.common import Json, example, table, tell
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.course.grading import Report

Seed = Annotated[
    int | None,
    typer.Option(help="Data seed in place of the sets' own; the same for both commands."),
]
LOCKS = {
    "limits": "memory, time and file size are limited",
    "files": "it writes nowhere but in a folder of its own, and reads nothing of yours",
    "network": "it has no network",
    "signals": "it cannot reach other processes",
    "processes": "all that it starts ends with it",
    "user": "it runs as an account that owns nothing",
}


def assignments(
    names: Annotated[list[str] | None, typer.Argument(help="Only these sets, e.g. ps1.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: are the releases what sources make?")
    ] = False,
    seed: Seed = None,
    out: Annotated[Path | None, typer.Option(help="Write ps1.ipynb, ... to this folder.")] = None,
) -> None:
    """Make the problem sets' releases (what students get) from their sources (with solutions)."""
    from reidlib.course.sets import Course

    if seed is not None and out is None:
        raise ReidError("--seed makes releases of this term's own: name a folder for them, --out")
    course, wrong = Course(seed=seed), 0
    for name in names or course.names():
        if check:
            complaint = course.stale(name)
            wrong += complaint is not None
            typer.echo(f"{name}: {complaint or 'as its source makes it'}")
        else:
            path = None if out is None else out / f"{name}.ipynb"
            told = "written to" if course.write(name, path) else "already in"
            typer.echo(f"{name}: {told} {path or course.release(name)}")
    if wrong:
        raise typer.Exit(1)


def grade(
    submissions: Annotated[Path, typer.Argument(help="Folder with STUDENT/ps1.ipynb in it.")],
    out: Annotated[
        Path, typer.Option(help="Gradebook, feedback and tables; kept from one run to the next.")
    ] = Path("grades"),
    seed: Seed = None,
    only: Annotated[str | None, typer.Option("--set", help="Only this set, e.g. ps1.")] = None,
    seconds: Annotated[float, typer.Option(help="Processor time of a submission.")] = 300,
    cell_seconds: Annotated[float, typer.Option(help="And of one of its cells.")] = 20,
    memory: Annotated[float, typer.Option(help="GiB for a submission, beyond the libraries.")] = 3,
    places: Annotated[int | None, typer.Option(help="Submissions side by side.")] = None,
    as_json: Json = False,
) -> None:
    """Grade students' notebooks: run them in confinement, mark, write feedback and tables.

    Exit code 1 where something that was handed in could not be graded; the rest is.
    """
    from tqdm import tqdm

    from reidlib.course.confine import Limits
    from reidlib.course.grading import grade as run
    from reidlib.course.pool import Pool
    from reidlib.course.sets import Course
    from reidlib.data.promenade import default_folder
    from reidlib.files import writable_folder

    limits = Limits(seconds=seconds, cell_seconds=cell_seconds, memory=int(memory * 2**30))
    bar = tqdm(unit=" steps", disable=as_json)

    def start(steps: int) -> Callable[[str], None]:
        bar.reset(steps)

        def done(what: str) -> None:
            bar.set_description(what)
            bar.update()

        return done

    with bar, Pool(writable_folder(default_folder()), places, limits) as pool:
        report = run(submissions, out, pool=pool, course=Course(seed=seed), only=only, start=start)
    tell(report.summary(), _told(report, out), as_json)
    if report.problems:
        raise typer.Exit(1)


def _told(report: Report, out: Path) -> str:
    from reidlib.course.grading import PROBLEMS

    rows = [
        [g.student, g.set, f"{g.points:g} of {g.most:g}", f"{g.unread:g}", f"{g.seconds:.0f} s"]
        for g in report.graded
    ]
    lines = [table(rows, ["student", "set", "points", "to read", "time"]), ""]
    for g in report.graded:
        stopped = [f"stopped: {g.stopped}"] if g.stopped else []
        lines += [f"{g.student} {g.set}: {note}" for note in stopped + g.notes]
    lines += [f"not graded: {problem}" for problem in report.problems]
    lines += [f"(these lines are in {out / PROBLEMS}, too)"] if report.problems else []
    lines += [f"put back after a submission changed it: {path}" for path in report.mended]
    holds = [text for lock, text in LOCKS.items() if lock in report.locks]
    fails = [text for lock, text in LOCKS.items() if lock not in report.locks and lock != "user"]
    if report.graded:
        lines += ["", f"Each submission ran so that {'; '.join(holds) or 'nothing held it'}."]
        lines += [f"Not on this system: {'; '.join(fails)}."] if fails else []
        lines += [f"Marks: {out / 'grades.csv'}, {out / 'points.csv'}; pages: {out / 'feedback'}"]
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    app.command(
        epilog=example("reid assignments --check", "reid assignments --seed 7 --out handout")
    )(assignments)
    app.command(epilog=example("reid grade handed-in --set ps1 --seed 7"))(grade)
