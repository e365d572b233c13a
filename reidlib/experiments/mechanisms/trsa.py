"""TRSA: what the penalty does to the attention of a clip, and what 15 frames cost."""

from __future__ import annotations

import time
from itertools import product

import torch
from torch import Tensor

from reidlib.experiments.mechanisms.core import Lab, Readings, joined, where
from reidlib.models.trsa import attention, concentration_and_overlap
from reidlib.recipes.core import plan
from reidlib.seeing.arms import untrained
from reidlib.seeing.attention import Seen
from reidlib.seeing.truth import agreement, mass, overlap, references

HIDDEN, BARE = 0.2, 0.05  # share of the person that is covered: "covered" from, "bare" up to
FRAMES, RUNS = 15, 9
ARMS = ("trsa-1/triplet", "trsa-1/sam", "trsa-1/sam-reg")


def penalty(lab: Lab) -> Readings:
    """T5. An even map overlaps with every other, so likeness in shape is asked as well.

    trsa-1/triplet has no attention; as that has no parameters, Eq. 1-2 of its maps stand for it.
    """
    found = Readings()
    for scene, recipe in product(("clean", "occlusion", "street"), ARMS):
        seen = lab.look(recipe, scene)
        truth, people, owners = joined(seen)
        maps = [_alpha(one) for one in seen]
        clips = torch.cat(maps)
        flat, t = clips.flatten(0, 1), clips.shape[1]
        if recipe == ARMS[0]:
            found.references(scene, flat, truth, people)
            for name, blind in references(flat).items():
                for question, values in _likeness(blind.view(clips.shape)).items():
                    found.add(scene, name, question, values, owners)
        found.maps(scene, recipe, flat, truth, people)
        own, shared = concentration_and_overlap(clips.double())
        cells = flat[0].numel()
        person, covered = mass(flat, truth["visible"]), truth["covered"]
        hidden = (covered >= HIDDEN) & (covered < 1)
        for question, values, whose in (
            *((question, values, owners) for question, values in _likeness(clips).items()),
            # An even map has 1, a single cell as many as there are.
            ("inner product in a clip", shared / (t * (t - 1)) * cells, owners),
            ("concentration", own / t * cells, owners),
            ("person where covered", where(hidden, person), people),
            ("person where bare", where(covered < BARE, person), people),
        ):
            found.add(scene, recipe, question, values, whose)
        if scene == "occlusion":
            for (source, name), areas in lab.perturbations(recipe, seen, maps).items():
                found.add(scene, source, name, areas, owners)
    return found


def _likeness(clips: Tensor) -> dict[str, Tensor]:
    """How alike the maps of a clip are, (b, t, h, w) -> question -> (b,)."""
    return {"overlap in a clip": overlap(clips), "correlation in a clip": agreement(clips)}


def _alpha(seen: Seen) -> Tensor:
    maps = seen.output.maps
    return maps.get("spatial_attention", attention(maps["features"])[1])


def cost(lab: Lab) -> Readings:
    """T6: milliseconds for 15 frames, at two sizes, with attention and without.

    Untrained models: nothing of it depends on weights. On this machine, with its threads; of nine
    runs the fastest, which other work disturbed least.
    """
    found = Readings()
    for profile in ("laptop", "paper"):
        for recipe in ("trsa-1/sam", "trsa-1/triplet"):
            arm = untrained(recipe, profile)
            frames = torch.zeros(1, FRAMES, 3, *plan(arm.recipe, arm.profile).size)
            spent = []
            with torch.inference_mode():
                for _ in range(RUNS):
                    start = time.perf_counter()
                    arm.model(frames)
                    spent.append(1000 * (time.perf_counter() - start))
            name = f"milliseconds for {FRAMES} frames, {recipe}, {profile}"
            found.numbers[name] = min(spent)
    return found
