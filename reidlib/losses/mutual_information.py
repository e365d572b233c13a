"""SINet's mutual-information loss: the frame slots of a person are told apart.

A pair of frame embeddings is positive if they stand in the same slot of two clips of one person,
negative if their slots differ; nothing compares different people. Slot 0 thereby stays the
salient view and the last slot the broad one, and they do not grow alike.

The paper names the loss in Eq. 8 and leaves it to its supplement; this is the authors' program.
There, weight 0.001 multiplies the sum over the groups of a batch (8); as a mean over groups,
the default here, that is 0.008, next to the paper's 0.01.
"""

from __future__ import annotations

from itertools import groupby
from math import gcd
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F


def group_size(labels: Tensor) -> int:
    """Clips in a group, from labels (b,) that stand in groups of one person: the greatest common
    divisor of the runs of equal labels, for two groups of one person may be neighbours."""
    return gcd(*(len(list(run)) for _, run in groupby(labels.tolist())))


def mutual_information(
    features: Tensor,
    logits: Tensor | None,
    labels: Tensor,
    *,
    clips: int | None = None,
    temperature: float = 0.07,
    reduction: Literal["mean", "sum"] = "mean",
    halves: bool = False,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Contrast of frame slots within each group of n clips of one person, over the groups.

    features: (b, t, d), projected embeddings z of each frame, brought to unit length here.
    logits: not used. labels: (b,), in consecutive groups of n = `clips`; None reads n off them,
        which is wrong where every person of a batch has two groups side by side.
    With s = z z' / temperature, a positive pair (a, i), (a', i), a != a', costs
    -log(exp s / (exp s + N)), N the sum of exp s over all slots i' != i of all n clips; a group's
    loss is the mean over its n (n - 1) t ordered pairs. reduction: over the groups.
    halves: cut each clip of an even t into two first, neighbours in the group (the program's way
    with 8 frames); n stays, so a group then holds the halves of n / 2 clips.

    One clip a group or one frame a clip leaves no pairs to contrast: zero, with zero gradients.
    Readings: "same_slot" and "other_slot", mean cosines of positive and negative pairs.
    Raises ValueError if labels do not come in groups of `clips`, halves of an odd t are asked, or
    the reduction is neither.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction is mean or sum, not {reduction!r}")
    size = clips or group_size(labels)
    if len(labels) % size or (labels.reshape(-1, size) != labels[::size, None]).any():
        raise ValueError(f"{len(labels)} labels are not groups of {size} clips of one person")
    if halves:
        if features.shape[1] % 2:
            raise ValueError(f"clips of {features.shape[1]} frames have no equal halves")
        features = rearrange(features, "b (half t) d -> (b half) t d", half=2)
    if size == 1 or features.shape[1] == 1:
        nothing = (features * 0).sum()
        return nothing, {"same_slot": nothing.detach(), "other_slot": nothing.detach()}

    t = features.shape[1]
    with torch.autocast(features.device.type, enabled=False):
        unit = F.normalize(features, dim=2)
        unit = rearrange(unit, "(g n) t d -> g (n t) d", n=size)
        cosines = rearrange(unit @ unit.mT, "g (a i) (b j) -> g a b i j", i=t, j=t)
    slot = torch.eye(t, dtype=torch.bool, device=features.device)
    scores = cosines / temperature
    negatives = scores.masked_fill(slot, -torch.inf).logsumexp(dim=(2, 4))  # log N: (g, a, i)
    positives = scores.diagonal(dim1=3, dim2=4)  # (g, a, b, i)
    costs = torch.logaddexp(negatives[:, :, None], positives) - positives
    pairs = ~torch.eye(size, dtype=torch.bool, device=features.device)
    groups = costs[:, pairs].mean(dim=(1, 2))
    with torch.no_grad():
        readings = {
            "same_slot": cosines.diagonal(dim1=3, dim2=4)[:, pairs].mean(),
            "other_slot": cosines[..., ~slot].mean(),
        }
    return groups.mean() if reduction == "mean" else groups.sum(), readings
