"""Focal loss: cross-entropy that turns away from clips it already classifies (Lin et al. 2017).

    L_f = -(1/V) sum (1 - p)^gamma log p                                        (TRSA, Eq. 8)

Differs from TRSA: its Eq. 7 takes for p the sigmoid of the true logit alone (`sigmoid_true`). Then
no gradient reaches the other classes, and the loss vanishes as soon as all logits are large: it
teaches nothing about who is who. The default is the softmax probability, with which gamma = 0 is
the cross-entropy that the paper says it replaces. `sigmoid_ova` is the original focal loss:
one-versus-all, a binary term for every class, summed.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from reidlib.losses.cross_entropy import spread

Form = Literal["softmax", "sigmoid_true", "sigmoid_ova"]


def modulated(evidence: Tensor, gamma: float) -> Tensor:
    """-(1 - p)^gamma log p with p = sigmoid(evidence), elementwise.

    Both factors come from log-sigmoids, so neither p = 0 nor p = 1 is ever rounded to.
    """
    return -torch.exp(gamma * F.logsigmoid(-evidence)) * F.logsigmoid(evidence)


def evidence(logits: Tensor, targets: Tensor, form: Form) -> Tensor:
    """What stands inside the sigmoid: (n, classes), (n,) -> (n, 1), or (n, classes) for ova.

    The softmax probability of a class is the sigmoid of its logit minus the log-sum-exp of all
    others, so that the three forms differ in this function only.
    """
    true = F.one_hot(targets, logits.shape[1]).bool()
    own = logits.gather(1, targets[:, None])
    if form == "sigmoid_true":
        return own
    if form == "softmax":
        lowest = torch.finfo(logits.dtype).min  # finite, so that a single class has a gradient
        return own - logits.masked_fill(true, lowest).logsumexp(dim=1, keepdim=True)
    if form == "sigmoid_ova":
        return torch.where(true, logits, -logits)
    raise ValueError(f"focal loss knows softmax, sigmoid_true and sigmoid_ova, not {form!r}")


def focal(
    features: Tensor,
    logits: Tensor | None,
    labels: Tensor,
    *,
    form: Form = "softmax",
    gamma: float = 2.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """TRSA Eq. 7 and 8, mean over rows; every frame of a clip carries the clip's label.

    features: not used. logits: (b, n) or (b, k, n). labels: (b,), 0..n-1. gamma: at least 0;
    the larger, the less an easy clip counts.
    Readings: "correct", the share of rows whose largest logit is the label's; "probability", the
    mean p of the true class in the form asked for.
    """
    if logits is None:
        raise ValueError("focal loss needs a head with a classifier; this one has no logits")
    if gamma < 0:
        raise ValueError(f"gamma is at least 0, not {gamma}")
    rows, targets = spread(labels, logits)
    found = evidence(rows, targets, form)
    loss = modulated(found, gamma).sum(dim=1)
    with torch.no_grad():
        true = found if found.shape[1] == 1 else rows.gather(1, targets[:, None])
        readings = {
            "correct": (rows.argmax(dim=1) == targets).to(rows.dtype).mean(),
            "probability": true.sigmoid().mean(),
        }
    return loss.mean(), readings
