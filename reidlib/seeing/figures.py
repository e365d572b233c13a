"""One look for every figure, and a check of what a figure draws.

Notebook tests never compare pictures, and no pixel threshold survives a new matplotlib and still
sees a change of one percent. So `check` reads back what a figure draws (lines, bars, images,
points, words), compares it with a stored reference, and prints a short digest that the notebook
tests compare to the letter.
"""

from __future__ import annotations

import json
import os
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
WHOLE = 400  # arrays up to this size are kept as they are, larger ones as block means


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


def contents(figure: Figure) -> list[dict[str, Any]]:
    """What a figure draws, one entry an axes: titles, labels, lines, bars, points, images."""
    return [_axes_contents(axes) for axes in figure.axes]


def check(figure: Figure, name: str, rtol: float = 1e-3, atol: float = 1e-6) -> None:
    """Compare what `figure` draws with `reference/<name>.json`, then print a digest of it.

    Words must be equal, numbers close: relative to the largest number of their kind, since a
    curve that passes through zero is not wrong there. A reference that does not exist is
    written, unless the environment variable CI is set.

    Raises AssertionError naming the axes and the artist that differ.
    """
    drawn = contents(figure)
    path = Path("reference") / f"{name}.json"
    if path.exists():
        _compare(json.loads(path.read_text()), drawn, rtol, atol)
    elif os.environ.get("CI"):
        raise AssertionError(f"{path} is missing; run the notebook once locally and commit it")
    else:
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps(drawn, indent=1) + "\n")
    print(f"figure {name}")
    for number, axes in enumerate(drawn):
        print(f"  {number}: {_digest(axes)}")


def _axes_contents(axes: Axes) -> dict[str, Any]:
    legend = axes.get_legend()
    return {
        "words": {
            "title": axes.get_title(),
            "x": axes.get_xlabel(),
            "y": axes.get_ylabel(),
            "legend": [] if legend is None else [text.get_text() for text in legend.get_texts()],
            "texts": [text.get_text() for text in axes.texts],
        },
        "lines": [_array(np.asarray(line.get_xydata(), float)) for line in axes.lines],
        "bars": [_array(np.array([_bar(patch) for patch in axes.patches], float))]
        if axes.patches
        else [],
        "points": [
            _array(offsets)
            for c in axes.collections
            if len(offsets := np.asarray(c.get_offsets(), float))
        ],
        "images": [_array(np.asarray(image.get_array(), float)) for image in axes.images],
    }


def _bar(patch: Any) -> tuple[float, float, float, float]:
    box = patch.get_path().get_extents(patch.get_patch_transform())
    return box.x0, box.y0, box.width, box.height


def _array(values: np.ndarray) -> dict[str, Any]:
    """An array as JSON: whole when small; else its shape, spread and the means of 12x12 blocks."""
    summary: dict[str, Any] = {"shape": list(values.shape)}
    if values.size <= WHOLE:
        kept = values
    else:
        rows = np.array_split(values, min(12, values.shape[0]), axis=0)
        blocks = [
            [
                block.mean(axis=(0, 1))
                for block in np.array_split(row, min(12, row.shape[1]), axis=1)
            ]
            for row in rows
        ]
        kept = np.asarray(blocks, float)
        summary["spread"] = _round(float(np.nanstd(values)))
    summary["values"] = [_round(float(v)) for v in kept.ravel()]
    return summary


def _round(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.6g}")


def _compare(
    stored: list[dict[str, Any]], drawn: list[dict[str, Any]], rtol: float, atol: float
) -> None:
    assert len(stored) == len(drawn), f"{len(drawn)} axes drawn, {len(stored)} in the reference"
    for number, (old, new) in enumerate(zip(stored, drawn, strict=True)):
        assert old["words"] == new["words"], f"axes {number}: {new['words']} is not {old['words']}"
        for kind in ("lines", "bars", "points", "images"):
            assert len(old[kind]) == len(new[kind]), f"axes {number}: {len(new[kind])} {kind}"
            for a, b in zip(old[kind], new[kind], strict=True):
                assert a["shape"] == b["shape"], f"axes {number}, {kind}: shape {b['shape']}"
                x, y = _numbers(a), _numbers(b)
                limit = atol + rtol * max(1e-300, float(np.nanmax(np.abs(x), initial=0.0)))
                np.testing.assert_allclose(
                    y, x, rtol=0, atol=limit, err_msg=f"axes {number}, {kind} differ"
                )


def _numbers(entry: dict[str, Any]) -> np.ndarray:
    values = [*entry["values"], *([entry["spread"]] if "spread" in entry else [])]
    return np.array([np.nan if v is None else v for v in values], float)


def _digest(axes: dict[str, Any]) -> str:
    """One line: the title, and kind and shape of each artist; `check` compares the numbers."""
    parts = [repr(axes["words"]["title"])] if axes["words"]["title"] else []
    for kind in ("lines", "bars", "points", "images"):
        for entry in axes[kind]:
            shape = "x".join(map(str, entry["shape"]))
            parts.append(f"{kind[:-1]} {shape}")
    return ", ".join(parts) or "empty"
