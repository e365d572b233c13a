"""Initial weights from (seed, module name): two models share the start of what they share."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def number(*keys: object) -> int:
    """A 63-bit number from any keys: the same in every process, unlike Python's own hash."""
    digest = hashlib.blake2b("\x1f".join(map(str, keys)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def initialise(model: nn.Module, seed: int) -> nn.Module:
    """Draw every parameter anew, module by module, each from its own (seed, name).

    Children first, then the module that holds them: a paper's block states its own rule by a
    `reset_parameters` that overwrites what its layers drew. A layer's numbers thus depend on its
    name and shape alone, not on what else the model contains. A module that owns parameters and
    has no such rule is refused: its numbers would come from the process's global state.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for name, module in _children_first(model):
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                torch.default_generator.manual_seed(number(seed, name))
                reset()
            elif next(module.parameters(recurse=False), None) is not None:
                raise TypeError(f"{type(module).__name__} at {name!r} has no reset_parameters")
    return model


def _children_first(module: nn.Module, name: str = "") -> list[tuple[str, nn.Module]]:
    found: list[tuple[str, nn.Module]] = []
    for child_name, child in module.named_children():
        found += _children_first(child, f"{name}.{child_name}" if name else child_name)
    return [*found, (name, module)]
