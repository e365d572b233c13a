"""Classifiers that start from the people they are to know, for runs of a few hundred steps.

A classifier that starts near zero meets each of 420 people some ten times in a `laptop` run. On
averaged activations, which all share one large mean, that teaches it the mean: classes just seen
are pushed up along it, the rest down, and cross-entropy alone ends with all features at zero. The
papers' schedules, a hundred times as long, outgrow this start; a short run is spared it.

W_c = s (M_c - m) P, with M_c the mean feature of class c, m the mean of all classes and P the
projection that leaves nothing along m (with a bias: no projection, b_c = -W_c m). The scale s makes
the cross-entropy of the clips smallest, each clip being left out of its own class's mean.
(Imprinted weights: Qi et al., CVPR 2018; here centred, and for every head of every recipe alike.)
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.models.classifiers import Classifier, RegionClassifiers

STEPS = 2.0 ** torch.arange(-8, 5)  # the scales tried, times 1 / (variance within a class)
LEAST = 1e-2  # of all variance is within classes, even where each shows one clip alone


def imprint(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set every classifier of the model from what its features are now.

    batches: of clips (b, t, 3, h, w) and labels (b,). Parameters besides the classifiers' and all
    running statistics stay as they were. A class that the batches do not show gets zeros.
    """
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {}
    labels = torch.empty(0)

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.setdefault(module, []).append((inputs[0].float(), labels))

    heads = [m for m in model.modules() if isinstance(m, (Classifier, RegionClassifiers))]
    hooks = [head.register_forward_pre_hook(note) for head in heads]
    try:
        with torch.no_grad():
            for clips, labels in batches:  # noqa: B007 - `note` reads it
                model(clips)
            for head, parts in seen.items():
                _set(head, parts)
    finally:
        for hook in hooks:
            hook.remove()
        for name, value in model.named_buffers():
            value.copy_(buffers[name])


def _set(head: nn.Module, parts: list[tuple[Tensor, Tensor]]) -> None:
    """parts: features (b, d) or, of k frames or regions, (b, k, d), and labels (b,)."""
    labels = torch.cat([owners for _, owners in parts])
    features = torch.cat([x.flatten(1, -2) if x.dim() > 2 else x[:, None] for x, _ in parts])
    if isinstance(head, RegionClassifiers):
        for region, weight in enumerate(head.weight):
            weight.copy_(weights(features[:, region], labels, len(weight))[0])
        return
    assert isinstance(head, Classifier)
    owners = labels.repeat_interleave(features.shape[1])
    weight, bias = weights(
        features.flatten(0, 1), owners, len(head.weight), bias=head.bias is not None
    )
    head.weight.copy_(weight)
    if head.bias is not None:
        head.bias.copy_(bias)


def weights(
    features: Tensor, labels: Tensor, classes: int, bias: bool = False
) -> tuple[Tensor, Tensor]:
    """Features (n, d), labels (n,) -> W (classes, d) and b (classes,), zeros without bias."""
    counts = torch.bincount(labels, minlength=classes)
    shown = counts > 0
    sums = features.new_zeros(classes, features.shape[1]).index_add_(0, labels, features)
    means = sums / counts.clamp(min=1)[:, None]
    centre = means[shown].mean(dim=0)
    away = (means - centre) * shown[:, None]

    # each clip against its own class without it, where anything is left of that
    count = counts[labels, None]
    alone = (sums[labels] - features) / (count - 1).clamp(min=1)
    own = torch.where(count > 1, alone - centre, away[labels])
    x = features - centre
    if not bias:
        along = F.normalize(centre, dim=0)
        away, own = (v - (v @ along)[:, None] * along for v in (away, own))
    logits = (x @ away.T).scatter(1, labels[:, None], (x * own).sum(dim=1, keepdim=True))

    within = (features - means[labels]).var(dim=0).mean()
    within = torch.maximum(within, LEAST * x.var(dim=0).mean()).clamp(min=1e-12)
    scales = STEPS.to(features) / within
    losses = torch.stack([F.cross_entropy(scale * logits, labels) for scale in scales])
    weight = scales[losses.argmin()] * away
    return weight, -weight @ centre if bias else weight.new_zeros(classes)
