"""All the records that the fairness report asks for, made up so that every rule holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS
from reidlib.experiments.fair_numbers import MEASURES, STRENGTHS
from reidlib.recipes import PAPERS, profile
from reidlib.records import Record, write_record
from tests.experiments.fake_records import fake_record

STREET = (0.60, 0.62, 0.61, 0.63, 0.64)  # mAP by world
STEPS = profile("laptop").steps or 0
PEOPLE = [person for person in range(60) for _ in range(3)]  # of the queries


def put(results: Path, part: str, arm: str, record: Record) -> Path:
    """A record of the study in its place."""
    folder = results / "promenade" / part / arm
    folder.mkdir(parents=True, exist_ok=True)
    return write_record(record, folder)


def trained(results: Path, street: tuple[float, ...] = STREET, **scenes: tuple[float, ...]) -> None:
    """Ordinary records of the baseline. scenes: scenario -> mAP by world; else a clear fall."""
    results.mkdir(parents=True, exist_ok=True)
    for world, score in enumerate(street):
        clean = min(score + 0.3, 1.0)
        scores = dict.fromkeys(SCENARIOS, clean - 0.1 - 0.001 * world) | {"clean": clean}
        scores |= {"street": score, **{s: values[world] for s, values in scenes.items()}}
        write_record(fake_record("baseline", world, scores), results)


def colours(results: Path, share: float = 0.5) -> None:
    """Colour histograms at this share of the baseline's scores."""
    for world, score in enumerate(STREET):
        scores = dict.fromkeys(SCENARIOS, share * score)
        about = {"recipe": {"name": "colour-histogram"}, "start": "", "code": _no_code()}
        put(results, "colours", "histogram", fake_record("baseline", world, scores, **about))


def pair(results: Path, part: str, gains: tuple[float, ...], seconds: float = 100.0) -> None:
    """Four frames against one and two, apart by these gains, world by world."""
    for world, gain in enumerate(gains):
        for arm, score in (("four", 0.6 + gain), ("one", 0.6), ("two", 0.6)):
            more: dict[str, Any] = {"seconds": {"training": seconds}, "machine": {"threads": 1}}
            put(results, part, arm, fake_record("baseline", world, {"street": score}, **more))


def plateau(results: Path, arm: str, change: float) -> None:
    """The budget, and half as many steps again."""
    for world in range(3):
        for steps, score in ((STEPS, 0.6), (STEPS * 3 // 2, 0.6 + change)):
            put(
                results,
                "plateau",
                f"{arm}-{steps}",
                fake_record("baseline", world, {"street": score}),
            )


def climbs(results: Path, **changes: float) -> None:
    """Full models at the budget and half as many steps again; level unless told."""
    for paper in PAPERS:
        for steps, score in ((STEPS, 0.6), (STEPS * 3 // 2, 0.6 + changes.get(paper, 0.0))):
            record = fake_record(paper, 0, {"street": score})
            put(results, "climbs", f"{paper}-{steps}", record)


def seeds(results: Path, count: int = 10) -> None:
    """Ten seeds in world 0, with queries of 60 people whose scores differ."""
    for seed in range(count):
        ap = np.random.default_rng(seed).uniform(0.55, 0.65, len(PEOPLE))
        notes = {"queries": {"people": PEOPLE, "ap": ap.tolist()}}
        scores = {"street": float(ap.mean())}
        put(
            results, "seeds", "baseline", fake_record("baseline", 0, scores, seed=seed, notes=notes)
        )


def doses(results: Path, **falls: tuple[float, ...]) -> None:
    """World 0 at rising strength. falls: illness -> mAP lost at each strength."""
    base = np.random.default_rng(1).uniform(0.7, 0.9, len(PEOPLE))
    chance = np.random.default_rng(2)
    ap = {"clean": base}
    for illness in ILLNESSES:
        for strength, fall in zip(STRENGTHS, falls.get(illness, (0.05, 0.10, 0.15, 0.20))):
            ap[f"{illness}={strength:g}"] = base - fall + chance.normal(0, 0.02, len(base))
    scores = {key: float(values.mean()) for key, values in ap.items()}
    notes = {"queries": {"people": PEOPLE, "ap": {k: v.tolist() for k, v in ap.items()}}}
    put(results, "doses", "baseline", fake_record("baseline", 0, scores, notes=notes))


def everything(results: Path) -> None:
    """Every rule holds."""
    trained(results)
    colours(results)
    for noise, part in zip((0.03, 0.02, 0.01, 0.002), MEASURES):
        pair(results, part, tuple(0.05 + noise * z for z in (-1, -0.5, 0, 0.5, 1)))
    plateau(results, "baseline", 0.001)
    plateau(results, "newcomer", -0.002)
    climbs(results)
    seeds(results)
    doses(results)


def _no_code() -> dict[str, Any]:
    return {"version": "0", "commit": None, "sources": {}}
