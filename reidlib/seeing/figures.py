"""One look for every figure, and a check of what a figure draws.

Notebook tests never compare pictures, and no pixel threshold survives a new matplotlib and still
sees a change of one percent. So `check` reads back what a figure draws (lines, bars, images,
points, shapes, words, colours), compares it with a stored reference, and prints a short digest that
the notebook tests compare to the letter.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reidlib.files import write_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart by colour-blind readers and in grey print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
RIGHT, WRONG = "#009E73", "#D55E00"
PAPER = ("figure.facecolor", "savefig.facecolor", "axes.facecolor")
INK = (
    "text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color",
    "ytick.color", "xtick.labelcolor", "ytick.labelcolor", "legend.labelcolor", "lines.color",
    "patch.edgecolor",
)  # fmt: skip
KINDS = ("lines", "bars", "points", "shapes", "images")
WHOLE = 400  # numbers up to which an array is kept as it is; a larger one as means of its blocks
FEW, BLOCKS, FEWER_BLOCKS = 12, 12, 5  # so many blocks a side; fewer where there are many axes
DECIMAL = re.compile(r"-?\d+\.\d+")
WHERE = re.compile(r"axes|caption")  # the line of a complaint that says what differs


def style() -> None:
    """Set matplotlib's defaults: quiet axes, readable in print and in dark notebooks."""
    import matplotlib as mpl
    from cycler import cycler

    # Dark notebooks show a white page with dark ink, whatever style was set before.
    colours: dict[Any, Any] = {**dict.fromkeys(PAPER, "white"), **dict.fromkeys(INK, "black")}
    mpl.rcParams.update(colours)
    mpl.rcParams.update(
        {
            "figure.dpi": 100,
            "savefig.bbox": "tight",
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 10,
            "axes.labelsize": 9,
            "font.size": 9,
            "legend.frameon": False,
            "image.interpolation": "nearest",
            "svg.hashsalt": "reidlib",
        }
    )


def contents(figure: Figure) -> dict[str, Any]:
    """What a figure draws: the words that stand outside its axes (title, caption), and of each axes
    the words, lines, bars, points, images, shapes (contours, bands) and the colours of all."""
    blocks = BLOCKS if len(figure.axes) <= FEW else FEWER_BLOCKS
    return {
        "words": [text.get_text() for text in figure.texts],
        "axes": [_axes_contents(axes, blocks) for axes in figure.axes],
    }


def check(
    figure: Figure,
    name: str,
    rtol: float = 1e-3,
    atol: float = 1e-6,
    *,
    live: bool = False,
    placed: bool = True,
) -> None:
    """Compare what `figure` draws with `reference/<name>.json`, then print a digest of it.

    Words and colours must be equal, numbers close: relative to the largest number of their kind,
    since a curve that passes through zero is not wrong there. A number inside words may differ by
    one in its last digit, if it has decimals. A reference that does not exist is written, unless
    the environment variable CI is set.

    live: the figure follows records that grow, or weights that a reader may train anew. A
    difference is then told instead of raised; the notebook tests, which compare what is told, see
    it all the same.
    placed: False where t-SNE or the like has put points, which makes much of a last digit: how many
    there are is compared then, not where.
    Raises AssertionError naming the axes and the artist that differ.
    """
    drawn = contents(figure)
    path = Path("reference") / f"{name}.json"
    wrong = ""
    if path.exists():
        try:
            _compare(json.loads(path.read_text()), drawn, rtol, atol, placed)
        except AssertionError as error:
            if not live:
                raise
            wrong = next(line for line in str(error).splitlines() if WHERE.search(line))
    elif os.environ.get("CI"):
        raise AssertionError(f"{path} is missing; run the notebook once locally and commit it")
    else:
        path.parent.mkdir(exist_ok=True)
        rows = ",\n".join(json.dumps(axes) for axes in drawn["axes"])  # one axes a line
        words = json.dumps(drawn["words"])
        write_text(path, f'{{"words": {words}, "axes": [\n{rows}\n]}}\n')
    print(f"figure {name}")
    for line in _digests(drawn["axes"]):
        print(f"  {line}")
    if wrong:
        print(f"  not as in its reference ({wrong}): other records or weights?")
        print("  `reid notebooks --redraw` stores what is drawn now")


def _axes_contents(axes: Axes, blocks: int) -> dict[str, Any]:
    legend = axes.get_legend()
    offsets = [np.asarray(c.get_offsets(), float) for c in axes.collections]
    shapes = [_outline(c) for c in axes.collections]
    return {
        "words": {
            "title": axes.get_title(),
            "x": axes.get_xlabel(),
            "y": axes.get_ylabel(),
            "legend": [] if legend is None else [text.get_text() for text in legend.get_texts()],
            "texts": [text.get_text() for text in axes.texts],
        },
        "colours": {
            "lines": [_hue(line.get_color()) for line in axes.lines],
            "bars": _hues([p.get_facecolor() for p in axes.patches]),
            "edges": _hues([p.get_edgecolor() for p in axes.patches]),
            "points": [_hues(c.get_facecolor()) or _hues(c.get_edgecolor())
                       for c in axes.collections],
            "border": _hues([s.get_edgecolor() for s in axes.spines.values() if s.get_visible()]),
        },
        "lines": [_array(np.asarray(line.get_xydata(), float), blocks) for line in axes.lines],
        "bars": [_array(np.array([_bar(patch) for patch in axes.patches], float), blocks)]
        if axes.patches
        else [],
        "points": [_array(where, blocks) for where in offsets if where.any()],
        "shapes": [_array(shape, blocks) for shape in shapes if len(shape)],
        "images": [_array(np.asarray(image.get_array(), float), blocks) for image in axes.images],
    }  # fmt: skip


def _bar(patch: Any) -> tuple[float, float, float, float]:
    box = patch.get_path().get_extents(patch.get_patch_transform())
    return box.x0, box.y0, box.width, box.height


def _outline(collection: Any) -> np.ndarray:
    """What a collection that has no points draws (a contour, a band): extent and mean of each of
    its paths, (n, 6); the corners themselves depend on how a release walks around a shape."""
    if np.asarray(collection.get_offsets(), float).any():
        return np.empty((0, 6))
    paths = [p.vertices for p in collection.get_paths() if len(p.vertices)]
    rows = [[*v.min(axis=0), *v.max(axis=0), *v.mean(axis=0)] for v in paths]
    return np.array(rows, float).reshape(-1, 6)


def _hue(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return to_hex(colour, keep_alpha=True)


def _hues(colours: Any) -> list[str]:
    """Colours in order, repeated ones once."""
    return list(dict.fromkeys(_hue(colour) for colour in colours))


def _array(values: np.ndarray, blocks: int) -> dict[str, Any]:
    """An array as JSON: whole when small; else its shape, spread and the means of its blocks."""
    summary: dict[str, Any] = {"shape": list(values.shape)}
    if values.size <= WHOLE:
        kept = values
    else:
        rows = np.array_split(values, min(blocks, values.shape[0]), axis=0)
        means = [
            [
                block.mean(axis=(0, 1))
                for block in np.array_split(row, min(blocks, row.shape[1]), axis=1)
            ]
            for row in rows
        ]
        kept = np.asarray(means, float)
        summary["spread"] = _round(float(np.nanstd(values)))
    summary["values"] = [_round(float(v)) for v in kept.ravel()]
    return summary


def _round(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.5g}")


def _compare(
    stored: dict[str, Any], drawn: dict[str, Any], rtol: float, atol: float, placed: bool
) -> None:
    olds, news = stored["axes"], drawn["axes"]
    assert len(olds) == len(news), f"{len(news)} axes drawn, {len(olds)} in the reference"
    for number, (old, new) in enumerate(zip(olds, news, strict=True)):
        _same_words(old["words"], new["words"], f"axes {number}")
        same = old["colours"] == new["colours"]
        assert same, f"axes {number}: colours {new['colours']} are not {old['colours']}"
        for kind in KINDS:
            assert len(old[kind]) == len(new[kind]), f"axes {number}: {len(new[kind])} {kind}"
            for a, b in zip(old[kind], new[kind], strict=True):
                assert a["shape"] == b["shape"], f"axes {number}, {kind}: shape {b['shape']}"
                if kind == "points" and not placed:
                    continue
                x, y = _numbers(a), _numbers(b)
                limit = atol + rtol * max(1e-300, float(np.nanmax(np.abs(x), initial=0.0)))
                np.testing.assert_allclose(
                    y, x, rtol=0, atol=limit, err_msg=f"axes {number}, {kind} differ"
                )
    _same_words(stored["words"], drawn["words"], "title and caption")


def _same_words(old: Any, new: Any, where: str) -> None:
    """Equal but for the last digit of numbers with decimals, which another machine may round."""
    told, telling = json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)
    same = DECIMAL.sub("#", told) == DECIMAL.sub("#", telling)
    pairs = zip(DECIMAL.findall(told), DECIMAL.findall(telling))
    same = same and all(
        abs(float(a) - float(b)) <= 1.01 * 10.0 ** -len(a.partition(".")[2]) for a, b in pairs
    )
    assert same, f"{where}: {telling} is not {told}"


def _numbers(entry: dict[str, Any]) -> np.ndarray:
    values = [*entry["values"], *([entry["spread"]] if "spread" in entry else [])]
    return np.array([np.nan if v is None else v for v in values], float)


def _digests(every: list[dict[str, Any]]) -> list[str]:
    """A line for each axes, alike ones that follow each other in one."""
    lines = [_digest(axes) for axes in every]
    found = []
    start = 0
    for n in range(1, len(lines) + 1):
        if n == len(lines) or lines[n] != lines[start]:
            numbers = f"{start}" if n == start + 1 else f"{start}-{n - 1}"
            found.append(f"{numbers}: {lines[start]}")
            start = n
    return found


def _digest(axes: dict[str, Any]) -> str:
    """One line: the title, and how many artists of each kind and shape; `check` compares the
    numbers in them."""
    parts = [repr(axes["words"]["title"])] if axes["words"]["title"] else []
    for kind in KINDS:
        shapes = Counter("x".join(map(str, entry["shape"])) for entry in axes[kind])
        for shape, many in shapes.items():
            parts.append(f"{many} {kind} {shape}" if many > 1 else f"{kind[:-1]} {shape}")
    return ", ".join(parts) or "empty"
