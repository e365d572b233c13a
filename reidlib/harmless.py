"""Changes of source files that left the numbers of the runs they spare as they were, bit for bit.

A record is stale once a file that shaped it is another one. Where a change adds an option, or mends
a case that the run never met, that would throw away hours of training for nothing. Such a change
stands here, with the file's hash before and after and with the reason; a later change of the file
ends it. What is declared here is tested where the reason names what can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def _any_run(recipe: Mapping[str, Any]) -> bool:
    return True


def _erases_no_single_frame(recipe: Mapping[str, Any]) -> bool:
    augment = recipe.get("augment", {})
    return bool(augment.get("erase_mode") != "per_frame" or not augment.get("erase"))


@dataclass(frozen=True)
class Harmless:
    """One change of a file (from the package's folder). spares: which recipes' runs, given as
    plain data, have the same numbers before and after."""

    file: str
    before: str
    after: str
    why: str
    spares: Callable[[Mapping[str, Any]], bool] = _any_run


HARMLESS = (
    Harmless(
        "data/sampling.py", "1743163d51df", "7e0c73cbbc0f",
        "two rules more, that no recipe names; frames can have generators of their own",
    ),
    Harmless(
        "data/transforms.py", "8b10f4cc00a5", "ec92f3fd5e66",
        "per_frame erasing decides for every frame, by a number drawn after all others; draws a "
        "frame, area and aspect are options whose defaults are what they were",
        _erases_no_single_frame,
    ),
    Harmless(
        "evaluation/distance.py", "8c00d7298fe3", "4b34be096951",
        "a gallery of one-number embeddings may be a transposed one",
    ),
    Harmless(
        "losses/cross_entropy.py", "2e3993bbfeba", "541403fbccb4", "labels may be 32-bit numbers"
    ),
    Harmless(
        "models/backbone.py", "bec21aa016bf", "9574ee5f5da3",
        "map_size counts what a stem without padding loses; recipes' frames lose nothing",
    ),
    Harmless(
        "models/tacan.py", "b310183e73dc", "509dba225251",
        "padded clips leave no trace in a batch norm or a gradient; training has no padded clips",
    ),
    Harmless(
        "records.py", "158109bc6fc9", "0e7a1ca58f94",
        "which files are set aside, and that scores are from 0 to 1; records are the same",
    ),
    Harmless(
        "reranking.py", "0440a35d35ea", "ef96c5ae7895", "k2 = 1 averages nothing; no record has it"
    ),
)  # fmt: skip


def alike(file: str, then: str, now: str, recipe: Mapping[str, Any]) -> bool:
    """Whether a run of the recipe has the same numbers with a file's two states (their hashes)."""
    seen = set()
    while then != now and then not in seen:
        seen.add(then)
        known = (h for h in HARMLESS if (h.file, h.before) == (file, then) and h.spares(recipe))
        then = next((h.after for h in known), then)
    return then == now
