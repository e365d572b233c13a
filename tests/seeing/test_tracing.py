"""One forward pass, written down, and a model that is as it was afterwards."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from reidlib.models import trsa
from reidlib.models.output import Output
from reidlib.seeing.catalogue import untrained
from reidlib.seeing.tracing import arrows, formulas, trace


def double(x: Tensor) -> Tensor:
    """Eq. 7 and 9: twice."""
    return plus(x, x)


def plus(x: Tensor, y: Tensor) -> Tensor:
    """A sum, of which Eq. 3 speaks."""
    return x + y


def same(x: Tensor) -> Tensor:
    """Eq. 1, a cast."""
    return x


def count(x: Tensor) -> int:
    """Eq. 2, no tensor."""
    return x.numel()


class Inside(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return double(same(x)) / count(x)


class Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 2), Inside()
        self.fails = False

    def forward(self, clips: Tensor) -> Output:
        x = self.first(clips.mean(dim=(1, 3, 4)))
        y = self.second(x)
        if self.fails:
            raise RuntimeError("on purpose")
        return Output(plus(x, y), {"a": (y, None)}, {"p": x.sum()})


def test_steps_stand_inside_what_calls_them_with_their_equations() -> None:
    root, _ = trace(Toy(), 2, (4, 5))
    told = [(d, s.name, s.equation, s.outputs) for d, s in root.listed()]
    assert told == [
        (0, "clip", "", ((1, 2, 3, 4, 5),)),
        (1, "first", "", ((1, 2),)),
        (1, "second", "", ((1, 2),)),
        (2, "double", "Eq. 7 and 9", ((1, 2),)),
        (3, "plus", "Eq. 3", ((1, 2),)),
        (1, "plus", "Eq. 3", ((1, 2),)),
        (1, "embedding", "", ((1, 2),)),
        (1, "head a", "", ((1, 2),)),
        (1, "penalty p", "", ()),
    ]
    assert arrows(root) == [(-1, 0), (0, 1), (0, 2), (0, 5), (1, 2), (1, 4), (2, 3)]
    assert arrows(root.parts[1]) == [(-1, 0), (0, 1)]


@pytest.mark.parametrize("fails", [False, True])
def test_model_and_functions_are_as_before(fails: bool) -> None:
    toy, before = Toy().train(), (double, plus, same, count)
    toy.second.eval()
    toy.fails = fails
    if fails:
        with pytest.raises(RuntimeError, match="on purpose"):
            trace(toy, 1, (2, 2))
    else:
        trace(toy, 1, (2, 2))
    here = sys.modules[__name__]
    assert before == tuple(getattr(here, name) for name in ("double", "plus", "same", "count"))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in toy.modules())
    assert [m.training for m in (toy, toy.first, toy.second)] == [True, True, False]
    assert all(p.grad is None for p in toy.parameters())


def test_a_trace_changes_nothing_that_comes_out() -> None:
    model = untrained("trsa", "smoke").model
    _, traced = trace(model, 4, (64, 32))
    with torch.no_grad():
        plain = model(torch.zeros(1, 4, 3, 64, 32))
    assert torch.equal(traced.embedding, plain.embedding)
    assert set(formulas(trsa)) == {
        "temperature", "attention", "weigh", "pool_frames", "regularisation",
        "concentration_and_overlap",
    }  # fmt: skip
