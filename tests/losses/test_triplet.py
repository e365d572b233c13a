import math
from pathlib import Path

import numpy as np
import pytest
import torch

from reidlib.losses.triplet import batch_hard_triplet, pairwise

DATA = Path(__file__).parents[1] / "data"
LABELS = torch.tensor([4, 4, 4, 1, 1, 7, 7, 7])
FORMS = ("plain", "squared", "cosine")


def features(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def distance(a, b, form):
    a, b = a.tolist(), b.tolist()
    if form == "cosine":
        length = math.hypot(*a) * math.hypot(*b)
        return -sum(x * y for x, y in zip(a, b)) / length
    squared = sum((x - y) ** 2 for x, y in zip(a, b))
    return squared if form == "squared" else math.sqrt(squared)


def by_loops(x, labels, form="plain", margin=0.3, soft=False, own_positive=False):
    """The sentence of the papers, anchor by anchor; also the share inside the margin."""
    terms, active = [], 0
    for a in range(len(x)):
        positives, negatives = [], []
        for other in range(len(x)):
            if labels[other] != labels[a]:
                negatives.append(distance(x[a], x[other], form))
            elif other != a or own_positive:
                positives.append(distance(x[a], x[other], form))
        if not positives or not negatives:
            continue
        gap = max(positives) - min(negatives)
        terms.append(math.log1p(math.exp(gap)) if soft else max(margin + gap, 0.0))
        active += gap > 0 if soft else margin + gap > 0
    return (sum(terms) / len(terms), active / len(terms)) if terms else (0.0, 0.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("own_positive", [False, True])
def test_equals_loops(form, soft, own_positive):
    labels = torch.cat([LABELS, torch.tensor([9])])  # 9 comes alone: no positive but itself
    for seed, scale in ((1, 0.1), (2, 1.0), (3, 5.0)):
        x = features(9, 5, seed=seed) * scale
        options = {"margin": 0.7, "soft": soft, "own_positive": own_positive}
        loss, readings = batch_hard_triplet(x, None, labels, distance=form, **options)
        expected, active = by_loops(x, labels.tolist(), form, **options)
        assert loss.item() == pytest.approx(expected, abs=1e-10)
        assert readings["active"].item() == pytest.approx(active, abs=1e-12)
        assert readings["norm"].item() == pytest.approx(
            sum(math.hypot(*row) for row in x.tolist()) / 9, abs=1e-10
        )


@pytest.mark.parametrize("form", FORMS)
def test_gradient(form):
    x = features(8, 4).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: batch_hard_triplet(x, None, LABELS, distance=form, margin=2.0)[0], x
    )


@pytest.mark.parametrize("margin", ["0.3", "0.4"])
@pytest.mark.parametrize("own_positive", [False, True])
def test_reference_of_sinet(margin, own_positive):
    with np.load(DATA / "sinet" / "losses.npz") as cases:
        x, pids, loss, grad = (
            torch.from_numpy(np.array(cases[f"triplet_m{margin}/{key}"]))
            for key in ("features", "pids", "loss", "grad")
        )
    found, _ = batch_hard_triplet(
        x.requires_grad_(),
        None,
        pids,
        distance="cosine",
        margin=float(margin),
        own_positive=own_positive,
    )
    found.backward()
    assert found.item() == pytest.approx(loss.item(), abs=1e-10)
    torch.testing.assert_close(x.grad, grad, atol=1e-10, rtol=0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("labels", "own_positive"),
    [([0] * 5, False), ([0] * 5, True), ([3], False), ([3], True), ([0, 1, 2], False)],
)
def test_undefined_batches_give_zero_with_zero_gradient(form, labels, own_positive):
    """One identity, one clip, no two clips of anyone."""
    x = features(len(labels), 4).requires_grad_()
    loss, readings = batch_hard_triplet(
        x, None, torch.tensor(labels), distance=form, own_positive=own_positive
    )
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert x.grad.abs().max() == 0
    assert readings["active"] == 0


@pytest.mark.parametrize("form", FORMS)
def test_collapsed_features_give_the_margin_and_no_nan(form):
    x = torch.ones(8, 4, dtype=torch.float64, requires_grad=True)
    loss, readings = batch_hard_triplet(x, None, LABELS, distance=form, margin=0.3)
    loss.backward()
    assert loss.item() == pytest.approx(0.3, abs=1e-12)
    assert x.grad.isfinite().all()
    assert readings["active"] == 1


def test_equal_vectors_are_at_distance_zero_in_single_precision():
    x = 100 + features(4, 64).float()
    distances = pairwise(torch.cat([x, x]), "plain")
    assert torch.equal(distances.diagonal(4), torch.zeros(4))


def test_regions_are_averaged():
    x = features(8, 3, 5)
    loss, readings = batch_hard_triplet(x, None, LABELS, margin=1.0)
    parts = [by_loops(x[:, i], LABELS.tolist(), margin=1.0) for i in range(3)]
    assert loss.item() == pytest.approx(sum(p[0] for p in parts) / 3, abs=1e-10)
    assert readings["active"].item() == pytest.approx(sum(p[1] for p in parts) / 3, abs=1e-10)


def test_unknown_distance_is_named():
    with pytest.raises(ValueError, match="euclid"):
        batch_hard_triplet(features(8, 4), None, LABELS, distance="euclid")
