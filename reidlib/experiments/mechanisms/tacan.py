"""TACAN: what moves a clip's weight, and how tightly the min-max loss packs people."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from reidlib.data.sampling import TEST_RULES
from reidlib.data.tracklets import Tracklet
from reidlib.experiments.mechanisms.core import Lab, Readings, where
from reidlib.extraction import embed_subsets
from reidlib.recipes.core import plan
from reidlib.seeing.attention import look, needed
from reidlib.seeing.clusters import diameters, purities
from reidlib.seeing.health import embedding_faults, map_faults
from reidlib.seeing.truth import rank_correlation

HIDDEN = 0.3  # a clip is covered from this mean share of the person on


def weights(lab: Lab) -> Readings:
    """C3: the same walks in clean, under occlusion and before other backgrounds.

    Clips are windows of neighbours that overlap by half. The correlation is Spearman's over the
    clips of a tracklet (NaN where nothing covers it); changes of weight are absolute, the clip
    under occlusion or before the other background against the very same clip in clean.
    """
    found, recipe, ill = Readings(), "tacan", "occlusion"
    tracklets = lab.tracklets(ill)
    frames = plan(lab.arm(recipe).recipe, lab.arm(recipe).profile).frames
    places = [TEST_RULES["overlap"](len(t), frames, None, "cover") for t in tracklets]
    truths = lab.truth(ill, tracklets, places)
    covered = [truth["covered"].double().reshape(p.shape).mean(1).numpy()
               for truth, p in zip(truths, places)]  # fmt: skip
    w = {
        scene: [_weights(lab, recipe, scene, t, p) for t, p in zip(tracklets, places)]
        for scene in (ill, "clean", "other backgrounds")
    }
    people = [t.raw_pid for t in tracklets]
    inside = [rank_correlation(a, b) if len(a) > 2 else np.nan for a, b in zip(w[ill], covered)]
    name = "rank correlation of weight and covered share"
    found.add(ill, recipe, name, np.array(inside), people)
    owners = np.repeat(people, [len(p) for p in places]).tolist()
    clean, under, other = (
        torch.from_numpy(np.concatenate(w[s])) for s in ("clean", ill, "other backgrounds")
    )
    hidden = torch.from_numpy(np.concatenate(covered)) >= HIDDEN
    change = "change of weight"
    found.add("clean", f"{recipe}, a third covered", change,
              where(hidden, (under - clean).abs()), owners)  # fmt: skip
    found.add("clean", f"{recipe}, other background", change, (other - clean).abs(), owners)
    found.add("clean", f"{recipe}, a third covered", "weight less that in clean",
              where(hidden, under - clean), owners)  # fmt: skip
    found.add("clean", f"{recipe}, other background", "weight less that in clean",
              other - clean, owners)  # fmt: skip
    found.add("clean", recipe, "weight", clean, owners)
    found.words += [f"{recipe}: {fault}" for fault in map_faults(under[None], "w")]
    return found


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
