"""SINet: from salient to broad, diverse frames, the cue that differs, silhouettes, dead heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.data.promenade import ATTRIBUTES
from reidlib.experiments.mechanisms.core import Lab, Readings, joined, outputs
from reidlib.models.sinet import PositionLinear
from reidlib.seeing.attention import Seen, forward, position_maps, silhouette
from reidlib.seeing.truth import (
    agreement,
    breadth,
    coverage,
    cue_mask,
    likeness,
    mass,
    overlap_with_first,
    part_brightness,
    references,
    shares,
    to_cells,
)

Truth = Mapping[str, Tensor]

DRAWS, SURE = 400, 0.975  # pictures of noise, and the share of them to be beaten


def salient_to_broad(lab: Lab) -> Readings:
    """S8: Grad-CAM frame by frame. Slots count from 0, the clip's first frame.

    "Broad" is how much more of the visible body is lit than of the frame: a map that lights
    everything is no broader than one that lights nothing. The salient part is the one whose cells
    are brightest in slot 0; "salient part, later slots less slot 0" is how much brighter it gets, 1
    being the frame's brightest cell. Any map that is the same in all frames keeps it; so SBM is
    asked whether it loses more of it than the baseline, and maps that know nothing are asked too.
    """
    found = Readings()
    arms = ("sinet-2/base", "sinet-3/non-local", "sinet-2/sbm")
    for scene, recipe in product(("clean", "lookalike", "street"), arms):
        seen = lab.look(recipe, scene)
        truth, people, owners = joined(seen)
        maps = lab.cams(recipe, scene, seen)
        clips = torch.cat(maps)
        flat = clips.flatten(0, 1)
        if recipe == arms[0]:
            found.references(scene, flat, truth, people)
        found.maps(scene, recipe, flat, truth, people)
        if scene == "lookalike":
            blind = references(flat) if recipe == arms[0] else {}
            for source, own in {**blind, recipe: flat}.items():
                _by_slot(found, scene, source, own.view(clips.shape), truth, owners)
            for (source, name), areas in lab.perturbations(recipe, seen, maps).items():
                found.add(scene, source, name, areas, owners)
        if recipe == "sinet-2/sbm":
            _suppressed(found, scene, recipe, seen)
    return found


def _by_slot(
    found: Readings, scene: str, source: str, clips: Tensor, truth: Truth, owners: list[int]
) -> None:
    """What is asked of maps (b, t, h, w) slot by slot."""
    b, t = clips.shape[:2]
    flat = clips.flatten(0, 1)
    parts = coverage(flat, truth["parts"], truth["visible"]).nanmean(1).reshape(b, t)
    broad = breadth(flat).reshape(b, t)
    slots = {
        "parts": parts,
        "breadth": broad,
        "parts beyond breadth": parts - broad,
        "background": shares(flat, truth)["background"].reshape(b, t),
        "overlap with slot 0": overlap_with_first(clips),
    }
    for name, values in slots.items():
        for slot in range(t):
            found.add(scene, source, f"{name}, slot {slot}", values[:, slot], owners)
        if name != "overlap with slot 0":
            rise = values[:, -1] - values[:, 0]
            found.add(scene, source, f"{name}, last slot less slot 0", rise, owners)
        found.add(scene, source, f"{name}, later slots", values[:, 1:].nanmean(1), owners)
    bright = part_brightness(flat, truth["parts"], truth["visible"]).reshape(b, t, -1)
    change, beyond = _kept(bright)
    found.add(scene, source, "salient part, later slots less slot 0", change, owners)
    found.add(scene, source, "salient part beyond the others", beyond, owners)


def _suppressed(found: Readings, scene: str, recipe: str, seen: Sequence[Seen]) -> None:
    """Where each SBM dims the latter frames, 1 - S, and how much of them. Clips of one piece."""
    truth, people, owners = joined(seen)
    t, last = seen[0].places.shape[1], ".suppression"
    for site in [name.removesuffix(last) for name in seen[0].output.maps if name.endswith(last)]:
        removed = 1 - outputs(seen, site + last)  # (b, l, h, w), of the last l frames
        latter = (torch.arange(t) >= t - removed.shape[1]).repeat(len(removed))
        own = {name: values[latter] for name, values in truth.items() if len(values) == len(latter)}
        whose = [pid for pid, kept in zip(people, latter.tolist()) if kept]
        source = f"{recipe}, SBM at {site}"
        dimmed = (removed > 0).double().mean(dim=(1, 2, 3))
        found.add(scene, source, "share of cells dimmed", dimmed, owners)
        found.maps(scene, source, removed.flatten(0, 1), own, whose)


def _kept(bright: Tensor) -> tuple[Tensor, Tensor]:
    """(b, t, parts) -> (b,) twice: how much brighter the part brightest in slot 0 is in later slots
    than there, and how much brighter than the mean of the others."""
    first = bright[:, 0].nan_to_num(-1.0)
    start, best = first.max(1)
    later = bright[:, 1:]
    place = best[:, None, None].expand(-1, later.shape[1], 1)
    own = later.gather(2, place)[..., 0]
    others = later.scatter(2, place, torch.nan).nanmean(2)
    found = (own.nanmean(1) - start, (own - others).nanmean(1))
    change, beyond = (torch.where(start >= 0, values, torch.nan) for values in found)
    return change, beyond


def diversity(lab: Lab) -> Readings:
    """S9: mean cosine between a clip's frame embeddings, as they are and about their common mean.

    Activations are not negative, so all embeddings share a large mean and plain cosines are high.
    """
    found, scene = Readings(), "street"
    for recipe in ("sinet-2/base", "sinet-2/sbm", "sinet-2/idm"):
        seen = lab.look(recipe, scene)
        owners = joined(seen)[2]
        frames = outputs(seen, "frame_features").double()
        middle = frames.mean(dim=(0, 1))
        found.add(scene, recipe, "likeness of frames", likeness(frames), owners)
        centred = likeness(frames - middle)
        found.add(scene, recipe, "likeness of frames, centred", centred, owners)
    return found


def cues(lab: Lab) -> Readings:
    """S10: mass of Grad-CAM on the body parts in which a person differs from the look-alikes."""
    found, scene = Readings(), "lookalike"
    source = lab.scene(scene).truth
    assert source is not None
    names = tuple(ATTRIBUTES)
    differs = [
        [name for name, other in zip(names, source.read(t, [0])["differs"].tolist()) if other]
        for t in lab.tracklets(scene)
    ]
    for recipe in ("sinet-2/base", "sinet-2/sbm", "sinet"):
        seen = lab.look(recipe, scene)
        people = joined(seen)[1]
        where = torch.cat(
            [cue_mask(s.truth["parts"], s.truth["visible"], d) for s, d in zip(seen, differs)]
        )
        flat = torch.cat(lab.cams(recipe, scene, seen)).flatten(0, 1)
        for name, maps in {} if found.cells else references(flat).items():
            found.add(scene, name, "mass on the cue", mass(maps, where), people)
        found.add(scene, recipe, "mass on the cue", mass(flat, where), people)
    return found


def silhouettes(lab: Lab) -> Readings:
    """S13: IDM's position maps against each person's mean mask over a clip, and what is below zero.

    "untrained" is what one in forty freshly drawn layers exceeds: their mean |weight| is noise, and
    over so few cells noise correlates with anything a little. "centre" is a blob in the middle,
    which has learned nothing either. Half of the weights of any layer are negative; that they are
    used shows in how far the embedding moves without them, in units of the mean distance between
    different people's clips.
    """
    found, scene, recipe = Readings(), "street", "sinet-2/idm"
    seen, arm = lab.look(recipe, scene), lab.arm(recipe)
    owners = joined(seen)[2]
    masks = [s.truth["mask"] for s in seen]
    sites = position_maps(arm.model)
    for site, maps in sites.items():
        grid = maps.shape[-2:]
        blob = references(torch.zeros(1, *grid))["centre"][None]
        for source, pictures in ((recipe, maps), ("centre", blob)):
            rows = [silhouette(pictures, mask) if mask.any() else {} for mask in masks]
            for name in ("correlation", "strongest"):
                values = np.array([row.get(name, np.nan) for row in rows])
                found.add(scene, source, f"{name} with the silhouette, {site}", values, owners)
        luck = np.array([_luck(grid, mask) for mask in masks])
        found.add(scene, "untrained", f"correlation with the silhouette, {site}", luck, owners)
        negative = float((maps < 0).double().mean())
        found.numbers[f"share of negative weights, {site}"] = negative
    for source in (recipe, "centre", "untrained"):
        _over_sites(found, scene, source, tuple(sites))
    for sign, word in ((-1, "negative"), (1, "positive")):
        moved = _moved(arm.model, seen, sign)
        found.add(scene, recipe, f"move without {word} weights", moved, owners)
    return found


def _over_sites(found: Readings, scene: str, source: str, sites: tuple[str, ...]) -> None:
    """The mean over the model's IDM."""
    name = "correlation with the silhouette"
    cells = [c for c in found.cells if c.source == source
             and c.question in {f"{name}, {site}" for site in sites}]  # fmt: skip
    people = sorted(set.intersection(*(set(c.values) for c in cells)))
    means = np.array([np.mean([c.values[pid] for c in cells]) for pid in people])
    found.add(scene, source, name, means, people)


def _luck(grid: Sequence[int], mask: Tensor) -> float:
    """The correlation with a mean mask that one in forty pictures of pure noise exceeds."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(DRAWS, *grid, generator=generator, dtype=torch.float64).flatten(1)
    shape = to_cells(mask, grid).mean(0).flatten()
    table = torch.cat([shape[None], noise])
    return float(torch.corrcoef(table)[0, 1:].quantile(SURE))


@torch.no_grad()
def _moved(model: nn.Module, seen: Sequence[Seen], sign: int) -> Tensor:
    """(n,): cosine distance of each embedding to that without L_I's and L_D's weights of a sign,
    in units of the mean distance between different people's."""
    cut = deepcopy(model)
    for module in cut.modules():
        if isinstance(module, PositionLinear):
            weight = module.weight
            weight.copy_(torch.where(weight.sign() == sign, 0.0, weight))
    clips = torch.cat([one.clips for one in seen])
    left = F.normalize(forward(cut, clips).embedding.double(), dim=1)
    whole = F.normalize(torch.cat([one.output.embedding for one in seen]).double(), dim=1)
    n = len(whole)
    apart = (n * n - (whole @ whole.mT).sum()) / (n * (n - 1))
    return (1 - (left * whole).sum(1)) / apart


def heads(lab: Lab) -> Readings:
    """S2: do the k^2 attention heads of an SBM fall onto one picture without the L1 steps?

    Likeness: the mean correlation between the heads' maps over the former frames of each SBM.
    """
    found, scene = Readings(), "street"
    for recipe in ("sinet-2/sbm", "sinet-3/sbm-without-l1"):
        seen = lab.look(recipe, scene)
        owners = joined(seen)[2]
        names = [n for n in seen[0].output.maps if n.endswith("salient_attention")]
        alike, dead = [], []
        for name in names:
            maps = outputs(seen, name).flatten(2, 3)  # (b, k^2, s h, w)
            alike.append(agreement(maps))
            dead.append((maps.flatten(2).amax(2) <= 0).double().mean(1))
        found.add(scene, recipe, "likeness of heads", torch.stack(alike).nanmean(0), owners)
        found.add(scene, recipe, "share of dead heads", torch.stack(dead).mean(0), owners)
    return found
