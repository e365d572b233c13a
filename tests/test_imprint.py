"""The first weights of classifiers, restated sample by sample."""

import math

import pytest
import torch
from torch import nn

from reidlib.build import build
from reidlib.imprint import STEPS, imprint, weights
from reidlib.models.classifiers import Classifier, RegionClassifiers
from reidlib.recipes import profile, recipes


def sample(classes=4, each=(3, 1, 0, 2), d=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    labels = torch.tensor([c for c in range(classes) for _ in range(each[c])])
    features = torch.randn(len(labels), d, generator=rng, dtype=torch.float64) + 3
    return features + labels[:, None], labels


def by_loops(features, labels, classes, bias):
    """The docstring's formula, one number at a time."""
    n, d = features.shape
    x = features.tolist()
    of = {c: [i for i in range(n) if labels[i] == c] for c in range(classes)}
    shown = [c for c in of if of[c]]
    mean = {c: [sum(x[i][k] for i in of[c]) / len(of[c]) for k in range(d)] for c in shown}
    centre = [sum(mean[c][k] for c in shown) / len(shown) for k in range(d)]
    length = math.sqrt(sum(v * v for v in centre))

    def away(mean):
        v = [m - c for m, c in zip(mean, centre)]
        if bias:
            return v
        along = sum(a * c for a, c in zip(v, centre)) / length
        return [a - along * c / length for a, c in zip(v, centre)]

    spread = [
        [x[i][k] - mean[int(labels[i])][k] for i in range(n)] for k in range(d)
    ]  # fmt: skip
    within = sum(
        sum((v - sum(s) / n) ** 2 for v in s) / (n - 1) for s in spread
    ) / d  # fmt: skip
    best = None
    for step in STEPS.tolist():
        scale, loss = step / within, 0.0
        for i in range(n):
            logits = []
            for c in range(classes):
                row = away(mean[c]) if c in shown else [0.0] * d
                if c == labels[i] and len(of[c]) > 1:
                    rest = [j for j in of[c] if j != i]
                    row = away([sum(x[j][k] for j in rest) / len(rest) for k in range(d)])
                logits.append(scale * sum(r * (x[i][k] - centre[k]) for k, r in enumerate(row)))
            top = max(logits)
            loss += top + math.log(sum(math.exp(v - top) for v in logits)) - logits[labels[i]]
        if best is None or loss < best[0]:
            best = (loss, scale)
    rows = [away(mean[c]) if c in shown else [0.0] * d for c in range(classes)]
    w = [[best[1] * v for v in row] for row in rows]
    b = [-sum(v * c for v, c in zip(row, centre)) if bias else 0.0 for row in w]
    return torch.tensor(w, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("each", [(3, 1, 0, 2), (2, 2, 2, 2), (1, 1, 1, 1)])
def test_weights_are_those_of_the_formula(each, bias):
    features, labels = sample(each=each)
    if max(each) == 1:
        found = weights(features, labels, 4, bias)
        assert all(t.isfinite().all() for t in found)
        return
    expected = by_loops(features, labels, 4, bias)
    for one, other in zip(weights(features, labels, 4, bias), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_what_all_classes_share_moves_no_logit():
    """Scaling the common mean, as a brighter picture would, changes no class's logit."""
    features, labels = sample(each=(3, 2, 2, 2))
    weight, _ = weights(features, labels, 4)
    shown = torch.stack([features[labels == c].mean(dim=0) for c in range(4)])
    torch.testing.assert_close(weight @ shown.mean(dim=0), torch.zeros(4, dtype=torch.float64))


def test_one_clip_a_class_gives_moderate_weights():
    """Nothing varies within such classes; the scale then follows all variance."""
    features, labels = sample(each=(1, 1, 1, 1))
    weight, _ = weights(features, labels, 4, bias=True)
    spread = features.var(dim=0).mean()
    largest = 16 / (0.01 * spread) * (features - features.mean(dim=0)).norm(dim=1).max()
    assert weight.norm(dim=1).max() <= largest * (1 + 1e-12)
    assert weight.norm() > 0.01
    again, _ = weights(1e3 * features, labels, 4, bias=True)
    torch.testing.assert_close(1e3 * again, weight)


def test_one_class_alone_gives_zeros():
    features, labels = sample(each=(3, 0, 0, 0))
    weight, _ = weights(features, labels, 4)
    assert (weight == 0).all()


@pytest.mark.parametrize("name", ["baseline", "rgsa_rgtr", "fgra", "tacan", "sinet", "trsa"])
def test_every_head_is_set_and_nothing_else(name):
    recipe, smoke = recipes()[name], profile("smoke")
    model = build(recipe, smoke, 5, pretrained=False).model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    owners = {
        f"{key}.{own}"
        for key, module in model.named_modules()
        if isinstance(module, (Classifier, RegionClassifiers))
        for own, _ in module.named_parameters()
    }
    rng = torch.Generator().manual_seed(0)
    frames = recipe.small_clip_length
    clips = torch.randn(2, 6, frames, 3, 64, 32, generator=rng)
    labels = torch.tensor([0, 0, 1, 1, 3, 3])
    imprint(model, [(one, labels) for one in clips])
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert changed == owners
    for key, module in model.named_modules():
        if isinstance(module, Classifier):
            assert (module.weight[[2, 4]] == 0).all(), key
            assert (module.weight[[0, 1, 3]] != 0).any(dim=1).all(), key


def test_imprinted_people_are_known_at_once():
    """On features that share a large mean, where near-zero weights know nobody."""
    features, labels = sample(classes=4, each=(6, 6, 6, 6), d=32)
    features = features - labels[:, None] + 20
    features = features + nn.functional.one_hot(labels, 32) * 4
    head = Classifier(32, 4).double()

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = head

        def forward(self, x):
            return self.head(x)

    model = Model()
    imprint(model, [(features, labels)])
    logits = model(features)
    assert (logits.argmax(dim=1) == labels).double().mean() > 0.9
    assert nn.functional.cross_entropy(logits, labels) < 0.5
