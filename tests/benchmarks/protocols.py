"""What the choice of protocol does to a score: MARS's own labels, simulated embeddings.

    REIDLIB_MARS_METADATA=<folder of the tables> python -m tests.benchmarks.protocols

writes data/results/protocols/mars-labels.json: numbers only, no label of MARS. Besides scores, it
holds how many steps an epoch of each paper's recipe has on MARS's training labels.

No picture is involved, so only *differences* between the rows of scores mean anything.

The stand-in for a strong system: a person is a random direction that shares something with two
look-alikes. A tracklet adds what its person looks like in that camera, and noise of its own, much
for a few tracklets and little for most. A distractor is a share of somebody in the gallery and a
share of nobody; so is junk, with less of somebody. The numbers below are set so that rank-1 is
near 94 % and mAP near 86 % under protocol B; they decide how much distractors matter.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from reidlib.data import mars
from reidlib.data.sampling import PKSampler
from reidlib.data.tracklets import Tracklet, relabel
from reidlib.evaluation import distances, score
from reidlib.files import data_folder, write_text
from reidlib.recipes import PAPERS, profile, recipe
from reidlib.recipes.core import plan
from tests import real_metadata

SEED, WIDTH = 0, 128
FAMILY, ALIKE = 3, 1.1  # people that look alike, and how long what they share is beside their own
CAMERA, NOISE, SPREAD = 0.5, 0.82, 0.45  # lengths beside a person's of 1; SPREAD is of the log
SHARES = {mars.DISTRACTOR: 0.45, mars.JUNK: 0.42}  # how much of such a tracklet is somebody


def embeddings(test: tuple[Tracklet, ...]) -> np.ndarray:
    """(n, d) float32, a fixed function of the identities and cameras of the test list."""
    rng = np.random.default_rng(SEED)

    def directions(n: int) -> np.ndarray:
        return rng.normal(size=(n, WIDTH)) / np.sqrt(WIDTH)

    pids = np.array([t.pid for t in test])
    people, who = np.unique(pids, return_inverse=True)
    seen, where = np.unique([(t.pid, t.camid) for t in test], axis=0, return_inverse=True)
    look = directions(len(people))
    look += ALIKE * directions(len(people))[np.arange(len(people)) // FAMILY]
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    core = look[who] + CAMERA * directions(len(seen))[where]
    own = directions(len(test))
    for kind, share in SHARES.items():
        somebody = rng.choice(np.flatnonzero(pids > 0), size=int((pids == kind).sum()))
        core[pids == kind] = share * core[somebody] + (1 - share) * own[pids == kind]
    noise = NOISE * np.exp(SPREAD * rng.normal(size=(len(test), 1))) * directions(len(test))
    return (core + noise).astype(np.float32)


def rows(tables: mars.Tables) -> list[dict[str, Any]]:
    """One row a protocol, or a slip: what was counted, and the scores in percent."""
    test, query = tables.test, tables.query
    features = embeddings(test)
    asked = [t.row - test[0].row for t in query]
    matrix = distances(features[asked], features, dtype=np.float32)
    pids, camids = (np.array([getattr(t, name) for t in test]) for name in ("pid", "camid"))
    rest = np.ones(len(test), bool)
    rest[asked] = False
    real = pids != mars.JUNK
    settings: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("queries kept", real, {}),
        ("queries removed", real & rest, {}),
        ("queries removed, matchless as zero", real & rest, {"unmatched": "zero"}),
        ("junk left in", real | ~real, {}),
        ("distractors dropped", real & (pids != mars.DISTRACTOR), {}),
    ]
    found = []
    for name, held, rules in settings:
        sides = pids[asked], pids[held], camids[asked], camids[held]
        hits, trapezoid = (
            score(matrix[:, held], *sides, ap=ap, **rules) for ap in ("hits", "trapezoid")
        )
        found.append(
            {
                "setting": name,
                "gallery": hits.gallery,
                "counted": hits.counted,
                "queries": hits.total,
                "rank-1": round(100 * hits.rank(1), 2),
                "mAP": round(100 * hits.map, 2),
                "trapezoid mAP": round(100 * trapezoid.map, 2),
            }
        )
    return found


def steps(tables: mars.Tables, paper: str) -> int:
    """Batches in an epoch of a paper's recipe at the paper's size."""
    chosen = recipe(paper)
    settings = plan(chosen, profile("paper"))
    train, mode = relabel(tables.train), chosen.sampler.mode
    return len(PKSampler(train, settings.identities, settings.clips, mode, SEED))


def main() -> None:
    if not os.environ.get("REIDLIB_MARS_METADATA"):
        sys.exit("set REIDLIB_MARS_METADATA to the folder of MARS's tables")
    with tempfile.TemporaryDirectory() as folder:
        tables = mars.read_tables(real_metadata.mars(Path(folder) / "MARS"))
    record = {
        "labels": "MARS's test tables, one row a tracklet",
        "embeddings": "simulated; only differences between rows mean anything",
        "seed": SEED,
        "rows": rows(tables),
        "steps an epoch": {paper: steps(tables, paper) for paper in PAPERS},
    }
    path = data_folder("results") / "protocols" / "mars-labels.json"
    write_text(path, json.dumps(record, indent=1) + "\n")
    print(record["steps an epoch"])
    for row in record["rows"]:
        print("  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
