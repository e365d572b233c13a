import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from reidlib.optimising import Average, make_optimiser, rate_factor
from reidlib.recipes import profile, recipe
from reidlib.recipes.core import Schedule

BASELINE, PAPER = recipe("baseline"), profile("paper")


def test_the_papers_milestones_count_epochs():
    changed = replace(BASELINE, schedule=Schedule(epochs=5, milestones=(2, 4), gamma=0.1))
    factors = [rate_factor(step, 15, 3, changed, PAPER) for step in range(15)]
    assert factors == pytest.approx([1] * 6 + [0.1] * 6 + [0.01] * 3, abs=1e-15)


def test_warm_up_then_half_a_cosine():
    factors = [rate_factor(step, 100, 7, BASELINE, profile("laptop")) for step in range(100)]
    expected = [(i + 1) / 5 for i in range(5)]
    expected += [(1 + math.cos(math.pi * i / 95)) / 2 for i in range(95)]
    assert factors == pytest.approx(expected, abs=1e-12)
    assert [rate_factor(0, 1, 7, BASELINE, profile("laptop"))] == [1.0]


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)])
def test_groups_have_their_own_rates(name, kind):
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    how = Schedule(optimiser=name, rate=0.1, weight_decay=0.2, rates={"1.bias": 0.03})
    changed = replace(BASELINE, schedule=how)
    optimiser = make_optimiser(model, changed, PAPER)
    assert isinstance(optimiser, kind)
    plain, own = optimiser.param_groups
    assert (plain["base"], plain["weight_decay"], len(plain["params"])) == (0.1, 0.2, 3)
    assert (own["base"], own["weight_decay"]) == (0.03, 0.0)
    assert own["params"][0] is model[1].bias
    quick = make_optimiser(model, changed, replace(PAPER, rate=0.5))
    assert quick.param_groups[0]["base"] == 0.5


def test_weight_decay_is_coupled():
    """Adam with L2: without a gradient the decay alone drives a step of the full rate."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 2.0)
    model.weight.grad = torch.zeros_like(model.weight)
    changed = replace(BASELINE, schedule=Schedule(rate=0.1, weight_decay=0.5))
    make_optimiser(model, changed, PAPER).step()
    assert model.weight.item() == pytest.approx(1.9, abs=1e-5)


def test_average_equals_its_recursion():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double()
    average = Average(model, decay=0.5)
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    for step in range(12):
        with torch.no_grad():
            for value in model.state_dict().values():
                value.add_(step + 1)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            old = expected[name]
            expected[name] = value.clone() if "num" in name else decay * old + (1 - decay) * value
    for name, value in average.values.items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-10)
    assert average.finite()
    average.values["0.bias"][0] = torch.inf
    assert not average.finite()


def test_no_averaging_is_the_last_weights():
    model = nn.Linear(2, 2)
    average = Average(model, decay=0.0)
    nn.init.constant_(model.weight, 3.0)
    average.update(0)
    assert torch.equal(average.values["weight"], model.weight)
