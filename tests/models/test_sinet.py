"""SINet against its authors' program, plain loops, and what its equations imply."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reidlib.models import backbone, build_model
from reidlib.models.initialise import initialise
from reidlib.models.rivals import GlobalContext, NonLocal
from reidlib.models.sinet import (
    PRESETS,
    ChannelAttention,
    IntegrationDistribution,
    InTurn,
    KernelGeneration,
    SalientToBroad,
    SINet,
    affinity,
    centre_weights,
    cross_propagation,
    dimming,
    evenly,
    salient_kernel,
    suppress,
    suppression,
)

DATA = Path(__file__).parents[1] / "data/sinet"
SBM_NAMES = {
    "kernel.0": "kernel_generation.heads",
    "kernel.1": "kernel_generation.norm",
    "se.1": "channel_attention.squeeze",
    "se.3": "channel_attention.excite",
}
IDM_NAMES = {
    "chl_reduction.0": "integrate_channels",
    "chl_reduction.1": "channel_norm",
    "thw_reduction.0": "integrate_positions",
    "thw_reduction.1": "position_norm",
    "thw_expansion.0": "distribute_positions",
    "chl_expansion.0": "distribute_channels",
}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def draw(*shape, seed=0):
    """Non-negative features with many zeros, as behind a ReLU."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).relu()


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def stir(module, seed=0):
    """Every parameter and running statistic away from its start, in float64; no dead squeeze."""
    generator = torch.Generator().manual_seed(seed)
    module.double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator).double() * 0.5)
            if name.endswith("squeeze.bias"):
                parameter += 2
        for name, buffer in module.named_buffers():
            if "running" in name:
                buffer.copy_(torch.rand(buffer.shape, generator=generator).double() + 0.5)
    return module


def sites(*sizes):
    return itertools.product(*map(range, sizes))


def same_gradients(found, expected, inputs):
    """Both as functions of the same leaves: equal values and equal gradients."""
    close(found, expected)
    cotangent = torch.randn(found.shape, generator=torch.Generator().manual_seed(9)).double()
    ours, theirs = (
        torch.autograd.grad((y * cotangent).sum(), inputs, allow_unused=True, retain_graph=True)
        for y in (found, expected)
    )
    for a, b, leaf in zip(ours, theirs, inputs):
        close(
            torch.zeros_like(leaf) if a is None else a, torch.zeros_like(leaf) if b is None else b
        )
    return ours


# The authors' program ---------------------------------------------------------------------------


def reference(name, module, names):
    """A case's module in its mode, and what the file holds; (b, c, t, h, w) becomes ours."""
    case = np.load(DATA / f"{name}.npz")
    state = module.double().state_dict()
    for key in (k.removeprefix("state/") for k in case.files if k.startswith("state/")):
        layer, leaf = key.rsplit(".", 1)
        own = f"{names[layer]}.{leaf}"
        state[own] = torch.from_numpy(case[f"state/{key}"]).reshape(state[own].shape)
    module.load_state_dict(state)
    meta = json.loads(str(case["meta"]))
    return module.train(meta["training"]), case


def ours(array):
    return torch.from_numpy(array).transpose(1, 2)


def check_against(case, module, x, z, names, skip=()):
    close(z, ours(case["z"]), 1e-8)
    (z * ours(case["cotangent"])).sum().backward()
    close(x.grad, ours(case["grad/x"]), 1e-8)
    own = dict(module.named_parameters())
    checked = 0
    for layer, name in names.items():
        for leaf in ("weight", "bias"):
            if f"{layer}.{leaf}" not in skip:
                expected = torch.from_numpy(case[f"grad/{layer}.{leaf}"]).flatten()
                close(own[f"{name}.{leaf}"].grad.flatten(), expected, 1e-8)
                checked += 1
    assert checked == 2 * len(names) - len(skip)


@pytest.mark.parametrize(("name", "split"), [("sbm_s1_k3", 1), ("sbm_s2_k3_train", 2)])
def test_sbm_is_the_programs(name, split):
    module, case = reference(name, SalientToBroad(8, split), SBM_NAMES)
    x = ours(case["x"]).clone().requires_grad_()
    z, maps = module(x)
    # A bias in front of a batch normalisation has no gradient but noise in training.
    check_against(case, module, x, z, SBM_NAMES, skip=("kernel.0.bias",) if module.training else ())
    s, h, w = split, *x.shape[3:]
    close(maps["suppression"], torch.from_numpy(case["mid/S"]), 1e-8)
    attention = torch.from_numpy(case["mid/A"]).unflatten(2, (s, h, w))
    close(maps["salient_attention"], attention, 1e-8)
    for statistic in ("running_mean", "running_var") if module.training else ():
        expected = torch.from_numpy(case[f"state_after/kernel.1.{statistic}"])
        close(getattr(module.kernel_generation.norm, statistic), expected, 1e-8)


@pytest.mark.parametrize(("name", "split"), [("sbm_s1_k3", 1), ("sbm_s2_k3_train", 2)])
def test_sbm_propagates_as_printed(name, split):
    module, case = reference(name, SalientToBroad(8, split, cpm="paper"), SBM_NAMES)
    z = module(ours(case["x"]))[0]
    close(z, ours(case["z_paper_cpm"]), 1e-8)
    assert not np.allclose(case["z"], case["z_paper_cpm"])


@pytest.mark.parametrize(("name", "split"), [("sbm_s1_k3", 1), ("sbm_s2_k3_train", 2)])
def test_each_step_is_the_programs(name, split):
    module, case = reference(name, SalientToBroad(8, split), SBM_NAMES)
    mid = {k: torch.from_numpy(case[f"mid/{k}"]) for k in ("w_ctr", "w_se", "A", "K", "R", "S")}
    x = ours(case["x"])
    close(centre_weights(x), mid["w_ctr"], 0)
    cal = module.channel_attention
    close(cal.weights(x), mid["w_ctr"] * mid["w_se"], 1e-8)
    p, q = cal(x).split([split, 4 - split], dim=1)
    h, w = x.shape[3:]
    kernel = salient_kernel(p, mid["A"].unflatten(2, (split, h, w)))
    close(kernel.flatten(2), mid["K"], 1e-8)
    close(affinity(q, kernel), mid["R"], 1e-8)
    close(suppression(mid["R"]), mid["S"], 1e-8)
    scores = torch.from_numpy(case["mid/corr_over_k2"])
    close(scores.flatten(2).softmax(dim=2).view_as(scores), mid["R"], 1e-8)


def test_idm_is_the_programs():
    module, case = reference("idm_r4", IntegrationDistribution(16, 4, 8, 4), IDM_NAMES)
    x = ours(case["x"]).clone().requires_grad_()
    check_against(case, module, x, module(x), IDM_NAMES)


# Plain loops ------------------------------------------------------------------------------------


def centre_by_loops(x):
    b, t, c, h, w = x.shape
    found = torch.zeros(b, c, dtype=x.dtype)
    for n, k in sites(b, c):
        cells = [(x[n, i, k, r, q].item(), r, q) for i, r, q in sites(t, h, w)]
        inner = [v for v, r, q in cells if 0 < r < h - 1 and 0 < q < w - 1]
        whole = sum(v for v, _, _ in cells) / len(cells)
        found[n, k] = float(sum(inner) / len(inner) / (whole + 1e-8) > 1)
    return found


def excitation_by_loops(cal, x):
    b, _, c, _, _ = x.shape
    rows = []
    for n in range(b):
        means = [x[n, :, k].sum() / x[n, :, k].numel() for k in range(c)]
        hidden = [
            (sum(w * m for w, m in zip(row, means)) + bias).clamp_min(0)
            for row, bias in zip(cal.squeeze.weight, cal.squeeze.bias)
        ]
        scores = [
            sum(w * m for w, m in zip(row, hidden)) + bias
            for row, bias in zip(cal.excite.weight, cal.excite.bias)
        ]
        rows.append(torch.stack([1 / (1 + (-s).exp()) for s in scores]))
    return torch.stack(rows)


def attention_by_loops(kgm, former, over_heads=True, over_positions=True):
    """A0, then a sum over the heads at every cell, then one over all cells for every head."""
    b, s, c, h, w = former.shape
    heads = kgm.heads.out_features
    raw = {
        (n, j, i, r, q): sum(kgm.heads.weight[j, k] * former[n, i, k, r, q] for k in range(c))
        + kgm.heads.bias[j]
        for n, j, i, r, q in sites(b, heads, s, h, w)
    }
    a0 = {}
    for j in range(heads):
        of_head = torch.stack([v for place, v in raw.items() if place[1] == j])
        mean, variance = kgm.norm.running_mean[j], kgm.norm.running_var[j]
        if kgm.training:
            mean = of_head.mean()
            variance = ((of_head - mean) ** 2).mean()
        for place in (p for p in raw if p[1] == j):
            unit = (raw[place] - mean) / (variance + 1e-5).sqrt()
            a0[place] = (unit * kgm.norm.weight[j] + kgm.norm.bias[j]).clamp_min(0)
    a1 = dict(a0)
    if over_heads:
        for n, i, r, q in sites(b, s, h, w):
            total = sum(a0[n, j, i, r, q] for j in range(heads)).clamp_min(1e-12)
            for j in range(heads):
                a1[n, j, i, r, q] = a0[n, j, i, r, q] / total
    a = dict(a1)
    if over_positions:
        for n, j in sites(b, heads):
            total = sum(a1[n, j, i, r, q] for i, r, q in sites(s, h, w)).clamp_min(1e-12)
            for i, r, q in sites(s, h, w):
                a[n, j, i, r, q] = a1[n, j, i, r, q] / total
    places = sites(b, heads, s, h, w)
    return torch.stack([a[place] for place in places]).view(b, heads, s, h, w)


def kernel_by_loops(former, attention):
    b, s, c, h, w = former.shape
    heads = attention.shape[1]
    k = math.isqrt(heads)
    numbers = [
        sum(former[n, i, ch, r, q] * attention[n, row * k + column, i, r, q]
            for i, r, q in sites(s, h, w))
        for n, ch, row, column in sites(b, c, k, k)
    ]  # fmt: skip
    return torch.stack(numbers).view(b, c, k, k)


def affinity_by_loops(latter, kernel, average=True):
    b, frames, c, h, w = latter.shape
    k = kernel.shape[-1]
    numbers = []
    for n, i, r, q in sites(b, frames, h, w):
        total = 0.0
        for row, column in sites(k, k):
            y = min(max(r + row - k // 2, 0), h - 1)  # the border repeats
            x = min(max(q + column - k // 2, 0), w - 1)
            total = total + sum(kernel[n, ch, row, column] * latter[n, i, ch, y, x]
                                for ch in range(c))  # fmt: skip
        numbers.append(total / k**2 if average else total)
    exponentials = torch.stack(numbers).view(b, frames, h, w).exp()
    frames_out = [
        [exponentials[n, i] / sum(exponentials[n, i, r, q] for r, q in sites(h, w))
         for i in range(frames)]
        for n in range(b)
    ]  # fmt: skip
    return torch.stack([torch.stack(row) for row in frames_out])


def suppression_by_loops(r, beta):
    h, w = r.shape[-2:]
    numbers = []
    for value in r.flatten():
        excess = 1 / (h * w * value.clamp_min(1e-4)) - 1
        numbers.append((beta * excess).exp() if excess < 0 else excess * 0 + 1)
    return torch.stack(numbers).view_as(r)


def propagation_by_loops(x, weights, alpha, reading):
    b, t, c, h, w = x.shape
    latter = weights.shape[1]
    split, cells = t - latter, h * w
    z = torch.zeros_like(x)
    for n, ch in sites(b, c):
        removed = [
            ((1 - weights[n, i, r, q]) * x[n, split + i, ch, r, q], 1 - weights[n, i, r, q])
            for i, r, q in sites(latter, h, w)
        ]
        kept = [x[n, i, ch, r, q] for i, r, q in sites(split, h, w)]
        if reading == "paper":
            lost, shown = sum(v for v, _ in removed) / cells, sum(kept) / cells
        else:
            lost, shown = sum(v for v, _ in removed) / sum(s for _, s in removed), sum(kept)
            shown = shown / (split * cells)
        for i, r, q in sites(t, h, w):
            s = 1 if i < split else weights[n, i - split, r, q]
            told = lost if i < split else shown
            z[n, i, ch, r, q] = s * x[n, i, ch, r, q] + alpha * told
    return z


def idm_by_loops(m, x):
    b, t, c, h, w = x.shape
    places = list(sites(t, h, w))
    small_c, small_m = m.integrate_channels.out_features, m.integrate_positions.out_channels

    def normalise(norm, values, axis):
        """values: key -> number; statistics over all keys that share key[axis]."""
        if isinstance(norm, nn.Identity):
            return values
        out = {}
        for k in {key[axis] for key in values}:
            group = {key: v for key, v in values.items() if key[axis] == k}
            mean, variance = norm.running_mean[k], norm.running_var[k]
            if norm.training:
                mean = sum(group.values()) / len(group)
                variance = sum((v - mean) ** 2 for v in group.values()) / len(group)
            for key, v in group.items():
                unit = (v - mean) / (variance + 1e-5) ** 0.5
                out[key] = unit * norm.weight[k] + norm.bias[k]
        return out

    def bias(layer, k):
        return 0.0 if layer.bias is None else layer.bias[k]

    g_in, l_in = m.integrate_channels, m.integrate_positions
    l_out, g_out = m.distribute_positions, m.distribute_channels
    u = {
        (n, k, p): sum(g_in.weight[k, ch] * x[n, i, ch, r, q] for ch in range(c)) + bias(g_in, k)
        for n, k, (p, (i, r, q)) in itertools.product(range(b), range(small_c), enumerate(places))
    }
    u = normalise(m.channel_norm, u, axis=1)
    low = {
        (n, j, k): sum(l_in.weight[j, p, 0] * u[n, k, p] for p in range(len(places)))
        + bias(l_in, j)
        for n, j, k in sites(b, small_m, small_c)
    }
    low = normalise(m.position_norm, low, axis=1)
    e = {
        (n, k, p): sum(l_out.weight[p, j, 0] * low[n, j, k] for j in range(small_m))
        + bias(l_out, p) + u[n, k, p]
        for n, k, p in sites(b, small_c, len(places))
    }  # fmt: skip
    out = torch.zeros_like(x)
    for n, ch, (p, (i, r, q)) in itertools.product(range(b), range(c), enumerate(places)):
        o = sum(g_out.weight[ch, k] * e[n, k, p] for k in range(small_c)) + bias(g_out, ch)
        total = x[n, i, ch, r, q] + o
        out[n, i, ch, r, q] = total.clamp_min(0) if m.relu else total
    return out


@pytest.mark.parametrize("shape", [(2, 3, 4, 4, 3), (1, 2, 3, 3, 5)])
def test_centre_weights_by_loops(shape):
    x = draw(*shape)
    x[0, :, 0] = 0  # a dead channel
    x[0, :, 1, 1:-1, 1:-1] += 5  # one of the middle
    x[0, :, 2, 0] += 9  # one of the rim
    found = centre_weights(x)
    close(found, centre_by_loops(x), 0)
    assert found[0, :3].tolist() == [0, 1, 0]
    assert not centre_weights(x.requires_grad_()).requires_grad


@pytest.mark.parametrize(("centre", "excitation"), [(True, True), (True, False), (False, True)])
def test_channel_attention_by_loops(centre, excitation):
    cal = stir(ChannelAttention(4, centre=centre, excitation=excitation))
    x = draw(2, 3, 4, 4, 3).requires_grad_()
    weights = torch.ones(2, 4, dtype=torch.float64)
    weights = weights * centre_by_loops(x) if centre else weights
    weights = weights * excitation_by_loops(cal, x) if excitation else weights
    expected = torch.stack(
        [(weights[n, :, None, None] * frame).clamp_min(0) for n in range(2) for frame in x[n]]
    ).view_as(x)
    # The ReLU stops the gradient at the zeros of X; clamp_min would not.
    expected = torch.where(x > 0, expected, torch.zeros_like(x))
    gradients = same_gradients(cal(x), expected, [x, *cal.parameters()])
    assert all(g.abs().max() > 0 for g in gradients)


def test_channel_attention_without_both_leaves_the_relu():
    """So that no gradient comes back where an activation is zero, as with weights of one."""
    x = torch.randn(2, 3, 4, 4, 3).relu().requires_grad_()
    cal = ChannelAttention(4, centre=False, excitation=False)
    assert torch.equal(cal(x), x)
    assert torch.equal(cal(-1 - x), torch.zeros_like(x))
    cal(x).sum().backward()
    assert torch.equal(x.grad, (x > 0).to(x))
    assert not list(cal.parameters())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("l1", "kernel", "steps"),
    [
        ("code", 3, (True, True)),
        ("code", 1, (False, True)),
        ("paper", 1, (True, True)),
        ("positions", 3, (False, True)),
        ("none", 3, (False, False)),
    ],
)
def test_attention_by_loops(l1, kernel, steps, training):
    kgm = stir(KernelGeneration(3, kernel, l1)).train(training)
    kgm.norm.bias.data += 1
    p = draw(2, 2, 3, 3, 2).requires_grad_()
    expected = attention_by_loops(kgm, p, *steps)
    found = kgm.attention(p)
    kept = [kgm.heads.weight, kgm.norm.weight, kgm.norm.bias]
    same_gradients(found, expected, [p, *kept, *([] if training else [kgm.heads.bias])])
    if steps[1]:
        close(found.sum(dim=(2, 3, 4)), torch.ones(2, kernel**2, dtype=torch.float64))


@pytest.mark.parametrize(("l1", "constant"), [("code", False), ("paper", True)])
def test_one_head_over_the_heads_is_constant(l1, constant):
    kgm = stir(KernelGeneration(3, 1, l1))
    kgm.norm.bias.data.fill_(5)
    attention = kgm.attention(draw(1, 1, 3, 3, 3))
    assert bool(attention.std() < 1e-9) == constant


@pytest.mark.parametrize("k", [1, 3, 5])
def test_kernel_and_affinity_by_loops(k):
    p, q = draw(2, 2, 2, 4, 3).requires_grad_(), draw(2, 2, 2, 4, 3, seed=1).requires_grad_()
    a = torch.rand(2, k * k, 2, 4, 3, dtype=torch.float64).requires_grad_()
    kernel = kernel_by_loops(p, a)
    same_gradients(salient_kernel(p, a), kernel, [p, a])
    given = (kernel.detach() / 10).requires_grad_()
    for average in (True, False):
        found = affinity(q, given, average=average)
        same_gradients(found, affinity_by_loops(q, given, average), [q, given])
        close(found.sum(dim=(2, 3)), torch.ones(2, 2, dtype=torch.float64))


@pytest.mark.parametrize("beta", [1.0, 5.0, 20.0])
def test_suppression_by_loops(beta):
    scores = torch.randn(2, 3, 4, 3, dtype=torch.float64) * 4
    r = scores.flatten(2).softmax(dim=2).view_as(scores).requires_grad_()
    assert (r < 1e-4).any()  # the floor is met
    found = suppression(r, beta)
    same_gradients(found, suppression_by_loops(r, beta), [r])
    assert (found > math.exp(-beta)).all()
    assert (found <= 1).all()
    assert (found.flatten(2).amin(dim=2) < 1).all()
    close(found == 1, r <= 1 / 12)


@pytest.mark.parametrize("reading", ["code", "paper"])
@pytest.mark.parametrize("latter", [1, 2])
def test_cross_propagation_by_loops(reading, latter):
    x = draw(2, 3, 2, 3, 2).requires_grad_()
    s = torch.rand(2, latter, 3, 2, dtype=torch.float64).requires_grad_()
    expected = propagation_by_loops(x, s, 0.3, reading)
    same_gradients(cross_propagation(x, s, 0.3, reading), expected, [x, s])


def test_suppress_is_one_weight_for_all_channels():
    x, s = draw(2, 2, 3, 4, 3), torch.rand(2, 2, 4, 3, dtype=torch.float64)
    y = suppress(x, s)
    for n, i, k, r, q in sites(*x.shape):
        assert y[n, i, k, r, q] == s[n, i, r, q] * x[n, i, k, r, q]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("split", "kernel"), [(1, 3), (2, 1)])
def test_sbm_by_loops(split, kernel, training):
    m = stir(SalientToBroad(4, split, kernel, alpha=0.2, beta=3.0)).train(training)
    m.kernel_generation.norm.bias.data += 1
    x = draw(2, 3, 4, 4, 3).requires_grad_()
    w = centre_by_loops(x) * excitation_by_loops(m.channel_attention, x)
    v = torch.where(x > 0, w[:, None, :, None, None] * x, 0.0)
    p, q = v[:, :split], v[:, split:]
    a = attention_by_loops(m.kernel_generation, p, over_heads=kernel > 1)
    r = affinity_by_loops(q, kernel_by_loops(p, a))
    expected = propagation_by_loops(x, suppression_by_loops(r, 3.0), 0.2, "code")
    z, maps = m(x)
    skip = "kernel_generation.heads.bias" if training else ""
    leaves = [p for name, p in m.named_parameters() if name != skip]
    gradients = same_gradients(z, expected, [x, *leaves])
    assert all(g.abs().max() > 0 for g in gradients)
    assert maps["suppression"].shape == (2, 3 - split, 4, 3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("plain", [True, False])
def test_idm_by_loops(plain, training):
    options = {"norm": False, "bias": False, "relu": False} if plain else {}
    m = stir(IntegrationDistribution(4, 2, 3, 2, reduction=2, **options)).train(training)
    x = draw(2, 2, 4, 3, 2).requires_grad_()
    noise = ("integrate_channels.bias", "integrate_positions.bias") if training else ()
    leaves = [p for name, p in m.named_parameters() if name not in noise]
    same_gradients(m(x), idm_by_loops(m, x), [x, *leaves])


# What the equations imply -----------------------------------------------------------------------


def test_a_fresh_idm_is_the_identity():
    for training in (True, False):
        m = IntegrationDistribution(8, 3, 4, 2).train(training).double()
        x = draw(2, 3, 8, 4, 2)
        close(m(x), x, 0)
    assert m(-x - 1).count_nonzero() == 0  # but for its ReLU


def test_idm_without_extras_is_the_printed_product():
    options = {"norm": False, "bias": False, "relu": False}
    m = stir(IntegrationDistribution(8, 3, 4, 2, **options))
    x = draw(2, 3, 8, 4, 2)
    f = x.transpose(1, 2).flatten(2)
    g_i, g_d = m.integrate_channels.weight, m.distribute_channels.weight
    l_i, l_d = m.integrate_positions.weight[..., 0].T, m.distribute_positions.weight[..., 0].T
    printed = g_d @ g_i @ f @ (l_i @ l_d + torch.eye(24)) + f
    close(m(x).transpose(1, 2).flatten(2), printed)


def test_idm_mixes_frames_that_sbm_leaves_apart():
    m = stir(IntegrationDistribution(8, 2, 4, 3)).eval()
    x = draw(1, 2, 8, 4, 3)
    other = x.clone()
    other[:, 1] += 1
    assert not torch.allclose(m(x)[:, 0], m(other)[:, 0])


def test_no_alpha_leaves_the_former_frames():
    x = draw(2, 4, 6, 5, 4)
    for options in ({"alpha": 0.0}, {"cpm": "none"}):
        m = stir(SalientToBroad(6, 2, **options)).eval()
        z, maps = m(x)
        close(z[:, :2], x[:, :2], 0)
        close(z[:, 2:], suppress(x[:, 2:], maps["suppression"]), 0)


def test_latter_frames_shape_the_kernel_only_through_cal():
    x = draw(2, 4, 6, 5, 4)
    other = x.clone()
    other[:, 2:] = draw(2, 2, 6, 5, 4, seed=3)
    for options, equal in (({"centre": False, "excitation": False}, True), ({}, False)):
        m = stir(SalientToBroad(6, 2, **options)).eval()
        first, second = (m(v)[1]["salient_attention"] for v in (x, other))
        assert torch.allclose(first, second, atol=1e-12) == equal


def test_permuted_clips_permute_the_outcome():
    order = torch.tensor([2, 0, 1])
    x = draw(3, 4, 6, 5, 4)
    for m in (SalientToBroad(6, 1), IntegrationDistribution(6, 4, 5, 4, reduction=2)):
        stir(m).eval()
        z, permuted = m(x), m(x[order])
        z, permuted = (v[0] if isinstance(v, tuple) else v for v in (z, permuted))
        close(permuted, z[order])


def test_what_is_salient_before_is_dimmed_after():
    """One channel marks one cell in every frame: there, and only there, the latter frames lose."""
    x = torch.full((1, 2, 2, 7, 7), 0.01, dtype=torch.float64)
    x[:, :, 0, 3, 3] = 20
    m = SalientToBroad(2, 1, 1, centre=False, excitation=False).double().eval()
    nn.init.constant_(m.kernel_generation.heads.weight, 1.0)
    nn.init.zeros_(m.kernel_generation.heads.bias)
    s = m(x)[1]["suppression"][0, 0]
    assert s[3, 3] < 0.05
    assert s.flatten().sort().values[1] == 1


@pytest.mark.parametrize("dead", ["heads", "channels"])
def test_nothing_salient_dims_nothing(dead):
    """K = 0: R is uniform, S is 1, and the program's 0 / 0 is 0."""
    m = SalientToBroad(4, 1, 1).double()
    x = draw(2, 3, 4, 4, 4)
    if dead == "heads":
        nn.init.constant_(m.kernel_generation.norm.bias, -100.0)
    else:
        x[..., 1:-1, 1:-1] = 0
    x.requires_grad_()
    z, maps = m(x)
    close(maps["suppression"], torch.ones(2, 2, 4, 4, dtype=torch.float64))
    close(z[:, :1], x[:, :1])
    z.sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in m.parameters())


def test_dimming_tells_saturation():
    """Ever larger features: at last a single cell of a frame is dimmed, to exp(-beta) nearly."""
    m = stir(SalientToBroad(6, 2)).eval()
    x = draw(2, 4, 6, 5, 4)
    shares = []
    for scale in (1e-3, 1, 1e3):
        found = dimming({"site.suppression": m(x * scale)[1]["suppression"], "features": x})
        assert set(found) == {"site.suppression.share", "site.suppression.mean"}
        shares.append(found["site.suppression.share"].item())
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] == pytest.approx(1 / 20)
    expected = (19 + math.exp(5 * (1 / 20 - 1))) / 20
    assert found["site.suppression.mean"].item() == pytest.approx(expected)


def test_erasing_is_all_or_nothing_and_still_teaches():
    scores = torch.randn(2, 2, 4, 3, dtype=torch.float64)
    r = scores.flatten(2).softmax(dim=2).view_as(scores).requires_grad_()
    erased = suppression(r, 5.0, erase=True)
    close(erased, (r <= 1 / 12).double(), 0)
    gradients = (torch.autograd.grad(s.sum(), r)[0] for s in (erased, suppression(r, 5.0)))
    close(*gradients)
    m = stir(SalientToBroad(6, 1, erase=True))
    z, maps = m(draw(2, 3, 6, 4, 4))
    assert set(maps["suppression"].unique().tolist()) == {0.0, 1.0}
    z.square().sum().backward()
    assert m.channel_attention.squeeze.weight.grad.abs().max() > 0


def test_cut_clips_are_clips_of_their_own():
    x = draw(2, 8, 6, 4, 4)
    for training in (True, False):
        whole = stir(SalientToBroad(6, 1, chunk=4)).train(training)
        halves = stir(SalientToBroad(6, 1)).train(training)
        z, maps = whole(x)
        apart, seen = halves(x.reshape(4, 4, 6, 4, 4))
        close(z, apart.view_as(x))
        close(maps["suppression"], seen["suppression"].reshape(2, 6, 4, 4))
    assert not torch.allclose(z, halves(x)[0])
    assert maps["salient_attention"].shape == (2, 9, 2, 4, 4)


def test_half_precision_does_not_reach_the_suppression():
    m = SalientToBroad(64, 1).eval()
    x = (draw(1, 4, 64, 8, 4).float() * 4).bfloat16()
    z, maps = m(x.float())
    with torch.autocast("cpu", torch.bfloat16):
        half, seen = m(x)
    assert half.dtype == torch.bfloat16
    assert seen["suppression"].dtype == torch.float32
    close(seen["suppression"], maps["suppression"], 0)
    torch.testing.assert_close(half.float(), z, rtol=0.01, atol=0.01)


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "shape", "words"),
    [
        (lambda: SalientToBroad(4, 1), (1, 2, 4, 2, 8), "3x3 cells, not 2x8"),
        (lambda: SalientToBroad(4, 3), (1, 3, 4, 4, 4), "split 3 .* not 3"),
        (lambda: SalientToBroad(4, 1, chunk=4), (1, 6, 4, 4, 4), "not 6 frames in pieces of 4"),
        (lambda: SalientToBroad(4, 1, cpm="sum"), (1, 2, 4, 4, 4), "'sum'"),
        (lambda: SalientToBroad(4, 0), (1, 2, 4, 4, 4), "not 0"),
        (lambda: SalientToBroad(4, 1, 2), (1, 2, 4, 4, 4), "odd size, not 2"),
        (lambda: SalientToBroad(4, 1, l1="both"), (1, 2, 4, 4, 4), "'both'"),
        (lambda: IntegrationDistribution(4, 2, 3, 2), (1, 2, 4, 3, 3), "2 frames of 3x2 .* of 3x3"),
        (lambda: IntegrationDistribution(4, 2, 3, 2, reduction=8), (1, 2, 4, 3, 2), "4 channels"),
    ],
)
def test_impossible_numbers_are_named(build, shape, words):
    with pytest.raises(ValueError, match=words):
        build()(torch.rand(shape))


# The network ------------------------------------------------------------------------------------


def model(frames=4, size=(64, 32), seed=0, **options):
    net = build_model("sinet", backbone.small(), 5, frames=frames, size=size, **options)
    assert isinstance(net, SINet)
    return initialise(net, seed)


def test_places_are_the_papers():
    assert evenly(6, 3) == (2, 4, 6)
    assert evenly(4, 2) == (2, 4)
    assert evenly(3, 3) == (1, 2, 3)
    assert evenly(2, 3) == (1, 2, 2)
    plugins = model().backbone.plugins
    assert list(plugins) == ["layer2_1", "layer2_2", "layer3_1", "layer3_2", "layer3_3"]
    assert [type(m) for m in plugins.values()] == [IntegrationDistribution] * 2 + [
        SalientToBroad
    ] * 3
    assert [plugins[f"layer3_{k}"].split for k in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({"splits": (), "idm_blocks": ()}, {}),
        ({"splits": ()}, {"layer2_1": "I", "layer2_2": "I"}),
        ({"splits": (), "idm_blocks": (1, 2, 2)}, {"layer2_1": "I", "layer2_2": "II"}),
        ({"sbm_blocks": (2, 2, 2), "idm_blocks": ()}, {"layer3_2": "SSS"}),
        (
            {"splits": (), "idm_blocks": (), "rival": "non_local"},
            {"layer2_1": "N", "layer2_2": "N"},
        ),
        (
            {"splits": (1,), "rival": "global_context", "rival_stage": "layer3"},
            {"layer2_1": "I", "layer2_2": "I", "layer3_1": "G", "layer3_2": "G", "layer3_3": "SG"},
        ),
    ],
)
def test_options_build_what_they_name(options, places):
    letters = {
        IntegrationDistribution: "I",
        SalientToBroad: "S",
        NonLocal: "N",
        GlobalContext: "G",
    }
    found = {
        site: "".join(letters[type(m)] for m in (p if isinstance(p, InTurn) else [p]))
        for site, p in model(**options).backbone.plugins.items()
    }
    assert dict(sorted(found.items())) == places


def test_modules_at_one_place_act_in_turn():
    net = model(sbm_blocks=(2, 2, 2), idm_blocks=()).double().eval()
    chain = net.backbone.plugins["layer3_2"]
    x = draw(2, 4, 64, 8, 4)
    z, maps = chain(x)
    expected = x
    for number, sbm in enumerate(chain.children()):
        expected, seen = sbm(expected)
        close(maps[f"{number}.suppression"], seen["suppression"])
    close(z, expected)
    assert "layer3_2.1.suppression" in net(torch.rand(1, 4, 3, 64, 32).double()).maps


def test_head_by_loops():
    net = model().double()
    for p in (net.norm.weight, net.norm.bias, net.classifier.weight):
        nn.init.normal_(p, std=0.5)
    clips = torch.rand(3, 4, 3, 64, 32, dtype=torch.float64)
    for training in (True, False):
        net.train(training)
        before = [net.norm.running_mean.clone(), net.norm.running_var.clone()]
        out = net(clips)
        maps = out.maps["features"]
        frames = torch.stack(
            [torch.stack([f.flatten(1).max(dim=1).values for f in m]) for m in maps]
        )
        close(out.maps["frame_features"], frames)

        def refine(v, before=before, training=training):
            mean, variance = before
            if training:
                mean, variance = v.mean(dim=0), v.var(dim=0, unbiased=False)
            return (v - mean) / (variance + 1e-5).sqrt() * net.norm.weight + net.norm.bias

        clip = sum(frames[:, i] for i in range(4)) / 4
        close(out.embedding, refine(clip))
        features, logits = out.heads["clip"]
        close(features, out.embedding)
        close(logits, features @ net.classifier.weight.T + net.classifier.bias)
        if not training:
            assert "projection" not in out.heads
            close(out.embedding, refine(frames.flatten(0, 1)).view(3, 4, -1).mean(dim=1))
            continue
        q, nothing = out.heads["projection"]
        expected = refine(frames.flatten(0, 1)) @ net.projection.weight.T + net.projection.bias
        close(q, expected.view(3, 4, -1))
        assert nothing is None
        mean, variance = before  # moved by the clips first, then by the frames
        for v in (clip, frames.flatten(0, 1)):
            mean, variance = 0.9 * mean + 0.1 * v.mean(dim=0), 0.9 * variance + 0.1 * v.var(dim=0)
        close(net.norm.running_mean, mean)
        close(net.norm.running_var, variance)


def test_projection_comes_with_sbm_or_when_asked():
    clips = torch.rand(2, 4, 3, 64, 32)
    for options, there in (
        ({}, True),
        ({"splits": ()}, False),
        ({"projection": False}, False),
        ({"splits": (), "projection": True}, True),
    ):
        assert ("projection" in model(**options)(clips).heads) == there


@pytest.mark.parametrize(
    ("b", "t", "size"), [(1, 4, (64, 32)), (2, 5, (64, 32)), (1, 8, (128, 64)), (1, 4, (50, 30))]
)
def test_model_takes_any_size_it_was_built_for(b, t, size):
    net = model(frames=t, size=size).eval()
    out = net(torch.rand(b, t, 3, *size))
    rows, columns = net.backbone.map_size(*size)
    assert out.embedding.shape == (b, 128)
    assert out.heads["clip"][1].shape == (b, 5)
    assert out.maps["features"].shape == (b, t, 128, rows, columns)
    for block, split in zip((1, 2, 3), (1, 2, 3)):
        found = out.maps[f"layer3_{block}.suppression"]
        assert found.shape == (b, t - split, rows, columns)
    torch.testing.assert_close(net.pool(out), out.embedding.mean(dim=0))


def test_without_idm_any_length_above_the_last_split_passes():
    net = model(idm_blocks=()).eval()
    for t in (4, 6, 9):
        assert net(torch.rand(1, t, 3, 64, 32)).embedding.shape == (1, 128)
    with pytest.raises(ValueError, match=r"split 3 .* not 3"):
        net(torch.rand(1, 3, 3, 64, 32))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frames": 3}, "split 3 leaves no latter frame of 3"),
        ({"size": (16, 16)}, "16x16 leave 2x2 cells .* 3x3"),
        ({"sbm_blocks": (1, 2, 4)}, "blocks 1 to 3, not 4"),
        ({"sbm_blocks": (1, 2)}, "zip"),
        ({"rival": "transformer"}, "no rival 'transformer'"),
        ({"sbm": {"gamma": 1}}, "gamma"),
    ],
)
def test_impossible_networks_are_named(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        model(**options)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_build(preset):
    net = model(**PRESETS[preset]).eval()
    sbm, idm = net.backbone.plugins["layer3_1"], net.backbone.plugins["layer2_1"]
    assert idm.integrate_channels.out_features == {"code": 2}.get(preset, 8)
    assert isinstance(idm.channel_norm, nn.Identity) == (preset == "paper")
    assert (idm.integrate_channels.bias is None, idm.relu) == (preset == "paper", preset != "paper")
    assert (sbm.cpm, sbm.average) == (("paper", False) if preset == "paper" else ("code", True))
    assert net(torch.rand(1, 4, 3, 64, 32)).embedding.isfinite().all()


# First weights ----------------------------------------------------------------------------------


def test_first_weights_follow_the_rules():
    net = model()
    sbm, idm = net.backbone.plugins["layer3_2"], net.backbone.plugins["layer2_1"]
    for weight, outputs in (
        (sbm.channel_attention.excite.weight, 64),
        (sbm.kernel_generation.heads.weight, 9),
        (idm.integrate_channels.weight, 8),
        (idm.integrate_positions.weight, 128),
        (idm.distribute_positions.weight, 512),
    ):
        assert weight.std().item() == pytest.approx(math.sqrt(2 / outputs), rel=0.1)
    assert idm.distribute_channels.weight.count_nonzero() == 0
    assert idm.distribute_channels.bias.count_nonzero() == 0
    assert idm.integrate_channels.bias.count_nonzero() > 0
    assert net.norm.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert net.norm.weight.std().item() == pytest.approx(0.02, rel=0.3)
    assert net.classifier.weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert net.projection.weight.std().item() == pytest.approx(math.sqrt(2 / 128), rel=0.1)
    for bias in (net.norm.bias, net.classifier.bias, net.projection.bias):
        assert bias.count_nonzero() == 0


def test_rows_share_the_start_of_what_they_share():
    full = model(seed=3).state_dict()
    for options in (
        {"idm_blocks": ()},
        {"splits": ()},
        {"sbm": {"excitation": False}},
        {"projection": False},
        {"idm": {"relu": False}},
    ):
        state = model(seed=3, **options).state_dict()
        shared = [name for name in state if name in full]
        assert len(shared) == len(state)
        assert all(torch.equal(state[name], full[name]) for name in shared)


def test_a_fresh_idm_net_is_the_baseline():
    clips = torch.rand(2, 4, 3, 64, 32)
    with_idm, without = (
        model(splits=(), **extra).eval()(clips).embedding for extra in ({}, {"idm_blocks": ()})
    )
    assert torch.equal(with_idm, without)
