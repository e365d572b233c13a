"""From a right answer to a wrong one: a line or two replaced."""

from __future__ import annotations

from . import Mutant


def altered(answer: str, name: str, loses: str, *changes: tuple[str, str]) -> Mutant:
    """The mutant `name`: `answer` with every (old, new) carried out, each found exactly once.

    loses: the grade_ids of the test cells that it must fail, separated by spaces.
    """
    for old, new in changes:
        if answer.count(old) != 1:
            raise ValueError(f"{name}: {answer.count(old)} places hold {old!r}")
        answer = answer.replace(old, new)
    return Mutant(name, answer, tuple(loses.split()))
