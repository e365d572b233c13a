"""Frames a second that Promenade draws, at three sizes, and what its memory needs.

    python tests/benchmarks/render.py [--seconds 5] [--workers 2] [--scenario street] [--device cpu]

"a core" counts processor time, so it holds on a busy machine too; "together" is the clock's, with
`--workers` threads that draw a batch each, as `promenade.load` does. Targets on two idle cores:
1,200 frames a second at 64x32 and 60 at 256x128.
"""

from __future__ import annotations

import argparse
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import torch

from reidlib.data import promenade
from reidlib.data.promenade.census import take_census
from reidlib.data.promenade.render import Stage

SIZES = ((64, 32), (128, 64), (256, 128))
PIXELS = 512 * 64 * 32  # drawn together


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scenario", default="street")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{asked.scenario}, torch {torch.__version__}, {asked.workers} workers, {asked.device}")
    for height, width in SIZES:
        request = promenade.Settings("small", asked.scenario, height=height, width=width)
        settings = promenade.resolve(request)
        stage = Stage(settings, take_census(settings), asked.device)
        print(f"{height:4d}x{width:<4d}", *(f"{what}: {rate:8,.0f}" for what, rate in measure(
            stage, max(1, PIXELS // (height * width)), asked.seconds, asked.workers
        ).items()))  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MiB, PyTorch and all sizes' scenery in it")


def measure(stage: Stage, batch: int, seconds: float, workers: int) -> dict[str, float]:
    """Frames a second: of one core, of the workers together, and with truth."""
    total = int(stage.census.offsets[-1])

    def draw(number: int, truth: bool = False) -> None:
        first = number * batch % (total - batch)
        rows, frames = stage.census.places(first, first + batch)
        drawn = stage.truth(rows, frames)["mask"] if truth else stage.frames(rows, frames)
        drawn.cpu()  # waits for a device

    draw(0)  # paints the scenery

    def rate(truth: bool, clock) -> float:  # type: ignore[no-untyped-def]
        started, count = clock(), 0
        while clock() - started < seconds / 3:
            count += 1
            draw(count, truth)
        return count * batch / (clock() - started)

    clock = time.process_time if stage.device.type == "cpu" else time.perf_counter
    found = {"a core": rate(False, clock)}
    jobs = max(2 * workers, int(found["a core"] * workers * seconds / 3 / batch))
    with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(1)) as pool:
        started = time.perf_counter()
        list(pool.map(draw, range(jobs)))
        found["together"] = jobs * batch / (time.perf_counter() - started)
    found["truth, a core"] = rate(True, clock)
    return found


if __name__ == "__main__":
    main()
