"""Every line of the equation map names things that exist."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from reidlib.equations import equations

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("equation", equations(), ids=lambda e: f"{e.paper} {e.number}")
def test_paths_arguments_and_tests_exist(equation):
    found = equation.resolve()
    called = found.forward if inspect.isclass(found) else found
    assert set(equation.arguments) <= set(inspect.signature(called).parameters)
    if equation.constructor:
        module, _, name = equation.path.partition(":")
        owner = getattr(import_module(module), name.split(".")[0])
        assert set(equation.constructor) <= set(inspect.signature(owner).parameters)
    file, _, test = equation.test.partition("::")
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), flags=re.MULTILINE)


def test_numbers_come_once():
    numbers = [(e.paper, e.number) for e in equations()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("paper", "last"), [("trsa", 9), ("rgsa_rgtr", 15), ("fgra", 13), ("tacan", 10), ("sinet", 8)]
)
def test_every_printed_number_is_there(paper, last):
    printed = {e.number for e in equations() if e.paper == paper}
    assert {str(n) for n in range(1, last + 1)} <= printed
