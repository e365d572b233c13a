"""Every recipe of FGRA builds what it names, trains a step, and says what the paper prints."""

from dataclasses import replace

import pytest
import torch

from reidlib.build import build
from reidlib.losses.objective import objective
from reidlib.models.fgra import FGRA as Model
from reidlib.recipes.core import PROFILES, plan
from reidlib.recipes.fgra import FGRA, RECIPES

SMOKE = PROFILES["smoke"]
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
TRAINED = [recipe for recipe in RECIPES if not recipe.weights_of]
TESTED = [recipe for recipe in RECIPES if recipe.weights_of]


def clips(recipe, batch=8, seed=0):
    settings = plan(recipe, SMOKE)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, settings.frames, 3, *settings.size, generator=generator)


def no_gradient(name, recipe):
    """Parameters that never get one, and why."""
    if name in ("global_branch.attention.bias", "region_temporal.bias"):
        return "a softmax does not feel what is added to all it compares"
    if name == "region_attention.conv.bias":
        return "the batch normalisation behind it takes it off"
    if name.startswith("region_attention.") and recipe.options.get("regions") == 1:
        return "a single region has weight one, whatever its response"
    return ""


@pytest.mark.parametrize("recipe", TRAINED, ids=lambda r: r.name)
def test_every_parameter_learns_and_weights_survive_a_file(recipe, tmp_path):
    from safetensors.torch import load_file, save_file

    model = build(recipe, SMOKE, 4, seed=1, pretrained=False).model.train()
    assert isinstance(model, Model)
    labels = torch.arange(8) // 2
    total, readings = objective(model(clips(recipe)), labels, recipe.losses, recipe.penalties)
    total.backward()
    assert total.isfinite()
    assert set(recipe.penalties) <= {n.removeprefix("penalty.") for n in readings}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        assert parameter.grad is not None, name
        size = parameter.grad.abs().max()
        assert size < 1e-5 if no_gradient(name, recipe) else size > 0, name

    model.eval()
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, tmp_path / "weights.safetensors")
    again = build(recipe, SMOKE, 4, seed=2, pretrained=False).model.eval()
    x = clips(recipe, batch=2)
    assert not torch.equal(again(x).embedding, model(x).embedding)
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(x).embedding, model(x).embedding)


@pytest.mark.parametrize("recipe", TESTED, ids=lambda r: r.name)
def test_rows_that_only_test_take_the_weights_of_another(recipe):
    """They share its training, so only what happens at test may differ."""
    origin = BY_NAME[recipe.weights_of]
    assert recipe.base == origin.name
    assert recipe.control
    assert (recipe.losses, recipe.penalties) == (origin.losses, origin.penalties)
    one, other = (
        build(r, SMOKE, 4, seed=s, pretrained=False).model for s, r in ((1, origin), (2, recipe))
    )
    other.load_state_dict(one.state_dict())
    x = clips(replace(recipe, small_clip_length=recipe.test.length or 4), batch=1)
    torch.testing.assert_close(one.eval()(x).embedding, other.eval()(x).embedding)


def test_rows_of_table_2_in_order():
    rows = [r for r in RECIPES if r.table == "fgra-2" and not r.control]
    assert [r.row[0] for r in rows] == list("12345678")
    assert [r.row.split()[1] for r in rows] == [
        "AVG",
        "GB",
        "GB+AVG",
        "GB+RAM+AVG",
        "GB+RAM+TA",
        "GB+RAM+TAS",
        "GB+RAM+TAS+CR",
        "GB+RAM+TAS+CR+SA",
    ]
    assert rows[-1] is FGRA


def build_paper(recipe):
    """The model at the paper's size, without memory behind it."""
    with torch.device("meta"):
        return build(recipe, PROFILES["paper"], 625, pretrained=False).model


@pytest.mark.parametrize(
    "recipe", [r for r in RECIPES if r.table == "fgra-2"], ids=lambda r: r.name
)
def test_lengths_at_the_papers_size(recipe):
    """1024 with one branch, 2048 with both, so that rows compare."""
    length = build_paper(recipe).classifier.in_features
    assert length == (1024 if recipe.row[:2] in ("1.", "2.") else 2048)


def test_what_the_rows_contain():
    modules = {
        name: {part for part, _ in build_paper(BY_NAME[name]).named_children()}
        for name in ("fgra-2/avg", "fgra-2/gb", "fgra-2/ram-ta", "fgra-2/cr", "fgra")
    }
    assert "global_branch" not in modules["fgra-2/avg"]
    assert modules["fgra-2/gb"] == {"backbone", "global_branch", "classifier"}
    assert "region_temporal" in modules["fgra-2/ram-ta"]
    assert "region_temporal" not in modules["fgra-2/cr"]
    assert "region_attention" not in modules["fgra-2/cr"]
    assert {"guide", "template_reduce", "region_attention"} <= modules["fgra"]


def test_points_of_figure_4():
    points = {r.row for r in RECIPES if r.table == "fgra-fig4" and not r.control}
    points |= {row for table, row in FGRA.also if table == "fgra-fig4"}
    assert points == {f"{n} frames" for n in (2, 4, 6, 8, 10)} | {
        "1 region",
        "2 regions",
        "4 regions",
        "8 regions",
    }
    for recipe in RECIPES:
        if recipe.name.startswith("fgra-fig4/length-"):
            n = int(recipe.name.split("-")[2])
            assert recipe.clip_length == recipe.small_clip_length == n


@pytest.mark.parametrize("recipe", TRAINED, ids=lambda r: r.name)
def test_strength_of_the_penalty_is_that_of_the_papers_size(recipe):
    """Number of terms in Eq. 3 at the paper's size, or that of 6 frames and 4 regions if scaled."""
    if not recipe.penalties:
        return
    regions = recipe.options.get("regions", 4)
    frames = 6 if recipe.clip_length == 6 else recipe.clip_length
    own = 2048 * 24 if recipe.name.endswith("-scaled") else 2048 * frames * regions
    assert plan(recipe, SMOKE).options["consistency_terms"] == own
    at_paper = plan(recipe, PROFILES["paper"]).options.get("consistency_terms")
    assert at_paper == (own if recipe.name.endswith("-scaled") else None)


def test_training_as_printed():
    assert (FGRA.sampler.identities, FGRA.sampler.clips) == (16, 4)
    assert (FGRA.clip_length, FGRA.small_clip_length) == (6, 4)
    assert FGRA.schedule.rate == 3e-4
    assert FGRA.schedule.weight_decay == 5e-4
    assert (FGRA.schedule.epochs, FGRA.schedule.milestones) == (300, (100, 200))
    assert FGRA.augment.crop == 1.0
    assert FGRA.augment.erase_mode == "clip_same_box"
    assert FGRA.penalties == {"consistency": 5e-4}
    assert all(
        loss.options["margin"] == 0.5 for loss in FGRA.losses if loss.kind == "batch_hard_triplet"
    )
    assert (FGRA.test.frames, FGRA.test.stride, FGRA.test.distance) == ("overlap", None, "cosine")
    assert FGRA.backbone == {"last_stride": 2}
    learned = BY_NAME["fgra-2/learned-centres"]
    assert dict(learned.schedule.rates) == {"centres.": 0.03}
