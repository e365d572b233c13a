"""RGSA+RGTR against its reference case, plain loops, its literal form, and what follows from it."""

import copy
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from einops import rearrange
from torch import nn
from torch.nn import functional as F

from reidlib.models import backbone, build_model
from reidlib.models.initialise import initialise
from reidlib.models.output import Output
from reidlib.models.rgsa_rgtr import (
    RGSA,
    RGSARGTR,
    RGTR,
    Difference,
    InnerProduct,
    RelationModule,
    build_relation,
    global_relation_vector,
    guide,
    pair_statistics,
)
from reidlib.parallel import synchronise
from tests.benchmarks import relation_module as benchmark

ROOT = Path(__file__).parents[2]
CASE = np.load(ROOT / "tests/data/rgsa_rgtr/rm.npz")
KINDS = ("module", "inner", "embedded", "difference", "none")
SHAPES = [(1, 3, 5, 4, 2), (3, 4, 12, 4, 3), (2, 5, 6, 3, 1)]  # g, n, c, d1, d2


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def groups(g, n, c, seed=0):
    """Vectors whose means differ from group to group, as those of frames do."""
    return draw(g, n, c, seed=seed) + 2 * draw(g, 1, c, seed=seed + 100)


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def scatter(module, seed=0):
    """Weights, batch norms and running statistics all away from their starting values."""
    module.double()
    for number, (name, value) in enumerate(sorted(module.state_dict().items())):
        if value.is_floating_point():
            drawn = draw(*value.shape, seed=seed * 1000 + number)
            value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return module


def relation_module(c, d1, d2, slots=None, seed=0):
    return scatter(RelationModule(c, d1, d2, slots), seed)


def literal(rm, x):
    """Eq. 1 and 2 as written: every difference is formed, its own batch norm acts on all pairs."""
    differences = rm.theta(x)[:, :, None] - rm.phi(x)[:, None]
    z = rm.w(differences)
    if rm.per_slot:
        flat = rearrange(z, "g i j d -> (g i) (j d)")
        return rearrange(rm.bn(flat).relu(), "(g i) (j d) -> g i j d", g=len(x), j=x.shape[1])
    return rm.bn(z.flatten(end_dim=2)).relu().view_as(z)


def batch_norm_by_loops(values, bn, training):
    """values: list of vectors (d,). Channel by channel; running statistics are returned."""
    out = [[] for _ in values]
    running_mean, running_var = bn.running_mean.tolist(), bn.running_var.tolist()
    for k in range(len(values[0])):
        numbers = [v[k] for v in values]
        if training:
            mean = sum(numbers) / len(numbers)
            var = sum((x - mean) ** 2 for x in numbers) / len(numbers)
            unbiased = var.item() * len(numbers) / (len(numbers) - 1)
            running_mean[k] = 0.9 * running_mean[k] + 0.1 * mean.item()
            running_var[k] = 0.9 * running_var[k] + 0.1 * unbiased
        else:
            mean, var = running_mean[k], running_var[k]
        for row, x in zip(out, numbers):
            scaled = (x - mean) / (var + 1e-5) ** 0.5
            row.append(scaled * bn.weight[k] + bn.bias[k])
    return out, running_mean, running_var


def matrix_vector(w, x):
    return [sum(w[r, c] * x[c] for c in range(len(x))) for r in range(w.shape[0])]


def relu(v):
    return [x if x > 0 else x * 0 for x in v]


def relations_by_loops(rm, x, training):
    """Eq. 1 and 2 for all ordered pairs of every group, pair by pair."""
    g, n, _ = x.shape
    rows = [x[a, i] for a in range(g) for i in range(n)]
    embedded = []
    for side in (rm.theta, rm.phi):
        values, *_ = batch_norm_by_loops(
            [matrix_vector(side.w.weight, row) for row in rows], side.bn, training
        )
        embedded.append([relu(v) for v in values])
    theta, phi = embedded
    pairs = [(a, i, j) for a in range(g) for i in range(n) for j in range(n)]
    z = []
    for a, i, j in pairs:
        difference = [p - q for p, q in zip(theta[a * n + i], phi[a * n + j])]  # Eq. 1
        z.append(matrix_vector(rm.w.weight, difference))
    values, mean, var = batch_norm_by_loops(z, rm.bn, training)
    r = torch.stack([torch.stack(relu(v)) for v in values])  # Eq. 2
    return r.view(g, n, n, -1), mean, var


def gradients(loss, module, x):
    return torch.autograd.grad(loss, [x, *module.parameters()])


# --- 3.2, the reference case ----------------------------------------------------------------------


def reference_module():
    rm = RelationModule(12, 4, 3).double()
    rm.load_state_dict(
        {
            "theta.w.weight": torch.from_numpy(CASE["W_theta"]),
            "phi.w.weight": torch.from_numpy(CASE["W_phi"]),
            "w.weight": torch.from_numpy(CASE["W"]),
            **{
                f"{name}{key}": torch.from_numpy(CASE[f"bn_{bn}.{letter}"])
                for name, bn in (("theta.bn.", "theta"), ("phi.bn.", "phi"), ("bn.", "pair"))
                for key, letter in (
                    ("weight", "g"),
                    ("bias", "b"),
                    ("running_mean", "rm"),
                    ("running_var", "rv"),
                )
            },
        },
        strict=False,
    )
    return rm


def test_reference_training():
    rm = reference_module().train()
    x = torch.from_numpy(CASE["F"])
    r = rm(x)
    close(r, torch.from_numpy(CASE["r_train"]))
    for bn, name in ((rm.theta.bn, "theta"), (rm.phi.bn, "phi"), (rm.bn, "pair")):
        close(bn.running_mean, torch.from_numpy(CASE[f"stat.rm_{name}_run_mean"]))
        close(bn.running_var, torch.from_numpy(CASE[f"stat.rm_{name}_run_var"]))
    for decoy in ("decoy_swapped", "decoy_marginal_only_variance"):
        assert (r - torch.from_numpy(CASE[decoy])).abs().max() > 1e-2


def test_reference_evaluation():
    rm = reference_module().eval()
    before = copy.deepcopy(rm.state_dict())
    close(rm(torch.from_numpy(CASE["F"])), torch.from_numpy(CASE["r_eval"]))
    for name, value in rm.state_dict().items():
        close(value, before[name], 0)


def test_reference_statistics_of_pairs():
    rm = reference_module().train()
    x = torch.from_numpy(CASE["F"])
    mean, variance, pairs = pair_statistics(rm.w(rm.theta(x)), rm.w(rm.phi(x)))
    assert pairs == 3 * 4 * 4
    close(mean[0], torch.from_numpy(CASE["stat.rm_pair_mean"]))
    close(variance[0], torch.from_numpy(CASE["stat.rm_pair_var"]))


# --- 3.2, loops and the literal form --------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("g", "n", "c", "d1", "d2"), [(1, 2, 3, 2, 2), (2, 3, 4, 3, 2)])
def test_relation_module_equals_loops(g, n, c, d1, d2, training):
    rm = relation_module(c, d1, d2, seed=g).train(training)
    x = groups(g, n, c, seed=1).requires_grad_()
    cotangent = draw(g, n, n, d2, seed=2)
    expected, mean, var = relations_by_loops(rm, x, training)
    expected_gradients = gradients((expected * cotangent).sum(), rm, x)
    found = rm(x)
    close(found, expected)
    for a, b in zip(gradients((found * cotangent).sum(), rm, x), expected_gradients):
        close(a, b, 1e-8)
    assert rm.bn.running_mean.tolist() == pytest.approx(mean, abs=1e-10)
    assert rm.bn.running_var.tolist() == pytest.approx(var, abs=1e-10)


@pytest.mark.parametrize("per_slot", [False, True])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("g", "n", "c", "d1", "d2"), [*SHAPES, (6, 32, 16, 64, 8)])
def test_relation_module_equals_its_literal_form(g, n, c, d1, d2, training, per_slot):
    factored = relation_module(c, d1, d2, n if per_slot else None, seed=3).train(training)
    written = copy.deepcopy(factored)
    x = groups(g, n, c, seed=4).requires_grad_()
    cotangent = draw(g, n, n, d2, seed=5)
    results = [factored(x), literal(written, x)]
    close(*results)
    assert 0.05 < (results[0] > 0).double().mean() < 0.95
    both = [gradients((r * cotangent).sum(), m, x) for r, m in zip(results, (factored, written))]
    for name, a, b in zip(("x", *dict(factored.named_parameters())), *both):
        scale = max(1.0, b.abs().max().item())
        torch.testing.assert_close(a / scale, b / scale, rtol=0, atol=1e-10, msg=name)
    for name, value in factored.state_dict().items():
        close(value, written.state_dict()[name])


def test_marginal_variances_alone_are_wrong():
    """What `pair_statistics` adds: a frame's u and v share its mean, pooled marginals forget it."""
    x = groups(6, 5, 8, seed=6)
    u, v = x[..., :4], x[..., :4] + 0.3 * x[..., 4:]
    z = (u[:, :, None] - v[:, None]).flatten(end_dim=2)
    mean, variance, _ = pair_statistics(u, v)
    close(mean[0], z.mean(dim=0))
    close(variance[0], z.var(dim=0, correction=0))
    marginal = u.flatten(end_dim=1).var(dim=0, correction=0)
    marginal = marginal + v.flatten(end_dim=1).var(dim=0, correction=0)
    assert (marginal / variance[0]).min() > 1.1


def test_per_slot_statistics():
    u, v = groups(4, 3, 5, seed=7), groups(4, 3, 5, seed=8)
    z = (u[:, :, None] - v[:, None]).flatten(end_dim=1)  # (g i) j d
    mean, variance, rows = pair_statistics(u, v, per_slot=True)
    assert rows == 4 * 3
    close(mean, z.mean(dim=0))
    close(variance, z.var(dim=0, correction=0))


def test_statistics_do_not_cancel_far_from_zero():
    u, v = groups(3, 4, 5, seed=9), groups(3, 4, 5, seed=10)
    _, expected, _ = pair_statistics(u, v)
    _, found, _ = pair_statistics(u.float() + 1000, v.float() + 1000)
    close(found.double(), expected, 1e-3)


def test_cumulative_average_and_frozen_statistics():
    """momentum None averages all batches, as batch norm itself does; a frozen bn is only read."""
    factored = relation_module(5, 4, 3).train()
    for module in factored.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
            module.reset_running_stats()
    written = copy.deepcopy(factored)
    for seed in (11, 12, 13):
        factored(groups(2, 3, 5, seed=seed))
        literal(written, groups(2, 3, 5, seed=seed))
    for name, value in factored.state_dict().items():
        close(value, written.state_dict()[name])
    factored.bn.eval()
    before = factored.bn.running_mean.clone()
    close(factored(groups(2, 3, 5, seed=14)), literal(factored, groups(2, 3, 5, seed=14)))
    close(factored.bn.running_mean, before, 0)


def test_keeps_an_eighth_of_the_literal_form_for_backward():
    """C = 2048, N = 128, r = (32, 256): with W_A behind them, and the relations alone."""
    rm = RelationModule(2048, 64, 8)
    w_a = nn.Linear(2048 + 128 * 8, 16, bias=False)
    x = torch.rand(2, 128, 2048, requires_grad=True)
    leave = [x, *rm.parameters(), *rm.buffers(), *w_a.parameters()]
    written = benchmark.kept(lambda: benchmark.literal(rm, w_a, x), leave)
    ours = benchmark.kept(lambda: benchmark.factored(rm, w_a, x), leave)
    relations = 2 * 128 * 128 * 8 * 4  # bytes, the one thing of that size that is kept
    assert relations < ours < 1.3 * relations
    assert written > 8 * ours
    alone = [benchmark.kept(f, leave) for f in (lambda: rm(x), lambda: literal(rm, x))]
    assert alone[1] > 8 * alone[0]


def test_relations_are_neither_symmetric_nor_zero_at_home():
    r = relation_module(6, 8, 16)(groups(2, 4, 6, seed=15))
    assert (r - r.transpose(1, 2)).abs().max() > 0.1
    assert torch.einsum("giid->gid", r).abs().max() > 0.1


def test_one_pair_is_too_few_to_train_on():
    rm = relation_module(4, 3, 2)
    rm.theta.eval()
    rm.phi.eval()
    with pytest.raises(ValueError, match="not 1"):
        rm(draw(1, 1, 4))
    assert rm.eval()(draw(1, 1, 4)).shape == (1, 1, 1, 2)


@pytest.mark.parametrize("embedding_width", [None, 3])
def test_inner_product_equals_loops(embedding_width):
    relation = scatter(InnerProduct(4, embedding_width)).eval()
    x = groups(2, 3, 4, seed=16)
    theta, phi = relation.theta(x).tolist(), relation.phi(x).tolist()
    r = relation(x)
    assert r.shape == (2, 3, 3, 1)
    for g, i, j in np.ndindex(2, 3, 3):
        products = [p * q for p, q in zip(theta[g][i], phi[g][j])]
        assert r[g, i, j, 0].item() == pytest.approx(sum(products) / len(products), abs=1e-10)
    close(InnerProduct(4, scale=1.0)(x)[..., 0], x @ x.mT)


def test_difference_is_contracted_without_its_pairs():
    relation, x, weight = Difference(4), groups(2, 3, 4, seed=17), draw(5, 12, seed=18)
    r = relation(x)
    for g, i, j in np.ndindex(2, 3, 3):
        close(r[g, i, j], x[g, i] - x[g, j])
    close(relation.contract(x, weight), F.linear(global_relation_vector(r), weight))


def test_order_of_the_global_relation_vector():
    """Eq. 4 and 8: first all channels of j = 1, then all of j = 2."""
    r = draw(2, 3, 3, 4, seed=19)
    vector = global_relation_vector(r)
    for g, i, j, d in np.ndindex(2, 3, 3, 4):
        assert vector[g, i, j * 4 + d] == r[g, i, j, d]


@pytest.mark.parametrize("kind", KINDS)
def test_guide_equals_the_concatenation(kind):
    relation = build_relation(kind, 6, 3, 4, 2)
    if relation is not None:
        scatter(relation).eval()
    x = groups(2, 3, 6, seed=20)
    parts = [x] if relation is None else [x, global_relation_vector(relation(x))]
    whole = torch.cat(parts, dim=2)
    w = nn.Linear(whole.shape[2], 5, bias=False).double()
    bn = scatter(nn.BatchNorm1d(5)).eval()
    close(guide(x, relation, w, bn), bn(w(whole).flatten(end_dim=1)).view(2, 3, 5))


# --- 3.3 RGSA -------------------------------------------------------------------------------------


def rgsa(channels=6, h=3, w=2, kind="module", seed=0):
    return scatter(RGSA(channels, h * w, build_relation(kind, channels, h * w, 4, 2)), seed)


@pytest.mark.parametrize("training", [True, False])
def test_rgsa_equals_loops(training):
    """Eq. 3-6 in raster order, position i = row w + column."""
    module = rgsa(channels=3, h=2, w=2, seed=1).train(training)
    features = draw(2, 3, 2, 2, seed=21).relu().requires_grad_()
    rows = torch.stack(
        [
            torch.stack([features[n, :, i // 2, i % 2] for i in range(4)])  # X^i
            for n in range(2)
        ]
    )
    r, *_ = relations_by_loops(module.relation, rows, training)  # Eq. 3
    logits = []
    for n in range(2):
        for i in range(4):
            stacked = [*rows[n, i], *(x for j in range(4) for x in r[n, i, j])]  # Eq. 4
            logits.append(matrix_vector(module.w_a.weight, stacked))
    values, *_ = batch_norm_by_loops(logits, module.bn_a, training)
    a = torch.stack([torch.stack([1 / (1 + torch.exp(-x)) for x in v]) for v in values])  # Eq. 5
    a = a.view(2, 4, 3)
    expected = torch.stack(
        [
            torch.stack(
                [
                    sum(a[n, i, c] * rows[n, i, c] for i in range(4))
                    / sum(a[n, i, c] for i in range(4))
                    for c in range(3)
                ]
            )
            for n in range(2)
        ]
    )  # Eq. 6
    cotangent = draw(2, 3, seed=22)
    expected_gradients = gradients((expected * cotangent).sum(), module, features)
    frames, attention = module(features)
    close(frames, expected)
    close(attention, rearrange(a, "n (h w) c -> n c h w", h=2))
    for found, wanted in zip(
        gradients((frames * cotangent).sum(), module, features), expected_gradients
    ):
        close(found, wanted, 1e-8)


def test_attention_that_rounds_to_zero_everywhere_still_weighs():
    """sigmoid(-200) is 0 in single precision, and Eq. 6 as printed 0/0; its ratios are e^0."""
    module, features = rgsa(kind="module").float(), draw(2, 3, 6, 3, 2, seed=23).relu().float()
    nn.init.zeros_(module.bn_a.weight)
    nn.init.constant_(module.bn_a.bias, -200)
    frames, attention = module(features)
    assert (attention == 0).all()
    close(frames, features.mean(dim=(3, 4)), 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gamma_zero_is_average_pooling(kind):
    module = rgsa(kind=kind)
    features = draw(2, 3, 6, 3, 2, seed=23).relu()
    nn.init.zeros_(module.bn_a.weight)  # whatever the constant that is left
    close(module(features)[0], features.mean(dim=(3, 4)))


@pytest.mark.parametrize("kind", KINDS)
def test_frame_features_stay_inside_their_channels(kind):
    module = rgsa(kind=kind)
    features = draw(2, 3, 6, 3, 2, seed=24).relu()
    frames, attention = module(features)
    assert (attention > 0).all()
    assert (attention < 1).all()
    assert (frames >= features.amin(dim=(3, 4)) - 1e-12).all()
    assert (frames <= features.amax(dim=(3, 4)) + 1e-12).all()
    assert (frames - features.mean(dim=(3, 4))).abs().max() > 0.01


def test_frames_are_independent_in_evaluation_only():
    features = draw(1, 3, 6, 3, 2, seed=25).relu()
    changed = features.clone()
    changed[:, 1] += 1
    for training in (False, True):
        module = rgsa().train(training)
        first = [module(x)[0][:, 0] for x in (features, changed)]
        assert torch.equal(*first) == (not training)


def test_rgsa_takes_frames_with_or_without_clips():
    module = rgsa().eval()
    features = draw(2, 3, 6, 3, 2, seed=26).relu()
    frames, attention = module(features)
    assert frames.shape == (2, 3, 6)
    assert attention.shape == features.shape
    flat_frames, flat_attention = module(features.flatten(end_dim=1))
    close(flat_frames, frames.flatten(end_dim=1))
    close(flat_attention, attention.flatten(end_dim=1))


def test_rgsa_names_the_sizes_it_refuses():
    with pytest.raises(ValueError, match=r"relates 6 positions; maps of 4x2 have 8"):
        rgsa()(draw(1, 1, 6, 4, 2))
    assert rgsa(kind="none")(draw(2, 1, 6, 4, 2))[0].shape == (2, 1, 6)


# --- 3.4 RGTR -------------------------------------------------------------------------------------


def rgtr(channels=6, frames=4, kind="module", seed=0):
    return scatter(RGTR(channels, frames, build_relation(kind, channels, frames, 4, 2)), seed)


@pytest.mark.parametrize("training", [True, False])
def test_rgtr_equals_loops(training):
    module = rgtr(channels=3, frames=2, seed=2).train(training)
    f = groups(3, 2, 3, seed=27).requires_grad_()
    r, *_ = relations_by_loops(module.relation, f, training)  # Eq. 7
    rows = []
    for b in range(3):
        for t in range(2):
            stacked = [*f[b, t], *(x for s in range(2) for x in r[b, t, s])]  # Eq. 8
            rows.append(matrix_vector(module.w_r.weight, stacked))
    values, *_ = batch_norm_by_loops(rows, module.bn_r, training)  # Eq. 9
    refined = torch.stack([torch.stack(v) for v in values]).view(3, 2, 3)
    expected = (refined[:, 0] + refined[:, 1]) / 2  # Eq. 10
    cotangent = draw(3, 3, seed=28)
    expected_gradients = gradients((expected * cotangent).sum(), module, f)
    clip, found_refined = module(f)
    close(clip, expected)
    close(found_refined, refined)
    for found, wanted in zip(gradients((clip * cotangent).sum(), module, f), expected_gradients):
        close(found, wanted, 1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_identity_weights_give_the_mean_over_time(kind):
    module = rgtr(kind=kind).eval()
    with torch.no_grad():
        nn.init.zeros_(module.w_r.weight)
        module.w_r.weight[:, :6] = torch.eye(6)
    module.bn_r.reset_parameters()  # weight 1, bias 0, mean 0, variance 1
    module.bn_r.eps = 0.0
    f = groups(3, 4, 6, seed=29)
    close(module(f)[0], f.mean(dim=1))


def test_reversing_a_clip_matters_through_the_slots_alone():
    module, f = rgtr().eval(), groups(3, 4, 6, seed=30)
    assert (module(f)[0] - module(f.flip(1))[0]).abs().max() > 0.1
    with torch.no_grad():
        first = module.w_r.weight[:, 6:8]
        module.w_r.weight[:, 6:] = first.repeat(1, 4)
    close(module(f)[0], module(f.flip(1))[0])


def test_rgtr_names_the_lengths_it_refuses():
    with pytest.raises(ValueError, match=r"relates 4 frames, the clips have 5"):
        rgtr()(draw(1, 5, 6))


# --- 3.1 the model --------------------------------------------------------------------------------


def model(frames=4, size=(64, 32), **options):
    options = {"embedding_width": 16, "relation_width": 4, **options}
    net = build_model("rgsa_rgtr", backbone.small(), 5, frames=frames, size=size, **options)
    assert isinstance(net, RGSARGTR)
    return initialise(net, 0)


def clips(b, t, h=64, w=32, seed=0):
    return draw(b, t, 3, h, w, seed=seed).float()


@pytest.mark.parametrize("frames", [2, 4, 6, 8])
@pytest.mark.parametrize(("d1", "d2"), [(32, 8), (32, 4), (16, 8), (16, 4)])
def test_shapes_for_all_lengths_and_widths(frames, d1, d2):
    net = model(frames, (16, 24), embedding_width=d1, relation_width=d2).eval()
    out = net(clips(1, frames, 16, 24))
    assert out.embedding.shape == (1, 128)
    assert out.heads["clip"][1].shape == (1, 5)
    assert out.heads["frame"][0].shape == (1, frames, 128)
    assert out.heads["frame"][1].shape == (1, frames, 5)
    assert out.maps["spatial_attention"].shape == (1, frames, 2, 3)
    assert net.rgsa.w_a.weight.shape == (128, 128 + 6 * d2)
    assert net.rgtr.w_r.weight.shape == (128, 128 + frames * d2)


@pytest.mark.parametrize(("h", "w"), [(64, 32), (128, 64), (50, 30)])
def test_any_size_the_model_was_built_for(h, w):
    net = model(2, (h, w))
    assert net(clips(2, 2, h, w)).embedding.isfinite().all()


def test_sizes_it_was_not_built_for_are_refused_with_the_numbers():
    net = model(4, (64, 32))
    with pytest.raises(ValueError, match=r"32 positions; maps of 16x8 have 128"):
        net(clips(1, 4, 128, 64))
    with pytest.raises(ValueError, match=r"4 frames, the clips have 3"):
        net(clips(1, 3))
    assert model(spatial="average")(clips(1, 4, 128, 64)).embedding.shape == (1, 128)
    assert model(temporal="average")(clips(1, 3)).embedding.shape == (1, 128)


@pytest.mark.parametrize("kind", KINDS)
def test_model_is_its_parts(kind):
    net = model(relation=kind).double().eval()
    out = net(clips(2, 4).double())
    frames, attention = net.rgsa(out.maps["features"])
    clip, refined = net.rgtr(frames)
    close(out.embedding, clip)
    close(out.maps["spatial_attention"], attention.mean(dim=2))
    close(out.heads["clip"][1], clip @ net.classifier.weight.T)
    close(out.heads["frame"][0], frames)
    close(out.heads["frame"][1], frames @ net.frame_classifier.weight.T)
    net.refined = True
    close(net(clips(2, 4).double()).heads["frame"][0], refined)


def test_averages_in_place_of_both_modules_are_the_baseline():
    net = model(spatial="average", temporal="average").eval()
    plain = build_model(
        "baseline", backbone.small(), 5, frames=4, size=(64, 32), frame_classifier=True
    )
    initialise(plain, 0).eval()
    found, expected = net(clips(2, 4)), plain(clips(2, 4))
    torch.testing.assert_close(found.embedding, expected.embedding)
    for head in ("clip", "frame"):
        torch.testing.assert_close(found.heads[head], expected.heads[head])


def test_two_relation_modules_of_their_own():
    net = model()
    shared = {id(p) for p in net.rgsa.parameters()} & {id(p) for p in net.rgtr.parameters()}
    assert not shared
    assert isinstance(net.rgsa.relation, RelationModule)
    assert isinstance(net.rgtr.relation, RelationModule)


def test_parameter_counts_at_the_papers_size():
    """C = 2048, N = 128, T = 8, r = (32, 256): theta and phi 262,144, W 512, W_A, W_R."""
    with torch.device("meta"):
        spatial = RGSA(2048, 128, build_relation("module", 2048, 128, 64, 8))
        temporal = RGTR(2048, 8, build_relation("module", 2048, 8, 64, 8))
    for module in (spatial, temporal):
        relation = module.relation
        assert relation.theta.w.weight.numel() + relation.phi.w.weight.numel() == 262_144
        assert relation.w.weight.numel() == 512
    assert spatial.w_a.weight.numel() == 6_291_456
    assert temporal.w_r.weight.numel() == 4_325_376


def test_initial_weights():
    net = model(relation_width=8)
    for layer in (net.rgsa.w_a, net.rgtr.w_r, net.rgsa.relation.theta.w):
        assert layer.bias is None
        expected = math.sqrt(2 / layer.out_features)  # Kaiming normal, fan-out
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.1)
    assert net.classifier.weight.std().item() == pytest.approx(0.001, rel=0.2)


def test_pool_is_the_papers():
    """Section 4.2: unit length each, mean, unit length; a long clip counts no more than a short."""
    embedding = draw(3, 5, seed=31) * torch.tensor([[1.0], [100.0], [0.01]])
    total = [0.0] * 5
    for row in embedding.tolist():
        for k in range(5):
            total[k] += row[k] / math.hypot(*row) / 3
    found = model().pool(Output(embedding))
    assert found.tolist() == pytest.approx([x / math.hypot(*total) for x in total], abs=1e-10)
    one = model().pool(Output(embedding[:1]))
    close(one, embedding[0] / embedding[0].norm())


def test_autocast_keeps_relations_attention_and_sums_in_single_precision():
    net = model().eval()
    inside: dict[str, torch.dtype] = {}
    net.rgsa.relation.register_forward_hook(lambda m, i, o: inside.update(relation=o.dtype))
    net.rgsa.register_forward_hook(
        lambda m, i, o: inside.update(features=i[0].dtype, frames=o[0].dtype, a=o[1].dtype)
    )
    exact = net(clips(2, 4)).embedding
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(clips(2, 4))
    assert inside.pop("features") == torch.bfloat16
    assert set(inside.values()) == {torch.float32}
    assert out.embedding.dtype == torch.float32
    assert (out.embedding - exact).norm() / exact.norm() < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"relation": "outer"}, "'outer'"),
        ({"pair_norm": "frame"}, "'frame'"),
        ({"spatial": "max"}, "max"),
        ({"temporal": "average", "refined": True}, "rgtr"),
    ],
)
def test_refuses_what_it_does_not_know(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options)


# --- several processes ----------------------------------------------------------------------------


def halves_of_a_batch():
    return groups(4, 3, 6, seed=32), relation_module(5, 4, 3)


def one_process_of_two(rank, folder):
    """What this file does when it is run as a program: fold one half of a batch."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    x, rm = halves_of_a_batch()
    synchronise(rm)
    leaves = [p.clone().requires_grad_() for p in x[2 * rank : 2 * rank + 2].chunk(2, dim=2)]
    scale, shift = rm.fold(*leaves)
    (scale.square().sum() + shift.sum()).backward()
    found = [scale, shift, rm.bn.running_mean, rm.bn.running_var, *(p.grad for p in leaves)]
    torch.save([tensor.detach() for tensor in found], f"{folder}/{rank}.pt")
    torch.distributed.barrier()  # none leaves while the other still speaks
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="gloo meets through a file: URL of its own")
def test_statistics_over_two_processes(tmp_path):
    """Two halves of a batch, synchronised, equal the whole batch; gradients add up."""
    program = [sys.executable, "-m", "tests.models.test_rgsa_rgtr"]
    running = [subprocess.Popen([*program, str(rank), str(tmp_path)], cwd=ROOT) for rank in (0, 1)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    x, rm = halves_of_a_batch()
    leaves = [part.clone().requires_grad_() for part in x.chunk(2, dim=2)]
    scale, shift = rm.fold(*leaves)
    (2 * (scale.square().sum() + shift.sum())).backward()  # each process has its own loss
    halves = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    for half in halves:
        for found, expected in zip(half, (scale, shift, rm.bn.running_mean, rm.bn.running_var)):
            close(found, expected.detach())
    for number, leaf in enumerate(leaves):
        close(torch.cat([half[4 + number] for half in halves]), leaf.grad)


if __name__ == "__main__":
    one_process_of_two(int(sys.argv[1]), sys.argv[2])
