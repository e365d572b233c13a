"""The min-max loss against plain loops, and what its algebra implies."""

import pytest
import torch

from reidlib.losses.minmax import diameters, minmax, scatter

LABELS = torch.tensor([4, 4, 4, 1, 1, 7, 9])  # unbalanced, one identity alone


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def mean(vectors):
    return [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]


def squared(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def by_loops(features, labels, centre="samples"):
    """Eq. 7 and 8, identity by identity."""
    groups = {}
    for vector, label in zip(features, labels.tolist(), strict=True):
        groups.setdefault(label, []).append(list(vector))
    means = {label: mean(group) for label, group in groups.items()}
    middle = mean([list(v) for v in features] if centre == "samples" else list(means.values()))
    within = sum(squared(v, means[k]) for k, group in groups.items() for v in group)
    between = sum(len(group) * squared(means[k], middle) for k, group in groups.items())
    return within, between


@pytest.mark.parametrize("centre", ["samples", "classes"])
@pytest.mark.parametrize("form", ["ratio", "difference"])
def test_equals_loops_with_gradients(centre, form):
    x = draw(7, 5).requires_grad_()
    within, between = by_loops(x, LABELS, centre)
    expected = within / (between + 1e-12) if form == "ratio" else within - between
    loss, readings = minmax(x, None, LABELS, form=form, centre=centre)
    close(loss, expected)
    close(readings["within"], within.detach())
    close(readings["between"], between.detach())
    close(torch.autograd.grad(loss, x)[0], torch.autograd.grad(expected, x)[0])
    assert not readings["within"].requires_grad


def test_closed_form_gradient():
    x = draw(7, 5, seed=1).requires_grad_()
    loss, _ = minmax(x, None, LABELS)
    (gradient,) = torch.autograd.grad(loss, x)
    with torch.no_grad():
        within, between = scatter(x, LABELS)
        own = torch.stack([x[label == LABELS].mean(dim=0) for label in LABELS])
        expected = 2 / between * (x - own) - 2 * within / between**2 * (own - x.mean(dim=0))
    close(gradient, expected)


def test_scatters_add_up_to_the_total():
    x = draw(7, 5, seed=2)
    close(sum(scatter(x, LABELS)), (x - x.mean(dim=0)).square().sum())


def test_overall_means_agree_in_balanced_batches():
    x, labels = draw(12, 5), torch.arange(12) // 3
    close(scatter(x, labels)[1], scatter(x, labels, centre="classes")[1])
    between = [scatter(x[:7], LABELS, centre=c)[1] for c in ("samples", "classes")]
    assert not torch.allclose(*between)


def test_shift_and_scale_do_not_matter():
    x = draw(7, 5)
    expected = minmax(x, None, LABELS)[0]
    close(minmax(3.0 * x + draw(5, seed=3), None, LABELS)[0], expected)


def test_size_on_random_features():
    """(n - K) / (K - 1) = 24 / 7 for 8 identities of 4 clips; 24 d / (7 d - 2), exactly."""
    labels = torch.arange(32) // 4
    losses = [minmax(x, None, labels)[0].item() for x in draw(1000, 32, 32)]
    assert sum(losses) / 1000 == pytest.approx(24 * 32 / (7 * 32 - 2), abs=0.05)


def test_order_of_the_batch_does_not_matter():
    x, order = draw(7, 5), torch.randperm(7, generator=torch.Generator().manual_seed(0))
    close(minmax(x[order], None, LABELS[order])[0], minmax(x, None, LABELS)[0])


def test_one_identity_is_refused():
    x = draw(4, 5)
    for labels in (torch.zeros(4, dtype=torch.long), torch.full((4,), 9)):
        with pytest.raises(ValueError, match="4 samples of one identity"):
            minmax(x, None, labels)
        within, _ = scatter(x, labels)
        close(minmax(x, None, labels, form="difference")[0], within)


def test_every_identity_alone_has_no_scatter_inside():
    x = draw(4, 5).requires_grad_()
    loss, _ = minmax(x, None, torch.arange(4))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.isfinite().all()


def test_collapsed_features_are_finite():
    x = torch.ones(7, 5, requires_grad=True)
    loss, _ = minmax(x, None, LABELS)
    loss.backward()
    assert loss.isfinite()
    assert x.grad.isfinite().all()


def test_regions_are_samples():
    x = draw(7, 3, 5)
    close(
        minmax(x, None, LABELS)[0],
        minmax(x.reshape(21, 5), None, LABELS.repeat_interleave(3))[0],
    )


def test_half_precision_is_lifted():
    x = draw(7, 64).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = minmax(x, None, LABELS)
    assert loss.dtype == torch.float32
    close(loss, minmax(x.float(), None, LABELS)[0], 1e-6)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'quotient'"):
        minmax(draw(7, 5), None, LABELS, form="quotient")
    with pytest.raises(ValueError, match="'median'"):
        minmax(draw(7, 5), None, LABELS, centre="median")


def test_diameters():
    x = draw(7, 5, seed=4)
    found = diameters(x, LABELS)
    for label in (1, 4, 7, 9):
        own = [v for v, k in zip(x.tolist(), LABELS.tolist(), strict=True) if k == label]
        expected = max(squared(a, b) ** 0.5 for a in own for b in own)
        assert found[label] == pytest.approx(expected, abs=1e-12)
    assert found[7] == found[9] == 0
    order = torch.tensor([6, 5, 4, 3, 2, 1, 0])
    assert diameters(x[order], LABELS[order]) == found
