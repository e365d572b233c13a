"""The figure check sees what a reader would miss, and forgives what nobody would mind."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from reidlib.seeing.figures import check, contents, style


def draw(scale: float = 1.0, title: str = "curve", flip: bool = False, colour: str = "b") -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3)
    x = np.linspace(0, 1, 50)
    left.plot(x, scale * np.sin(6 * x), color=colour, label="sine")
    left.set_title(title)
    left.legend()
    middle.bar([0, 1, 2], [1.0, scale * 2.0, 3.0])
    image = np.add.outer(np.arange(64.0), np.arange(32.0))
    right.imshow(image[::-1] if flip else image)
    right.scatter([1, 2], [3, scale * 4])
    return figure


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    style()
    check(draw(), "demo")


def test_the_same_figure_passes_in_another_colour(capsys: pytest.CaptureFixture[str]) -> None:
    check(draw(colour="r"), "demo")
    assert "line 50x2" in capsys.readouterr().out


def test_a_millionth_passes_and_a_percent_fails() -> None:
    check(draw(1 + 1e-6), "demo")
    with pytest.raises(AssertionError, match="axes 0, lines"):
        check(draw(1.01), "demo")


def test_a_bar_alone_is_seen() -> None:
    figure = draw()
    figure.axes[1].patches[1].set_height(2.02)
    with pytest.raises(AssertionError, match="axes 1, bars"):
        check(figure, "demo")


def test_other_words_fail() -> None:
    with pytest.raises(AssertionError, match="axes 0"):
        check(draw(title="Curve"), "demo")


def test_a_shuffled_map_fails() -> None:
    with pytest.raises(AssertionError, match="images"):
        check(draw(flip=True), "demo")


def test_rows_in_another_order_fail() -> None:
    """Large arrays are stored as 12x12 block means: a permutation of whole rows changes them."""
    figure = draw()
    image = figure.axes[2].images[0]
    rows = np.random.default_rng(0).permutation(64)
    image.set_data(np.asarray(image.get_array())[rows])
    with pytest.raises(AssertionError, match="images"):
        check(figure, "demo")


def test_a_missing_reference_is_an_error_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match="missing"):
        check(draw(), "never_stored")
    assert not Path("reference/never_stored.json").exists()


def test_contents_are_plain_json() -> None:
    figure = draw()
    figure.axes[0].plot([0, 1], [np.nan, 1])
    assert json.loads(json.dumps(contents(figure))) == contents(figure)


def teardown_module() -> None:
    plt.close("all")


def test_the_page_is_white_and_the_ink_dark_in_a_dark_notebook() -> None:
    with plt.rc_context():
        plt.style.use("dark_background")
        style()
        figure, axes = plt.subplots()
        axes.plot([0, 1], label="a line")
        axes.set(title="title", xlabel="x")
        texts = [axes.title, axes.xaxis.label, *axes.get_xticklabels()]
        texts += [*axes.legend().get_texts(), figure.suptitle("whole")]
        assert {to_hex(t.get_color()) for t in texts} == {"#000000"}
        faces = figure.get_facecolor(), axes.get_facecolor()
        assert {to_hex(face) for face in faces} == {"#ffffff"}
        assert to_hex(axes.spines["left"].get_edgecolor()) == "#000000"
        plt.close(figure)
