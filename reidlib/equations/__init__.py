"""The equation map: every numbered equation of the five papers, and the unnumbered that matter."""

from __future__ import annotations

from importlib import import_module

from reidlib.equations.core import Equation

PAPERS = ("trsa", "rgsa_rgtr", "fgra", "tacan", "sinet")


def equations() -> tuple[Equation, ...]:
    """All of them, papers in the order of PAPERS, each in its paper's order."""
    found: list[Equation] = []
    for paper in PAPERS:
        found += import_module(f"reidlib.equations.{paper}").EQUATIONS
    return tuple(found)
