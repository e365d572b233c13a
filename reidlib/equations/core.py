"""One equation of a paper: what it says, what computes it here, and the test that proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Equation:
    """A line of the equation map.

    paper: the model's name ("fgra"). number: as printed ("4"), or a name for an unnumbered one.
    path: "module:object", a function, a class (constructed, then called) or "Class.method".
    arguments: what the path is called with, name -> shape in this house's letters; constructor:
        what builds it first, where the path is a class; returns: what comes out.
    symbols: names in the code (arguments, parameters, results) -> the paper's symbol.
    test: "file.py::test" that restates it.
    """

    paper: str
    number: str
    statement: str
    path: str
    test: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    constructor: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)

    def resolve(self) -> Callable[..., Any]:
        """The object that `path` names."""
        module, _, name = self.path.partition(":")
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]
