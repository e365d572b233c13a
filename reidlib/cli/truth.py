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

    Whatever has no record that still holds is measured and recorded. `reid verdicts` and
    `reid table maps` show the records of the profile fine.
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
    failed = _measure_all(chosen, lab, results, fresh)
    kept = {name: one for name, one in load_truth(results, profile).items() if name in chosen}
    lines = [line for record in kept.values() for line in _told(record)]
    lines += [f"not measured: {reason}" for reason in failed]
    plain = {"records": [_plain(record) for record in kept.values()], "failed": failed}
    tell(plain, "\n".join(lines), json)
    if failed:
        raise typer.Exit(1)


def _measure_all(chosen: list[str], lab: Lab, results: Path, fresh: bool) -> list[str]:
    """Measure what has no current record; returns why some could not be."""
    from tqdm.auto import tqdm

    from reidlib.experiments.mechanisms.records import is_current, load_truth, measure, write_truth

    there = {} if fresh else load_truth(results, lab.profile)
    wanted = [c for c in chosen if c not in there or not is_current(there[c], lab)]
    failed = []
    bar = tqdm(wanted, unit="claim", disable=not wanted)
    for claim in bar:
        bar.set_description(claim)
        try:
            write_truth(measure(claim, lab), results)
        except ReidError as error:
            failed.append(str(error))
    return failed


def _told(record: TruthRecord) -> list[str]:
    """The record's table: a row a source, a column a question, for each scene."""
    stale = record.stale()
    lines = [f"{record.claim}: {record.rule}" + f" (stale: {stale})" * bool(stale)]
    lines += [f"    {name}: {value}" for name, value in record.numbers.items()]
    lines += [f"    {word}" for word in record.words]
    rows = []
    for cell in record.cells:
        found = record.estimate(cell["scene"], cell["question"], cell["source"])
        rows.append((cell["scene"], cell["question"], cell["source"], str(found),
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
