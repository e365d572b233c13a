"""A paper's architecture, drawn from the model itself: what runs, in which order, on which shapes.

One forward pass is traced, so the picture cannot disagree with the code. Blocks of the backbone and
what is plugged between them are boxes, the paper's own modules are opened one level deep, plain
layers stay inside. What has no module (TRSA's attention is a formula) shows in the maps at the end.
Colours: backbone grey, the paper's own blue, classifiers and projections green. Blocks count from
1, as in the papers and in the names of plug-ins.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reidlib.models.output import Output
from reidlib.seeing.figures import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAIN = "torch.nn"  # modules of this package are layers, not parts of a paper
BOX, WIDTH = 3.1, 6.5  # inches: of a box, and of the picture, whose rest says shapes


@dataclass(frozen=True)
class Step:
    """One module as it ran."""

    name: str  # where it sits in the model: "backbone.layer3", "rgsa.relation"
    kind: str  # its class
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    parameters: int
    depth: int  # 0 for a box, 1 for what it is made of
    group: str  # "backbone", "paper" or "head"


def trace(model: nn.Module, frames: int, size: tuple[int, int]) -> tuple[list[Step], Output]:
    """The steps of one clip's way through the model in evaluation, and what comes out.

    Plug-ins are called by the backbone, so they stand where they act. A module that runs twice
    appears twice; parts inside a part are listed one level deep.
    """
    steps: list[Step] = []
    handles = []
    for name, module in model.named_modules():
        level = _level(model, name, module)
        if level is not None:
            handles.append(module.register_forward_hook(_noted(steps, name, level)))
            handles.append(module.register_forward_pre_hook(_opened(steps, name)))
    places = [(module, module.training) for module in model.modules()]
    parameter = next(model.parameters())
    try:
        model.eval()
        with torch.no_grad():
            output = model(torch.zeros(1, frames, 3, *size, device=parameter.device))
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in places:
            module.training = mode
    return [s for s in steps if s.kind], output


def _level(model: nn.Module, name: str, module: nn.Module) -> int | None:
    """0 for a box of the picture, 1 for a part inside one, None for what is not shown."""
    parts = name.split(".")
    if not name or name in ("backbone", "backbone.plugins"):
        return None
    if parts[0] == "backbone":
        if parts[1] == "plugins":
            inside = len(parts) - 3
            if inside == 0:
                return 0
            return 1 if inside == 1 and not _plain(module) else None
        stem_or_block = len(parts) == 2 or (len(parts) == 3 and parts[1].startswith("layer"))
        return 0 if stem_or_block and parts[1] != "relu" else None
    if len(parts) == 1:
        return None if isinstance(module, nn.Identity | nn.ModuleDict) else 0
    return 1 if len(parts) == 2 and not _plain(module) else None


def _plain(module: nn.Module) -> bool:
    return type(module).__module__.startswith(PLAIN) or isinstance(module, nn.Identity)


def _opened(steps: list[Step], name: str) -> Any:
    """Keeps a place, so that a box stands before what is inside it."""

    def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        steps.append(Step(name, "", (), (), 0, -1, ""))

    return hook


def _noted(steps: list[Step], name: str, level: int) -> Any:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        place = max(i for i, s in enumerate(steps) if s.name == name and not s.kind)
        steps[place] = Step(
            name,
            type(module).__name__,
            _shapes(inputs),
            _shapes(output),
            sum(p.numel() for p in module.parameters()),
            level,
            _group(name),
        )

    return hook


def _group(name: str) -> str:
    if name.startswith("backbone.") and not name.startswith("backbone.plugins."):
        return "backbone"
    heads = ("classifier", "frame_classifier", "branch_classifiers", "region_classifiers")
    return "head" if name.split(".")[0] in (*heads, "projection") else "paper"


def _shapes(value: Any) -> tuple[tuple[int, ...], ...]:
    if isinstance(value, Tensor):
        return (tuple(value.shape),)
    if isinstance(value, dict):
        return ()  # maps, which the picture lists at the end
    if isinstance(value, tuple | list):
        return tuple(shape for item in value for shape in _shapes(item))
    return ()


def merged(steps: list[Step]) -> list[Step]:
    """Blocks of one stage that follow each other as one step: "layer3.0-2"."""
    found: list[Step] = []
    for step in steps:
        before = found[-1] if found else None
        stage = step.name.rsplit(".", 1)[0]
        same = before is not None and before.group == step.group == "backbone"
        if same and before is not None and "layer" in stage and before.name.startswith(stage + "."):
            first = before.name.rsplit(".", 1)[1].split("-")[0]
            number = step.name.rsplit(".", 1)[1]
            found[-1] = Step(
                f"{stage}.{first}-{number}", step.kind, before.inputs, step.outputs,
                before.parameters + step.parameters, 0, "backbone",
            )  # fmt: skip
        else:
            found.append(step)
    return found


def draw_architecture(
    model: nn.Module, frames: int, size: tuple[int, int], *, title: str = "", caption: str = ""
) -> tuple[Figure, dict[str, Any]]:
    """The traced steps as boxes from top to bottom, shapes on the right; and the trace as data."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyBboxPatch

    from reidlib.seeing.drawing import tell
    from reidlib.seeing.figures import style

    style()
    steps, output = trace(model, frames, size)
    steps = merged(steps)
    hues = {"backbone": "0.45", "paper": COLOURS[0], "head": COLOURS[2]}
    high = 0.30
    names = textwrap.wrap(f"maps: {', '.join(_map_names(output)) or 'none'}", 110)
    rows = len(steps) + 1.9 + 0.4 * len(names)
    figure, axes = plt.subplots(figsize=(WIDTH, high * rows), layout="none")
    figure.subplots_adjust(0, 0, 1, 1)
    axes.set(xlim=(0, WIDTH), ylim=(rows, 0))
    axes.set_axis_off()
    axes.text(0.05, 0.5, f"clip 1 x {frames} x 3 x {size[0]} x {size[1]}", fontsize=8, va="center")
    for i, step in enumerate(steps, start=1):
        left = 0.05 + 0.35 * step.depth
        wide = BOX - 0.35 * step.depth
        face = hues[step.group]
        axes.add_patch(
            FancyBboxPatch((left, i + 0.1), wide, 0.8, boxstyle="round,pad=0,rounding_size=0.12",
                           facecolor=face, alpha=0.16 if step.depth else 0.3, edgecolor=face)
        )  # fmt: skip
        name = f"{_called(step)}: {step.kind}"
        axes.text(left + 0.08, i + 0.5, name, fontsize=7.5, va="center")
        axes.text(BOX + 0.15, i + 0.5, _told(step), fontsize=7, va="center", color="0.25")
    end = f"embedding {output.embedding.shape[-1]}; heads {', '.join(output.heads) or 'none'}"
    axes.text(0.05, len(steps) + 1.5, end, fontsize=8, va="center")
    axes.text(0.05, len(steps) + 1.9, "\n".join(names), fontsize=7, va="top")
    tell(figure, title, caption, above=0.05)
    numbers = {
        "steps": [[s.name, s.kind, list(map(list, s.outputs)), s.parameters] for s in steps],
        "embedding": output.embedding.shape[-1],
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    return figure, numbers


def _map_names(output: Output) -> list[str]:
    return [
        f"{name} {'x'.join(map(str, value.shape[1:])) or 1}"
        for name, value in output.maps.items()
        if name != "features"
    ]


def _called(step: Step) -> str:
    """A part by its own name, a block by its number: "layer3, block 1"."""
    parts = step.name.split(".")
    if step.depth:
        return parts[-1]
    if parts[:2] == ["backbone", "plugins"]:
        stage, block = parts[2].rsplit("_", 1)
        return f"after block {block} of {stage}"
    if parts[0] == "backbone" and len(parts) == 3:
        numbers = [int(number) + 1 for number in parts[2].split("-")]
        return f"{parts[1]}, block{'s' * (len(numbers) > 1)} {'-'.join(map(str, numbers))}"
    return step.name.removeprefix("backbone.")


def _told(step: Step) -> str:
    """Input to output, and how many numbers are learned: "4x64x16x8 → 4x128x8x4; 0.22 M"."""
    sides = (step.inputs[:2], step.outputs[:2])
    first, last = (" + ".join("x".join(map(str, shape)) for shape in side) for side in sides)
    count = step.parameters
    size = f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count:,}"
    return f"{first} → {last}" + (f";  {size}" if count else "")
