"""The figure check sees what a reader would miss, and forgives what nobody would mind."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    right.scatter([1, 2], [3, scale * 4], color=["g", "r"])
    right.fill_between([0, 10, 20], 0, [1, 2, scale * 3])
    right.contour(image > 40, levels=[0.5], colors="white")
    figure.text(0, -0.1, f"Mass on the person {0.431 * scale:.3f} over 24 people")
    return figure


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    style()
    check(draw(), "demo")


def test_the_digest_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    check(draw(), "demo")
    assert capsys.readouterr().out.splitlines() == [
        "figure demo", "  0: 'curve', line 50x2", "  1: bar 3x4",
        "  2: point 2x2, 2 shapes 1x6, image 64x32",
    ]  # fmt: skip


def test_alike_axes_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    figure, grid = plt.subplots(1, 4)
    for axes in grid[:3]:
        axes.plot([0, 1])
    check(figure, "alike")
    assert capsys.readouterr().out.splitlines()[1:] == ["  0-2: line 2x2", "  3: empty"]


def test_another_colour_fails() -> None:
    with pytest.raises(AssertionError, match="axes 0: colours"):
        check(draw(colour="r"), "demo")


def test_right_and_wrong_exchanged_fail() -> None:
    figure = draw()
    figure.axes[2].collections[0].set_facecolor(["r", "g"])
    with pytest.raises(AssertionError, match="axes 2: colours"):
        check(figure, "demo")


def test_a_border_of_another_colour_fails() -> None:
    figure = draw()
    figure.axes[1].spines["left"].set_edgecolor("g")
    with pytest.raises(AssertionError, match="axes 1: colours"):
        check(figure, "demo")


@pytest.mark.parametrize("number", [1, 2])
def test_a_band_or_a_contour_elsewhere_fails(number: int) -> None:
    figure = draw()
    figure.axes[2].collections[number].remove()
    axes = figure.axes[2]
    if number == 1:
        axes.fill_between([0, 10, 20], 0, [1, 2, 3.1])
    else:
        axes.contour(np.add.outer(np.arange(64.0), np.arange(32.0)) > 44, levels=[0.5])
    with pytest.raises(AssertionError, match="axes 2"):
        check(figure, "demo")


def test_the_caption_counts() -> None:
    """The last digit of a rounded number may differ, nothing else."""
    figure = draw()
    caption = figure.texts[0]
    caption.set_text("Mass on the person 0.432 over 24 people")
    check(figure, "demo")
    for wrong in ("Mass on the person 0.433 over 24 people", "Mass on the person 0.431 over 25 "
                  "people", "Mass on a person 0.431 over 24 people"):  # fmt: skip
        caption.set_text(wrong)
        with pytest.raises(AssertionError, match="title and caption"):
            check(figure, "demo")


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


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
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


def test_what_follows_records_is_told_instead_of_raised(capsys: pytest.CaptureFixture[str]) -> None:
    check(draw(), "demo", live=True)
    alike = capsys.readouterr().out
    assert "not as in its reference" not in alike
    check(draw(1.01), "demo", live=True)
    told = capsys.readouterr().out
    assert "not as in its reference (axes 0, lines differ)" in told
    assert "reid notebooks --redraw" in told
    assert told != alike  # so that the notebook tests see it


def test_points_that_t_sne_has_put_may_lie_elsewhere_and_not_be_others() -> None:
    def points(*where: float) -> Figure:
        figure, axes = plt.subplots()
        axes.scatter(range(len(where)), where)
        return figure

    check(points(1, 2, 3), "put")
    check(points(1, 9, 3), "put", placed=False)
    with pytest.raises(AssertionError, match="points differ"):
        check(points(1, 9, 3), "put")
    with pytest.raises(AssertionError, match="points: shape"):
        check(points(1, 9), "put", placed=False)
