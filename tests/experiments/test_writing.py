"""Sheets that are made from records of mechanisms and from verdicts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from reidlib.data.promenade import VERSION
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.forms import FORMATS, Sheet, write
from reidlib.experiments.looking import diameters_sheet
from reidlib.experiments.mechanisms import records
from reidlib.experiments.printed_tables import DIAMETERS
from reidlib.experiments.tables import ablation
from reidlib.experiments.verdicts import verdicts
from reidlib.experiments.writing import ablation_sheet, verdicts_sheet

KINDS = ("raw", "unit", "relative")


def clusters(people: dict[str, float], version: str = VERSION) -> records.TruthRecord:
    """Diameters of people 3 and 5: those given, and twice as much without the min-max loss."""
    cells = [
        {"scene": "street", "source": model, "question": f"diameter, {kind}",
         "values": {pid: factor * value for pid, value in people.items()}}
        for model, factor in (("tacan-1/ca", 2.0), ("tacan-1/minmax", 1.0)) for kind in KINDS
    ]  # fmt: skip
    return records.TruthRecord(
        claim="C5", rule="", setting={}, models={}, cells=cells, numbers={}, words=[], machine={},
        data={"name": "promenade", "version": version, "scenes": {"street": "0"}},
        code={"version": "0", "commit": None, "sources": records._sources("C5")},
    )  # fmt: skip


def test_diameters_of_the_print_and_ours() -> None:
    sheet = diameters_sheet(clusters({"3": 0.2, "5": 0.4}))
    assert sheet.header[-3:] == ("ours raw", "ours unit", "ours relative")
    for row, values, mean in zip(sheet.rows, DIAMETERS.values(), ("0.600", "0.300")):
        assert row[1:6] == tuple(f"{value:.4f}" for value in values)
        assert all(cell.startswith(f"{mean} [") for cell in row[6:])
    assert not any("stale" in note for note in sheet.notes)


def test_diameters_for_programs() -> None:
    rows = list(csv.DictReader(io.StringIO(write(diameters_sheet(clusters({"3": 0.2})), "csv"))))
    assert len(rows) == 2 * (5 + 3)
    printed = next(r for r in rows if r["diameter"] == "paper, sample 2")
    assert (float(printed["mean"]), printed["low"]) == (0.7038, "")
    ours = next(r for r in rows if (r["recipe"], r["diameter"]) == ("tacan-1/minmax", "unit"))
    assert (float(ours["mean"]), ours["people"]) == (0.2, "1")


def test_diameters_without_a_record_and_with_a_stale_one() -> None:
    sheet = diameters_sheet(None)
    assert {cell for row in sheet.rows for cell in row[6:]} == {"not run yet"}
    assert "reid truth C5" in sheet.notes[0]
    old = diameters_sheet(clusters({"3": 0.2, "5": 0.4}, version="0"))
    assert old.notes[-1].startswith("stale, the data are at version")


def test_claims_of_one_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reidlib.costs.claims", lambda paper: ())  # counts, and slowly
    sheet = verdicts_sheet(verdicts(Evidence(tmp_path)), "TRSA")
    assert [row[0] for row in sheet.rows] == ["T1", "T2", "T3", "T4", "T5", "T6"]
    assert all(row[-1] for row in sheet.rows)
    assert all(write(sheet, form) for form in FORMATS)


def test_latex_has_minus_signs_and_columns_as_their_cells_are() -> None:
    numbers = Sheet("t", ("row", "clean", "street"), (("a-1", "0.5", "-5.3 [-6.3, -4.2]"),))
    words = Sheet("t", ("row", "clean", "verdict"), (("a-1", "-", "holds"),), ("see `reid x`",))
    assert "{lrr}" in write(numbers, "latex")
    assert r"a-1 & 0.5 & $-$5.3 [$-$6.3, $-$4.2] \\" in write(numbers, "latex")
    assert "{lrl}" in write(words, "latex")
    assert r"see \texttt{reid x}" in write(words, "latex")


def test_a_table_without_records_names_the_command(tmp_path: Path) -> None:
    (note,) = (n for n in ablation_sheet(ablation("sinet-2", Evidence(tmp_path))).notes if "`" in n)
    assert note == "no row is recorded here yet: `reid experiment sinet-2` runs them"
