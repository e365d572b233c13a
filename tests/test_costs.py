"""Costs against arithmetic by hand, and SINet's own numbers."""

import math

import pytest
import torch
from torch import nn

from reidlib.costs import Counts, claims, costs, count
from reidlib.models import build_model
from reidlib.models.backbone import resnet, small
from reidlib.models.rivals import GlobalContext, NonLocal
from reidlib.models.sinet import IntegrationDistribution, SalientToBroad

LAYER2, LAYER3 = (1, 4, 512, 32, 16), (1, 4, 1024, 16, 8)


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.linear = nn.Linear(5, 7)

    def forward(self, x):
        y = self.norm(self.convolution(x))
        y = y + y
        return self.linear(y.mean(dim=(2, 3))) @ torch.ones(7, 2)


def test_count_by_hand():
    cells = 6 * 4
    found = count(Toy(), (2, 3, 6, 4))
    assert found.multiply_adds == 2 * (cells * 5 * 3 * 9 + 5 * 7 + 7 * 2)
    assert found.biases == 2 * (cells * 5 + 7)
    assert found.norms == 2 * cells * 5
    assert found.additions == 2 * cells * 5
    total = found.multiply_adds + found.biases + 2 * found.norms + found.additions
    assert found.with_elementwise == total
    assert found + found == found * 2 == Counts(*(2 * n for n in vars(found).values()))


def test_counting_leaves_the_module_as_it_was():
    toy = Toy()
    toy.norm.eval()
    before = {name: value.clone() for name, value in toy.state_dict().items()}
    count(toy, (2, 3, 6, 4))
    assert toy.training
    assert not toy.norm.training
    assert all(torch.equal(value, before[name]) for name, value in toy.state_dict().items())
    assert toy.convolution.weight.grad is None


def test_costs_of_a_small_model():
    net = build_model("baseline", small(), 10, frames=4, size=(64, 32), frame_classifier=True)
    found = costs(net, 4, (64, 32))
    assert found.parameters == sum(p.numel() for p in net.parameters())
    assert found.embedding_parameters == found.parameters - 2 * 10 * 128
    twice = costs(net, 8, (64, 32))
    assert twice.multiply_adds - found.multiply_adds == found.multiply_adds - 10 * 128
    assert twice.parameters == found.parameters


def test_resnet_50():
    """SINet's section on complexity: 16.213 GMAC a clip of four frames (16.120 without padding)."""
    for padding, printed in ((1, 16.213), (0, 16.120)):
        found = count(resnet(50, stem_padding=padding), (1, 4, 3, 256, 128))
        assert round(found.multiply_adds / 1e9, 3) == printed


@pytest.mark.parametrize(
    ("options", "millions"),
    [
        ({"splits": (), "idm_blocks": ()}, 23.512),
        ({"idm_blocks": ()}, 23.512 + 1.604),
        ({"splits": ()}, 23.512 + 4.465),
        ({"splits": (), "idm": {"reduction": 16}}, 23.512 + 1.120),
        ({"splits": (), "idm": {"reduction": 2}}, 23.512 + 8.926),
        ({"splits": (), "idm": {"reduction": 8}}, 23.512 + 2.235),
    ],
)
def test_parameters_of_sinet(options, millions):
    """Without classifier and projection; no biases in the backbone's convolutions."""
    with torch.device("meta"):
        net = build_model("sinet", resnet(50), 625, frames=4, size=(256, 128), **options)
    outside = sum(p.numel() for n, p in net.named_parameters() if n[:4] in ("clas", "proj"))
    total = sum(p.numel() for p in net.parameters()) - outside
    assert total / 1e6 == pytest.approx(millions, abs=0.0011)


def test_embedding_parameters_are_those_without_classifier_and_projection():
    net = build_model("sinet", small(), 625, frames=4, size=(64, 32))
    outside = sum(p.numel() for n, p in net.named_parameters() if n[:4] in ("clas", "proj"))
    found = costs(net, 4, (64, 32))
    assert outside == 128 * 625 + 625 + 128 * 128 + 128
    assert found.embedding_parameters == found.parameters - outside


@pytest.mark.parametrize(("r", "giga"), [(2, 1.611), (4, 0.537), (8, 0.201), (16, 0.084)])
def test_idm(r, giga):
    found = count(IntegrationDistribution(512, 4, 32, 16, reduction=r), LAYER2)
    c, m = 512, 2048
    assert found.multiply_adds == 2 * c * c // r * m + 2 * m * m // r * c // r
    assert round(found.multiply_adds / 1e9, 3) == giga


@pytest.mark.parametrize(("k", "mega"), [(1, 3.9), (3, 22.8), (5, 60.6), (7, 117.2)])
def test_three_sbm(k, mega):
    found = sum((count(SalientToBroad(1024, s, k), LAYER3) for s in (1, 2, 3)), Counts())
    frames, cells = 1 + 2 + 3, 16 * 8
    assert found.multiply_adds == 3 * 1024 * k * k * cells * frames + 3 * 2 * 1024 * 256
    assert round(found.multiply_adds / 1e6, 1) == mega


@pytest.mark.parametrize(
    ("options", "shape", "blocks", "giga"),
    [
        ({"pool": "none"}, LAYER2, 2, 6.442),
        ({"pool": "after"}, LAYER2, 2, 3.221),
        ({"pool": "before"}, LAYER3, 3, 2.215),
        ({"pool": "after"}, LAYER3, 3, 3.423),
    ],
)
def test_non_local(options, shape, blocks, giga):
    found = count(NonLocal(shape[2], **options), shape) * blocks
    c, m = shape[2], math.prod(shape) // shape[2]
    n = m if options["pool"] == "none" else m // 4
    convolved = n if options["pool"] == "before" else m
    one = c // 2 * c * (2 * m + 2 * convolved) + 2 * m * n * c // 2
    assert found.multiply_adds == blocks * one
    assert round(found.multiply_adds / 1e9, 3) == giga


def test_global_context_is_nearly_free():
    found = count(GlobalContext(512), LAYER2)
    assert found.multiply_adds <= 2 * 512 * 2048 + 2 * 512 * 32


def test_printed_costs():
    """IDM's number is reproduced by one convention; SBM's and non-local's digits mean others."""
    found = [(round(c.ours, 4), c.printed, c.reproduced) for c in claims("sinet")]
    assert found == [
        (1.0737, 1.081, False),
        (1.0810, 1.081, True),
        (0.0228, 0.014, False),
        (0.0142, 0.014, False),
        (3.2212, 2.216, False),
        (2.2162, 2.216, False),
    ]
    assert claims("trsa") == ()
