"""Wrong answers that students give, one file a problem set: what each is, and what it must cost.

Each module holds `MUTANTS: dict[str, list[Mutant]]`, by exercise.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A wrong answer to one exercise.

    name: the mistake, in a few words.
    source: the student's whole cell.
    loses: the grade_ids of the test cells that it must fail: these and no others.
    """

    name: str
    source: str
    loses: tuple[str, ...]
