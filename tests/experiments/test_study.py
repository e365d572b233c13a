"""The study of noise: what is compared with what, and that a record is one of now."""

import json
import sys
from dataclasses import asdict, replace

import pytest

from reidlib.__main__ import main
from reidlib.errors import ReidError
from reidlib.experiments import study
from reidlib.experiments.study import Trial, outdated, perform, recorded, run_study, trials
from reidlib.recipes import PAPERS, profile, recipe
from reidlib.records import read_record

FEW = {"evaluate": "validation", "people": {"train": 4, "validation": 3}, "lengths": (4, 5)}


def tiny(part="seeds", **changes):
    small = replace(profile("smoke"), steps=2, identities=2, clips=2)
    return Trial(part, "baseline", 0, recipe("baseline"), small, data=FEW, **changes)


def differing(one, other):
    """Names of the leaves in which two trials differ, dotted."""
    return set(_differing("", asdict(one), asdict(other)))


def _differing(at, one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {*one, *other}:
            yield from _differing(f"{at}.{key}".strip("."), one.get(key), other.get(key))
    elif one != other:
        yield at


def test_each_measure_adds_one_thing_to_the_last():
    parts = {part: trials([part])[0] for part in study.PARTS[:4]}
    steps = [differing(parts[a], parts[b]) - {"part"} for a, b in zip(parts, list(parts)[1:])]
    assert steps == [{"data.people.train"}, {"profile.pretrained"}, {"profile.averaging"}]
    assert parts["averaged"].profile == profile("laptop")


def test_the_neutral_pair_differs_in_frames_alone():
    four, one, two = trials(["averaged"])[:3]
    assert differing(four, one) <= {
        "arm", "recipe.small_clip_length", "recipe.frames"
    }  # fmt: skip
    assert differing(four, two) == {"arm", "recipe.small_clip_length"}
    assert [t.recipe.small_clip_length for t in (four, one, two)] == [4, 1, 2]
    assert all(t.data["evaluate"] == "validation" for t in trials() if t.part != "seeds")


def test_the_newcomer_starts_at_random_in_the_plain_backbone():
    found = {t.arm: t for t in trials(["plateau"]) if t.world == 0}
    laptop = profile("laptop").steps
    assert {arm: t.profile.steps for arm, t in found.items()} == {
        f"{arm}-{steps}": steps
        for arm in ("baseline", "newcomer")
        for steps in (laptop, laptop * 3 // 2)
    }
    newcomer = found[f"newcomer-{laptop}"]
    assert newcomer.recipe.backbone["se"]
    assert newcomer.weights.name == "small.safetensors"


def test_full_models_climb_on_validation_people_of_one_world():
    found = trials(["climbs"])
    assert {t.recipe.name for t in found} == set(PAPERS)
    assert {(t.world, t.data["evaluate"]) for t in found} == {(0, "validation")}
    for short, long in zip(found[::2], found[1::2]):
        assert differing(short, long) == {"arm", "profile.steps"}
        assert long.profile.steps == short.profile.steps * 3 // 2


def test_a_budget_is_a_whole_training_of_fewer_steps():
    found = trials(["budgets"], 2)
    laptop = profile("laptop")
    assert [t.arm for t in found[:8]] == [
        f"tacan-1_{row}-{steps}" for row in ("ca", "minmax") for steps in (125, 250, 500, 750)
    ]
    assert {t.world for t in found} == {0, 1}
    assert found[3].profile == laptop
    assert differing(found[0], found[3]) == {"arm", "profile.steps"}


def test_ten_seeds_share_one_world():
    found = trials(["seeds"])
    assert {t.seed for t in found} == set(range(10))
    assert {t.world for t in found} == {0}


def test_an_unknown_part_is_refused():
    with pytest.raises(ReidError, match="no part 'noise'; it has scratch-120, "):
        trials(["noise"])


@pytest.mark.parametrize(("option", "value"), [("--worlds", 0), ("--worlds", -1), ("--jobs", -2)])
def test_a_study_of_nothing_is_refused(option, value, tmp_path, monkeypatch, capsys):
    words = ["reid", "promenade", "study", "averaged", option, str(value), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert f"{option}" in capsys.readouterr().err
    with pytest.raises(ReidError, match="at least 1 world, not 0"):
        trials(["averaged"], 0)
    with pytest.raises(ReidError, match="at least 1 run has to be done at once, not -2"):
        run_study([], tmp_path, at_once=-2)


def test_a_trial_leaves_a_record_that_holds_until_something_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("REIDLIB_CACHE", str(tmp_path / "cache"))
    trial = tiny()
    assert recorded(trial, tmp_path) is None
    perform(trial, tmp_path)
    record = recorded(trial, tmp_path)
    assert record is not None
    assert record.notes["study"] == {"part": "seeds", "arm": "baseline"}
    queries, score = record.notes["queries"], record.scores["street"]
    aps = [ap for ap in queries["ap"] if ap is not None]
    assert len(queries["people"]) == score["total"]
    assert len(set(queries["people"])) == 3
    assert sum(aps) / len(aps) == pytest.approx(score["map"], abs=1e-4)

    longer = replace(trial, profile=replace(trial.profile, steps=3))
    assert outdated(record, longer) == "the profile has changed"
    for change in ({"people": {"train": 4, "validation": 4}}, {"lengths": (4, 6)}):
        other = replace(trial, data={**FEW, **change})
        assert outdated(record, other) == "the data are asked for otherwise"
        assert recorded(other, tmp_path) is None
    assert recorded(replace(trial, seed=1), tmp_path) is None
    path = next((tmp_path / trial.folder).glob("*.json"))
    told = json.loads(path.read_text(encoding="utf-8"))
    told["code"]["sources"]["training.py"] = "0"
    path.write_text(json.dumps(told), encoding="utf-8")
    assert outdated(read_record(path), trial) == "training.py changed"
    assert recorded(trial, tmp_path) is None


def test_what_fails_is_told_and_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("REIDLIB_CACHE", str(tmp_path / "cache"))
    bad = tiny(weights=tmp_path / "nothing.safetensors")
    failed = run_study([bad, tiny()], tmp_path, progress=False)
    assert [trial for trial, _ in failed] == [bad]
    assert "nothing.safetensors" in failed[0][1]
    assert recorded(tiny(), tmp_path) is not None
    assert run_study([tiny()], tmp_path, progress=False) == []
