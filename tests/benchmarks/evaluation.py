"""Seconds and memory of scoring, re-ranking, extraction and search at the sizes of real data sets.

    python tests/benchmarks/evaluation.py [score features million rerank extract search graph]

Each job runs in a process of its own. Peak memory is that of the process, with Python, PyTorch and
the job's inputs in it; "above inputs" is what the work added. Data are people with noise around
them: sizes and match counts are those of MARS, scores mean nothing.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

QUERIES, GALLERY, PEOPLE = 1980, 9330, 626


def embeddings(n: int, width: int, seed: int, people: int) -> tuple[torch.Tensor, np.ndarray]:
    """(n, width) float32 and identities; from a million rows on, most are strangers."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(PEOPLE, width, generator=torch.Generator().manual_seed(0))
    pids = np.random.default_rng(seed).integers(0, people, n)
    rows = torch.empty(n, width)
    for start in range(0, n, 8192):  # in parts: a peak here would hide the job's own
        part = rows[start : start + 8192]
        torch.randn(part.shape, generator=generator, out=part)
        known = pids[start : start + 8192] < PEOPLE
        part[torch.from_numpy(known)] += 0.8 * centres[pids[start : start + 8192][known]]
    return rows, pids


def cameras(n: int) -> np.ndarray:
    return np.random.default_rng([7, n]).integers(0, 6, n)  # another stream than the identities


def score_job() -> Callable[[], Any]:
    from reidlib.evaluation import score

    matrix = np.random.default_rng(0).random((QUERIES, GALLERY), dtype=np.float32)
    pids = [np.random.default_rng(n).integers(0, PEOPLE, n) for n in matrix.shape]
    return lambda: score(matrix, *pids, cameras(QUERIES), cameras(GALLERY))


def features_job(rows: int = GALLERY + QUERIES, width: int = 2048) -> Callable[[], Any]:
    from reidlib.evaluation import score_features

    q, qp = embeddings(QUERIES, width, 1, PEOPLE)
    g, gp = embeddings(rows, width, 2, max(PEOPLE, rows // 10))
    return lambda: score_features(q, g, qp, gp, cameras(QUERIES), cameras(rows))


def rerank_job() -> Callable[[], Any]:
    from reidlib.reranking import rerank_features

    q, _ = embeddings(QUERIES, 128, 1, PEOPLE)
    g, _ = embeddings(GALLERY, 128, 2, PEOPLE)
    return lambda: rerank_features(q, g)


def extract_job() -> Callable[[], Any]:
    """One tracklet of 9,324 frames, the longest of DukeMTMC-VideoReID."""
    from reidlib.data.frames import StoredFrames
    from reidlib.data.tracklets import Tracklet, TrackletDataset
    from reidlib.data.transforms import prepare
    from reidlib.extraction import embed_tracklets
    from reidlib.models.backbone import small
    from reidlib.models.baseline import Baseline

    frames = 9324
    pixels = torch.randint(0, 256, (frames, 3, 64, 32), dtype=torch.uint8)
    source = StoredFrames(pixels, torch.tensor([0, frames]))
    one = (Tracklet(0, ("",) * frames, 0, 0, 0, 1),)
    data = TrackletDataset("long", "1", "one tracklet", (), one, one, source)
    model = Baseline(small(), 5, frames=4, size=(64, 32))
    how = {"clip_length": 4, "transform": partial(prepare, size=(64, 32))}
    return lambda: embed_tracklets(model, data, one, **how, progress=False)


def search_job(rows: int, kinds: dict[str, tuple[int, ...]]) -> Callable[[], Any]:
    """Searches for 100 queries, exact first; prints its own lines."""
    from reidlib.search import Index, recall

    g, _ = embeddings(rows, 512, 2, 10 * PEOPLE)
    q, _ = embeddings(100, 512, 1, PEOPLE)

    def run() -> None:
        exact = None
        for kind, efforts in ({"exact": (0,)} | kinds).items():
            began = time.perf_counter()
            index = Index(g, kind, links=16, cells=1024)  # type: ignore[arg-type]
            built = time.perf_counter() - began
            for effort in efforts:
                index.effort = effort
                began = time.perf_counter()
                found = index.search(q, 20)
                spent = 10 * (time.perf_counter() - began)
                exact = exact or found
                print(
                    f"  {kind:5} effort {effort:3}: built in {built:6.1f} s, "
                    f"{spent:7.2f} ms a query, recall@20 {recall(found, exact):.3f}",
                    flush=True,
                )
            del index

    return run


JOBS: dict[str, tuple[str, Callable[[], Callable[[], Any]], int]] = {
    "score": ("score, 1,980 x 9,330", score_job, 3),
    "features": ("score_features, 1,980 x 11,310, d 2,048", features_job, 2),
    "million": (
        "score_features, 1,980 x 1,000,000, d 128",
        partial(features_job, 1_000_000, 128),
        1,
    ),
    "rerank": ("rerank_features, 11,310 square, d 128", rerank_job, 1),
    "extract": ("embed_tracklets, 9,324 frames of 64x32", extract_job, 1),
    "search": (
        "search, 1,000,000 x 512, 100 queries",
        partial(search_job, 1_000_000, {"ivf": (1, 4, 16, 64)}),
        1,
    ),
    "graph": (  # a graph of a million takes ten times as long to build
        "search, 100,000 x 512, 100 queries",
        partial(search_job, 100_000, {"hnsw": (16, 64, 256), "ivf": (4, 16, 64)}),
        1,
    ),
}


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> None:
    title, prepare, repeats = JOBS[name]
    job = prepare()
    before, best, processor = megabytes(), float("inf"), 0.0
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        job()
        best = min(best, time.perf_counter() - began)
        processor = time.process_time() - worked
    print(
        f"{title:42} {best:7.2f} s ({processor:.1f} s of processor), peak {megabytes():5.0f} MiB, "
        f"{megabytes() - before:4.0f} above inputs",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", default=["score", "features", "million", "rerank"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure(options.jobs[0])
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {options.threads} threads")
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    for name in options.jobs:
        command = [sys.executable, __file__, name, "--here"]
        subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
