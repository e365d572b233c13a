"""Several processes that train as one: the same batch statistics, the same losses, one gradient.

Each process holds an equal share of every batch. Batch normalisation counts all shares and losses
see all clips, so that the loss curve is that of one process with the whole batch (up to rounding;
nn.SyncBatchNorm does the first on GPUs only). Statistics that a paper's module takes without a
BatchNorm layer, and a paper's penalties, stay each process's own; gradients are averaged.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.models.output import Output


class _Sum(torch.autograd.Function):
    """The sum over processes, in every process; so is the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def total(x: Tensor) -> Tensor:
    """The sum of every process's x."""
    summed: Tensor = _Sum.apply(x)
    return summed


def mean(x: Tensor) -> Tensor:
    """The mean of every process's x; x itself where there is one process."""
    return total(x) / dist.get_world_size() if dist.is_initialized() else x


def gather(x: Tensor) -> Tensor:
    """The processes' shares (b, ...) one after the other, (n b, ...).

    Written as a sum of shares padded with zeros, whose gradient needs no rule of its own.
    """
    if not dist.is_initialized():
        return x
    shares = x.new_zeros(dist.get_world_size(), *x.shape)
    shares = torch.index_put(shares, (torch.tensor(dist.get_rank()),), x)
    return total(shares).flatten(0, 1)


def gather_heads(output: Output) -> Output:
    """The output with the heads of all processes; penalties stay this process's own.

    A loss over all clips, taken in each of n processes, gives every head n equal gradients; the
    engine's mean over processes makes them one again.
    """
    heads = {
        name: (gather(features), None if logits is None else gather(logits))
        for name, (features, logits) in output.heads.items()
    }
    return Output(output.embedding, heads, output.penalties, output.maps)


def synchronise(model: nn.Module) -> nn.Module:
    """Let every BatchNorm of the model count the clips of all processes while it trains."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.forward = partial(_normalise, module)  # type: ignore[method-assign]
        if hasattr(module, "over_groups"):  # RGSA+RGTR's statistics of pairs that are never held
            module.over_groups = over_groups  # type: ignore[assignment]
    return model


def over_groups(x: Tensor) -> tuple[Tensor, int]:
    """(g, ...) -> the mean over the groups of all processes, and their number."""
    return mean(x.mean(dim=0)), len(x) * dist.get_world_size()


def _normalise(bn: nn.modules.batchnorm._BatchNorm, x: Tensor) -> Tensor:
    """Batch normalisation of x (b, c, ...) over all processes, in single precision at least."""
    if not bn.training:
        return F.batch_norm(
            x, bn.running_mean, bn.running_var, bn.weight, bn.bias, False, 0, bn.eps
        )
    dims, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
    y = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    number = y.numel() // y.shape[1] * dist.get_world_size()
    centre = total(y.sum(dims)) / number
    y = y - centre.view(shape)
    variance = total(y.square().sum(dims)) / number
    if bn.running_mean is not None and bn.running_var is not None:
        momentum = 0.1 if bn.momentum is None else bn.momentum
        bn.running_mean.lerp_(centre.detach(), momentum)
        bn.running_var.lerp_(variance.detach() * number / (number - 1), momentum)
        if bn.num_batches_tracked is not None:
            bn.num_batches_tracked.add_(1)
    y = y * (variance + bn.eps).rsqrt().view(shape)
    if bn.affine:
        y = y * bn.weight.view(shape) + bn.bias.view(shape)
    return y.to(x.dtype)
