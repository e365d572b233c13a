"""Seconds and processor time of a training step at the laptop and fine profiles.

    python -m tests.benchmarks.training [--steps 20] [--recipe baseline ...]

Processor time is what counts where others use the machine too; wall time is the smallest seen.
Frames are noise: nothing is learned, everything is computed, from the loader to the average.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import replace

import torch

from reidlib import training
from reidlib.losses.objective import objective
from reidlib.optimising import Average, make_optimiser
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import plan
from tests.fake_clips import fake_dataset


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(name: str, size: str, precision: str, threads: int, steps: int) -> dict[str, float]:
    """Milliseconds of a step, and what share of it goes to drawing and normalising clips."""
    torch.set_num_threads(threads)
    what, how = recipe(name), replace(profile(size), precision=precision)
    settings = plan(what, how)
    dataset = fake_dataset(identities=settings.identities, size=settings.size)
    model = training.build(what, how, dataset.num_train_pids, pretrained=False).model.train()
    found = training.set_precision(model, how)
    optimiser, average = make_optimiser(model, what, how), Average(model, how.averaging)
    walls, busy, preparing = [], [], []
    for batch in training.make_loader(what, how, dataset, 0).stream(0, steps + 3):
        began, used = time.perf_counter(), processor_seconds()
        clips, labels = training.to_device(batch, what, how, 0, torch.device("cpu"))
        prepared = time.perf_counter()
        loss, _ = objective(model(clips), labels, what.losses, what.penalties)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average.update(batch.step)
        walls.append(time.perf_counter() - began)
        busy.append(processor_seconds() - used)
        preparing.append(prepared - began)
    frames = settings.identities * settings.clips * settings.frames
    return {
        "precision": found,
        "wall ms": 1e3 * min(walls[3:]),
        "processor ms": 1e3 * min(busy[3:]),
        "clips ms": 1e3 * min(preparing[3:]),
        "frames/s": frames / min(walls[3:]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--recipe", nargs="+", default=["baseline"])
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    for name in arguments.recipe:
        for size, precision, threads in (
            *(("laptop", p, t) for p in ("fp32", "bf16") for t in (1, 2)),
            ("fine", "bf16", 1),
        ):
            row = measure(name, size, precision, threads, arguments.steps)
            numbers = "  ".join(f"{k} {v:.0f}" for k, v in row.items() if k != "precision")
            print(f"{name}  {size}  {row['precision']}  {threads} threads  {numbers}", flush=True)


if __name__ == "__main__":
    main()
