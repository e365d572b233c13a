"""Sheets and curves: what is drawn stays where it is put."""

from __future__ import annotations

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from reidlib.seeing.drawing import Cell, curves, sheet


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def saved(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="raw", dpi=60, bbox_inches="tight")
    return file.getvalue()


def grey(shade: float) -> Cell:
    return Cell(np.full((16, 8, 3), shade))


def test_a_sheet_saved_twice_is_the_same_picture() -> None:
    figure = sheet([[grey(0.2), grey(0.4)], [grey(0.6), None]], names=["a", "b"], title="t",
                   caption="words", heads=["1", "2"])  # fmt: skip
    assert saved(figure) == saved(figure)


def test_gaps_stand_between_people_and_rows_keep_their_order() -> None:
    figure = sheet([[grey(0.2), grey(0.4), grey(0.6)]], gaps=[1])
    first, second, third = (axes.get_position() for axes in figure.axes)
    assert third.x0 - second.x1 > 2 * (second.x0 - first.x1)
    assert [axes.images[0].get_array()[0, 0, 0] for axes in figure.axes] == [0.2, 0.4, 0.6]


def test_curves_draw_bars_only_where_there_are_intervals() -> None:
    nan = float("nan")
    lines = {"sure": ([1, 2, 8], [5, 6, 7], [1, 1, nan]), "one": ([1, 2, 8], [3, 2, 1], [nan] * 3)}
    left, right = curves(
        [("a", "x", lines), ("b", "x", {"one": ([1, 7], [1, 2], [nan, nan])})], y="%"
    ).axes
    bars = [path for c in left.collections for path in c.get_paths()]
    assert len(bars) == 3  # one a point of the line that has any; the last has no height
    assert [abs(p.vertices[1, 1] - p.vertices[0, 1]) for p in bars] == [2, 2, 0]
    assert not right.collections
    assert (left.get_xscale(), right.get_xscale()) == ("log", "linear")
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["1", "2", "8"]


def test_a_caption_never_cuts_a_name() -> None:
    names = [f"sinet-{k}_non-local--fine" for k in range(20)]
    figure = sheet([[grey(0.5)]], caption="Record: " + "; ".join(names))
    lines = figure.texts[0].get_text().split("\n")
    assert len(lines) > 2
    assert all(any(name in line for line in lines) for name in names)
