"""Which source files have a say in a run's numbers, and the hash of each.

Found by following imports from the recipe's model, its losses, training and extraction. Comments,
docstrings and blank lines do not count: explaining the code better makes no record stale. Nor do
the rooms that only report (`SILENT`), nor recipes and data sets, which records repeat in full. A
change that leaves a recipe's numbers as they were, bit for bit, can be declared in `harmless.py`.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from reidlib.harmless import alike
from reidlib.losses import LOSSES
from reidlib.models import MODELS
from reidlib.recipes.core import Recipe

PACKAGE = Path(__file__).resolve().parent
TRAINING, SCORING = "reidlib.training", "reidlib.extraction"
SILENT = (
    "reidlib.checkpoints",
    "reidlib.errors",
    "reidlib.files",
    "reidlib.logbook",
    "reidlib.data.promenade",
    "reidlib.data.tracklets",
    "reidlib.recipes",
    "reidlib.sources",
    "reidlib.store",
)
SE_RESNET = "reidlib.models.senet"  # imported by `build`, used by recipes that ask for it


def sources(recipe: Recipe, *doing: str) -> dict[str, str]:
    """File (from the package's folder) -> hash, of all that shape a run of the recipe.

    doing: TRAINING, SCORING or, without any, both.
    """
    roots = {*(doing or (TRAINING, SCORING)), MODELS[recipe.model].split(":")[0]}
    roots |= {LOSSES[loss.kind].split(":")[0] for loss in recipe.losses}
    return behind(roots, () if recipe.backbone.get("se") else (SE_RESNET,))


def behind(modules: Iterable[str], skip: tuple[str, ...] = ()) -> dict[str, str]:
    """File -> hash of modules and of all that they import, the silent and `skip` apart."""
    return {name: _hash(path) for name, path in _files(frozenset(modules), skip)}


@lru_cache  # the same few for hundreds of records
def _files(modules: frozenset[str], skip: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """The files behind modules, by name."""
    roots, found = set(modules), set[str]()
    while roots:
        module = roots.pop()
        if module not in found and not module.startswith((*SILENT, *skip)):
            found.add(module)
            roots |= set(_imports(_file(module)))
    files = sorted(_file(m) for m in found if _file(m).name != "__init__.py")
    return tuple((path.relative_to(PACKAGE).as_posix(), path) for path in files)


def changed(then: Mapping[str, str], recipe: Mapping[str, Any]) -> list[str]:
    """Files of `then` that are others now for a run of the recipe, or gone."""
    paths = {name: PACKAGE / name for name in then}
    now = {name: _hash(path) for name, path in paths.items() if path.is_file()}
    return differing(then, now, recipe)


def differing(
    then: Mapping[str, str], now: Mapping[str, str], recipe: Mapping[str, Any]
) -> list[str]:
    """Files whose hashes differ, harmless changes for a run of the recipe apart.

    recipe: as plain data; without options of its own ({"name": ...}) for what is not trained.
    """
    return [
        name for name in {**then, **now}
        if not (name in then and name in now and alike(name, then[name], now[name], recipe))
    ]  # fmt: skip


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@lru_cache
def _imports(path: Path) -> tuple[str, ...]:
    """The package's own modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reidlib"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if _file(inner).exists() else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("reidlib.")}
    return tuple(sorted(found))


@lru_cache
def _hash(path: Path) -> str:
    return hashlib.sha256(bare(path.read_text(encoding="utf-8")).encode()).hexdigest()[:12]


def bare(text: str) -> str:
    """Python source without comments, docstrings, blank lines and trailing space."""
    lines = text.splitlines()
    for first, last in _docstrings(ast.parse(text)):
        lines[first : last + 1] = [""] * (last + 1 - first)
    text = "\n".join(lines) + "\n"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """First and last line (from 0) of each docstring that is not its block's only statement."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            alone = len(node.body) == 1 and not isinstance(node, ast.Module)
            if first is not None and ast.get_docstring(node) is not None and not alone:
                yield first.lineno - 1, (first.end_lineno or first.lineno) - 1
