"""Five papers, one protocol: every cell from records, what is missing said, only sure advice."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from reidlib.__main__ import main
from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.five_papers import (
    METHODS,
    OWN,
    advice,
    five_papers,
    missing,
    named,
)
from reidlib.experiments.writing import FORMATS, five_papers_sheet, write
from reidlib.recipes import PAPERS, recipe
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
    assert "reid experiment baseline trsa rgsa_rgtr fgra tacan sinet --profile laptop" in said
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
    assert {cell for cells in sheet.rows for cell in cells[2:]} == {"not run yet"}
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
    gain = next(r for r in rows if (r["method"], r[""]) == ("TRSA", "minus baseline"))
    assert gain["occlusion"].startswith("+4.3 [")
