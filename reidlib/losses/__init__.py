"""Every loss by name: functions (features, logits, labels, **options) -> (scalar, readings)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

LOSSES = {
    "cross_entropy": "reidlib.losses.cross_entropy:cross_entropy",
    "batch_hard_triplet": "reidlib.losses.triplet:batch_hard_triplet",
    "focal": "reidlib.losses.focal:focal",
    "adaptive_triplet": "reidlib.losses.adaptive_triplet:adaptive_triplet",
    "center": "reidlib.losses.center:center",
    "minmax": "reidlib.losses.minmax:minmax",
    "mutual_information": "reidlib.losses.mutual_information:mutual_information",
}


def loss_function(name: str) -> Callable[..., tuple]:
    """The loss `name`, imported when asked for."""
    if name not in LOSSES:
        raise ValueError(f"no loss {name!r}; there are {', '.join(LOSSES)}")
    module, function = LOSSES[name].split(":")
    found: Callable[..., tuple] = getattr(import_module(module), function)
    return found
