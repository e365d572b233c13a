from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from reidlib.build import build
from reidlib.checkpoints import load_model, load_weights, read_about
from reidlib.errors import ReidError
from reidlib.recipes import profile, recipe
from reidlib.training import train
from tests.fake_clips import fake_dataset

BASELINE = replace(recipe("baseline"), options={"frame_classifier": True})
TINY = replace(profile("smoke"), height=16, width=8, steps=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    dataset = fake_dataset(size=(16, 8))
    return out, train(BASELINE, TINY, dataset, out=out, device="cpu", progress=False)


def test_save_and_load_give_the_same_output(run):
    out, trained = run
    model, about = load_model(out)
    clips = torch.randn(2, 4, 3, 16, 8, generator=torch.Generator().manual_seed(0))
    assert not model.training
    assert torch.equal(model(clips).embedding, trained.model(clips).embedding)
    assert torch.equal(model(clips).heads["frame"][1], trained.model(clips).heads["frame"][1])
    assert about == trained.about
    assert read_about(out / "model.safetensors").recipe.options == {"frame_classifier": True}


def test_a_checkpoint_of_another_model_is_named(run):
    out, _ = run
    other = build(recipe("baseline"), TINY, 6, pretrained=False).model
    tensors = load_file(out / "model.safetensors")
    with pytest.raises(ReidError) as caught:
        load_weights(other, tensors, recipe("baseline"), out)
    for word in ("another model", "frame_classifier.weight", "(6, 128)", "baseline as recipe"):
        assert word in str(caught.value)
    fewer = build(BASELINE, TINY, 5, pretrained=False).model
    with pytest.raises(ReidError, match=r"classifier\.weight is \(6, 128\) in it and \(5, 128\)"):
        load_weights(fewer, tensors, BASELINE, out)


def test_what_is_no_model_is_named(run, tmp_path):
    with pytest.raises(ReidError, match=r"no trained model at .*; train one with `reid train`"):
        load_model(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(ReidError, match="not a model that `reid train` wrote"):
        load_model(path)
    path.write_bytes((run[0] / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(ReidError, match=str(path)):
        load_model(path)


def test_a_damaged_state_is_named(run, tmp_path):
    state = (run[0] / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(state[: len(state) // 2])
    dataset = fake_dataset(size=(16, 8))
    with pytest.raises(ReidError, match=r"state\.pt cannot be read .* --fresh"):
        train(BASELINE, TINY, dataset, out=tmp_path, device="cpu", progress=False)
    train(BASELINE, TINY, dataset, out=tmp_path, device="cpu", progress=False, fresh=True)
    assert load_model(tmp_path)[1].recipe.name == "baseline"
