"""One forward pass of a model, written down: what ran, inside what, on which shapes, from where.

Modules note themselves by hooks. A paper's formulas that are functions note themselves too: those
that are public in the model's own file are wrapped for as long as the pass lasts. Left out is what
is neither part nor formula: what gets or gives no tensor, and what hands its tensor back as it is
(casts). Residual blocks stay closed, and so do layers, unless a part of the paper has several.

Where each tensor comes from is followed through every operation, so arrows are facts, too.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from reidlib.models.output import Output

Shapes = tuple[tuple[int, ...], ...]
PLAIN = "torch.nn"  # modules of this package are layers, not parts of a paper
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)  # what learns in a part
HEADS = ("classifier", "frame_classifier", "branch_classifiers", "region_classifiers", "projection")
EQUATION = re.compile(r"Eq\. \d+(?:(?:, | and |-)\d+)*")


@dataclass(eq=False)
class Step:
    """One module or formula as it ran, with what ran inside."""

    name: str  # where it sits in the model: "backbone.layer3.0", "rgsa.relation"; of a formula its
    kind: str  # class, or "formula", "clip", "output"                            # function's name
    group: str = "paper"  # or "backbone", or "head"
    equation: str = ""  # "Eq. 3-6", where the first line of its docstring says so
    outputs: Shapes = ()
    parameters: int = 0
    sources: set[Step] = field(default_factory=set)  # what its inputs were made of last
    results: set[Step] = field(default_factory=set)  # what its outputs were made of last
    parts: list[Step] = field(default_factory=list)
    merged: list[Step] = field(default_factory=list)  # steps that this one stands for, besides
    times: int = 1
    again: bool = False  # closed, since one like it is open further up

    def everything(self) -> Iterator[Step]:
        """Itself and all that it stands for, in order."""
        yield self
        for step in (*self.merged, *self.parts):
            yield from step.everything()

    def listed(self, depth: int = 0) -> Iterator[tuple[int, Step]]:
        """Itself and what is inside, each with its depth."""
        yield depth, self
        for part in self.parts:
            yield from part.listed(depth + 1)


def trace(model: nn.Module, frames: int, size: tuple[int, int]) -> tuple[Step, Output]:
    """One clip's way through the model in evaluation: a step for the clip, whose parts are all
    that ran and then all that came out; and what came out.

    Plug-ins are called by the backbone, so they stand where they act. What runs twice appears
    twice. Mode and hooks of the model, and the functions of its file, are as before afterwards.
    """
    root = Step("clip", "clip", outputs=((1, frames, 3, *size),))
    notes = _Notes(root)
    modes = [(module, module.training) for module in model.modules()]
    clip = torch.zeros(1, frames, 3, *size, device=next(model.parameters()).device)
    with ExitStack() as stack:
        for module, mode in modes:
            stack.callback(setattr, module, "training", mode)
        for name, module in model.named_modules():
            if _shown(model, name, module):
                for handle in notes.watch(name, module):
                    stack.callback(handle.remove)
        file = sys.modules[type(model).__module__]
        for name, function in formulas(file).items():
            stack.enter_context(patch.object(file, name, notes.formula(function)))
        model.eval()
        stack.enter_context(torch.no_grad())
        with notes.flow:
            notes.flow.mark(clip, {root})
            output: Output = model(clip)
    _leave(root, output, notes.flow)
    _tidy(root)
    return root, output


def formulas(file: Any) -> dict[str, Callable[..., Any]]:
    """The public functions that a module (a file) defines itself."""
    return {
        name: value
        for name, value in vars(file).items()
        if inspect.isfunction(value) and value.__module__ == file.__name__ and name[0] != "_"
    }


def arrows(step: Step) -> list[tuple[int, int]]:
    """From which part to which of a step: -1 is what enters it, their number what leaves it."""
    place = {one: i for i, part in enumerate(step.parts) for one in part.everything()}
    targets = [part.sources for part in step.parts] + [step.results]
    found = {(place.get(one, -1), j) for j, sources in enumerate(targets) for one in sources}
    return sorted((i, j) for i, j in found if i < j)


class _Flow(TorchFunctionMode):
    """Hands on, through every operation of torch, which steps a tensor was made of."""

    def __init__(self) -> None:
        super().__init__()
        self.known: Any = WeakTensorKeyDictionary()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if sources := self.of((args, kwargs)):
            for tensor in tensors(result):
                self.known[tensor] = self.of(tensor) | sources
        return result

    def of(self, value: Any) -> set[Step]:
        found: set[Step] = set()
        for tensor in tensors(value):
            found |= self.known.get(tensor, set())
        return found

    def mark(self, value: Any, sources: set[Step]) -> None:
        for tensor in tensors(value):
            self.known[tensor] = sources


class _Notes:
    """The steps that are open, innermost last."""

    def __init__(self, root: Step) -> None:
        self.open = [root]
        self.flow = _Flow()

    def enter(self, step: Step, inputs: Any) -> Step:
        step.sources = self.flow.of(inputs)
        self.open[-1].parts.append(step)
        self.open.append(step)
        return step

    def leave(self, value: Any) -> None:
        step = self.open.pop()
        step.outputs = shapes(value)
        step.results = self.flow.of(_without_maps(value))
        self.flow.mark(value, {step})

    def watch(self, name: str, module: nn.Module) -> tuple[Any, Any]:
        """Hooks that note each call of a module."""

        def before(module: nn.Module, inputs: Any, named: Any) -> None:
            count = sum(p.numel() for p in module.parameters())
            kind = type(module)
            step = Step(name, kind.__name__, _group(name), _equation(kind), parameters=count)
            self.enter(step, (inputs, named))

        def after(module: nn.Module, inputs: Any, value: Any) -> None:
            self.leave(value)

        return (
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after),
        )

    def formula(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, noting each of its calls that makes a tensor of tensors."""

        def noted(*args: Any, **named: Any) -> Any:
            given = list(tensors((args, named)))
            step = Step(function.__name__, "formula", equation=_equation(function))
            self.enter(step, given)
            value = function(*args, **named)
            made = list(tensors(value))
            if given and made and not any(a is b for a in given for b in made):
                self.leave(value)
            else:
                self.open.pop()
                self.open[-1].parts[-1:] = step.parts
            return value

        return noted


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a value, however deep."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))
    elif isinstance(value, tuple | list | set):
        for item in value:
            yield from tensors(item)


def shapes(value: Any) -> Shapes:
    """Of what a step gives."""
    return tuple(tuple(tensor.shape) for tensor in tensors(_without_maps(value)))


def _without_maps(value: Any) -> Any:
    """Maps by name go to the output, there to be looked at; no step works with them."""
    if isinstance(value, tuple | list):
        return [one for one in value if not isinstance(one, dict)]
    return value


def _equation(thing: Any) -> str:
    first = (thing.__doc__ or "").strip().split("\n")[0]
    found = EQUATION.search(first)
    return found.group() if found else ""


def _shown(model: nn.Module, name: str, module: nn.Module) -> bool:
    """Whether a module is a step. In the backbone: its stem and blocks, and all plug-ins."""
    parts = name.split(".")
    if not name or isinstance(module, nn.Identity | nn.ModuleDict):
        return False
    if parts[0] == "backbone" and parts[1:2] != ["plugins"]:
        stem = len(parts) == 2 and not parts[-1].startswith("layer")
        return len(parts) == 1 or stem or (len(parts) == 3 and parts[1].startswith("layer"))
    inside = len(parts) - (3 if parts[0] == "backbone" else 1)
    if inside == 0:
        return True
    if isinstance(module, LAYERS):
        parent = model.get_submodule(name.rpartition(".")[0])
        return inside == 1 and sum(isinstance(m, LAYERS) for m in parent.children()) > 1
    return inside <= 2 and not type(module).__module__.startswith(PLAIN)


def _group(name: str) -> str:
    if name.split(".")[0] == "backbone" and not name.startswith("backbone.plugins."):
        return "backbone"
    return "head" if name.split(".")[0] in HEADS else "paper"


def _leave(root: Step, output: Output, flow: _Flow) -> None:
    """Embedding, heads and penalties as the last parts of the clip's step."""

    def out(name: str, made: Tensor) -> None:
        outputs = (tuple(made.shape),) if made.dim() else ()
        root.parts.append(Step(name, "output", "output", "", outputs, sources=flow.of(made)))

    out("embedding", output.embedding)
    for name, (features, logits) in output.heads.items():
        out(f"head {name}", features if logits is None else logits)
    for name, penalty in output.penalties.items():
        out(f"penalty {name}", penalty)


def _tidy(root: Step) -> None:
    """What follows each other and is the same becomes one; what is open above is closed below."""
    for _, step in list(root.listed()):
        kept: list[Step] = []
        for part in step.parts:
            if not (kept and _joined(kept[-1], part)):
                kept.append(part)
        step.parts = kept
    seen: set[tuple[Any, ...]] = set()
    for _, step in list(root.listed()):
        if step.parts and step.kind not in ("clip", "formula"):
            like = (step.kind, *(part.name.rpartition(".")[2] for part in step.parts))
            if like in seen:
                step.parts, step.again = [], True
            seen.add(like)


def _joined(last: Step, step: Step) -> bool:
    """Whether `last` now stands for `step` too: layers of the stem, blocks of one stage, one
    formula twice in a row, penalties of one source."""
    if last.group == step.group == "backbone":
        stem = [one.name.count(".") == 1 for one in (last, step)]
        stage = step.name.rpartition(".")[0]
        if all(stem):
            first = last.kind if last.merged else last.name.rpartition(".")[2]
            last.name = "backbone.stem"
            last.kind = f"{first}, {step.name.rpartition('.')[2]}"
        elif any(stem) or last.name.rpartition(".")[0] != stage:
            return False
        else:
            first = last.name.rpartition(".")[2].split("-")[0]
            last.name = f"{stage}.{first}-{step.name.rpartition('.')[2]}"
    elif last.kind == step.kind == "formula" and last.name == step.name:
        last.times += 1
    elif last.name.startswith("penalt") and step.name.startswith("penalty"):
        if last.sources != step.sources:
            return False
        names = last.name.partition(" ")[2]
        last.name = f"penalties {names}, {step.name.partition(' ')[2]}"
    else:
        return False
    last.merged.append(step)
    last.outputs = step.outputs
    last.parameters += step.parameters if last.group == "backbone" else 0
    return True
