"""Do the pictures tell the truth? Mechanisms measured on trained models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import Json, example, table, tell
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.experiments.mechanisms import Lab
    from reidlib.experiments.mechanisms.records import TruthRecord

NUMBER = 100  # people, see `mechanisms.core.PEOPLE`


def truth(
    claims: Annotated[
        list[str] | None, typer.Argument(help="Claims, e.g. T5 S8; default: all that have one.")
    ] = None,
    people: Annotated[int, typer.Option(help="Test people to look at, the first ones.")] = NUMBER,
    profile: Annotated[str, typer.Option(help="Of the trained models.")] = "fine",
    weights: Annotated[
        Path | None, typer.Option(help="Folder of trained models [data/checkpoints].")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="Folder of records [data/results].")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is recorded.")] = False,
    json: Json = False,
) -> None:
    """Measure what the papers say their models do, and print it beside what a blind map gives.

    Whatever has no record that still holds is measured and recorded; fewer --people than a record
    has are only shown. `reid verdicts` and `reid table maps` show the records of the profile fine.
    Every number is a mean over people with its 95 % interval, of one trained model a row.
    Where models are not trained yet the others are measured, they are named, and the exit code
    is 1.
    """
    from reidlib.experiments.mechanisms import MECHANISMS, Lab, mechanism
    from reidlib.experiments.mechanisms.records import load_truth
    from reidlib.files import data_folder, writable_folder
    from reidlib.recipes import profile as find_profile

    find_profile(profile)
    if people < 2:
        raise ReidError(f"--people {people}: an interval over people needs at least 2")
    chosen = list(dict.fromkeys(claims or MECHANISMS))
    for claim in chosen:
        mechanism(claim)
    results = writable_folder(records or data_folder("results"))
    lab = Lab(people, profile, weights)
    failed, shown = _measure_all(chosen, lab, results, fresh)
    there = load_truth(results, profile) | shown
    kept = {name: one for name, one in there.items() if name in chosen}
    lines = [line for record in kept.values() for line in _told(record)]
    lines += [f"not recorded, for the record there is of more people: {', '.join(shown)}"] * bool(
        shown
    )
    lines += [f"not measured: {reason}" for reason in failed]
    plain = {"records": [_plain(record) for record in kept.values()], "failed": failed}
    tell(plain, "\n".join(lines), json)
    if failed:
        raise typer.Exit(1)


def _measure_all(
    chosen: list[str], lab: Lab, results: Path, fresh: bool
) -> tuple[list[str], dict[str, TruthRecord]]:
    """Measure what has no current record. Returns why some could not be, and what is only shown:

    a look at a few people does not take the place of a record of more.
    """
    from tqdm.auto import tqdm

    from reidlib.experiments.mechanisms.records import is_current, load_truth, measure, write_truth

    there = load_truth(results, lab.profile)
    wanted = [c for c in chosen if fresh or c not in there or not is_current(there[c], lab)]
    failed, shown = [], {}
    bar = tqdm(wanted, unit="claim", disable=not wanted)
    for claim in bar:
        bar.set_description(claim)
        try:
            record = measure(claim, lab)
            if claim in there and there[claim].setting["people"] > lab.people:
                shown[claim] = record
            else:
                write_truth(record, results)
        except ReidError as error:
            failed.append(str(error))
    return failed, shown


def _told(record: TruthRecord) -> list[str]:
    """The record's table: a row a source, a column a question, for each scene."""
    stale = record.stale()
    lines = [f"{record.claim}: {record.rule}" + f" (stale: {stale})" * bool(stale)]
    lines += [f"    {name}: {value}" for name, value in record.numbers.items()]
    lines += [f"    {word}" for word in record.words]
    rows = []
    for cell in record.cells:
        found = record.estimate(cell["scene"], cell["question"], cell["source"])
        told = str(found) if found.identities > 1 else "too few people have an answer"
        rows.append((cell["scene"], cell["question"], cell["source"], told,
                     str(found.identities)))  # fmt: skip
    if rows:
        rows.sort(key=lambda row: row[:2])
        lines += table(rows, ("scene", "question", "source", "mean (95 %)", "people")).split("\n")
    return [*lines, ""]


def _plain(record: TruthRecord) -> dict[str, Any]:
    from dataclasses import asdict

    from reidlib.experiments.statistics import finite

    cells = [
        {"scene": c["scene"], "source": c["source"], "question": c["question"],
         **asdict(record.estimate(c["scene"], c["question"], c["source"])), "count": c["count"]}
        for c in record.cells
    ]  # fmt: skip
    told = {"claim": record.claim, "rule": record.rule, "stale": record.stale(), "cells": cells,
            "numbers": record.numbers, "words": record.words, "models": record.models}  # fmt: skip
    found: dict[str, Any] = finite(told)
    return found


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid truth", "reid truth T5 S8 --people 24"))(truth)
