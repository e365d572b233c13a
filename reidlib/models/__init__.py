"""Every model by name, and the one door that builds them."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from reidlib.models.backbone import Backbone

# name -> module and class; looked up when asked for, so that one model imports one paper.
MODELS = {
    "baseline": "reidlib.models.baseline:Baseline",
    "trsa": "reidlib.models.trsa:TRSA",
    "rgsa_rgtr": "reidlib.models.rgsa_rgtr:RGSARGTR",
    "fgra": "reidlib.models.fgra:FGRA",
    "tacan": "reidlib.models.tacan:TACAN",
    "sinet": "reidlib.models.sinet:SINet",
}


def build_model(
    name: str,
    backbone: Backbone,
    num_classes: int,
    *,
    frames: int,
    size: tuple[int, int],
    **options: Any,
) -> nn.Module:
    """The model `name` on a backbone, for clips of `frames` frames of `size` = (height, width).

    options are the model's own keyword arguments. Raises ValueError for a model or an option that
    does not exist, with those that do, and for values that do not fit together.
    """
    if name not in MODELS:
        raise ValueError(f"no model {name!r}; there are {', '.join(MODELS)}")
    module, cls = MODELS[name].split(":")
    make = getattr(import_module(module), cls)
    given = ("backbone", "num_classes", "frames", "size")
    known = [option for option in signature(make).parameters if option not in given]
    for option in options:
        if option not in known:
            raise ValueError(
                f"{name} has no option {option!r}; it has {', '.join(known) or 'none'}"
            )
    model: nn.Module = make(backbone, num_classes, frames=frames, size=size, **options)
    return model
