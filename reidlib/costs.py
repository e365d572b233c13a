"""What a model costs: parameters and multiply-adds of one clip, counted on shapes alone.

Nothing is computed: tensors without numbers pass through the model, so ResNet-50 is counted in a
second on any machine. SINet prints three costs (section 4.5); `claims` counts them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


@dataclass(frozen=True)
class Counts:
    """Operations of one forward pass.

    multiply_adds: of convolutions and matrix products, a multiplication and its addition being
    one. The rest is what most counts leave out: biases, one a bias added; norms, one a
    batch-normalised number; additions, one a number of two equal maps added (residuals).
    """

    multiply_adds: int = 0
    biases: int = 0
    norms: int = 0
    additions: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self._numbers(), other._numbers())))

    def __mul__(self, times: int) -> Counts:
        return Counts(*(times * a for a in self._numbers()))

    def _numbers(self) -> tuple[int, ...]:
        return self.multiply_adds, self.biases, self.norms, self.additions

    @property
    def with_elementwise(self) -> int:
        """All of them, two for a normalised number (scale and shift)."""
        return self.multiply_adds + self.biases + 2 * self.norms + self.additions


@dataclass(frozen=True)
class Costs:
    """Of one model. embedding_parameters are those that the embedding depends on, so without
    classifiers and heads for training; multiply_adds and with_elementwise (see Counts) are of one
    clip in evaluation."""

    parameters: int
    embedding_parameters: int
    multiply_adds: int
    with_elementwise: int


def costs(model: nn.Module, frames: int, size: tuple[int, int]) -> Costs:
    """A model's parameters, and its operations for one clip of `frames` of size (height, width)."""
    shape = (1, frames, 3, *size)
    parameters = list(model.parameters())
    with _evaluating(model), _shapes_only():
        embedding = model(torch.zeros(shape)).embedding
        used = torch.autograd.grad(embedding.sum(), parameters, allow_unused=True)
    counts = count(model, shape)
    return Costs(
        parameters=sum(p.numel() for p in parameters),
        embedding_parameters=sum(
            p.numel() for p, gradient in zip(parameters, used) if gradient is not None
        ),
        multiply_adds=counts.multiply_adds,
        with_elementwise=counts.with_elementwise,
    )


def count(module: nn.Module, *shapes: tuple[int, ...]) -> Counts:
    """The operations of `module` in evaluation, on inputs of these shapes."""
    from torch.utils.flop_counter import FlopCounterMode

    products, others = FlopCounterMode(display=False), _Elementwise()
    with _evaluating(module), torch.no_grad(), _shapes_only(), products, others:
        module(*(torch.zeros(shape) for shape in shapes))
    # The counter takes a multiply-add for two.
    return Counts(products.get_total_flops() // 2, others.biases, others.norms, others.additions)


class _Elementwise(TorchDispatchMode):
    biases = norms = additions = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if (name == "convolution" and args[2] is not None) or name == "addmm":
            self.biases += out.numel()
        elif "batch_norm" in name:
            self.norms += out[0].numel()
        elif name in ("add", "add_") and isinstance(args[1], Tensor):
            self.additions += out.numel() if args[0].shape == args[1].shape else 0
        return out


class _evaluating:
    """The module in evaluation mode, and back to each part's own mode after."""

    def __init__(self, module: nn.Module) -> None:
        self.modes = [(m, m.training) for m in module.modules()]

    def __enter__(self) -> None:
        for module, _ in self.modes:
            module.training = False

    def __exit__(self, *_: object) -> None:
        for module, mode in self.modes:
            module.training = mode


def _shapes_only() -> Any:
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode(allow_non_fake_inputs=True)


@dataclass(frozen=True)
class Claim:
    """A printed cost beside ours, in 10^9 operations of one clip of 4 frames of 256x128.

    but: why the count, even where its digits are the printed ones, is not of what is claimed.
    """

    what: str
    convention: str
    printed: float
    ours: float
    but: str = ""

    @property
    def reproduced(self) -> bool:
        return round(self.ours, 3) == self.printed and not self.but


def claims(paper: str) -> tuple[Claim, ...]:
    """The costs that a paper prints, counted again; () for a paper that prints none to count.

    SINet, section 4.5: what IDM, SBM and the non-local block add to the baseline. IDM's number is
    multiply-adds and elementwise operations; no convention gives the other two, though their
    digits turn up elsewhere.
    """
    if paper != "sinet":
        return ()
    from reidlib.models.rivals import NonLocal
    from reidlib.models.sinet import IntegrationDistribution, SalientToBroad

    layer2, layer3 = (1, 4, 512, 32, 16), (1, 4, 1024, 16, 8)
    idm = count(IntegrationDistribution(512, 4, 32, 16), layer2) * 2
    sbm = [count(SalientToBroad(1024, s), layer3) for s in (1, 2, 3)]
    bare = [count(SalientToBroad(1024, s, excitation=False), layer3) for s in (1, 2, 3)]
    there = count(NonLocal(512), layer2) * 2
    before = count(NonLocal(1024, pool="before"), layer3) * 3
    plain, full = "multiply-adds", "multiply-adds, biases, normalisations, residual additions"

    def claim(what: str, convention: str, printed: float, ours: int, but: str = "") -> Claim:
        return Claim(what, convention, printed, ours / 1e9, but)

    return (
        claim("two IDM, reduction 4", plain, 1.081, idm.multiply_adds),
        claim("two IDM, reduction 4", full, 1.081, idm.with_elementwise),
        claim("three SBM", plain, 0.014, sum(c.multiply_adds for c in sbm)),
        claim(
            "three SBM without squeeze-and-excitation", plain, 0.014,
            sum(c.multiply_adds for c in bare) * 2 // 3, "two of its three products alone",
        ),
        claim("two non-local blocks in layer2", plain, 2.216, there.multiply_adds),
        claim(
            "three non-local blocks in layer3", "multiply-adds, residual additions", 2.216,
            before.multiply_adds + before.additions, "pooled before the convolutions; chance?",
        ),
    )  # fmt: skip
