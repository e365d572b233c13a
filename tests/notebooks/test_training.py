"""TRAIN = True in the papers' notebooks: the cells that train, and all they need, run at `smoke`.

Of a notebook only that part is run, in this process: the cells that speak of training or of its
curves, and before them whatever cell makes a name that they use.
"""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nbformat
import pytest
from matplotlib import pyplot as plt

import reidlib.training
from reidlib.notebooks import numbered
from reidlib.seeing.arms import Arm

mpl.use("agg")
FOLDER = Path(__file__).parents[2] / "notebooks"
PAPERS = [path for path in numbered(FOLDER) if "04" <= path.stem[:2] <= "08"]
TRAINS = re.compile(r'\bTRAIN\b|\btrained[(,]|\["step"\]')  # the switch, a training, its curve
SWITCHES = (("^TRAIN = False", "TRAIN = True"), ('^PROFILE = "\\w+"', 'PROFILE = "smoke"'))


def sources(path: Path) -> list[str]:
    """The code cells, switched to training at `smoke`."""
    cells = nbformat.read(path, as_version=4).cells
    text = [cell.source for cell in cells if cell.cell_type == "code"]
    for pattern, instead in SWITCHES:
        assert sum(len(re.findall(pattern, source, re.M)) for source in text) == 1, pattern
        text = [re.sub(pattern, instead, source, flags=re.M) for source in text]
    return text


def names(source: str) -> tuple[set[str], set[str]]:
    """What a cell makes at its top level, and what it takes from cells before it."""
    tree = ast.parse(source)
    loaded, inside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else inside).add(node.id)
        elif isinstance(node, ast.arg):
            inside.add(node.arg)
    top = {name for statement in tree.body for name in made(statement)}
    return top, loaded - inside - top - set(dir(builtins))


def made(statement: ast.stmt) -> set[str]:
    """The names that a statement leaves behind."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
    return found


def needed(cells: list[str]) -> list[str]:
    """The cells that train, and those they lean on, in order."""
    kept: list[str] = []
    wanted: set[str] = set()
    for source in reversed(cells):
        bound, loaded = names(source)
        if TRAINS.search(source) or bound & wanted:
            kept.insert(0, source)
            wanted = (wanted - bound) | loaded
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
def test_training_in_the_notebook(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network that the notebook shows comes out of a training of a few steps."""
    runs: list[Any] = []
    train = reidlib.training.train

    def counted(*args: Any, **options: Any) -> Any:
        runs.append(train(*args, **options))
        return runs[-1]

    monkeypatch.setattr(reidlib.training, "train", counted)
    monkeypatch.chdir(FOLDER)
    space: dict[str, Any] = {"__name__": "notebook"}
    for source in needed(sources(path)):
        exec(compile(source, path.name, "exec"), space)
    plt.close("all")
    arms = [arm for value in space.values() for arm in held(value)]
    assert arms
    assert {arm.profile.name for arm in arms} == {"smoke"}
    assert {id(arm.model) for arm in arms} <= {id(run.model) for run in runs}
    assert all(run.steps == arms[0].profile.steps and run.curve["loss"] for run in runs)


def held(value: Any) -> list[Arm]:
    """The models that a notebook's variable holds."""
    values = value.values() if isinstance(value, dict) else value
    values = values if isinstance(value, dict | list) else [value]
    return [one for one in values if isinstance(one, Arm)]


def test_only_what_is_needed_is_run() -> None:
    cells = ["import math\nTRAIN = True", "heavy = 1 / 0", "size = math.pi", "unused = 2",
             "def trained(x):\n    heavy = x\n    return size"]  # fmt: skip
    assert needed(cells) == [cells[0], cells[2], cells[4]]
