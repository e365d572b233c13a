"""Focal loss (TRSA Eq. 7-8) against plain loops, its start values, its edges."""

import math

import pytest
import torch
from torch.nn import functional as F

from reidlib.losses import loss_function
from reidlib.losses.focal import focal

FORMS = ("softmax", "sigmoid_true", "sigmoid_ova")


def draw(*shape, seed=0, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64) * scale


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def by_loops(logits, labels, form, gamma):
    total = 0.0
    for row, label in zip(logits.tolist(), labels):
        if form == "softmax":
            probabilities = [math.exp(row[label]) / sum(map(math.exp, row))]
        elif form == "sigmoid_true":
            probabilities = [sigmoid(row[label])]
        else:
            probabilities = [
                sigmoid(z) if c == label else 1 - sigmoid(z) for c, z in enumerate(row)
            ]
        total -= sum((1 - p) ** gamma * math.log(p) for p in probabilities)
    return total / len(logits)


def value(logits, labels, **options):
    return focal(logits, logits, labels, **options)[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_equals_loops(form, gamma):
    for b, classes in ((6, 5), (1, 2)):
        logits = draw(b, classes, seed=b)
        labels = torch.arange(b) % classes
        expected = by_loops(logits, labels.tolist(), form, gamma)
        assert value(logits, labels, form=form, gamma=gamma).item() == pytest.approx(
            expected, abs=1e-10
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_gradient_equals_differences(form, gamma):
    logits, labels = draw(3, 4, seed=1), torch.tensor([2, 0, 3])
    leaf = logits.clone().requires_grad_()
    value(leaf, labels, form=form, gamma=gamma).backward()
    step = 1e-5
    for i in range(3):
        for c in range(4):
            sides = []
            for sign in (1, -1):
                moved = logits.clone()
                moved[i, c] += sign * step
                sides.append(by_loops(moved, labels.tolist(), form, gamma))
            expected = (sides[0] - sides[1]) / (2 * step)
            assert leaf.grad[i, c].item() == pytest.approx(expected, abs=1e-8)


def test_gradient_of_the_softmax_form_in_closed_form():
    """dL/dz_c = (1-p)^(gamma-1) (gamma p log p - (1-p)) ([c is true] - p_c), gamma = 2."""
    logits, labels = draw(4, 5, seed=2), torch.tensor([0, 4, 2, 2])
    leaf = logits.clone().requires_grad_()
    value(leaf, labels).backward()
    probabilities = logits.softmax(dim=1)
    p = probabilities.gather(1, labels[:, None])
    slope = (1 - p) * (2 * p * p.log() - (1 - p))
    expected = slope * (F.one_hot(labels, 5) - probabilities) / 4
    torch.testing.assert_close(leaf.grad, expected, rtol=0, atol=1e-10)


def test_gamma_zero_softmax_is_cross_entropy():
    logits, labels = draw(7, 9, seed=3).requires_grad_(), torch.arange(7)
    found = value(logits, labels, gamma=0.0)
    expected = F.cross_entropy(logits, labels)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad(x, logits)[0] for x in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("form", "expected"), [("softmax", 4.94), ("sigmoid_true", 0.17), ("sigmoid_ova", 26.0)]
)
def test_start_value_with_150_identities(form, expected):
    found = value(torch.zeros(4, 150), torch.arange(4), form=form).item()
    assert found == pytest.approx(expected, abs=0.005 * max(1, expected))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_and_right_at_large_logits(form, gamma, dtype):
    for true in (60.0, -60.0, 300.0, -300.0):
        logits = torch.full((2, 3), -true, dtype=dtype)
        logits[:, 1] = true
        logits.requires_grad_()
        loss = value(logits, torch.tensor([1, 1]), form=form, gamma=gamma)
        loss.backward()
        assert loss.isfinite()
        assert logits.grad.isfinite().all()
        if true < 0:  # log p is minus the gap (softmax) or the logit itself
            gap = {"softmax": 2 * -true + math.log(2), "sigmoid_true": -true}.get(form)
            gap = 3 * -true if gap is None else gap  # every class is wrong by |z|
            assert loss.item() == pytest.approx(gap, rel=1e-6)
        else:
            assert loss.item() == pytest.approx(0, abs=1e-20)


def test_the_printed_form_teaches_wrong_classes_nothing():
    logits, labels = draw(5, 6, seed=4), torch.arange(5)
    for form in FORMS:
        leaf = logits.clone().requires_grad_()
        value(leaf, labels, form=form).backward()
        wrong = leaf.grad.masked_fill(F.one_hot(labels, 6).bool(), 0)
        assert (wrong.abs().max().item() == 0) == (form == "sigmoid_true")
        assert leaf.grad.gather(1, labels[:, None]).max().item() < 0


def test_easy_clips_count_less_as_gamma_grows():
    logits, labels = torch.tensor([[3.0, 0.0], [0.5, 0.0]]), torch.tensor([0, 0])
    ratios = []
    for gamma in (0.0, 1.0, 2.0):
        easy, hard = (value(logits[i : i + 1], labels[:1], gamma=gamma).item() for i in (0, 1))
        ratios.append(easy / hard)
    assert ratios[0] > ratios[1] > ratios[2]


def test_frames_carry_the_label_of_their_clip():
    logits, labels = draw(3, 4, 5, seed=5), torch.tensor([1, 0, 4])
    found = value(logits, labels)
    expected = sum(value(logits[:, k], labels) for k in range(4)) / 4
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_a_single_class_gives_zero_with_gradients():
    logits = torch.ones(3, 1, requires_grad=True)
    loss = value(logits, torch.zeros(3, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.tolist() == [[0.0]] * 3


def test_readings_and_refusals():
    logits = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
    _, readings = loss_function("focal")(logits, logits, torch.tensor([0, 1]))
    assert readings["correct"].item() == 0.5
    assert readings["probability"].item() == pytest.approx((sigmoid(2) + sigmoid(-1)) / 2)
    _, readings = focal(logits, logits, torch.tensor([0, 1]), form="sigmoid_ova")
    assert readings["probability"].item() == pytest.approx((sigmoid(2) + sigmoid(0)) / 2)
    with pytest.raises(ValueError, match="no logits"):
        focal(logits, None, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="'tanh'"):
        focal(logits, logits, torch.tensor([0, 1]), form="tanh")
    with pytest.raises(ValueError, match="-1"):
        focal(logits, logits, torch.tensor([0, 1]), gamma=-1)
