"""TACAN: what moves a clip's weight, and how tightly the min-max loss packs people."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reidlib.data.sampling import TEST_RULES
from reidlib.data.tracklets import Tracklet
from reidlib.experiments.mechanisms.core import (
    Lab,
    Readings,
    joined,
    outputs,
    rank_within,
    where,
)
from reidlib.extraction import embed_subsets
from reidlib.recipes.core import plan
from reidlib.seeing.attention import look, needed
from reidlib.seeing.clusters import diameters, purities
from reidlib.seeing.health import embedding_faults, map_faults, still
from reidlib.seeing.truth import rank_correlation

HIDDEN = 0.3  # a clip is covered from this mean share of the person on


def weights(lab: Lab) -> Readings:
    """C3: do weights follow what befalls a clip, and nothing else?

    Clips are windows of neighbours that overlap by half. The correlations are Spearman's, over the
    clips of a tracklet and, for the weights of frames, over the frames of a clip; NaN where nothing
    differs; "random": of noise in place of the weights. Changes of weight are absolute, the clip
    under occlusion or before another background against the very same clip in clean.
    """
    found, recipe = Readings(), "tacan"
    for scene, name, told in (
        ("occlusion", "covered", "covered share"), ("corruption everywhere", "quality", "quality"),
    ):  # fmt: skip
        values = [(w, mean(name)) for w, mean in _clips(lab, recipe, scene)]
        people = [t.raw_pid for t in lab.tracklets(scene)]
        noise = np.random.default_rng(0)
        for source, pairs in (
            (recipe, values), ("random", [(noise.random(len(w)), mean) for w, mean in values]),
        ):  # fmt: skip
            inside = [rank_correlation(*pair) if len(pair[0]) > 2 else np.nan for pair in pairs]
            question = f"rank correlation of weight and {told}"
            found.add(scene, source, question, np.array(inside), people)
        seen = lab.look(recipe, scene)
        truth, _, owners = joined(seen)
        frames = outputs(seen, "frame_weights")
        found.words += [
            f"{recipe}, {scene}: {fault}" for fault in map_faults(frames, "w of frames")
        ]
        found.words += [f"{recipe}, {scene}: {fault}" for fault in still([w for w, _ in values])]
        within = rank_within(frames, truth[name].reshape(frames.shape))
        question = f"rank correlation of frame weight and {told}"
        found.add(scene, recipe, question, within, owners)
    _moved(found, lab, recipe)
    return found


def _moved(found: Readings, lab: Lab, recipe: str) -> None:
    """The same walks in clean, under occlusion and before other backgrounds."""
    scenes = ("clean", "occlusion", "other backgrounds")
    clips = {scene: _clips(lab, recipe, scene) for scene in scenes}
    people = [t.raw_pid for t in lab.tracklets("clean")]
    owners = np.repeat(people, [len(w) for w, _ in clips["clean"]]).tolist()
    clean, under, other = (
        torch.from_numpy(np.concatenate([w for w, _ in clips[scene]])) for scene in scenes
    )
    covered = np.concatenate([mean("covered") for _, mean in clips["occlusion"]])
    hidden = torch.from_numpy(covered) >= HIDDEN
    for source, change in (
        (f"{recipe}, a third covered", where(hidden, under - clean)),
        (f"{recipe}, other background", other - clean),
    ):
        found.add("clean", source, "change of weight", change.abs(), owners)
        found.add("clean", source, "weight less that in clean", change, owners)
    found.add("clean", recipe, "weight", clean, owners)


Mean = Callable[[str], np.ndarray]  # a name of the truth -> its mean over the frames of each clip


def _clips(lab: Lab, recipe: str, scene: str) -> list[tuple[np.ndarray, Mean]]:
    """Of each tracklet the weights of its clips, and what is true of them."""
    arm, tracklets = lab.arm(recipe), lab.tracklets(scene)
    frames = plan(arm.recipe, arm.profile).frames
    places = [TEST_RULES["overlap"](len(t), frames, None, "cover") for t in tracklets]
    truths = lab.truth(scene, tracklets, places)

    def mean(truth: dict[str, Tensor], shape: tuple[int, int], name: str) -> np.ndarray:
        found: np.ndarray = truth[name].double().reshape(shape).mean(1).numpy()
        return found

    return [
        (_weights(lab, recipe, scene, t, p), partial(mean, truth, p.shape))
        for t, p, truth in zip(tracklets, places, truths)
    ]


def _weights(lab: Lab, recipe: str, scene: str, tracklet: Tracklet, places: Any) -> np.ndarray:
    arm = lab.arm(recipe)
    seen = look(
        arm.model, lab.scene(scene), tracklet, arm.recipe, arm.profile,
        places=places, with_truth=False,
    )  # fmt: skip
    weights = needed(seen.output.maps, "clip_weights", "a claim on clip weights")
    found: np.ndarray = weights.double().numpy()
    return found


def clusters(lab: Lab) -> Readings:
    """C5 and Table 3: the gallery's people without and with the min-max loss.

    Diameters as in `reidlib.seeing.clusters`: raw ones mean nothing across models. Purity: the
    share of a tracklet's five nearest that are of its person.
    """
    found, scene = Readings(), "street"
    dataset = lab.scene(scene)
    real = [i for i, t in enumerate(dataset.gallery) if t.pid > 0]
    labels = [dataset.gallery[i].raw_pid for i in real]
    for recipe in ("tacan-1/ca", "tacan-1/minmax"):
        arm = lab.arm(recipe)
        x: Tensor = embed_subsets(arm.model, dataset, arm.recipe, arm.profile, progress=False)[1]
        x = x[real]
        found.words += [f"{recipe}: {fault}" for fault in embedding_faults(x)]
        table = diameters(x, labels)
        for kind in ("raw", "unit", "relative"):
            values = np.array(getattr(table, kind))
            found.add(scene, recipe, f"diameter, {kind}", values, table.identities)
        found.add(scene, recipe, "purity of 5 neighbours", purities(x, labels), labels)
    return found
