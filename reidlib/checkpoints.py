"""What a run leaves on disk, besides its log: `model.safetensors` and `state.pt`.

The first holds the weights to use (averaged, where the profile averages) and, in its header,
everything that builds the model around them. The second holds what training needs to go on.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reidlib.build import build
from reidlib.errors import ReidError
from reidlib.files import whole_file
from reidlib.optimising import Average
from reidlib.recipes.core import Profile, Recipe
from reidlib.recipes.edit import from_dict

MODEL, STATE = "model.safetensors", "state.pt"
SAVE_SECONDS = 60.0  # between two checkpoints


@dataclass(frozen=True)
class About:
    """What stands in the header of a model file."""

    recipe: Recipe
    profile: Profile
    num_classes: int
    seed: int
    data: dict[str, Any]  # name, version, settings of what it was trained on
    start: str  # where the backbone's first weights came from
    sources: dict[str, str]  # file -> hash, of the code that trained it


def save_model(path: Path, model: nn.Module, about: About, *, half: bool = False) -> None:
    """The model's weights and what they are, whole or not at all.

    half: matrices and kernels with 16 bits, half the size; whoever loads them gets 32 again.
    Vectors and a batch norm's statistics stay as they are: they are few, and variances may be too
    large for 16 bits. Raises ReidError where a weight is.
    """
    from safetensors.torch import save

    tensors = {n: t.detach().cpu().contiguous() for n, t in model.state_dict().items()}
    if half:
        large = [n for n, parameter in model.named_parameters() if parameter.ndim > 1]
        tensors |= {name: tensors[name].half() for name in large}
        if wild := [name for name in large if not tensors[name].isfinite().all()]:
            raise ReidError(f"{wild[0]} holds numbers that 16 bits cannot (over 65504, or NaN)")
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, {"reidlib": json.dumps(asdict(about))}))


def export_backbone(run: Path, out: Path) -> int:
    """The backbone of a trained run as a file that others start from; returns its parameters.

    The header says what it was trained on. Plug-ins and heads stay behind.
    """
    from safetensors.torch import save_file

    model, about = load_model(run)
    tensors = {
        name.removeprefix("backbone."): tensor.contiguous()
        for name, tensor in model.state_dict().items()
        if name.startswith("backbone.") and not name.startswith("backbone.plugins.")
    }
    with whole_file(out) as temporary:
        save_file(tensors, temporary, {"reidlib-backbone": json.dumps(asdict(about))})
    return sum(t.numel() for t in tensors.values())


def load_model(path: Path) -> tuple[nn.Module, About]:
    """The model of a run's folder or model file, in evaluation mode on the CPU."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = path / MODEL if path.is_dir() else path
    about = read_about(path)
    model = build(about.recipe, about.profile, about.num_classes, pretrained=False).model
    try:
        load_weights(model, load_file(path), about.recipe, path)
    except SafetensorError as error:
        raise ReidError(f"{path} is damaged ({error}); train it again") from error
    return model.eval(), about


def read_about(path: Path) -> About:
    """What a model file is, from its header alone."""
    from safetensors import SafetensorError, safe_open

    path = path / MODEL if path.is_dir() else path
    if not path.is_file():
        raise ReidError(f"there is no trained model at {path}; train one with `reid train`")
    try:
        with safe_open(path, framework="pt") as file:
            found = json.loads((file.metadata() or {})["reidlib"])
        return About(
            **{
                **found,
                "recipe": from_dict(Recipe, found["recipe"]),
                "profile": from_dict(Profile, found["profile"]),
            }
        )
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ReidError(f"{path} is not a model that `reid train` wrote ({error})") from error


def load_weights(
    model: nn.Module, tensors: Mapping[str, Tensor], recipe: Recipe, source: Path
) -> None:
    """Copy tensors into the model; the first name or shape that does not fit is a ReidError."""
    own = model.state_dict()
    for name in [*own, *tensors]:
        here, there = (
            tuple(table[name].shape) if name in table else None for table in (own, tensors)
        )
        if here != there:
            raise ReidError(
                f"{source} is a checkpoint of another model: {name} is {there or 'missing'} in it "
                f"and {here or 'missing'} in {recipe.model} as recipe {recipe.name} builds it"
            )
    model.load_state_dict(tensors)


class Run:
    """A model in training: the step it has reached, and the file it goes on from."""

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        average: Average,
        about: About,
        folder: Path | None,
    ) -> None:
        self.model, self.optimiser, self.average = model, optimiser, average
        self.about, self.folder = about, folder
        self.step = self.saved = 0
        self.seconds = 0.0  # spent, over all parts of an interrupted run
        self.last = self.counted = time.perf_counter()

    def advance(self) -> None:
        """One step is done."""
        now = time.perf_counter()
        self.step, self.seconds, self.counted = (
            self.step + 1,
            self.seconds + now - self.counted,
            now,
        )

    def due(self, every: int | None) -> bool:
        """Whether to save now: after each `every` steps, or once a minute."""
        if every is not None:
            return self.step % every == 0
        return time.perf_counter() - self.last > SAVE_SECONDS

    def save(self) -> None:
        """Write state.pt, whole or not at all; weights that are lost never replace good ones."""
        if self.folder is None or not self.average.finite():
            return
        state = {
            "about": json.dumps(asdict(self.about)),
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "average": self.average.values,
            "optimiser": self.optimiser.state_dict(),
        }
        with whole_file(self.folder / STATE) as temporary:
            try:
                torch.save(state, temporary)
            except RuntimeError as error:  # torch's own writer, on a full disk
                raise OSError(str(error)) from error
        self.saved, self.last = self.step, time.perf_counter()

    def resume(self) -> None:
        """Go on from state.pt, if there is one and it is of this very run."""
        if self.folder is None:
            return
        for torn in self.folder.glob(f".{STATE}.*"):  # a run was killed while it wrote
            torn.unlink()
        if not (path := self.folder / STATE).exists():
            return
        try:  # only tensors and plain values are read, never code
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            raise ReidError(f"{path} cannot be read ({error}); start anew with --fresh") from error
        theirs, ours = json.loads(state["about"]), json.loads(json.dumps(asdict(self.about)))
        for key in ("recipe", "profile", "num_classes", "seed", "data", "sources"):
            if theirs[key] != ours[key]:
                raise ReidError(
                    f"{self.folder} holds another run ({_differs(key, theirs[key], ours[key])}); "
                    "choose another folder, or start anew with --fresh"
                )
        load_weights(self.model, state["model"], self.about.recipe, path)
        self.optimiser.load_state_dict(state["optimiser"])
        for name, value in state["average"].items():
            self.average.values[name].copy_(value)
        self.step = self.saved = state["step"]
        self.seconds = state["seconds"]


def _differs(key: str, theirs: Any, ours: Any) -> str:
    """The first place where two tables differ: "seed 3, not 4"."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for inner in [*theirs, *ours]:
            if theirs.get(inner) != ours.get(inner):
                return _differs(f"{key}.{inner}", theirs.get(inner), ours.get(inner))
    return f"{key} is {theirs!r} there and {ours!r} here"
