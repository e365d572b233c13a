"""From arrays to pictures: sheets of frames with maps over them, and nothing that computes.

One look everywhere. Maps are drawn in inferno, whose brightness rises evenly, so that they survive
colour blindness and grey print; the thin white line is the true silhouette of what is visible of
the person, where the data know it. A caption says data, scenario, profile and record.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from reidlib.seeing.cam import enlarged
from reidlib.seeing.figures import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRENGTH = (0.40, 0.72)  # of the map against the frame, where it is lowest and highest
FRAME = 0.72  # inches, width of a frame
BREAK = 0.24  # inches, between groups of rows that have headings


@dataclass(frozen=True)
class Cell:
    """One frame of a sheet: (H, W, 3) in 0..1, what is outlined on it, what stands under it."""

    image: np.ndarray
    outline: np.ndarray | None = None  # (H, W) bool
    text: str = ""
    border: str = ""  # a colour
    boxes: tuple[tuple[float, float, float, float, str], ...] = ()  # left, top, right, bottom, hue


def picture(frame: Tensor) -> np.ndarray:
    """uint8 (3, H, W) -> (H, W, 3) in 0..1."""
    found: np.ndarray = frame.permute(1, 2, 0).numpy() / 255
    return found


def lit(frame: Tensor, one: Tensor) -> np.ndarray:
    """A frame, uint8 (3, H, W), under a map (h, w) in 0..1, enlarged bilinearly: (H, W, 3).

    A map that is not finite is drawn as it is: the frame in grey.
    """
    from matplotlib import colormaps

    image = picture(frame)
    if not one.isfinite().all():
        grey: np.ndarray = image.mean(2, keepdims=True).repeat(3, 2)
        return grey
    height, width = frame.shape[-2:]
    big = enlarged(one[None, None], (height, width))[0, 0].clamp(0, 1).numpy()
    colour = colormaps["inferno"](big)[..., :3]
    weight = STRENGTH[0] + (STRENGTH[1] - STRENGTH[0]) * big[..., None]
    blended: np.ndarray = (1 - weight) * image + weight * colour
    return blended


def sheet(
    rows: Sequence[Sequence[Cell | None]],
    *,
    names: Sequence[str] = (),
    heads: Sequence[str] = (),
    title: str = "",
    caption: str = "",
    gaps: Sequence[int] = (),
    groups: Mapping[int, Sequence[str]] | None = None,
) -> Figure:
    """Rows of frames, all of one size. names stand left of the rows, heads above the columns.

    gaps: columns after which a little room is left (where another person begins).
    groups: rows above which room is left, and what stands there above the columns.
    """
    import matplotlib.pyplot as plt

    style()
    columns = max(len(row) for row in rows)
    some = next(cell for row in rows for cell in row if cell is not None).image
    height = FRAME * some.shape[0] / some.shape[1]
    under = 0.14 if any(cell is not None and cell.text for row in rows for cell in row) else 0.03
    above = {0: heads, **(groups or {})}
    places = [j + sum(gap < j for gap in gaps) for j in range(columns)]  # gaps are columns too
    lines = [i + sum(0 < first <= i for first in above) for i in range(len(rows))]  # and rows
    widths = [FRAME if j in places else 0.12 * FRAME for j in range(places[-1] + 1)]
    breaks = iter([BREAK if above[first] else BREAK / 5 for first in sorted(above) if first])
    heights = [height if i in lines else next(breaks) for i in range(lines[-1] + 1)]
    size = 1.05 * sum(widths), sum(heights) + under * len(heights)
    figure = plt.figure(figsize=size, layout="none")
    grid = figure.add_gridspec(
        len(heights), len(widths), width_ratios=widths, height_ratios=heights,
        left=0, right=1, bottom=0, top=1,
        wspace=0.05, hspace=under * len(heights) / sum(heights),
    )  # fmt: skip
    for i, cells in enumerate(rows):
        for j, cell in enumerate(cells):
            if cell is None:
                continue
            axes = figure.add_subplot(grid[lines[i], places[j]])
            show(axes, cell)
            if j == 0 and i < len(names):
                name = "\n".join(textwrap.wrap(names[i], 18))
                axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
            if j < len(above.get(i, ())):
                axes.set_title(above[i][j], fontsize=7)
    tell(figure, title, caption, above=0.28 if heads else 0.1)
    return figure


def show(axes: Axes, cell: Cell) -> None:
    """One cell: frame, silhouette, boxes, border, words."""
    from matplotlib.patches import Rectangle

    axes.imshow(cell.image)
    axes.set_anchor("W")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=bool(cell.border), color=cell.border or "none", linewidth=2.5)
    if cell.outline is not None and cell.outline.any() and not cell.outline.all():
        axes.contour(cell.outline, levels=[0.5], colors="white", linewidths=0.7)
    for left, top, right, bottom, colour in cell.boxes:
        box = (left - 0.5, top - 0.5), right - left, bottom - top
        axes.add_patch(Rectangle(*box, fill=False, edgecolor=colour, linewidth=1.2))
    if cell.text:
        axes.set_xlabel(cell.text, fontsize=6.5, labelpad=1.5)


def tell(figure: Figure, title: str, caption: str, above: float = 0.28) -> None:
    """Title above, caption below, wrapped to the figure's width, whatever is in between.

    above: inches from the axes to the title; headings of columns need the room.
    A figure without a layout engine keeps its layout: matplotlib would else, at the second saving,
    take "none" for "as the defaults say" and move everything.
    """
    if figure.get_layout_engine() is None:
        from matplotlib.layout_engine import PlaceHolderLayoutEngine

        figure.set_layout_engine(PlaceHolderLayoutEngine(True, True))
    width = figure.get_figwidth()
    inch = 1 / figure.get_figheight()
    if title:
        figure.text(0, 1 + above * inch, title, fontsize=10, weight="bold", va="bottom")
    if caption:
        letters = int(max(width, 5) * 17)
        wrap = textwrap.TextWrapper(letters, break_on_hyphens=False)  # names of runs stay whole
        lines = [line for part in caption.split("\n") for line in wrap.wrap(part)]
        figure.text(0, -0.22 * inch, "\n".join(lines), fontsize=7, va="top", color="0.25")


# name -> (x, y, half widths of intervals; NaN for none)
Lines = dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]]


def curves(
    panels: Sequence[tuple[str, str, Lines]],
    *,
    title: str = "",
    caption: str = "",
    y: str = "",
) -> Figure:
    """Line plots side by side, with error bars: (heading, x label, lines) each.

    Where x grows eightfold or more it is drawn in doublings.
    """
    import matplotlib.pyplot as plt

    style()
    figure, grid = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 2.5), squeeze=False)
    for axes, (heading, x, lines) in zip(grid[0], panels, strict=True):
        for (name, (at, values, halves)), mark in zip(lines.items(), "osD^v<>"):
            (line,) = axes.plot(at, values, marker=mark, label=name)
            bars = np.nan_to_num(np.asarray(halves, float))
            if bars.any():
                hue = line.get_color()
                axes.errorbar(at, values, bars, fmt="none", ecolor=hue, capsize=3, linewidth=1)
        ticks = sorted({v for at, *_ in lines.values() for v in at})
        if ticks and ticks[0] > 0 and ticks[-1] / ticks[0] >= 8:
            axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [f"{v:g}" for v in ticks])
        axes.set(title=heading, xlabel=x, ylabel=y)
    if any(len(lines) > 1 for _, _, lines in panels):
        grid[0, -1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    tell(figure, title, caption, above=0.05)
    return figure


def scatter(
    panels: Sequence[tuple[str, np.ndarray, Sequence[int]]],
    *,
    whole: Sequence[bool] = (),
    title: str = "",
    caption: str = "",
) -> Figure:
    """Points (n, 2) by label, side by side: (heading, points, labels) each; marks differ too.

    whole: which points are large and ringed, the others being their pieces; () for no pieces.
    """
    import matplotlib.pyplot as plt

    style()
    figure, grid = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.4), squeeze=False)
    for axes, (heading, points, labels) in zip(grid[0], panels, strict=True):
        large = np.asarray(whole, bool) if len(whole) else np.zeros(len(points), bool)
        for n, label in enumerate(sorted(set(labels))):
            own = np.asarray(labels) == label
            how: dict[str, Any] = {"color": COLOURS[n % 7], "marker": "osD^v<>"[n % 7]}
            axes.scatter(*points[own & ~large].T, s=14, label=f"id {label}", **how)
            if large.any():
                how |= {"edgecolors": "black", "linewidths": 0.9, "zorder": 3}
                axes.scatter(*points[own & large].T, s=52, **how)
        axes.set_title(heading, fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
    grid[0, -1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    tell(figure, title, caption, above=0.05)
    return figure


def weights_over_time(
    weights: np.ndarray,
    covered: np.ndarray,
    colours: Sequence[str],
    *,
    foreign: np.ndarray | None = None,
    axes: Axes,
) -> None:
    """Clip weights as points in their colours, with the covered share as a band from below."""
    clips = np.arange(1, len(weights) + 1)
    if np.isfinite(covered).any():
        share = axes.twinx()
        share.fill_between(clips, 0, covered, step="mid", color="0.85", linewidth=0)
        share.set(ylim=(0, 1), ylabel="covered share (grey)")
        share.set_zorder(0)
    axes.set_zorder(1)
    axes.patch.set_visible(False)
    axes.plot(clips, weights, color="0.4", linewidth=0.8)
    axes.scatter(clips, weights, c=list(colours), s=18, zorder=3)
    if foreign is not None and np.nan_to_num(foreign).any():
        bad = np.nan_to_num(foreign) > 0
        axes.scatter(clips[bad], weights[bad], marker="x", color="black", s=30, zorder=4,
                     label="somebody else in the clip")  # fmt: skip
        axes.legend(fontsize=7)
    axes.set(xlabel="clip", ylabel="weight w")


def levels(axes: Axes, values: Sequence[float], what: str, hue: str, style: str = "--") -> None:
    """Level lines, each with its number; where they would squeeze what is drawn, words instead.

    Squeeze: a level lies further off than the drawn range is high. what: whose levels they are.
    """
    low, high = axes.get_ylim()
    near = [v for v in values if low - (high - low) <= v <= high + (high - low)]
    for value in near:
        axes.axhline(value, color=hue, linewidth=0.8, linestyle=style)
        axes.annotate(f"{what} {value:.4f}", (1, value), xycoords=("axes fraction", "data"),
                      xytext=(-3, 1.5), textcoords="offset points", ha="right", fontsize=6.5,
                      color=hue)  # fmt: skip
    if near:
        room = 0.05 * (high - low)
        axes.set_ylim(min(low, min(near) - room), max(high, max(near) + room))
    for side, arrow, place in (("above", "\u2191", 0.97), ("below", "\u2193", 0.03)):
        off = [v for v in values if v not in near and (v > high) == (side == "above")]
        if off:
            told = " and ".join(f"{v:.4f}" for v in off)
            lie = "lie" if len(off) > 1 else "lies"
            axes.annotate(f"{arrow} {what} {told} {lie} {side} this range", (0.01, place),
                          xycoords="axes fraction", va="top" if side == "above" else "bottom",
                          fontsize=7, color=hue)  # fmt: skip


def outlines(truth: dict[str, Tensor], m: int, t: int) -> list[list[np.ndarray | None]]:
    """The visible person of every frame, [clip][frame]; None where the data do not know."""
    if "visible" not in truth:
        return [[None] * t for _ in range(m)]
    masks = truth["visible"].reshape(m, t, *truth["visible"].shape[1:])
    return [[mask.numpy() for mask in clip] for clip in masks]
