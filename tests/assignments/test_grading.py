"""A small course, graded: marks, feedback, tables, and each thing that students get wrong."""

from __future__ import annotations

import copy
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("resource", reason="submissions run where processes can fork")

from reidlib.course.confine import Limits
from reidlib.course.gradebook import Gradebook
from reidlib.course.grading import Graded, Report, grade
from reidlib.course.pool import Pool
from reidlib.course.sets import Course
from reidlib.errors import ReidError
from tests.assignments.toy import RIGHT, answered, course, hand_in

SEVEN = 7.0  # points of the toy set, three of them for the written answer


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    limits = Limits(seconds=30, cell_seconds=5, memory=1 << 30)
    with Pool(tmp_path_factory.mktemp("frames"), 2, limits) as pool:
        yield pool


@dataclass
class Class:
    """A graded class."""

    course: Course
    folder: Path
    report: Report

    def of(self, student: str) -> Graded:
        (graded,) = (g for g in self.report.graded if g.student == student)
        return graded

    @property
    def out(self) -> Path:
        return self.folder / "out"


@pytest.fixture(scope="module")
def graded(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Students who did well, badly, oddly and maliciously."""
    folder = tmp_path_factory.mktemp("class")
    toy = course(folder / "course")
    release = nbformat.read(toy.release("toy"), as_version=4)
    handed = folder / "in"

    why = {"toy-why": "As <script>alert(1)</script> **told**"}
    hand_in(handed, "anna", answered(release, RIGHT | why))
    hand_in(handed, "bob", release)
    hand_in(handed, "carl", answered(release, RIGHT | {"toy-add": "def add(x, y): return x"}))
    hand_in(
        handed,
        "dora",
        answered(release, RIGHT | {"toy-double": "def double(x): return abs(2 * x)"}),
    )
    loop = {"toy-double": "def double(x):\n    while True:\n        pass"}
    hand_in(handed, "emil", answered(release, RIGHT | loop))
    hand_in(handed, "fay", answered(release, RIGHT | {"toy-double": "import os\nos._exit(0)"}))

    cheat = answered(release, {"toy-double-two": "assert True", "toy-double-hidden": "2"})
    for cell in cheat.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "toy-add-three":
            cell.metadata["nbgrader"].update(grade=False, solution=True, locked=False, points=99)
            cell.source = "100"
    hand_in(handed, "gus", cheat)

    helper = answered(release, RIGHT | {"toy-double": "def double(x): return help_me(x)"})
    helper.cells.insert(2, nbformat.v4.new_code_cell("def help_me(x): return 2 * x"))
    del helper.cells[4:6]  # and deletes the tests
    hand_in(handed, "hal smith", helper)

    bare = answered(release, RIGHT)
    for cell in bare.cells:
        cell.metadata.pop("nbgrader", None)  # a service that drops what it does not know
    hand_in(handed, "ida", bare)

    (hand_in(handed, "jo", release)).write_text('{"cells": [{"cell_type": ')
    hand_in(handed, "kim", release, "homework")
    (handed / "lea").mkdir()
    hand_in(handed, "bad[name]", release)
    nbformat.write(release, handed / "toy.ipynb")
    (handed / "mia").mkdir()
    (handed / "mia" / "toy.ipynb").symlink_to(toy.source("toy"))
    hand_in(handed, "ned", release).write_bytes(b"\xff\xfe{}")
    evil = "\n".join(
        f"import os, shutil\ntry: {do}\nexcept OSError: pass"
        for do in (
            f"os.remove({str(folder / 'out' / 'gradebook.db')!r})",
            f"open({str(toy.source('toy'))!r}, 'w').write('')",
            f"shutil.rmtree({str(handed)!r})",
        )
    )
    hand_in(
        handed, "olga", answered(release, RIGHT | {"toy-add": evil + "\ndef add(x, y): return 3"})
    )
    return Class(toy, folder, grade(handed, folder / "out", pool=pool, course=toy))


POINTS = {
    "anna": 4, "bob": 0, "carl": 3, "dora": 3, "emil": 1, "fay": 0, "gus": 0, "hal smith": 4,
    "ida": 4, "olga": 4,
}  # fmt: skip


def test_points(graded: Class) -> None:
    assert {g.student: g.points for g in graded.report.graded} == POINTS
    assert {g.most for g in graded.report.graded} == {SEVEN}
    unread = {g.student for g in graded.report.graded if g.unread == 3}
    assert unread == {"anna"}  # who wrote nothing has nothing to be read


def test_who_was_stopped_is_told_and_keeps_what_was_finished(graded: Class) -> None:
    assert graded.of("emil").stopped is None  # the cells were, one by one
    assert graded.of("fay").stopped == "it ended the Python process itself (exit code 0)"
    executed = nbformat.read(graded.out / "executed/fay/toy/toy.ipynb", as_version=4)
    said = [o.evalue for c in executed.cells for o in c.get("outputs", []) if "evalue" in o]
    assert said == ["not finished: it ended the Python process itself (exit code 0)"] * 3


def test_changed_and_missing_tests_are_put_right_and_told(graded: Class) -> None:
    assert graded.of("gus").notes == [
        f"the test cell {name} was changed; the original was run"
        for name in ("toy-double-two", "toy-double-hidden", "toy-add-three")
    ]
    assert graded.of("hal smith").notes == [
        f"the cell {name} was missing" for name in ("toy-double-two", "toy-double-hidden")
    ]
    assert graded.of("anna").notes == graded.of("ida").notes == []


def test_what_cannot_be_graded_is_told_by_name(graded: Class) -> None:
    told = dict(line.split(": ", 1) for line in graded.report.problems)
    left = (graded.out / "problems.txt").read_text(encoding="utf-8").splitlines()
    assert left == graded.report.problems
    assert told.keys() == {
        "toy.ipynb", "jo/toy.ipynb", "kim/homework.ipynb", "lea", "bad[name]", "mia/toy.ipynb",
        "ned/toy.ipynb",
    }  # fmt: skip
    assert "JSON is broken" in told["jo/toy.ipynb"]
    assert told["kim/homework.ipynb"] == "no set has this name; expected toy"
    assert told["lea"] == "no notebook; expected toy.ipynb"
    assert "link" in told["mia/toy.ipynb"]
    assert "UTF-8" in told["ned/toy.ipynb"]


def test_nbgrader_would_release_the_same(graded: Class) -> None:
    theirs = nbformat.read(graded.out / "release/toy/toy.ipynb", as_version=4)
    ours = nbformat.read(graded.course.release("toy"), as_version=4)
    assert theirs.cells == ours.cells


def test_the_graders_files_are_as_they_were(graded: Class) -> None:
    assert (graded.out / "gradebook.db").is_file()
    assert "BEGIN SOLUTION" in graded.course.source("toy").read_text()
    assert (graded.folder / "in" / "anna" / "toy.ipynb").is_file()
    assert graded.course.stale("toy") is None


def test_tables(graded: Class) -> None:
    with (graded.out / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {student: float(row["score"]) for student, row in rows.items()} == POINTS
    assert {row["max_score"] for row in rows.values()} == {"7.0"}
    with (graded.out / "points.csv").open() as file:
        cells = [row for row in csv.DictReader(file) if row["student"] == "dora"]
    assert [(row["cell"], row["points"]) for row in cells] == [
        ("toy-double-two", "2"), ("toy-double-hidden", "0"),
        ("toy-add-three", "1"), ("toy-why", "0"),
    ]  # fmt: skip


def test_feedback_shows_points_and_runs_nothing(graded: Class) -> None:
    page = (graded.out / "feedback/anna/toy/toy.html").read_text()
    assert "toy-double" in page
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "<strong>told</strong>" in page
    assert "<details>" in page  # the set's own markdown stays
    assert "not finished" in (graded.out / "feedback/fay/toy/toy.html").read_text()


def test_marks_by_hand_stay_when_graded_again(graded: Class, pool: Pool, tmp_path: Path) -> None:
    from nbgrader.api import Gradebook as Database

    with Database(f"sqlite:///{graded.out / 'gradebook.db'}") as database:
        mark = database.find_grade("toy-why", "toy", "toy", "anna")
        mark.manual_score, mark.needs_manual_grade = 2.5, False
        database.db.commit()
    again = nbformat.read(graded.folder / "in/anna/toy.ipynb", as_version=4)
    hand_in(tmp_path, "anna", again)
    steps: list[str] = []

    def start(count: int) -> object:
        assert count == 3
        return steps.append

    report = grade(tmp_path, graded.out, pool=pool, course=graded.course, start=start)  # type: ignore[arg-type]
    assert report.graded[0].points == 6.5
    assert steps == ["solution toy", "anna toy", "anna toy"]
    book = Gradebook(graded.out, graded.course.folder / "nbgrader_config.py")
    assert {m.student for m in book.marks()} == set(POINTS)  # the others are still there
    with Database(f"sqlite:///{graded.out / 'gradebook.db'}") as database:
        assert database.find_grade("toy-why", "toy", "toy", "anna").manual_score == 2.5


def test_a_solution_that_fails_stops_everything(pool: Pool, tmp_path: Path) -> None:
    toy = course(tmp_path / "course", broken="import a_package_that_is_missing")
    release = nbformat.read(toy.release("toy"), as_version=4)
    hand_in(tmp_path / "in", "anna", copy.deepcopy(release))
    with pytest.raises(ReidError, match="the solution of toy itself fails here, in broken"):
        grade(tmp_path / "in", tmp_path / "out", pool=pool, course=toy)


def test_folders_that_hold_nothing(pool: Pool, tmp_path: Path) -> None:
    toy = course(tmp_path / "course")
    for folder in (tmp_path / "nowhere", tmp_path / "course" / "source" / "toy"):
        with pytest.raises(ReidError, match="expected"):
            grade(folder, tmp_path / "out", pool=pool, course=toy)
    with pytest.raises(ReidError, match="no set 'ps99'; there are toy"):
        grade(tmp_path, tmp_path / "out", pool=pool, course=toy, only="ps99")


def test_a_release_that_is_not_what_the_source_makes(tmp_path: Path) -> None:
    toy = course(tmp_path)
    assert toy.stale("toy") is None
    assert toy.write("toy") is False
    path = toy.release("toy")
    path.write_text(path.read_text().replace("Twice.", "Thrice."))
    assert toy.stale("toy") == "has a release that its source does not make"
    path.unlink()
    assert toy.stale("toy") == "has no release"
    assert toy.write("toy") is True
    text = path.read_text()
    assert "# twice" not in text
    assert "-6" not in text
    assert "Because" not in text
    assert "3 for any reason" not in text
    assert 'raise NotImplementedError(\\"not implemented yet\\")' in text
    assert "*Your answer here.*" in text
