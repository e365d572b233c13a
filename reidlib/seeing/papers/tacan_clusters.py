"""TACAN's Figure 5 and Table 3: do people's tracklets lie closer together?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.embedding import embed_tracklets
from reidlib.models.output import Output
from reidlib.seeing.arms import Arm, Drawn
from reidlib.seeing.attention import look
from reidlib.seeing.clusters import (
    PERPLEXITY,
    choose_people,
    diameters,
    flat,
    perplexity_of,
    purity,
    silhouette,
)
from reidlib.seeing.drawing import (
    scatter,
)
from reidlib.seeing.health import faults
from reidlib.seeing.words import caption, keys, labels, number


def tsne(arms: Sequence[Arm], dataset: TrackletDataset, people: int = 5, seed: int = 0) -> Drawn:
    """Figure 5 and Table 3: five people's tracklets in each model, flat and in numbers.

    The paper shows about 121 tracklets. Where there are too few for its perplexity, the clips of
    each are points, too, so that neighbours mean something; all numbers are of whole tracklets.
    """
    asked = {t.pid for t in dataset.query}
    rows = choose_people([t.pid for t in dataset.gallery], people, seed, asked)
    tracklets = [dataset.gallery[i] for i in rows]
    owners_of = [t.raw_pid for t in tracklets]
    pieces = perplexity_of(len(tracklets)) < PERPLEXITY
    panels, numbers, embeddings, frames = [], {}, {}, {}
    whole: list[bool] = []
    for arm, key, name in zip(arms, keys(arms), labels(arms)):
        x = embed(arm, dataset, tracklets)
        near, split = purity(x, owners_of), silhouette(x, owners_of)
        points, owners, whole = x, owners_of, []
        if pieces:
            clips = [embed_clips(arm, dataset, t) for t in tracklets]
            points = torch.cat([*(clip for clip, _ in clips), x])
            owners = [i for i, (clip, _) in zip(owners_of, clips) for _ in clip] + owners_of
            whole = [False] * (len(points) - len(x)) + [True] * len(x)
            frames[key] = [seen for _, seen in clips]
        else:
            frames[key] = [dataset.frames.read(t, [len(t) // 2]) for t in tracklets]
        heading = f"{name}\npurity {number(near)}, silhouette {number(split)}"
        panels.append((heading, flat(points, seed), owners))
        embeddings[name] = x
        laid = {"points": len(points), "perplexity": perplexity_of(len(points))}
        about = {"purity": near, "silhouette": split, **asdict(diameters(x, owners_of))}
        numbers[key] = {**about, **laid}
    words = faults(next(iter(frames.values()), ()), embeddings=embeddings)
    lines = [f"{name}: {_table_3(row)}." for name, row in zip(labels(arms), numbers.values())]
    count = min(row["points"] for row in numbers.values())
    figure = scatter(
        panels,
        whole=whole,
        title="TACAN, Figure 5: tracklets of five people" if people == 5 else "TACAN, Figure 5",
        caption=caption(
            dataset,
            arms,
            f"{people} people with {len(tracklets)} tracklets, drawn by seed {seed}.",
            _pieces_told(len(tracklets), count) if pieces else "",
            _perplexity_told(count),
            "Purity of 5 neighbours, silhouette and Table 3's diameters (of each person, as the "
            "numbers rise) are of whole tracklets, in the embedding's own space. Distances between "
            "groups mean nothing in t-SNE.",
            *lines,
            "Unit: of embeddings brought to length one, as the printed values seem to be; "
            "relative: in mean distances between people. Raw ones mean nothing across models.",
            *words,
        ),
    )
    return Drawn(figure, numbers, words)


def _pieces_told(tracklets: int, points: int) -> str:
    return (
        f"The paper shows about 121 tracklets; {tracklets} are too few for its perplexity, so "
        f"small points are the {points - tracklets} clips of these tracklets, and large ringed "
        "ones the whole tracklets."
    )


def _perplexity_told(points: int) -> str:
    """The perplexity that was used, and that it was lowered."""
    used = perplexity_of(points)
    lowered = f"lowered from {PERPLEXITY:g}, too many for {points} points"
    return f"t-SNE from a PCA start, perplexity {used:.3g}" + (
        f" ({lowered})." if used < PERPLEXITY else "."
    )


def _table_3(row: dict[str, Any]) -> str:
    """The three diameters of each identity, in words."""
    kinds = ("raw", "unit", "relative")
    return "diameters " + "; ".join(
        f"{kind} {', '.join(number(v) for v in row[kind])}"
        if np.isfinite(row[kind]).any()
        else f"{kind} not known with one person"
        for kind in kinds
    )


def embed_clips(
    arm: Arm, dataset: TrackletDataset, tracklet: Tracklet
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (m, d) of a tracklet's clips, cut as the recipe tests, each as if it were all;
    and the frames, uint8 (m t, 3, h, w)."""
    seen = look(arm.model, dataset, tracklet, arm.recipe, arm.profile, with_truth=False)
    names = getattr(arm.model, "pool_maps", ())
    found = []
    for i in range(len(seen.places)):
        maps = {name: seen.output.maps[name][i : i + 1] for name in names}
        with torch.no_grad():
            one = Output(seen.output.embedding[i : i + 1], maps=maps)
            found.append(arm.model.pool(one).float())  # type: ignore[operator]
    return torch.stack(found), seen.flat(seen.frames)


def embed(arm: Arm, dataset: TrackletDataset, tracklets: Sequence[Tracklet]) -> torch.Tensor:
    """Embeddings (n, d) of tracklets, as the recipe tests."""
    from functools import partial

    from reidlib.data.transforms import prepare
    from reidlib.recipes.core import plan

    numbers = plan(arm.recipe, arm.profile)
    transform = partial(prepare, size=numbers.size, interpolation=arm.recipe.augment.interpolation)
    return embed_tracklets(
        arm.model, dataset, tracklets, clip_length=numbers.frames, transform=transform,
        test=arm.recipe.test, progress=False, device=next(arm.model.parameters()).device,
    )  # fmt: skip
