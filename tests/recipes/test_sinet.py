"""Every recipe of SINet builds what it names, trains, and changes what its row says it changes."""

from dataclasses import fields

import pytest
import torch

from reidlib.build import build
from reidlib.losses.cross_entropy import cross_entropy
from reidlib.losses.mutual_information import mutual_information
from reidlib.losses.objective import objective
from reidlib.losses.triplet import batch_hard_triplet
from reidlib.models.rivals import GlobalContext, NonLocal
from reidlib.models.sinet import IntegrationDistribution, InTurn, SalientToBroad, SINet
from reidlib.recipes.core import PROFILES, plan
from reidlib.recipes.sinet import RECIPES

SMOKE = PROFILES["smoke"]
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def clips(recipe, seed=0, batch=6):
    settings = plan(recipe, SMOKE)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, settings.frames, 3, *settings.size, generator=generator)


def modules(model):
    """What is plugged in, by place."""
    plugged = model.backbone.plugins.items()
    return {k: list(p.children()) if isinstance(p, InTurn) else [p] for k, p in plugged}


# Behind a batch normalisation a bias shifts nothing (and where the affinities of a position sum
# to one, g's bias is such a shift); a softmax does not feel what is added to all it compares.
NEVER = {
    SalientToBroad: ("kernel_generation.heads.bias",),
    IntegrationDistribution: ("integrate_channels.bias", "integrate_positions.bias"),
    NonLocal: ("g.bias", "out.bias", "phi.bias"),
    GlobalContext: ("attention.bias",),
}
# A block that starts as the identity teaches only its last layer on the first step.
FIRST = {
    IntegrationDistribution: "distribute_channels",
    NonLocal: "norm",
    GlobalContext: "expand",
}


def without_gradient(model, step):
    """Names of parameters that get none."""
    names = set()
    for prefix, module in model.named_modules():
        if type(module) in NEVER:
            last = FIRST.get(type(module), "")
            names |= {
                f"{prefix}.{name}"
                for name, _ in module.named_parameters()
                if name in NEVER[type(module)] or (step == 0 and not name.startswith(last))
            }
    return names


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_every_parameter_learns_and_weights_survive_a_file(recipe, tmp_path):
    from safetensors.torch import load_file, save_file

    model = build(recipe, SMOKE, 5, seed=1, pretrained=False).model.train()
    assert isinstance(model, SINet)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(2):
        optimiser.zero_grad()
        total, _ = objective(model(clips(recipe, step)), LABELS, recipe.losses, recipe.penalties)
        total.backward()
        assert total.isfinite()
        none = without_gradient(model, step)
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            size = parameter.grad.abs().max()
            assert size < 1e-5 if name in none else 0 < size < torch.inf, name
        optimiser.step()

    model.eval()
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, tmp_path / "weights.safetensors")
    again = build(recipe, SMOKE, 5, seed=2, pretrained=False).model.eval()
    x = clips(recipe, batch=2)
    assert not torch.equal(again(x).embedding, model(x).embedding)
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(x).embedding, model(x).embedding)


def test_tables_have_their_rows():
    filled = [place for r in RECIPES for place in ((r.table, r.row), *r.also) if not r.control]
    assert len(filled) == len(set(filled))
    rows = {table: [row for name, row in filled if name == table] for table, _ in filled}
    assert set(rows["sinet-2"]) == {"base.", "+SBM", "+IDM", "SINet"}
    assert set(rows["sinet-3"]) == {
        "base.", "base. + Non-local", "base. + Non-local (1)", "base. + Non-local (inverse)",
        "base. + GC block", "base. + SBM w/o CAL", "base. + SBM w/o CPM",
        "base. + SBM (Same Pos.)", "base. + SBM", "base. + 1 IDM", "base. + 2 IDM (Default)",
        "base. + 3 IDM", "SINet (base. + SBM + IDM)",
    }  # fmt: skip
    sweeps = {f"k = {k}" for k in (1, 3, 5, 7)} | {f"r = {r}" for r in (2, 4, 8, 16)}
    assert set(rows["sinet-fig5"]) == sweeps


def test_names_and_bases_hold_together():
    assert len(BY_NAME) == len(RECIPES)
    for recipe in RECIPES:
        assert recipe.paper == "sinet"
        assert recipe.model == "sinet"
        assert recipe.base in BY_NAME or recipe.name == "sinet-2/base"
        has_sbm = recipe.options.get("splits") != ()
        kinds = [loss.kind for loss in recipe.losses]
        assert ("mutual_information" in kinds) == (
            has_sbm and recipe.name != "sinet-3/sbm-without-mi"
        )


PLACES = {
    "sinet-2/base": {},
    "sinet-2/sbm": dict.fromkeys(["layer3_2", "layer3_4", "layer3_6"], "S"),
    "sinet-2/idm": {"layer2_2": "I", "layer2_4": "I"},
    "sinet": {"layer2_2": "I", "layer2_4": "I", "layer3_2": "S", "layer3_4": "S", "layer3_6": "S"},
    "sinet-3/non-local": {"layer2_2": "N", "layer2_4": "N"},
    "sinet-3/non-local-layer3": dict.fromkeys(["layer3_2", "layer3_4", "layer3_6"], "N"),
    "sinet-3/gc": {"layer2_2": "G", "layer2_4": "G"},
    "sinet-3/sbm-same-position": {"layer3_4": "SSS"},
    "sinet-3/1-idm": {"layer2_4": "I"},
    "sinet-3/3-idm": {"layer2_2": "I", "layer2_3": "I", "layer2_4": "I"},
}
SMALL_PLACES = {
    "sinet": {"layer2_1": "I", "layer2_2": "I", "layer3_1": "S", "layer3_2": "S", "layer3_3": "S"},
    "sinet-3/sbm-same-position": {"layer3_2": "SSS"},
    "sinet-3/1-idm": {"layer2_2": "I"},
    "sinet-3/3-idm": {"layer2_1": "I", "layer2_2": "II"},
}


def on_no_device(name, profile):
    with torch.device("meta"):
        return build(BY_NAME[name], PROFILES[profile], 625, pretrained=False).model


@pytest.mark.parametrize(
    ("name", "profile", "places"),
    [(n, "paper", p) for n, p in PLACES.items()]
    + [(n, "laptop", p) for n, p in SMALL_PLACES.items()],
)
def test_modules_stand_where_the_row_says(name, profile, places):
    letters = {
        SalientToBroad: "S",
        IntegrationDistribution: "I",
        NonLocal: "N",
        GlobalContext: "G",
    }
    found = modules(on_no_device(name, profile))
    assert {k: "".join(letters[type(m)] for m in p) for k, p in found.items()} == places
    splits = [m.split for p in found.values() for m in p if isinstance(m, SalientToBroad)]
    assert splits == ([1, 2, 3] if splits else [])


def each(name, kind, profile="paper"):
    found = [m for p in modules(on_no_device(name, profile)).values() for m in p]
    assert found
    assert all(isinstance(m, kind) for m in found)
    return found


def test_rows_change_what_they_name():
    for m in each("sinet-3/sbm-without-cal", SalientToBroad):
        assert not list(m.channel_attention.parameters())
        assert not m.channel_attention.centre
    for m in each("sinet-3/sbm-centre-only", SalientToBroad):
        assert (m.channel_attention.centre, m.channel_attention.excitation) == (True, False)
    for m in each("sinet-3/sbm-se-only", SalientToBroad):
        assert (m.channel_attention.centre, m.channel_attention.excitation) == (False, True)
    for m in each("sinet-3/sbm-without-cpm", SalientToBroad):
        assert m.cpm == "none"
    for m in each("sinet-3/sbm-erase", SalientToBroad):
        assert m.erase
    for name, steps in (
        ("sinet-2/sbm", (True, True)),
        ("sinet-3/sbm-without-l1", (False, False)),
        ("sinet-3/sbm-without-head-l1", (False, True)),
        ("sinet-fig5a/1", (False, True)),
    ):
        for m in each(name, SalientToBroad):
            kgm = m.kernel_generation
            assert (kgm.over_heads, kgm.over_positions) == steps
    for k in (1, 5, 7):
        for m in each(f"sinet-fig5a/{k}", SalientToBroad):
            assert m.kernel_generation.heads.out_features == k * k
    for name, affinity in (("", "softmax"), ("-ones", "ones"), ("-inverse", "inverse")):
        for m in each(f"sinet-3/non-local{name}", NonLocal):
            assert m.affinity == affinity
    for name, width in (("gc", 32), ("gc-ratio-4", 128)):
        for m in each(f"sinet-3/{name}", GlobalContext):
            assert m.squeeze.out_features == width


@pytest.mark.parametrize("r", [2, 4, 8, 16])
@pytest.mark.parametrize(
    ("profile", "c", "m"), [("paper", 512, 2048), ("laptop", 32, 512), ("fine", 32, 512)]
)
def test_reductions(r, profile, c, m):
    name = "sinet-2/idm" if r == 4 else f"sinet-fig5b/{r}"
    for idm in each(name, IntegrationDistribution, profile):
        assert idm.integrate_channels.out_features == c // r
        assert idm.integrate_positions.out_channels == m // r


def test_presets():
    paper, code, default = (BY_NAME[f"sinet{n}"] for n in ("/paper", "/code", ""))
    assert paper.sampler.mode == "chunked_distinct"
    assert code.sampler.mode == default.sampler.mode == "chunked_shuffle"
    weights = {r.name: (r.losses[2].weight, dict(r.losses[2].options)) for r in (code, default)}
    assert weights == {"sinet/code": (0.001, {"reduction": "sum"}), "sinet": (0.01, {})}
    model = on_no_device("sinet/code", "paper")
    assert model.backbone.maxpool.padding == 0
    assert modules(model)["layer2_2"][0].integrate_channels.out_features == 32


def test_eight_frames():
    recipe = BY_NAME["sinet-3/t8"]
    assert plan(recipe, PROFILES["paper"]).frames == plan(recipe, PROFILES["laptop"]).frames == 8
    found = modules(on_no_device("sinet-3/t8", "laptop"))
    assert found["layer2_1"][0].grid == (8, 16, 8)
    assert found["layer2_1"][0].integrate_positions.out_channels == 8 * 16 * 8 // 4


def test_rows_share_the_papers_training():
    default = BY_NAME["sinet"]
    free = {
        "name", "summary", "table", "row", "also", "base", "control", "options", "small",
        "losses", "clip_length", "small_clip_length", "backbone", "sampler",
    }  # fmt: skip
    for recipe in RECIPES:
        for field in fields(recipe):
            if field.name not in free:
                assert getattr(recipe, field.name) == getattr(default, field.name)
    settings = plan(default, PROFILES["paper"])
    assert (settings.frames, settings.size) == (4, (256, 128))
    assert (settings.identities, settings.clips) == (8, 4)
    schedule = default.schedule
    assert (schedule.rate, schedule.weight_decay, schedule.optimiser) == (3e-4, 5e-4, "adam")
    assert (schedule.epochs, schedule.milestones, schedule.gamma) == (160, (40, 80, 120), 0.1)


def test_objective_is_the_printed_sum():
    recipe = BY_NAME["sinet"]
    output = build(recipe, SMOKE, 5, seed=1, pretrained=False).model.train()(clips(recipe))
    features, logits = output.heads["clip"]
    projected, _ = output.heads["projection"]
    entropy = cross_entropy(features, logits, LABELS)[0]
    triplet = batch_hard_triplet(
        features, None, LABELS, distance="cosine", margin=0.3, own_positive=True
    )[0]
    contrast = mutual_information(projected, None, LABELS, clips=2, temperature=0.07)[0]
    total, _ = objective(output, LABELS, recipe.losses, recipe.penalties)
    torch.testing.assert_close(total, entropy + 1 * triplet + 0.01 * contrast)
    assert min(entropy, triplet, contrast) > 0
