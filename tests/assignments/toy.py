"""A course of one small set, and submissions to it."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import nbformat

from reidlib.course.sets import FOLDER, Course


def marked(name: str, *, points: int | None = None, **flags: bool) -> dict[str, Any]:
    """nbgrader's marks on a cell."""
    plain: dict[str, Any] = dict.fromkeys(("grade", "solution", "locked", "task"), False)
    more = {} if points is None else {"points": points}
    return {"nbgrader": plain | {"grade_id": name, "schema_version": 3} | more | flags}


def course(folder: Path, **extra: str) -> Course:
    """The set `toy`: double a number (2 + 1 points), add (1), say why (3); its release is made.

    extra: further given cells, by name.
    """
    v4 = nbformat.v4
    double = (
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x  # twice\n    ### END SOLUTION"
    )
    add = "def add(x, y):\n    ### BEGIN SOLUTION\n    return x + y\n    ### END SOLUTION"
    negative = "### BEGIN HIDDEN TESTS\nassert double(-3) == -6\n### END HIDDEN TESTS"
    hidden = f"assert double(0) == 0\n{negative}"
    test = {"grade": True, "locked": True}
    cells = [
        v4.new_markdown_cell("# Toy\n\n<details><summary>Hint</summary>Twice.</details>"),
        v4.new_code_cell("import math", metadata=marked("given", locked=True)),
        *(v4.new_code_cell(s, metadata=marked(n, locked=True)) for n, s in extra.items()),
        v4.new_code_cell(double, metadata=marked("toy-double", solution=True)),
        v4.new_code_cell(
            "assert double(2) == 4, 'look at double'",
            metadata=marked("toy-double-two", points=2, **test),
        ),
        v4.new_code_cell(hidden, metadata=marked("toy-double-hidden", points=1, **test)),
        v4.new_code_cell(add, metadata=marked("toy-add", solution=True)),
        v4.new_code_cell(
            "assert add(1, 2) == 3", metadata=marked("toy-add-three", points=1, **test)
        ),
        v4.new_markdown_cell(
            "Because.\n### BEGIN MARK SCHEME\n3 for any reason\n### END MARK SCHEME",
            metadata=marked("toy-why", points=3, grade=True, solution=True),
        ),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03d}"
    path = folder / "source" / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(v4.new_notebook(cells=cells), path)
    shutil.copy(FOLDER / "nbgrader_config.py", folder)
    made = Course(folder)
    made.write("toy")
    return made


RIGHT = {"toy-double": "def double(x):\n    return x + x", "toy-add": "def add(x, y): return y + x"}


def answered(release: Any, answers: dict[str, str]) -> Any:
    """A copy of the release with these cells answered."""
    notebook = copy.deepcopy(release)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    return notebook


def hand_in(folder: Path, student: str, notebook: Any, name: str = "toy") -> Path:
    """Written as a student would hand it in."""
    path = folder / student / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
