"""TACAN against its reference case, plain loops, and what its algebra implies."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reidlib.data.sampling import TEST_RULES
from reidlib.losses.objective import objective
from reidlib.losses.triplet import batch_hard_triplet
from reidlib.models import backbone, build_model
from reidlib.models.initialise import initialise
from reidlib.models.output import Output, join
from reidlib.models.tacan import (
    TACAN,
    ClipAttention,
    TemporalAttention,
    clip_feature,
    clip_weights,
    tracklet_feature,
)
from reidlib.recipes.tacan import TACAN as FULL

CASE = np.load(Path(__file__).parents[1] / "data/tacan/tacan_clip_attention.npz")
GATES = ("sigmoid", "linear", "softmax")


def case(name):
    return torch.from_numpy(np.array(CASE[name]))


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


class Given(nn.Module):
    """A backbone that returns the maps it is given."""

    out_channels = 6

    def map_size(self, height, width):
        return height // 8, width // 8

    def forward(self, maps):
        return maps, {}


def on_maps(seed=0, **options):
    """TACAN on (b, t, 6, 3, 2) maps, every parameter drawn."""
    options = {"attention_width": 4, "embed": 5, **options}
    model = TACAN(Given(), 7, **{"frames": 3, "size": (24, 16), **options})
    model = initialise(model, seed).double()
    for number, value in enumerate(model.parameters()):
        value.data.copy_(draw(*value.shape, seed=100 + number))
    return model.eval()


def reference_clips(gate, bias):
    module = ClipAttention(6, 4, gate=gate, score_bias=bias).double()
    with torch.no_grad():
        module.score.weight.copy_(case("w")[None])
        if bias:
            module.score.bias.fill_(case("w_bias"))
        module.embed.weight.copy_(case("W_embed"))
        module.embed.bias.copy_(case("b_embed"))
    return module, torch.arange(5) < case("m")[:, None]


# --- the reference case ---------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("gate", GATES)
def test_reference_case_of_padded_batches(gate, bias):
    module, mask = reference_clips(gate, bias)
    name = f"{gate}_{'bias' if bias else 'nobias'}"
    found = module(case("FC"), mask)
    close(found.weights, case(f"{name}_w"))
    close(found.feature, case(f"{name}_f"))
    embedded = module.embed(case("FC"))
    close(embedded * mask[..., None], case("E"))
    normalised = tracklet_feature(embedded, found.weights, mask, normalise="sum")
    close(normalised, case(f"{name}_f_normalised"))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("gate", GATES)
def test_reference_case_by_pooling_clips_one_by_one(gate, bias):
    module, _ = reference_clips(gate, bias)
    name = f"{gate}_{'bias' if bias else 'nobias'}"
    for normalise, end in (("count", "f"), ("sum", "f_normalised")):
        model = on_maps(gate=gate, score_bias=bias, normalise=normalise)
        for row, m in enumerate(case("m")):
            single = [module(case("FC")[row, None, None, i]) for i in range(m)]
            outputs = [
                Output(
                    one.feature,
                    maps={"clip_weights": one.weights[0], "clip_scores": one.scores[0]},
                )
                for one in single
            ]
            found = model.pool(join(outputs, model.pool_maps))
            close(found, case(f"{name}_{end}")[row])


# --- plain loops ----------------------------------------------------------------------------------


def frame_weights_by_loops(module, maps):
    """Both convolutions, the ReLUs, and the gate; also the scores before it."""
    b, t, c, h, w = maps.shape
    width = module.conv.weight.shape[0]
    rows, scores = [], []
    for n in range(b):
        p = [
            [
                torch.clamp(
                    module.conv.bias[r]
                    + sum(
                        module.conv.weight[r, k, y, x] * maps[n, f, k, y, x]
                        for k in range(c)
                        for y in range(h)
                        for x in range(w)
                    ),
                    min=0,
                )
                for r in range(width)
            ]
            for f in range(t)
        ]
        q = []
        for f in range(t):
            value = module.tconv.bias[0]
            for step in (-1, 0, 1):
                if 0 <= f + step < t:
                    for r in range(width):
                        value = value + module.tconv.weight[0, r, step + 1] * p[f + step][r]
            q.append(torch.clamp(value, min=0))
        if module.gate == "softmax":
            gates = [torch.exp(v) for v in q]
        else:
            gates = [1 / (1 + torch.exp(-v)) for v in q]
        total = 1 if module.gate == "sigmoid" else sum(gates)
        rows.append(torch.stack([g / total for g in gates]))
        scores.append(torch.stack(q))
    return torch.stack(rows), torch.stack(scores)


@pytest.mark.parametrize("gate", ["softmax", "sigmoid_l1", "sigmoid"])
def test_temporal_attention_equals_loops_with_gradients(gate):
    module = TemporalAttention(3, (3, 2), width=4, gate=gate).double()
    maps = draw(2, 4, 3, 3, 2, seed=3).requires_grad_()
    found, (expected, scores) = module(maps), frame_weights_by_loops(module, maps)
    assert (scores > 0).any(), "a dead layer would prove nothing"
    close(found, expected)
    if gate != "sigmoid":
        close(found.sum(dim=1), torch.ones(2).double())
    g, inputs = draw(2, 4, seed=4), (maps, *module.parameters())
    wanted = torch.autograd.grad((expected * g).sum(), inputs)
    for one, other in zip(torch.autograd.grad((found * g).sum(), inputs), wanted, strict=True):
        close(one, other, 1e-9)


@pytest.mark.parametrize("divide", [False, True])
def test_clip_feature_equals_loops(divide):
    frames, weights = draw(2, 4, 3), draw(2, 4, seed=1)
    expected = torch.zeros(2, 3).double()
    for n in range(2):
        for k in range(3):
            total = sum(weights[n, t] * frames[n, t, k] for t in range(4))
            expected[n, k] = total / 4 if divide else total
    close(clip_feature(frames, weights, divide_by_t=divide), expected)


@pytest.mark.parametrize("normalise", ["count", "sum"])
@pytest.mark.parametrize("gate", [*GATES, "unit"])
def test_clip_level_equals_loops_with_gradients(gate, normalise):
    clips, m = draw(3, 5, 4, seed=1).requires_grad_(), (5, 1, 3)
    score, embed, offset = draw(4, seed=2), draw(2, 4, seed=3), draw(2, seed=4)
    expected = []
    for row in range(3):
        z = [sum(score[k] * clips[row, i, k] for k in range(4)) for i in range(m[row])]
        if gate == "sigmoid":
            w = [1 / (1 + torch.exp(-v)) for v in z]
        elif gate == "softmax":
            w = [torch.exp(v) / sum(torch.exp(u) for u in z) for v in z]
        else:
            w = z if gate == "linear" else [torch.ones(()).double() for _ in z]
        e = [embed @ clips[row, i] + offset for i in range(m[row])]
        by = m[row] if normalise == "count" else sum(w)
        expected.append(sum(a * v for a, v in zip(w, e, strict=True)) / by)
    mask = torch.arange(5) < torch.tensor(m)[:, None]
    weights = clip_weights(clips @ score, gate, mask)
    found = tracklet_feature(clips @ embed.T + offset, weights, mask, normalise)
    close(found, torch.stack(expected))
    g = draw(3, 2, seed=5)
    one, other = (
        torch.autograd.grad((y * g).sum(), clips)[0] for y in (found, torch.stack(expected))
    )
    close(one, other, 1e-9)
    assert one[1, 1:].abs().max() == 0


@pytest.mark.parametrize("attended", [False, True])
@pytest.mark.parametrize("level", ["mean", "embedding", "attention"])
def test_model_equals_loops(attended, level):
    model, maps = on_maps(frame_attention=attended, clip_level=level), draw(2, 3, 6, 3, 2).relu()
    frames, out = maps.mean(dim=(3, 4)), model(maps)
    weights = torch.ones(2, 3).double() / 3
    if attended:
        weights, _ = frame_weights_by_loops(model.temporal_attention, maps)
        close(out.maps["frame_weights"], weights)
    feature = torch.stack([sum(weights[n, t] * frames[n, t] for t in range(3)) for n in range(2)])
    if level != "mean":
        layers = model.clip_attention
        embedded = feature @ layers.embed.weight.T + layers.embed.bias
        if level == "attention":
            w = 1 / (1 + torch.exp(-(feature @ layers.score.weight[0])))
            close(out.maps["clip_weights"], w)
            embedded = w[:, None] * embedded
        feature = embedded
    close(out.embedding, feature)
    close(out.heads["clip"][1], feature @ model.classifier.weight.T)


# --- several clips of a tracklet in training ------------------------------------------------------


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("normalise", ["count", "sum"])
@pytest.mark.parametrize("gate", [*GATES, "unit"])
def test_training_on_several_clips_equals_loops_with_gradients(gate, normalise, m):
    """Each clip is cut out and seen alone; then Eq. 1 to 3 go over the clips of its tracklet."""
    maps = draw(2, 2 * m, 6, 3, 2).relu().requires_grad_()
    model = on_maps(gate=gate, normalise=normalise, clips_per_tracklet=m, frames=2 * m).train()
    layers, expected, scores = model.clip_attention, [], []
    for row in maps:
        clips = []
        for i in range(m):
            clip = row[2 * i : 2 * i + 2]
            a, _ = frame_weights_by_loops(model.temporal_attention, clip[None])
            clips.append(sum(a[0, t] * clip[t].mean(dim=(1, 2)) for t in range(2)))
        z = [layers.score.weight[0] @ f for f in clips]
        if gate == "sigmoid":
            w = [1 / (1 + torch.exp(-v)) for v in z]
        elif gate == "softmax":
            w = [torch.exp(v) / sum(torch.exp(u) for u in z) for v in z]
        else:
            w = z if gate == "linear" else [torch.ones(()).double() for _ in z]
        e = [layers.embed.weight @ f + layers.embed.bias for f in clips]
        by = sum(w) if normalise == "sum" and m > 1 else m
        expected.append(sum(a * v for a, v in zip(w, e, strict=True)) / by)
        scores.append(torch.stack(z))
    out, expected = model(maps), torch.stack(expected)
    close(out.embedding, expected)
    close(out.heads["clip"][1], expected @ model.classifier.weight.T)
    close(out.maps["clip_scores"].view(2, m), torch.stack(scores))
    assert out.maps["clip_weights"].shape == ((2,) if m == 1 else (2, m))
    close(out.maps["frame_weights"].view(2, m, 2).sum(dim=2), torch.ones(2, m).double())
    g = draw(2, 5, seed=5)
    one, other = (
        torch.autograd.grad((y * g).sum(), maps, retain_graph=True)[0]
        for y in (out.embedding, expected)
    )
    close(one, other, 1e-9)


@pytest.mark.parametrize("level", ["mean", "embedding", "attention"])
def test_several_clips_are_their_pool(level):
    """What a tracklet is in training is what it is at test, where its clips come one by one."""
    maps = draw(1, 6, 6, 3, 2).relu()
    model = on_maps(clip_level=level, clips_per_tracklet=3, frames=6)
    trained = model.train()(maps).embedding[0]
    model.eval()
    close(trained, model.pool(model(maps.view(3, 2, 6, 3, 2))))


@pytest.mark.parametrize("level", ["mean", "embedding", "attention"])
def test_one_clip_changes_nothing(level):
    """Bit for bit: the default, one clip by name, and the test of a model of several."""
    maps = draw(4, 3, 6, 3, 2).relu()
    plain, one = on_maps(clip_level=level), on_maps(clip_level=level, clips_per_tracklet=1)
    several = on_maps(clip_level=level, clips_per_tracklet=3)
    assert list(plain.state_dict()) == list(several.state_dict())
    expected, found = plain.train()(maps), one.train()(maps)
    for other in (found, plain.eval()(maps), several.eval()(maps)):
        assert torch.equal(other.embedding, expected.embedding)
        assert other.maps.keys() == expected.maps.keys()
        assert all(torch.equal(other.maps[name], expected.maps[name]) for name in other.maps)
    frames = clip_feature(maps.mean(dim=(3, 4)), expected.maps["frame_weights"])
    if level != "mean":
        frames = plain.clip_attention(frames[:, None]).feature
    assert torch.equal(expected.embedding, frames)


@pytest.mark.parametrize("m", [0, 2, 4, "two"])
def test_frames_that_do_not_divide_are_refused_with_the_numbers(m):
    with pytest.raises(ValueError, match=f"3 frames of a tracklet do not divide into {m} clips"):
        on_maps(clips_per_tracklet=m)
    with pytest.raises(ValueError, match="4 frames of a tracklet do not divide into 3 clips"):
        on_maps(clips_per_tracklet=3).train()(draw(2, 4, 6, 3, 2))
    assert on_maps(clips_per_tracklet=3)(draw(2, 4, 6, 3, 2)).embedding.shape == (2, 5)


# --- what the algebra implies ---------------------------------------------------------------------


def test_one_clip_is_its_weighted_embedding():
    model, maps = on_maps(), draw(1, 3, 6, 3, 2).relu()
    out = model(maps)
    close(model.pool(out), out.embedding[0])


@pytest.mark.parametrize("m", [1, 2, 7])
def test_equal_clips_are_one(m):
    model, maps = on_maps(), draw(1, 3, 6, 3, 2).relu()
    out = model(maps.expand(m, -1, -1, -1, -1))
    close(model.pool(out), model(maps).embedding[0])


def test_padding_never_counts():
    module, mask = reference_clips("sigmoid", bias=False)
    padded = torch.where(mask[..., None], case("FC"), 1e3 * draw(3, 5, 6))
    unset = torch.where(mask[..., None], case("FC"), torch.nan)
    for normalise in ("count", "sum"):
        close(module(unset, mask, normalise)[0], module(padded, mask, normalise)[0])
    close(module(padded, mask).feature, case("sigmoid_nobias_f"))
    wider = torch.cat([padded, draw(3, 4, 6)], dim=1)
    mask = torch.cat([mask, torch.zeros(3, 4, dtype=torch.bool)], dim=1)
    close(module(wider, mask).feature, case("sigmoid_nobias_f"))
    assert (module(wider, mask).weights[~mask] == 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_padding_leaves_no_trace_in_the_norm_or_a_gradient(training):
    clips, mask = draw(3, 5, 6), torch.arange(5) < torch.tensor([5, 2, 1])[:, None]
    found = []
    for padding in (0.0, 1e3, torch.nan):
        torch.manual_seed(0)
        module = ClipAttention(6, 4, embed_norm="bn_relu").double().train(training)
        module(torch.where(mask[..., None], clips, padding), mask).feature.square().sum().backward()
        weights = [p.grad for p in (module.embed.weight, module.score.weight, module.norm.weight)]
        found.append([*weights, module.norm.running_mean, module.norm.running_var])
    for one in zip(*found):
        assert one[0].isfinite().all()
        close(one[0], one[1])
        close(one[0], one[2])
    real = module.rectify(module.norm(module.embed(clips[mask])))
    close(module.embedded(clips, mask)[mask], real)
    assert (module.embedded(clips, mask)[~mask] == 0).all()


@pytest.mark.parametrize("gate", [*GATES, "unit"])
def test_clips_have_no_order_but_frames_have(gate):
    model, maps = on_maps(gate=gate), draw(5, 3, 6, 3, 2).relu()
    pooled = model.pool(model(maps))
    close(model.pool(model(maps[[3, 0, 4, 1, 2]])), pooled)
    assert (model(maps[:, [1, 0, 2]]).embedding - model(maps).embedding).abs().max() > 1e-3


def test_linear_gate_trades_scale_with_the_embedding():
    one, other = (reference_clips("linear", bias=False)[0] for _ in range(2))
    with torch.no_grad():
        other.score.weight.mul_(3)
        for value in other.embed.parameters():
            value.div_(3)
    close(one(case("FC")).feature, other(case("FC")).feature)


def test_dead_relu_averages_and_learns_nothing():
    module = TemporalAttention(3, (3, 2), width=4).double()
    with torch.no_grad():
        module.tconv.bias.fill_(-1e3)
    maps = draw(2, 4, 3, 3, 2)
    weights = module(maps)
    assert torch.equal(weights, torch.full((2, 4), 0.25).double())
    (weights * draw(2, 4)).sum().backward()
    assert all(p.grad.abs().max() == 0 for p in module.parameters())


def test_relu_starts_alive():
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1))
    for seed in range(5):
        model = TACAN(net, 5, frames=4, size=(64, 32), attention_width=4, embed=6)
        initialise(model, seed)
        model(torch.rand(2, 4, 3, 64, 32)).maps["frame_weights"].square().sum().backward()
        assert model.temporal_attention.conv.weight.grad.abs().max() > 0
        model.zero_grad()


def test_tested_with_unit_weights_a_model_keeps_its_parameters():
    maps = draw(4, 3, 6, 3, 2).relu()
    model, unit = on_maps(), on_maps(gate="unit")
    unit.load_state_dict(model.state_dict())
    out = unit(maps)
    assert torch.equal(out.maps["clip_weights"], torch.ones(4).double())
    whole = model(maps)
    close(unit.pool(out), (whole.embedding / whole.maps["clip_weights"][:, None]).mean(dim=0))


def test_embedding_alone_has_no_score():
    names = {n for n, _ in on_maps(clip_level="embedding").named_parameters()}
    assert not any("score" in n for n in names)
    assert any("clip_attention.embed" in n for n in names)
    assert {n for n, _ in on_maps().named_parameters()} - names == {"clip_attention.score.weight"}
    assert on_maps(clip_level="embedding").pool_maps == ()


def test_triplets_mine_the_same_clips_squared_or_not():
    """The mean over anchors is the sum over 32, and squares change no choice."""
    features, labels = draw(32, 5), torch.arange(32) // 4
    distances = torch.cdist(features, features)
    expected = 0.0
    for a in range(32):
        plain = {o: distances[a, o].item() for o in range(32) if o != a}
        chosen = []
        for power in (1, 2):
            own = max((d**power, o) for o, d in plain.items() if labels[o] == labels[a])
            other = min((d**power, o) for o, d in plain.items() if labels[o] != labels[a])
            chosen.append((own[1], other[1]))
        assert chosen[0] == chosen[1]
        expected += max(0.3 + own[0] - other[0], 0) / 32
    options = FULL.losses[1].options
    found, _ = batch_hard_triplet(features, None, labels, **options)
    close(found.item(), expected)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 190])
def test_clips_of_a_tracklet_show_every_frame(frames):
    clips = TEST_RULES[FULL.test.frames](frames, 4)
    assert clips.shape == (-(-frames // 4), 4)
    assert set(clips.flatten().tolist()) == set(range(frames))
    if frames == 190:
        assert len(clips) == 48


def test_total_is_the_sum_of_equation_4():
    model, labels = on_maps().train(), torch.tensor([0, 0, 1, 1])
    out = model(draw(4, 3, 6, 3, 2).relu())
    total, readings = objective(out, labels, FULL.losses, FULL.penalties)
    f, logits = out.heads["clip"]
    log_p = logits.log_softmax(dim=1)
    targets = torch.full((4, 7), 0.1 / 7, dtype=torch.float64)
    targets[torch.arange(4), labels] += 0.9
    expected = -(targets * log_p).sum(dim=1).mean()
    d = (f[:, None] - f[None]).square().sum(dim=2)
    for a in range(4):
        own = max(d[a, o] for o in range(4) if labels[o] == labels[a] and o != a)
        other = min(d[a, o] for o in range(4) if labels[o] != labels[a])
        expected = expected + torch.clamp(0.3 + own - other, min=0) / 4
    means = torch.stack([f[labels == k].mean(dim=0) for k in (0, 1)])
    within = sum((f[i] - means[labels[i]]).square().sum() for i in range(4))
    between = sum(2 * (means[k] - f.mean(dim=0)).square().sum() for k in range(2))
    close(total, expected + within / between)
    close(readings["minmax.within"], within.detach())


# --- sizes, options, refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(("b", "t"), [(1, 1), (3, 7), (2, 4)])
def test_any_number_of_clips_and_frames_passes(b, t):
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1), se=True)
    model = build_model("tacan", net, 5, frames=4, size=(64, 32), attention_width=4, embed=6)
    assert isinstance(model, TACAN)
    out = model.eval()(torch.rand(b, t, 3, 64, 32))
    assert out.embedding.shape == (b, 6)
    assert out.maps["frame_weights"].shape == (b, t)
    assert all(out.maps[name].shape == (b,) for name in model.pool_maps)
    assert model.pool(out).shape == (6,)


def test_another_size_is_refused_with_the_numbers():
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1))
    model = TACAN(net, 5, frames=4, size=(64, 32)).eval()
    with pytest.raises(ValueError, match=r"attention is 8x4, the maps are 16x8"):
        model(torch.rand(1, 2, 3, 128, 64))
    plain = TACAN(net, 5, frames=4, size=(64, 32), frame_attention=False, clip_level="mean")
    assert plain.eval()(torch.rand(1, 2, 3, 128, 64)).embedding.shape == (1, 8)


def test_embedding_may_be_normalised_and_rectified():
    f = draw(1, 3, 6).expand(4, -1, -1)
    module = ClipAttention(6, 4, embed_norm="bn_relu", gate="unit", score=False).double()
    found = module(f).feature
    expected = nn.functional.batch_norm(module.embed(f).flatten(0, 1), None, None, training=True)
    close(found, expected.relu().view(4, 3, 4).mean(dim=1), 1e-7)
    assert on_maps(embed_norm="bn")(draw(2, 3, 6, 3, 2)).embedding.shape == (2, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gate": "tanh"}, "gate is one of sigmoid, linear, softmax, unit, not 'tanh'"),
        ({"clip_level": "max"}, "clip_level"),
        ({"frame_gate": "linear"}, "frame_gate"),
        ({"normalise": "max"}, "normalise"),
        ({"embed_norm": "ln"}, "embed_norm"),
    ],
)
def test_unknown_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        on_maps(**options)


def test_half_precision_is_lifted_before_it_is_weighed():
    net = backbone.small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1))
    model = TACAN(net, 5, frames=3, size=(64, 32), attention_width=4, embed=6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(torch.rand(2, 3, 3, 64, 32))
    for value in (out.embedding, out.maps["frame_weights"], out.maps["clip_weights"]):
        assert value.dtype == torch.float32
    close(out.maps["frame_weights"].sum(dim=1), torch.ones(2), 1e-6)
