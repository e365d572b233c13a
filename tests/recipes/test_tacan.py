"""Every recipe of TACAN builds what it names, trains a step, and says what the paper prints."""

from dataclasses import replace

import pytest
import torch

from reidlib.build import build, build_backbone
from reidlib.errors import ReidError
from reidlib.losses.objective import objective
from reidlib.models.backbone import SqueezeExcitation
from reidlib.models.senet import SEBottleneck
from reidlib.models.tacan import TACAN as Model
from reidlib.recipes.core import PROFILES, plan
from reidlib.recipes.edit import override
from reidlib.recipes.tacan import MINMAX, RECIPES, TACAN
from reidlib.training import make_loader, train
from tests.fake_clips import fake_dataset

SMOKE, PAPER = PROFILES["smoke"], PROFILES["paper"]
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
TRAINED = [recipe for recipe in RECIPES if not recipe.weights_of]
TESTED = [recipe for recipe in RECIPES if recipe.weights_of]


def clips(batch=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 4, 3, 64, 32, generator=generator)


@pytest.mark.parametrize("recipe", TRAINED, ids=lambda r: r.name)
def test_every_parameter_learns_and_weights_survive_a_file(recipe, tmp_path):
    from safetensors.torch import load_file, save_file

    model = build(recipe, SMOKE, 4, seed=1, pretrained=False).model.train()
    assert isinstance(model, Model)
    labels = torch.arange(8) // 2
    total, _ = objective(model(clips()), labels, recipe.losses, recipe.penalties)
    total.backward()
    assert total.isfinite()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        # It moves all frames of a clip alike, which a softmax over them does not see.
        if name != "temporal_attention.tconv.bias":
            assert parameter.grad.abs().max() > 0, name

    model.eval()
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, tmp_path / "weights.safetensors")
    again = build(recipe, SMOKE, 4, seed=2, pretrained=False).model.eval()
    x = clips(batch=2)
    assert not torch.equal(again(x).embedding, model(x).embedding)
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(x).embedding, model(x).embedding)


@pytest.mark.parametrize("recipe", TESTED, ids=lambda r: r.name)
def test_rows_that_only_test_take_the_weights_of_another(recipe):
    origin = BY_NAME[recipe.weights_of]
    assert origin is MINMAX
    assert recipe.control
    one, other = (
        build(r, SMOKE, 4, seed=s, pretrained=False).model.eval()
        for s, r in ((1, origin), (2, recipe))
    )
    other.load_state_dict(one.state_dict())
    found, plain = other(clips()), one(clips())
    weights = plain.maps["clip_weights"]
    embedded = plain.embedding / weights[:, None]
    expected = embedded.mean(dim=0)
    if recipe.name == "tacan-1/weighted-mean":
        expected = (weights[:, None] * embedded).sum(dim=0) / weights.sum()
    torch.testing.assert_close(other.pool(found), expected)
    assert not torch.allclose(one.pool(plain), expected)


def test_rows_of_table_1_in_order():
    rows = [r for r in RECIPES if r.table == "tacan-1" and not r.control]
    assert [r.row for r in rows] == [
        "baseline (ResNet50 + L_s)",
        "ResNet50 + L_s + L_t",
        "ResNet50 + TA + L_s + L_t",
        "ResNet50 + TA + CA + L_s + L_t",
        "ResNet50 + TA + CA + L",
        "SENet50 + TA + CA + L",
    ]
    kinds = [[loss.kind for loss in r.losses] for r in rows]
    assert [len(k) for k in kinds] == [1, 2, 2, 2, 3, 3]
    assert kinds[-1] == ["cross_entropy", "batch_hard_triplet", "minmax"]
    assert all(loss.weight == 1 for r in rows for loss in r.losses)
    assert rows[-1] is TACAN


@pytest.mark.parametrize(
    ("name", "length", "attended", "scored"),
    [
        ("tacan-1/baseline", 2048, False, False),
        ("tacan-1/triplet", 2048, False, False),
        ("tacan-1/ta", 2048, True, False),
        ("tacan-1/embedding", 1024, True, False),
        ("tacan-1/ca", 1024, True, True),
        ("tacan-1/minmax", 1024, True, True),
    ],
)
def test_what_the_rows_contain_at_the_papers_size(name, length, attended, scored):
    with torch.device("meta"):
        model = build(BY_NAME[name], PAPER, 625, pretrained=False).model
    assert model.classifier.in_features == length
    parameters = dict(model.named_parameters())
    assert ("clip_attention.score.weight" in parameters) == scored
    assert ("clip_attention.embed.weight" in parameters) == (length == 1024)
    if attended:
        assert parameters["temporal_attention.conv.weight"].shape == (256, 2048, 7, 4)
        assert parameters["temporal_attention.tconv.weight"].shape == (1, 256, 3)
    else:
        assert model.temporal_attention is None


def test_squeeze_and_excitation_at_every_size():
    with torch.device("meta"):
        paper = build_backbone(TACAN, PAPER)
    assert any(isinstance(m, SEBottleneck) for m in paper.modules())
    assert paper.map_size(224, 112) == (7, 4)
    blocks = [m for m in build_backbone(TACAN, SMOKE).modules() if isinstance(m, SqueezeExcitation)]
    assert len(blocks) == 7
    assert not any(
        isinstance(m, SqueezeExcitation) for m in build_backbone(MINMAX, SMOKE).modules()
    )


def test_training_as_printed():
    assert TACAN.size == (224, 112)
    assert plan(TACAN, PAPER).size == (224, 112)
    assert (TACAN.sampler.identities, TACAN.sampler.clips) == (8, 4)
    assert TACAN.clip_length == TACAN.small_clip_length == 4
    assert TACAN.schedule.rate == 3e-4
    assert (TACAN.schedule.epochs, TACAN.schedule.milestones) == (800, (200, 400, 600))
    assert BY_NAME["tacan/short"].schedule.epochs == 200
    assert (TACAN.test.frames, TACAN.test.distance) == ("consecutive_cyclic_tail", "euclidean")
    assert TACAN.losses[1].options == {"distance": "squared", "margin": 0.3}
    assert TACAN.losses[0].options == {"smoothing": 0.1}


def several(recipe, clips, frames):
    """`clips` of a tracklet in `frames` frames, as the recipe's docstring asks for them."""
    recipe = override(recipe, "options.clips_per_tracklet", clips)
    return override(override(recipe, "small_clip_length", frames), "test.length", frames // clips)


@pytest.mark.parametrize("recipe", TRAINED[::3], ids=lambda r: r.name)
def test_two_clips_of_a_tracklet_train_a_step(recipe):
    data, recipe = fake_dataset(size=(64, 32)), several(recipe, 2, 8)
    trained = train(recipe, replace(SMOKE, steps=1), data, device="cpu", progress=False)
    assert trained.readings["loss"] > 0
    plain = build(BY_NAME[recipe.name], SMOKE, data.num_train_pids, pretrained=False).model
    assert list(trained.model.state_dict()) == list(plain.state_dict())
    batch = make_loader(recipe, SMOKE, data, 0).batch(0)
    assert (len(batch.pids), batch.frames.shape) == (8, (8, 8))


def test_one_clip_of_a_tracklet_is_the_same_run():
    data = fake_dataset(size=(64, 32))
    batches, states = [], []
    for recipe in (MINMAX, override(MINMAX, "options.clips_per_tracklet", 1)):
        assert plan(recipe, SMOKE).frames == 4
        batches.append(make_loader(recipe, SMOKE, data, 0).batch(3))
        how = {"device": "cpu", "progress": False}
        states.append(train(recipe, replace(SMOKE, steps=2), data, **how).model.state_dict())
    for name in ("clips", "pids", "camids", "rows", "frames", "slots"):
        assert torch.equal(*(getattr(batch, name) for batch in batches))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_clips_of_a_tracklet_that_do_not_fit_are_refused_with_the_numbers():
    with pytest.raises(ReidError, match=r"2 clips .* share 4 frames .* would have all 4: set"):
        plan(override(TACAN, "options.clips_per_tracklet", 2), SMOKE)
    with pytest.raises(ValueError, match="8 frames of a tracklet do not divide into 3 clips"):
        build(several(TACAN, 3, 8), SMOKE, 4, pretrained=False)
