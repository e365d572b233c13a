"""The adaptive weighted triplet loss (RGSA+RGTR Eq. 12-14) against plain loops, and its edges."""

import math

import pytest
import torch
from torch.nn import functional as F

from reidlib.losses import loss_function
from reidlib.losses.adaptive_triplet import adaptive_triplet, pair_weights

LABELS = torch.tensor([4, 4, 4, 1, 1, 7, 7, 7, 1])
OPTIONS = [
    {"distance": d, "own_positive": own} for d in ("euclidean", "cosine") for own in (False, True)
]


def draw(*shape, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64) * scale


def between(a, b, distance):
    if distance == "cosine":
        return 1 - sum(x * y for x, y in zip(a, b)) / (math.hypot(*a) * math.hypot(*b))
    return math.dist(a, b)


def softmax(values):
    top = max(values)
    shares = [math.exp(v - top) for v in values]
    return [share / sum(shares) for share in shares]


def by_loops(x, labels, distance="euclidean", own_positive=False, weights=None):
    """Eq. 12-14, anchor by anchor; `weights` come from another x where they are detached."""
    rows, terms = x.tolist(), []
    weight_rows = rows if weights is None else weights.tolist()

    def mean(anchor, others, sign):
        w = softmax([sign * between(weight_rows[anchor], weight_rows[i], distance) for i in others])
        assert sum(w) == pytest.approx(1, abs=1e-12)
        return sum(wi * between(rows[anchor], rows[i], distance) for wi, i in zip(w, others))

    for a, label in enumerate(labels):
        same = [i for i, y in enumerate(labels) if y == label and (own_positive or i != a)]
        other = [i for i, y in enumerate(labels) if y != label]
        if same and other:
            gap = mean(a, same, 1) - mean(a, other, -1)
            terms.append(max(gap, 0) + math.log1p(math.exp(-abs(gap))))
    return sum(terms) / len(terms) if terms else 0.0


def weighted_mean(distances, chosen, sign, detach=False):
    weights = pair_weights(distances, chosen, sign)
    return ((weights.detach() if detach else weights) * distances).sum(dim=1)


def value(x, labels, **options):
    return adaptive_triplet(x, None, labels, **options)[0]


@pytest.mark.parametrize("options", OPTIONS)
def test_equals_loops(options):
    for seed, scale in ((1, 0.1), (2, 1.0), (3, 40.0)):
        x = draw(9, 6, seed=seed, scale=scale)
        expected = by_loops(x, LABELS.tolist(), **options)
        assert value(x, LABELS, **options).item() == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("detach", [False, True])
def test_gradient_equals_differences(options, detach):
    x = draw(9, 3, seed=4)
    leaf = x.clone().requires_grad_()
    value(leaf, LABELS, detach_weights=detach, **options).backward()
    step = 1e-5
    for i in range(9):
        for c in range(3):
            sides = []
            for sign in (1, -1):
                moved = x.clone()
                moved[i, c] += sign * step
                held = x if detach else None
                sides.append(by_loops(moved, LABELS.tolist(), weights=held, **options))
            assert leaf.grad[i, c].item() == pytest.approx(
                (sides[0] - sides[1]) / (2 * step), abs=1e-8
            )


@pytest.mark.parametrize("detach", [False, True])
def test_derivative_by_the_distances_is_the_derived_one(detach):
    """g w_i (1 + D_i - A) for positives, -g w_j (1 - D_j + B) for negatives; detached g w."""
    distances = draw(5, 5, seed=5).abs().requires_grad_()
    labels = torch.tensor([0, 0, 0, 1, 1])
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(5, dtype=torch.bool)
    far = weighted_mean(distances, positive, 1, detach)
    near = weighted_mean(distances, ~same, -1, detach)
    (found,) = torch.autograd.grad(F.softplus(far - near).mean(), distances)
    for a in range(5):
        g = 1 / (1 + math.exp((near[a] - far[a]).item())) / 5
        for i in range(5):
            if i == a:
                expected = 0.0
            elif labels[i] == labels[a]:
                others = [x for x in range(5) if positive[a, x]]
                w = softmax([distances[a, x].item() for x in others])[others.index(i)]
                expected = g * w * (1 + (0 if detach else (distances[a, i] - far[a]).item()))
            else:
                others = [x for x in range(5) if not same[a, x]]
                w = softmax([-distances[a, x].item() for x in others])[others.index(i)]
                expected = -g * w * (1 - (0 if detach else (distances[a, i] - near[a]).item()))
            assert found[a, i].item() == pytest.approx(expected, abs=1e-10)


def spread_recipe(x, labels):
    """The widespread masked softmax that the module's docstring warns of."""
    distances = torch.cdist(x, x)
    same = (labels[:, None] == labels[None]).to(x)

    def weights(d, mask):
        top = torch.max(d * mask, dim=1, keepdim=True)[0]
        shares = torch.exp(d - top) * mask
        return shares / (shares.sum(dim=1, keepdim=True) + 1e-6)

    far = (distances * weights(distances, same)).sum(dim=1)
    near = (distances * weights(-distances, 1 - same)).sum(dim=1)
    return F.softplus(far - near).mean(), weights(-distances, 1 - same).sum(dim=1)


def batch_at_working_distance():
    """18 identities of 4 clips, unit variance in 2048 dimensions: D of about 48 and 58."""
    labels = torch.arange(18).repeat_interleave(4)
    centres, noise = draw(18, 2048, seed=6), draw(72, 2048, seed=7)
    return centres[labels] * 0.5 + noise * 0.75, labels


def test_right_where_the_widespread_recipe_fails():
    x, labels = batch_at_working_distance()
    distances = torch.cdist(x, x)
    assert 50 < distances[labels[:, None] != labels[None]].min() < 60
    expected = by_loops(x, labels.tolist())
    assert value(x, labels).item() == pytest.approx(expected, abs=1e-10)
    assert value(x.float(), labels).item() == pytest.approx(expected, rel=1e-2)
    wrong, weights = spread_recipe(x, labels)
    assert expected < 0.01
    assert wrong > 30
    assert weights.max() < 1e-6  # its negatives have vanished


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("scale", [0.1, 40.0])
def test_weights_equal_loops_and_sum_to_one(sign, scale):
    chosen = LABELS[:, None] == LABELS[None]
    chosen[4] = False  # an anchor without any
    distances = draw(9, 9, seed=12).abs() * scale
    weights = pair_weights(distances, chosen, sign)
    assert weights.sum(dim=1).tolist() == pytest.approx([1.0] * 4 + [0.0] + [1.0] * 4)
    for a in range(9):
        others = [i for i in range(9) if chosen[a, i]]
        expected = [0.0] * 9
        for i, w in zip(others, softmax([sign * distances[a, i].item() for i in others] or [0])):
            expected[i] = w
        assert weights[a].tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_at_scale_40_and_for_equal_clips(distance, dtype):
    x = draw(9, 128, seed=8, scale=40).to(dtype)
    x[1] = x[0]
    x[3] = x[5]
    for own in (False, True):
        leaf = x.clone().requires_grad_()
        loss = value(leaf, LABELS, distance=distance, own_positive=own)
        loss.backward()
        assert loss.isfinite()
        assert leaf.grad.isfinite().all()
        assert leaf.grad.abs().max() > 0


def test_hard_pairs_weigh_more():
    x = torch.tensor([[0.0], [1.0], [3.0], [10.0], [30.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 0, 1, 1])
    distances = torch.cdist(x, x)
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(5, dtype=torch.bool)
    assert 2 < weighted_mean(distances, positive, 1)[0] < 3  # the plain mean is 2
    assert 10 < weighted_mean(distances, ~same, -1)[0] < 10.001  # the plain mean is 20


@pytest.mark.parametrize(
    ("labels", "valid"),
    [([0, 0, 0, 0], 0.0), ([0, 1, 2, 3], 0.0), ([0], 0.0), ([0, 0, 1, 2], 0.5)],
)
def test_anchors_without_a_pair_are_left_out(labels, valid):
    x = draw(len(labels), 4, seed=9).requires_grad_()
    loss, readings = adaptive_triplet(x, None, torch.tensor(labels))
    loss.backward()
    assert loss.item() == pytest.approx(by_loops(x.detach(), labels), abs=1e-10)
    assert readings["valid"].item() == valid
    assert x.grad.isfinite().all()
    assert (x.grad.abs().max().item() > 0) == (valid > 0)


def test_own_positive_gives_a_lonely_clip_a_positive():
    x = draw(3, 4, seed=10)
    labels = torch.tensor([0, 1, 2])
    assert value(x, labels).item() == 0
    assert value(x, labels, own_positive=True).item() == pytest.approx(
        by_loops(x, [0, 1, 2], own_positive=True), abs=1e-10
    )


def test_cosine_cannot_fall_below_softplus_of_minus_two():
    x = torch.tensor([[1.0, 0], [1.0, 0], [-1.0, 0], [-1.0, 0]], dtype=torch.float64)
    found = value(x, torch.tensor([0, 0, 1, 1]), distance="cosine").item()
    assert found == pytest.approx(math.log1p(math.exp(-2)), abs=1e-10)


def test_readings_and_refusals():
    x = draw(4, 3, seed=11)
    labels = torch.tensor([0, 0, 1, 1])
    loss, readings = loss_function("adaptive_triplet")(x, None, labels)
    assert set(readings) == {"valid", "positive", "negative"}
    assert not any(r.requires_grad for r in readings.values())
    assert readings["positive"].item() == pytest.approx(
        sum(math.dist(x[a].tolist(), x[a ^ 1].tolist()) for a in range(4)) / 4
    )
    with pytest.raises(ValueError, match=r"\(4, 2, 3\)"):
        adaptive_triplet(draw(4, 2, 3), None, labels)
    with pytest.raises(ValueError, match="'manhattan'"):
        adaptive_triplet(x, None, labels, distance="manhattan")
    assert loss > 0
