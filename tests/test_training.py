import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from reidlib import training
from reidlib.errors import ReidError
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import Schedule
from reidlib.training import Diverged, has_bf16, train
from tests.fake_clips import fake_dataset

BASELINE = recipe("baseline")
TINY = replace(profile("smoke"), height=16, width=8, steps=8, rate=3e-3, averaging=0.9)
TIMES = ("frames_per_second", "waiting")


@pytest.fixture(scope="module")
def dataset():
    return fake_dataset(size=(16, 8))


def run(dataset, out=None, *, recipe=BASELINE, profile=TINY, **options):
    return train(recipe, profile, dataset, out=out, device="cpu", progress=False, **options)


def curve(out):
    with (out / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def assert_same_end(one, other):
    """Not near: the same bits in weights, optimiser, average and readings."""
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert curve(one) == curve(other)
    states = [torch.load(folder / "state.pt", weights_only=True) for folder in (one, other)]
    assert states[0].pop("about") == states[1].pop("about")
    assert all(state.pop("seconds") > 0 for state in states)
    torch.testing.assert_close(*states, rtol=0, atol=0)


def stop_at(step, monkeypatch):
    """Training breaks when it asks for batch `step`."""
    batch = training.ClipLoader.batch

    def broken(self, number):
        if number >= step:
            raise InterruptedError
        return batch(self, number)

    monkeypatch.setattr(training.ClipLoader, "batch", broken)


def test_it_learns(dataset, tmp_path):
    trained = run(dataset, tmp_path, profile=replace(TINY, steps=60, averaging=0.0))
    rows = curve(tmp_path)
    assert [int(row["step"]) for row in rows] == list(range(60))
    first = sum(float(row["cross_entropy"]) for row in rows[:6]) / 6
    assert trained.readings["cross_entropy"] < 0.6 * first
    assert trained.readings["loss"] == pytest.approx(
        sum(float(row["loss"]) for row in rows[-6:]) / 6, rel=1e-6
    )
    assert not trained.model.training
    assert trained.parameters == sum(p.numel() for p in trained.model.parameters())
    assert trained.about.start == "scratch"
    assert trained.about.data["name"] == "fake"


def test_the_same_seed_gives_the_same_weights(dataset):
    one, two, other = (run(dataset, seed=s).model.state_dict() for s in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["classifier.weight"], other["classifier.weight"])


CHILD = """
import sys, time
from dataclasses import replace
from pathlib import Path
from tests.test_training import BASELINE, TINY, fake_dataset, run, training
batch = training.ClipLoader.batch
def slow(self, step):
    time.sleep(0.15)
    return batch(self, step)
training.ClipLoader.batch = slow
run(fake_dataset(size=(16, 8)), Path(sys.argv[1]), save_steps=2)
"""


def test_killed_and_resumed_it_ends_at_the_same_bits(dataset, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    here = str(Path(__file__).parents[1])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(killed)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([here, *sys.path]),
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
        },
    )
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:
        if (killed / "state.pt").exists() and len(curve(killed)) >= 5:
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    reached = torch.load(killed / "state.pt", weights_only=True)["step"]
    assert 0 < reached < TINY.steps
    assert not (killed / "model.safetensors").exists()

    (killed / ".state.pt.1234").write_bytes(b"torn")  # as if it had been killed while it saved
    run(dataset, killed)
    run(dataset, whole)
    assert_same_end(killed, whole)
    assert not (killed / ".state.pt.1234").exists()
    assert [int(row["step"]) for row in curve(killed)] == list(range(TINY.steps))


@pytest.mark.parametrize(
    ("changes", "schedule"),
    [
        ({"averaging": 0.0}, Schedule(optimiser="sgd", rate=0.01)),
        ({"steps": None, "rate": None}, Schedule(epochs=6, milestones=(2, 4))),
        ({"precision": "bf16"}, Schedule(rates={"classifier": 0.01})),
    ],
)
def test_any_optimiser_and_precision_resumes(dataset, tmp_path, monkeypatch, changes, schedule):
    if changes.get("precision") == "bf16" and not has_bf16(torch.device("cpu")):
        pytest.skip("this processor has no bfloat16")
    options = {
        "profile": replace(TINY, **changes),
        "recipe": replace(BASELINE, schedule=schedule),
        "save_steps": 3,
    }
    with monkeypatch.context() as patch:
        stop_at(5, patch)
        with pytest.raises(InterruptedError):
            run(dataset, tmp_path / "stopped", **options)
    run(dataset, tmp_path / "stopped", **options)
    run(dataset, tmp_path / "whole", **options)
    assert_same_end(tmp_path / "stopped", tmp_path / "whole")


def test_a_finished_run_is_loaded(dataset, tmp_path, monkeypatch):
    first = run(dataset, tmp_path)
    stop_at(0, monkeypatch)
    again = run(dataset, tmp_path)
    weights = first.model.state_dict()
    assert all(torch.equal(weights[n], t) for n, t in again.model.state_dict().items())
    assert again.readings == first.readings
    assert again.seconds == first.seconds
    with pytest.raises(InterruptedError):
        run(dataset, tmp_path, fresh=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 3}, "seed is 0 there and 3 here"),
        ({"profile": replace(TINY, steps=9)}, "profile.steps is 8 there and 9 here"),
        ({"recipe": replace(BASELINE, frames="random")}, "recipe.frames is 'sparse' there"),
        ({"dataset": fake_dataset(size=(16, 8), version="2")}, "data.version is '1' there"),
    ],
)
def test_a_folder_of_another_run_is_refused(dataset, tmp_path, changes, message):
    run(dataset, tmp_path, profile=replace(TINY, steps=8))
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(ReidError, match=message):
        run(changes.pop("dataset", dataset), tmp_path, **changes)
    assert (tmp_path / "state.pt").read_bytes() == before


def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_checkpoint(
    dataset, tmp_path, monkeypatch
):
    objective, calls = training.objective, []

    def broken(*arguments):
        total, readings = objective(*arguments)
        calls.append(total)
        if len(calls) == 6:
            readings["loss"] = total.detach() * torch.nan
        return total, readings

    monkeypatch.setattr(training, "objective", broken)
    with pytest.raises(Diverged) as caught:
        run(dataset, tmp_path, save_steps=2)
    rows = training.make_loader(BASELINE, TINY, dataset, 0).batch(5).rows.tolist()
    assert "at step 5" in str(caught.value)
    assert str(rows) in str(caught.value)
    assert "step 4 is kept" in str(caught.value)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] == 4
    assert all(t.isfinite().all() for t in state["model"].values())
    assert not (tmp_path / "model.safetensors").exists()


def test_a_gradient_that_is_lost_moves_no_weight(dataset, tmp_path, monkeypatch):
    """A finite loss can still have a gradient that is not: told at its own step, never taken."""
    objective, step = training.objective, iter(range(100))

    def broken(*arguments):
        total, readings = objective(*arguments)
        return (total * torch.inf if next(step) == 3 else total), readings

    monkeypatch.setattr(training, "objective", broken)
    with pytest.raises(Diverged) as caught:
        run(dataset, tmp_path, save_steps=1)
    rows = training.make_loader(BASELINE, TINY, dataset, 0).batch(3).rows.tolist()
    assert f"at step 3, on tracklet rows {rows}" in str(caught.value)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] == 3
    assert all(t.isfinite().all() for t in state["model"].values())


def test_bad_input_is_refused_before_training(dataset, tmp_path, monkeypatch):
    stop_at(0, monkeypatch)
    with pytest.raises(ReidError, match="it tests what sinet learned"):
        run(dataset, recipe=replace(BASELINE, weights_of="sinet"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ReidError, match=r"cannot write to .*file"):
        run(dataset, tmp_path / "file" / "run")
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("reidlib.files.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ReidError, match=r"MiB free and .* needed"):
        run(dataset, tmp_path / "full")
    monkeypatch.undo()
    with pytest.raises(ReidError, match="ask for fewer identities"):
        run(dataset, profile=replace(TINY, identities=7))


def doubled(**options):
    """A run in double precision: what two processes and one differ by is rounding, no more."""
    build, to_device = training.build, training.to_device

    def build_double(*arguments, **keywords):
        built = build(*arguments, **keywords)
        return built._replace(model=built.model.double())

    def to_device_double(*arguments):
        clips, labels = to_device(*arguments)
        return clips.double(), labels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "build", build_double)
        patch.setattr(training, "to_device", to_device_double)
        return run(fake_dataset(size=(16, 8)), profile=TINY, **options)


WORKER = """
import sys
from pathlib import Path
from tests.test_training import doubled
doubled(out=Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    """The same losses, since batch statistics and the triplets of the whole batch are shared."""
    here = str(Path(__file__).parents[1])
    (tmp_path / "worker.py").write_text(WORKER)
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node", "2", str(tmp_path / "worker.py"), str(tmp_path / "two")),
        ],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([here, *sys.path]),
            "OMP_NUM_THREADS": "1",
        },
        check=True,
        timeout=180,
    )
    doubled(out=tmp_path / "one")
    one, two = (curve(tmp_path / name) for name in ("one", "two"))
    assert len(one) == len(two) == TINY.steps
    for a, b in zip(one, two):
        assert {k: float(v) for k, v in b.items()} == pytest.approx(
            {k: float(v) for k, v in a.items()}, rel=1e-8, abs=1e-10
        )
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    torch.testing.assert_close(*weights, rtol=1e-6, atol=1e-8)


def test_the_header_tells_what_a_model_is(dataset, tmp_path):
    from safetensors import safe_open

    run(dataset, tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        about = json.loads(file.metadata()["reidlib"])
    assert about["recipe"]["name"] == "baseline"
    assert about["num_classes"] == 6
    assert "/" not in json.dumps(about["data"])
