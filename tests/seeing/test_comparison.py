"""Five papers beside each other: what is drawn is what the records say, and blanks stay blank."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from matplotlib import pyplot as plt

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.claims import CLAIMS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.five_papers import Price, five_papers
from reidlib.experiments.verdicts import verdicts
from reidlib.recipes import PAPERS
from reidlib.seeing.comparison import (
    OUTCOMES,
    bargains,
    branches,
    draw_bargains,
    draw_claims,
    draw_forest,
    draw_grid,
    draw_looked,
    gain_grid,
    looked,
    outcome,
    summary,
    tally,
)
from reidlib.seeing.truth import Estimate, estimate
from tests.experiments.fake_records import leave


@pytest.fixture(autouse=True)
def _quick_and_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("reidlib.costs.claims", lambda paper: ())  # counts, and slowly
    yield
    plt.close("all")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    leave(tmp_path / "r", "baseline", 0.5, 0.52, 0.51, clean=[0.8, 0.8, 0.8])
    leave(tmp_path / "r", "sinet", 0.55, 0.575, 0.56, clean=[0.79, 0.81, 0.8])
    leave(tmp_path / "r", "tacan", 0.4)
    leave(tmp_path / "r", "sinet-2/base", 0.5, 0.52, 0.51)
    leave(tmp_path / "r", "sinet-2/sbm", 0.52, 0.545, 0.53)
    return tmp_path / "r"


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
    assert set(texts(axes)) == {*counted, *PAPERS.values()}
    assert len(axes.patches) == len(CLAIMS)


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
    axes = draw_forest(tuple(found.values())).axes[0]
    assert texts(axes).count(" not run yet") == sum(math.isnan(o.mean) for o in found.values())
    assert len(axes.get_yticks()) == len(found)


def test_the_grid_is_the_table_and_says_what_is_missing(results: Path) -> None:
    table = five_papers(Evidence(results))
    grid = gain_grid(table)
    at = grid.methods.index("SINet"), grid.scenarios.index("street")
    assert grid.mean[at] == pytest.approx((5 + 5.5 + 5) / 3)
    assert grid.sure[at]
    one = grid.methods.index("TACAN"), at[1]
    assert grid.mean[one] == pytest.approx(-10)
    assert not grid.sure[one]
    assert math.isnan(grid.low[one])
    assert grid.named[at[0]].tolist() == [s == "lookalike" for s in SCENARIOS]
    written = texts(draw_grid(grid).axes[0])
    assert written.count("no record") == int((grid.worlds == 0).sum()) == grid.mean.size - 3
    assert {"+5.2", "-10.0", "one world"} <= set(written)


def test_beyond_clean(results: Path) -> None:
    grid = gain_grid(five_papers(Evidence(results)), beyond=True)
    assert "clean" not in grid.scenarios
    at = grid.methods.index("SINet"), grid.scenarios.index("street")
    assert grid.mean[at] == pytest.approx((5 + 5.5 + 5) / 3 - 0)
    assert grid.worlds[at] == 3


def test_what_is_not_sure_is_paler(results: Path) -> None:
    grid = gain_grid(five_papers(Evidence(results)))
    image = np.asarray(draw_grid(grid).axes[0].images[0].get_array())
    street = grid.scenarios.index("street")
    ink = 1 - image[:, street].min(axis=-1)
    assert ink[grid.methods.index("SINet")] > ink[grid.methods.index("TACAN")]  # +5 sure, -10 not


def test_nothing_recorded_draws_all_the_same(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "none")
    grid = gain_grid(five_papers(evidence))
    assert not grid.sure.any()
    assert texts(draw_grid(grid).axes[0]) == ["no record"] * grid.mean.size
    draw_forest(branches(verdicts(evidence), "TRSA"))
    draw_claims(verdicts(evidence))


def test_bargains(results: Path) -> None:
    size = (256, 128)
    prices = {name: Price(name, 4, size, 100, 200.0, 50.0) for name in ("baseline", *PAPERS)}
    prices["sinet"] = Price("sinet", 4, size, 120, 210.0, 75.0)
    found = {one.name: one for one in bargains(prices, five_papers(Evidence(results)), "street")}
    sinet, fgra = found["SINet"], found["FGRA"]
    assert (sinet.multiply_adds, sinet.kept) == pytest.approx((5, 50))
    assert sinet.gain == pytest.approx(5.17, abs=0.01)
    assert math.isnan(fgra.gain)
    assert (fgra.multiply_adds, fgra.kept) == (0, 0)
    for axes in draw_bargains([sinet, fgra]).axes:
        assert [line.get_label() for line in axes.lines if line.get_label() in PAPERS.values()] == [
            "SINet"
        ]


class Told:
    """As much of a mechanism's record as is asked for here."""

    cells: ClassVar = [
        {"scene": "street", "source": source, "question": question, "values": {"3": x, "5": y}}
        for source, question, x, y in (
            ("sinet", "person", 0.5, 0.7), ("even", "person", 0.3, 0.3), ("sinet", "iou", 0.1, 0.2),
        )
    ]  # fmt: skip

    def stale(self) -> str:
        return "the data are others now"

    def estimate(self, scene: str, question: str, of: str) -> Estimate:
        cell = next(c for c in self.cells if (c["source"], c["question"]) == (of, question))
        return estimate(list(cell["values"].values()), [3, 5])


def test_what_was_looked_at() -> None:
    found = looked({"S8": Told()})
    assert [(one.source, one.question, one.blind) for one in found] == [
        ("sinet", "person", False), ("even", "person", True),
    ]  # fmt: skip
    assert found[0].mean == pytest.approx(0.6)
    assert found[0].low < found[0].mean < found[0].high
    axes = draw_looked(found).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "S8 street: sinet !", "S8 street: even !",
    ]  # fmt: skip
    assert axes.get_title() == "person"
    assert looked({}) == ()
