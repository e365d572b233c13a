"""How weights move: the optimiser, its rate over time, and their running average."""

from __future__ import annotations

import math

import torch
from torch import nn

from reidlib.recipes.core import Profile, Recipe

WARM_UP = 0.05  # of the steps, where the profile sets their number


def make_optimiser(model: nn.Module, recipe: Recipe, profile: Profile) -> torch.optim.Optimizer:
    """The recipe's optimiser; every group keeps its full rate as "base".

    Weight decay is the coupled one (L2), as in all five papers, on all parameters but those with
    a rate of their own.
    """
    how = recipe.schedule
    groups: dict[str, dict] = {
        "": {"params": [], "base": profile.rate or how.rate, "weight_decay": how.weight_decay}
    }
    groups |= {n: {"params": [], "base": r, "weight_decay": 0.0} for n, r in how.rates.items()}
    for name, parameter in model.named_parameters():
        prefix = next((p for p in how.rates if name.startswith(p)), "")
        groups[prefix]["params"].append(parameter)
    filled = [group for group in groups.values() if group["params"]]
    if how.optimiser == "sgd":
        return torch.optim.SGD(filled, lr=how.rate, momentum=0.9)
    return torch.optim.Adam(filled, lr=how.rate, fused=True)


def rate_factor(step: int, steps: int, epoch: int, recipe: Recipe, profile: Profile) -> float:
    """What the base rate is multiplied by at `step` of `steps`; epoch: steps in one.

    Where the recipe rules: its factor for each milestone (in epochs) that has passed. Where the
    profile sets the number of steps: a linear warm-up, then half a cosine down to zero.
    """
    if profile.steps is None:
        passed = sum(step >= milestone * epoch for milestone in recipe.schedule.milestones)
        return float(recipe.schedule.gamma**passed)
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


class Average:
    """An exponential average of a model's parameters and buffers, batch statistics included.

    decay: of the average; 0 keeps the last weights. Early on it is (1 + step) / (10 + step), so
    that the start is soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.own = decay, model.state_dict()
        self.values = {name: value.clone() for name, value in self.own.items()}
        moving = [name for name, value in self.own.items() if value.is_floating_point()]
        self.pair = [self.values[n] for n in moving], [self.own[n] for n in moving]
        self.counts = sorted(set(self.own) - set(moving))

    def update(self, step: int) -> None:
        """Take in the weights after `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(*self.pair, 1 - decay)
        for name in self.counts:
            self.values[name].copy_(self.own[name])

    def finite(self) -> bool:
        """Whether no weight is lost; a NaN never leaves an average again."""
        return all(bool(value.isfinite().all()) for value in self.values.values())
