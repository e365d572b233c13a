"""RGSA+RGTR: maps on badly framed people; what one good frame among bad ones is worth."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reidlib.data.promenade.illnesses import FAULTS
from reidlib.experiments.mechanisms.core import Lab, Readings, joined, where
from reidlib.recipes.core import plan
from reidlib.seeing.attention import look
from reidlib.seeing.truth import mass, to_cells

SMALL = 0.25  # the quarter of the frames in which the person takes least room


def framing(lab: Lab) -> Readings:
    """R7: Grad-CAM, as the paper's Figure 4 has it, of the baseline and of RGSA."""
    found, arms = Readings(), ("rgsa-1/baseline", "rgsa-1/rgsa")
    for scene, recipe in product(("clean", "misalignment", "street"), arms):
        seen = lab.look(recipe, scene)
        truth, people, owners = joined(seen)
        maps = lab.cams(recipe, scene, seen)
        flat = torch.cat(maps).flatten(0, 1)
        if recipe == arms[0]:
            found.references(scene, flat, truth, people)
        found.maps(scene, recipe, flat, truth, people)
        share = truth["mask"].double().mean(dim=(1, 2))
        small = share <= share[share > 0].quantile(SMALL)
        person = mass(flat, truth["visible"])
        found.add(scene, recipe, "person where small", where(small, person), people)
        bright = brightness(flat, truth["visible"])
        found.add(scene, recipe, "brightness of the person, one scale", bright, people)
        if scene == "misalignment":
            for (source, name), areas in lab.perturbations(recipe, seen, maps).items():
                found.add(scene, source, name, areas, owners)
        own = [s.output.maps.get("spatial_attention") for s in seen]
        if own[0] is not None:
            weights = torch.cat([m for m in own if m is not None]).flatten(0, 1)
            found.maps(scene, f"{recipe}, own attention", weights, truth, people)
    return found


def brightness(maps: Tensor, region: Tensor) -> Tensor:
    """Mean of each map over a region, in units of the mean highest value of all: (n, h, w) -> (n,).

    One scale for a model, so that a frame in which it sees little is dark.
    """
    cells = to_cells(region, maps.shape[-2:])
    lit = (maps.double() * cells).sum(dim=(1, 2)) / cells.sum(dim=(1, 2))  # 0 / 0: nobody there
    return lit / maps.double().amax(dim=(1, 2)).nanmean()


def one_good_frame(lab: Lab) -> Readings:
    """R8: clips of one good frame and bad ones, against the same frames without any fault.

    Bad: blurred, noisy, over- or underexposed, or of somebody else. The good frame stands at each
    place in turn. Cosine distance of the two embeddings, in units of the mean distance between
    different people's clean clips, so that models with other scales can be compared.
    """
    found, scene = Readings(), "corruption everywhere"
    tracklets = lab.tracklets(scene)
    every = [np.arange(len(t)) for t in tracklets]
    faults = [truth["fault"].numpy() for truth in lab.truth(scene, tracklets, every)]
    for recipe in ("rgsa-1/rgsa", "rgsa_rgtr"):
        arm, people = lab.arm(recipe), []
        ill: list[Tensor] = []
        well: list[Tensor] = []
        for tracklet, fault in zip(tracklets, faults):
            places = _one_among_bad(fault, plan(arm.recipe, arm.profile).frames)
            if places is None:
                continue
            people.append(tracklet.raw_pid)
            for name, kept in ((scene, ill), ("clean", well)):
                seen = look(
                    arm.model, lab.scene(name), tracklet, arm.recipe, arm.profile,
                    places=places, with_truth=False,
                )  # fmt: skip
                kept.append(F.normalize(seen.output.embedding.double(), dim=1))
        spoilt, clean = torch.stack(ill), torch.stack(well)  # (n, t, d)
        apart = 1 - torch.einsum("ntd,mtd->tnm", clean, clean).mean(0)
        n = len(people)
        scale = apart.sum() / (n * (n - 1)) if n > 1 else torch.tensor(torch.nan)
        distance = (1 - (spoilt * clean).sum(2)).mean(1) / scale
        found.add(scene, recipe, "distance to the clean clip", distance, people)
    return found


def _one_among_bad(fault: np.ndarray, t: int) -> np.ndarray | None:
    """(t, t) places: t - 1 bad frames, the middle good one at each place in turn; None: too few."""
    good = np.flatnonzero(fault == 0)
    bad = np.flatnonzero((fault > 0) & (fault != FAULTS.index("frozen")))
    if not len(good) or len(bad) < t - 1:
        return None
    chosen = bad[np.linspace(0, len(bad) - 1, t - 1).round().astype(int)]
    return np.stack([np.insert(chosen, k, good[len(good) // 2]) for k in range(t)])
