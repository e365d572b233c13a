"""Docstrings become Markdown, links of pages become links of the book."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def load(name: str) -> ModuleType:
    """A module of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"book_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def docstrings() -> ModuleType:
    pytest.importorskip("myst_parser", reason="the book's packages are not installed: .[book]")
    return load("docstrings")


@pytest.fixture(scope="module")
def book() -> ModuleType:
    return load("book")


def test_arguments_become_a_list(docstrings: ModuleType) -> None:
    text = "Do it.\n\nx, y: (b, t),\n    on two lines.\nlate: 1.\nProse, which\nends: here."
    assert docstrings.markdown(text) == (
        "Do it.\n\n* `x`, `y`: (b, t),\n    on two lines.\n* `late`: 1.\n\n"
        "Prose, which\nends: here."
    )


def test_sections_of_a_docstring_become_headings(docstrings: ModuleType) -> None:
    text = "Do it.\n\nArgs:\n    x: one.\nRaises:\n    ReidError: no file."
    assert [line for line in docstrings.markdown(text).splitlines() if line] == [
        "Do it.",
        "**Args**",
        "* `x`: one.",
        "**Raises**",
        "* `ReidError`: no file.",
    ]


def test_prose_of_a_module_stays_prose(docstrings: ModuleType) -> None:
    text = "trsa: a paper.\n\nDiffers here\n    Nothing.\n\nThe rest\n* is: a list\n\n    f = g"
    assert [line for line in docstrings.markdown(text, arguments=False).splitlines() if line] == [
        "trsa: a paper.",
        "**Differs here**",
        "Nothing.",
        "**The rest**",
        "* is: a list",
        "    f = g",
    ]


def test_names_of_ours_are_linked(docstrings: ModuleType) -> None:
    found = docstrings.markdown("See `reidlib.losses.focal` and `focal`.")
    assert found == "See {py:obj}`reidlib.losses.focal` and `focal`."


def test_links_lead_to_pages_of_the_book(book: ModuleType) -> None:
    home, readme = ROOT / "notebooks", ROOT / "README.md"

    def relinked(text: str) -> str:
        return str(book.relinked(text, home, {readme}))

    assert relinked("[a](../README.md#run)") == "[a](../README.md#run)"
    assert relinked("[`x`](../reidlib/models/trsa.py)") == "[`x`](../api/reidlib.models.trsa.md)"
    assert relinked("[x](../reidlib/models)") == "[x](../api/reidlib.models.md)"
    assert relinked("[x](../LICENSE)") == "x (in the repository: `LICENSE`)"
    for untouched in ("[x](no.md)", "![x](../docs/promenade.jpg)", "[x](https://a.b)", "x[0](y)"):
        assert relinked(untouched) == untouched


def test_folded_answers_are_markdown(book: ModuleType) -> None:
    folded = book.folded("<details><summary>Answer</summary>It is $x$.</details>")
    assert folded == "<details><summary>Answer</summary>\n\nIt is $x$.\n\n</details>\n"
    assert book.folded(folded) == folded
