"""FGRA: what frames' weights follow, how compact aligned features are, whether regions stay on
their part, bad first frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reidlib.experiments.mechanisms.core import Lab, Readings, joined, outputs, rank_within
from reidlib.extraction import embed_subsets, score_subsets
from reidlib.models.fgra import region_specific, shuffle_cells, stripes
from reidlib.recipes.core import plan
from reidlib.seeing.arms import Arm
from reidlib.seeing.attention import Seen, look, responses
from reidlib.seeing.health import map_faults
from reidlib.seeing.truth import references, region_mass

HIDDEN, BARE = 0.5, 0.1  # share of the person that is covered in a bad and in a good first frame


def frame_weights(lab: Lab) -> Readings:
    """F3, beside scores: do frames weigh less where they are covered, more where they are good?

    Spearman's correlation over the frames of a clip, spread over the tracklet; NaN where nothing
    differs. By the alignment score the weights of a region are averaged over regions and channels.
    """
    found = Readings()
    for scene, name, told in (
        ("occlusion", "covered", "covered share"), ("corruption everywhere", "quality", "quality"),
    ):  # fmt: skip
        for recipe in ("fgra-2/ram-tas", "fgra"):
            seen = lab.look(recipe, scene)
            truth, _, owners = joined(seen)
            maps = {recipe: outputs(seen, "region_frame_weights").mean(dim=2)}
            if "frame_weights" in seen[0].output.maps:
                maps[f"{recipe}, global branch"] = outputs(seen, "frame_weights")
            for source, weights in maps.items():
                values = rank_within(weights, truth[name].reshape(weights.shape))
                question = f"rank correlation of frame weight and {told}"
                found.add(scene, source, question, values, owners)
                found.words += [f"{source}, {scene}: {f}" for f in map_faults(weights, "w")]
    return found


def compactness(lab: Lab) -> Readings:
    """F4: how far a region's aligned vectors spread over the frames of a clip.

    The penalty acts on the raw spread, which shrinks with the features' length; beside it the
    spread in units of that between people (their clips' means, same region).
    """
    found, scene = Readings(), "street"
    for recipe in ("fgra-2/ram-tas", "fgra-2/cr"):
        seen = lab.look(recipe, scene)
        aligned = outputs(seen, "aligned").double()  # (b, n, i, c)
        middle = aligned.mean(dim=1)
        within = (aligned - middle[:, None]).square().sum(dim=3).mean(dim=1)  # (b, i)
        between = (middle - middle.mean(dim=0)).square().sum(dim=2).mean(dim=0)  # (i,)
        owners = joined(seen)[2]
        found.add(scene, recipe, "spread over frames, raw", within.mean(dim=1), owners)
        found.add(scene, recipe, "spread over frames", (within / between).mean(dim=1), owners)
    return found


def regions(lab: Lab) -> Readings:
    """F8: mass of each region's response in the frames after the reference.

    On the box of the body parts that the region's stripe shows in the reference frame, on that box
    where it was there ("first place": does the response follow the part?), and on the stripe; each
    less the area it takes, which is what an even map gives. "fixed stripe" is the rival that needs
    no network: a map that is even on the region's stripe and dark elsewhere, in every frame;
    "random" is noise, "centre" a blob in the middle, the same for all regions. A stripe is larger
    than a part's box, so "part beyond stripe" is unkind, and only told.
    D is what a region has beyond the mean of all; A is what Eq. 2 averages. "cells shuffled": D
    with the cells of later frames in another order in each channel; "change of aligned features
    when cells are shuffled" says how little the features notice.
    """
    found = Readings()
    for scene in ("clean", "misalignment", "street"):
        _regions(found, lab, scene, "fgra")
    return found


def _regions(found: Readings, lab: Lab, scene: str, recipe: str) -> None:
    """`regions` in one scene."""
    seen = lab.look(recipe, scene)
    owners = joined(seen)[2]
    model = lab.arm(recipe).model
    told: dict[str, list[dict[str, Tensor]]] = {}
    moved = []
    for seed, one in enumerate(seen):
        truth = {name: one.truth[name] for name in ("parts", "visible")}
        features = one.output.maps["features"].float()
        common = features.mean(dim=2)[:, :, None].expand_as(responses(one.output)[0])
        shuffled, gap = _shuffled(model, one, features)
        moved.append(gap)
        for source, maps in (
            (recipe, responses(one.output)[1]),
            (f"{recipe}, A", responses(one.output)[0]),
            (f"{recipe}, cells shuffled", shuffled),
            ("activation energy", common),
            ("fixed stripe", _fixed_stripes(common)),
            *_blind(common, seed).items(),
        ):
            told.setdefault(source, []).append(region_mass(maps[0], truth))
    for source, rows in told.items():
        for name in ("part", "stripe"):
            more = torch.stack([_excess(row, name).nanmean() for row in rows])
            found.add(scene, source, f"mass on the {name} beyond its area", more, owners)
        for name, words in (
            ("place", "part beyond its first place"),
            ("stripe", "part beyond stripe"),
        ):
            gaps = [(_excess(row, "part") - _excess(row, name)).nanmean() for row in rows]
            found.add(scene, source, words, torch.stack(gaps), owners)
    name = "change of aligned features when cells are shuffled"
    found.add(scene, recipe, name, torch.stack(moved), owners)


def _blind(like: Tensor, seed: int) -> dict[str, Tensor]:
    """Noise and a blob in the middle, in the shape of maps (m, t, i, h, w)."""
    maps = references(like.flatten(0, 2), seed)
    return {name: maps[name].view(like.shape) for name in ("random", "centre")}


def _fixed_stripes(like: Tensor) -> Tensor:
    """Maps (m, t, i, h, w) that are 1 on the rows of region i, 0 elsewhere."""
    regions, height = like.shape[2:4]
    rows = torch.arange(height) * regions // height  # region of a row
    own = (rows == torch.arange(regions)[:, None]).float()  # (i, h)
    return own[:, :, None].expand_as(like)


def _excess(row: Mapping[str, Tensor], name: str) -> Tensor:
    """(t - 1, i): of the frames after the reference."""
    return (row[name] - row[f"{name} area"])[1:]


@torch.no_grad()
def _shuffled(model: Any, seen: Seen, features: Tensor) -> tuple[Tensor, Tensor]:
    """D of shuffled cells, (1, n, i, h, w), and the relative change of the aligned features."""
    templates = stripes(features[:, :1], model.regions)[:, 0]
    other = model.guide(templates, shuffle_cells(features, 0))
    before = seen.output.maps["aligned"].float()
    gap = (other.features - before).norm() / before.norm()
    return region_specific(other.response), gap


def first_frame(lab: Lab) -> Readings:
    """F9: average precision of queries by one clip whose first frame is bad, and by all clips.

    Bad: half covered, or of somebody else. One clip is that frame and good ones of the tracklet;
    "good frame first" is the same frames with a good one for reference. fgra-2/gb-avg, which has
    no reference frame, tells what more clips are worth without the cause.
    """
    found, scene = Readings(), "street"
    dataset, tracklets = lab.scene(scene), lab.tracklets(scene)
    truths = lab.truth(scene, tracklets, [np.arange(len(t)) for t in tracklets])
    for recipe in ("fgra-2/gb-avg", "fgra"):
        arm = lab.arm(recipe)
        t = plan(arm.recipe, arm.profile).frames
        pairs = [(tr, p) for tr, truth in zip(tracklets, truths) if (p := _bad_first(truth, t))]
        if not pairs:
            found.words.append(f"{recipe}, {scene}: no query has a bad frame among good ones")
            continue
        chosen = replace(dataset, query=tuple(tracklet for tracklet, _ in pairs))
        whole, gallery = embed_subsets(arm.model, chosen, arm.recipe, arm.profile, progress=False)
        single = torch.stack([_pooled(arm, lab, scene, *pair) for pair in pairs])  # (q, 2, d)
        ways = {
            "all clips": whole,
            "bad frame first": single[:, 0],
            "good frame first": single[:, 1],
        }
        ap = {
            name: score_subsets(x, gallery, chosen, arm.recipe, arm.profile).ap
            for name, x in ways.items()
        }
        owners = [tracklet.raw_pid for tracklet, _ in pairs]
        for name, values in ap.items():
            found.add(scene, recipe, f"AP, {name}", values, owners)
        gain = ap["all clips"] - ap["bad frame first"]
        found.add(scene, recipe, "AP, all clips minus bad frame first", gain, owners)
        cost = ap["good frame first"] - ap["bad frame first"]
        found.add(scene, recipe, "AP, good minus bad frame first", cost, owners)
    return found


def _bad_first(truth: Mapping[str, Tensor], t: int) -> list[list[int]]:
    """A bad frame before t - 1 good ones, and the same with a good one before it; [] if too few."""
    covered, foreign = truth["covered"], truth["foreign"].bool()
    bad = ((covered >= HIDDEN) | foreign).nonzero()[:, 0].tolist()
    good = ((covered < BARE) & ~foreign & (truth["quality"] == 1)).nonzero()[:, 0].tolist()
    if not bad or len(good) < t - 1:
        return []
    others = [good[i] for i in np.linspace(0, len(good) - 1, t - 1).round().astype(int)]
    return [[bad[0], *others], [others[0], bad[0], *others[1:]]]


@torch.no_grad()
def _pooled(arm: Arm, lab: Lab, scene: str, tracklet: Any, places: list[list[int]]) -> Tensor:
    """The embedding of each clip as if it were the whole tracklet, (2, d)."""
    found = []
    for one in places:
        seen = look(
            arm.model, lab.scene(scene), tracklet, arm.recipe, arm.profile,
            places=np.array([one]), with_truth=False,
        )  # fmt: skip
        found.append(arm.model.pool(seen.output).float())  # type: ignore[operator]
    return torch.stack(found)
