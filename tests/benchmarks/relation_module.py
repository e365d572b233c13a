"""The factored relation module beside Eq. 1 and 2 written down as they stand: memory and time.

    python tests/benchmarks/relation_module.py [--frames 8] [--repeats 5] [--threads 1]
    python tests/benchmarks/relation_module.py --device cuda --frames 576

C = 2048, N = 128 positions, r = (32, 256), forward and backward in training, as inside RGSA: the
relations go on through W_A (Eq. 4 and 5; a small W_A is enough, its cost is the same on both
sides). The literal form makes every difference, normalises all pairs, concatenates features and
relations. Kept for backward: storages that autograd saves, each counted once, without parameters
and without the features X, which the backbone holds anyway. Both forms share weights, and their
results are compared. Times are processor seconds where one thread is asked for.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn

from reidlib.models.rgsa_rgtr import RelationModule, global_relation_vector

CHANNELS, POSITIONS, R1, R2 = 2048, 128, 32, 256


def literal_relations(rm: RelationModule, x: Tensor) -> Tensor:
    """(g, n, c) -> (g, n, n, d): differences (Eq. 1), then W, batch norm and ReLU (Eq. 2)."""
    differences = rm.theta(x)[:, :, None] - rm.phi(x)[:, None]
    z = rm.w(differences)
    return rm.bn(z.flatten(end_dim=2)).relu().view_as(z)


def literal(rm: RelationModule, w_a: nn.Linear, x: Tensor) -> Tensor:
    relations = rearrange(literal_relations(rm, x), "g i j d -> g i (j d)")
    return w_a(torch.cat([x, relations], dim=2))


def factored(rm: RelationModule, w_a: nn.Linear, x: Tensor) -> Tensor:
    weight = w_a.weight
    own = nn.functional.linear(x, weight[:, :CHANNELS])
    return own + nn.functional.linear(global_relation_vector(rm(x)), weight[:, CHANNELS:])


def kept(run: Callable[[], Tensor], leave: list[Tensor]) -> int:
    """Bytes that autograd keeps for backward, but for the storages of `leave`."""
    left = {tensor.untyped_storage().data_ptr() for tensor in leave}
    found: dict[int, int] = {}
    held: list[Tensor] = []  # alive until counted, so that no address comes twice

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in left:
            found[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return sum(found.values())


def seconds(run: Callable[[], Tensor], clock: Callable[[], float], device: str) -> float:
    start = clock()
    run().square().mean().backward()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--outputs", type=int, default=64, help="rows of W_A; the paper's are 2048")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    timed = chosen.threads == 1 and chosen.device == "cpu"
    clock = time.process_time if timed else time.perf_counter

    torch.manual_seed(0)
    rm = RelationModule(CHANNELS, CHANNELS // R1, CHANNELS // R2)
    w_a = nn.Linear(CHANNELS + POSITIONS * CHANNELS // R2, chosen.outputs, bias=False)
    means = torch.randn(chosen.frames, 1, CHANNELS)
    x = (torch.randn(chosen.frames, POSITIONS, CHANNELS) + means).relu()
    rm, w_a, x = (part.to(chosen.device) for part in (rm, w_a, x))
    x.requires_grad_()

    forms = {"factored": factored, "literal": literal}
    runs = {name: (lambda form=form: form(rm, w_a, x)) for name, form in forms.items()}
    with torch.no_grad():
        difference = (runs["factored"]() - runs["literal"]()).abs().max()
        print(f"largest difference {difference / runs['literal']().abs().max():.1e}, relative")

    leave = [x, *rm.parameters(), *w_a.parameters(), *rm.buffers()]
    memory = {name: kept(run, leave) for name, run in runs.items()}
    best = {name: float("inf") for name in runs}
    for _ in range(chosen.repeats):  # in turn, so that both meet the same neighbours
        for name, run in runs.items():
            best[name] = min(best[name], seconds(run, clock, chosen.device))
    for name in runs:
        scale = 576 / chosen.frames
        print(
            f"{name:9s} {best[name]:.3f} s, {memory[name] / 1e6:.1f} MB kept for {chosen.frames} "
            f"frames, {memory[name] * scale / 1e9:.2f} GB for the paper's 576"
        )
    alone = kept(lambda: literal_relations(rm, x), leave) / kept(lambda: rm(x), leave)
    ratio = memory["literal"] / memory["factored"]
    print(f"memory: {ratio:.1f} times less; {alone:.1f} times up to the relations alone")
    print(f"time: factored / literal {best['factored'] / best['literal']:.2f}")


if __name__ == "__main__":
    main()
