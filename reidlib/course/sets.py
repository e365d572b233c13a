"""Problem sets: sources with solutions and hidden tests, and the releases made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reidlib.errors import ReidError
from reidlib.files import ROOT, write_text

_SEED = re.compile(r"^SEED = \d+", flags=re.MULTILINE)
_LINK = re.compile(r"\[([^\]\[]+)\]\((?:\.\./)+([^)]+)\)")
FOLDER = ROOT / "notebooks" / "assignments"


@dataclass(frozen=True)
class Course:
    """The folder that holds nbgrader_config.py, source/ and release/.

    seed: takes the place of every set's own data seed (`SEED = ...`), so that this term's numbers
    are not last term's; None leaves them.
    """

    folder: Path = FOLDER
    seed: int | None = None

    def names(self) -> list[str]:
        """The sets that have a source, in order."""
        names = sorted(p.stem for p in (self.folder / "source").glob("*/*.ipynb")
                       if p.stem == p.parent.name)  # fmt: skip
        if not names:
            raise ReidError(f"no sets in {self.folder / 'source'}: expected ps1/ps1.ipynb")
        return names

    def source(self, name: str) -> Path:
        """Where a set's source lies. Raises ReidError for a name that is no set."""
        if name not in self.names():
            raise ReidError(f"no set {name!r}; there are {', '.join(self.names())}")
        return self.folder / "source" / name / f"{name}.ipynb"

    def release(self, name: str) -> Path:
        """Where a set's release lies, or will."""
        return self.folder / "release" / name / f"{name}.ipynb"

    def read(self, name: str) -> Any:
        """A set's source as a notebook. Raises ReidError where it has no data seed to set."""
        import nbformat

        notebook = nbformat.read(self.source(name), as_version=4)
        if self.seed is not None:
            places = 0
            for cell in code_cells(notebook):
                cell.source, found = _SEED.subn(f"SEED = {self.seed}", cell.source)
                places += found
            if places != 1:
                raise ReidError(f"{name} has {places} lines `SEED = ...`; one is needed for a seed")
        return notebook

    def build(self, name: str) -> str:
        """The release of a set, made from its source: the file's text.

        Raises ReidError with nbgrader's words where the source is not in order.
        """
        import nbformat

        from reidlib.course.gradebook import released

        made = released(name, self.read(name), self.folder / "nbgrader_config.py")
        return str(nbformat.writes(made)) + "\n"

    def write(self, name: str, out: Path | None = None) -> bool:
        """Write a set's release (to `out`, if named); whether it differs from what was there.

        A file that leaves the project's folder names its places there, for links would be dead.
        """
        path, text = out or self.release(name), self.build(name)
        if out is not None:
            text = _LINK.sub(r"\1 (in the project: `\2`)", text)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        write_text(path, text)
        return True

    def stale(self, name: str) -> str | None:
        """Why a set's stored release is not the one its source makes; None if it is."""
        path = self.release(name)
        if not path.is_file():
            return "has no release"
        if path.read_text(encoding="utf-8") != self.build(name):
            return "has a release that its source does not make"
        return None


def flag(cell: Any, name: str) -> Any:
    """nbgrader's word on a cell: grade_id, grade, solution, locked, points; None where unmarked."""
    words = cell.metadata.get("nbgrader")  # students' files hold anything here
    value = words.get(name) if isinstance(words, dict) else None
    return value if isinstance(value, (str, int, float)) else None


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
