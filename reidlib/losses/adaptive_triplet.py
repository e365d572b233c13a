"""Adaptive weighted triplet loss: every pair counts, hard pairs more (Ristani and Tomasi 2018).

RGSA+RGTR, Eq. 12-14. For an anchor a with positives P_a (its identity) and negatives N_a,

    w_i = exp(D_ai) / sum_{x in P_a} exp(D_ax)         far positives weigh more      (Eq. 12)
    w_j = exp(-D_aj) / sum_{x in N_a} exp(-D_ax)       near negatives weigh more     (Eq. 13)
    L   = mean over a of softplus(sum_i w_i D_ai - sum_j w_j D_aj)                   (Eq. 14)

The weights are softmaxes over masked entries. A widespread recipe multiplies by the mask instead
and adds 1e-6 to the sum: the masked zeros then set its maximum, and the weights of 68 negatives
are halved at D = 18 and gone at D = 50, where these embeddings live. It is not followed here.

The paper does not say: the distance (Euclidean on the raw embedding; `cosine` is an option: it
cannot fall below softplus(-2)); whether the weights are differentiated (they are; the option
`detach_weights` stops them); whether an anchor is its own positive (no; `own_positive`).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from reidlib.losses.triplet import pairwise


def pair_weights(distances: Tensor, chosen: Tensor, sign: int) -> Tensor:
    """Eq. 12 (sign 1) and 13 (sign -1): weights w of the chosen, the softmax of sign x distance.

    distances, chosen: (b, b), a row an anchor. Rows of w sum to 1, and to 0 where none is chosen.
    """
    empty = ~chosen.any(dim=1, keepdim=True)  # its softmax would be 0/0, also in the gradient
    weights = (sign * distances).masked_fill(~(chosen | empty), -torch.inf).softmax(dim=1)
    return weights * chosen


def adaptive_triplet(
    features: Tensor,
    logits: Tensor | None,
    labels: Tensor,
    *,
    distance: Literal["euclidean", "cosine"] = "euclidean",
    detach_weights: bool = False,
    own_positive: bool = False,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. 14 over the b clips of a batch.

    features: (b, d), raw; logits: not used; labels: (b,). cosine is 1 - cos.
    An anchor without positive or negative is left out of the mean; a batch without any valid
    anchor (one identity, or one clip each) gives zero, with zero gradients.
    Readings: "valid", the share of anchors that count; "positive" and "negative", their mean
    weighted distances.
    """
    if features.dim() != 2:
        raise ValueError(f"features are (b, d), not {tuple(features.shape)}")
    if distance == "euclidean":
        distances = pairwise(features, "plain")
    elif distance == "cosine":
        distances = 1 + pairwise(features, "cosine")
    else:
        raise ValueError(f"distance is euclidean or cosine, not {distance!r}")

    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = same if own_positive else same & ~itself
    valid = positive.any(dim=1) & ~same.all(dim=1)

    weights = pair_weights(distances, positive, +1), pair_weights(distances, ~same, -1)
    if detach_weights:
        weights = weights[0].detach(), weights[1].detach()
    far, near = ((w * distances).sum(dim=1) for w in weights)
    anchors = valid.sum().clamp(min=1)

    def over_anchors(x: Tensor) -> Tensor:
        return (x * valid).sum() / anchors

    loss = over_anchors(F.softplus(far - near))
    with torch.no_grad():
        readings = {
            "valid": valid.to(features.dtype).mean(),
            "positive": over_anchors(far),
            "negative": over_anchors(near),
        }
    return loss, readings
