"""The fairness report: each rule at its edge, missing and stale records told, no number made up."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from reidlib.__main__ import main
from reidlib.data.promenade.settings import ILLNESSES, VERSION
from reidlib.experiments.fair_numbers import climbing, noise
from reidlib.experiments.fairness import FAILS, HOLDS, OPEN, examine
from reidlib.fairness_report import write_fairness
from reidlib.recipes import PAPERS
from reidlib.records import read_record, write_record
from reidlib.seeing.fairness import PICTURES
from tests.experiments import fake_study as fake
from tests.experiments.fake_records import fake_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    fake.everything(tmp_path / "results")
    return tmp_path / "results"


def outdate(*paths: Path) -> None:
    for path in paths:
        record = read_record(path)
        write_record(replace(record, data={**record.data, "version": "0"}), path.parent)


def line(results: Path, name: str):
    return next(one for one in examine(results).lines if one.name == name)


def test_everything_holds(results: Path) -> None:
    found = examine(results)
    assert {one.name: one.verdict for one in found.lines if one.verdict != HOLDS} == {}
    assert len(found.lines) == 2 + 2 * len(ILLNESSES) + 7 + 2
    assert not any(one.missing or one.stale for one in found.lines)
    assert all(one.records and one.found for one in found.lines)


def test_without_records_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    found = examine(tmp_path / "none")
    assert {one.verdict for one in found.lines} == {OPEN}
    assert {(one.found, one.records) for one in found.lines} == {("", ())}
    assert all(one.missing for one in found.lines)
    assert not any((found.baseline, found.colours, found.ladder, found.doses, found.seeds))
    assert math.isnan(found.sampling_error)


@pytest.mark.parametrize(("share", "verdict"), [(0.599, HOLDS), (0.601, FAILS)])
def test_colours_against_the_baseline(results: Path, share: float, verdict: str) -> None:
    fake.colours(results, share)
    assert line(results, "colours").verdict == verdict
    assert f"{100 * share:.0f} %" in line(results, "colours").found


def test_colours_are_judged_as_soon_as_street_is_counted(results: Path) -> None:
    for path in (results / "promenade/colours/histogram").glob("*.json"):
        record = read_record(path)
        write_record(replace(record, scores={"street": record.scores["street"]}), path.parent)
    assert line(results, "colours").verdict == HOLDS
    assert set(examine(results).colours) == {"street"}


@pytest.mark.parametrize(
    ("street", "verdict"), [(0.499, FAILS), (0.501, HOLDS), (0.749, HOLDS), (0.751, FAILS)]
)
def test_mid_range(results: Path, street: float, verdict: str) -> None:
    fake.trained(results, (street,) * 5)
    assert line(results, "mid-range").verdict == verdict
    assert f"{100 * street:.1f} ± 0.0 (5 worlds)" in line(results, "mid-range").found


def test_an_illness_lowers_when_the_interval_excludes_zero(results: Path) -> None:
    """Differences -3, -1, 1, -2, -1 points: mean -1.2, and Student's interval reaches zero."""
    clean = [s + 0.3 for s in fake.STREET]
    moves = (-0.03, -0.01, 0.01, -0.02, -0.01)
    fake.trained(results, clutter=tuple(c + m for c, m in zip(clean, moves)))
    found = line(results, "lowers: clutter")
    points = [100 * m for m in moves]
    half = stats.sem(points) * stats.t.ppf(0.975, 4)
    assert sum(points) / 5 + half > 0
    assert found.verdict == FAILS
    assert found.found.startswith(f"-1.2 ± {half:.1f}")
    fake.trained(results, clutter=tuple(c + m - 0.02 for c, m in zip(clean, moves)))
    assert line(results, "lowers: clutter").verdict == HOLDS


@pytest.mark.parametrize(
    ("falls", "verdict"),
    [
        ((0.05, 0.05, 0.05, 0.05), HOLDS),  # level, but for chance
        ((0.05, 0.10, 0.02, 0.20), FAILS),  # better at 0.75 than at 0.5
        ((0.0, 0.0, 0.0, 0.0), FAILS),  # no harm done at all
        ((-0.10, -0.10, 0.1, 0.2), FAILS),  # better at the start
    ],
)
def test_monotone_within_error(results: Path, falls: tuple[float, ...], verdict: str) -> None:
    fake.doses(results, occlusion=falls)
    assert line(results, "monotone: occlusion").verdict == verdict
    assert line(results, "monotone: clutter").verdict == HOLDS


def test_doses_by_hand(results: Path) -> None:
    (dose,) = (d for d in examine(results).doses if d.illness == "corruption")
    (path,) = (results / "promenade/doses/baseline").glob("*.json")
    ap = read_record(path).notes["queries"]["ap"]
    means = [100 * sum(ap[k]) / len(ap[k]) for k in ("clean", "corruption=0.25", "corruption=0.5")]
    assert dose.maps[:3] == pytest.approx(means)
    assert dose.drops[1][0] == pytest.approx(means[0] - means[2])
    assert dose.rises[1][0] == pytest.approx(means[2] - means[1])
    assert 0 < dose.drops[0][1] < 1  # 180 queries that move by 2 points each


@pytest.mark.parametrize(("spread", "verdict"), [(0.0118, HOLDS), (0.0123, FAILS)])
def test_paired_error_over_five_worlds(results: Path, spread: float, verdict: str) -> None:
    """Gains -1, -0.5, 0, 0.5, 1 spreads about a mean: standard error spread * sqrt(2.5 / 4 / 5)."""
    gains = tuple(0.05 + spread * z for z in (-1, -0.5, 0, 0.5, 1))
    fake.pair(results, "averaged", gains)
    rung = examine(results).ladder[-1]
    assert rung.error == pytest.approx(100 * spread * math.sqrt(2.5 / 4 / 5))
    assert rung.error == pytest.approx(stats.sem([100 * g for g in gains]))
    for fewer in ("one", "two"):
        found = line(results, f"paired error: {fewer}")
        assert (found.verdict == HOLDS) == (rung.error <= 0.5)
        assert f"standard error {rung.error:.2f}" in found.found


@pytest.mark.parametrize(("seconds", "verdict"), [(150, HOLDS), (151, FAILS)])
def test_time(results: Path, seconds: float, verdict: str) -> None:
    fake.pair(results, "averaged", (0.05,) * 5, seconds)
    assert line(results, "time").verdict == verdict


@pytest.mark.parametrize(("change", "verdict"), [(0.0049, HOLDS), (-0.0051, FAILS)])
@pytest.mark.parametrize("arm", ["baseline", "newcomer"])
def test_plateau(results: Path, arm: str, change: float, verdict: str) -> None:
    fake.plateau(results, arm, change)
    assert line(results, f"plateau: {arm}").verdict == verdict


@pytest.mark.parametrize(("apart", "verdict"), [(0.0, HOLDS), (0.0055, FAILS)])
def test_a_longer_budget_may_move_both_arms_but_not_apart(
    results: Path, apart: float, verdict: str
) -> None:
    fake.plateau(results, "baseline", 0.02)
    fake.plateau(results, "newcomer", 0.02 + apart)
    assert line(results, "plateau: baseline").verdict == FAILS
    found = line(results, "plateau: difference")
    assert found.verdict == verdict
    assert found.found.startswith(f"+{100 * apart:.1f} ± 0.0 (3 worlds)")


def test_what_still_climbs_is_told_by_the_report_and_by_tables(results: Path) -> None:
    fake.climbs(results, sinet=0.021, trsa=0.004, fgra=-0.03)
    found = line(results, "climbs")
    assert found.verdict == HOLDS
    assert "SINet +2.1" in found.found
    assert climbing(results, ["sinet", "trsa", "fgra", "sinet-2/base"]).endswith(": SINet +2.1")
    assert climbing(results, ["trsa", "tacan"]) == ""
    assert climbing(results / "none", PAPERS) == ""


def test_sampling_error_is_of_people_not_of_queries(results: Path) -> None:
    """Three equal queries a person: as uncertain as one query a person."""
    people = list(range(60))
    scores = [0.2 if p % 2 else 1.0 for p in people]
    for name, times in (("one", 1), ("three", 3)):
        notes = {"queries": {"people": people * times, "ap": scores * times}}
        record = fake_record("baseline", 0, {"street": 0.6}, notes=notes)
        fake.put(results.parent / name, "seeds", "baseline", record)
    one, three = (examine(results.parent / name) for name in ("one", "three"))
    assert one.sampling_error == pytest.approx(three.sampling_error)
    assert one.sampling_error == pytest.approx(100 * 0.4 / math.sqrt(60), rel=0.05)


def test_the_sampling_rule_at_its_edge(results: Path) -> None:
    assert line(results, "sampling").verdict == HOLDS
    for path in (results / "promenade/seeds/baseline").glob("*seed0.json"):
        record = read_record(path)
        ap = [0.1 if p % 2 else 0.9 for p in fake.PEOPLE]
        notes = {"queries": {"people": fake.PEOPLE, "ap": ap}}
        write_record(replace(record, notes=notes), path.parent)
    assert line(results, "sampling").verdict == FAILS


def test_the_ladder_stands_on_the_worlds_that_its_rungs_share(results: Path) -> None:
    for world in (3, 4):
        for path in (results / "promenade/scratch").glob(f"*/*seed{world}.json"):
            path.unlink()
    found = examine(results)
    assert [rung.gain.worlds for rung in found.ladder] == [3] * 4
    assert "(5 worlds)" in line(results, "paired error: one").found
    assert "of 5 trainings" in line(results, "time").found


def test_a_missing_record_is_named_and_leaves_the_rule_open(results: Path) -> None:
    for path in (results / "promenade/averaged/one").glob("*seed3.json"):
        path.unlink()
    found = line(results, "paired error: one")
    assert found.verdict == OPEN
    assert found.missing == ("averaged/one in world 3, scored on street",)
    assert "(4 worlds)" in found.found  # what there is, is told
    assert line(results, "time").verdict == HOLDS


def test_rules_about_scores_take_all_worlds_there_are_and_at_least_three(results: Path) -> None:
    for world in (4, 3):
        for path in results.glob(f"*seed{world}.json"):
            path.unlink()
    assert line(results, "mid-range").verdict == HOLDS
    assert "(3 worlds)" in line(results, "mid-range").found
    assert line(results, "lowers: clutter").verdict == HOLDS
    next(results.glob("*seed2.json")).unlink()
    for name in ("colours", "mid-range", "lowers: clutter"):
        assert line(results, name).verdict == OPEN
        assert "trained baseline in world 2" in line(results, name).missing[0]


def test_a_missing_score_is_named(results: Path) -> None:
    (path,) = (results / "promenade/doses/baseline").glob("*.json")
    record = read_record(path)
    scores = {k: v for k, v in record.scores.items() if k != "clutter=0.5"}
    write_record(replace(record, scores=scores), path.parent)
    assert line(results, "monotone: clutter").verdict == OPEN
    assert line(results, "monotone: clutter").missing == (
        "strengths in world 0, scored on clutter=0.5",
    )
    assert line(results, "monotone: occlusion").verdict == HOLDS


def test_scores_without_their_queries_leave_it_open(results: Path) -> None:
    (path,) = (results / "promenade/doses/baseline").glob("*.json")
    write_record(replace(read_record(path), notes={}), path.parent)
    found = line(results, "monotone: clutter")
    assert found.verdict == OPEN
    assert found.missing == ("the average precision of each query",)


def test_stale_by_data_and_code_not_by_profile(results: Path) -> None:
    folder = results / "promenade/averaged/four"
    path = next(folder.glob("*seed2.json"))
    good = read_record(path)
    other = {**good.profile, "steps": 7}
    write_record(replace(good, profile=other), folder)
    assert not line(results, "paired error: one").stale
    for change, told in (
        ({"data": {**good.data, "version": "0"}}, f"the data are at version {VERSION} now"),
        ({"code": {**good.code, "sources": {"training.py": "0"}}}, "training.py changed"),
        ({"code": {**good.code, "sources": {"gone.py": "0"}}}, "gone.py changed"),
        ({"start": "small.safetensors, sha256 0"}, "another small.safetensors"),
    ):
        write_record(replace(good, **change), folder)
        found = line(results, "paired error: one")
        assert told in found.stale
        assert good.name in found.stale
        assert found.verdict == OPEN
        assert found.found  # what was found is told all the same


def test_stale_records_do_not_count_in_the_headline(results: Path, tmp_path: Path) -> None:
    folder = results / "promenade/plateau" / f"newcomer-{fake.STEPS}"
    outdate(*folder.glob("*.json"))
    page = write_fairness(examine(results), tmp_path / "page").read_text()
    counts = {what: n for n, what in re.findall(r"<b>(\d+)</b><span>([a-z ]+)</span>", page)}
    rules = len(examine(results).lines)
    assert counts == {"rules hold": f"{rules - 2}", "do not hold": "0", OPEN: "2"}


def test_noise_and_climbs_are_of_records_that_hold(results: Path) -> None:
    fake.climbs(results, sinet=0.021, trsa=0.03)
    outdate(*(results / "promenade/climbs" / f"sinet-{fake.STEPS}").glob("*.json"))
    assert climbing(results, PAPERS).endswith(": TRSA +3.0")
    outdate(*(results / "promenade/seeds/baseline").glob("*seed[0-7].json"))
    outdate(*results.glob("*seed4.json"))
    assert "over 2 seeds, " in noise(results)
    assert f"{100 * stats.tstd(fake.STREET[:4]):.1f} over 4 worlds" in noise(results)
    assert "(bootstrap)" in noise(results)  # from a seed that holds
    assert line(results, "sampling").verdict == HOLDS
    outdate(*(results / "promenade/seeds/baseline").glob("*.json"), *results.glob("*.json"))
    assert noise(results) == ""


def test_a_sixth_world_is_no_part_of_a_rule_over_five(results: Path) -> None:
    before = examine(results)
    fake.pair(results, "averaged", (*(0.05 + 0.002 * z for z in (-1, -0.5, 0, 0.5, 1)), 0.3))
    after = examine(results)
    assert before.ladder == after.ladder
    assert {one.name: one.found for one in before.lines} == {o.name: o.found for o in after.lines}


def test_what_a_larger_test_buys(results: Path) -> None:
    """Scores of 450 people with deviation 0.4: errors of 0.4 over the root of how many."""
    assert examine(results).larger_test is None  # 60 people
    ap = [0.2 if p % 2 else 1.0 for p in range(450)]
    notes = {"queries": {"people": [*range(450), 0], "ap": [*ap, None]}}
    record = fake_record("baseline", 0, {"street": 0.6}, seed=0, notes=notes)
    fake.put(results, "seeds", "baseline", record)
    found = examine(results)
    assert (found.larger_test.people, found.larger_test.fewer) == (450, 200)
    assert found.sampling_error == pytest.approx(40 / math.sqrt(450), rel=0.05)
    assert found.larger_test.error_of_fewer == pytest.approx(40 / math.sqrt(200), rel=0.05)
    told = f"{found.larger_test.error_of_fewer:.2f}"
    assert line(results, "sampling").found.endswith(f"standard error {told} with 200 people")
    page = write_fairness(found, results / "page").read_text()
    assert f"{found.sampling_error:.2f} instead of {told}" in page


@pytest.mark.parametrize(
    ("name", "places"),
    [("scenarios", 14), ("doses", 5), ("ladder", 4), ("budget", 7), ("noise", 3)],
)
def test_pictures_name_what_is_not_measured(
    name: str, places: int, results: Path, tmp_path: Path
) -> None:
    import matplotlib.pyplot as plt

    (tmp_path / "none").mkdir()
    for folder, empty in ((tmp_path / "none", places), (results, 0)):
        figure = PICTURES[name](examine(folder))
        words = [text.get_text() for axes in figure.axes for text in axes.texts]
        plt.close(figure)
        assert sum(OPEN in word for word in words) == empty


def test_of_two_records_of_a_world_the_one_that_holds_counts(results: Path) -> None:
    folder = results / "promenade/averaged/four"
    good = read_record(next(folder.glob("*seed2.json")))
    old = {**good.data, "version": "0", "settings": {**good.data["settings"], "digest": "0"}}
    scores = {"street": {"map": 0.1, "rank-1": 0.1}}
    write_record(replace(good, data=old, scores=scores, finished="2099"), folder)
    assert len(list(folder.glob("*seed2.json"))) == 2
    assert not line(results, "paired error: one").stale
    assert line(results, "paired error: one").verdict == HOLDS


def reid(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["reid", "promenade", "report", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_the_command_prints_lines_and_writes_a_page_that_works_offline(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    out = tmp_path / "page"
    assert reid(monkeypatch, "--records", results, "--out", out) == 0
    said, page = capsys.readouterr().out, (out / "index.html").read_text()
    for one in examine(results).lines:
        assert str(one) in said
        assert one.found.replace("+", "&#43;") in page or one.found in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    for name in re.findall(r'src="([^"]+)"', page):
        assert (out / name).is_file()
        assert (out / name).with_suffix(".svg").is_file()
    told = json.loads((out / "fairness.json").read_text())
    assert {one["verdict"] for one in told["lines"]} == {HOLDS}
    assert reid(monkeypatch, "--records", results, "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out) == told


def test_the_command_with_nothing_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    assert reid(monkeypatch, "--records", tmp_path / "nowhere", "--out", tmp_path / "page") == 2
    assert "no folder of records" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert reid(monkeypatch, "--records", tmp_path / "empty", "--out", tmp_path / "page") == 0
    assert capsys.readouterr().out.count(OPEN) == len(examine(tmp_path / "empty").lines)


def test_every_table_tells_the_noise(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def printed(folder: Path, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["reid", "table", *words, "--records", str(folder)])
        with pytest.raises(SystemExit):
            main()
        return str(capsys.readouterr().out)

    spread = 100 * stats.tstd(fake.STREET)
    told = f"one deviation: 0.2 over 10 seeds, {spread:.1f} over 5 worlds, 0."
    fake.climbs(results, trsa=0.02)
    (tmp_path / "empty").mkdir()
    for table in ("trsa-1", "five-papers"):
        for form in ((), ("--markdown",), ("--latex",)):
            assert told in printed(results, table, *form)
            assert "still climbing, mAP" in printed(results, table, *form)
        found = json.loads(printed(results, table, "--json"))
        assert told in found["noise"]
        assert found["climbing"].endswith(": TRSA +2.0")
        assert "noise" not in printed(results, table, "--csv")
        assert "noise" not in printed(results, table, "--profile", "fine")
        assert "noise" not in printed(tmp_path / "empty", table)
        found = json.loads(printed(tmp_path / "empty", table, "--json"))
        assert (found["noise"], found["climbing"]) == ("", "")
