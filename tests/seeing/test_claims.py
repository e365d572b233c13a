"""The claims' pictures say what the verdicts say, and blanks stay blank."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib import pyplot as plt

from reidlib.experiments.claims import CLAIMS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.verdicts import verdicts
from reidlib.recipes import PAPERS
from reidlib.seeing.claims import (
    OUTCOMES,
    branches,
    draw_claims,
    draw_forest,
    marked,
    outcome,
    summary,
    tally,
)


@pytest.fixture(autouse=True)
def _quick_and_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("reidlib.costs.claims", lambda paper: ())  # counts, and slowly
    yield
    plt.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_outcomes_of_the_words_that_verdicts_use() -> None:
    said = {
        "holds on Promenade": "borne out", "equivalent": "borne out",
        "opposite on MARS": "contradicted", "different": "contradicted",
        "undecided": "undecided", "undecided: not measured yet": "not measured yet",
        "numbers beside each other": "numbers to compare",
    }  # fmt: skip
    assert {word: outcome(word) for word in said} == said
    assert set(said.values()) == set(OUTCOMES)


def test_every_claim_is_counted_once_and_has_a_tile(results: Path) -> None:
    found = verdicts(Evidence(results))
    counted = [one for by in tally(found).values() for ids in by.values() for one in ids]
    assert sorted(counted) == sorted(claim.id for claim in CLAIMS)
    assert summary(found, "TACAN").startswith("TACAN, 5 claims: ")
    axes = draw_claims(found).axes[0]
    assert set(texts(axes)) == {*map(marked, found), *PAPERS.values()}
    assert len(axes.patches) == len(CLAIMS)


def test_marks_say_what_weakens_a_verdict(results: Path) -> None:
    one = next(v for v in verdicts(Evidence(results)) if v.claim.id == "S1")
    assert marked(one) == "S1"
    weak = {"one_model": "†", "in_points_alone": "~", "taken_back": "°"}
    for name, mark in weak.items():
        told = {**dict.fromkeys(weak, False), name: True}
        assert marked(SimpleNamespace(claim=one.claim, **told)) == f"S1{mark}"  # type: ignore[arg-type]
    told = dict.fromkeys(weak, True)
    all_three = SimpleNamespace(claim=one.claim, verdict="equivalent", **told)
    assert summary([all_three], "SINet") == "SINet, 1 claims: 1 borne out (S1†~°)."


def test_branches_are_the_deciding_comparisons(results: Path) -> None:
    found = {one.text: one for one in branches(verdicts(Evidence(results)), "SINet")}
    gain = found["sinet-2/sbm - sinet-2/base"]
    assert (gain.claim, gain.worlds, gain.outcome) == ("S1", 3, "borne out")
    assert gain.mean == pytest.approx((2 + 2.5 + 2) / 3)
    assert gain.low < gain.mean < gain.high
    missing = found["sinet-2/idm - sinet-2/base"]
    assert math.isnan(missing.mean)
    assert missing.worlds == 0
    assert found["sinet-2/idm - sinet-3/1-idm"].margin == 2
    weak = replace(gain, marks="~°", stale=True)
    names = [t.get_text() for t in draw_forest((gain, weak)).axes[0].get_yticklabels()]
    assert names == [f"S1  {gain.text}", f"S1  {gain.text} ~° !"]
    axes = draw_forest(tuple(found.values())).axes[0]
    assert texts(axes).count(" not run yet") == sum(math.isnan(o.mean) for o in found.values())
    assert len(axes.get_yticks()) == len(found)


def test_nothing_recorded_draws_all_the_same(tmp_path: Path) -> None:
    found = verdicts(Evidence(tmp_path / "none"))
    draw_forest(branches(found, "TRSA"))
    draw_claims(found)
