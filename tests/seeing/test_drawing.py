"""Sheets and curves: what is drawn stays where it is put."""

from __future__ import annotations

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from reidlib.seeing.drawing import Cell, curves, levels, scatter, sheet


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


def test_groups_of_rows_stand_apart_under_headings_of_their_own() -> None:
    rows = [[grey(0.2)], [grey(0.4)], [grey(0.6)]]
    figure = sheet(rows, heads=["a"], groups={2: ["b"]}, names=["x", "y", "z"])
    first, second, third = (axes.get_position() for axes in figure.axes)
    assert second.y0 - third.y1 > 4 * (first.y0 - second.y1)
    assert first.height == pytest.approx(third.height)
    assert [axes.get_title() for axes in figure.axes] == ["a", "", "b"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["x", "y", "z"]
    close = sheet(rows, groups={2: []})
    gap = close.axes[1].get_position().y0 - close.axes[2].get_position().y1
    assert gap * close.get_figheight() < (second.y0 - third.y1) * figure.get_figheight()


def test_levels_are_lines_nearby_and_words_far_away() -> None:
    _, axes = plt.subplots()
    axes.plot([0, 1], [0.6, 0.7])
    levels(axes, [0.75, 0.95, 0.1], "limit", "k")
    assert [line.get_ydata()[0] for line in axes.lines[1:]] == [0.75]
    words = [text.get_text() for text in axes.texts]
    assert words[0] == "limit 0.7500"
    assert "limit 0.9500 lies above this range" in words[1]
    assert "limit 0.1000 lies below this range" in words[2]
    assert axes.get_ylim()[1] > 0.75


def test_whole_points_are_large_and_their_pieces_small() -> None:
    points = np.arange(10.0).reshape(5, 2)
    axes = scatter([("a", points, [1, 1, 2, 1, 2])], whole=[False] * 3 + [True] * 2).axes[0]
    sizes = {float(c.get_sizes()[0]): 0 for c in axes.collections}
    for c in axes.collections:
        sizes[float(c.get_sizes()[0])] += len(c.get_offsets())
    assert [sizes[size] for size in sorted(sizes)] == [3, 2]
    assert len(axes.get_legend().get_texts()) == 2
