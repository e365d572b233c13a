"""Tables and verdicts: every number a record's or the paper's, every claim told, none invented."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from scipy import stats

from reidlib.__main__ import main
from reidlib.cli.experiments import _where
from reidlib.errors import ReidError
from reidlib.experiments.claims import CLAIMS, Comparison
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.forms import FORMATS, SCREEN, WIDE, Sheet, write
from reidlib.experiments.jobs import chosen, make_jobs
from reidlib.experiments.printed import printed_tables
from reidlib.experiments.printed_sheets import comparison_sheet
from reidlib.experiments.recorded import find
from reidlib.experiments.second_look import caveats, open_rows
from reidlib.experiments.statistics import equivalence, estimate, holm
from reidlib.experiments.tables import ablation, comparison
from reidlib.experiments.verdicts import Finding, Observed, Verdict, verdicts
from reidlib.experiments.writing import ablation_sheet
from reidlib.recipes import recipes
from reidlib.records import write_record
from reidlib.seeing.truth import Estimate as OverPeople
from tests.experiments.fake_records import fake_record, leave

BASE = [0.60, 0.61, 0.58, 0.62, 0.59]
SBM = [0.62, 0.635, 0.60, 0.645, 0.605]  # better in every world
ABLATIONS = [t.name for t in printed_tables().values() if t.kind == "ablation"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    leave(tmp_path / "results", "sinet-2/base", *BASE)
    leave(tmp_path / "results", "sinet-2/sbm", *SBM)
    return tmp_path / "results"


def row(table, label):
    return next(r for r in table.rows if r.label == label)


def csv_row(table, recipe):
    return next(
        r
        for r in csv.DictReader(io.StringIO(write(ablation_sheet(table), "csv")))
        if r["recipe"] == recipe
    )


def test_a_row_by_hand(results: Path) -> None:
    found = row(ablation("sinet-2", Evidence(results)), "+SBM")
    gains = [100 * (a - b) for a, b in zip(SBM, BASE)]
    assert found.printed == {"MARS": 85.7, "LS-VID": 77.1}
    assert found.printed_gain == {"MARS": 2.5, "LS-VID": 3.8}
    assert found.ours.mean == pytest.approx(sum(SBM) * 20)
    assert found.ours.worlds == found.gain.worlds == 5
    low, high = stats.t.interval(0.95, 4, sum(gains) / 5, stats.sem(gains))
    assert (found.gain.low, found.gain.high) == pytest.approx((low, high))
    assert (found.base, found.verdict) == ("base.", "holds on Promenade")


def test_rows_pair_by_world(results: Path) -> None:
    """A row with other worlds only has a score and no difference."""
    write_record(fake_record("sinet-2/idm", 7, {"street": 0.9}), results)
    found = row(ablation("sinet-2", Evidence(results)), "+IDM")
    assert found.ours.worlds == 1
    assert found.gain is None
    assert found.verdict == "not run yet"


def test_one_row_in_two_tables(results: Path) -> None:
    evidence = Evidence(results)
    ours = row(ablation("sinet-3", evidence), "base. + SBM").ours
    assert ours == row(ablation("sinet-2", evidence), "+SBM").ours
    assert row(ablation("sinet-fig5", evidence), "k = 3").ours == ours


@pytest.mark.parametrize("name", ABLATIONS)
@pytest.mark.parametrize("form", FORMATS)
def test_no_number_without_a_record(name: str, form: str, tmp_path: Path) -> None:
    """Nothing was run: all numbers in the print are the paper's, or in a row's name."""
    table = ablation(name, Evidence(tmp_path / "none"))
    assert table.rows
    assert all(r.ours is None and r.gain is None for r in table.rows)
    sheet = ablation_sheet(table)
    known = {f"{v:.1f}" for v in (*(x for r in table.rows for x in r.printed.values()),)}
    known |= {f"{v:+.1f}" for r in table.rows for v in r.printed_gain.values()}
    known |= {"0", "-", "not run yet", "not run yet!"}
    first = sheet.header.index(f"ours {table.measure}")
    for cells in sheet.rows:
        assert cells[first] == "not run yet"
        assert set(cells[1:-2]) <= known
    written = write(sheet, form)
    if form == "csv":
        lines = list(csv.DictReader(io.StringIO(written)))
        assert len(lines) == len(table.rows)
        ours = ("ours", "low", "high", "difference", "difference low", "difference high", "p")
        assert {line[column] for line in lines for column in ours} == {""}
        assert {line[s] for line in lines for s in ("seeds", "difference seeds")} == {"0"}
    else:
        assert written.count("not run yet") >= len(table.rows)


def test_the_number_goes_with_its_record(results: Path) -> None:
    shown = write(ablation_sheet(ablation("sinet-2", Evidence(results))), "text")
    assert f"{sum(SBM) * 20:.1f} ±" in shown
    for path in results.glob("sinet-2_sbm*"):
        path.unlink()
    shown = write(ablation_sheet(ablation("sinet-2", Evidence(results))), "text")
    assert f"{sum(SBM) * 20:.1f} ±" not in shown


def test_other_data_profiles_and_scenarios_do_not_mix(results: Path) -> None:
    from reidlib.experiments.data import Data

    assert not Evidence(results, "fine").held
    assert not Evidence(results, data=Data(scenario="clean")).held
    assert not Evidence(results, data=Data(size="tiny")).held
    assert not Evidence(results, data=Data("mars")).held
    other = fake_record("sinet", 0, {"street": 0.5})
    settings = {**other.data["settings"], "digest": "of fewer people"}
    write_record(replace(other, data={**other.data, "settings": settings}), results)
    assert "sinet" not in Evidence(results).held


def test_stale_records_are_marked_and_give_way(results: Path) -> None:
    gone = {"version": "0", "commit": None, "sources": {"models/sinet.py": "0"}}
    old = fake_record("sinet", 0, {"street": 0.9}, code=gone, finished="2027")
    write_record(old, results)
    table = ablation("sinet-2", Evidence(results))
    assert "changed" in row(table, "SINet").stale
    text = write(ablation_sheet(table), "text")
    assert "90.0 !" in text
    assert "!: stale, " in text
    shown = write(ablation_sheet(table), "latex").splitlines()
    assert [line for line in shown if "!: stale, " in line and not line.startswith("%")]
    write_record(fake_record("sinet", 0, {"street": 0.7}), results)
    assert row(ablation("sinet-2", Evidence(results)), "SINet").ours.mean == pytest.approx(70)


def test_a_stale_base_marks_what_is_measured_against_it(tmp_path: Path) -> None:
    gone = {"version": "0", "commit": None, "sources": {"models/sinet.py": "0"}}
    leave(tmp_path, "sinet-2/sbm", *SBM)
    for world, value in enumerate(BASE):
        write_record(fake_record("sinet-2/base", world, {"street": value}, code=gone), tmp_path)
    table = ablation("sinet-2", Evidence(tmp_path))
    cells = dict(zip(ablation_sheet(table).header, ablation_sheet(table).rows[1]))
    assert not row(table, "+SBM").stale
    assert not cells["ours mAP"].endswith("!")
    assert cells["ours diff."].endswith("] !")
    assert cells["verdict"] == "holds on Promenade !"
    assert "changed" in csv_row(table, "sinet-2/sbm")["stale"]
    assert csv_row(table, "sinet")["stale"] == ""  # not run: nothing that could be stale


def test_a_gain_of_fewer_worlds_says_so(tmp_path: Path) -> None:
    leave(tmp_path, "sinet-2/base", *BASE[:2])
    leave(tmp_path, "sinet-2/sbm", *SBM)
    leave(tmp_path, "sinet-2/idm", *SBM[:2])
    table = ablation("sinet-2", Evidence(tmp_path))
    column = ablation_sheet(table).header.index("ours diff.")
    cells = [one[column] for one in ablation_sheet(table).rows]
    assert cells[1].endswith("] (2 worlds)")
    assert cells[2].endswith("]")
    found = csv_row(table, "sinet-2/sbm")
    assert (found["seeds"], found["difference seeds"]) == ("5", "2")


def test_another_recipe_whose_weights_are_tested_has_changed(results: Path) -> None:
    leave(results, "fgra-2/shuffled", 0.5)
    assert not Evidence(results).stale("fgra-2/shuffled")
    write_record(fake_record("fgra-2/shuffled", 0, {"street": 0.5}, notes={}), results)
    assert "fgra, whose weights it tests" in Evidence(results).stale("fgra-2/shuffled")


def test_other_first_weights_make_a_record_stale(tmp_path, monkeypatch) -> None:
    from reidlib.build import build
    from reidlib.experiments import recorded
    from reidlib.recipes import profile

    chosen, size = recipes()["sinet"], profile("laptop")
    assert recorded.shipped(chosen, size) == build(chosen, size, 3).start
    record = fake_record("sinet", 0, {"street": 0.5}, start="small.safetensors, sha256 0")
    assert recorded.why_stale(record).startswith(
        "it started from small.safetensors, sha256 0, not "
    )
    monkeypatch.setattr(recorded, "data_folder", lambda name: tmp_path)
    assert recorded.shipped(chosen, size) == recorded.why_stale(record) == ""


def test_a_broken_record_is_set_aside_and_told(results: Path) -> None:
    (results / "half.json").write_text('{"format": 1')
    with pytest.warns(UserWarning, match=r"half\.json is not a run record"):
        assert Evidence(results).held
    assert (results / "half.json.broken").exists()


def test_csv_has_seeds(results: Path) -> None:
    sheet = ablation_sheet(ablation("sinet-2", Evidence(results)))
    rows = list(csv.DictReader(io.StringIO(write(sheet, "csv"))))
    sbm = next(r for r in rows if r["recipe"] == "sinet-2/sbm")
    assert sbm["seeds"] == "5"
    assert float(sbm["ours"]) == pytest.approx(sum(SBM) * 20)
    assert float(sbm["paper MARS"]) == 85.7
    assert next(r for r in rows if r["recipe"] == "sinet")["ours"] == ""


def test_latex_and_markdown_escape(results: Path) -> None:
    sheet = ablation_sheet(ablation("trsa-1", Evidence(results)))
    latex, markdown = write(sheet, "latex"), write(sheet, "markdown")
    assert r"Baseline + L\_v" in latex
    assert not re.search(r"(?<!\\)_", latex.split(r"\midrule")[1])
    assert all(line.startswith("|") for line in markdown.splitlines()[2:10])


def test_rows_are_numbered_and_differences_name_the_number(results: Path) -> None:
    for name in ABLATIONS:
        table = ablation(name, Evidence(results))
        for n, (cells, row) in enumerate(zip(ablation_sheet(table).rows, table.rows), 1):
            assert re.match(rf"{n}\. (\(\+\) )?(?!\d+[a-z]?\. )", cells[0])
            if row.base:
                assert table.rows[int(cells[-2]) - 1].label == row.base
    # FGRA numbers its own rows, and TACAN one of them.
    assert ablation_sheet(ablation("fgra-2", Evidence(results))).rows[1][0] == "2. GB"
    assert any("(+) ResNet50 + TA" in r[0] for r in ablation_sheet(
        ablation("tacan-1", Evidence(results))).rows)  # fmt: skip


def test_long_cells_go_on_beneath_and_names_stay_whole() -> None:
    name = "sinet-3/sbm-without-head-l1"
    words = f"a rather long name of a row, which ends in what it is held against: {name}"
    text = write(Sheet("title", ("row", "ours"), ((words, "1.0"), ("short", "2.0"))), "text")
    lines = text.splitlines()[2:]
    assert max(map(len, lines)) <= WIDE + len("  ours")
    assert name in text
    assert [line.split()[-1] for line in lines if line.endswith(".0")] == ["1.0", "2.0"]
    assert " ".join(text.replace("1.0", "").split()).count(words) == 1


def shown(sheet: Sheet) -> list[str]:
    lines = write(sheet, "text").splitlines()
    assert max(map(len, lines)) <= SCREEN
    return lines


@pytest.mark.parametrize("name", list(printed_tables()))
def test_every_table_fits_a_screen(name: str, tmp_path: Path) -> None:
    if printed_tables()[name].kind == "comparison":
        shown(comparison_sheet(comparison(name, tmp_path, "laptop")))
        return
    for world, value in enumerate((0.2, 0.9, 0.4)):  # wide intervals, and bases with fewer worlds
        for recipe in {r.recipe for r in ablation(name, Evidence(tmp_path)).rows}:
            if world < 2 or hash_of(recipe) % 2:
                write_record(fake_record(recipe, world, {"street": value}), tmp_path)
    table = ablation(name, Evidence(tmp_path))
    lines = shown(ablation_sheet(table))
    for row in table.rows:
        for data, value in row.printed.items():
            gain = row.printed_gain.get(data)
            cell = f"{value:.1f}" if gain is None else f"{value:.1f} ({gain:+.1f})"
            assert any(cell in line for line in lines)


def hash_of(name: str) -> int:
    return sum(map(ord, name))


def test_what_no_line_can_hold_goes_into_blocks() -> None:
    cells = [f"+{i}.0 [-{i}0.5, +{i}0.5]" for i in range(1, 10)]
    header = ("row", "", *(f"column {i}" for i in range(1, 10)))
    lines = shown(Sheet("title", header, (("a", "minus b", *cells),), keys=2))
    rows = [line for line in lines if line.startswith("a ")]
    assert len(rows) == len([line for line in lines if line.startswith("row")]) > 1
    assert all("minus b" in row for row in rows)
    assert [cell for row in rows for cell in re.findall(r"\+\d\.0 \[.*?\]", row)] == cells


def test_controls_of_all_tables_can_be_read(results: Path) -> None:
    for name in ABLATIONS:
        for one in ablation(name, Evidence(results)).rows:
            assert one.label != one.recipe.split("/")[-1]
    labels = [one.label for one in ablation("sinet-3", Evidence(results)).rows]
    assert "SBM that erases what it would dim" in labels


def test_a_verdict_against_another_row_than_the_base_says_so(tmp_path: Path) -> None:
    for name in ("fgra", "fgra-fig4/length-4", "rgsa-3/t8"):
        leave(tmp_path, name, *BASE)
    for name in ("fgra-fig4/length-6", "rgsa-3/t2", "rgsa-3/t16"):
        leave(tmp_path, name, *SBM)
    evidence = Evidence(tmp_path)
    lengths = ablation("fgra-fig4", evidence)
    assert row(lengths, "4 frames").base == "4 regions"
    assert row(lengths, "4 frames").verdict == "equivalent (to 6 frames)"  # of F6, in 5 points
    assert row(lengths, "8 frames").verdict == "not run yet (to 6 frames)"
    assert row(lengths, "2 frames").verdict == ""  # F6 leaves it out
    assert row(lengths, "6 frames").verdict == ""  # held against three
    clips = ablation("rgsa-3", evidence)
    assert row(clips, "T = 16").verdict == "holds on Promenade (to T = 8)"  # R6
    assert row(clips, "T = 8").verdict == "opposite on Promenade"  # to its base
    assert row(clips, "T = 12").verdict == ""


def test_measure_and_names_are_checked(results: Path) -> None:
    with pytest.raises(ReidError, match="no measure 'map'; there are mAP"):
        ablation("sinet-2", Evidence(results), "map")
    found = row(ablation("sinet-2", Evidence(results), "rank-1"), "base.")
    assert found.printed["MARS"] == 88.6
    assert found.ours.mean == pytest.approx(sum(BASE) * 20 + 10)


def test_comparison_shows_rivals_and_waits_for_the_users_data(results: Path) -> None:
    rows = comparison_sheet(comparison("fgra-1", results, "laptop")).rows
    assert next(row for row in rows if row[0] == "M3D")[1:4] == ("74.0", "94.33", "-")
    sheet = comparison_sheet(comparison("sinet-1", results, "laptop"))
    assert sheet.rows[-1][0] == "SINet, run here"
    assert set(sheet.rows[-1][1:]) == {"not run yet"}
    data = {"name": "mars", "version": "1", "protocol": "", "split": "", "settings": {}}
    for world, value in enumerate((0.8, 0.82)):
        write_record(fake_record("sinet", world, {"mars": value}, data=data), results)
    found = comparison("sinet-1", results, "laptop")
    assert found.ours == pytest.approx({("MARS", "mAP"): 81.0, ("MARS", "rank-1"): 91.0})
    assert found.worlds == {"MARS": 2}
    assert comparison_sheet(found).notes[1] == "runs here: profile laptop, mean of 2 on MARS"


def test_the_users_data_by_halving_and_by_options() -> None:
    from reidlib.experiments.data import Data

    def record(name: str, split: str = "", **notes: str):
        data = {"name": name, "version": "1", "protocol": "", "split": split, "settings": {}}
        return fake_record("sinet", 0, {name: 0.5}, data=data, notes=notes)

    assert Data("ilids").is_of(record("ilids", "official-3"), 3)
    assert not Data("ilids").is_of(record("ilids", "official-3"), 2)
    assert Data("mars").is_of(record("mars"), 3)
    assert not Data("mars").is_of(record("lsvid"), 3)
    other = Data("mars", options={"protocol": "queries_removed"})
    assert not other.is_of(record("mars"), 0)
    assert not Data("mars").is_of(record("mars", asked=other.asked), 0)
    assert other.is_of(record("mars", asked=other.asked), 0)


# Verdicts


def verdict(results: Path, claim: str):
    return next(v for v in verdicts(Evidence(results)) if v.claim.id == claim)


def test_all_claims_and_only_known_recipes() -> None:
    counts = {"T": 6, "R": 9, "F": 9, "C": 5, "S": 14}
    assert [c.id for c in CLAIMS] == [f"{p}{i}" for p, n in counts.items() for i in range(1, n + 1)]
    known = recipes()
    for claim in CLAIMS:
        assert {x for c in claim.comparisons for x in (c.of, c.to)} <= set(known)
        assert {x for pair in claim.counted for x in pair} <= set(known)
        assert claim.comparisons or claim.asked or "C" in claim.kinds
        assert any(a.decides for a in claim.asked) or "M" not in claim.kinds
        scored = [c for c in claim.comparisons if c.decides and not c.steps]
        assert bool({"S", "E"} & set(claim.kinds)) == bool(scored) or claim.id == "F9"
        assert {c.kind for c in scored} <= set(claim.kinds)


def test_nothing_measured_nothing_claimed(tmp_path: Path) -> None:
    for found in verdicts(Evidence(tmp_path)):
        assert found.verdict == "undecided: not measured yet" or found.claim.id == "S14"
        assert all(f.found is None for f in found.findings)
        assert all(o.found is None for o in found.observed)


def test_one_failing_part_fails_a_claim(results: Path) -> None:
    leave(results, "sinet-2/idm", *(b + 0.03 - 0.001 * i for i, b in enumerate(BASE)))
    leave(results, "sinet", *(b + 0.05 + 0.002 * i for i, b in enumerate(BASE)))
    assert verdict(results, "S1").verdict == "holds on Promenade"
    leave(results, "sinet", *(b - 0.05 + 0.002 * i for i, b in enumerate(BASE)))
    assert verdict(results, "S1").verdict == "opposite on Promenade"


def test_undecided_says_how_far(results: Path) -> None:
    leave(results, "sinet-3/gc", *BASE)
    leave(results, "sinet-2/idm", 0.61, 0.60, 0.59, 0.61, 0.60)
    found = verdict(results, "S4")
    assert found.verdict == "undecided"
    assert "sinet-2/idm - sinet-3/gc: +0.2 [" in found.why
    assert "5 worlds" in found.why


def test_equivalence_words(results: Path) -> None:
    for name in ("sinet-3/non-local-ones", "sinet-3/non-local-inverse"):
        leave(results, name, *(b + 0.001 * (-1) ** i for i, b in enumerate(BASE)))
    leave(results, "sinet-3/non-local", *BASE)
    assert verdict(results, "S3").verdict == "equivalent"
    leave(results, "sinet-3/non-local", *(b + 0.03 + 0.001 * i for i, b in enumerate(BASE)))
    assert verdict(results, "S3").verdict == "different"
    leave(results, "sinet-3/non-local", 0.5, 0.7, 0.6, 0.66, 0.52)
    assert verdict(results, "S3").verdict == "undecided"


def test_a_sure_difference_that_may_lie_within_the_margin_is_no_different(results: Path) -> None:
    """+2.3 [+0.4, +4.2]: surely above zero, not surely beyond 2."""
    leave(results, "tacan-1/triplet", *BASE)
    gains = (0.8, 3.0, 1.2, 4.5, 2.0)
    leave(results, "tacan-1/ta", *(b + g / 100 for b, g in zip(BASE, gains)))
    found = verdict(results, "C2")
    assert found.findings[0].found.low > 0
    assert found.verdict == "undecided"
    assert ", margin 2, p 0.6" in found.why
    leave(results, "tacan-1/ta", *(b + 0.03 + g / 1e4 for b, g in zip(BASE, gains)))
    assert verdict(results, "C2").verdict == "different"


def test_equivalence_has_its_own_p_and_is_corrected_with_the_others(results: Path) -> None:
    leave(results, "tacan-1/triplet", *BASE)
    leave(results, "tacan-1/ta", *(b + 0.003 + 0.001 * (-1) ** i for i, b in enumerate(BASE)))
    found = verdict(results, "C2").findings[0]
    plain = next(f for f in verdict(results, "C1").findings if f.found)
    other = verdict(results, "S1").findings[0]
    assert found.p == equivalence(found.found, 2.0) != plain.p
    assert found.found.p == plain.p
    assert found.corrected[2] == pytest.approx(holm([found.p, plain.p, other.p])[0])
    assert -2 < found.corrected[0] < found.corrected[1] < 2
    assert "Holm [" in str(found)


def test_equivalence_near_the_margin_has_the_interval_that_decides_it(results: Path) -> None:
    """Corrected, C2 is equivalent just when its interval for Holm lies within the margin."""
    leave(results, "tacan-1/triplet", *BASE)
    decided = set()
    for scatter in (0.004, 0.008, 0.012, 0.016, 0.018, 0.020, 0.024, 0.040):
        gains = [scatter * z for z in (-1, -0.5, 0, 0.5, 1)]
        leave(results, "tacan-1/ta", *(b + g for b, g in zip(BASE, gains)))
        found = verdict(results, "C2").findings[0]
        low, high, p = found.corrected
        assert (p < 0.05) == (low > -2 and high < 2)
        decided.add((found.verdict, p < 0.05))
    assert decided == {("equivalent", True), ("equivalent", False), ("undecided", False)}


def test_scatter_over_worlds_is_told_where_a_claim_is_about_it(results: Path) -> None:
    leave(results, "fgra", 0.5, 0.52, 0.51)
    leave(results, "fgra-fig4/regions-8", 0.5, 0.6, 0.4)
    p = 1 - 2 / math.pi * math.asin(198 / math.sqrt(222 * 182))  # Cauchy's, by hand
    assert verdict(results, "F7").numbers == (
        "over 3 worlds scatter fgra-fig4/regions-8 by 10.0, fgra by 1.0; alike: "
        f"p {p:.2g}: undecided",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sure", "word"), [(0.1, "undecided"), (10.0, "holds on Promenade"), (-10.0, "opposite")]
)
def test_what_is_said_to_scatter_more_has_to(results: Path, sure: float, word: str) -> None:
    """F7: four regions beat all others; eight are to be unstable, too."""
    noise = [-1.0, 0.3, -0.2, 0.9, 0.5, -0.8, 0.6, -0.3]
    more = [0.4, -1.0, 0.8, 0.2, -0.9, 0.7, -0.1, 0.3]
    leave(results, "fgra", *(0.7 + n / 1e3 * (10 if sure < 0 else 1) for n in noise))
    for regions in (1, 2):
        leave(results, f"fgra-fig4/regions-{regions}", *(0.5 + n / 1e3 for n in noise))
    scatter = 10 if sure == 10 else 1
    leave(results, "fgra-fig4/regions-8", *(0.5 + m / 1e3 * scatter for m in more))
    found = verdict(results, "F7")
    assert {f.verdict for f in found.findings} == {"holds on Promenade"}
    assert found.verdict.startswith(word)
    assert found.scatter == found.as_dict()["scatter"] == found.verdict
    assert found.numbers[0].endswith(f": {found.scatter}")
    evidence = Evidence(results)
    waits = [told for told in caveats([found], evidence) if "not run: F7" in told]
    assert bool(waits) == (word == "undecided")
    wanted = {name for name, scenes in open_rows(evidence).items() if scenes == ("street",)}
    assert ({"fgra", "fgra-fig4/regions-8"} <= wanted) == (word == "undecided")
    down = replace(found.findings[0], verdict="opposite on Promenade", corrected=(-1.0, 1.0, 0.9))
    lost = replace(found, verdict="opposite on Promenade", findings=(down,))
    assert lost.taken_back == (word != "opposite"), "scatter alone contradicts it"


def test_what_one_model_decides_is_told_as_such() -> None:
    claim = next(c for c in CLAIMS if c.id == "F8")
    asked = next(a for a in claim.asked if a.decides)
    seen = Observed(asked, OverPeople(0.1, 0.05, 0.15, 9, 9), "holds on Promenade")
    one = Verdict(claim, "holds on Promenade", "", observed=(seen,))
    assert one.told == "holds on Promenade (one model)"
    assert one.as_dict()["verdict"] == "holds on Promenade"
    assert one.as_dict()["one_model"]
    assert replace(one, verdict="undecided").told == "undecided"
    assert replace(one, observed=()).told == "holds on Promenade"
    down = Finding(Comparison("a", "b"), estimate([-1.0, -1.1]), "opposite on Promenade")
    mixed = replace(one, verdict="opposite on Promenade", findings=(down,))
    assert mixed.told == "opposite on Promenade"  # by scores of two worlds
    assert replace(mixed, findings=()).told == "opposite on Promenade (one model)"


def test_verdicts_fit_the_terminal(results, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    assert reid(monkeypatch, "verdicts", "--records", results) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 90
    told = " ".join(out.split())
    assert "sinet-2/sbm - sinet-2/base: +2.1 [" in told
    assert "note: Eq. 4 is smallest where maps are flat" in told


def test_a_cause_is_the_gain_under_it_minus_the_gain_in_clean(results: Path) -> None:
    clean, ill = [0.9, 0.91, 0.92], [0.5, 0.52, 0.49]
    leave(results, "trsa-1/sam", 0.6, 0.6, 0.6, clean=clean, occlusion=ill)
    leave(
        results, "trsa-1/sam-reg", 0.62, 0.625, 0.63,
        clean=[0.91, 0.92, 0.93], occlusion=[0.55, 0.58, 0.55],
    )  # fmt: skip
    found = verdict(results, "T3")
    under = next(f for f in found.findings if f.comparison.illness)
    assert under.found.values == pytest.approx((4.0, 5.0, 5.0))
    assert found.verdict == "holds on Promenade"


def test_holm_over_everything_that_decides(results: Path) -> None:
    """One comparison alone is corrected by one; two by two."""
    leave(results, "trsa-1/baseline", *BASE)
    leave(results, "trsa-1/triplet", *SBM)
    found = verdict(results, "T1").findings[0]
    assert found.corrected[2] == pytest.approx(min(1, 2 * found.found.p))
    assert found.corrected[0] < found.found.low


def test_mechanism_waits_even_where_scores_hold(results: Path) -> None:
    leave(results, "fgra-2/ram-tas", *BASE)
    leave(results, "fgra-2/cr", *SBM)
    found = verdict(results, "F4")
    assert found.verdict == "undecided"
    assert "spread over frames, fgra-2/cr - fgra-2/ram-tas in street: not measured" in found.why


# The command line


def reid(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["reid", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_json_has_no_infinity(results, monkeypatch, capsys) -> None:
    leave(results, "sinet", 0.7)
    assert reid(monkeypatch, "table", "sinet-2", "--records", results, "--json") == 0
    plain = next(r for r in json.loads(capsys.readouterr().out)["rows"] if r["gain"])
    assert "p" in plain["gain"]
    assert "p" not in plain["ours"]  # of a test that the score is zero
    records = ("--records", results)
    for words in (
        ["table", "sinet-2", *records], ["verdicts", *records], ["table", "fgra-1", *records],
        ["table", "bounds"],
    ):  # fmt: skip
        assert reid(monkeypatch, *words, "--json") == 0
        json.loads(capsys.readouterr().out, parse_constant=lambda x: pytest.fail(x))
    assert reid(monkeypatch, "verdicts", "sinet", "--records", results, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 14


def test_a_broken_record_is_told_in_one_sentence(results, monkeypatch, capsys) -> None:
    (results / "half.json").write_text("{}")
    assert reid(monkeypatch, "table", "sinet-2", "--records", results) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"reid: {results / 'half.json'} is not a run record (")
    assert line.endswith("it is set aside as half.json.broken")


def test_a_measure_that_records_lack_is_no_number(results, monkeypatch, capsys) -> None:
    assert reid(
        monkeypatch, "table", "sinet-2", "--records", results, "--measure", "rank-5"
    ) == 0  # fmt: skip
    assert "not run yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        "table sinet-9",
        "table sinet-2 --csv --latex",
        "table sinet-2 --profile huge",
        "table sinet-2 --data x",
        "verdicts gan",
        "experiment sinet-9",
        "experiment sinet --score-on fog",
        "experiment sinet --score-on occlusion=much",
        "experiment sinet --worlds 0",
        "experiment sinet --data mars",
        *(
            f"{command} {words}"
            for command in ("table trsa-1", "verdicts", "experiment sinet --dry")
            for words in (
                "--with foo=3",
                "--with world=3",
                "--with family=99",
                "--scenario nonsense",
                "--size huge",
                "--data nope",
            )
        ),
        *(
            f"{command} --records {place}"
            for command in ("table trsa-1", "table five-papers", "table sinet-1", "verdicts")
            for place in ("nowhere", "file")
        ),
        "table trsa-1 --scored nonsense",
        "table trsa-1 --scored occlusion=much",
        "table trsa-1 --data mars --scored street",
        "table trsa-1 --data prid --with split=3",
        "table bounds --measure f1",
        "table tacan-3 --measure f1",
        "table sinet-1 --measure f1",
        "experiment sinet --dry --data mars --root nowhere",
        "experiment sinet --dry --data mars --root file",
        "experiment sinet --dry --root .",
        "experiment sinet --dry --data prid --root . --with split=3",
        "experiment sinet --dry --data prid --root . --worlds 11",
        "experiment sinet --dry --data ilids --root . --first 1 --worlds 10",
        "experiment sinet --dry --device tpu",
        "experiment sinet --dry --device cuda:77",
    ],
)
def test_what_does_not_exist_is_refused_in_one_sentence(
    words, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert reid(monkeypatch, *words.split()) == 2
    told = capsys.readouterr()
    assert told.err.startswith("reid: ")
    assert len(told.err.splitlines()) == 1
    assert not told.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("table nope", r"tacan-3.*trsa-1|trsa-1.*tacan-3"),
        ("table nope", "five-papers"),
        ("table nope", "bounds, disagreements"),
        ("table nope", "list$"),
        ("table trsa-1 --with foo=3", "no option 'foo'; they have evaluate, cameras, strengths"),
        ("table trsa-1 --data prid --with split=3", "have people, split_file, .*min_frames"),
        ("experiment sinet --data prid --root . --worlds 11", "prid has 10 halvings"),
    ],
)
def test_a_refusal_names_what_there_is(words, told, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert reid(monkeypatch, *words.split()) == 2
    assert re.search(told, capsys.readouterr().err.strip())


@pytest.mark.parametrize(("data", "runs"), [("prid", 10), ("ilids", 10), ("mars", 5)])
def test_all_halvings_are_run_unless_told_otherwise(
    data, runs, tmp_path, monkeypatch, capsys
) -> None:
    words = ["experiment", "sinet", "--dry", "--data", data, "--root", tmp_path, "--out", tmp_path]
    assert reid(monkeypatch, *words) == 0
    assert f"not recorded yet: {runs} of {runs} runs" in capsys.readouterr().out
    assert reid(monkeypatch, *words, "--worlds", 3, "--first", 7) == 0
    assert "3 of 3 runs" in capsys.readouterr().out


def test_what_is_recorded_and_not_scored_everywhere_is_told_apart(
    tmp_path, monkeypatch, capsys
) -> None:
    leave(tmp_path, "sinet", 0.5, 0.6)
    words = ["experiment", "sinet", "--dry", "--worlds", 3, "--out", tmp_path]
    assert reid(monkeypatch, *words, "--score-on", "street,clean") == 0
    out = capsys.readouterr().out
    assert "not recorded yet: 1 of 3 runs" in out
    assert "recorded, and not yet scored on all of street, clean: 2 more; " in out
    assert reid(monkeypatch, *words, "--score-on", "street") == 0
    assert " more; " not in capsys.readouterr().out


def test_after_runs_the_commands_that_show_their_scores_are_told(
    tmp_path, monkeypatch, capsys
) -> None:
    leave(tmp_path, "sinet", 0.5)
    leave(tmp_path, "baseline", 0.5)
    words = ["--worlds", 1, "--score-on", "street", "--out", tmp_path, "--runs", tmp_path / "runs"]
    assert reid(monkeypatch, "experiment", "sinet", "baseline", *words) == 0
    out = capsys.readouterr().out
    assert out.startswith("0 done, 2 recorded before\n")
    for table in ("sinet-2", "five-papers"):
        assert f"`reid table {table} --records {tmp_path}`" in out
        assert reid(monkeypatch, "table", table, "--records", tmp_path) == 0
        assert "50.0" in capsys.readouterr().out


def test_which_tables_show_rows() -> None:
    here = Data()
    assert _where(["sinet", "tacan-1"], here, "all") == ["table sinet-2", "table tacan-1"]
    assert _where(["baseline"], here, "all") == ["table five-papers"]
    assert _where(["five-papers"], here, "all")[-1] == "table five-papers"
    assert "table five-papers" not in _where(["five-papers"], Data("mars"), "all")
    assert _where(["baseline"], Data("mars"), "all") == []
    assert _where(["tacan/short"], here, "all") == []
    assert _where(["five-papers"], here, "strengths") == ["table strengths"]
    assert _where(["all"], here, "all") == _where(["undecided"], here, "all") == ["verdicts"]


def test_the_words_that_ask_for_the_same_data() -> None:
    assert Data().words("laptop") == []
    there = Data("mars", "some/where", options={"min_frames": 4})
    assert there.words("paper") == ["--profile paper", "--data mars", "--with min_frames=4"]
    other = Data(scenario="clean", size="tiny").words("laptop")
    assert other == ["--scenario clean", "--size tiny"]
    assert Evidence(Path("none"), "paper", there).command("sinet", "--worlds 3") == (
        "reid experiment sinet --worlds 3 --profile paper --data mars --with min_frames=4 "
        "--root <folder>"
    )


def test_a_table_says_within_what_margin_rows_are_equivalent(tmp_path) -> None:
    def said(name: str) -> str:
        return " ".join(ablation_sheet(ablation(name, Evidence(tmp_path))).notes)

    assert "equivalent: shown to lie within 2 points" in said("rgsa-2")
    assert "within 5 points" in said("fgra-fig4")
    assert "equivalent" not in said("sinet-2")


def test_verdicts_say_how_they_are_read(results, monkeypatch, capsys) -> None:
    assert reid(monkeypatch, "verdicts", "SINet", "--records", results) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "ours: Promenade small, street, profile laptop; differences of two rows in points" in told
    )


def test_only_tables_with_controls_explain_their_mark(results: Path) -> None:
    for name, there in (("sinet-2", False), ("sinet-3", True)):
        notes = ablation_sheet(ablation(name, Evidence(results))).notes
        assert any(note.startswith("(+)") for note in notes) == there


@pytest.mark.parametrize(("name", "split"), [("prid", "halving-{}"), ("mars", "")])
@pytest.mark.parametrize("table", ["sinet-2", "sinet-1"])
def test_halvings_that_are_missing_are_told(
    name, split, table, tmp_path, monkeypatch, capsys
) -> None:
    def shown(worlds: int) -> str:
        for world in range(worlds):
            data = {"name": name, "version": "1", "protocol": "", "split": split.format(world),
                    "settings": {}}  # fmt: skip
            write_record(fake_record("sinet", world, {name: 0.5}, data=data), tmp_path)
        which = ("--data", name) if table == "sinet-2" else ()
        assert reid(monkeypatch, "table", table, *which, "--records", tmp_path) == 0
        return capsys.readouterr().out

    assert ("5 of 10 halvings" in shown(5)) == (name == "prid")
    assert "halvings" not in shown(10)


def test_tracklets_that_are_too_short_can_be_left_out_of_runs(monkeypatch) -> None:
    from reidlib.data import reading
    from reidlib.experiments.data import Data

    monkeypatch.setattr("reidlib.data.load_dataset", lambda *words, **options: (words, options))
    monkeypatch.setattr(reading, "at_least", lambda found, frames: (*found, frames))
    found = Data("mars", "copy", options={"min_frames": 4}).load(0, (64, 32))
    assert found == (("mars", "copy"), {"size": (64, 32)}, 4)


@pytest.mark.parametrize("name", ["bounds", "disagreements", "list"])
def test_what_needs_no_records(name, results, monkeypatch, capsys) -> None:
    assert reid(monkeypatch, "table", name, "--markdown") == 0
    assert "|" in capsys.readouterr().out


# What a table or a verdict would pass over in silence ---------------------------------------------


DATA = ["--scenario=street", "--size=small", "--with=family=4", "--profile=laptop"]
HEEDED = {  # a table of each kind -> options that change it, each with a value of its own
    "trsa-1": ["--measure=mAP", "--scored=clean", "--data=promenade", *DATA, "--records=."],
    "five-papers": ["--measure=mAP", *DATA, "--records=."],
    "strengths": ["--measure=mAP", *DATA, "--records=."],
    "sinet-1": ["--profile=laptop", "--records=."],
    "maps": ["--records=."],
    "tacan-3": ["--records=."],
    "bounds": [],
    "list": [],
}


@pytest.mark.parametrize("table", HEEDED)
@pytest.mark.parametrize("option", HEEDED["trsa-1"])
def test_a_table_heeds_an_option_or_refuses_it(
    table: str, option: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    """Given as it is by default, too: whoever types an option expects it to matter."""
    name, _, value = option.partition("=")
    words = [name, str(tmp_path) if name == "--records" else value]
    heeded = option in HEEDED[table]
    assert reid(monkeypatch, "table", table, *words) == (0 if heeded else 2)
    told = f"{name} changes nothing in the table {table}"
    assert (told in " ".join(capsys.readouterr().err.split())) != heeded


@pytest.mark.parametrize("table", ["maps", "tacan-3"])
def test_records_of_maps_are_those_of_the_folder(table, tmp_path, monkeypatch, capsys) -> None:
    assert reid(monkeypatch, "table", table, "--json") == 0
    there = json.loads(capsys.readouterr().out)["rows"]
    assert reid(monkeypatch, "table", table, "--records", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] != there


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("table maps --measure foo", "leave it out"),  # before it says which measures there are
        ("table sinet-3 --data mars --size tiny", "--size is of promenade, and the data are mars"),
        ("verdicts --data mars --scenario clean", "--scenario is of promenade"),
        ("experiment sinet --dry --data mars --root . --size small", "--size is of promenade"),
        ("table sinet-1 --profile labtop", "no profile 'labtop'"),
    ],
)
def test_what_would_be_passed_over_is_refused(
    words: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reid(monkeypatch, *words.split()) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_gain_in_another_scene_stands_beside_and_what_is_not_run_is_told(tmp_path: Path) -> None:
    scenes = {"clean": [0.90, 0.91, 0.92], "occlusion": [0.80, 0.82, 0.81]}
    leave(tmp_path, "trsa-1/sam", 0.50, 0.52, 0.51, **scenes)
    more = {"clean": [0.97, 0.98, 0.99], "occlusion": [0.90, 0.92, 0.91]}
    leave(tmp_path, "trsa-1/sam-reg", 0.60, 0.62, 0.61, **more)
    found = next(v for v in verdicts(Evidence(tmp_path)) if v.claim.id == "T3")
    words = {str(f.comparison): f.verdict for f in found.findings if f.comparison.decides}
    assert words == {
        "trsa-1/sam-reg - trsa-1/sam": "holds on Promenade",
        "trsa-1/sam-reg - trsa-1/sam, occlusion minus clean": "holds on Promenade",
    }
    assert found.verdict == "holds on Promenade"
    assert any(
        line.startswith("trsa-1/sam-reg - trsa-1/sam in clean: +7.0") for line in found.beside
    ), "seven points in simple scenes are told"
    assert found.findings[2].verdict == "different"
    assert "trsa-1/sam-reg-15 - trsa-1/sam-15: not run yet" in found.beside
    assert found.as_dict()["comparisons"][2]["scene"] == "clean"


def test_what_holds_in_points_alone_says_so(tmp_path: Path) -> None:
    """T3: 6 points of 9 in clean, 10 of 19 under occlusion; then a tenth, and still half."""
    scenes = {"clean": [0.90, 0.91, 0.92], "occlusion": [0.80, 0.82, 0.81]}
    leave(tmp_path, "trsa-1/sam", 0.50, 0.52, 0.51, **scenes)
    more = {"clean": [0.97, 0.973, 0.976], "occlusion": [0.90, 0.91, 0.905]}
    leave(tmp_path, "trsa-1/sam-reg", 0.60, 0.62, 0.61, **more)
    by = {v.claim.id: v for v in verdicts(Evidence(tmp_path))}
    assert by["T3"].findings[1].saved.high < 0 < by["T3"].findings[1].found.low
    assert by["T3"].told == "holds on Promenade (in points alone)"
    assert by["T3"].as_dict()["in_points_alone"]
    assert not any(v.in_points_alone for name, v in by.items() if name != "T3")
    more = {"clean": [0.91, 0.919, 0.928], "occlusion": [0.90, 0.91, 0.905]}
    leave(tmp_path, "trsa-1/sam-reg", 0.60, 0.62, 0.61, **more)
    both = next(v for v in verdicts(Evidence(tmp_path)) if v.claim.id == "T3")
    assert both.told == "holds on Promenade"


def test_what_fails_for_another_reason_too_does_not_fail_in_points_alone(tmp_path: Path) -> None:
    clean, hard = [0.90, 0.92, 0.91], [0.50, 0.54, 0.52]
    leave(tmp_path, "fgra-2/gb-avg", 0.5, 0.51, 0.52, clean=clean, misalignment=hard)
    fall = [h - 0.1 * (1 - h) - 0.001 * i for i, h in enumerate(hard)]
    worse = {"clean": [c - 0.1 * (1 - c) for c in clean], "misalignment": fall}

    def told(*street: float) -> str:
        leave(tmp_path, "fgra-2/ram-avg", *street, **worse)
        return next(v for v in verdicts(Evidence(tmp_path)) if v.claim.id == "F2").told

    assert told(0.6, 0.612, 0.62) == "opposite on Promenade (in points alone)"
    assert told(0.4, 0.412, 0.42) == "opposite on Promenade"


def test_a_gain_beyond_clean_is_told_as_a_share_of_the_errors_too(tmp_path: Path) -> None:
    """Half of the errors saved in clean, a quarter under misalignment: points say the reverse."""
    clean, hard = (0.90, 0.92, 0.91), (0.40, 0.44, 0.42)
    leave(tmp_path, "fgra-2/gb-avg", 0.5, 0.5, 0.5, clean=[*clean], misalignment=[*hard])
    leave(tmp_path, "fgra-2/ram-avg", 0.5, 0.5, 0.5, clean=[1 - 0.5 * (1 - c) for c in clean],
          misalignment=[1 - 0.75 * (1 - h) for h in hard])  # fmt: skip
    found = next(v for v in verdicts(Evidence(tmp_path)) if v.claim.id == "F2")
    plain, beyond = found.findings[0], found.findings[1]
    assert plain.saved is None
    assert beyond.comparison.illness == "misalignment"
    assert beyond.found.mean == pytest.approx(0.25 * 58 - 0.5 * 9)
    assert beyond.saved.values == pytest.approx([math.log(1 / 0.75) - math.log(2)] * 3)
    assert "errors saved beyond clean -50 % [-50, -50]" in str(beyond)  # 1.5 times the errors
    assert beyond.as_dict()["errors_saved"] == pytest.approx([-50, -50, -50])
    assert plain.as_dict()["errors_saved"] is None


def test_what_holms_correction_takes_back_is_marked(tmp_path: Path) -> None:
    """One sure difference among thirty that say nothing: p of 0.02 alone, far above 0.05 in all."""
    for claim in CLAIMS:
        for one in claim.comparisons:
            for name in (one.of, one.to):
                leave(tmp_path, name, 0.50, 0.60, 0.55)
    leave(tmp_path, "trsa-1/triplet", 0.53, 0.62, 0.575)
    found = {v.claim.id: v for v in verdicts(Evidence(tmp_path))}
    assert found["T1"].verdict == "holds on Promenade"
    assert found["T1"].taken_back
    assert found["T1"].as_dict()["taken_back"] is True
    assert not found["T4"].taken_back, "undecided: nothing to take back"


def test_scores_of_other_weights_than_the_trainer_has_are_stale(tmp_path: Path) -> None:
    for name, weights in (("tacan-1/minmax", "a"), ("tacan-1/unit-weights", "b")):
        one = fake_record(name, 0, {"street": 0.5})
        write_record(replace(one, notes={**one.notes, "weights": weights}), tmp_path)
    evidence = Evidence(tmp_path)
    assert "other weights than the record of tacan-1/minmax" in evidence.stale(
        "tacan-1/unit-weights"
    )
    assert not evidence.stale("tacan-1/minmax")
    (job,) = make_jobs(chosen(["tacan-1/unit-weights"]), "laptop", Data(), [0])
    assert list(find(job, tmp_path).missing(job)) == ["tacan-1/unit-weights"]


def test_an_owners_copy_that_changed_makes_its_records_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = ["one"]
    monkeypatch.setattr(Data, "load", lambda self, world, size: SimpleNamespace(version=lists[0]))
    data = {"name": "mars", "version": "one", "protocol": "", "split": None, "settings": {}}
    write_record(replace(fake_record("trsa", 0, {"mars": 0.5}), data=data), tmp_path)

    def now():
        (job,) = make_jobs(chosen(["trsa"]), "laptop", Data("mars", "copy"), [0])
        return find(job, tmp_path)

    assert "trsa" in now().current
    lists[0] = "two"
    assert now().stale == {"trsa": "the lists of copy have changed since"}


def test_the_readme_counts_a_tables_runs_right() -> None:
    (count,) = re.findall(
        r"reid experiment trsa-1 --first 5 --worlds 2 .*: (\d+) runs",
        (Path(__file__).parents[2] / "README.md").read_text(),
    )
    assert len(make_jobs(chosen(["trsa-1"]), "laptop", Data(), range(5, 7))) == int(count)
