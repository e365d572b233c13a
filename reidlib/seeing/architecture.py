"""A paper's architecture, drawn from the model itself: what runs, in which order, on which shapes.

One forward pass is traced (`tracing`), so the picture cannot disagree with the code: a part is a
box with what it is made of inside, a formula that is a function is a dashed one, and an arrow says
whose output went into what. Arrows between neighbours are straight, the others run on the left.
Blocks count from 1, as in the papers and in the names of plug-ins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from reidlib.models.output import Output
from reidlib.seeing.figures import COLOURS
from reidlib.seeing.tracing import Step, arrows, trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: of the picture; where the boxes end, what comes out stands, and parameters end.
WIDTH, BOXES, OUTPUT, LEARNED = 6.9, 4.15, 4.35, 6.85
ROW, GAP, PAD, LANE, TOP = 0.2, 0.115, 0.09, 0.11, 0.26
HUES = {"backbone": "0.45", "paper": COLOURS[0], "head": COLOURS[2], "output": "0.1"}
INK = "0.25"  # of arrows
SAID = 2  # shapes of one step; more are counted


@dataclass(frozen=True)
class Box:
    """Where a step stands: left, right, top, bottom in inches from the upper left corner."""

    step: Step
    left: float
    right: float
    top: float
    bottom: float
    inner: tuple[Box, ...] = ()
    lanes: tuple[tuple[int, tuple[int, ...], float], ...] = ()  # from, to, x of the line

    @property
    def middle(self) -> float:
        """Of its first line, where long arrows end."""
        return self.top + ROW / 2


def place(step: Step, left: float, right: float, top: float) -> Box:
    """A step's box, as high as what is in it."""
    if not step.parts:
        return Box(step, left, right, top, top + ROW)
    found = lanes(arrows(step), len(step.parts))
    room = PAD + LANE * (1 + max((lane for *_, lane in found), default=-1)) + LANE * bool(found)
    inner, y = [], top + ROW + GAP
    for part in step.parts:
        inner.append(place(part, left + room, right - PAD, y))
        y = inner[-1].bottom + GAP
    lines = tuple((i, to, left + room - LANE * (lane + 1.3)) for i, to, lane in found)
    return Box(step, left, right, top, y, tuple(inner), lines)


def lanes(flow: Sequence[tuple[int, int]], count: int) -> list[tuple[int, tuple[int, ...], int]]:
    """Arrows that pass a neighbour: (from, to all of these, lane), lane 0 next to the boxes.

    Two lines share a lane only if one ends above the box where the other begins; short ones come
    first. `count` parts; what enters is -1, what leaves is `count`.
    """
    far: dict[int, list[int]] = {}
    for i, j in flow:
        if j > i + 1:
            far.setdefault(i, []).append(j)
    taken: list[list[tuple[int, int]]] = []
    found = []
    for i in sorted(far, key=lambda i: (max(far[i]) - i, i)):
        last = max(far[i])
        free = (n for n, lane in enumerate(taken) if all(last < a or b < i for a, b in lane))
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((i, last))
        found.append((i, tuple(sorted(far[i])), lane))
    return found


def draw_architecture(
    model: nn.Module, frames: int, size: tuple[int, int], *, title: str = "", caption: str = ""
) -> tuple[Figure, dict[str, Any]]:
    """The traced steps as boxes from top to bottom, what comes out of each on the right; and the
    trace as data."""
    import matplotlib.pyplot as plt

    from reidlib.seeing.drawing import tell
    from reidlib.seeing.figures import style

    style()
    root, output = trace(model, frames, size)
    whole = place(root, 0.02, BOXES + PAD, TOP)
    high = whole.bottom + 0.28
    figure, axes = plt.subplots(figsize=(WIDTH, high), layout="none")
    figure.subplots_adjust(0, 0, 1, 1)
    axes.set(xlim=(0, WIDTH), ylim=(high, 0))
    axes.set_axis_off()
    for x, words, side in ((OUTPUT, "what comes out", "left"), (LEARNED, "parameters", "right")):
        axes.text(x, TOP - 0.16, words, fontsize=7, va="center", ha=side, style="italic")
    _draw(axes, whole)
    _key(axes, whole.bottom + 0.05)
    maps = f"Maps for figures: {', '.join(_map_names(output)) or 'none'}."
    tell(figure, title, "\n".join(part for part in (caption, maps) if part), above=0.05)
    steps = [step for _, step in root.listed() if step.group != "output" and step is not root]
    numbers = {
        "steps": [[s.name, s.kind, list(map(list, s.outputs)), s.parameters] for s in steps],
        "arrows": [arrow for _, step in root.listed() for arrow in _named(step)],
        "embedding": output.embedding.shape[-1],
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    return figure, numbers


def _named(step: Step) -> list[list[str]]:
    """The arrows inside a step by the names of their ends."""
    start = step.name if step.kind == "clip" else f"into {step.name}"
    names = [*(part.name for part in step.parts), f"out of {step.name}", start]
    return [[names[i], names[j]] for i, j in arrows(step)] if step.parts else []


def _draw(axes: Axes, box: Box) -> None:
    """A box, its words, and what is in it."""
    from matplotlib.patches import FancyBboxPatch

    step, clip = box.step, box.step.kind == "clip"
    hue, formula, out = HUES[step.group], step.kind == "formula", step.kind == "output"
    round_ = 0.1 if formula or out or clip else 0.025
    face = "white" if formula or out or clip else hue
    bottom = box.top + ROW if clip else box.bottom
    left = box.inner[0].left if clip else box.left
    right = box.inner[0].right if clip else box.right
    shape = f"round,pad=0,rounding_size={round_}"
    where = (left, box.top), right - left, bottom - box.top
    if face != "white":
        strength = 0.07 if box.inner else 0.22
        axes.add_patch(FancyBboxPatch(*where, boxstyle=shape, facecolor=hue, alpha=strength,
                                      edgecolor="none"))  # fmt: skip
    axes.add_patch(
        FancyBboxPatch(*where, boxstyle=shape, fill=face == "white" and not box.inner,
                       facecolor="white", edgecolor="0.1" if clip else hue,
                       linewidth=1.1 if out or clip else 0.8,
                       linestyle=(0, (3, 1.5)) if formula else "-")
    )  # fmt: skip
    axes.text(left + 0.07, box.middle, _called(step), fontsize=7, va="center")
    axes.text(right - 0.06, box.middle, step.equation, fontsize=6.2, va="center", ha="right",
              color="0.3")  # fmt: skip
    axes.text(OUTPUT, box.middle, _shapes(step), fontsize=6.5, va="center", color="0.2")
    axes.text(LEARNED, box.middle, _learned(step), fontsize=6.5, va="center", ha="right",
              color="0.2")  # fmt: skip
    for part in box.inner:
        _draw(axes, part)
    if box.inner:
        _draw_arrows(axes, box)


def _draw_arrows(axes: Axes, box: Box) -> None:
    """Inside a box: straight ones between neighbours, the others along their lane."""
    inner, last = box.inner, len(box.inner)
    centre = (inner[0].left + inner[0].right) / 2
    clip = box.step.kind == "clip"
    for i, j in arrows(box.step):
        if j == i + 1:
            start = inner[i].bottom if i >= 0 else box.top + ROW
            _arrow(axes, centre, start, centre, inner[j].top if j < last else box.bottom)
    for i, targets, x in box.lanes:
        end = box.bottom if targets[-1] == last else inner[targets[-1]].middle
        if i >= 0:
            begin, start = inner[i].left, inner[i].top + ROW - 0.05
        else:  # what enters a part goes straight down from its first line
            begin, start = (inner[0].left, box.middle) if clip else (x, box.top + ROW)
        axes.plot([begin, x, x], [start, start, end], color=INK, linewidth=0.8,
                  solid_joinstyle="round", zorder=3)  # fmt: skip
        for j in targets:
            if j == last:
                _arrow(axes, x, box.bottom - 0.1, x, box.bottom)
            else:
                _arrow(axes, x, inner[j].middle, inner[j].left, inner[j].middle)


def _arrow(axes: Axes, x: float, y: float, to_x: float, to_y: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    axes.add_patch(
        FancyArrowPatch((x, y), (to_x, to_y), arrowstyle="-|>", mutation_scale=6, linewidth=0.8,
                        color=INK, shrinkA=0, shrinkB=0, zorder=3)
    )  # fmt: skip


def _key(axes: Axes, y: float) -> None:
    """What colours and lines mean."""
    from matplotlib.patches import FancyBboxPatch

    told = (("backbone", "backbone"), ("paper", "the paper's own part"), ("", "a formula"),
            ("head", "for training only"))  # fmt: skip
    for n, (group, words) in enumerate(told):
        x, hue = 0.1 + 1.5 * n, HUES[group or "paper"]
        axes.add_patch(
            FancyBboxPatch((x, y + 0.03), 0.2, 0.12, edgecolor=hue, linewidth=0.8,
                           boxstyle=f"round,pad=0,rounding_size={0.025 if group else 0.06}",
                           facecolor=(hue if group else "white"), alpha=0.5 if group else 1,
                           linestyle="-" if group else (0, (3, 1.5)))
        )  # fmt: skip
        axes.text(x + 0.27, y + 0.09, words, fontsize=6.5, va="center")


def _map_names(output: Output) -> list[str]:
    return [
        f"{name} {'×'.join(map(str, value.shape[1:])) or 1}"
        for name, value in output.maps.items()
        if name != "features"
    ]


def _called(step: Step) -> str:
    """A part by its own name, a block by its number: "layer3, block 1: BasicBlock"."""
    parts = step.name.split(".")
    if step.kind in ("clip", "output"):
        return step.name
    if step.kind == "formula":
        return step.name + (f", {step.times} times" if step.times > 1 else "")
    name = parts[-1]
    if parts[:2] == ["backbone", "plugins"] and len(parts) == 3:
        stage, block = parts[2].rsplit("_", 1)
        name = f"after block {block} of {stage}"
    elif parts[0] == "backbone" and len(parts) == 3:
        numbers = [int(number) + 1 for number in parts[2].split("-")]
        name = f"{parts[1]}, block{'s' * (len(numbers) > 1)} {'-'.join(map(str, numbers))}"
    return f"{name}: {step.kind}" + (", as above" if step.again else "")


def _shapes(step: Step) -> str:
    """ "1×4×128×8×4", of several the first ones."""
    told = ["×".join(map(str, shape)) for shape in step.outputs]
    if step.kind == "output" and not told:
        return "a number each" if "," in step.name else "a number"
    more = len(told) - SAID
    return " + ".join(told[:SAID]) + (f" + {more} more" if more > 0 else "")


def _learned(step: Step) -> str:
    """How many numbers a part learns: "0.22 M"; nothing where there are none."""
    count = step.parameters
    return (f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count:,}") if count else ""
