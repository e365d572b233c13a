"""A paper's table in every scenario: by hand, with blanks where no record is."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path

import pytest

from reidlib.__main__ import main
from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.forms import FORMATS, SCREEN, write
from reidlib.experiments.printed import printed_tables
from reidlib.experiments.scene_sheets import scenes_sheet
from reidlib.experiments.scenes import ROUGHLY, SURE, by_scenario
from reidlib.experiments.tables import ablation, rows_of
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record, leave

ABLATIONS = [name for name, table in printed_tables().items() if table.kind == "ablation"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """SBM gains 1, 2, 1.5 points in clean, 4, 5.5, 5 among look-alikes and -1, +1, 0 in street."""
    folder = tmp_path / "r"
    base = {"clean": [0.80, 0.70, 0.75], "lookalike": [0.60, 0.50, 0.55]}
    sbm = {"clean": [0.81, 0.72, 0.765], "lookalike": [0.64, 0.555, 0.60]}
    leave(folder, "sinet-2/base", 0.5, 0.5, 0.5, **base)
    leave(folder, "sinet-2/sbm", 0.49, 0.51, 0.5, **sbm)
    leave(folder, "sinet-3/sbm-without-cal", 0.40, 0.41)
    return folder


def row(found, recipe):
    return next(one for one in found.rows if one.recipe == recipe)


def test_gains_by_hand(results: Path) -> None:
    sbm = row(by_scenario("sinet-2", Evidence(results)), "sinet-2/sbm")
    assert sbm.base == row(by_scenario("sinet-2", Evidence(results)), "sinet-2/base").name
    assert sbm.cells["clean"].gain.values == pytest.approx((1, 2, 1.5))
    assert sbm.cells["lookalike"].gain.values == pytest.approx((4, 5.5, 5))
    assert sbm.cells["lookalike"].beyond.values == pytest.approx((3, 3.5, 3.5))
    errors = [(math.log(a / b), math.log(c / d)) for a, b, c, d in
              ((40, 36, 20, 19), (50, 44.5, 30, 28), (45, 40, 25, 23.5))]  # fmt: skip
    assert sbm.cells["lookalike"].saved.values == pytest.approx([x - y for x, y in errors])
    assert sbm.cells["lookalike"].mark == SURE
    assert sbm.cells["street"].beyond.values == pytest.approx((-2, -1, -1.5))
    assert sbm.cells["clean"].beyond is None
    assert sbm.cells["clean"].mark == ""
    assert sbm.cells["clutter"].score is None


def test_an_illness_that_explains_nothing_has_no_mark(results: Path) -> None:
    leave(results, "sinet-2/idm", 0.5, 0.5, clean=[0.81, 0.71], occlusion=[0.6, 0.7])
    leave(results, "sinet-2/base", 0.5, 0.5, clean=[0.80, 0.70], occlusion=[0.6, 0.6])
    cell = row(by_scenario("sinet-2", Evidence(results)), "sinet-2/idm").cells["occlusion"]
    assert cell.beyond.values == pytest.approx((-1, 9))
    assert cell.mark == ""
    one = results.parent / "one"
    leave(one, "sinet-2/idm", 0.5, clean=[0.8], occlusion=[0.7])
    leave(one, "sinet-2/base", 0.5, clean=[0.8], occlusion=[0.6])
    cell = row(by_scenario("sinet-2", Evidence(one)), "sinet-2/idm").cells["occlusion"]
    assert cell.beyond.mean == pytest.approx(10)
    assert cell.mark == ""  # one world has no interval
    assert scenes_sheet(by_scenario("sinet-2", Evidence(one))).screen[3][5] == "+10.0"


def test_more_points_that_are_a_smaller_share_are_marked_roughly(tmp_path: Path) -> None:
    """Clean: 96 to 98, half of what was missing. Occlusion: 70 to 76, a fifth. Points say more."""
    off = (0, 0.001, -0.001)
    base = {"clean": [0.96 + x for x in off], "occlusion": [0.70 + x for x in off]}
    row_ = {"clean": [0.98 - x for x in off], "occlusion": [0.76 - x for x in off]}
    leave(tmp_path / "r", "sinet-2/base", 0.5, 0.5, 0.5, **base)
    leave(tmp_path / "r", "sinet-2/sbm", 0.5, 0.5, 0.5, **row_)
    cell = row(by_scenario("sinet-2", Evidence(tmp_path / "r")), "sinet-2/sbm").cells["occlusion"]
    assert cell.beyond.mean == pytest.approx(4)
    assert cell.saved.high < 0
    assert cell.mark == ROUGHLY


def test_a_full_score_has_no_share_of_what_is_missed(tmp_path: Path) -> None:
    leave(tmp_path / "r", "sinet-2/base", 0.5, 0.5, clean=[1.0, 0.9], occlusion=[0.8, 0.0])
    leave(tmp_path / "r", "sinet-2/sbm", 0.5, 0.5, clean=[1.0, 0.9], occlusion=[0.9, 1.0])
    cell = row(by_scenario("sinet-2", Evidence(tmp_path / "r")), "sinet-2/sbm").cells["occlusion"]
    assert cell.beyond.values == pytest.approx((10, 100))
    assert cell.saved is None


def test_marks_are_of_the_worlds_scored_in_both(tmp_path: Path) -> None:
    """Street has five worlds, clean three: gain over five, mark over three."""
    leave(tmp_path / "r", "sinet-2/base", *[0.5] * 5)
    leave(tmp_path / "r", "sinet-2/sbm", *[0.6, 0.61, 0.62, 0.2, 0.9])
    clean = [(0.8, 0.8), (0.81, 0.81), (0.8, 0.8)]
    for world, pair in enumerate(clean):
        for name, value, street in zip(("sinet-2/base", "sinet-2/sbm"), pair,
                                       (0.5, 0.6 + 0.01 * world)):  # fmt: skip
            scores = {"street": street, "clean": value}
            write_record(fake_record(name, world, scores), tmp_path / "r")
    cell = row(by_scenario("sinet-2", Evidence(tmp_path / "r")), "sinet-2/sbm").cells["street"]
    assert (cell.gain.worlds, cell.beyond.worlds) == (5, 3)
    assert cell.gain.low < 0
    assert cell.mark


@pytest.mark.parametrize("name", ABLATIONS)
def test_rows_bases_and_street_are_the_tables_own(results: Path, name: str) -> None:
    evidence = Evidence(results)
    found, table = by_scenario(name, evidence), ablation(name, evidence)
    assert [(r.name, r.recipe, r.base, r.control) for r in found.rows] == [
        (r.label, r.recipe, r.base, r.control) for r in table.rows
    ]
    assert [r.cells["street"].gain if r.base else None for r in found.rows] == [
        r.gain for r in table.rows
    ]
    assert [r.cells["street"].score for r in found.rows] == [r.ours for r in table.rows]


def test_the_sheet_says_what_is_measured_and_what_is_not(results: Path) -> None:
    sheet = scenes_sheet(by_scenario("sinet-3", Evidence(results)))
    assert sheet.header == ("row", "to row", "worlds", *SCENARIOS)
    cells = {line[0]: dict(zip(sheet.header, line)) for line in sheet.rows}
    sbm = cells["9. base. + SBM"]
    assert sbm["to row"] == "1"
    assert sbm["worlds"] == "3"
    assert sbm["lookalike"] == "+4.8 [+2.9, +6.7] *"
    assert sbm["clutter"] == "-"
    assert cells["1. base."]["clean"].startswith("75.0 ± ")
    assert cells["6. base. + SBM w/o CAL"]["street"].startswith("-9.5 [")
    short = {line[0]: dict(zip(sheet.screen[0], line)) for line in sheet.screen[1:]}
    assert short["9. base. + SBM"]["lookalike"] == "+4.8±1.9*"
    assert any("`reid experiment sinet-3 --score-on all`" in note for note in sheet.notes)
    assert any(note.startswith("*: surely") for note in sheet.notes)


def test_without_records_there_are_dashes_and_the_command(tmp_path: Path) -> None:
    sheet = scenes_sheet(by_scenario("trsa-1", Evidence(tmp_path / "none")))
    assert {cell for line in sheet.rows for cell in line[3:]} == {"-"}
    assert {line[2] for line in sheet.rows} == {"0"}
    assert not any(note.startswith(("*", "!")) for note in sheet.notes)
    for form in FORMATS:
        assert write(sheet, form)


@pytest.mark.parametrize("name", ABLATIONS)
def test_seven_scenarios_fit_a_line(tmp_path: Path, name: str) -> None:
    wild = {scenario: [0.9, 0.94, 0.86] for scenario in SCENARIOS if scenario != "street"}
    tame = {scenario: [0.81, 0.84, 0.79] for scenario in SCENARIOS if scenario != "street"}
    for place, recipe in enumerate(rows_of(name).values()):
        leave(tmp_path / "r", recipe.name, 0.9, 0.93, 0.86, **(tame if place else wild))
    text = write(scenes_sheet(by_scenario(name, Evidence(tmp_path / "r"))), "text").splitlines()
    assert max(map(len, text)) <= SCREEN
    assert sum(line.startswith("1. ") for line in text) == 1  # one block


def test_a_stale_base_marks_the_gain(results: Path) -> None:
    for world in range(3):
        scores = {"street": 0.5, "clean": 0.8}
        write_record(fake_record("sinet-2/base", world, scores, code={"sources": {}},
                                 finished="2027"), results.parent / "old")  # fmt: skip
    leave(results.parent / "old", "sinet-2/sbm", 0.49, 0.51, 0.5, clean=[0.8, 0.8, 0.8])
    sheet = scenes_sheet(by_scenario("sinet-2", Evidence(results.parent / "old")))
    assert [line[0].endswith(" !") for line in sheet.rows] == [True, True, False, False]
    assert any(note.startswith("!: stale") for note in sheet.notes)


def test_scores_and_gains_are_stale_by_themselves(results: Path) -> None:
    old = results.parent / "old"
    for world in range(2):
        write_record(fake_record("sinet-2/sbm", world, {"street": 0.5}, code={"sources": {}}), old)
    sheet = scenes_sheet(by_scenario("sinet-2", Evidence(old)))  # no base: no gain, nothing marked
    assert not any(line[0].endswith("!") for line in sheet.rows)
    assert not any(note.startswith("!") for note in sheet.notes)
    leave(old, "sinet-2/base", 0.5, 0.5)
    leave(old, "sinet-2/idm", 0.5, 0.5)
    base = fake_record("sinet-2/base", 0, {"street": 0.5}, code={"sources": {}})
    write_record(base, old)
    lines = {(line["recipe"], line["scenario"]): line for line in csv.DictReader(io.StringIO(
        write(scenes_sheet(by_scenario("sinet-2", Evidence(old))), "csv")))}  # fmt: skip
    idm = lines["sinet-2/idm", "street"]
    assert (idm["stale"], bool(idm["difference stale"])) == ("", True)
    assert lines["sinet-2/base", "street"]["stale"]


def test_the_command_is_of_these_records(tmp_path: Path) -> None:
    data = Data(scenario="occlusion", size="tiny", options={"family": 4})
    found = by_scenario("sinet-2", Evidence(tmp_path, "smoke", data))
    assert found.command == (
        "reid experiment sinet-2 --score-on all --profile smoke --scenario occlusion --size tiny "
        "--with family=4"
    )
    assert by_scenario("trsa-1", Evidence(tmp_path)).command.endswith("trsa-1 --score-on all")


def test_only_what_a_claim_compares_is_framed() -> None:
    found = by_scenario("sinet-3", Evidence(Path("none")))
    framed = {one.recipe: one.illnesses for one in found.rows if one.illnesses}
    assert framed == {"sinet-2/sbm": ("lookalike",), "sinet": ("lookalike",)}


def run(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["reid", "table", *words])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return left.value.code or 0, out, err


def test_the_command(results: Path, monkeypatch, capsys) -> None:
    words = ("sinet-2", "--scored", "all", "--records", str(results))
    code, text, _ = run(monkeypatch, capsys, *words)
    assert not code
    assert "+4.8±1.9*" in text
    code, text, _ = run(monkeypatch, capsys, *words, "--measure", "rank-1", "--csv")
    line = next(
        line for line in csv.DictReader(io.StringIO(text))
        if (line["recipe"], line["scenario"]) == ("sinet-2/sbm", "lookalike")
    )  # fmt: skip
    assert (line["measure"], line["seeds"], line["difference seeds"]) == ("rank-1", "3", "3")
    assert float(line["mean"]) == pytest.approx((74 + 65.5 + 70) / 3)
    assert float(line["difference"]) == pytest.approx(14.5 / 3)
    assert float(line["beyond clean"]) == pytest.approx(10 / 3)
    code, text, _ = run(monkeypatch, capsys, *words, "--json")
    assert len(json.loads(text)["rows"]) == 4 * len(SCENARIOS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sinet-2", "--scored", "all", "--data", "mars"), "mars has no scenarios"),
        (("sinet-2", "--scored", "every"), "unknown scenario 'every'"),
        (("five-papers", "--scored", "all"), "changes nothing in the table five-papers"),
    ],
)
def test_bad_requests(results: Path, monkeypatch, capsys, words, told) -> None:
    code, _, error = run(monkeypatch, capsys, *words, "--records", str(results))
    assert code
    assert told in error
