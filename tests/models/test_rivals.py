"""Non-local and global context blocks: plain loops, their controls, and SINet's claim on GCNet."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reidlib.models.rivals import RIVALS, GlobalContext, NonLocal, build_rival
from reidlib.models.sinet import IntegrationDistribution


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64).relu()


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def stir(module):
    module.double()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def sites(*sizes):
    return itertools.product(*map(range, sizes))


def linear_by_loops(layer, vector):
    weight = layer.weight.flatten(1)
    return [sum(w * v for w, v in zip(row, vector)) + b for row, b in zip(weight, layer.bias)]


def same_gradients(found, expected, leaves):
    close(found, expected)
    cotangent = torch.randn(found.shape, dtype=torch.float64)
    for a, b in zip(
        *(torch.autograd.grad((y * cotangent).sum(), leaves) for y in (found, expected))
    ):
        close(a, b)
        assert a.abs().max() > 0


def pooled_by_loops(layer, frame, pool):
    """One frame (c, h, w) -> the vectors of its pooled cells, row by row."""
    _, h, w = frame.shape
    if pool == "none":
        return [linear_by_loops(layer, frame[:, r, q]) for r, q in sites(h, w)]
    cells = []
    for r, q in sites(h // 2, w // 2):
        window = [frame[:, 2 * r + i, 2 * q + j] for i, j in sites(2, 2)]
        if pool == "before":
            largest = [max(v[k] for v in window) for k in range(len(frame))]
            cells.append(linear_by_loops(layer, largest))
        else:
            window = [linear_by_loops(layer, v) for v in window]
            cells.append([max(v[k] for v in window) for k in range(len(window[0]))])
    return cells


def non_local_by_loops(m, x):
    b, t, _, h, w = x.shape
    ones = m.affinity == "ones"
    y = torch.zeros_like(x)
    for n in range(b):
        g = [v for frame in x[n] for v in pooled_by_loops(m.g, frame, m.pool)]
        phi = [] if ones else [v for f in x[n] for v in pooled_by_loops(m.phi, f, m.pool)]
        for i, r, q in sites(t, h, w):
            if ones:
                weights = [1 / len(g)] * len(g)
            else:
                theta = linear_by_loops(m.theta, x[n, i, :, r, q])
                scores = [sum(a * p for a, p in zip(theta, key)) for key in phi]
                powers = [(-s if m.affinity == "inverse" else s).exp() for s in scores]
                weights = [p / sum(powers) for p in powers]
                if m.affinity == "complement":
                    weights = [(1 - a) / (len(g) - 1) for a in weights]
            mixed = [sum(a * v[k] for a, v in zip(weights, g)) for k in range(len(g[0]))]
            y[n, i, :, r, q] = torch.stack(linear_by_loops(m.out, mixed))
    mean, variance = m.norm.running_mean, m.norm.running_var
    if m.norm.training:
        mean = y.mean(dim=(0, 1, 3, 4))
        variance = ((y - mean[:, None, None]) ** 2).mean(dim=(0, 1, 3, 4))
    unit = (y - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
    return x + unit * m.norm.weight[:, None, None] + m.norm.bias[:, None, None]


@pytest.mark.parametrize(
    ("affinity", "pool", "training"),
    [
        ("softmax", "after", True),
        ("softmax", "before", False),
        ("softmax", "none", False),
        ("ones", "after", False),
        ("inverse", "after", False),
        ("complement", "after", True),
    ],
)
def test_non_local_by_loops(affinity, pool, training):
    m = stir(NonLocal(4, affinity=affinity, pool=pool)).train(training)
    x = draw(2, 2, 4, 3, 4).requires_grad_()  # the odd third row is not pooled
    noise = ("out.bias", "g.bias") if training else ()
    # A shift of all of a row's scores changes no softmax: phi's bias has no gradient.
    leaves = [p for name, p in m.named_parameters() if name not in (*noise, "phi.bias")]
    same_gradients(m(x), non_local_by_loops(m, x), [x, *leaves])


def test_inverse_is_the_reciprocal_of_each_entry():
    m = stir(NonLocal(4, affinity="inverse"))
    frames = draw(3, 4, 4, 4)
    inverse = m.weights(frames, t=3)
    m.affinity = "softmax"
    reciprocal = 1 / m.weights(frames, t=3)
    torch.testing.assert_close(inverse, reciprocal / reciprocal.sum(dim=2, keepdim=True))
    for affinity in ("softmax", "inverse", "complement"):
        m.affinity = affinity
        rows = m.weights(frames, t=3).sum(dim=2)
        torch.testing.assert_close(rows, torch.ones_like(rows))


def test_one_pooled_position_has_no_complement_and_no_nan():
    m = stir(build_rival("non_local_inverse", 4, affinity="complement"))
    assert m.affinity == "complement"
    x = draw(2, 1, 4, 2, 2)
    assert m(x).isfinite().all()


def test_affinities_differ():
    x = draw(1, 2, 4, 4, 4)
    results = []
    for affinity in ("softmax", "ones", "inverse", "complement"):
        m = NonLocal(4, affinity=affinity).double().eval()
        for name, parameter in m.named_parameters():
            torch.manual_seed(len(name))
            nn.init.normal_(parameter)
        results.append(m(x))
    for a, b in itertools.combinations(results, 2):
        assert (a - b).abs().max() > 1e-3


def global_context_by_loops(m, x):
    b, t, c, h, w = x.shape
    added = []
    for n in range(b):
        places = list(sites(t, h, w))
        scores = [linear_by_loops(m.attention, x[n, i, :, r, q])[0].exp() for i, r, q in places]
        context = [
            sum(s / sum(scores) * x[n, i, k, r, q] for s, (i, r, q) in zip(scores, places))
            for k in range(c)
        ]
        hidden = linear_by_loops(m.squeeze, context)
        if not m.linear:
            mean = sum(hidden) / len(hidden)
            variance = sum((v - mean) ** 2 for v in hidden) / len(hidden)
            hidden = [
                ((v - mean) / (variance + 1e-5).sqrt() * g + o).clamp_min(0)
                for v, g, o in zip(hidden, m.norm.weight, m.norm.bias)
            ]
        added.append(torch.stack(linear_by_loops(m.expand, hidden)))
    return x + torch.stack(added)[:, None, :, None, None]


@pytest.mark.parametrize("linear", [True, False])
def test_global_context_by_loops(linear):
    m = stir(GlobalContext(6, ratio=2, linear=linear))
    x = draw(2, 2, 6, 3, 2).requires_grad_()
    leaves = [p for name, p in m.named_parameters() if name != "attention.bias"]
    found, maps = m(x)
    expected = global_context_by_loops(m, x)
    same_gradients(found, expected, [x, *leaves])
    close(maps["context_attention"].sum(dim=(1, 2, 3)), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_starts_as_the_identity_and_is_what_it_is_called(name):
    m = build_rival(name, 8)
    block, fixed = RIVALS[name]
    assert type(m) is block
    assert all(getattr(m, key) == value for key, value in fixed.items())
    x = torch.rand(2, 3, 8, 4, 6)
    z = m(x)
    assert torch.equal(z[0] if isinstance(z, tuple) else z, x)
    for b, t, h, w in ((2, 1, 4, 4), (3, 5, 5, 3)):
        z = m.eval()(torch.rand(b, t, 8, h, w))
        assert (z[0] if isinstance(z, tuple) else z).shape == (b, t, 8, h, w)


def test_widths():
    assert NonLocal(64).g.out_channels == 32
    assert GlobalContext(64).squeeze.out_features == 4
    assert GlobalContext(64, ratio=4).squeeze.out_features == 16
    assert GlobalContext(64, 5).squeeze.out_features == 5
    assert not hasattr(NonLocal(64, affinity="ones"), "theta")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: NonLocal(4, affinity="dot"), "'dot'"),
        (lambda: NonLocal(4, pool="max"), "'max'"),
        (lambda: NonLocal(4)(torch.rand(1, 2, 4, 1, 8)), r"\(1, 8\)"),
        (lambda: build_rival("senet", 4), "no rival 'senet'"),
    ],
)
def test_impossible_numbers_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()


# GCNet as a special case of IDM (SINet, section 3.2) --------------------------------------------


def linear_idm(positions):
    return IntegrationDistribution(
        4, 2, 3, 2, hidden_channels=2, hidden_positions=positions,
        norm=False, bias=False, relu=False,
    ).double()  # fmt: skip


def averaging_gc():
    """Global context by average pooling, without layer normalisation, ReLU and biases."""
    gc = stir(GlobalContext(4, 2, linear=True))
    for part in (gc.attention, gc.squeeze, gc.expand):
        nn.init.zeros_(part.bias)
    nn.init.zeros_(gc.attention.weight)
    return gc


@pytest.mark.parametrize("hidden", [12, 11])
def test_averaging_global_context_is_an_idm(hidden):
    """L_I L_D + I = 1/m everywhere needs L_I L_D of rank m - 1, so m' of m - 1 or m."""
    gc, idm, m = averaging_gc(), linear_idm(hidden), 12
    mixing = torch.full((m, m), 1 / m, dtype=torch.float64) - torch.eye(m)
    values, vectors = torch.linalg.eigh(mixing)  # -1 m - 1 times, then 0
    root = vectors[:, :hidden]
    with torch.no_grad():
        idm.integrate_channels.weight.copy_(gc.squeeze.weight)
        idm.distribute_channels.weight.copy_(gc.expand.weight)
        idm.integrate_positions.weight.copy_((root * values[:hidden]).T[..., None])
        idm.distribute_positions.weight.copy_(root[..., None])
    x = draw(3, 2, 4, 3, 2)
    close(idm(x), gc(x)[0])
    assert not torch.allclose(gc(x)[0], x)


def test_at_the_papers_reduction_it_is_not():
    """Of all L_I L_D with m' = m / 4, none comes near: what is missing has rank m - 1 - m'."""
    m, hidden = 12, 3
    mixing = torch.full((m, m), 1 / m, dtype=torch.float64) - torch.eye(m)
    u, s, v = torch.linalg.svd(mixing)
    nearest = u[:, :hidden] * s[:hidden] @ v[:hidden]
    error = (mixing - nearest).norm()
    assert error.item() == pytest.approx(math.sqrt(m - 1 - hidden))
    # With the nearest of all, a frame's map still reaches the output unaveraged.
    f = draw(1, 4, m)
    gap = f @ (nearest + torch.eye(m)) - f.mean(dim=2, keepdim=True)
    assert gap.norm() > 0.1 * f.norm()
    assert F.mse_loss(f @ (mixing + torch.eye(m)), f.mean(dim=2, keepdim=True).expand_as(f)) < 1e-20
