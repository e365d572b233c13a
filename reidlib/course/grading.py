"""From a folder of submissions to marks, feedback pages and a table: all that `reid grade` does."""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reidlib.course.collect import Submission, collect
from reidlib.course.gradebook import Gradebook, Mark
from reidlib.course.guard import Guard
from reidlib.course.pool import Job, Pool, Ran
from reidlib.course.restore import restore
from reidlib.course.sets import Course, code_cells, flag
from reidlib.errors import ReidError
from reidlib.files import writable_folder, write_text

PROBLEMS = "problems.txt"
_PICTURE = 4 << 20  # characters of one picture


@dataclass
class Graded:
    """What became of one submission. points: by hand-marked cells not yet read, these excluded."""

    student: str
    set: str
    points: float
    most: float
    unread: float
    seconds: float
    stopped: str | None
    notes: list[str]


@dataclass
class Report:
    """Of one grading: submissions, what could not be graded, the locks that held, files mended."""

    graded: list[Graded]
    problems: list[str]
    locks: list[str]
    mended: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return asdict(self)


Tick = Callable[[str], None]


def grade(
    submissions: Path,
    out: Path,
    *,
    pool: Pool,
    course: Course | None = None,
    only: str | None = None,
    feedback: bool = True,
    start: Callable[[int], Tick] = lambda steps: lambda what: None,
) -> Report:
    """Grade every submission of a folder (see `collect` for its form) into the folder `out`.

    pool: where submissions run; only: one set; feedback: write the students' pages, too.
    start: told how many steps there are; what it returns is told each step's name when it is done.

    What could not be graded is in the report, and in problems.txt, empty where nothing is.

    First the course's own solutions run: what does not give them all their points is a fault of
    the installation, and a ReidError. Then all submissions, confined, side by side. Only when the
    last has ended does nbgrader read the outputs and write marks and feedback.
    """
    import nbformat

    course = course or Course()
    names = [only] if only else course.names()
    for name in names:
        course.source(name)
    found, problems = collect(submissions, course.names())
    found = [s for s in found if s.set in names]
    names = [name for name in names if any(s.set == name for s in found)]
    book = Gradebook(writable_folder(out), course.folder / "nbgrader_config.py")
    book.configure()
    step = start(len(names) + 2 * len(found))
    sources = {name: course.read(name) for name in names}
    for name, notebook in sources.items():
        write_text(out / "source" / name / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
        book.register(name)
    guard = Guard([course.folder, submissions, out / "gradebook.db", out / "source"])
    _try_solutions(pool, sources, step)
    results = _run(pool, found, sources, out, step)
    locks = sorted(set.intersection(*(set(r.locks) for r in results.values()))) if results else []
    mended = [str(path) for path in guard.mend()]
    for submission in found:
        try:
            book.grade(submission.set, submission.student)
            if feedback:
                book.feedback(submission.set, submission.student)
        except ReidError as error:
            problems.append(str(error))
        step(f"{submission.student} {submission.set}")
    if found:
        book.export()
    write_text(out / PROBLEMS, "".join(f"{problem}\n" for problem in problems))
    report = Report(_graded(book.marks(), found, results), problems, locks, mended)
    return report


def _try_solutions(pool: Pool, sources: dict[str, Any], step: Tick) -> None:
    """Run the solutions: they fill the cache of frames, and show that the sets work here."""

    def check(job: Job, ran: Ran) -> None:
        notebook = executed(sources[job.key[1]], ran)
        failed = [
            f"{flag(cell, 'grade_id')} ({output['evalue']})"
            for cell in code_cells(notebook)
            for output in cell.outputs
            if output["output_type"] == "error"
        ]
        if failed:
            raise ReidError(
                f"the solution of {job.key[1]} itself fails here, in {failed[0]}: "
                "nothing was graded; mend the source or the installation first"
            )
        step(f"solution {job.key[1]}")

    pool.run([_job("", name, nb, confined=False) for name, nb in sources.items()], check)


def _run(
    pool: Pool, found: list[Submission], sources: dict[str, Any], out: Path, step: Tick
) -> dict[tuple[str, str], Ran]:
    """Run the submissions; their notebooks with outputs go to executed/."""
    import nbformat

    results: dict[tuple[str, str], Ran] = {}
    notebooks = {}
    for submission in found:
        release = nbformat.read(_released(out, submission.set), as_version=4)
        notebook, notes = restore(submission.notebook, sources[submission.set], release)
        submission.notes += notes
        notebooks[submission.student, submission.set] = notebook

    def keep(job: Job, ran: Ran) -> None:
        results[job.key] = ran
        student, name = job.key
        path = out / "executed" / student / name / f"{name}.ipynb"
        write_text(path, nbformat.writes(executed(notebooks[job.key], ran)) + "\n")
        step(f"{student} {name}")

    pool.run([_job(*key, notebook) for key, notebook in notebooks.items()], keep)
    return results


def _released(out: Path, name: str) -> Path:
    return out / "release" / name / f"{name}.ipynb"


def _job(student: str, name: str, notebook: Any, confined: bool = True) -> Job:
    return Job((student, name), [cell.source for cell in code_cells(notebook)], confined)


def executed(notebook: Any, ran: Ran) -> Any:
    """The notebook with its outputs; a test that was not finished has an error for output.

    What a submission says it printed is not trusted: only plain text and pictures are taken. In
    graded cells nothing but text and errors is, since nbgrader reads numbers there as points.
    """
    import nbformat

    notebook = copy.deepcopy(notebook)
    for number, (cell, ran_cell) in enumerate(zip(code_cells(notebook), ran.cells), start=1):
        graded = bool(flag(cell, "grade"))
        if ran_cell is None:
            outputs = [_error("NotFinished", f"not finished: {ran.stopped}")] if graded else []
        else:
            outputs = [o for output in ran_cell["outputs"] if (o := _clean(output, graded))]
        cell.outputs = [nbformat.from_dict(output) for output in outputs]
        cell.execution_count = number
    return notebook


def _error(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": [text]}


def _clean(output: Any, graded: bool) -> dict[str, Any] | None:
    """An output in the form we know, or nothing."""
    kind = output.get("output_type") if isinstance(output, dict) else None
    if kind == "stream":
        return {"output_type": "stream", "name": "stdout", "text": _text(output.get("text"))}
    if kind == "error":
        told = output.get("traceback")
        lines = [_text(line) for line in told] if isinstance(told, list) else []
        error = _error(_text(output.get("ename")), _text(output.get("evalue")))
        return error | {"traceback": lines or error["traceback"]}
    if kind == "display_data" and not graded and isinstance(output.get("data"), dict):
        data = {
            k: _text(output["data"][k]) for k in ("text/plain", "text/latex") if k in output["data"]
        }
        if _is_picture(picture := output["data"].get("image/png")):
            data["image/png"] = picture
        return {"output_type": "display_data", "data": data, "metadata": {}}
    return None


def _text(value: Any) -> str:
    """As text that can be written down: Python's lone surrogates cannot."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _is_picture(text: Any) -> bool:
    try:
        return (
            isinstance(text, str)
            and len(text) < _PICTURE
            and bool(base64.b64decode(text.replace("\n", ""), validate=True).startswith(b"\x89PNG"))
        )
    except (binascii.Error, ValueError):
        return False


def _graded(
    marks: list[Mark], found: list[Submission], results: dict[tuple[str, str], Ran]
) -> list[Graded]:
    graded = []
    for submission in found:
        key = (submission.student, submission.set)
        own = [m for m in marks if (m.student, m.set) == key]
        graded.append(
            Graded(
                *key,
                points=sum(m.points for m in own if m.points is not None),
                most=sum(m.most for m in own),
                unread=sum(m.most for m in own if m.points is None),
                seconds=round(results[key].seconds, 1),
                stopped=results[key].stopped,
                notes=submission.notes,
            )
        )
    return graded
