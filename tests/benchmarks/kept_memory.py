"""Seconds, page faults and memory of one training, as it is and with freed memory kept.

    python tests/benchmarks/kept_memory.py [RECIPE] [--steps 60]

Each runs in a process of its own, on one thread, as the experiments do; data are rendered before.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace


def measured(name: str, steps: int, kept: bool) -> dict[str, float]:
    import torch

    from reidlib.data import promenade
    from reidlib.memory import keep_freed_memory
    from reidlib.recipes import profile, recipe
    from reidlib.recipes.core import plan
    from reidlib.training import train

    torch.set_num_threads(1)
    size = replace(profile("laptop"), steps=steps)
    height, width = plan(recipe(name), size).size
    dataset = promenade.load("small", "street", height=height, width=width)
    if kept:
        keep_freed_memory()
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    trained = train(recipe(name), size, dataset, progress=False)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "in the kernel": after.ru_stime - before.ru_stime,
        "page faults": after.ru_minflt - before.ru_minflt,
        "peak MiB": after.ru_maxrss / 1024,
        "loss": trained.readings["loss"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="baseline")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--only", choices=("as it is", "kept"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(measured(asked.recipe, asked.steps, asked.only == "kept")))
        return
    for way in ("as it is", "kept", "as it is", "kept"):
        command = [sys.executable, __file__, asked.recipe, "--steps", str(asked.steps)]
        said = subprocess.run([*command, "--only", way], capture_output=True, text=True, check=True)
        found = json.loads(said.stdout.splitlines()[-1])
        print(f"{way:10}", "  ".join(f"{name} {value:,.6g}" for name, value in found.items()))


if __name__ == "__main__":
    main()
