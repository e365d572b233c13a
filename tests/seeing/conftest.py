"""A few rendered people, and every paper's model at the size of a test, untrained."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import pytest
import torch
from torch import nn

from reidlib.build import build
from reidlib.data import promenade
from reidlib.data.tracklets import TrackletDataset
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import Profile, Recipe
from tests.experiments.fake_records import leave

mpl.use("agg")


class Arm(NamedTuple):
    model: nn.Module
    recipe: Recipe
    profile: Profile


@cache
def arm(name: str) -> Arm:
    """The recipe's model at 64x32 with drawn weights, its running statistics warmed up."""
    chosen, size = recipe(name), profile("smoke")
    model = build(chosen, size, num_classes=6, pretrained=False).model
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        model.train()(torch.randn(4, 4, 3, 64, 32, generator=generator))
    return Arm(model.eval(), chosen, size)


@pytest.fixture(scope="session")
def arms() -> Callable[[str], Arm]:
    return arm


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> TrackletDataset:
    return promenade.load(
        "tiny",
        people={"train": 6, "test": 4, "validation": 2},
        lengths=(4, 6),
        cache=tmp_path_factory.mktemp("frames"),
        progress=False,
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Records of the baseline, two papers and SINet's own base, one to three worlds each."""
    leave(tmp_path / "r", "baseline", 0.5, 0.52, 0.51, clean=[0.8, 0.8, 0.8])
    leave(tmp_path / "r", "sinet", 0.55, 0.575, 0.56, clean=[0.79, 0.81, 0.8])
    leave(tmp_path / "r", "tacan", 0.4)
    leave(tmp_path / "r", "sinet-2/base", 0.5, 0.52, 0.51)
    leave(tmp_path / "r", "sinet-2/sbm", 0.52, 0.545, 0.53)
    return tmp_path / "r"
