"""Changes that leave numbers alone are declared by hash, for the runs that they spare."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from reidlib import harmless, sources
from reidlib.files import ROOT
from reidlib.harmless import HARMLESS, Harmless, alike
from reidlib.recipes import recipe
from reidlib.records import plain, read_record

BASELINE = plain(asdict(recipe("baseline")))


@pytest.mark.parametrize("one", HARMLESS, ids=lambda h: h.file)
def test_every_declared_change_ends_at_the_file_of_today(one: Harmless) -> None:
    last = one
    while later := next(
        (h for h in HARMLESS if (h.file, h.before) == (one.file, last.after)), None
    ):
        last = later
    assert last.after == sources._hash(sources.PACKAGE / one.file), (
        f"{one.file} has changed since: its declarations spare no record any more, remove them"
    )


@pytest.mark.parametrize("one", HARMLESS, ids=lambda h: h.file)
def test_no_declaration_outlives_its_records(one: Harmless) -> None:
    paths = (ROOT / "data/results").rglob("*.json")
    told = [json.loads(path.read_text(encoding="utf-8")).get("code") for path in paths]
    assert one.before in {code["sources"].get(one.file) for code in told if code}


def test_changes_follow_each_other_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (Harmless("a.py", "1", "2", ""), Harmless("a.py", "2", "3", ""),
             Harmless("b.py", "3", "4", ""), Harmless("a.py", "5", "5", ""))  # fmt: skip
    monkeypatch.setattr(harmless, "HARMLESS", steps)
    assert alike("a.py", "1", "3", {})
    assert alike("a.py", "2", "3", {})
    assert not alike("a.py", "3", "1", {})
    assert not alike("a.py", "1", "4", {})
    assert not alike("b.py", "1", "2", {})
    assert not alike("a.py", "5", "6", {})


def test_a_change_of_erasing_per_frame_spares_no_run_that_erases_so() -> None:
    (one,) = (h for h in HARMLESS if h.file == "data/transforms.py")
    per_frame = {**BASELINE, "augment": {**BASELINE["augment"], "erase_mode": "per_frame"}}
    never = {**per_frame, "augment": {**per_frame["augment"], "erase": 0.0}}
    told = [alike(one.file, one.before, one.after, r) for r in (BASELINE, per_frame, never, {})]
    assert told == [True, False, True, True]
    assert plain(asdict(recipe("rgsa_rgtr")))["augment"]["erase_mode"] == "per_frame"


def test_files_that_came_or_went_are_no_harmless_change() -> None:
    assert sources.differing({"a.py": "1"}, {"b.py": "1"}, {}) == ["a.py", "b.py"]
    assert sources.changed({"gone.py": "1"}, {}) == ["gone.py"]


def test_a_record_from_before_a_setting_has_its_default(tmp_path: Path) -> None:
    path = next((ROOT / "data/results").glob("baseline--laptop--*.json"))
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["recipe"]["augment"]["crop"]
    (tmp_path / path.name).write_text(json.dumps(told), encoding="utf-8")
    assert read_record(tmp_path / path.name).recipe == read_record(path).recipe
    told["recipe"]["augment"]["blur"] = 0.5  # a setting that recipes have not
    (tmp_path / path.name).write_text(json.dumps(told), encoding="utf-8")
    other = read_record(tmp_path / path.name)
    assert other.stale == "the recipe has changed"
    assert replace(other, recipe={"name": "nobody"}).stale == "there is no recipe nobody any more"
