"""Softmax cross-entropy over identities, with label smoothing if asked (Szegedy et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def spread(labels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (b, n) or (b, k, n) as rows (b k, n), and the label of each row."""
    if logits.dim() not in (2, 3):
        raise ValueError(f"logits are (b, n) or (b, k, n), not {tuple(logits.shape)}")
    if len(labels) != len(logits):
        raise ValueError(f"{len(labels)} labels for {len(logits)} clips")
    rows = logits.flatten(0, -2)
    return rows, labels.long().repeat_interleave(len(rows) // max(len(labels), 1))


def cross_entropy(
    features: Tensor, logits: Tensor | None, labels: Tensor, *, smoothing: float = 0.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean over rows of -log p(label); every frame or region of a clip carries the clip's label.

    features: not used. logits: (b, n) or (b, k, n). labels: (b,), 0..n-1.
    smoothing: e; the target is (1 - e) on the label plus e/n on each of the n classes.
    Readings: "correct", the share of rows whose largest logit is the label's.
    """
    if logits is None:
        raise ValueError("cross-entropy needs a head with a classifier; this one has no logits")
    rows, targets = spread(labels, logits)
    if not len(rows):  # the mean of nothing
        return rows.sum(), {"correct": rows.new_zeros(())}
    loss = F.cross_entropy(rows, targets, label_smoothing=smoothing)
    with torch.no_grad():
        correct = (rows.argmax(dim=1) == targets).to(rows.dtype).mean()
    return loss, {"correct": correct}
