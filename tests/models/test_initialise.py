import pytest
import torch
from torch import nn

from reidlib.models.backbone import small
from reidlib.models.baseline import Baseline
from reidlib.models.initialise import initialise, number


def baseline(classes=10, **options):
    return Baseline(small(), classes, frames=4, size=(64, 32), **options)


def test_the_seed_decides_and_nothing_else():
    torch.manual_seed(1)
    first = initialise(baseline(), 5).state_dict()
    torch.manual_seed(2)
    second = initialise(baseline(), 5).state_dict()
    other = initialise(baseline(), 6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["backbone.conv1.weight"], other["backbone.conv1.weight"])


def test_global_randomness_is_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    model = baseline()
    torch.manual_seed(1)
    initialise(model, 5)
    assert torch.equal(torch.rand(3), expected)


def test_two_models_share_the_start_of_what_they_share():
    plain = initialise(baseline(), 5).state_dict()
    richer = baseline(frame_classifier=True)
    richer.backbone.plug("layer2", 1, nn.Conv3d(32, 32, 1))
    richer = initialise(richer, 5).state_dict()
    assert set(plain) < set(richer)
    assert all(torch.equal(plain[name], richer[name]) for name in plain)


def test_layers_of_one_shape_differ():
    state = initialise(baseline(), 5).state_dict()
    second, third = (state[f"backbone.layer3.{i}.conv1.weight"] for i in (1, 2))
    assert second.shape == third.shape
    assert not torch.equal(second, third)


class Block(nn.Module):
    """A rule of its own over what its layer drew."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.gate = nn.Parameter(torch.empty(3))

    def reset_parameters(self):
        nn.init.zeros_(self.layer.weight)
        nn.init.normal_(self.gate)


def test_a_block_overwrites_its_layers():
    block = initialise(nn.Sequential(Block()), 0)[0]
    assert torch.equal(block.layer.weight, torch.zeros(3, 3))
    assert block.layer.bias.abs().min() > 0
    assert block.gate.isfinite().all()


def test_a_parameter_without_a_rule_is_refused():
    class Silent(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

    with pytest.raises(TypeError, match="Silent at '0' has no reset_parameters"):
        initialise(nn.Sequential(Silent()), 0)


def test_numbers_are_the_same_in_every_process():
    assert number(0, "layer1.0.conv1") == 3016456393873804492
    assert number(0, "a") != number("0a")
