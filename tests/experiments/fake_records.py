"""Records as runs would leave them, without the runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from reidlib.data.promenade import VERSION, Settings, resolve
from reidlib.experiments.recorded import shipped, trained_by
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import plan
from reidlib.records import Record, plain, write_record
from reidlib.sources import sources


def fake_record(name: str, world: int, maps: dict[str, float], **changes: Any) -> Record:
    """maps: scenario -> mAP, a fraction; rank-1 is a tenth more, at most 1."""
    chosen, size = recipe(name), profile("laptop")
    request = resolve(Settings("small", "street", world, *plan(chosen, size).size))
    settings = {"scenario": "street", "size": "small", "world": world, "digest": request.digest()}
    notes = {"trained": trained_by(recipe(chosen.weights_of), size)} if chosen.weights_of else {}
    fields: dict[str, Any] = {
        "recipe": plain(asdict(chosen)),
        "profile": plain(asdict(size)),
        "plan": plain(asdict(plan(chosen, size))),
        "seed": world,
        "data": {"name": "promenade", "version": VERSION, "protocol": "", "split": "",
                 "settings": settings},
        "start": shipped(chosen, size) or "scratch",
        "scores": {k: {"map": v, "rank-1": min(v + 0.1, 1.0)} for k, v in maps.items()},
        "readings": {},
        "steps": 600,
        "parameters": 1000,
        "seconds": {"training": 1.0},
        "precision": "fp32",
        "machine": {},
        "code": {"version": "0", "commit": None, "sources": sources(chosen)},
        "finished": "2026-01-01T00:00:00+00:00",
        "curve": {"step": [1.0], "loss": [0.5]},
        "notes": notes,
    }  # fmt: skip
    return Record(**{**fields, **changes})


def leave(folder: Path, name: str, *maps: float, **scenes: list[float]) -> None:
    """Records of worlds 0, 1, ... with these maps in street, and those of further scenarios."""
    folder.mkdir(exist_ok=True)
    for world, value in enumerate(maps):
        more = {scene: values[world] for scene, values in scenes.items()}
        write_record(fake_record(name, world, {"street": value, **more}), folder)
