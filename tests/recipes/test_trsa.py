"""Every recipe of TRSA builds what it names, trains, and changes what its row says it changes."""

from dataclasses import fields

import pytest
import torch

from reidlib.build import build
from reidlib.losses.objective import objective
from reidlib.losses.triplet import batch_hard_triplet
from reidlib.models.trsa import TRSA as Model
from reidlib.recipes.core import PROFILES, plan
from reidlib.recipes.trsa import FOCAL, RECIPES, TRIPLET, TRSA

SMOKE = PROFILES["smoke"]
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
LABELS = torch.tensor([0, 0, 1, 1])


def clips(recipe, seed=0):
    settings = plan(recipe, SMOKE)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(LABELS), settings.frames, 3, *settings.size, generator=generator)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_every_parameter_learns_and_weights_survive_a_file(recipe, tmp_path):
    from safetensors.torch import load_file, save_file

    model = build(recipe, SMOKE, 5, seed=1, pretrained=False).model.train()
    assert isinstance(model, Model)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    for step in range(2):
        optimiser.zero_grad()
        total, _ = objective(model(clips(recipe, step)), LABELS, recipe.losses, recipe.penalties)
        total.backward()
        assert total.isfinite()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name
        optimiser.step()

    model.eval()
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, tmp_path / "weights.safetensors")
    again = build(recipe, SMOKE, 5, seed=2, pretrained=False).model.eval()
    assert not torch.equal(again(clips(recipe)).embedding, model(clips(recipe)).embedding)
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(clips(recipe)).embedding, model(clips(recipe)).embedding)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_the_model_is_the_one_named(recipe):
    model = build(recipe, SMOKE, 5, seed=1, pretrained=False).model
    form = recipe.options["attention"]
    assert model.attention == form
    assert model.pooling == "sum"
    told = {"regularisation", "concentration", "overlap"}
    assert set(model(clips(recipe)).penalties) == (told if form else set())


def changed(one, other):
    """Fields in which two recipes differ, but for their names."""
    labels = {"name", "row", "summary", "base", "control"}
    return {
        f.name
        for f in fields(one)
        if f.name not in labels and getattr(one, f.name) != getattr(other, f.name)
    }


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("trsa-1/triplet", {"losses"}),
        ("trsa-1/sam", {"options"}),
        ("trsa-1/sam-reg", {"penalties"}),
        ("trsa", {"losses"}),
        ("trsa-1/as-printed", {"options"}),
        ("trsa-1/mean", {"options"}),
        ("trsa-1/linear", {"options"}),
        ("trsa-1/focal-sigmoid-true", {"losses"}),
        ("trsa-1/focal-sigmoid-ova", {"losses"}),
        ("trsa-1/sam-15", {"small_clip_length"}),
        ("trsa-1/sam-reg-15", {"penalties"}),
    ],
)
def test_a_row_changes_one_thing_of_its_base(name, difference):
    assert changed(BY_NAME[name], BY_NAME[BY_NAME[name].base]) == difference


def test_rows_of_table_1_in_order():
    rows = [recipe for recipe in RECIPES if not recipe.control]
    assert [recipe.row for recipe in rows] == [
        "Baseline",
        "Baseline + L_v",
        "Baseline + L_v + SAM",
        "Baseline + L_v + SAM + Reg",
        "Baseline + L_f + SAM + Reg",
    ]
    assert rows[-1] is TRSA
    kinds = [[loss.kind for loss in recipe.losses] for recipe in rows]
    assert kinds[0] == ["cross_entropy"]
    assert kinds[1] == kinds[2] == kinds[3] == ["cross_entropy", "batch_hard_triplet"]
    assert kinds[4] == ["focal", "batch_hard_triplet"]
    assert [dict(recipe.penalties) for recipe in rows] == [{}] * 3 + [{"regularisation": 1.0}] * 2
    forms = {r.losses[0].options["form"] for r in RECIPES if r.losses[0].kind == "focal"}
    assert forms == {"softmax", "sigmoid_true", "sigmoid_ova"}


@pytest.mark.parametrize("name", ["trsa-1/sam-reg", "trsa"])
def test_the_objective_is_equations_5_and_9(name):
    """L_total = classification + L_v, then + lambda Reg, lambda = 1."""
    recipe = BY_NAME[name]
    output = build(recipe, SMOKE, 5, seed=1, pretrained=False).model(clips(recipe))
    features, logits = output.heads["clip"]
    p = logits.softmax(dim=1)[torch.arange(4), LABELS]
    classification = (-((1 - p) ** 2 if name == "trsa" else 1.0) * p.log()).mean()
    ranking, _ = batch_hard_triplet(features, logits, LABELS, distance="plain", margin=0.3)
    expected = classification + ranking + output.penalties["regularisation"]
    total, _ = objective(output, LABELS, recipe.losses, recipe.penalties)
    torch.testing.assert_close(total, expected)


def test_numbers_of_the_paper():
    assert FOCAL.options == {"form": "softmax", "gamma": 2.0}
    assert TRIPLET.options == {"distance": "plain", "margin": 0.3}
    for recipe in RECIPES:
        assert plan(recipe, PROFILES["paper"]).size == (256, 128)
        assert plan(recipe, PROFILES["paper"]).frames == 15
        assert plan(recipe, SMOKE).frames == (15 if recipe.name.endswith("-15") else 4)
        assert (recipe.frames, recipe.augment.flip, recipe.augment.erase) == ("random", 0.5, 0.0)
        schedule = recipe.schedule
        assert (schedule.optimiser, schedule.rate, schedule.weight_decay) == ("adam", 3e-4, 5e-4)
        assert (schedule.epochs, schedule.milestones, schedule.gamma) == (600, (200, 400), 0.1)
        assert recipe.test.distance == "euclidean"
        assert recipe.test.length == 1
