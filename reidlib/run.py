"""One run from start to record: train, score, write down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from reidlib.build import build
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError
from reidlib.evaluation import Score
from reidlib.extraction import embed_subsets, score_subsets
from reidlib.memory import keep_freed_memory
from reidlib.recipes.core import Profile, Recipe
from reidlib.records import Record, make_record, write_record
from reidlib.training import Trained, train


class Done(NamedTuple):
    """What a run leaves in memory, and where its record lies."""

    trained: Trained
    queries: Tensor  # (q, d) embeddings, in the order of the data set
    gallery: Tensor  # (g, d)
    score: Score
    record: Record
    path: Path


def check(recipe: Recipe, profile: Profile, num_classes: int = 2) -> nn.Module:
    """The recipe's model with drawn weights, to see that it can be built before data are made.

    Raises ReidError where its options do not fit together, in the model's own words.
    """
    try:
        return build(recipe, profile, num_classes, pretrained=False).model
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ReidError(
            f"{recipe.name} cannot be built at the size of profile {profile.name}: {error}"
        ) from error


def run(
    recipe: Recipe,
    profile: Profile,
    dataset: TrackletDataset,
    out: Path,
    *,
    seed: int = 0,
    weights: Path | None = None,
    device: str | None = None,
    fresh: bool = False,
    progress: bool = True,
) -> Done:
    """Train the recipe in the folder `out`, score it on the data's queries, write the record there.

    Arguments as in `reidlib.training.train`.
    """
    keep_freed_memory()
    trained = train(
        recipe, profile, dataset, seed=seed, out=out, weights=weights, device=device, fresh=fresh,
        progress=progress,
    )  # fmt: skip
    started = time.perf_counter()
    queries, gallery = embed_subsets(
        trained.model, dataset, recipe, profile, device=trained.device, progress=progress
    )
    score = score_subsets(queries, gallery, dataset, recipe, profile)
    seconds = {"scoring": round(time.perf_counter() - started, 3)}
    scored = str(dataset.settings.get("scenario", dataset.name))
    record = make_record(trained, {scored: score.summary()}, seconds=seconds)
    return Done(trained, queries, gallery, score, record, write_record(record, out))
