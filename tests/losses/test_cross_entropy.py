import math

import pytest
import torch

from reidlib.losses.cross_entropy import cross_entropy
from reidlib.losses.focal import focal

LABELS = torch.tensor([2, 0, 1])


def logits(*shape):
    generator = torch.Generator().manual_seed(5)
    return 3 * torch.randn(*shape, generator=generator, dtype=torch.float64)


def by_loops(rows, labels, smoothing):
    total = 0.0
    for row, label in zip(rows.tolist(), labels):
        log_sum = math.log(sum(math.exp(z) for z in row))
        for n, z in enumerate(row):
            target = (1 - smoothing) * (n == label) + smoothing / len(row)
            total -= target * (z - log_sum)
    return total / len(rows)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("frames", [None, 4])
def test_equals_loops(smoothing, frames):
    z = logits(3, 6) if frames is None else logits(3, frames, 6)
    loss, readings = cross_entropy(z, z, LABELS, smoothing=smoothing)
    rows, labels = z.reshape(-1, 6), [y for y in LABELS.tolist() for _ in range(frames or 1)]
    assert loss.item() == pytest.approx(by_loops(rows, labels, smoothing), abs=1e-10)
    correct = sum(max(range(6), key=row.__getitem__) == y for row, y in zip(rows.tolist(), labels))
    assert readings["correct"].item() == pytest.approx(correct / len(rows), abs=1e-12)


def test_labels_may_be_short_numbers():
    z = logits(3, 4, 6)
    for labels in (LABELS.int(), LABELS.to(torch.uint8)):
        assert cross_entropy(z, z, labels)[0] == cross_entropy(z, z, LABELS)[0]
        assert focal(z, z, labels)[0] == focal(z, z, LABELS)[0]


def test_gradient():
    z = logits(3, 4, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: cross_entropy(z, z, LABELS, smoothing=0.1)[0], z)


def test_no_clips_give_zero_with_a_gradient():
    z = logits(0, 6).requires_grad_()
    loss, _ = cross_entropy(z, z, LABELS[:0])
    loss.backward()
    assert loss.item() == 0
    assert z.grad.shape == (0, 6)


@pytest.mark.parametrize(
    ("z", "labels", "message"),
    [
        (None, LABELS, "no logits"),
        (logits(3, 6), LABELS[:2], "2 labels for 3 clips"),
        (logits(6), LABELS, r"\(6,\)"),
    ],
)
def test_bad_input_is_named(z, labels, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(logits(3, 8), z, labels)
