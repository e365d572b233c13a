"""Five papers beside each other: what is drawn is what the records say, and blanks stay blank."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.five_papers import five_papers
from reidlib.experiments.prices import Price
from reidlib.experiments.scenes import by_scenario
from reidlib.experiments.strengths import STEPS, scene, strengths
from reidlib.recipes import PAPERS
from reidlib.records import write_record
from reidlib.seeing.comparison import (
    bargains,
    draw_bargains,
    draw_grid,
    draw_scenes,
    draw_strengths,
    gain_grid,
)
from tests.experiments.fake_records import fake_record, leave


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


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


def test_strengths_are_drawn_as_they_are(tmp_path: Path) -> None:
    for world, start in enumerate((0.8, 0.9)):
        scores = {scene("occlusion", s): start - 0.1 * s for s in STEPS}
        write_record(fake_record("trsa", world, {"street": 0.5, **scores}), tmp_path)
    figure = draw_strengths(strengths(Evidence(tmp_path)))
    drawn = {axes.get_title(): axes for axes in figure.axes}
    (line, *_) = drawn["occlusion"].lines
    assert line.get_label() == "TRSA"
    assert line.get_xydata() == pytest.approx(np.array([(s, 85 - 10 * s) for s in STEPS]))
    assert texts(drawn["clutter"]) == ["not tested at\nevery strength"]
    legend = figure.axes[-1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["TRSA"]
    empty = draw_strengths(strengths(Evidence(tmp_path / "none")))
    assert all(len(texts(axes)) == 1 and not axes.lines for axes in empty.axes)


def test_a_papers_rows_in_every_scenario(tmp_path: Path) -> None:
    leave(tmp_path / "r", "sinet-2/base", 0.5, 0.5, clean=[0.8, 0.8])
    leave(tmp_path / "r", "sinet-2/sbm", 0.51, 0.52, clean=[0.8, 0.8])
    leave(tmp_path / "r", "sinet-3/sbm-without-cal", 0.48, 0.49)
    table = by_scenario("sinet-3", Evidence(tmp_path / "r"))
    grid = gain_grid(table, marked=True)
    assert len(grid.methods) == 12  # of 13 printed rows one is the base; controls are left out
    assert "base. + SBM" in grid.methods
    at = grid.methods.index("base. + SBM w/o CAL\n(to base. + SBM)")
    assert grid.mean[at, grid.scenarios.index("street")] == pytest.approx(-3)
    assert math.isnan(grid.mean[at, grid.scenarios.index("clean")])
    framed = {grid.methods[i] for i in np.flatnonzero(grid.named.any(axis=1))}
    assert framed == {"base. + SBM", "SINet (base. + SBM + IDM)"}
    assert grid.marks[grid.methods.index("base. + SBM")][-1] == ""  # +1, +2: not sure with two
    figure = draw_scenes(table)
    assert "over “base.” unless told" in figure.texts[0].get_text()
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert "base. + SBM w/o CAL\n(to base. + SBM)" in names
