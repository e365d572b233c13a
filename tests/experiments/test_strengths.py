"""Method by illness by strength: the same worlds at every point, what is missing said."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest

from reidlib.__main__ import main
from reidlib.data.promenade.settings import ILLNESSES
from reidlib.errors import ReidError
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.five_papers import METHODS
from reidlib.experiments.forms import write
from reidlib.experiments.scene_sheets import strengths_sheet
from reidlib.experiments.strengths import LADDER, STEPS, scene, strengths
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record, leave


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two worlds of TRSA under every strength of occlusion, a third in clean alone."""
    folder = tmp_path / "r"
    for world, start in enumerate((0.8, 0.9)):
        scores = {scene("occlusion", s): start - 0.2 * s * (world + 1) for s in STEPS}
        write_record(fake_record("trsa", world, {"street": 0.5, **scores}), folder)
    write_record(fake_record("trsa", 2, {"street": 0.5, "clean": 0.1}), folder)
    leave(folder, "baseline", 0.6)
    return folder


def curve(found, illness: str, method: str):
    return next(c for c in found.curves if (c.illness, c.method) == (illness, method))


def test_every_illness_and_method_has_a_curve(results: Path) -> None:
    found = strengths(Evidence(results))
    assert [(c.illness, c.method) for c in found.curves] == [
        (illness, method) for illness in ILLNESSES for method in METHODS
    ]
    steps = ("0.25", "0.5", "0.75", "1")
    assert ("clean", *(f"{illness}={s}" for illness in ILLNESSES for s in steps)) == LADDER


def test_points_are_of_the_worlds_that_have_them_all(results: Path) -> None:
    found = curve(strengths(Evidence(results)), "occlusion", "trsa")
    assert {one.worlds for one in found.scores.values()} == {2}
    assert found.scores[0].mean == pytest.approx(85), "not of the third world, tested in clean only"
    assert found.scores[0.5].values == pytest.approx((70, 70))
    assert found.change.values == pytest.approx((-20, -40))


def test_a_curve_with_a_gap_is_none(results: Path) -> None:
    found = strengths(Evidence(results))
    assert not curve(found, "clutter", "trsa").scores, "clean alone is no curve"
    assert curve(found, "occlusion", "baseline").change is None
    assert "trsa" in found.missing
    assert "--score-on strengths" in found.missing


def test_what_is_missing_is_asked_for_as_the_table_is(results: Path) -> None:
    other = strengths(Evidence(results, "fine", Data(scenario="clean"))).missing
    assert other.endswith("--score-on strengths --profile fine --scenario clean")
    with pytest.raises(ReidError, match="only Promenade has illnesses"):
        strengths(Evidence(results, data=Data("mars")))


def test_a_run_of_strengths_serves_the_other_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scenario of training is among what is scored; a record with a gap is not whole."""
    words = ["experiment", "trsa", "--worlds", "1", "--score-on", "strengths", "--dry"]
    for scored, whole in ((("street", *LADDER), True), (LADDER, False),
                          (("street", *LADDER[:-1]), False)):  # fmt: skip
        folder = tmp_path / f"{scored[0]}-{scored[-1]}"
        folder.mkdir(parents=True)
        write_record(fake_record("trsa", 0, dict.fromkeys(scored, 0.5)), folder)
        monkeypatch.setattr(sys, "argv", ["reid", *words, "--out", str(folder)])
        with pytest.raises(SystemExit):
            main()
        out = capsys.readouterr().out
        assert "not recorded yet: 0 of 1 runs" in out
        assert ("not yet scored on all of street" in out and ": 1 more; " in out) != whole


def test_nothing_is_missing_when_nothing_is(tmp_path: Path) -> None:
    for method in METHODS:
        write_record(fake_record(method, 0, dict.fromkeys(LADDER, 0.5)), tmp_path / "r")
    assert strengths(Evidence(tmp_path / "r")).missing == ""


def test_the_sheet_says_what_the_curves_say(results: Path) -> None:
    sheet = strengths_sheet(strengths(Evidence(results)))
    row = next(r for r in sheet.rows if r[:2] == ("occlusion", "TRSA"))
    assert row[2] == "2"
    assert row[3].startswith("85.0 ± ")
    assert row[-1].startswith("-30.0 [")
    assert next(r for r in sheet.rows if r[:2] == ("clutter", "SINet"))[2:] == (
        "0", *["not run yet"] * (len(STEPS) + 1)
    )  # fmt: skip
    told = list(csv.DictReader(io.StringIO(write(sheet, "csv"))))
    (half,) = (
        one for one in told if (one["illness"], one["strength"], one["recipe"])
        == ("occlusion", "0.5", "trsa")
    )  # fmt: skip
    assert float(half["mean"]) == pytest.approx(70)
    assert half["seeds"] == "2"
    assert len(told) == len(sheet.rows) * len(STEPS)


def test_from_the_command_line(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["reid", "table", "strengths", "--records", str(results)])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert "85.0 ± " in capsys.readouterr().out
