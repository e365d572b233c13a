"""The notebook files themselves: run, clean, readable, and really compared when they are tested."""

from __future__ import annotations

import base64
import copy
import json
import re
import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from reidlib.errors import ReidError
from reidlib.notebooks import KERNEL, execute, numbered, show, show_text, tidy

mpl.use("agg")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = numbered(FOLDER)
CHECKED = "nbval-check-output"
# Pictures of what the notebook itself has just trained or built, where near ties and last digits
# differ from machine to machine: notebook -> a line of the cell.
TRAINED_HERE = {
    "00": ("draw_rankings(spread(rankings, 4)",), "02": ("left.plot(log[:, 0]",),
    "04": ("draw_rankings(spread(",), "05": ("draw_rankings(spread(",),
}  # fmt: skip
GLOSSED = re.compile(r"^\| \*\*(.+?)\*\*.*\[\d+\]\((\S+)\) \|$", re.M)


def cells(path: Path, kind: str = "code") -> list[Any]:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_cell_was_run_and_none_failed(path: Path) -> None:
    """nbval never compares a cell without a count, so a cleared notebook would always pass."""
    for number, cell in enumerate(cells(path), start=1):
        assert cell.execution_count == number
        assert all(output.output_type != "error" for output in cell.outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_what_a_figure_draws_is_compared(path: Path) -> None:
    """Every picture but those of what the notebook itself trained, which no two machines repeat."""
    for cell in cells(path):
        told = "".join(o.text for o in cell.outputs if o.output_type == "stream")
        names = re.findall(r"^figure (\w+)$", told, re.MULTILINE)
        pictures = sum("image/png" in o.get("data", {}) for o in cell.outputs)
        if any(line in cell.source for line in TRAINED_HERE.get(path.stem[:2], ())):
            continue
        assert len(names) == pictures, cell.source
        for name in names:
            assert CHECKED in cell.metadata.get("tags", []), cell.source
            assert name.startswith(f"fig_{path.stem[:2]}_")
            assert (FOLDER / "reference" / f"{name}.json").is_file()


def test_every_reference_belongs_to_a_figure() -> None:
    told = "".join(path.read_text() for path in NOTEBOOKS)
    stored = {path.stem for path in (FOLDER / "reference").glob("*.json")}
    assert stored == {name for name in stored if f"figure {name}\\n" in told}


def test_references_come_back_when_a_notebook_fails(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    kept, other = (tmp_path / "reference" / f"fig_{n}_a.json" for n in ("77", "78"))
    for path in (kept, other):
        path.write_text("{}")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "77_fails.ipynb")
    with pytest.raises(ReidError, match="ZeroDivisionError"):
        execute(tmp_path / "77_fails.ipynb", redraw=True)
    assert kept.read_text() == other.read_text() == "{}"
    notebook.cells[0].source = "pass"
    nbformat.write(notebook, tmp_path / "77_fails.ipynb")
    execute(tmp_path / "77_fails.ipynb", redraw=True)
    assert not kept.exists()
    assert other.exists()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_numbers_are_compared_somewhere(path: Path) -> None:
    assert sum(CHECKED in cell.metadata.get("tags", []) for cell in cells(path)) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_files_hold_no_times_paths_or_versions(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec == KERNEL
    assert "version" not in notebook.metadata.language_info
    for cell in notebook.cells:
        assert "execution" not in cell.metadata
        for output in cell.get("outputs", []):
            text = json.dumps(output)
            assert "<reidlib." not in text  # the repr of an object
            assert not re.search(r"0x[0-9a-f]{8}|/tmp/|site-packages", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_cells_are_short_and_each_has_prose_before_it(path: Path) -> None:
    lengths = sorted(len(cell.source.splitlines()) for cell in cells(path))
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[-1] <= 40
    first = cells(path, "markdown")[0].source
    assert "**Goal.**" in first or "**Goal**" in first
    kinds = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
    bare = [n for n, pair in enumerate(pairwise(kinds), 1) if pair == ("code", "code")]
    assert not bare, f"no prose before cells {bare}"


FIRST = cells(NOTEBOOKS[0])[0].source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_first_cell_installs_and_is_the_same_everywhere(path: Path) -> None:
    assert cells(path)[0].source == FIRST


@pytest.mark.parametrize("there", [True, False])
def test_where_the_project_is_missing_the_first_cell_installs_it(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    if there:
        (tmp_path / "pyproject.toml").touch()
        exec(FIRST, {})
        assert commands == [
            [sys.executable, "-m", "pip", "install", "--quiet", "-e", tmp_path.resolve()]
        ]
        assert sys.path[0] == str(tmp_path.resolve())
    else:
        with pytest.raises(SystemExit, match="Clone the whole project first"):
            exec(FIRST, {})
        assert not commands


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_links_between_files_lead_somewhere(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for target in re.findall(r"\]\(([^)#:]+)\)", cell.source):
            assert (FOLDER / target).exists(), target


def small(source: str, folder: Path) -> Path:
    path = folder / "00_small.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.cells[0].metadata["tags"] = [CHECKED]
    nbformat.write(notebook, path)
    return path


def test_running_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = small("print('one')\nprint(1 / 3)", tmp_path)
    execute(path)
    first = path.read_bytes()
    execute(path)
    assert path.read_bytes() == first
    assert b"0.3333" in first


def test_pictures_are_stored_whatever_the_shell_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = small("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", tmp_path)
    execute(path)
    assert b"image/png" in path.read_bytes()


def test_a_failing_cell_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    path = small("raise ValueError('no')", tmp_path)
    before = path.read_bytes()
    with pytest.raises(ReidError, match=r"00_small.ipynb, cell 0: ValueError: no"):
        execute(path)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_changed_number_fails_the_suite(tmp_path: Path) -> None:
    path = small("print(0.25)", tmp_path)
    execute(path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["--nbval-current-env", str(path)]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    path.write_text(path.read_text().replace("0.25\\n", "0.26\\n"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


def test_tidy_drops_what_differs_between_runs() -> None:
    cell = nbformat.v4.new_code_cell("x")
    cell.metadata["execution"] = {"iopub.execute_input": "now"}
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="a"),
        nbformat.v4.new_output("stream", name="stderr", text="progress"),
        nbformat.v4.new_output("stream", name="stdout", text="b"),
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    other = copy.deepcopy(notebook)
    other.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text="ab")]
    tidy(notebook)
    tidy(other)
    assert notebook == other


def test_words_of_the_glossary_occur_where_it_sends_its_reader() -> None:
    appendix = next(path for path in NOTEBOOKS if path.stem.startswith("11"))
    rows = [row for cell in cells(appendix, "markdown") for row in GLOSSED.findall(cell.source)]
    assert len(rows) > 50
    for words, target in rows:
        notebook = nbformat.read(FOLDER / target, as_version=4)
        text = " ".join(" ".join(cell.source for cell in notebook.cells).split()).lower()
        for word in words.split(", "):
            assert word.lower() in text, f"{word} is not in {target}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_stored_figure_differs_from_its_reference(path: Path) -> None:
    told = json.dumps([cell.get("outputs") for cell in cells(path)])
    assert "not as in its reference" not in told


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_notebook_shrinks_its_pictures_itself(path: Path) -> None:
    """`reidlib.notebooks.show` does it."""
    assert not any("quantize(" in cell.source for cell in cells(path))


def test_a_shown_figure_is_checked_closed_and_small(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    figure, axes = plt.subplots(figsize=(3, 3))
    axes.imshow(np.random.default_rng(0).random((64, 64, 3)))
    number = figure.number
    show(figure, "noise")
    assert capsys.readouterr().out.startswith("figure noise")
    assert (tmp_path / "reference" / "noise.json").is_file()
    show_text("**a**", "a")
    picture = Image.open(BytesIO(base64.b64decode(shown[0]["image/png"])))
    assert len(picture.getcolors()) <= 64
    assert not plt.fignum_exists(number)
    assert shown[1] == {"text/markdown": "**a**", "text/plain": "a"}
