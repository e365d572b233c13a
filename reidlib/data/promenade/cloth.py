"""What cloth looks like: weaves and creases as entries of the fabric table.

Patterns live in the wearer's own axes (left and along the garment), so that they turn with the
body and are the same from camera to camera.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reidlib.data.promenade.body import Body, Number

Fabric = dict[str, Number]
_NO_DECAL: Fabric = {"decal_half": -9.0, "decal_cut": 1.0}


def _rgb(number: int, colour: Tensor) -> Fabric:
    return dict(zip((f"{name}{number}" for name in ("red", "green", "blue")), colour))


def creases(body: Body, colour: Tensor, deep: float = 0.14) -> Fabric | None:
    """Soft folds: darker where two slanting families of waves meet. None in small frames."""
    if not body.fine:
        return None
    wave = 1.0 / (0.085 * body.unit)
    return {
        **_rgb(2, colour * (1.0 - deep)), **_NO_DECAL,
        "left_u": body.pose.sin, "left_n": -body.pose.cos, "both": 1.0,
        "across1": 0.55, "along1": wave, "phase1": body.person["fabric"],
        "across2": -0.8, "along2": wave * 0.62, "phase2": body.person["phase"],
        "share1": 0.25, "edge1": 2.0, "share2": 0.25, "edge2": 2.0,
    }  # fmt: skip


def pleats(body: Body, colour: Tensor) -> Fabric | None:
    """The folds of a skirt, running down. None in small frames."""
    fabric = creases(body, colour, 0.22)
    if fabric is None:
        return None
    return {**fabric, "first": 0.75, "both": 0.0, "across1": 2.4, "along1": 0.0}


def weave(body: Body) -> Fabric:
    """The pattern of the upper garment; plain ones have creases in large frames."""
    person, unit = body.person, body.unit
    stripes, bars, checks, dots, block = (body.is_("pattern", k) for k in range(1, 6))
    grid = checks + dots
    period = (0.034 + 0.02 * person["fabric"]) * unit  # pixels
    turns = 0.9 + 2.2 * person["fabric"]  # bars across the chest
    tall = 0.30 * unit
    fabric: Fabric = {
        **_rgb(2, person["second_rgb"]), **_NO_DECAL,
        "left_u": body.pose.sin, "left_n": -body.pose.cos,
        "along1": (stripes + grid) / period + block * 0.34 / tall, "phase1": 0.02,
        "share1": 0.25, "edge1": torch.where(block > 0, tall, period),
        "across2": (bars + grid) * turns * 2.0, "phase2": 0.25,
        "share2": 0.25, "edge2": (0.2 * unit / turns).clamp(min=0.5),
        "first": stripes + block + 0.5 * checks, "second": bars + 0.5 * checks, "both": dots,
    }  # fmt: skip
    folds = creases(body, person["upper_rgb"])
    if folds is None:
        return fabric
    plain = body.is_("pattern", 0) > 0
    names = {**fabric, **folds}.keys()
    return {n: torch.where(plain, _tensor(folds, n, unit), _tensor(fabric, n, unit)) for n in names}


def _tensor(fabric: Fabric, name: str, like: Tensor) -> Tensor:
    return torch.zeros_like(like) + fabric.get(name, 0.0)


def only(fabric: Fabric | None, where: Tensor) -> Fabric | None:
    """The weave where the limb is covered, plain skin elsewhere."""
    if fabric is None:
        return None
    mixed = {name: fabric.get(name, 0.0) * where for name in ("first", "second", "both")}
    return {**fabric, **mixed}


def chest(body: Body, half: Tensor) -> Fabric:
    """What is on the front of the upper garment: a logo, buttons, or the shirt below a jacket."""
    person, unit = body.person, body.unit
    open_ = body.is_("upper", 2)
    logo = person["logo"] * body.is_("upper", 0, 3)
    line = body.is_("upper", 1, 4)
    colour = torch.where(open_ > 0, person["second_rgb"], person["upper_rgb"] * 0.55)
    colour = torch.where(logo > 0, person["bag_rgb"] * 0.3 + 0.65, colour)
    # A decal is a sector of the body (facing further forward than decal_0) over a stretch of it.
    return {
        **_rgb(3, colour),
        "decal_u": body.pose.cos, "decal_n": body.pose.sin,
        "decal_0": 0.90 - 0.04 * logo + 0.097 * line, "decal_edge": half * (0.9 + 9.0 * line),
        "decal_at": torch.where(logo > 0, 0.07, 0.20) * unit,
        "decal_half": torch.where(logo > 0, 0.022, (open_ + line) * 3.0 - 1.0) * unit,
        "decal_cut": 1.0,
    }  # fmt: skip
