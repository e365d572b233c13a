import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from reidlib.losses.mutual_information import group_size, mutual_information

CASES = np.load(Path(__file__).parents[1] / "data/sinet/losses.npz")
NAMES = sorted({k.split("/")[0] for k in CASES.files if k.startswith("lmi")})


def features(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def by_loops(z, n, temperature, halves=False):
    """The loss of each group, pair by pair, in plain numbers."""
    clips = [clip.tolist() for clip in z]
    if halves:
        half = len(clips[0]) // 2
        clips = [part for clip in clips for part in (clip[:half], clip[half:])]
    t = len(clips[0])

    def power(x, y):
        product = sum(p * q for p, q in zip(x, y))
        return math.exp(product / math.hypot(*x) / math.hypot(*y) / temperature)

    groups = []
    for start in range(0, len(clips), n):
        group, costs = clips[start : start + n], []
        for a, other, i in itertools.product(range(n), range(n), range(t)):
            if a == other:
                continue
            negatives = sum(
                power(group[a][i], group[c][j]) for c in range(n) for j in range(t) if j != i
            )
            positive = power(group[a][i], group[other][i])
            costs.append(-math.log(positive / (positive + negatives)))
        groups.append(sum(costs) / len(costs))
    return groups


@pytest.mark.parametrize("name", NAMES)
def test_program(name):
    meta = json.loads(str(CASES[f"{name}/meta"]))
    given = torch.from_numpy(CASES[f"{name}/features"]).transpose(1, 2).clone().requires_grad_()
    n = meta["clips_per_identity"]
    loss, _ = mutual_information(
        given, None, torch.arange(len(given)) // n,
        temperature=meta["temperature"], reduction="sum", halves=given.shape[1] == 8,
    )  # fmt: skip
    loss.backward()
    torch.testing.assert_close(loss.item(), float(CASES[f"{name}/loss"]), rtol=1e-8, atol=1e-8)
    expected = torch.from_numpy(CASES[f"{name}/grad"]).transpose(1, 2)
    torch.testing.assert_close(given.grad, expected, rtol=1e-8, atol=1e-8)


def test_all_cases_are_there():
    assert len(NAMES) == 4


@pytest.mark.parametrize(("b", "n", "t"), [(8, 4, 4), (6, 2, 3), (6, 3, 2), (4, 4, 5)])
@pytest.mark.parametrize("temperature", [0.07, 0.5])
@pytest.mark.parametrize("halves", [False, True])
def test_loops(b, n, t, temperature, halves):
    t = 2 * t if halves else t
    z, labels = features(b, t, 6), torch.arange(b) // n
    groups = by_loops(z, n, temperature, halves)
    for reduction, expected in (("mean", sum(groups) / len(groups)), ("sum", sum(groups))):
        found, _ = mutual_information(
            z, None, labels, clips=n, temperature=temperature, reduction=reduction, halves=halves
        )
        assert found.item() == pytest.approx(expected, rel=1e-12)


def test_gradient():
    z = features(4, 3, 2).requires_grad_()
    labels = torch.tensor([1, 1, 0, 0])
    assert torch.autograd.gradcheck(
        lambda v: mutual_information(v, None, labels, temperature=0.5)[0], [z]
    )


def test_extreme_similarities_stay_exact():
    """Opposite slots at a small temperature: quotients of e^200, which a plain exp would lose."""
    z = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]] * 2, dtype=torch.float64).requires_grad_()
    labels = torch.zeros(2, dtype=torch.long)
    good, _ = mutual_information(z, None, labels, clips=2, temperature=0.01)
    assert good.item() == pytest.approx(0.0, abs=1e-12)
    bad, _ = mutual_information(
        torch.stack([z[0], z[1].flip(0)]), None, labels, clips=2, temperature=0.01
    )
    assert bad.item() == pytest.approx(200)
    bad.backward()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize(("n", "t"), [(4, 4), (2, 3)])
def test_equal_embeddings(n, t):
    z = torch.ones(2 * n, t, 5, dtype=torch.float64)
    loss, readings = mutual_information(z, None, torch.arange(2 * n) // n)
    assert loss.item() == pytest.approx(math.log(1 + n * (t - 1)))
    assert readings["same_slot"].item() == pytest.approx(1)
    assert readings["other_slot"].item() == pytest.approx(1)


def test_scale_and_order_inside_a_group_do_not_matter():
    z, labels = features(8, 4, 6), torch.arange(8) // 4
    base = mutual_information(z, None, labels)[0]
    torch.testing.assert_close(mutual_information(z * 3, None, labels)[0], base)
    scales = torch.rand(8, 4, 1, dtype=torch.float64) + 0.1
    torch.testing.assert_close(mutual_information(z * scales, None, labels)[0], base)
    order = torch.tensor([2, 0, 3, 1, 7, 6, 4, 5])
    torch.testing.assert_close(mutual_information(z[order], None, labels)[0], base)
    across = torch.tensor([4, 1, 2, 3, 0, 5, 6, 7])
    assert not torch.allclose(mutual_information(z[across], None, labels)[0], base)
    slots = torch.tensor([1, 0, 2, 3])  # of one clip only: its slots no longer match
    shuffled = torch.cat([z[:1, slots], z[1:]])
    assert not torch.allclose(mutual_information(shuffled, None, labels)[0], base)


def test_pulls_equal_slots_together_and_other_slots_apart():
    z, labels = features(8, 4, 16), torch.arange(8) // 4
    before = mutual_information(z, None, labels)
    for _ in range(50):
        z = z.detach().requires_grad_()
        loss, after = mutual_information(z, None, labels)
        z = z - 2.0 * torch.autograd.grad(loss, z)[0]
    assert loss < before[0]
    assert after["same_slot"] > before[1]["same_slot"] + 0.3
    assert after["other_slot"] < before[1]["other_slot"]


def test_readings_by_loops():
    z, labels = features(4, 3, 5), torch.tensor([0, 0, 1, 1])
    _, readings = mutual_information(z, None, labels)
    same, other = [], []
    for g, a, b, i, j in itertools.product((0, 2), range(2), range(2), range(3), range(3)):
        cosine = torch.cosine_similarity(z[g + a, i], z[g + b, j], dim=0).item()
        if i != j:
            other.append(cosine)
        elif a != b:
            same.append(cosine)
    assert readings["same_slot"].item() == pytest.approx(sum(same) / len(same))
    assert readings["other_slot"].item() == pytest.approx(sum(other) / len(other))
    assert not readings["same_slot"].requires_grad


@pytest.mark.parametrize(
    ("labels", "size"),
    [([3, 3, 5, 5], 2), ([7] * 4, 4), ([1] * 4 + [1] * 4 + [2] * 4, 4), ([1, 2, 3], 1)],
)
def test_groups_are_read_off_the_labels(labels, size):
    assert group_size(torch.tensor(labels)) == size


def test_two_groups_of_one_person_stay_two():
    z = features(12, 4, 6)
    apart = mutual_information(z, None, torch.arange(12) // 4)[0]
    together = mutual_information(z, None, torch.tensor([5] * 8 + [2] * 4))[0]
    torch.testing.assert_close(together, apart)


@pytest.mark.parametrize(("b", "t", "labels"), [(3, 4, [0, 1, 2]), (4, 1, [0, 0, 1, 1])])
def test_nothing_to_contrast_is_zero_with_gradients(b, t, labels):
    z = features(b, t, 5).requires_grad_()
    loss, readings = mutual_information(z, None, torch.tensor(labels))
    loss.backward()
    assert loss.item() == 0
    assert z.grad.count_nonzero() == 0
    assert set(readings) == {"same_slot", "other_slot"}


@pytest.mark.parametrize(
    ("labels", "options", "words"),
    [
        ([0, 0, 0, 1], {"clips": 2}, "4 labels .* 2 clips"),
        ([0, 0, 0], {"clips": 2}, "3 labels"),
        ([0, 0], {"halves": True}, "3 frames"),
    ],
)
def test_impossible_batches_are_named(labels, options, words):
    with pytest.raises(ValueError, match=words):
        mutual_information(features(len(labels), 3, 4), None, torch.tensor(labels), **options)


def test_half_precision_around_it_changes_nothing():
    z, labels = features(8, 4, 64).float(), torch.arange(8) // 4
    with torch.autocast("cpu", torch.bfloat16):
        inside = mutual_information(z, None, labels)[0]
    torch.testing.assert_close(inside, mutual_information(z, None, labels)[0])
