"""More worlds for what five left undecided: which rows, scored where, and what that costs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reidlib.__main__ import main
from reidlib.errors import ReidError
from reidlib.experiments.claims import CLAIMS
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.second_look import MOST, beyond_plan, caveats, open_rows, second_jobs
from reidlib.experiments.verdicts import verdicts
from reidlib.recipes import recipes
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record, leave

BASE = [0.60, 0.61, 0.58, 0.62, 0.59]
BETTER = [0.70, 0.71001, 0.68, 0.72, 0.69001]  # by 10 points in every world: beyond doubt
UNSURE = [0.62, 0.64, 0.585, 0.65, 0.60]  # better in every world, taken back by Holm among many
NAMES = dict.fromkeys(n for c in CLAIMS for one in c.comparisons for n in (one.of, one.to))


def reid(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["reid", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def told(folder: Path) -> dict[str, str]:
    return {v.claim.id: v.verdict for v in verdicts(Evidence(folder))}


def test_both_rows_of_an_undecided_comparison(tmp_path: Path) -> None:
    """S4 is undecided, S11 holds; what only stands beside S4 (GC of ratio 4) is not asked for."""
    for name in ("sinet-2/idm", "sinet-3/gc", "sinet-3/gc-ratio-4"):
        leave(tmp_path, name, *BASE)
    leave(tmp_path, "sinet-2/sbm", *BETTER)
    leave(tmp_path, "sinet-3/sbm-without-mi", *BASE)
    assert told(tmp_path)["S4"] == "undecided"
    assert told(tmp_path)["S11"] == "holds on Promenade"
    assert open_rows(Evidence(tmp_path)) == {"sinet-2/idm": ("street",), "sinet-3/gc": ("street",)}


def test_a_claim_that_failed_is_closed_with_all_its_parts(tmp_path: Path) -> None:
    """F7 compares with 1, 2 and 8 regions: lost to one for certain, the others do not matter."""
    for name in ("fgra", "fgra-fig4/regions-2", "fgra-fig4/regions-8"):
        leave(tmp_path, name, *BASE)
    leave(tmp_path, "fgra-fig4/regions-1", *BETTER)
    assert told(tmp_path)["F7"] == "opposite on Promenade"
    assert open_rows(Evidence(tmp_path)) == {}


def test_the_sure_part_of_an_undecided_claim_is_not_run_again(tmp_path: Path) -> None:
    for name in ("rgsa_rgtr", "rgsa-1/rgtr"):
        leave(tmp_path, name, *BETTER)
    leave(tmp_path, "rgsa-1/rgsa", *BASE)
    assert told(tmp_path)["R3"] == "undecided"
    assert list(open_rows(Evidence(tmp_path))) == ["rgsa_rgtr", "rgsa-1/rgtr"]


def test_what_holm_takes_back_is_open_too(tmp_path: Path) -> None:
    for name in NAMES:
        leave(tmp_path, name, *BASE)
    leave(tmp_path, "trsa-1/triplet", *UNSURE)
    (t1,) = (v for v in verdicts(Evidence(tmp_path)) if v.claim.id == "T1")
    assert (t1.verdict, t1.taken_back) == ("holds on Promenade", True)
    assert list(open_rows(Evidence(tmp_path)))[:2] == ["trsa-1/triplet", "trsa-1/baseline"]


def test_a_row_is_scored_where_its_comparison_is(tmp_path: Path) -> None:
    """Only the difference of occlusion and clean leaves T3 open, and in these two it is scored."""
    clean = [0.9, 0.91, 0.9, 0.92, 0.91]
    ill = {"clean": clean, "occlusion": [0.80, 0.81, 0.79, 0.82, 0.80]}
    more = {"clean": clean, "occlusion": [0.82, 0.78, 0.80, 0.81, 0.82]}
    leave(tmp_path, "trsa-1/sam", *BASE, **ill)
    leave(tmp_path, "trsa-1/sam-reg", *BETTER, **more)
    rows = open_rows(Evidence(tmp_path))
    assert rows == dict.fromkeys(("trsa-1/sam-reg", "trsa-1/sam"), ("occlusion", "clean"))
    jobs = second_jobs(Evidence(tmp_path), Data(), range(4, 6))
    assert [(str(j), j.data.score_on) for j in jobs] == [
        (f"trsa-1/{name} in world {world}", ("occlusion", "clean"))
        for world in (4, 5) for name in ("sam-reg", "sam")
    ]  # fmt: skip


def test_a_dry_run_advises_nothing_that_the_command_refuses(tmp_path, monkeypatch, capsys) -> None:
    """World 5 of both rows lacks the scenarios that their comparison asks for."""
    occlusion = {"trsa-1/sam": [0.80, 0.81, 0.79, 0.82, 0.80],
                 "trsa-1/sam-reg": [0.82, 0.78, 0.80, 0.81, 0.82]}  # fmt: skip
    for name, ill in occlusion.items():
        leave(tmp_path, name, *BASE, clean=[0.9, 0.91, 0.9, 0.92, 0.91], occlusion=ill)
        write_record(fake_record(name, 5, {"street": 0.6}), tmp_path)
    words = ("experiment", "undecided", "--worlds", 6, "--dry", "--out", tmp_path)
    assert reid(monkeypatch, *words) == 0
    out = capsys.readouterr().out
    assert ": 2 more; a model that was not kept" in out
    assert "--score-on" not in out


def test_one_job_for_all_that_is_tested_with_the_same_weights(tmp_path: Path) -> None:
    for name in NAMES:
        leave(tmp_path, name, *BASE)
    jobs = second_jobs(Evidence(tmp_path), Data(), range(5, 6))
    assert len({job.name for job in jobs}) == len(jobs)
    rows = open_rows(Evidence(tmp_path))
    assert sorted(n for job in jobs for n in job.tests if n in rows) == sorted(rows)
    borrowed = [name for name in rows if recipes()[name].weights_of]
    assert borrowed
    assert all(
        set(rows[name]) <= set(job.data.score_on)
        for job in jobs for name in job.tests if name in rows
    )  # fmt: skip


def test_the_rows_stay_the_same_while_worlds_are_added(tmp_path: Path) -> None:
    """However clear these make it: the first look has chosen."""
    leave(tmp_path, "sinet-2/idm", *BASE, *BETTER)
    leave(tmp_path, "sinet-3/gc", *BASE, *BASE)
    assert told(tmp_path)["S4"] == "holds on Promenade"
    assert list(open_rows(Evidence(tmp_path))) == ["sinet-2/idm", "sinet-3/gc"]


def test_where_there_is_no_more_to_ask(tmp_path: Path, monkeypatch, capsys) -> None:
    words = ("experiment", "undecided", "--dry", "--out", tmp_path)
    assert reid(monkeypatch, *words, "--worlds", 16) == 2
    assert "no claim is measured" in capsys.readouterr().err
    leave(tmp_path, "sinet-2/sbm", *BETTER)
    leave(tmp_path, "sinet-3/sbm-without-mi", *BASE)
    assert reid(monkeypatch, *words) == 2
    assert "say --worlds 16, or --first 5 --worlds 11" in " ".join(capsys.readouterr().err.split())
    assert reid(monkeypatch, *words, "--worlds", 16) == 0
    assert "no claim hangs on more worlds" in capsys.readouterr().out
    with pytest.raises(ReidError, match="the 10 halvings of prid are all there are"):
        second_jobs(Evidence(tmp_path), Data("prid", "."), range(10))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["trsa-1"], "run undecided, trsa-1 one by one"),
        (["--score-on", "all"], "--score-on is for rows by name"),
        (["--no-controls"], "--no-controls is for rows by name"),
    ],
)
def test_the_command_names_rows_and_scenarios_itself(more, why, monkeypatch, capsys) -> None:
    assert reid(monkeypatch, "experiment", "undecided", "--worlds", 16, "--dry", *more) == 2
    assert why in " ".join(capsys.readouterr().err.split())


def test_the_command_judges_the_records_of_its_profile(tmp_path, monkeypatch, capsys) -> None:
    for name in ("sinet-2/idm", "sinet-3/gc"):
        leave(tmp_path, name, *BASE)
    words = ("experiment", "undecided", "--out", tmp_path, "--worlds", 7, "--dry", "--json")
    assert reid(monkeypatch, *words, "--profile", "fine") == 2
    capsys.readouterr()
    assert reid(monkeypatch, *words) == 0
    assert json.loads(capsys.readouterr().out) == [
        f"{name} in world {world}" for world in (5, 6) for name in ("sinet-2/idm", "sinet-3/gc")
    ]


def test_verdicts_name_claims_of_more_worlds_than_planned(tmp_path, monkeypatch, capsys) -> None:
    for name in ("sinet-2/sbm", "sinet-3/sbm-without-mi"):
        leave(tmp_path, name, *BASE[:2])
    assert beyond_plan(verdicts(Evidence(tmp_path)), 2) == []
    for name in ("sinet-2/sbm", "sinet-3/sbm-without-mi", "sinet-3/gc-ratio-4"):
        leave(tmp_path, name, *BASE, 0.6)
    leave(tmp_path, "sinet-2/idm", *BASE, 0.6)  # with GC of ratio 4 only beside S4
    leave(tmp_path, "sinet-3/gc", *BASE)
    found = verdicts(Evidence(tmp_path))
    assert beyond_plan(found, 5) == ["S11"]
    assert beyond_plan(found, 4) == ["S4", "S11"]
    assert beyond_plan(found, 6) == []
    assert reid(monkeypatch, "verdicts", "--records", tmp_path) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.endswith(
        "over more than the 5 worlds of the first look (nominal 5 %, up to 9 % where only claims "
        "near a decision were gone on with, see `reid experiment undecided`): S11 "
        "more worlds than now, up to 16, may decide, and are not run: S4, S11 "
        "(`reid experiment undecided --worlds 16`)"
    )


def test_what_has_had_all_its_worlds_waits_for_no_more(tmp_path: Path) -> None:
    for name in ("sinet-2/sbm", "sinet-3/sbm-without-mi"):
        leave(tmp_path, name, *(BASE * 4)[:MOST])
    evidence = Evidence(tmp_path)
    assert "not run" not in " ".join(caveats(verdicts(evidence), evidence))
    few = evidence.within(range(MOST - 1))
    assert caveats(verdicts(few), few)[-1].endswith(
        "not run: S11 (`reid experiment undecided --worlds 16`)"
    )
    assert caveats([], evidence) == []


def test_the_error_of_a_second_look() -> None:
    """No difference anywhere: how often 5 worlds, or 16 after them, say that there is one."""
    values = np.random.default_rng(0).normal(size=(60_000, 16))
    first, both = (stats.ttest_1samp(values[:, :n], 0, axis=1).pvalue for n in (5, 16))
    holm = 0.05 / 60
    ours = np.where(first < holm, True, both < 0.05)
    alone = np.where(first < 0.05, True, both < 0.05)  # where only p above 0.05 is run in more
    assert ours.mean() == pytest.approx(0.05, abs=0.004)
    assert alone.mean() == pytest.approx(0.09, abs=0.006)
