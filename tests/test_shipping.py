"""Shipped models: what is promised of every file in data/checkpoints, and the code behind it."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
import torch

from reidlib.build import build
from reidlib.checkpoints import About, load_model, read_about, save_model
from reidlib.data import promenade
from reidlib.errors import ReidError
from reidlib.extraction import evaluate
from reidlib.files import data_folder
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import plan
from reidlib.records import read_record
from reidlib.run import run as run_once
from reidlib.shipping import ROOM, check, open_shipped, ship

MODELS = sorted(data_folder("checkpoints").glob("*--*.safetensors"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    small = replace(profile("smoke"), steps=2)
    data = promenade.load("tiny", people={"test": 4}, lengths=(2, 4), progress=False)
    run_once(recipe("baseline"), small, data, out, device="cpu", progress=False)
    return out


@pytest.fixture(scope="module")
def shipped(run, tmp_path_factory):
    return ship(run, tmp_path_factory.mktemp("models"))


def test_a_run_is_shipped_with_its_record_checksum_and_check(run, shipped):
    one = shipped
    assert one.path.name == "baseline--smoke.safetensors"
    assert one.path.stat().st_size < 0.6 * (run / "model.safetensors").stat().st_size
    again = open_shipped(one.path)
    assert again.record == one.record
    assert len(again.told["sha256"]) == 64
    assert {name: again.told[name] for name in ("rank-1", "map")} == check(one.path)
    assert again.told["in_training"] == check(run)


def test_shipped_weights_are_those_of_training_to_half_their_digits(run, shipped):
    there, here = (load_model(path)[0].state_dict() for path in (run, shipped.path))
    assert here.keys() == there.keys()
    for name, weights in here.items():
        assert weights.dtype == there[name].dtype
        if weights.ndim > 1:
            assert torch.equal(weights, there[name].half().float())
        else:  # biases, means and variances of batch norm, counts
            assert torch.equal(weights, there[name])


def test_statistics_of_any_shape_keep_their_digits(tmp_path):
    """FGRA's batch norm has a row a region; a variance may be too large for 16 bits."""
    size, fgra = profile("smoke"), recipe("fgra")
    model = build(fgra, size, 3).model
    model.guide.running_var.fill_(1e6)
    about = About(fgra, size, 3, 0, {}, "drawn", {})
    save_model(tmp_path / "fgra.safetensors", model, about, half=True)
    assert (load_model(tmp_path / "fgra.safetensors")[0].guide.running_var == 1e6).all()
    next(p for p in model.parameters() if p.ndim > 1).data[0] = 1e6
    with pytest.raises(ReidError, match="holds numbers that 16 bits cannot"):
        save_model(tmp_path / "wild.safetensors", model, about, half=True)
    assert not (tmp_path / "wild.safetensors").exists()


def test_the_record_of_a_model_before_goes(run, tmp_path):
    (record,) = run.glob("*.json")
    (tmp_path / record.name.replace("--promenade", "--an-older")).write_text(record.read_text())
    one = ship(run, tmp_path)
    assert [path.name for path in tmp_path.glob("*.json")] == [one.record.name]


def test_a_file_that_changed_is_named(shipped, tmp_path):
    changed = Path(copytree(shipped.path.parent, tmp_path / "models")) / shipped.path.name
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    with pytest.raises(ReidError, match=r"is not the file that .* tells of"):
        open_shipped(changed)


def test_no_record_no_shipping(run, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    with pytest.raises(ReidError, match="has no record of baseline"):
        ship(bare, tmp_path)
    with pytest.raises(ReidError, match="has no record beside it"):
        open_shipped(bare / "model.safetensors")


def test_more_than_there_is_room_for_is_refused(run, tmp_path):
    with (tmp_path / "other.safetensors").open("wb") as file:
        file.truncate(ROOM)
    with pytest.raises(ReidError, match="40 MB is the limit"):
        ship(run, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.safetensors"]


def test_all_shipped_files_together_stay_small():
    files = data_folder("checkpoints").glob("*.safetensors")
    assert sum(path.stat().st_size for path in files) < ROOM


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_model_is_what_its_record_says(path):
    one, about = open_shipped(path), read_about(path)
    assert one.record.recipe["name"] == about.recipe.name
    assert about.recipe == recipe(about.recipe.name), "the recipe has changed: train and ship again"
    assert about.profile == profile(about.profile.name), "the profile has changed: ship again"
    assert one.record.data["version"] == promenade.VERSION, "the data have changed: ship again"
    assert one.record.steps == about.profile.steps
    assert one.record.scores["street"]["map"] > 0.3


@pytest.mark.skipif(not MODELS, reason="no trained model is shipped yet")
def test_a_shipped_model_scores_what_it_scored():
    """Another processor adds up in another order, so one query of the 55 may change places."""
    path = next((p for p in MODELS if p.stem == "sinet--fine"), MODELS[0] if MODELS else None)
    told = open_shipped(path).told
    found = check(path)
    assert found["rank-1"] == pytest.approx(told["rank-1"], abs=1.5 / 55)
    assert found["map"] == pytest.approx(told["map"], abs=0.5 / 55)  # rank 1 in place of 2


@pytest.mark.slow
def test_a_laptop_model_scores_what_the_tables_show():
    """Its record is among the results; the file with half the digits finds its score again."""
    path = data_folder("checkpoints") / "baseline--laptop.safetensors"
    record, (model, about) = open_shipped(path).record, load_model(path)
    stored = read_record(data_folder("results") / record.name)
    assert stored.scores["street"] == record.scores["street"], "trained twice, to the last digit"
    assert stored.curve == record.curve
    height, width = plan(about.recipe, about.profile).size
    data = promenade.load(
        "small", "street", world=0, subset="none", height=height, width=width, progress=False
    )
    found = evaluate(model, data, about.recipe, about.profile, progress=False).summary()
    assert found["map"] == pytest.approx(stored.scores["street"]["map"], abs=0.002)
    assert found["rank-1"] == pytest.approx(stored.scores["street"]["rank-1"], abs=0.004)
