"""nbgrader, told where things are; the only place that imports it."""

from __future__ import annotations

import csv
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reidlib.errors import ReidError
from reidlib.files import write_text

# Submissions have run before nbgrader sees them; it must neither clear nor run them.
_STEPS = {
    "sanitize_preprocessors": [
        f"nbgrader.preprocessors.{name}"
        for name in ("DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata")
    ],
    "autograde_preprocessors": [
        f"nbgrader.preprocessors.{name}"
        for name in ("LimitOutput", "SaveAutoGrades", "AssignLatePenalties", "CheckCellMetadata")
    ],
}
_HERE = """
# Written by `reid grade`: submissions have been run already, and nbgrader must not run them.
c.CourseDirectory.submitted_directory = "executed"
for kind, names in {steps}.items():
    c.Autograde[kind] = names
"""


@dataclass(frozen=True)
class Mark:
    """What a student has for one graded cell. points: None until somebody has read it."""

    student: str
    set: str
    cell: str
    points: float | None
    most: float


class Gradebook:
    """A folder with source/, executed/, autograded/, feedback/ and gradebook.db.

    Submissions lie in executed/ with their outputs already: nbgrader runs nothing itself.
    config: the course's nbgrader_config.py. Raises ReidError where nbgrader is not installed.
    """

    def __init__(self, root: Path, config: Path) -> None:
        _installed()
        from nbgrader.apps import NbGraderAPI

        self.root, self._config = root.resolve(), config
        settings = _settings(self.root, config)
        log = logging.getLogger("reidlib.course.nbgrader")
        log.propagate = False  # it tells every step; what goes wrong is raised instead
        if not log.handlers:
            log.addHandler(logging.NullHandler())
        self._api = NbGraderAPI(config=settings, log=log)

    def configure(self) -> None:
        """Leave nbgrader_config.py in the folder, for nbgrader's own commands and its browser."""
        course = self._config.read_text(encoding="utf-8")
        write_text(self.root / "nbgrader_config.py", course + _HERE.format(steps=_STEPS))

    def register(self, name: str) -> None:
        """Make the release of a set, and its cells and points known to the gradebook."""
        self._do("generate_assignment", name, force=True)

    def grade(self, name: str, student: str) -> None:
        """Points from the outputs of an executed submission. Marks given by hand stay."""
        self._do("autograde", name, student, force=True)

    def feedback(self, name: str, student: str) -> None:
        """One page a student, in feedback/."""
        self._do("generate_feedback", name, student, force=True)

    def _do(self, step: str, *words: str, **options: bool) -> None:
        with _own_programs(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = getattr(self._api, step)(*words, **options)
        if not result["success"]:
            lines = (result.get("log", "") + result.get("error", "")).splitlines()
            reasons = [line.strip() for line in lines if "rror: " in line or "xception: " in line]
            said = reasons[0] if reasons else "it gives no reason"
            raise ReidError(f"{'/'.join(words)}: nbgrader's {step} failed: {said}")

    @contextmanager
    def _open(self) -> Iterator[Any]:
        from nbgrader.api import Gradebook as Database

        with Database(self._api.coursedir.db_url) as database:
            yield database

    def marks(self) -> list[Mark]:
        """Every mark of every student, in the order of the sets' cells."""
        found = []
        with self._open() as database:
            for assignment in sorted(database.assignments, key=lambda a: a.name):
                for submission in sorted(assignment.submissions, key=lambda s: s.student_id):
                    for notebook in submission.notebooks:
                        by_name = {grade.name: grade for grade in notebook.grades}
                        for cell in notebook.notebook.source_cells:
                            if cell.name in by_name:
                                grade = by_name[cell.name]
                                unread = grade.needs_manual_grade and grade.manual_score is None
                                points = None if unread else float(grade.score)
                                found.append(
                                    Mark(
                                        submission.student_id,
                                        assignment.name,
                                        cell.name,
                                        points,
                                        float(grade.max_score),
                                    )
                                )
        return found

    def export(self) -> tuple[Path, Path]:
        """grades.csv (nbgrader's: a row for each student and set) and points.csv (each cell)."""
        from nbgrader.plugins.export import CsvExportPlugin

        grades, points = self.root / "grades.csv", self.root / "points.csv"
        with self._open() as database:
            CsvExportPlugin(to=str(grades)).export(database)
        rows = io.StringIO()
        writer = csv.writer(rows, lineterminator="\n")
        writer.writerow(["student", "set", "cell", "points", "most"])
        for m in self.marks():
            writer.writerow(
                [m.student, m.set, m.cell, "" if m.points is None else f"{m.points:g}", m.most]
            )
        write_text(points, rows.getvalue())
        return grades, points


def released(name: str, source: Any, config: Path) -> Any:
    """The release of a source notebook: nbgrader's own steps, without a gradebook.

    Raises ReidError with nbgrader's words where the source is not in order.
    """
    steps = ("ClearSolutions", "LockCells", "CheckCellMetadata", "ClearOutput",
             "ClearHiddenTests", "ClearMarkScheme", "ComputeChecksums")  # fmt: skip
    _installed()
    from nbconvert.exporters import NotebookExporter

    settings = _settings(config.parent, config)
    settings.Exporter.default_preprocessors = []
    exporter = NotebookExporter(config=settings)
    for step in steps:
        exporter.register_preprocessor(f"nbgrader.preprocessors.{step}", enabled=True)
    try:
        text, _ = exporter.from_notebook_node(source)
    except Exception as error:  # it raises RuntimeError, ValueError and its own
        raise ReidError(f"{name} is not in order: {error}") from error
    import nbformat

    return nbformat.reads(text, as_version=4)


def _installed() -> None:
    try:
        import nbgrader  # noqa: F401
    except ImportError as error:
        raise ReidError(
            "assignments need nbgrader: pip install 'nbgrader>=0.9.5' (the extra `course`)"
        ) from error


def _settings(root: Path, config: Path) -> Any:
    """The course's configuration, and what makes nbgrader take outputs as they are."""
    from traitlets.config import Config, PyFileConfigLoader

    if not config.is_file():
        raise ReidError(f"no {config}: it names the course and the stubs")
    settings = PyFileConfigLoader(config.name, str(config.parent)).load_config()
    ours = Config()
    ours.CourseDirectory.root = str(root)
    ours.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    ours.CourseDirectory.submitted_directory = "executed"
    for kind, names in _STEPS.items():
        ours.Autograde[kind] = names
    settings.merge(ours)
    return settings


@contextmanager
def _own_programs() -> Iterator[None]:
    """nbgrader calls `alembic` by name: the one beside this Python, activated or not."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
