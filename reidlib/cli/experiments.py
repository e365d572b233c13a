"""Experiments: run the rows of tables."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import (
    Device,
    Json,
    Root,
    With,
    assignments,
    example,
    find_device,
    refuse,
    refuse_rendering,
    tell,
    typed,
)
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.experiments.data import Data
    from reidlib.experiments.jobs import Job
    from reidlib.experiments.worker import Places

ALL, UNDECIDED = "all", "undecided"


def experiment(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            help="Tables (sinet-3), recipes (trsa), five-papers, all; or, alone, undecided: "
            "the rows of which more worlds may decide a claim."
        ),
    ],
    data: Annotated[
        str, typer.Option(help="promenade (built in), mars, ilids, prid, lsvid, duke, mars-layout.")
    ] = "promenade",
    root: Root = None,
    scenario: Annotated[str, typer.Option(help="Promenade's illnesses in training.")] = "street",
    size: Annotated[str, typer.Option(help="Promenade people: tiny, small, mars.")] = "small",
    score_on: Annotated[
        str,
        typer.Option(
            help="Scenarios to score on, e.g. clean,occlusion=0.3,street; all; or strengths, each "
            "illness alone from none to full."
        ),
    ] = ALL,
    worlds: Annotated[
        int | None,
        typer.Option(help="Runs of each row: run k in world k, seed k [5; ilids, prid: 10]."),
    ] = None,
    first: Annotated[int, typer.Option(help="The first world.")] = 0,
    profile: Annotated[str, typer.Option(help="smoke, laptop, fine or paper.")] = "laptop",
    controls: Annotated[bool, typer.Option(help="With the controls (+) of a table.")] = True,
    options: With = None,
    jobs: Annotated[
        int | None, typer.Option(help="Runs side by side; default: a core each.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads of a run.")] = 1,
    keep: Annotated[
        list[str] | None, typer.Option(help="Keep the model file of this recipe.")
    ] = None,
    keep_stale: Annotated[
        bool, typer.Option("--keep-stale", help="Do not repeat runs that older code did.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of records [data/results].")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs on their way.")] = Path(
        "runs/experiments"
    ),
    device: Device = None,
    dask: Annotated[
        str | None, typer.Option(help="Scheduler of a Dask cluster, e.g. tcp://host:8786.")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Only say what would be done.")] = False,
    json: Json = False,
) -> None:
    """Run every row of a table, several times, and leave a record of each run.

    What is recorded is skipped; stopped at any moment, it goes on when repeated. Where five worlds
    leave a claim undecided, `undecided --worlds 16` runs the rows that it compares in more, and
    scores them where it asks.
    """
    from reidlib.experiments.asking import check_worlds
    from reidlib.experiments.evidence import Evidence
    from reidlib.experiments.jobs import chosen, make_jobs
    from reidlib.experiments.runner import cluster, cores, run_jobs
    from reidlib.experiments.second_look import second_jobs
    from reidlib.experiments.worker import Places
    from reidlib.files import data_folder

    if threads < 1 or (jobs is not None and jobs < 1):
        raise ReidError("--jobs and --threads are at least 1")
    refuse_rendering(typed(ctx), data)
    asked = _asked(data, root, scenario, size, score_on, options)
    many = asked.worlds if worlds is None else worlds
    check_worlds(asked, first, many)
    if device and not dask:  # a cluster's devices are not this machine's
        find_device(device)
    folder = (out or data_folder("results")).absolute()
    if UNDECIDED in names:
        _alone(names, typed(ctx))
        todo = second_jobs(Evidence(folder, profile, asked), asked, range(first, first + many))
    else:
        rows = [r for r in chosen(names) if controls or not r.control or r.name in names]
        todo = make_jobs(rows, profile, asked, range(first, first + many))
    kept = tuple(r.name for r in chosen(keep or []))
    places = Places(folder, runs.absolute(), kept, device, threads)
    at_once = jobs or max(1, cores() // threads)
    if dry:
        tell(*_dry(todo, places, at_once, fewer=UNDECIDED not in names), json)
        return
    here = nullcontext((None, at_once))
    with cluster(dask) if dask else here as (executor, room):
        report = run_jobs(
            todo, places, at_once=jobs or room, keep_stale=keep_stale, executor=executor
        )
    told = [f"--records {out}"] * bool(out) + asked.words(profile)
    shown = [f"`{' '.join(['reid', one, *told])}`" for one in _where(names, asked, score_on)]
    seen = f"\nscores: {', '.join(shown)}" * bool(shown)
    tell(_plain(report), _text(report) + seen, json)
    raise typer.Exit(1 if report.failed else 0)


def _asked(
    data: str, root: Path | None, scenario: str, size: str, score_on: str, options: With
) -> Data:
    """Raises ReidError for what is not there."""
    from reidlib.data.promenade.settings import SCENARIOS
    from reidlib.experiments.asking import check_data, check_root
    from reidlib.experiments.data import Data
    from reidlib.experiments.strengths import LADDER, STRENGTHS_TABLE

    together = {ALL: SCENARIOS, STRENGTHS_TABLE: (scenario, *LADDER)}
    scored = tuple(together.get(score_on) or score_on.split(","))
    asked = Data(data, str(root) if root else None, scenario, size, scored, assignments(options))
    check_data(asked)
    check_root(asked)
    return asked


def _where(names: list[str], asked: Data, score_on: str) -> list[str]:
    """Which commands show the scores of these rows; [] where no table has them."""
    from reidlib.experiments.five_papers import METHODS, OWN
    from reidlib.experiments.jobs import FIVE_PAPERS, chosen
    from reidlib.experiments.printed import printed_tables
    from reidlib.experiments.strengths import STRENGTHS_TABLE

    if UNDECIDED in names or ALL in names:
        return ["verdicts"]
    built_in = asked.name == "promenade"
    if score_on == STRENGTHS_TABLE:
        return [f"table {STRENGTHS_TABLE}"]
    tables: list[str] = []
    for name in names:
        rows = chosen([name])
        tables += [name] if name in printed_tables() else [row.table for row in rows if row.table]
        if built_in and {row.name for row in rows} & {*METHODS, *OWN.values()}:
            tables += [FIVE_PAPERS] * (name == FIVE_PAPERS or not any(row.table for row in rows))
    return [f"table {table}" for table in dict.fromkeys(tables)]


def _alone(names: list[str], given: list[str]) -> None:
    """Raise a ReidError for what goes together with all names of rows but `undecided`."""
    if len(names) > 1:
        raise ReidError(f"{UNDECIDED} names its rows itself; run {', '.join(names)} one by one")
    refuse(given, ("--score-on", "--no-controls"), f"is for rows by name: {UNDECIDED} has all rows "
           "and scenarios that claims hang on, and no others")  # fmt: skip


def _dry(todo: list[Job], places: Places, at_once: int, *, fewer: bool) -> tuple[list[str], str]:
    """What there is to do, for scripts and for people. fewer: whether fewer scores may be asked."""
    from reidlib.experiments.forecast import forecast
    from reidlib.experiments.recorded import find

    known = [(job, find(job, places.results)) for job in todo]
    left = [job for job, found in known if found.missing(job)]
    again = [job for job, found in known if found.missing(job) and job.recipe in found.current]
    plain = [str(job) for job in left]
    if not todo:
        return plain, "no claim hangs on more worlds of this data and profile"
    lines = [*_by_recipe(left), f"not recorded yet: {len(left) - len(again)} of {len(todo)} runs"]
    if again:
        scored = list(dict.fromkeys(scene for job in again for scene in job.data.scored))
        lines.append(
            f"recorded, and not yet scored on all of {', '.join(scored)}: {len(again)} more; "
            "a model that was not kept is trained again for it"
            f"{' (--score-on may name less)' * fewer}"
        )
    if left:
        lines.append(forecast(left, places.results).told(at_once))
    return plain, "\n".join(lines)


def _by_recipe(jobs: list[Job]) -> list[str]:
    """A line for each recipe, with its worlds."""
    worlds: dict[str, list[int]] = {}
    for job in jobs:
        worlds.setdefault(job.recipe, []).append(job.world)
    return [
        f"{recipe} in world{'s' * (len(of) > 1)} {', '.join(map(str, of))}"
        for recipe, of in worlds.items()
    ]


def _plain(report: Any) -> dict[str, Any]:
    return {
        "done": [str(job) for job in report.done],
        "recorded": [str(job) for job in report.recorded],
        "claimed": {str(job): pid for job, pid in report.claimed},
        "failed": {str(job): error for job, error in report.failed},
        "stale": report.stale,
    }


def _text(report: Any) -> str:
    lines = [f"stale: {name}: {why}" for name, why in report.stale.items()]
    lines += [f"left to process {pid}: {job}" for job, pid in report.claimed]
    lines += [f"failed: {job}: {error}" for job, error in report.failed]
    counts = {
        "done": report.done, "recorded before": report.recorded,
        "left to other programs": report.claimed, "failed": report.failed,
    }  # fmt: skip
    lines.append(
        ", ".join(f"{len(some)} {what}" for what, some in counts.items() if some or what == "done")
    )
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    app.command(
        epilog=example(
            "reid experiment trsa-1 --worlds 5",
            "reid experiment sinet baseline",
            "reid experiment undecided --worlds 16 --dry",
        )
    )(experiment)
