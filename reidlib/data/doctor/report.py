"""What the doctor found: counts, problems with their remedies, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reidlib.data.reading import Row, count
from reidlib.errors import ReidError

SHOWN = 10  # files named in the text; `as_dict` has them all


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a copy.

    kind: "missing part", "wrong layout", "tables", "counts", "missing files", "damaged images".
    """

    kind: str
    what: str
    remedy: str
    where: str = ""  # file or folder, relative to the root where it lies below
    number: int = 1
    files: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: ReidError, where: str = "") -> Problem:
        """A reader's refusal; its sentence ends in the remedy."""
        what, _, remedy = str(error).rpartition("; ")
        return cls("tables", what or remedy, remedy if what else "fetch that part again", where)

    def __str__(self) -> str:
        lines = [self.what, f"  -> {self.remedy}"]
        lines += [f"     {file}" for file in self.files[:SHOWN]]
        if len(self.files) > SHOWN:
            lines.append(f"     ... and {len(self.files) - SHOWN} more (--json lists all)")
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """The state of one copy. `ok` when nothing is wrong with what was looked at."""

    name: str
    title: str
    root: Path
    counts: tuple[Row, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    images_checked: int  # decoded, not merely listed

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "name": self.name,
            "root": str(self.root),
            "ok": self.ok,
            "counts": [{**asdict(row), "ok": row.ok} for row in self.counts],
            "problems": [asdict(problem) for problem in self.problems],
            "notes": list(self.notes),
            "images_checked": self.images_checked,
        }

    def __str__(self) -> str:
        lines = [f"{self.title} in {self.root}", "", *_table(self.counts), ""]
        for number, problem in enumerate(self.problems, 1):
            lines += [*f"{number}. {problem}".split("\n"), ""]
        lines += [f"Note: {note}." for note in self.notes]
        checked = f"{self.images_checked:,}" if self.images_checked else "no"
        count = len(self.problems)
        verdict = f"{count} problem{'s' * (count > 1)}" if count else "Nothing is wrong"
        return "\n".join([*lines, f"{verdict}; {checked} images decoded."])


def _table(rows: Sequence[Row]) -> list[str]:
    """Subsets down, quantities across; a cell says what was expected only where it differs."""
    lists = [row for row in rows if isinstance(row.expected, tuple)]
    named = {row.quantity for row in rows if row not in lists}
    across = [quantity for quantity in count(()) if quantity in named]
    down = list(dict.fromkeys(r.subset for r in rows))
    cell = {(r.subset, r.quantity): _cell(r) for r in rows}
    lines = [["found/expected", *across]]
    lines += [[subset, *(cell.get((subset, q), "") for q in across)] for subset in down]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    text = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    ]
    return text + [f"{row.subset}, {row.quantity}: {_cell(row, ', expected ')}" for row in lists]


def _cell(row: Row, expected: str = "/") -> str:
    found = _number(row.found)
    return found if row.ok else f"{found}{expected}{_number(row.expected)}"


def _number(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
