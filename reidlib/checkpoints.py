"""What a run leaves on disk, besides its log: `model.safetensors` and `state.pt`.

The first holds the weights to use (averaged, where the profile averages) and, in its header,
everything that builds the model around them. The second holds what training needs to go on.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reidlib.build import build
from reidlib.errors import ReidError
from reidlib.files import whole_file
from reidlib.recipes.core import Profile, Recipe
from reidlib.recipes.edit import from_dict

MODEL, STATE = "model.safetensors", "state.pt"


@dataclass(frozen=True)
class About:
    """What stands in the header of a model file."""

    recipe: Recipe
    profile: Profile
    num_classes: int
    seed: int
    data: dict[str, Any]  # name, version, settings of what it was trained on
    start: str  # where the backbone's first weights came from


def save_model(path: Path, model: nn.Module, about: About) -> None:
    """The model's weights and what they are, whole or not at all."""
    from safetensors.torch import save_file

    tensors = {n: t.detach().cpu().contiguous() for n, t in model.state_dict().items()}
    with whole_file(path) as temporary:
        save_file(tensors, temporary, {"reidlib": json.dumps(asdict(about))})


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


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Training state (tensors and plain values by name), whole or not at all."""
    with whole_file(path) as temporary:
        try:
            torch.save(dict(state), temporary)
        except RuntimeError as error:  # torch's own writer, on a full disk
            raise OSError(str(error)) from error


def load_state(path: Path) -> dict[str, Any]:
    """What `save_state` wrote. Only tensors and plain values are read, never code."""
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ReidError(
            f"{path} cannot be read ({error}); start anew with --fresh or another folder"
        ) from error
    return found
