"""From a trained model and a data set to embeddings and a score."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reidlib.data.tracklets import TrackletDataset
from reidlib.data.transforms import prepare
from reidlib.embedding import embed_tracklets
from reidlib.evaluation import Score, score, score_features
from reidlib.recipes.core import Profile, Recipe, Test, plan
from reidlib.store import Embeddings, extract, load

__all__ = [
    "Embeddings",
    "embed_subsets",
    "embed_tracklets",
    "evaluate",
    "extract",
    "frames_seen",
    "load",
]


def evaluate(
    model: nn.Module,
    dataset: TrackletDataset,
    recipe: Recipe,
    profile: Profile,
    *,
    device: torch.device | str = "cpu",
    chunk: int = 32,
    folder: Path | None = None,
    progress: bool = True,
    **rules: Any,
) -> Score:
    """Score the data set's queries against its gallery, as the recipe's test says.

    chunk: clips a forward pass. rules: as for `score_subsets`.
    folder: where embeddings are kept and found again (see `extract`); None keeps nothing.
    """
    how: dict[str, Any] = {"device": device, "chunk": chunk, "progress": progress}
    queries, gallery = embed_subsets(model, dataset, recipe, profile, folder=folder, **how)
    return score_subsets(queries, gallery, dataset, recipe, profile, **rules)


def score_subsets(
    queries: Tensor,
    gallery: Tensor,
    dataset: TrackletDataset,
    recipe: Recipe,
    profile: Profile,
    *,
    rerank: bool = False,
    **rules: Any,
) -> Score:
    """The score of embeddings that `embed_subsets` made; rules: of `reidlib.evaluation.Rules`.

    rerank: by k-reciprocal neighbours first, junk being nobody's neighbour; the protocol says so.
    """
    how: dict[str, Any] = {
        "protocol": dataset.protocol,
        "frames": frames_seen(recipe.test, plan(recipe, profile).frames),
        "junk_pids": dataset.junk_pids,
        "camera_rule": dataset.settings.get("camera_rule", "same_id_same_cam"),
        **rules,
    }
    held, metric = dataset.gallery, recipe.test.distance
    if rerank:
        from reidlib.reranking import rerank_features

        real = [i for i, t in enumerate(held) if t.pid not in how["junk_pids"]]
        held = tuple(held[i] for i in real)
        matrix = rerank_features(queries, gallery[real], unit=metric == "cosine")
        how["protocol"] += "; re-ranked by k-reciprocal neighbours (k1 20, k2 6, lambda 0.3)"
    labels = [
        [getattr(t, name) for t in subset]
        for name in ("pid", "camid")
        for subset in (dataset.query, held)
    ]
    if rerank:
        return score(matrix, *labels, **how)
    return score_features(queries, gallery, *labels, metric=metric, **how)


def embed_subsets(
    model: nn.Module,
    dataset: TrackletDataset,
    recipe: Recipe,
    profile: Profile,
    *,
    folder: Path | None = None,
    **how: Any,
) -> tuple[Tensor, Tensor]:
    """Embeddings of the queries (q, d) and of the gallery (g, d), as the recipe's test says.

    A tracklet that is in both subsets is embedded once. folder and how: as in `evaluate`.
    """
    settings = plan(recipe, profile)
    how |= {
        "clip_length": settings.frames,
        "test": recipe.test,
        "transform": partial(
            prepare, size=settings.size, interpolation=recipe.augment.interpolation
        ),
    }
    tracklets = list({t.row: t for t in (*dataset.query, *dataset.gallery)}.values())
    if folder is None:
        embeddings = embed_tracklets(model, dataset, tracklets, **how)
    else:
        embeddings = extract(model, dataset, tracklets, folder, **how).embeddings
    place = {tracklet.row: i for i, tracklet in enumerate(tracklets)}
    queries, gallery = (
        embeddings[[place[t.row] for t in subset]] for subset in (dataset.query, dataset.gallery)
    )
    return queries, gallery


def frames_seen(test: Test, clip_length: int) -> str:
    """Which frames of a tracklet count: "overlap, clips of 8, stride 4, tail cover"."""
    length = test.length or clip_length
    more = f", stride {test.stride or max(1, length // 2)}, tail {test.tail}"
    return f"{test.frames}, clips of {length}" + (more if test.frames == "overlap" else "")
