"""TRSA against its reference case, plain loops, and what its algebra implies."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from reidlib.models import backbone, build_model
from reidlib.models.trsa import (
    TRSA,
    attention,
    concentration_and_overlap,
    pool_frames,
    regularisation,
    weigh,
)

CASE = np.load(Path(__file__).parents[1] / "data/trsa/sam_reg.npz")
FORMS = ("sum", "sqrt", "mean", "linear")
TAU = {"sum": 1.0, "sqrt": math.sqrt(8), "mean": 8.0, "linear": 1.0}


def case(name):
    return torch.from_numpy(CASE[name])


def draw(*shape, seed=0):
    """Non-negative features, as behind a ReLU."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).relu() + 0.01


def close(found, expected, tolerance=1e-10):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def attention_by_loops(f, form):
    """Eq. 1 and 2, position by position."""
    b, t, c, h, w = f.shape
    response, alpha = torch.zeros(b, t, h, w).to(f), torch.zeros(b, t, h, w).to(f)
    for v in range(b):
        for n in range(t):
            values = {}
            for i in range(h):
                for j in range(w):
                    total = sum(f[v, n, k, i, j] for k in range(c))
                    values[i, j] = total / {"sqrt": math.sqrt(c), "mean": c}.get(form, 1)
            weights = values if form == "linear" else {p: torch.exp(x) for p, x in values.items()}
            for p, x in weights.items():
                response[v, n, *p] = values[p]
                alpha[v, n, *p] = x / sum(weights.values())
    return response, alpha


# --- the reference case ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_reference_attention_and_pooling(form):
    response, alpha = attention(case("f"), form)
    close(response, case(f"{form}.R"))
    close(alpha, case(f"{form}.alpha"))
    weighted = weigh(case("f"), alpha)
    if form == "sum":
        close(weighted, case("sum.weighted_map"))
    for pooling in ("sum", "gap"):
        frames = pool_frames(weighted, pooling)
        close(frames, case(f"{form}.frame_{pooling}"))
        close(frames.mean(dim=1), case(f"{form}.video_{pooling}"))
    close(regularisation(alpha), case(f"{form}.reg"))
    close(regularisation(alpha, target=3 / 8), case(f"{form}.reg_target_N_over_HW"))


@pytest.mark.parametrize("form", ["sum", "sqrt", "mean"])
@pytest.mark.parametrize("target", [1.0, 3 / 8])
def test_reference_gradient(form, target):
    f = case("f").requires_grad_()
    response, alpha = attention(f, form)
    penalty = regularisation(alpha, target).sum()
    at_response, at_features = torch.autograd.grad(penalty, (response, f))
    close(at_response, case(f"{form}.grad_reg_wrt_R"), 1e-8)
    close(at_response, case(f"{form}.grad_reg_target_N_over_HW_wrt_R"), 1e-8)
    expected = case(f"{form}.grad_reg_wrt_R") / TAU[form]
    close(at_features, expected[:, :, None].expand_as(f), 1e-8)


def test_reference_forms_are_four_different_maps():
    for form in FORMS:
        for other in FORMS:
            difference = (attention(case("f"), form)[1] - case(f"{other}.alpha")).abs().max()
            assert (difference < 1e-10) == (form == other)


def test_reference_saturated():
    f = case("saturated.f")
    _, alpha = attention(f, "sum")
    close(alpha, case("saturated.alpha"))
    close(pool_frames(weigh(f, alpha)), case("saturated.frame_sum"))
    close(regularisation(alpha), case("saturated.reg"))


@pytest.mark.parametrize("name", ["hand", "hand4"])
def test_reference_hand_cases(name):
    expected = {"hand": [2.0, 0.0, 0.0], "hand4": [4.0, 2.0, 1.0]}[name]
    assert regularisation(case(f"{name}.alpha")).tolist() == pytest.approx(expected, abs=1e-12)
    assert case(f"{name}.reg").tolist() == expected


# --- plain loops ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(2, 3, 5, 4, 2), (1, 1, 7, 1, 3)])
def test_attention_equals_loops(form, shape):
    f = draw(*shape, seed=1).requires_grad_()
    response, alpha = attention(f, form)
    expected_response, expected_alpha = attention_by_loops(f, form)
    close(response, expected_response)
    close(alpha, expected_alpha)
    cotangent = draw(*alpha.shape, seed=2)
    (found,) = torch.autograd.grad((alpha * cotangent).sum(), f)
    (expected,) = torch.autograd.grad((expected_alpha * cotangent).sum(), f)
    close(found, expected)


def test_weigh_and_pool_equal_loops():
    f, alpha = draw(2, 3, 4, 3, 2, seed=2), draw(2, 3, 3, 2, seed=3)
    weighted = weigh(f, alpha)
    for v, n, k in np.ndindex(2, 3, 4):
        total = 0.0
        for i, j in np.ndindex(3, 2):
            assert weighted[v, n, k, i, j] == alpha[v, n, i, j] * f[v, n, k, i, j]
            total += weighted[v, n, k, i, j].item()
        assert pool_frames(weighted)[v, n, k].item() == pytest.approx(total, abs=1e-10)
        assert pool_frames(weighted, "gap")[v, n, k].item() == pytest.approx(total / 6, abs=1e-10)


def regularisation_by_loops(alpha, target=1.0):
    totals = []
    for clip in alpha.tolist():
        total = 0.0
        for i in range(len(clip[0])):
            for j in range(len(clip[0][0])):
                total += (target - sum(frame[i][j] for frame in clip)) ** 2
        totals.append(total)
    return totals


def test_regularisation_equals_loops():
    _, alpha = attention(draw(3, 4, 6, 4, 2, seed=4))
    for target in (1.0, 0.5, 4.0):
        expected = regularisation_by_loops(alpha, target)
        assert regularisation(alpha, target).tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("form", ["sum", "sqrt", "mean"])
def test_regularisation_gradient_is_the_derived_one(form):
    """dReg/dR_n(p) = alpha_n(p)/tau (h(p) - sum_q alpha_n(q) h(q)) with h = 2S - 2."""
    f = draw(2, 3, 8, 4, 2, seed=5).requires_grad_()
    _, alpha = attention(f, form)
    (found,) = torch.autograd.grad(regularisation(alpha).sum(), f)
    with torch.no_grad():
        h = 2 * alpha.sum(dim=1, keepdim=True) - 2
        expected = alpha / TAU[form] * (h - (alpha * h).sum(dim=(2, 3), keepdim=True))
    close(found, expected[:, :, None].expand_as(found))


# --- what follows from the algebra ----------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_attention_sums_to_one_for_responses_in_the_thousands(form):
    f = draw(2, 3, 2048, 4, 2, seed=6).float() * 2
    response, alpha = attention(f, form)
    assert response.isfinite().all()
    assert form in ("sqrt", "mean") or response.max() > 1000
    close(alpha.double().sum(dim=(2, 3)), torch.ones(2, 3).double(), 1e-6)
    assert (alpha >= 0).all()


@pytest.mark.parametrize("form", FORMS)
def test_even_features_give_average_pooling(form):
    f = torch.full((1, 2, 5, 4, 3), 0.7, dtype=torch.float64)
    _, alpha = attention(f, form)
    close(alpha, torch.full_like(alpha, 1 / 12))
    close(pool_frames(weigh(f, alpha)), f.mean(dim=(3, 4)))


def test_a_dark_frame_is_looked_at_evenly():
    f = draw(1, 2, 3, 2, 2, seed=7)
    f[:, 1] = 0
    for form in FORMS:
        leaf = f.clone().requires_grad_()
        _, alpha = attention(leaf, form)
        close(alpha[0, 1], torch.full((2, 2), 0.25).double())
        regularisation(alpha).sum().backward()
        assert leaf.grad.isfinite().all()


def test_penalty_identity_and_independence_of_the_target():
    gradients = []
    for target in (1.0, 5 / 8, 5.0, -3.0):
        f = draw(2, 5, 6, 4, 2, seed=8).requires_grad_()
        _, alpha = attention(f)
        regularisation(alpha, target).sum().backward()
        gradients.append(f.grad)
        close(gradients[-1], gradients[0])
    assert gradients[0].abs().max() > 1e-4
    concentration, overlap = concentration_and_overlap(alpha)
    close(regularisation(alpha), 8 - 2 * 5 + concentration + overlap)


def test_penalty_is_lowest_when_frames_look_at_different_places():
    """Fifteen frames, 128 positions: even 99.76, one place each 113, all at one place 323."""
    even = torch.full((1, 15, 16, 8), 1 / 128, dtype=torch.float64)
    places = torch.eye(128, dtype=torch.float64)[:15].view(1, 15, 16, 8)
    one = places[:, :1].expand(1, 15, 16, 8)
    values = [regularisation(a).item() for a in (even, places, one)]
    assert values == pytest.approx([99.7578125, 113.0, 323.0])


def test_descending_the_penalty_lowers_the_overlap_of_frames():
    f = draw(1, 4, 16, 4, 2, seed=9)
    f[:, :, :, 0, 0] += 1  # all frames look at one corner
    f.requires_grad_()
    before = concentration_and_overlap(attention(f)[1])
    regularisation(attention(f)[1]).sum().backward()
    after = concentration_and_overlap(attention(f - f.grad)[1])
    assert after[0] < before[0]
    assert after[1] < before[1]


def test_the_overlap_equals_loops():
    _, alpha = attention(draw(2, 3, 4, 2, 3, seed=10))
    concentration, overlap = concentration_and_overlap(alpha)
    for v in range(2):
        pairs = [[(alpha[v, n] * alpha[v, m]).sum().item() for m in range(3)] for n in range(3)]
        assert concentration[v].item() == pytest.approx(sum(pairs[n][n] for n in range(3)))
        assert overlap[v].item() == pytest.approx(
            sum(pairs[n][m] for n in range(3) for m in range(3) if n != m)
        )


def test_only_linear_ignores_the_scale_of_features():
    f = draw(1, 2, 8, 4, 2, seed=11)
    for form in FORMS:
        change = (attention(2 * f, form)[1] - attention(f, form)[1]).abs().max().item()
        assert (change < 1e-12) == (form == "linear")


def test_single_precision_under_autocast():
    f = draw(1, 2, 64, 4, 2, seed=12).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        response, alpha = attention(f)
        frames = pool_frames(weigh(f, alpha))
        penalty = regularisation(alpha)
    assert {x.dtype for x in (response, alpha, frames, penalty)} == {torch.float32}
    _, exact = attention(f.double())
    close(alpha.double(), exact, 1e-5)
    close(frames.double(), pool_frames(weigh(f.double(), exact)), 1e-5)


def test_refuses_unknown_names():
    f = draw(1, 1, 2, 2, 2)
    with pytest.raises(ValueError, match="'max'"):
        attention(f, "max")
    with pytest.raises(ValueError, match="'max'"):
        pool_frames(f, "max")
    for options in ({"attention": "max"}, {"pooling": "max"}):
        with pytest.raises(ValueError, match="'max'"):
            build_model("trsa", backbone.small(), 5, frames=4, size=(64, 32), **options)


# --- the model ------------------------------------------------------------------------------------


def model(**options):
    torch.manual_seed(0)
    net = build_model("trsa", backbone.small(), 5, frames=4, size=(64, 32), **options)
    assert isinstance(net, TRSA)
    return net


@pytest.mark.parametrize(("b", "t", "h", "w"), [(1, 1, 64, 32), (2, 5, 64, 32), (2, 3, 50, 30)])
def test_model_takes_any_size(b, t, h, w):
    net = model().eval()
    out = net(torch.rand(b, t, 3, h, w))
    rows, columns = net.backbone.map_size(h, w)
    assert out.embedding.shape == (b, 128)
    assert out.heads["clip"][1].shape == (b, 5)
    assert out.maps["spatial_attention"].shape == (b, t, rows, columns)
    assert out.penalties["regularisation"].shape == ()


def test_model_is_its_parts():
    net = model().double()
    clips = torch.rand(3, 4, 3, 64, 32, dtype=torch.float64)
    out = net(clips)
    alpha = out.maps["spatial_attention"]
    close(alpha, attention(out.maps["features"])[1])
    close(out.embedding, pool_frames(weigh(out.maps["features"], alpha)).mean(dim=1))
    close(out.heads["clip"][0], out.embedding)
    close(out.heads["clip"][1], out.embedding @ net.classifier.weight.T)
    close(out.penalties["regularisation"], regularisation(alpha).mean())
    moving = out.penalties["concentration"] + out.penalties["overlap"]
    close(out.penalties["regularisation"], 32 - 2 * 4 + moving)


def test_without_attention_the_model_is_average_pooling():
    net = model(attention=None)
    out = net(torch.rand(2, 4, 3, 64, 32))
    torch.testing.assert_close(out.embedding, out.maps["features"].mean(dim=(1, 3, 4)))
    assert not out.penalties
    assert "spatial_attention" not in out.maps


def test_attention_has_no_parameters():
    parameters = [n for n, _ in model().named_parameters()]
    assert parameters == [n for n, _ in model(attention=None).named_parameters()]


def test_penalty_alone_reaches_the_backbone():
    net = model()
    net(torch.rand(2, 4, 3, 64, 32)).penalties["regularisation"].backward()
    assert net.backbone.layer4[0].conv2.weight.grad.abs().max() > 0
    assert net.classifier.weight.grad is None


def test_clips_of_one_frame_average_to_all_frames():
    net = model().eval().double()
    clip = torch.rand(1, 7, 3, 64, 32, dtype=torch.float64)
    close(net.pool(net(clip.transpose(0, 1))), net(clip).embedding[0])
