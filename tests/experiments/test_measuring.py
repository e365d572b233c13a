"""What is measured on test people: the same scores as anywhere else, each done once."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.errors import ReidError
from reidlib.experiments import measuring
from reidlib.experiments.data import Data
from reidlib.experiments.study_records import Studies
from reidlib.histogram import score_colours
from reidlib.records import read_record, write_record

FEW = Data(size="tiny", options={"people": {"train": 4, "test": 4}, "lengths": (4, 5)})
THREE = ("clean", "occlusion", "street")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REIDLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(measuring, "PROFILE", "smoke")
    monkeypatch.setattr(measuring, "SCENARIOS", {name: SCENARIOS[name] for name in THREE})
    monkeypatch.setattr(measuring, "LADDER", ("clean", "occlusion=0.5"))


def test_colours_by_scenario(tmp_path: Path) -> None:
    record = measuring.measure_colours(tmp_path / "promenade", 0, FEW)
    assert set(record.scores) == {*THREE, *(f"{name}, raw" for name in THREE)}
    assert (record.recipe["name"], record.steps) == ("colour-histogram", 0)
    dataset = FEW.load_test("occlusion", 0, (64, 32))
    for key, centre in (("occlusion", True), ("occlusion, raw", False)):
        assert record.scores[key] == json.loads(
            json.dumps(score_colours(dataset, centre).summary())
        )
    (run,) = Studies(tmp_path / "promenade").by_world("colours", "histogram").values()
    assert run.record == record
    assert not run.stale
    (path,) = (tmp_path / "promenade/colours/histogram").glob("*.json")
    before = path.read_bytes()
    measuring.measure_colours(tmp_path / "promenade", 0, FEW)
    assert path.read_bytes() == before  # recorded already


def test_what_is_missing_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(measuring, "SCENARIOS", {"clean": SCENARIOS["clean"]})
        first = measuring.measure_colours(tmp_path, 0, FEW)
    both = measuring.measure_colours(tmp_path, 0, FEW)
    assert set(first.scores) < set(both.scores)
    assert both.scores["clean"] == first.scores["clean"]
    assert len(list((tmp_path / "colours/histogram").glob("*.json"))) == 1


def test_doses_keep_each_querys_average_precision(tmp_path: Path) -> None:
    record = measuring.measure_doses(tmp_path / "promenade", tmp_path / "runs", 0, FEW)
    assert set(record.scores) == {"clean", "occlusion=0.5"}
    (run,) = Studies(tmp_path / "promenade").by_world("doses", "baseline", "clean").values()
    dataset = FEW.load_test("clean", 0, (64, 32))
    for scored in record.scores:
        ap, people = run.per_query(scored)
        assert people == [t.pid for t in dataset.query]
        assert np.nanmean(ap) == pytest.approx(record.scores[scored]["map"], abs=1e-5)
    (path,) = (tmp_path / "promenade/doses/baseline").glob("*.json")
    before = read_record(path)
    again = measuring.measure_doses(tmp_path / "promenade", tmp_path / "runs", 0, FEW)
    assert again == before


def test_what_was_asked_for_otherwise_is_done_again(tmp_path: Path) -> None:
    more = Data(size="tiny", options={**FEW.options, "people": {"train": 4, "test": 6}})
    for data in (FEW, more):
        colours = measuring.measure_colours(tmp_path, 0, data, ["clean"])
        doses = measuring.measure_doses(tmp_path, tmp_path / str(data.asked), 0, data)
        queries = len(data.load_test("clean", 0, (64, 32)).query)
        assert colours.scores["clean"]["total"] == doses.scores["clean"]["total"] == queries
    assert measuring.measure_colours(tmp_path, 0, more, ["clean"]) == colours  # done already


@pytest.mark.parametrize("what", ["recipe", "profile"])
def test_doses_of_another_recipe_or_profile_do_not_count(tmp_path: Path, what: str) -> None:
    good = measuring.measure_doses(tmp_path, tmp_path / "runs", 0, FEW)
    scores = {key: {**score, "map": 2.0} for key, score in good.scores.items()}
    other = {what: {**getattr(good, what), "weight_decay": 7}}
    write_record(replace(good, scores=scores, **other), tmp_path / "doses/baseline")
    again = measuring.measure_doses(tmp_path, tmp_path / "runs", 0, FEW)
    assert again.scores == good.scores


def test_a_training_shows_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "LADDER", ())
    with pytest.raises(AssertionError):  # nothing to score, so no record
        measuring.measure_doses(tmp_path, tmp_path / "runs", 0, FEW)
    assert "step" in capsys.readouterr().err


def test_a_kept_model_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reidlib.experiments.jobs import make_jobs
    from reidlib.experiments.worker import Places, perform
    from reidlib.recipes import recipe

    (job,) = make_jobs([recipe("baseline")], "smoke", replace(FEW, score_on=("clean",)), [0])
    places = Places(tmp_path / "results", tmp_path / "runs", keep=("baseline",))
    assert perform(job, places) == "done"
    (path,), (model,) = places.results.glob("*.json"), places.runs.rglob("model.safetensors")
    record = read_record(path)
    monkeypatch.setattr(measuring, "train", None)
    kept = (model.parent, record)
    found = measuring.measure_doses(tmp_path / "promenade", tmp_path, 0, FEW, kept)
    assert found.scores["clean"] == record.scores["clean"]
    assert found.steps == record.steps
    for other in (
        replace(record, start="elsewhere"),
        replace(record, data={**record.data, "version": "0"}),
    ):
        with pytest.raises(ReidError, match=r"is not the baseline|does not hold any more"):
            measuring.measure_doses(tmp_path / "promenade", tmp_path, 0, FEW, (model.parent, other))


def test_the_command_refuses_what_it_cannot_measure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reidlib.__main__ import main

    for words, told in ((["fog"], "no part 'fog'"), (["colours", "--worlds", "0"], "--worlds")):
        monkeypatch.setattr(sys, "argv", ["reid", "promenade", "measure", *words])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        assert told in capsys.readouterr().err
