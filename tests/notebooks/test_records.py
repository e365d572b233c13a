"""Notebook 10 is honest with any amount of records: none, one world of some rows, all of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from matplotlib import pyplot as plt

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.experiments import five_papers, prices
from reidlib.recipes import PAPERS
from tests.experiments.fake_records import leave

mpl.use("agg")
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "10_five_papers_one_protocol.ipynb"
SHARES = np.linspace(0.5, 0.6, 5)


def some(folder: Path) -> None:
    leave(folder, "baseline", *SHARES)
    leave(folder, "sinet", 0.7)
    leave(folder, "sinet-2/base", 0.6)


def everything(folder: Path) -> None:
    """Whole recipes gain 1, 2, ... points over the baseline, modules as many over their bases."""
    full = {scenario: SHARES for scenario in SCENARIOS if scenario != "street"}
    for name in ("baseline", *five_papers.OWN.values()):
        leave(folder, name, *SHARES, **full)
    for points, name in enumerate(PAPERS, start=1):
        better = {scenario: scores + points / 100 for scenario, scores in full.items()}
        leave(folder, name, *(SHARES + points / 100), **better)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Runs the notebook on these records, counting costs at a small size; what it prints."""
    monkeypatch.chdir(tmp_path)  # where references of figures are kept
    monkeypatch.delenv("CI", raising=False)  # there are none here: written, not missed
    monkeypatch.setattr("reidlib.files.data_folder", lambda name: tmp_path / name)
    monkeypatch.setattr(prices, "price", partial(prices.price, size="smoke"))
    monkeypatch.setattr("reidlib.costs.claims", lambda paper: ())  # counts, and slowly
    monkeypatch.setattr("reidlib.notebooks.show_text", lambda markdown, plain="": print(markdown))

    def runs(make: Any = None) -> str:
        if make:
            make(tmp_path / "results")
        space: dict[str, Any] = {"__name__": "notebook"}
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, NOTEBOOK.name, "exec"), space)
        plt.close("all")
        return str(capsys.readouterr().out)

    return runs


@pytest.mark.slow
def test_without_records(run: Any) -> None:
    said = run()
    assert "baseline 0 of 5" in said
    assert "reid experiment baseline trsa" in said
    assert "SINet, 14 claims: 14 not measured yet" in said
    assert "framed: 9 cells, 0 with an interval" in said
    assert "`reid truth` measures what has no record yet: T5, T6, R7" in said
    assert "No method has a record beside its own base's yet" in said
    assert "no record: reid experiment makes it" in said


@pytest.mark.slow
def test_one_world_decides_nothing(run: Any) -> None:
    said = run(some)
    assert "baseline 0 of 5" in said  # five worlds, one scenario
    assert "+10.0, one world" not in said  # the guide takes only what is sure
    assert "0 surely above zero" in said
    assert "No method has a record beside" not in said


@pytest.mark.slow
def test_with_all_of_them(run: Any) -> None:
    said = run(everything)
    assert "Nothing is missing." in said
    assert "others: 21 cells, 21 with an interval; 0 surely above zero" in said  # as in clean
    assert said.count("SINet +5.0 [+5.0, +5.0], 5 worlds") == len(SCENARIOS)
