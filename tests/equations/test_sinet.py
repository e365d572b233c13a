"""What SINet's lines of the equation map name is there, under those names."""

import inspect

import pytest

from reidlib.equations.sinet import EQUATIONS
from reidlib.models.sinet import ChannelAttention, IntegrationDistribution, KernelGeneration
from reidlib.models.sinet import SalientToBroad as SBM

BUILT = {
    "w_se": ChannelAttention(8),
    "2": ChannelAttention(8),
    "A_p": KernelGeneration(8),
    "SBM": SBM(8, 1),
    "7": IntegrationDistribution(8, 4, 3, 2),
}


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda e: e.number)
def test_symbols_name_arguments_parameters_or_results(equation):
    found = equation.resolve()
    called = found.forward if inspect.isclass(found) else found
    names = set(inspect.signature(called).parameters) - {"self"}
    if equation.number in BUILT:
        state = set(BUILT[equation.number].state_dict())
        names |= {name for name in state if not name.endswith("num_batches_tracked")}
        assert names - {"x", "former"} <= set(equation.symbols)  # every parameter has its symbol
    for symbol in equation.symbols:
        assert symbol in names or symbol.split("[")[0] in {*names, "returns"}


def test_shapes_of_parameters_are_as_said():
    numbers = {"c": 8, "c'": 2, "c / 4": 2, "m": 24, "m'": 6, "k^2": 9, "1": 1}
    checked = 0
    for equation in EQUATIONS:
        state = BUILT[equation.number].state_dict() if equation.number in BUILT else {}
        for name, symbol in equation.symbols.items():
            if name in state:
                shape = symbol[symbol.rindex("(") + 1 : symbol.rindex(")")].split(", ")
                assert tuple(numbers[n] for n in shape) == tuple(state[name].shape), name
                checked += 1
    assert checked == 4 + 4 + 6 + 10 + 16


def test_all_that_is_printed_is_mapped():
    numbers = [e.number for e in EQUATIONS]
    assert [n for n in numbers if n.isdigit()] == list("12345678")
    assert {"K", "Y"} <= set(numbers)
