"""Min-max loss: scatter inside identities over scatter between them (TACAN, Eq. 7-9).

S_I + S_B is the scatter about the overall mean, so the loss is a trace-ratio Fisher criterion of
the batch. Shifting or rescaling all features does not change it, so it says nothing about their
length. On random features it is near (n - K) / (K - 1) for n clips of K identities: 3.4 for 8 x 4.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


def scatter(
    features: Tensor, labels: Tensor, *, centre: Literal["samples", "classes"] = "samples"
) -> tuple[Tensor, Tensor]:
    """Eq. 7-8: S_I = sum_i |f_i - m_k(i)|^2 and S_B = sum_k n_k |m_k - m|^2; (n, d), (n,).

    centre: m is the mean of all samples, or of the classes' means (alike in balanced batches).
    """
    same = (labels[:, None] == labels[None, :]).to(features.dtype)
    share = same / same.sum(dim=1, keepdim=True)  # row i averages the class of i
    with torch.autocast(features.device.type, enabled=False):
        own = share @ features
    if centre == "samples":
        middle = features.mean(dim=0)
    elif centre == "classes":
        once = share.diagonal()[:, None]  # 1 / n_k: each class counts once
        middle = (once * own).sum(dim=0) / once.sum()
    else:
        raise ValueError(f"centre is 'samples' or 'classes', not {centre!r}")
    # Summed over samples, |m_k - m|^2 comes n_k times, as Eq. 8 weighs it.
    return (features - own).square().sum(), (own - middle).square().sum()


def minmax(
    features: Tensor,
    logits: Tensor | None,
    labels: Tensor,
    *,
    form: Literal["ratio", "difference"] = "ratio",
    centre: Literal["samples", "classes"] = "samples",
    eps: float = 1e-12,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. 9: S_I / (S_B + eps); form "difference" is S_I - S_B, as in the objective it builds on.

    features: (b, d) or (b, k, d), whose every vector is a sample. logits: not used. labels: (b,).
    Half precision is lifted to single. Readings: "within" S_I, "between" S_B.

    Raises ValueError for the ratio of a batch with one identity, whose S_B is zero.
    """
    if features.dim() == 3:
        labels = labels.repeat_interleave(features.shape[1])
        features = features.flatten(0, 1)
    if features.dtype in (torch.float16, torch.bfloat16):
        features = features.float()
    if form not in ("ratio", "difference"):
        raise ValueError(f"form is 'ratio' or 'difference', not {form!r}")
    if form == "ratio" and not (labels != labels[:1]).any():
        raise ValueError(
            f"{len(labels)} samples of one identity have no scatter between identities: "
            "the min-max loss needs at least two"
        )
    within, between = scatter(features, labels, centre=centre)
    loss = within / (between + eps) if form == "ratio" else within - between
    return loss, {"within": within.detach(), "between": between.detach()}


def diameters(features: Tensor, labels: Tensor) -> dict[int, float]:
    """Eq. 10: the largest Euclidean distance inside each identity, which Table 3 reports.

    features (n, d), labels (n,) -> identity -> diameter, in the order of the labels' values;
    one sample alone has diameter zero.
    """
    found = {}
    for label in labels.unique().tolist():
        own = features[labels == label]
        found[int(label)] = (
            torch.cdist(own, own, compute_mode="donot_use_mm_for_euclid_dist").max().item()
        )
    return found
