"""A submission brought back into the set's own form: given cells and tests are the teacher's.

Cells that carry a name (nbgrader's grade_id) come from the source, but for what the student was
to write; the student's further cells stay behind the cell that they followed. So it does not
matter what was deleted, changed or renamed among the tests: it is undone, and told.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from reidlib.course.sets import flag


def restore(submitted: Any, source: Any, release: Any) -> tuple[Any, list[str]]:
    """The notebook to run, and what was put right, in words.

    source: with hidden tests; release: with stubs, for answers that are missing.
    """
    source_cells = {flag(c, "grade_id"): c for c in source.cells if flag(c, "grade_id")}
    stubs = {flag(c, "grade_id"): c for c in release.cells if flag(c, "grade_id")}
    handed = _ByName(submitted, stubs, {c.source for c in release.cells})
    notes: list[str] = []
    cells = [copy.deepcopy(c) for c in handed.loose.get(None, [])]
    for name, cell in source_cells.items():
        theirs = handed.named.get(name)
        if theirs is None:
            notes.append(f"the cell {name} was missing")
        if flag(cell, "solution"):
            made = copy.deepcopy(stubs[name])
            if theirs is not None:
                made.source = theirs.source if made.cell_type == "code" else plain(theirs.source)
        else:
            made = copy.deepcopy(cell)
            if theirs is not None and theirs.source.strip() != stubs[name].source.strip():
                kind = "test" if flag(cell, "grade") else "given"
                notes.append(f"the {kind} cell {name} was changed; the original was run")
        cells += [made, *map(copy.deepcopy, handed.loose.get(name, []))]
    for name in handed.twice:
        notes.append(f"the cell {name} is there twice; the first was taken")
    notebook = copy.deepcopy(release)
    notebook.cells = cells
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook, notes


def plain(markdown: str) -> str:
    """Text in which a browser finds no tags, and no links but to the web: a teacher opens it."""
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", markdown)
    text = re.sub(r"\]\s*\((?!\s*https?://)", "] (", text)
    return re.sub(r"(?m)^(\s{0,3})\[([^\]]*)\]:", r"\1\\[\2]:", text)


class _ByName:
    """A submission's cells: by name, those there twice, and loose ones by the name before them."""

    def __init__(self, submitted: Any, stubs: dict[str, Any], given: set[str]) -> None:
        ids = {cell.id: name for name, cell in stubs.items()}  # where a service dropped the names
        self.named: dict[str, Any] = {}
        self.loose: dict[str | None, list[Any]] = {}
        self.twice: list[str] = []
        last: str | None = None
        for cell in submitted.cells:
            name = flag(cell, "grade_id") or ids.get(cell.get("id"))
            if name in self.named:
                self.twice.append(name)
            elif name in stubs and (cell.cell_type == stubs[name].cell_type):
                self.named[name] = cell
                last = name
            elif cell.cell_type in ("code", "markdown"):
                loose = copy.deepcopy(cell)
                loose.metadata.pop("nbgrader", None)
                loose.pop("attachments", None)
                if loose.cell_type == "markdown" and loose.source not in given:
                    loose.source = plain(loose.source)
                self.loose.setdefault(last, []).append(loose)
