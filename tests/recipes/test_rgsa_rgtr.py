"""Every recipe of RGSA+RGTR builds what it names, trains, and changes what its row says."""

from dataclasses import fields

import pytest
import torch
from torch.nn import functional as F

from reidlib.build import build
from reidlib.losses.adaptive_triplet import adaptive_triplet
from reidlib.losses.objective import objective
from reidlib.models.rgsa_rgtr import RGSA, RGSARGTR, RGTR, Difference, InnerProduct, RelationModule
from reidlib.recipes.core import PROFILES, plan
from reidlib.recipes.rgsa_rgtr import FULL, RECIPES

SMOKE, PAPER = PROFILES["smoke"], PROFILES["paper"]
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
LABELS = torch.tensor([0, 0, 1, 1])


def clips(recipe, seed=0):
    settings = plan(recipe, SMOKE)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(LABELS), settings.frames, 3, *settings.size, generator=generator)


def built(recipe, seed=1):
    return build(recipe, SMOKE, 5, seed=seed, pretrained=False).model


def on_paper(recipe):
    """The model at the paper's size, shapes only."""
    with torch.device("meta"):
        return build(recipe, PAPER, 625, pretrained=False).model


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_every_parameter_learns_and_weights_survive_a_file(recipe, tmp_path):
    from safetensors.torch import load_file, save_file

    model = built(recipe).train()
    assert isinstance(model, RGSARGTR)
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
    again = built(recipe, seed=2).eval()
    assert not torch.equal(again(clips(recipe)).embedding, model(clips(recipe)).embedding)
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(clips(recipe)).embedding, model(clips(recipe)).embedding)


def changed(one, other):
    """Fields in which two recipes differ, but for their names; options by their own names."""
    labels = {"name", "table", "row", "also", "summary", "base", "control", "options", "small"}
    differing = {
        f.name
        for f in fields(one)
        if f.name not in labels and getattr(one, f.name) != getattr(other, f.name)
    }
    mine, theirs = dict(one.options), dict(other.options)
    keys = mine.keys() | theirs.keys()
    return differing | {k for k in keys if mine.get(k) != theirs.get(k)}


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("rgsa-1/baseline", {"losses"}),
        ("rgsa-1/rgsa", {"spatial"}),
        ("rgsa-1/rgtr", {"temporal"}),
        ("rgsa-1/both-ce", {"spatial", "temporal"}),
        ("rgsa-1/inner-product", {"relation"}),
        ("rgsa_rgtr", {"spatial", "temporal"}),
        ("rgsa-1/inner-embedded", {"relation"}),
        ("rgsa-1/difference", {"relation"}),
        ("rgsa-1/no-relation", {"relation"}),
        ("rgsa-2/16-128", {"embedding_width", "relation_width"}),
        ("rgsa-2/16-256", {"embedding_width"}),
        ("rgsa-2/32-128", {"relation_width"}),
        *((f"rgsa-3/t{t}", {"clip_length", "small_clip_length"}) for t in (4, 6, 8, 12, 16)),
        *(
            (f"rgsa-3/baseline-t{t}", {"clip_length", "small_clip_length"})
            for t in (4, 6, 8, 12, 16)
        ),
    ],
)
def test_a_row_changes_one_thing_of_its_base(name, difference):
    assert changed(BY_NAME[name], BY_NAME[BY_NAME[name].base]) == difference


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_the_model_is_the_one_named(recipe):
    model = built(recipe)
    baseline = "baseline" in recipe.name
    spatial = not baseline and recipe.name != "rgsa-1/rgtr"
    temporal = not baseline and recipe.name != "rgsa-1/rgsa"
    assert isinstance(model.rgsa, RGSA) == spatial
    assert isinstance(model.rgtr, RGTR) == temporal
    kinds = {"inner-product": InnerProduct, "inner-embedded": InnerProduct}
    kinds |= {"difference": Difference, "no-relation": type(None)}
    kind = kinds.get(recipe.name.removeprefix("rgsa-1/"), RelationModule)
    for module in filter(None, (model.rgsa, model.rgtr)):
        assert type(module.relation) is kind
    if recipe.name == "rgsa-1/inner-product":
        assert not list(model.rgsa.relation.parameters())
    if recipe.name == "rgsa-1/inner-embedded":
        assert model.rgsa.relation.theta.w.out_features == 16
    assert ("spatial_attention" in model(clips(recipe)).maps) == spatial


def test_rows_of_the_tables_in_order():
    rows = {
        table: [r.row for r in RECIPES if r.table == table and not r.control]
        for table in ("rgsa-1", "rgsa-2", "rgsa-3")
    }
    assert rows["rgsa-1"] == [
        "Baseline + L_ce",
        "Baseline + L_total",
        "RGSA + L_total",
        "RGTR + L_total",
        "RGSA+RGTR + L_ce",
        "RGSA+RGTR (IP) + L_total",
        "RGSA+RGTR + L_total",
    ]
    factors = [(16, 128), (16, 256), (32, 128), (32, 256)]
    also = [row for r in RECIPES for table, row in r.also if table == "rgsa-2"]
    assert [*rows["rgsa-2"], *also] == [f"r1 = {a}, r2 = {b}" for a, b in factors]
    assert rows["rgsa-3"] == ["T = 2", "T = 4", "T = 6", "T = 8"]
    ours = {r.row for r in RECIPES if r.table == "rgsa-3" and r.control}
    assert ours == {"T = 12", "T = 16"} | {f"Baseline, T = {t}" for t in (2, 4, 6, 8, 12, 16)}


def test_without_triplet_means_without_triplet():
    for recipe in RECIPES:
        kinds = [loss.kind for loss in recipe.losses]
        assert kinds[:2] == ["cross_entropy"] * 2
        assert kinds[2:] == ([] if recipe.row.endswith("L_ce") else ["adaptive_triplet"])


@pytest.mark.parametrize("name", ["rgsa-1/both-ce", "rgsa_rgtr"])
def test_the_objective_is_equations_11_and_15(name):
    """L_ce = L_cce + L_fce; L_total = L_ce + L_tri."""
    recipe = BY_NAME[name]
    output = built(recipe)(clips(recipe))
    clip, frame = output.heads["clip"], output.heads["frame"]
    expected = F.cross_entropy(clip[1], LABELS)
    expected = expected + F.cross_entropy(frame[1].flatten(0, 1), LABELS.repeat_interleave(4))
    if name == "rgsa_rgtr":
        expected = expected + adaptive_triplet(output.embedding, None, LABELS)[0]
    total, _ = objective(output, LABELS, recipe.losses, recipe.penalties)
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize(
    ("name", "r1", "r2"),
    [
        ("rgsa_rgtr", 32, 256),
        ("rgsa-2/16-128", 16, 128),
        ("rgsa-2/16-256", 16, 256),
        ("rgsa-2/32-128", 32, 128),
    ],
)
def test_widths_of_table_2(name, r1, r2):
    large, little = on_paper(BY_NAME[name]), built(BY_NAME[name])
    for module, slots in ((large.rgsa, 128), (large.rgtr, 8)):
        assert module.relation.theta.w.weight.shape == (2048 // r1, 2048)
        assert module.relation.w.weight.shape == (2048 // r2, 2048 // r1)
        assert getattr(module, "w_a" if module is large.rgsa else "w_r").weight.shape == (
            2048,
            2048 + slots * 2048 // r2,
        )
    assert little.rgsa.relation.w.weight.shape == ({256: 4, 128: 8}[r2], {32: 16, 16: 32}[r1])


def test_lengths_of_table_3():
    for recipe in RECIPES:
        lengths = [plan(recipe, profile).frames for profile in (SMOKE, PAPER)]
        if recipe.table == "rgsa-3":
            assert lengths == [int(recipe.row.split()[-1])] * 2
        else:
            assert lengths == [4, 8]
    assert on_paper(BY_NAME["rgsa-3/t16"]).rgtr.w_r.weight.shape == (2048, 2048 + 16 * 8)


def test_numbers_of_the_paper():
    for recipe in RECIPES:
        settings = plan(recipe, PAPER)
        assert (settings.size, settings.identities, settings.clips) == ((256, 128), 18, 4)
        assert (recipe.frames, recipe.augment.flip, recipe.augment.erase) == ("random", 0.5, 0.5)
        schedule = recipe.schedule
        assert (schedule.optimiser, schedule.rate, schedule.weight_decay) == ("adam", 3e-4, 5e-4)
        assert (schedule.epochs, schedule.milestones, schedule.gamma) == (375, (125, 250), 0.1)
        test = recipe.test
        assert (test.frames, test.tail, test.distance) == ("overlap", "cover", "cosine")
        assert test.length is None
        assert test.stride is None
    assert FULL.name == "rgsa_rgtr"


def test_windows_of_a_tested_sequence():
    """Section 4.2: T frames, stride T/2; every frame is covered, every window is full."""
    from reidlib.data.sampling import overlap

    for n in (1, 7, 8, 9, 21):
        windows = overlap(n, 8)
        assert windows.shape[1] == 8
        assert set(windows.ravel().tolist()) == set(range(n))
    assert overlap(21, 8)[:, 0].tolist() == [0, 4, 8, 12, 13]
    assert overlap(5, 2)[:, 0].tolist() == [0, 1, 2, 3]
