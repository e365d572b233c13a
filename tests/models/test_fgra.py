"""FGRA against its reference case, plain loops, and what its algebra implies."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reidlib.losses.center import Centres, center
from reidlib.losses.objective import objective
from reidlib.models import backbone, build_model
from reidlib.models.classifiers import RegionClassifiers
from reidlib.models.fgra import (
    FGRA,
    GlobalBranch,
    GuideAlignment,
    RegionAttention,
    TemporalAttention,
    aggregate,
    align,
    alignment_score,
    consistency,
    correlate,
    match,
    region_specific,
    score_weights,
    shuffle_cells,
    stripes,
    weigh_regions,
)
from reidlib.models.initialise import initialise
from reidlib.recipes.fgra import FGRA as FULL

CASE = np.load(Path(__file__).parents[1] / "data/fgra/fgra_gam_ns2.npz")
ROWS = {
    1: {"global_branch": False, "local": "stripes", "temporal": "mean", "readout": "concat"},
    2: {"local": "none"},
    3: {"local": "stripes", "temporal": "mean", "readout": "concat"},
    4: {"temporal": "mean", "readout": "concat"},
    5: {"temporal": "attention", "readout": "concat"},
    6: {"readout": "concat"},
    8: {},
    "mean": {"readout": "mean"},
}


def case(name):
    return torch.from_numpy(np.array(CASE[name]))


def draw(*shape, seed=0):
    """Non-negative features, as behind a ReLU."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).relu() + 0.01


def signed(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def guide(channels, regions, *, training=False, **options):
    """A module whose numbers are all unlike their start."""
    module = GuideAlignment(channels, regions, **options).double().train(training)
    with torch.no_grad():
        module.weight.copy_(0.5 + draw(*module.weight.shape, seed=1))
        module.bias.copy_(signed(*module.bias.shape, seed=2))
        module.running_mean.copy_(signed(*module.bias.shape, seed=3))
        module.running_var.copy_(0.5 + draw(*module.bias.shape, seed=4))
    return module


@pytest.mark.parametrize("option", ["norm", "score"])
def test_a_guide_alignment_knows_its_options(option):
    with pytest.raises(ValueError, match=f"{option} is one of .*, not 'regional'"):
        GuideAlignment(5, 2, **{option: "regional"})


class Given(nn.Module):
    """A backbone that returns the maps it is given."""

    out_channels = 6

    def map_size(self, height, width):
        return height // 8, width // 8

    def forward(self, maps):
        return maps, {}


def on_maps(seed=0, **options):
    """FGRA on (b, n, 6, 4, 2) maps, every parameter drawn, running statistics too."""
    options = {"regions": 2, "embed": 5, "region_embed": 3, **options}
    model = FGRA(Given(), 7, frames=3, size=(32, 16), **options)
    initialise(model, seed).double()
    for number, (name, value) in enumerate(model.state_dict().items()):
        if value.is_floating_point():
            positive = name.endswith("running_var") or "guide.weight" in name
            make = draw if positive else signed
            value.copy_(make(*value.shape, seed=100 + number))
    return model.eval()


# --- the reference case ---------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["A", "E", "P"])
def test_reference_case(letter):
    norm = "region" if letter == "P" else "shared"
    module = GuideAlignment(5, 2, norm=norm).double().train(letter != "E")
    with torch.no_grad():
        suffix = "_pr" if letter == "P" else ""
        module.weight.copy_(case(f"gamma{suffix}").view_as(module.weight))
        module.bias.copy_(case(f"beta{suffix}").view_as(module.bias))
        if letter != "P":
            module.running_mean.copy_(case("running_mean")[None])
            module.running_var.copy_(case("running_var")[None])
    templates, maps = case("t"), case("F")
    close(stripes(maps[:, :1], 2)[:, 0], templates)
    close(correlate(templates, maps), case("M_raw"))

    if letter != "E":
        mean, variance, _ = module.statistics(templates, maps)
        close(mean.squeeze(), case(f"{letter}_mu"))
        close(variance.squeeze(), case(f"{letter}_var"))
    found = module(templates, maps)
    if letter == "A":
        close(module.running_mean[0], case("A_running_mean_after"))
        close(module.running_var[0], case("A_running_var_after"))
        module.running_mean.zero_()  # the batch's statistics are used again, not these
    close(module.gates(templates, maps), case(f"{letter}_M"))
    close(found.features, case(f"{letter}_Fni"))
    close(found.score, case(f"{letter}_s"))
    weights = score_weights(found.score)
    close(weights, case(f"{letter}_s_hat"))
    close(aggregate(found.features, weights), case(f"{letter}_Fs"))


def test_reference_case_of_raw_scores_and_of_the_mean():
    module = GuideAlignment(5, 2, score="raw").double()
    with torch.no_grad():
        module.weight.copy_(case("gamma")[None])
        module.bias.copy_(case("beta")[None])
    found = module(case("t"), case("F"))
    close(found.score, case("raw_s"))
    weights = score_weights(found.score)
    close(weights, case("raw_s_hat"))
    close(aggregate(found.features, weights), case("A_Fs_rawscore"))
    close(found.features.mean(dim=1), case("A_Fs_avg"))


# --- plain loops ----------------------------------------------------------------------------------


def gates_by_loops(module, templates, maps):
    """Eq. 1, its normalisation and sigmoid, one product after the other."""
    b, n, c, h, w = maps.shape
    regions = templates.shape[1]
    own = module.weight.shape[0] > 1
    products = {
        (a, f, i, k, y, x): templates[a, i, k] * maps[a, f, k, y, x]
        for a in range(b)
        for f in range(n)
        for i in range(regions)
        for k in range(c)
        for y in range(h)
        for x in range(w)
    }
    gates = torch.zeros(b, n, regions, c, h, w, dtype=maps.dtype)
    for k in range(c):
        for i in range(regions):
            row = i if own else 0
            if module.training:
                members = [v for p, v in products.items() if p[3] == k and (p[2] == i or not own)]
                mean = sum(members) / len(members)
                variance = sum((v - mean) ** 2 for v in members) / len(members)
            else:
                mean, variance = module.running_mean[row, k], module.running_var[row, k]
            for (a, f, r, q, y, x), value in products.items():
                if (r, q) == (i, k):
                    z = (value - mean) / (variance + 1e-5) ** 0.5
                    z = module.weight[row, k] * z + module.bias[row, k]
                    gates[a, f, i, k, y, x] = 1 / (1 + torch.exp(-z))
    return gates


def alignment_by_loops(module, templates, maps):
    """Eq. 2 and 5, and the response, from gates."""
    gates = gates_by_loops(module, templates, maps)
    b, n, regions, c, h, w = gates.shape
    cells = [(y, x) for y in range(h) for x in range(w)]
    features, score = torch.zeros(b, n, regions, c).double(), torch.zeros(b, n, regions, c).double()
    response = torch.zeros(b, n, regions, h, w).double()
    for a in range(b):
        for f in range(n):
            for i in range(regions):
                for k in range(c):
                    seen = [maps[a, f, k, y, x] * gates[a, f, i, k, y, x] for y, x in cells]
                    features[a, f, i, k] = sum(seen) / len(cells)
                    passed = [gates[a, f, i, k, y, x] for y, x in cells]
                    if module.score == "raw":
                        passed = [templates[a, i, k] * maps[a, f, k, y, x] for y, x in cells]
                    score[a, f, i, k] = sum(passed) / len(cells)
                for y, x in cells:
                    seen = [maps[a, f, k, y, x] * gates[a, f, i, k, y, x] for k in range(c)]
                    response[a, f, i, y, x] = sum(seen) / c
    return features, score, response


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", ["shared", "region"])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("score", ["gated", "raw"])
def test_alignment_equals_loops_with_gradients(training, norm, affine, score):
    templates, maps = draw(2, 2, 2, seed=5), draw(2, 2, 2, 2, 2, seed=6)
    module = guide(2, 2, training=training, norm=norm, affine=affine, score=score)
    assert [p.requires_grad for p in module.parameters()] == [affine, affine]
    found, gradients = [], []
    for compute in (module, lambda t, f: alignment_by_loops(module, t, f)):
        t, f = templates.clone().requires_grad_(), maps.clone().requires_grad_()
        module.zero_grad()
        result = compute(t, f)
        sum((x * signed(*x.shape, seed=7)).sum() for x in result).backward()
        found.append(result)
        gradients.append([t.grad, f.grad] + [p.grad for p in module.parameters() if affine])
    for one, other in zip(*found, strict=True):
        close(one, other)
    for one, other in zip(*gradients, strict=True):
        close(one, other, 1e-8)


@pytest.mark.parametrize("norm", ["shared", "region"])
def test_statistics_are_those_of_the_products(norm):
    """Also far from zero and with hardly any spread, where sums of squares would lose them."""
    templates, maps = draw(3, 4, 5, seed=1), 1e4 + 1e-2 * draw(3, 2, 5, 8, 4, seed=2)
    module = GuideAlignment(5, 4, norm=norm).double()
    mean, variance, count = module.statistics(templates, maps)
    products = correlate(templates, maps)
    over = (0, 1, 2, 4, 5) if norm == "shared" else (0, 1, 4, 5)
    close(mean, products.mean(dim=over).view_as(mean))
    close(variance, products.var(dim=over, correction=0).view_as(mean), 1e-9)
    assert count == products.numel() // mean.numel()
    if norm == "shared":
        reference = nn.BatchNorm2d(5).double()
        reference(products.flatten(0, 2))
        module(templates, maps)
        close(module.running_mean[0], reference.running_mean)
        close(module.running_var[0], reference.running_var, 1e-9)


def test_evaluation_leaves_the_running_statistics_alone():
    module = guide(3, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module(draw(1, 2, 3), draw(1, 2, 3, 4, 2))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_temporal_attention_equals_loops():
    module = TemporalAttention(3, regions=2).double()
    with torch.no_grad():
        module.bias.copy_(signed(2))
    x = signed(2, 4, 2, 3, seed=1).requires_grad_()
    expected = torch.zeros(2, 4, 2).double()
    for a in range(2):
        for i in range(2):
            responses = [
                torch.exp(
                    sum(module.weight[i, k] * x[a, n, i, k] for k in range(3)) + module.bias[i]
                )
                for n in range(4)
            ]
            for n in range(4):
                expected[a, n, i] = responses[n] / sum(responses)
    found = module(x)
    close(found, expected)
    g = signed(2, 4, 2, seed=3)
    close(*(torch.autograd.grad((y * g).sum(), x, retain_graph=True)[0] for y in (found, expected)))
    with torch.no_grad():
        module.bias.add_(3.0)
    close(module(x), expected)


def test_region_attention_equals_loops():
    """Eq. 7 with running statistics: zero padding above the first and below the last region."""
    module = RegionAttention(2).double()
    with torch.no_grad():
        for number, value in enumerate((module.bn.running_mean, module.bn.bias)):
            value.copy_(signed(1, seed=number))
        module.bn.weight.fill_(1.7)
        module.bn.running_var.fill_(0.6)
    regions, weights = signed(3, 4, 2, seed=5), torch.zeros(3, 4).double()
    for a in range(3):
        responses = []
        for i in range(4):
            q = module.conv.bias[0]
            for step in (-1, 0, 1):
                if 0 <= i + step < 4:
                    for k in range(2):
                        q = q + module.conv.weight[0, k, step + 1] * regions[a, i + step, k]
            z = (q - module.bn.running_mean) / (module.bn.running_var + 1e-5) ** 0.5
            z = module.bn.weight * z + module.bn.bias
            responses.append(torch.exp(torch.clamp(z, min=0))[0])
        weights[a] = torch.stack(responses) / sum(responses)
    found = module.eval()(regions)
    close(found, weights)
    assert (found.sum(dim=1) - 1).abs().max() < 1e-12
    by_hand = [
        torch.stack([sum(weights[a, i] * regions[a, i, k] for i in range(4)) for k in range(2)])
        for a in range(3)
    ]
    close(weigh_regions(regions, found), torch.stack(by_hand))


def test_region_classifiers_are_one_for_each_region():
    layer = RegionClassifiers(3, 4, 5).double()
    u = signed(2, 3, 4)
    close(layer(u), torch.stack([u[:, i] @ layer.weight[i].T for i in range(3)], dim=1))


def clip_by_loops(model, maps, readout, temporal):
    """f_s of rows 4 to 8 in evaluation, from maps, vector by vector."""
    b, n, c, h, w = maps.shape
    branch, rows = model.global_branch, h // model.regions
    templates, out = torch.zeros(b, model.regions, c).double(), []
    for a in range(b):
        for i in range(model.regions):
            cells = [maps[a, 0, :, y, x] for y in range(i * rows, (i + 1) * rows) for x in range(w)]
            templates[a, i] = sum(cells) / len(cells)
    features, score, _ = alignment_by_loops(model.guide, templates, maps)
    reduce = model.local_reduce.linear
    for a in range(b):
        frames = [sum(maps[a, m, :, y, x] for y in range(h) for x in range(w)) for m in range(n)]
        frames = [frame / (h * w) for frame in frames]
        e = [torch.exp(branch.attention.weight[0] @ f + branch.attention.bias[0]) for f in frames]
        whole = sum(e[m] / sum(e) * frames[m] for m in range(n))
        f_sg = branch.reduce.linear.weight @ whole + branch.reduce.linear.bias
        regions = []
        for i in range(model.regions):
            if temporal == "score":
                s = [torch.exp(score[a, m, i]) for m in range(n)]
            elif temporal == "attention":
                own = model.region_temporal
                s = [torch.exp(own.weight[i] @ features[a, m, i] + own.bias[i]) for m in range(n)]
            else:
                s = [1.0] * n
            regions.append(sum(s[m] / sum(s) * features[a, m, i] for m in range(n)))
        if readout == "concat":
            f_sl = torch.cat([reduce.weight @ r + reduce.bias for r in regions])
        else:
            weights = [1 / len(regions)] * len(regions)
            if readout == "attention":
                weights = model.region_attention(torch.stack(regions)[None])[0]
            f_sl = sum(x * r for x, r in zip(weights, regions, strict=True))
            f_sl = reduce.weight @ f_sl + reduce.bias
        out.append(torch.cat([f_sg, f_sl]))
    return torch.stack(out)


@pytest.mark.parametrize("row", [4, 5, 6, 8, "mean"])
def test_model_equals_loops(row):
    model, maps = on_maps(**ROWS[row]), draw(2, 3, 6, 4, 2, seed=9)
    readout, temporal = ROWS[row].get("readout", "attention"), ROWS[row].get("temporal", "score")
    close(model(maps).embedding, clip_by_loops(model, maps, readout, temporal))


def test_rows_of_stripes_and_of_the_global_branch():
    maps = draw(2, 3, 6, 4, 2, seed=9)
    model = on_maps(**ROWS[1])
    out = model(maps)
    parts = []
    for i in range(2):
        stripe = maps[:, :, :, 2 * i : 2 * i + 2].mean(dim=(1, 3, 4))
        parts.append(model.local_reduce.linear(stripe))
    close(out.embedding, torch.cat(parts, dim=1))
    features, logits = out.heads["regions"]
    close(features, torch.stack(parts, dim=1))
    close(logits[:, 1], parts[1] @ model.region_classifiers.weight[1].T)
    assert set(out.heads) == {"clip", "regions"}
    assert out.penalties == {}

    model = on_maps(**ROWS[2])
    out = model(maps)
    close(out.embedding, model.global_branch(maps)[0])
    assert set(out.heads) == {"clip"}
    both = on_maps(**ROWS[3])(maps).embedding
    assert both.shape == (2, 5 + 2 * 3)


def test_templates_are_supervised_apart():
    model, maps = on_maps(), draw(2, 3, 6, 4, 2, seed=9)
    features, logits = model(maps).heads["templates"]
    first = torch.stack([maps[:, 0, :, :2].mean((2, 3)), maps[:, 0, :, 2:].mean((2, 3))], dim=1)
    close(features, model.template_reduce.linear(first))
    close(logits, torch.einsum("bid,ikd->bik", features, model.region_classifiers.weight))


# --- the penalty ----------------------------------------------------------------------------------


def test_consistency_and_its_closed_form_gradient():
    x = signed(2, 3, 2, 4).requires_grad_()
    total = torch.zeros(2).double()
    for a in range(2):
        for i in range(2):
            for k in range(4):
                centre = sum(x[a, n, i, k] for n in range(3)) / 3
                total[a] = total[a] + sum((x[a, n, i, k] - centre) ** 2 for n in range(3))
    close(consistency(x), total)
    (gradient,) = torch.autograd.grad(consistency(x).mean(), x)
    middle = x.mean(dim=1, keepdim=True)
    close(gradient, 2 * (x - middle) / 2)
    detached = (x - middle.detach()).square().sum(dim=(1, 2, 3)).mean()
    close(torch.autograd.grad(detached, x)[0], gradient)


def test_penalty_is_the_mean_over_clips_and_scales_by_terms():
    maps = draw(2, 3, 6, 4, 2, seed=9)
    out = on_maps()(maps)
    close(out.penalties["consistency"], consistency(out.maps["aligned"]).mean())
    terms = 3 * 2 * 6
    scaled = on_maps(consistency_terms=5 * terms)(maps)
    close(scaled.penalties["consistency"], 5 * out.penalties["consistency"])


def test_learned_centres_equal_loops():
    module = Centres(4, 2, 3).double()
    x, labels = signed(2, 5, 2, 3, seed=1).requires_grad_(), torch.tensor([3, 1])
    expected = 0
    for a in range(2):
        for i in range(2):
            for n in range(5):
                expected = expected + sum(
                    (x[a, n, i, k] - module.weight[labels[a], i, k]) ** 2 for k in range(3)
                )
    expected = expected / 2
    loss, readings = center(x.mean(1).flatten(1), module(x), labels)
    close(loss, expected)
    assert 0 <= readings["nearest"] <= 1
    wanted = torch.autograd.grad(expected, (x, module.weight))
    for one, other in zip(torch.autograd.grad(loss, (x, module.weight)), wanted, strict=True):
        close(one, other, 1e-9)
    with torch.no_grad():  # on its centre a clip is at no distance, and the gradient is finite
        module.weight[3] = 0
    still = torch.zeros(1, 5, 2, 3, dtype=torch.float64, requires_grad=True)
    loss, readings = center(still.mean(1).flatten(1), module(still), torch.tensor([3]))
    loss.backward()
    assert loss.item() == 0
    assert readings["nearest"] == 1
    assert still.grad.abs().max() == 0
    with pytest.raises(ValueError, match="logits"):
        center(still, None, labels)


def test_learned_centres_are_a_head():
    model = on_maps(centres="learned")
    out = model(draw(2, 3, 6, 4, 2))
    features, logits = out.heads["centres"]
    assert (features.shape, logits.shape) == ((2, 12), (2, 7))


# --- what the algebra implies ---------------------------------------------------------------------


def test_group_convolution_is_the_product():
    """Eq. 1 as printed: a group for each clip, frame, region and channel; its kernel a template."""
    templates, maps = draw(2, 3, 4, seed=1), draw(2, 5, 4, 6, 3, seed=2)
    b, n, c, h, w = maps.shape
    repeated = maps[:, :, None].expand(b, n, 3, c, h, w).reshape(1, -1, h, w)
    kernels = templates[:, None].expand(b, n, 3, c).reshape(-1, 1, 1, 1)
    convolved = F.conv2d(repeated, kernels, groups=b * n * 3 * c).view(b, n, 3, c, h, w)
    close(correlate(templates, maps), convolved)


def test_gates_keep_the_order_of_cells():
    templates, maps = draw(2, 3, 4, seed=1), draw(2, 5, 4, 6, 3, seed=2)
    assert correlate(templates, maps).min() >= 0
    gates = guide(4, 3, training=True).gates(templates, maps)
    order = maps.flatten(3).argsort(dim=3)[:, :, None].expand(2, 5, 3, 4, 18)
    assert (gates.flatten(4).gather(4, order).diff(dim=4) >= 0).all()
    assert gates.min() > 0
    assert gates.max() < 1


@pytest.mark.parametrize("training", [True, False])
def test_alignment_is_blind_to_shuffled_cells(training):
    templates, maps = draw(2, 3, 4, seed=1), draw(2, 5, 4, 6, 3, seed=2)
    module = guide(4, 3, training=training)
    shuffled = shuffle_cells(maps, seed=11)
    assert torch.equal(shuffled[:, 0], maps[:, 0])
    assert not torch.equal(shuffled[:, 1:], maps[:, 1:])
    assert torch.equal(shuffled.flatten(3).sort(dim=3)[0], maps.flatten(3).sort(dim=3)[0])
    one, other = module(templates, maps), module(templates, shuffled)
    close(one.features, other.features, 1e-14)
    close(one.score, other.score, 1e-14)
    assert (one.response - other.response).abs().max() > 1e-2


def test_shuffled_model_returns_the_same_embedding():
    maps = draw(2, 3, 6, 4, 2, seed=9)
    plain, shuffled = on_maps()(maps), on_maps(shuffled=3)(maps)
    close(plain.embedding, shuffled.embedding, 1e-12)
    assert not torch.allclose(plain.maps["region_response"], shuffled.maps["region_response"])


@pytest.mark.parametrize("norm", ["shared", "region"])
def test_normalisation_undoes_the_scale_of_templates(norm):
    templates, maps = draw(2, 3, 4, seed=1), draw(2, 5, 4, 6, 3, seed=2)
    module = guide(4, 3, training=True, norm=norm)
    module.eps = 0.0
    close(module.gates(templates, maps), module.gates(7 * templates, maps))
    one_region = templates.clone()
    one_region[:, 1] *= 7
    same = torch.allclose(module.gates(templates, maps), module.gates(one_region, maps))
    assert same == (norm == "region")


def test_score_weights_are_close_to_an_average():
    gates = guide(4, 3, training=True).gates(draw(2, 3, 4, seed=1), draw(2, 5, 4, 6, 3, seed=2))
    weights = score_weights(alignment_score(gates))
    close(weights.sum(dim=1), torch.ones(2, 3, 4).double())
    assert (weights.amax(dim=1) / weights.amin(dim=1)).max() <= np.e
    assert weights.std() > 0


def test_equal_frames_are_averaged():
    maps = draw(2, 1, 6, 4, 2, seed=9).expand(2, 3, 6, 4, 2)
    outs = {row: on_maps(**ROWS[row])(maps) for row in (4, 5, 6, 8)}
    close(outs[8].maps["frame_weights"], torch.ones(2, 3).double() / 3)
    close(outs[8].maps["region_frame_weights"], torch.ones(2, 3, 2).double() / 3)
    assert outs[8].penalties["consistency"] < 1e-25
    for row in (5, 6):  # the same parameters, however frames are weighed
        shared = {k: v for k, v in on_maps(**ROWS[row]).state_dict().items() if "temporal" not in k}
        plain = on_maps(**ROWS[4])
        plain.load_state_dict(shared)
        close(plain.eval()(maps).embedding, on_maps(**ROWS[row])(maps).embedding)


def test_only_the_first_frame_has_a_place_in_the_order():
    model, maps = on_maps(), draw(2, 4, 6, 4, 2, seed=9)
    expected = model(maps).embedding
    close(model(maps[:, [0, 3, 1, 2]]).embedding, expected)
    assert (model(maps[:, [1, 0, 2, 3]]).embedding - expected).abs().max() > 1e-3


def test_one_region_has_weight_one():
    model, maps = on_maps(regions=1), draw(2, 3, 6, 4, 2, seed=9)
    out = model(maps)
    assert torch.equal(out.maps["region_weights"], torch.ones(2, 1).double())
    aligned = out.maps["aligned"]
    score = model.guide(stripes(maps[:, :1], 1)[:, 0], maps).score
    close(out.embedding[:, 5:], model.local_reduce(aggregate(aligned, score_weights(score))[:, 0]))


def test_region_specific_has_no_common_part():
    response = draw(2, 3, 4, 8, 4)
    close(region_specific(response).sum(dim=2), torch.zeros(2, 3, 8, 4).double())
    maps, gates = draw(1, 2, 3, 4, 2), draw(1, 2, 2, 3, 4, 2, seed=1)
    close(align(maps, gates)[1].mean(dim=(3, 4)), align(maps, gates)[0].mean(dim=3))


# --- the extension: whole stripes as kernels ------------------------------------------------------


def match_by_loops(kernels, maps):
    """Eq. 1 with a kernel of s x v cells, zeros outside the maps."""
    (b, n, c, h, w), (_, regions, _, s, v) = maps.shape, kernels.shape
    out = torch.zeros(b, n, regions, c, h, w, dtype=maps.dtype)
    for a, f, i, k, y, x in np.ndindex(*out.shape):
        for p, q in np.ndindex(s, v):
            row, column = y + p - (s - 1) // 2, x + q - (v - 1) // 2
            if 0 <= row < h and 0 <= column < w:
                out[a, f, i, k, y, x] += kernels[a, i, k, p, q] * maps[a, f, k, row, column]
    return out


def stripe_alignment_by_loops(module, kernels, maps):
    """Features and score of a guide whose kernels are stripes."""
    products, gates = match_by_loops(kernels, maps), []
    for i in range(kernels.shape[1]):
        own = module.weight.shape[0] > 1
        for k in range(maps.shape[2]):
            members = products[:, :, i, k] if own else products[:, :, :, k]
            row = i if own else 0
            if module.training:
                mean = sum(members.flatten()) / members.numel()
                variance = sum((v - mean) ** 2 for v in members.flatten()) / members.numel()
            else:
                mean, variance = module.running_mean[row, k], module.running_var[row, k]
            z = (products[:, :, i, k] - mean) / (variance + 1e-5) ** 0.5
            gates.append(1 / (1 + torch.exp(-module.weight[row, k] * z - module.bias[row, k])))
    shape = (maps.shape[0], maps.shape[1], kernels.shape[1], maps.shape[2], *maps.shape[3:])
    gates = torch.stack(gates, dim=2).view(shape)
    features = torch.stack([maps * gates[:, :, i] for i in range(shape[2])], dim=2).mean((4, 5))
    return features, (products if module.score == "raw" else gates).mean((4, 5))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (2, 3), (3, 1)])
def test_match_equals_loops_with_gradients(size):
    kernels, maps = signed(2, 2, 2, *size, seed=1).requires_grad_(), signed(2, 2, 2, 4, 3, seed=2)
    maps.requires_grad_()
    found, expected = match(kernels, maps), match_by_loops(kernels, maps)
    close(found, expected)
    g = signed(*found.shape, seed=3)
    wanted = torch.autograd.grad((expected * g).sum(), (kernels, maps))
    for one, other in zip(torch.autograd.grad((found * g).sum(), (kernels, maps)), wanted):
        close(one, other)
    if size == (1, 1):
        close(found, correlate(kernels[..., 0, 0], maps))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", ["shared", "region"])
@pytest.mark.parametrize("score", ["gated", "raw"])
def test_alignment_by_stripes_equals_loops_with_gradients(training, norm, score):
    kernels, maps = signed(2, 2, 2, 2, 2, seed=5), draw(2, 2, 2, 4, 2, seed=6)
    module = guide(2, 2, training=training, norm=norm, score=score)
    found, gradients = [], []
    for compute in (module, lambda t, f: stripe_alignment_by_loops(module, t, f)):
        t, f = kernels.clone().requires_grad_(), maps.clone().requires_grad_()
        module.zero_grad()
        result = compute(t, f)[:2]
        sum((x * signed(*x.shape, seed=7)).sum() for x in result).backward()
        found.append(result)
        gradients.append([t.grad, f.grad] + [p.grad for p in module.parameters()])
    for one, other in zip(*found, strict=True):
        close(one, other)
    for one, other in zip(*gradients, strict=True):
        close(one, other, 1e-8)


def test_running_statistics_of_a_match_are_a_batch_norms():
    kernels, maps = draw(2, 2, 3, 2, 2, seed=1), draw(2, 3, 3, 4, 2, seed=2)
    module, reference = GuideAlignment(3, 2).double(), nn.BatchNorm2d(3).double()
    gates = module.gates(kernels, maps)
    close(gates, reference(match(kernels, maps).flatten(0, 2)).sigmoid().view_as(gates))
    close(module.running_mean[0], reference.running_mean)
    close(module.running_var[0], reference.running_var)


def test_model_matches_the_stripes_of_its_first_frame():
    """The same parameters; templates' own head stays; and cells now have a place."""
    maps = draw(2, 3, 6, 4, 2, seed=9)
    plain, model = on_maps(), on_maps(kernel="stripe")
    assert list(plain.state_dict()) == list(model.state_dict())
    out, kernels = model(maps), torch.stack([maps[:, 0, :, :2], maps[:, 0, :, 2:]], dim=1)
    features, score = stripe_alignment_by_loops(model.guide, kernels, maps)
    close(out.maps["aligned"], features)
    regions = aggregate(features, score_weights(score))
    local = weigh_regions(regions, model.region_attention(regions))
    close(out.embedding[:, 5:], model.local_reduce(local))
    close(out.heads["templates"][0], plain(maps).heads["templates"][0])
    shuffled = on_maps(kernel="stripe", shuffled=3)(maps)
    assert (out.maps["aligned"] - shuffled.maps["aligned"]).abs().max() > 1e-3
    detached = on_maps(kernel="stripe", detach_templates=True)(maps)
    close(detached.embedding, out.embedding)


def test_a_stripe_answers_loudest_where_it_lies():
    """One bright cell, seen again two rows lower: its stripe's answer moves with it."""
    maps = torch.zeros(1, 2, 1, 4, 2, dtype=torch.float64)
    maps[0, 0, 0, 0, 0], maps[0, 1, 0, 2, 0] = 3, 3
    answer = match(maps[:, 0, None, :, :2], maps)[0, :, 0, 0]
    assert [int(a.argmax()) for a in answer] == [0, 4]
    assert (answer == 9).sum() == (answer > 0).sum() == 2


def test_a_kernel_larger_than_the_maps_is_refused_with_the_numbers():
    with pytest.raises(ValueError, match="kernel of 5x2 cells does not fit into maps of 4x3"):
        match(draw(1, 1, 2, 5, 2), draw(1, 1, 2, 4, 3))
    with pytest.raises(ValueError, match="10 rows do not divide into 4 regions"):
        on_maps(kernel="stripe", regions=4)(draw(1, 2, 6, 10, 2))


# --- options, sizes, refusals ---------------------------------------------------------------------


def test_detached_templates_get_no_gradient_from_the_alignment():
    """Frame 0 still has one of its own; what vanishes is the path through the templates."""
    maps = draw(2, 3, 6, 4, 2, seed=9).requires_grad_()
    gradients = []
    for detach in (False, True):
        embedding = on_maps(detach_templates=detach)(maps).embedding
        gradients.append(torch.autograd.grad(embedding.sum(), maps)[0])
    assert not torch.allclose(gradients[0][:, 0], gradients[1][:, 0])
    close(gradients[0][:, 1:], gradients[1][:, 1:])


def test_reductions_may_be_normalised_and_rectified():
    maps = draw(2, 3, 6, 4, 2, seed=9)
    for norm in ("bn", "bn_relu"):
        model = on_maps(reduce_norm=norm)
        branch: GlobalBranch = model.global_branch
        frames = maps.mean(dim=(3, 4))
        whole = (branch.attention(frames[:, :, None]) * frames).sum(dim=1)
        y = branch.reduce.norm(branch.reduce.linear(whole))
        close(model(maps).embedding[:, :5], y.relu() if norm == "bn_relu" else y)
        assert model(maps).heads["templates"][0].shape == (2, 2, 3)
    model.train()(maps)  # regions count as samples of one BN


def test_branches_may_have_heads_of_their_own():
    out = on_maps(branch_heads=True)(draw(2, 3, 6, 4, 2))
    close(torch.cat([out.heads["global"][0], out.heads["local"][0]], dim=1), out.embedding)
    assert out.heads["local"][1].shape == (2, 7)
    assert set(on_maps(branch_heads=True, **ROWS[2])(draw(2, 3, 6, 4, 2)).heads) == {
        "clip",
        "global",
    }


@pytest.mark.parametrize(
    ("b", "t", "size"), [(1, 1, (64, 32)), (3, 7, (64, 32)), (2, 2, (128, 48))]
)
def test_any_sensible_size_passes(b, t, size):
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1))
    model = build_model("fgra", net, 5, frames=4, size=(64, 32), embed=6, region_embed=3).eval()
    assert isinstance(model, FGRA)
    clips = torch.rand(b, t, 3, *size)
    out = model(clips)
    rows, columns = net.map_size(*size)
    assert out.embedding.shape == (b, 12)
    assert out.maps["region_response"].shape == (b, t, 4, rows, columns)
    assert out.maps["region_frame_weights"].shape == (b, t, 4)
    assert model.pool(out).shape == (12,)
    close(model.pool(out), out.embedding.mean(dim=0))


def test_sizes_that_do_not_divide_are_refused_with_the_numbers():
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"64x32 give maps of 8x4, whose 8 rows .* 3 regions"):
        FGRA(net, 5, frames=4, size=(64, 32), regions=3)
    model = FGRA(net, 5, frames=4, size=(64, 32)).eval()
    with pytest.raises(ValueError, match="10 rows do not divide into 4 regions"):
        model(torch.rand(1, 2, 3, 80, 32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temporal": "tas"}, "temporal is one of mean, attention, score, not 'tas'"),
        ({"centres": "none"}, "centres"),
        ({"similarity_norm": "batch"}, "similarity_norm"),
        ({"global_branch": False, "local": "none"}, "nothing to return"),
        ({"local": "stripes"}, "stripes have no guide"),
        ({"kernel": "3x3"}, "kernel is one of 1x1, stripe, not '3x3'"),
        (
            {"kernel": "stripe", "local": "none"},
            "kernel for local 'aligned', not 'none'",
        ),
    ],
)
def test_unknown_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        on_maps(**options)


def test_half_precision_is_lifted_before_it_is_averaged():
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1))
    model = FGRA(net, 5, frames=3, size=(64, 32), embed=6, region_embed=3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(torch.rand(2, 3, 3, 64, 32))
    for name in ("frame_weights", "region_weights", "region_frame_weights", "aligned"):
        assert out.maps[name].dtype == torch.float32
    close(out.maps["region_weights"].sum(dim=1), torch.ones(2), 1e-6)
    assert out.penalties["consistency"].dtype == torch.float32


def test_total_is_the_sum_of_equation_13():
    """L_id of the clip, mean L_id of the templates, and lambda times Eq. 12."""
    model = on_maps(**ROWS[8]).train()
    labels = torch.tensor([0, 0, 1, 1])
    out = model(draw(4, 3, 6, 4, 2, seed=9))
    total, _ = objective(out, labels, FULL.losses, FULL.penalties)

    def identity(features, logits):
        picked = F.log_softmax(logits, dim=1)[torch.arange(4), labels]
        terms = []
        for a in range(4):
            d = [(features[a] - features[o]).norm() for o in range(4)]
            own = max(d[o] for o in range(4) if labels[o] == labels[a] and o != a)
            other = min(d[o] for o in range(4) if labels[o] != labels[a])
            terms.append(torch.clamp(0.5 + own - other, min=0))
        return -picked.mean() + sum(terms) / 4

    u, logits = out.heads["templates"]
    expected = identity(*out.heads["clip"])
    expected = expected + sum(identity(u[:, i], logits[:, i]) for i in range(2)) / 2
    expected = expected + 5e-4 * consistency(out.maps["aligned"]).mean()
    close(total, expected)
