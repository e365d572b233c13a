"""What the map of equations is made of: one entry an equation, written as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Equation:
    """Where an equation of a paper lives in this package, and which test states it again.

    paper: short name, as `reidlib.models.MODELS` has it. number: as printed ("7"), or the formula
        itself where the paper gives none ("K = P A^T").
    path: "module:attribute" of the function or class. For a class, `constructor` names what
        builds it and `arguments` what its `forward` takes (or the method that `path` ends in).
    arguments, constructor: parameter name -> shape and meaning. symbols: name of a parameter,
        buffer or argument -> the paper's symbol. test: "tests/...py::test_name".
    """

    paper: str
    number: str
    statement: str  # what it says, in words
    path: str
    arguments: Mapping[str, str] = NOTHING
    constructor: Mapping[str, str] = NOTHING
    returns: str = ""
    symbols: Mapping[str, str] = NOTHING
    test: str = ""

    def resolve(self) -> Any:
        """The object that `path` names."""
        module, attributes = self.path.split(":")
        return reduce(getattr, attributes.split("."), import_module(module))
