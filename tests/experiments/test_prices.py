"""Costs are counted as a real pass has them, and times come from records alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from reidlib.build import build
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.prices import Speed, kept_bytes, machines, price, speed
from reidlib.recipes import profile, recipes
from reidlib.recipes.core import plan
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record


def test_times_are_those_of_the_records(tmp_path: Path) -> None:
    none = Evidence(tmp_path / "none")
    assert machines(none) == ""
    assert speed(none, "sinet") is None
    for world, frames in enumerate((500.0, 250.0)):
        fast = {"readings": {"frames_per_second": frames}}
        here = {"machine": {"device": "some processor", "threads": world + 1}}
        write_record(fake_record("sinet", world, {"street": 0.5}, **fast, **here), tmp_path)
    evidence = Evidence(tmp_path)
    assert speed(evidence, "sinet") == Speed(
        2.0, 2, ("2026-01-01",)
    )  # 250 a second: the machine was busy
    assert machines(evidence) == ("some processor, 1 thread a run; some processor, 2 threads a run")


def by_hand(model: nn.Module, clip: tuple[int, ...]) -> float:
    """Real tensors, really kept."""
    kept = {}
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def save(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        model.train()(torch.zeros(2, *clip))
    stores = {where: t.untyped_storage().nbytes() for where, t in kept.items() if where not in own}
    return sum(stores.values()) / 2


@pytest.mark.parametrize("name", ["rgsa_rgtr", "sinet"])
def test_kept_bytes_are_those_of_a_real_pass(name: str) -> None:
    how, size = recipes()[name], profile("smoke")
    numbers = plan(how, size)
    model = build(how, size, num_classes=3, pretrained=False).model.eval()
    clip = (numbers.frames, 3, *numbers.size)
    assert kept_bytes(model, clip) == by_hand(model, clip)
    assert kept_bytes(model.eval(), clip) > 1e6
    assert not any(part.training for part in model.modules())


def test_a_line_keeps_its_input() -> None:
    """A matrix product keeps what it was given, for its weight's gradient: 2 x 5 numbers."""
    assert kept_bytes(nn.Linear(5, 3), (5,)) == 5 * 4


@pytest.mark.slow
def test_prices_are_of_one_frame() -> None:
    one, base = price("trsa", "smoke"), price("baseline", "smoke")
    assert one.name == "TRSA"
    assert one.multiply_adds == pytest.approx(base.multiply_adds, rel=0.01)
    assert one.kept == pytest.approx(base.kept, rel=0.01)
    assert price("sinet", "smoke").parameters > base.parameters
