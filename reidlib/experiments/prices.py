"""What a method costs: counted on shapes, and timed where records say how fast it trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from reidlib.experiments.evidence import Evidence
from reidlib.experiments.five_papers import METHODS
from reidlib.recipes import PAPERS, profile, recipe


@dataclass(frozen=True)
class Price:
    """Of one method. Counted on shapes alone, without weights, so that no machine has a say.

    parameters: those that the embedding depends on. multiply_adds, kept: of one frame; kept are
    the bytes that its forward pass keeps for the backward pass in float32.
    """

    method: str
    frames: int  # of a clip
    size: tuple[int, int]  # height and width of a frame
    parameters: int
    multiply_adds: float
    kept: float

    @property
    def name(self) -> str:
        return PAPERS.get(self.method, self.method)


@lru_cache
def price(method: str, size: str = "paper") -> Price:
    """What a recipe costs at the size of a profile; papers differ in size and stride of maps."""
    from reidlib.build import build
    from reidlib.costs import costs
    from reidlib.recipes.core import plan

    chosen, how = recipe(method), profile(size)
    numbers = plan(chosen, how)
    model = build(chosen, how, num_classes=625, pretrained=False).model
    counted = costs(model, numbers.frames, numbers.size)
    clip = (numbers.frames, 3, *numbers.size)
    return Price(
        method, numbers.frames, numbers.size, counted.embedding_parameters,
        counted.multiply_adds / numbers.frames, kept_bytes(model, clip) / numbers.frames,
    )  # fmt: skip


def kept_bytes(model: nn.Module, clip: Sequence[int], clips: int = 2) -> float:
    """Bytes that training keeps between forward and backward pass, for one clip (t, c, h, w).

    Every storage that autograd saves is counted once; the parameters' own are not, they are there
    anyway. clips: how many pass at once; batch norms want more than one.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.func import functional_call

    kept: dict[int, Tensor] = {}  # by storage; the tensors stay alive, so that no address is reused

    def save(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    was = [(part, part.training) for part in model.modules()]
    with FakeTensorMode(allow_non_fake_inputs=True) as shapes_only:
        own = {name: shapes_only.from_tensor(p) for name, p in model.named_parameters()}
        buffers = {name: shapes_only.from_tensor(x) for name, x in model.named_buffers()}
        model.train()
        with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
            functional_call(model, {**own, **buffers}, (torch.zeros(clips, *clip),))
    for part, mode in was:
        part.training = mode
    for parameter in own.values():
        kept.pop(parameter.untyped_storage()._cdata, None)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / clips


@dataclass(frozen=True)
class Speed:
    """Milliseconds to train on one frame, in the fastest of so many worlds; days of the runs."""

    milliseconds: float
    worlds: int
    days: tuple[str, ...]


def speed(evidence: Evidence, method: str) -> Speed | None:
    """As the records have it; None without one.

    Runs share their machine with others, which makes them slower and never faster. How busy it was
    is another matter on another day, so compare methods that were run on the same.
    """
    found = [
        (1000 / speed, held.record.finished[:10])
        for held in evidence.held.get(method, {}).values()
        if (speed := held.record.readings.get("frames_per_second", math.nan)) > 0
    ]
    days = tuple(sorted({day for _, day in found}))
    return Speed(min(one for one, _ in found), len(found), days) if found else None


def machines(evidence: Evidence) -> str:
    """On what the methods were timed, in words."""
    kinds = {
        f"{m['device']}, {m['threads']} thread{'s' * (m['threads'] != 1)} a run"
        for method in METHODS
        for held in evidence.held.get(method, {}).values()
        if (m := held.record.machine).get("device")
    }
    return "; ".join(sorted(kinds))
