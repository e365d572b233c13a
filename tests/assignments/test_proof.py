"""Every set: its solution has full marks, an untouched release none, each mistake costs its own.

One wrong submission carries one mistake in every exercise: the k-th has the k-th of each.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytest.importorskip("resource", reason="submissions run where processes can fork")

from reidlib.course.gradebook import Mark
from reidlib.course.grading import Report, grade
from reidlib.course.pool import Pool
from reidlib.course.sets import Course, code_cells, flag
from tests.assignments.mutants import Mutant
from tests.assignments.toy import answered, hand_in

COURSE = Course()
NAMES = COURSE.names()


def mutants(name: str) -> dict[str, list[Mutant]]:
    found: dict[str, list[Mutant]] = importlib.import_module(
        f"tests.assignments.mutants.{name}"
    ).MUTANTS
    return found


def exercises(notebook: Any) -> list[str]:
    return [flag(c, "grade_id") for c in code_cells(notebook) if flag(c, "solution")]


def worth(notebook: Any) -> dict[str, float]:
    """Points of the test cells."""
    return {
        flag(c, "grade_id"): flag(c, "points") for c in code_cells(notebook) if flag(c, "grade")
    }


@dataclass
class Proof:
    """What a set's submissions got: `right`, `untouched`, `wrong-0`, `wrong-1`, ..."""

    name: str
    report: Report
    marks: dict[str, list[Mark]]
    out: Path

    def executed(self, student: str) -> Any:
        path = self.out / "executed" / student / self.name / f"{self.name}.ipynb"
        return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with Pool(tmp_path_factory.mktemp("frames")) as pool:
        yield pool


@pytest.fixture(scope="module", params=NAMES)
def proof(
    request: pytest.FixtureRequest, pool: Pool, tmp_path_factory: pytest.TempPathFactory
) -> Proof:
    from reidlib.course.gradebook import Gradebook

    name = request.param
    folder = tmp_path_factory.mktemp(name)
    source, release = COURSE.read(name), nbformat.read(COURSE.release(name), as_version=4)
    right = {flag(c, "grade_id"): c.source for c in source.cells if flag(c, "solution")}
    hand_in(folder / "in", "right", answered(release, right), name)
    hand_in(folder / "in", "untouched", release, name)
    wrong = mutants(name)
    for k in range(max(map(len, wrong.values()))):
        answers = right | {ex: own[k].source for ex, own in wrong.items() if k < len(own)}
        hand_in(folder / "in", f"wrong-{k}", answered(release, answers), name)
    report = grade(folder / "in", folder / "out", pool=pool, course=COURSE, feedback=False)
    marks: dict[str, list[Mark]] = {}
    for mark in Gradebook(folder / "out", COURSE.folder / "nbgrader_config.py").marks():
        marks.setdefault(mark.student, []).append(mark)
    return Proof(name, report, marks, folder / "out")


def lost(marks: list[Mark]) -> set[str]:
    return {m.cell for m in marks if m.points is not None and m.points < m.most}


def test_nothing_was_refused_or_stopped(proof: Proof) -> None:
    assert proof.report.problems == []
    assert [g for g in proof.report.graded if g.stopped or g.notes] == []
    assert proof.report.mended == []


def test_the_solution_has_full_marks(proof: Proof) -> None:
    source = COURSE.read(proof.name)
    by_tests = {m.cell: m.points for m in proof.marks["right"] if m.points is not None}
    assert by_tests == worth(source)
    for cell in code_cells(proof.executed("right")):
        assert all(o.output_type != "error" for o in cell.outputs), cell.source


def test_an_untouched_release_has_none_and_fails_in_tests_alone(proof: Proof) -> None:
    assert {m.points for m in proof.marks["untouched"]} == {0.0}
    for cell in code_cells(proof.executed("untouched")):
        failed = any(o.output_type == "error" for o in cell.outputs)
        assert failed == bool(flag(cell, "grade")), cell.source


def test_each_mistake_costs_exactly_its_own_points(proof: Proof) -> None:
    wrong = mutants(proof.name)
    most = {m.cell: m.most for m in proof.marks["right"]}
    told = []
    for k in range(max(map(len, wrong.values()))):
        own = [made[k] for made in wrong.values() if k < len(made)]
        expected = {cell for mutant in own for cell in mutant.loses}
        found = lost(proof.marks[f"wrong-{k}"])
        for mutant in own:
            missed = set(mutant.loses) - found
            if missed:
                told.append(f"{mutant.name}: keeps {sorted(missed)}")
        for cell in sorted(found - expected):
            told.append(f"wrong-{k}: loses {cell}, {most[cell]:g} points, to no mistake of its own")
    assert not told, "\n".join(told)


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_three_mistakes_and_each_costs_something(name: str) -> None:
    source, wrong = COURSE.read(name), mutants(name)
    assert set(wrong) == set(exercises(source))
    for exercise, own in wrong.items():
        assert len(own) >= 3, exercise
        assert len({m.name for m in own}) == len(own)
        for mutant in own:
            assert mutant.loses, mutant.name
            assert {c for c in mutant.loses if c.startswith(f"{exercise}-")} == set(mutant.loses)
            assert set(mutant.loses) <= set(worth(source)), mutant.name


@pytest.mark.parametrize("name", NAMES)
def test_the_release_is_what_the_source_makes(name: str) -> None:
    assert COURSE.stale(name) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_release_holds_no_solution_and_no_hidden_test(name: str) -> None:
    source, release = COURSE.read(name), nbformat.read(COURSE.release(name), as_version=4)
    text = "\n".join(c.source for c in release.cells)
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN|MARK)", text)
    given = {c.id: c.source for c in release.cells}
    for cell in source.cells:
        inside = re.findall(r"BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)\n *### END", cell.source, re.S)
        if flag(cell, "grade") and flag(cell, "solution"):  # written: all of it is the answer
            inside = [cell.source]
        for line in (line for region in inside for line in region.splitlines()):
            kept = [line for line in given[cell.id].splitlines() if line.strip()]
            outside = cell.source.count(line) - sum(region.count(line) for region in inside)
            assert line not in kept or outside > 0 or not line.strip(), line
        if flag(cell, "solution") and cell.cell_type == "code":
            assert inside, f"{flag(cell, 'grade_id')} has no solution"
            assert 'raise NotImplementedError("not implemented yet")' in given[cell.id]
    assert all(not c.outputs and c.execution_count is None for c in code_cells(release))
    assert all(not c.outputs for c in code_cells(source))


@pytest.mark.parametrize("name", NAMES)
def test_a_set_has_the_form_that_the_guide_promises(name: str) -> None:
    source = COURSE.read(name)
    graded = [c for c in source.cells if flag(c, "grade")]
    assert 4 <= len(exercises(source)) <= 6
    assert 20 <= sum(flag(c, "points") for c in graded) <= 30
    assert any(c.cell_type == "markdown" for c in graded), "no written question"
    assert all("MARK SCHEME" in c.source for c in graded if c.cell_type == "markdown")
    for exercise in exercises(source):
        own = [c for c in worth(source) if c.startswith(f"{exercise}-")]
        assert len(own) >= 2, f"{exercise} gives no part of its points"
    text = "\n".join(c.source for c in source.cells)
    assert re.search(r"^SEED = \d+", text, flags=re.MULTILINE)
    assert "<details><summary>" in text
    assert "find_spec" in code_cells(source)[0].source
