"""Five papers, one protocol: every cell from records, what is missing said, only sure advice."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from reidlib.__main__ import main
from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.five_papers import (
    METHODS,
    OWN,
    advice,
    five_papers,
    missing,
    named,
)
from reidlib.experiments.forms import FORMATS, SCREEN, write
from reidlib.experiments.recorded import shipped
from reidlib.experiments.scene_sheets import five_papers_sheet
from reidlib.recipes import PAPERS, profile, recipe
from reidlib.recipes.core import plan
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record, leave

BASE = {"clean": [0.80, 0.82, 0.81], "occlusion": [0.60, 0.62, 0.58]}
TRSA = {"clean": [0.81, 0.83, 0.82], "occlusion": [0.64, 0.67, 0.62]}  # +1 and +4, +5, +4


@pytest.fixture
def results(tmp_path: Path) -> Path:
    leave(tmp_path / "r", "baseline", 0.5, 0.5, 0.5, **BASE)
    leave(tmp_path / "r", "trsa", 0.4, 0.42, 0.41, **TRSA)
    leave(tmp_path / "r", "sinet", 0.6)
    return tmp_path / "r"


def row(table, method):
    return next(r for r in table.rows if r.method == method)


def test_gains_by_hand(results: Path) -> None:
    found = row(five_papers(Evidence(results)), "trsa")
    assert found.cells["occlusion"].score.mean == pytest.approx((64 + 67 + 62) / 3)
    assert found.cells["occlusion"].gain.values == pytest.approx((4, 5, 4))
    assert found.cells["occlusion"].beyond.values == pytest.approx((3, 4, 3))
    assert found.cells["clean"].beyond is None
    assert found.cells["clutter"].score is None


def test_one_world_has_a_gain_and_nothing_sure(results: Path) -> None:
    found = row(five_papers(Evidence(results)), "sinet")
    gain = found.cells["street"].gain
    assert gain.mean == pytest.approx(10)
    assert gain.low < 0 < gain.high


def test_own_bases_are_rows_of_the_same_paper(results: Path) -> None:
    assert set(OWN) == set(PAPERS)
    assert all(
        recipe(base).paper == paper and not recipe(base).control for paper, base in OWN.items()
    )
    leave(results, "trsa-1/triplet", 0.35, 0.36, 0.35)
    found = row(five_papers(Evidence(results), own=True), "trsa")
    assert found.base == "trsa-1/triplet"
    assert found.cells["street"].gain.values == pytest.approx((5, 6, 6))


def test_the_illnesses_that_papers_name() -> None:
    assert named("sinet") == ("lookalike",)
    assert named("tacan") == ("occlusion",)
    assert named("fgra") == ("misalignment",)
    assert set(named("trsa")) == {"clutter", "occlusion"}


def test_what_is_missing_is_said_with_the_command(results: Path, tmp_path: Path) -> None:
    said = missing(Evidence(results))
    assert "baseline 0 of 5" in said  # three worlds, but not in all scenarios
    assert said.endswith("reid experiment baseline trsa rgsa_rgtr fgra tacan sinet --worlds 5")
    data = Data(scenario="clean", options={"family": 4})
    other = missing(Evidence(results, "fine", data))
    assert other.endswith("--worlds 5 --profile fine --scenario clean --with family=4")
    assert missing(Evidence(tmp_path / "none")).count("0 of 5") == 6
    full = {scenario: [0.5] * 5 for scenario in SCENARIOS if scenario != "street"}
    for name in METHODS:
        leave(tmp_path / "full", name, *[0.5] * 5, **full)
    assert missing(Evidence(tmp_path / "full")) == ""
    stale = fake_record("fgra", 0, dict.fromkeys(SCENARIOS, 0.5), code={"sources": {}})
    write_record(stale, tmp_path / "full")
    assert "fgra 4 of 5" in missing(Evidence(tmp_path / "full"))
    assert "trsa-1/triplet 0 of 5" in missing(Evidence(tmp_path / "full"), own=True)


def test_advice_takes_only_what_is_sure(results: Path) -> None:
    found = {a.scenario: a for a in advice(five_papers(Evidence(results)))}
    assert [name for name, _ in found["occlusion"].better] == ["TRSA"]
    assert found["occlusion"].named_by == ("TRSA", "RGSA+RGTR", "TACAN")
    assert [name for name, _ in found["street"].worse] == ["TRSA"]
    assert found["street"].open == ("SINet",)  # one world
    assert set(found["clutter"].unknown) == set(PAPERS.values())


def test_without_any_record_all_is_said_to_be_missing(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "none")
    table = five_papers(evidence)
    assert table.empty
    sheet = five_papers_sheet(table, five_papers(evidence, own=True))
    assert len(sheet.rows) == 1 + 3 * len(PAPERS)
    assert {cell for cells in sheet.rows for cell in cells[3:]} == {"not run yet"}
    assert {cells[2] for cells in sheet.rows} == {"0"}
    for form in FORMATS:
        assert write(sheet, form)


def test_the_command(results: Path, monkeypatch, capsys) -> None:
    words = ["reid", "table", "five-papers", "--records", str(results)]
    for more in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", words + more)
        with pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code
    text, _, data = capsys.readouterr().out.partition("{")
    assert "minus trsa-1/triplet" in text
    rows = json.loads("{" + data)["rows"]
    gain = one(rows, method="TRSA", minus="baseline", scenario="occlusion")
    assert gain["mean"] == pytest.approx(13 / 3)
    assert gain["low"] < gain["mean"] < gain["high"]
    assert gain["seeds"] == 3
    score = one(rows, method="SINet", minus="", scenario="street")
    assert (score["mean"], score["low"], score["seeds"]) == (pytest.approx(60), None, 1)
    assert one(rows, method="FGRA", minus="", scenario="street")["seeds"] == 0


def one(rows, **cells):
    found = [row for row in rows if all(row[name] == value for name, value in cells.items())]
    assert len(found) == 1
    return found[0]


def test_worlds_are_told_and_csv_has_numbers(results: Path) -> None:
    evidence = Evidence(results)
    sheet = five_papers_sheet(five_papers(evidence), five_papers(evidence, own=True))
    worlds = {cells[:2]: cells[2] for cells in sheet.rows}
    assert worlds["baseline", ""] == worlds["TRSA", "minus baseline"] == "3"
    assert worlds["SINet", "minus baseline"] == "1"
    write_record(fake_record("sinet", 1, {"street": 0.6, "clean": 0.9}), results)
    write_record(fake_record("sinet", 2, {"clean": 0.9}), results)
    write_record(fake_record("sinet", 3, {"clean": 0.9}), results)
    more = five_papers_sheet(five_papers(Evidence(results)))
    assert {cells[:2]: cells[2] for cells in more.rows}["SINet", ""] == "2-3"
    rows = list(csv.DictReader(io.StringIO(write(sheet, "csv"))))
    gain = one(rows, method="TRSA", minus="baseline", scenario="occlusion")
    assert (float(gain["mean"]), gain["seeds"]) == (pytest.approx(13 / 3), "3")
    assert len(rows) == (1 + 3 * len(PAPERS)) * len(SCENARIOS)


def test_a_stale_base_marks_gains_and_not_scores(results: Path) -> None:
    for world in range(3):
        old = fake_record("baseline", world, {"street": 0.5}, code={"sources": {}}, finished="2027")
        write_record(old, results.parent / "stale")
    leave(results.parent / "stale", "trsa", 0.4, 0.42, 0.41)
    evidence = Evidence(results.parent / "stale")
    sheet = five_papers_sheet(five_papers(evidence), five_papers(evidence, own=True))
    marks = {cells[:2] for cells in sheet.rows if cells[0].endswith(" !")}
    assert marks == {("baseline !", ""), ("TRSA !", "minus baseline")}
    rows = list(csv.DictReader(io.StringIO(write(sheet, "csv"))))
    assert one(rows, method="TRSA", minus="baseline", scenario="street")["stale"]
    assert not one(rows, method="TRSA", minus="", scenario="street")["stale"]


def test_intervals_in_all_scenarios_fit_a_screen(tmp_path: Path) -> None:
    wild = {scenario: [0.1, 0.9] for scenario in SCENARIOS if scenario != "street"}
    for name in METHODS:
        leave(tmp_path / "wild", name, 0.1, 0.9, **wild)
    lines = write(five_papers_sheet(five_papers(Evidence(tmp_path / "wild"))), "text").splitlines()
    assert max(map(len, lines)) <= SCREEN
    assert sum(line.startswith("baseline") for line in lines) > 1  # blocks, each with the names


def test_what_is_one_for_all_and_what_is_not(results: Path) -> None:
    """RULES against the recipes at the profile that they are told for."""
    laptop = profile("laptop")
    asked = [recipe(name) for name in (*METHODS, *OWN.values())]
    plans = [plan(one, laptop) for one in asked]
    assert {(p.size, p.frames, p.identities, p.clips) for p in plans} == {((64, 32), 4, 8, 4)}
    assert (laptop.network, laptop.steps) == ("small", 750)
    assert {(r.schedule.optimiser, r.schedule.weight_decay) for r in asked} == {("adam", 5e-4)}
    assert not any(r.schedule.rates for r in asked)
    assert [r.name for r in asked if r.backbone.get("se")] == ["tacan"]
    starts = {r.name: shipped(r, laptop) for r in asked}
    assert starts.pop("tacan") != starts["baseline"]
    assert len(set(starts.values())) == 1
    assert {r.paper for r in asked if r.sampler.mode != "one_pass"} == {"sinet"}
    for paper, base in OWN.items():
        rules = [(r.sampler, r.frames, r.augment, r.test) for r in map(recipe, (paper, base))]
        assert rules[0] == rules[1]
    for rule in ("losses", "frames", "augment", "test"):
        assert len({str(getattr(recipe(name), rule)) for name in METHODS}) > 2
    notes = five_papers_sheet(five_papers(Evidence(results))).notes
    assert any(note.startswith("one for all: ") for note in notes)
    fine = five_papers_sheet(five_papers(Evidence(results, "fine"))).notes
    assert not any(note.startswith("one for all: ") for note in fine)
