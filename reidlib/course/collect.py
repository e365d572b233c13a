"""Which submissions a folder holds, and what in it is none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reidlib.errors import ReidError

_MOST = 20 << 20  # bytes; outputs of an honest notebook stay far below
_STUDENT = re.compile(r"[\w][\w .@-]*")


@dataclass
class Submission:
    """One student's notebook of one set; `notes`: what the teacher should know about it."""

    student: str
    set: str
    path: Path
    notebook: Any
    notes: list[str] = field(default_factory=list)


def collect(folder: Path, names: list[str]) -> tuple[list[Submission], list[str]]:
    """Submissions, and a sentence for each thing that could not be taken.

    Looked for: STUDENT/ps1.ipynb or STUDENT/ps1/ps1.ipynb, where ps1 is one of `names`.
    Raises ReidError where the folder is none or holds no student's folder.
    """
    if not folder.is_dir():
        raise ReidError(f"no folder {folder}; expected {folder}/STUDENT/{names[0]}.ipynb")
    students = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not students:
        raise ReidError(f"no student's folder in {folder}; expected STUDENT/{names[0]}.ipynb")
    found: dict[tuple[str, str], Submission] = {}
    problems = [
        f"{path.name}: lies outside a student's folder" for path in sorted(folder.glob("*.ipynb"))
    ]
    for student in students:
        if not _STUDENT.fullmatch(student.name):
            problems.append(f"{student.name}: a student's name has letters, digits, space and .@-_")
            continue
        files = [p for p in sorted(student.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
        if not files:
            problems.append(f"{student.name}: no notebook; expected {names[0]}.ipynb")
        for path in files:
            where = path.relative_to(folder).as_posix()
            name = path.stem
            if name not in names:
                problems.append(f"{where}: no set has this name; expected {', '.join(names)}")
            elif path.parent not in (student, student / name):
                problems.append(f"{where}: too deep; expected {student.name}/{name}.ipynb")
            elif (student.name, name) in found:
                used = found[student.name, name].path.relative_to(folder).as_posix()
                problems.append(f"{where}: there twice; {used} was graded")
            else:
                notebook, problem = _read(path, student)
                if problem:
                    problems.append(f"{where}: {problem}")
                else:
                    found[student.name, name] = Submission(student.name, name, path, notebook)
    return list(found.values()), problems


def _read(path: Path, student: Path) -> tuple[Any, str | None]:
    """The notebook, or why it cannot be read."""
    import nbformat

    if path.is_symlink() or student.resolve() not in path.resolve().parents:
        return None, "is a link to elsewhere"
    if path.stat().st_size > _MOST:
        return (
            None,
            f"has {path.stat().st_size >> 20} MiB; clear its outputs ({_MOST >> 20} at most)",
        )
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook, relax_add_props=True)
        nbformat.writes(notebook).encode("utf-8")  # JSON can spell characters that are none
    except UnicodeError:
        return None, "is not text in UTF-8"
    except (nbformat.reader.NotJSONError, ValueError):
        return None, "is not a notebook: its JSON is broken, perhaps by a merge or half a download"
    except nbformat.ValidationError as error:
        return None, f"is not a valid notebook: {str(error).splitlines()[0]}"
    except Exception as error:  # nbformat's converters raise anything on odd input
        return None, f"cannot be read: {type(error).__name__}: {error}"
    return notebook, None
