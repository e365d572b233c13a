"""From what a model returns to the one number that is minimised, and the readings beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from reidlib.losses import loss_function
from reidlib.models.output import Output
from reidlib.recipes.core import Loss


def objective(
    output: Output, labels: Tensor, losses: Sequence[Loss], penalties: Mapping[str, float]
) -> tuple[Tensor, dict[str, Tensor]]:
    """sum of weight x loss + sum of weight x penalty; a loss over several heads is their mean.

    labels: (b,). losses, penalties: a recipe's. Readings are detached scalars: "loss" (the
    total), every term before its weight ("batch_hard_triplet", "penalty.consistency"), and what
    a term tells of itself ("batch_hard_triplet.active"). Penalties that the recipe does not
    weigh are read all the same. Half precision is lifted to single before any loss is taken.

    Raises ValueError for a head or a penalty that the model does not have.
    """
    terms: list[Tensor] = []
    readings: dict[str, Tensor] = {}
    for loss, name in zip(losses, names(losses), strict=True):
        values, told = [], []
        for head in loss.heads:
            features, logits = _get(output.heads, head, "head")
            logits = None if logits is None else _single(logits)
            value, reading = loss_function(loss.kind)(
                _single(features), logits, labels, **loss.options
            )
            values.append(value)
            told.append(reading)
        mean = torch.stack(values).mean()
        terms.append(loss.weight * mean)
        readings[name] = mean.detach()
        for key in told[0]:
            readings[f"{name}.{key}"] = torch.stack([t[key].detach() for t in told]).mean()
    for name, weight in penalties.items():
        terms.append(weight * _single(_get(output.penalties, name, "penalty")))
    readings.update({f"penalty.{n}": _single(p).detach() for n, p in output.penalties.items()})
    if not terms:
        raise ValueError("a recipe without losses and penalties has nothing to minimise")
    total = torch.stack(terms).sum()
    return total, {"loss": total.detach(), **readings}


def names(losses: Sequence[Loss]) -> list[str]:
    """What each term is called in logs: its kind, with its heads where the kind comes twice."""
    twice = {kind for kind, n in Counter(loss.kind for loss in losses).items() if n > 1}
    return [f"{x.kind}@{'+'.join(x.heads)}" if x.kind in twice else x.kind for x in losses]


def _get(found: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in found:
        raise ValueError(f"the model has no {what} {name!r}; it has {', '.join(found) or 'none'}")
    return found[name]


def _single(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
