"""Batch-hard triplet loss (Hermans et al. 2017) in the forms that the five papers use.

Plain Euclidean distance: TRSA (Eq. 6, margin 0.3), FGRA (Eq. 10, margin 0.5). Squared: TACAN
(L_t). Minus the cosine: SINet. The hardest positive and negative of an anchor are the same for
plain and squared; only the size of the loss, and so of its gradient, differs.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Distance = Literal["plain", "squared", "cosine"]


def pairwise(features: Tensor, distance: Distance) -> Tensor:
    """(..., b, d) -> (..., b, b), the distance of each clip to each.

    Differences are taken one by one, not through the inner product, which would leave noise of
    1e-7 between equal vectors in float64; at zero distance the gradient is zero, not infinite.
    """
    if distance == "cosine":
        unit = F.normalize(features, dim=-1)
        return -unit @ unit.mT
    if distance not in ("plain", "squared"):
        raise ValueError(f"distance is 'plain', 'squared' or 'cosine', not {distance!r}")
    plain = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return plain if distance == "plain" else plain.square()


def batch_hard_triplet(
    features: Tensor,
    logits: Tensor | None,
    labels: Tensor,
    *,
    distance: Distance = "plain",
    margin: float = 0.3,
    soft: bool = False,
    own_positive: bool = False,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean over anchors a of [margin + max_p D(a, p) - min_n D(a, n)]_+.

    features: (b, d), or (b, k, d), where region k of a clip is compared with region k of the
        others and the k losses are averaged. logits: not used. labels: (b,).
    soft: softplus(max_p D - min_n D) instead of the hinge; it has no margin.
    own_positive: the anchor counts among its own positives (SINet's program). Its distance is the
        smallest there is, so this matters only to an identity with one clip in the batch: then
        the anchor is just pushed from its nearest negative. Otherwise such an anchor is left out.

    An anchor without positive or negative is left out of the mean; a batch without any valid
    anchor (one identity) gives zero, with zero gradients.
    Readings: "active", the share of valid anchors inside the margin (of those whose positive is
    farther than the negative, if soft); "norm", the mean length of a feature.
    """
    clips = features.unsqueeze(0) if features.dim() == 2 else features.transpose(0, 1)
    distances = pairwise(clips, distance)  # (k, b, b)
    same = labels[:, None] == labels[None, :]
    positive = same if own_positive else same & ~torch.eye(*same.shape, dtype=torch.bool).to(same)
    valid = positive.any(dim=1) & ~same.all(dim=1)

    farthest = distances.masked_fill(~positive, -torch.inf).amax(dim=2)
    nearest = distances.masked_fill(same, torch.inf).amin(dim=2)
    gap = torch.where(valid, farthest - nearest, 0.0)  # infinities stand only where not valid
    terms = F.softplus(gap) if soft else (gap + margin).relu()
    anchors = (valid.sum() * len(clips)).clamp(min=1)
    loss = (terms * valid).sum() / anchors

    with torch.no_grad():
        inside = (gap + (0.0 if soft else margin) > 0) & valid
        active = inside.sum().to(features.dtype) / anchors
        norm = features.norm(dim=-1).mean()
    return loss, {"active": active, "norm": norm}
