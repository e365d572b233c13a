"""What each paper's model looked at, as arrays: frames, maps and truth of a tracklet side by side.

    seen = look(model, dataset, tracklet, recipe, profile)
    seen.frames, seen.truth, seen.output.maps       # m clips of t frames, all aligned
    suppression(model, seen.output)                 # SINet, one map a frame for each SBM

Models return their maps by name, so nothing is hooked; only `reidlib.seeing.cam` needs gradients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from reidlib.data.sampling import TEST_RULES
from reidlib.data.tracklets import Tracklet, TrackletDataset, TruthSource
from reidlib.data.transforms import prepare
from reidlib.errors import ReidError
from reidlib.models.output import Output
from reidlib.recipes.core import Profile, Recipe, plan


@dataclass(frozen=True)
class Seen:
    """m clips of t frames of one tracklet, what is true of them and what a model made of them."""

    tracklet: Tracklet
    places: np.ndarray  # (m, t) frame numbers in the tracklet, from 0; repeated where it is short
    frames: Tensor  # uint8 (m, t, 3, H, W)
    clips: Tensor  # (m, t, 3, h, w), what the model saw
    truth: dict[str, Tensor]  # (m t, ...) of the frames in order, at their own size; {} if unknown
    output: Output  # of the m clips, detached

    def flat(self, maps: Tensor) -> Tensor:
        """(m, t, ...) -> (m t, ...), aligned with `truth`."""
        return maps.flatten(0, 1)

    @property
    def identities(self) -> list[int]:
        """The person's number once a frame."""
        return [self.tracklet.raw_pid] * self.places.size


def look(
    model: nn.Module,
    dataset: TrackletDataset,
    tracklet: Tracklet,
    recipe: Recipe,
    profile: Profile,
    *,
    rule: str | None = None,
    limit: int | None = None,
    places: np.ndarray | None = None,
    with_truth: bool = True,
) -> Seen:
    """A model's view of a tracklet, in evaluation mode and without gradients, on its device.

    rule: how the tracklet is cut into clips as long as in training ("evenly" for one clip over all
    of it, "consecutive_cyclic_tail" for neighbours); None cuts as the recipe tests. A tracklet
    shorter than a clip repeats frames, as testing does.
    limit: clips at most, spread evenly. places: (m, t) frames instead of a rule.
    """
    if not len(tracklet):
        raise ReidError(f"tracklet {tracklet.row} (identity {tracklet.raw_pid}) has no frames")
    numbers, test = plan(recipe, profile), recipe.test
    if places is None:
        length = test.length if rule is None else None
        cut = TEST_RULES[rule or test.frames]
        places = cut(len(tracklet), length or numbers.frames, test.stride, test.tail)
    if limit is not None and len(places) > limit:
        places = places[np.linspace(0, len(places) - 1, limit).round().astype(int)]
    wanted, back = np.unique(places, return_inverse=True)
    index = torch.from_numpy(back.reshape(places.shape))
    frames = dataset.frames.read(tracklet, wanted.tolist())[index]
    clips = prepare(frames, numbers.size, recipe.augment.interpolation)
    truth: dict[str, Tensor] = {}
    if with_truth and dataset.truth is not None:
        numbered = tuple(places.ravel().tolist())
        truth = _truth(dataset.truth, tracklet, numbered)  # type: ignore[arg-type]
    return Seen(tracklet, places, frames, clips, truth, forward(model, clips))


def forward(model: nn.Module, clips: Tensor, chunk: int = 16) -> Output:
    """The model's output for clips (m, t, 3, h, w), `chunk` at a time, detached, on the CPU."""
    device, mode = next(model.parameters()).device, model.training
    model.eval()
    try:
        with torch.no_grad():
            found = [model(piece.to(device)) for piece in clips.split(chunk)]
    finally:
        model.train(mode)
    maps = {name: torch.cat([o.maps[name].cpu() for o in found]) for name in found[0].maps}
    heads = {}
    for name, (_, logits) in found[0].heads.items():
        features = torch.cat([o.heads[name][0].cpu() for o in found])
        scored = None if logits is None else torch.cat([o.heads[name][1].cpu() for o in found])
        heads[name] = (features, scored)
    return Output(torch.cat([o.embedding.cpu() for o in found]), heads, maps=maps)


@lru_cache(maxsize=64)
def _truth(source: TruthSource, tracklet: Tracklet, places: tuple[int, ...]) -> dict[str, Tensor]:
    """Kept for a while: drawing it costs more than a model, and every arm asks for the same."""
    return source.read(tracklet, places)


def needed(maps: Mapping[str, Tensor], name: str, what: str) -> Tensor:
    """The map `name`, or a ReidError that says what has which maps instead."""
    if name not in maps:
        there = ", ".join(sorted(n for n in maps if n not in ("features",))) or "none"
        raise ReidError(f"{what} needs a model with the map {name!r}; this one has {there}")
    return maps[name]


# One function a picture -----------------------------------------------------------------------


def spatial_attention(output: Output) -> Tensor:
    """TRSA's alpha, or RGSA's a averaged over channels: (m, t, h, w)."""
    return needed(output.maps, "spatial_attention", "a picture of spatial attention")


def suppression(model: nn.Module, output: Output) -> dict[str, Tensor]:
    """SINet's S of every SBM, in the order of the net: site -> (m, t, h, w), 1 in former frames.

    Raises ReidError for a model without SBM.
    """
    found = {}
    frames = output.maps["features"].shape[1]
    for name, weights in output.maps.items():
        site, _, last = name.rpartition(".")
        if last != "suppression":
            continue
        module = model.get_submodule(f"backbone.plugins.{site}")
        pieces = frames // (int(getattr(module, "chunk", None) or frames))
        latter = rearrange(weights, "m (n l) h w -> m n l h w", n=pieces)
        m, n, kept, h, w = latter.shape
        former = latter.new_ones(m, n, frames // pieces - kept, h, w)
        found[site] = torch.cat([former, latter], 2).flatten(1, 2)
    if not found:
        needed(output.maps, "layer3.suppression", "a picture of suppression")
    return found


def responses(output: Output) -> tuple[Tensor, Tensor]:
    """FGRA's Figure 5, (m, t, i, h, w) twice: A, what Eq. 2 averages, and D, A less its mean over
    regions. Gates start near one half, so A is much the same for all regions and only D tells."""
    from reidlib.models.fgra import region_specific

    response = needed(output.maps, "region_response", "a picture of regions")
    return response, region_specific(response)


@dataclass(frozen=True)
class ClipWeights:
    """TACAN's weights over one tracklet, clip by clip, beside what befell each clip."""

    tracklet: Tracklet
    places: np.ndarray  # (m, t)
    weights: np.ndarray  # (m,)
    covered: np.ndarray  # (m,) mean share of the person that is hidden; NaN where unknown
    quality: np.ndarray  # (m,) mean quality of the frames; NaN where unknown
    foreign: np.ndarray  # (m,) share of frames that show somebody else; NaN where unknown


def clip_weights(seen: Seen) -> ClipWeights:
    """The weight of each clip of a tracklet, beside the truth averaged over its frames."""
    weights = needed(seen.output.maps, "clip_weights", "a picture of clip weights")
    m, t = seen.places.shape

    def mean(name: str) -> np.ndarray:
        if name not in seen.truth:
            return np.full(m, np.nan)
        return seen.truth[name].double().reshape(m, t).mean(1).numpy()

    truths = (mean("covered"), mean("quality"), mean("foreign"))
    return ClipWeights(seen.tracklet, seen.places, weights.double().numpy(), *truths)


def weight_shift(before: Sequence[ClipWeights], after: Sequence[ClipWeights]) -> float:
    """How far weights move when only the scenery changes: mean |change| over their deviation.

    The same walks before two backgrounds (`promenade.load(..., backdrop=k)`). 0: not at all;
    about 1: as much as from clip to clip. NaN where all weights are equal.
    """
    a, b = (np.concatenate([c.weights for c in side]) for side in (before, after))
    if a.shape != b.shape:
        raise ReidError(f"{len(a)} clips before one scenery, {len(b)} before the other")
    spread = float(np.concatenate([a, b]).std())
    return float(np.abs(a - b).mean()) / spread if spread > 0 else float("nan")


def position_maps(model: nn.Module) -> dict[str, Tensor]:
    """What each IDM integrates: L_I's rows as pictures, site -> (m', t, h, w). {} without IDM."""
    from reidlib.models.sinet import IntegrationDistribution

    found = {}
    for name, module in model.named_modules():
        if isinstance(module, IntegrationDistribution):
            t, h, w = module.grid
            rows = module.integrate_positions.weight.detach()[..., 0]
            found[name] = rearrange(rows, "k (t h w) -> k t h w", t=t, h=h, w=w)
    return found


def silhouette(maps: Tensor, mask: Tensor) -> dict[str, float]:
    """IDM's position maps (k, t, h, w) against the mean silhouette of masks (n, H, W).

    `correlation`: Pearson's over cells between the mean |weight| over maps and frames, and the
    mean mask (does it learn the foreground?); `strongest`: the largest |correlation| of a single
    map, its frames averaged; `negative`: share of negative weights.
    """
    from reidlib.seeing.truth import to_cells

    shape = to_cells(mask, maps.shape[-2:]).mean(0).flatten()
    rows = maps.detach().double().cpu()
    pictures = torch.cat([rows.abs().mean(dim=(0, 1))[None], rows.mean(1)]).flatten(1)
    centred = pictures - pictures.mean(1, keepdim=True)
    shape = shape - shape.mean()
    cosines = centred @ shape / (centred.norm(dim=1) * shape.norm())
    return {
        "correlation": float(cosines[0]),
        "strongest": float(cosines[1:].abs().max()),
        "negative": float((rows < 0).double().mean()),
    }


# Does the embedding care? ---------------------------------------------------------------------


@torch.no_grad()
def perturbation(
    model: nn.Module, clips: Tensor, maps: Tensor, *, steps: int = 8, **how: Any
) -> dict[str, np.ndarray]:
    """Deletion and insertion: how alike the embedding stays when the map's pixels go, or come.

    clips (m, t, 3, H, W) as the model sees them, maps (m, t, h, w). In every frame the cells go
    from the highest down, in `steps` equal parts; what has gone is the mean colour (0 once
    normalised). Returns "share" (steps + 1,) and the cosine to the untouched embedding, mean over
    clips, for "deletion" and "insertion". A map that tells the truth falls fast and rises fast.
    """
    m, t, h, w = maps.shape
    ranks = _ranks(maps.flatten(2))
    cells = torch.tensor([round(h * w * step / steps) for step in range(steps + 1)])
    gone = (ranks < cells[:, None, None, None]).reshape(-1, 1, h, w).float()
    gone = nn.functional.interpolate(gone, clips.shape[-2:], mode="nearest-exact")
    gone = gone.reshape(steps + 1, m, t, 1, *clips.shape[-2:])
    left = torch.cat([clips * (1 - gone), clips * gone[1:-1]])  # all there, ..., nothing; and back
    found = forward(model, left.flatten(0, 1), **how).embedding.double()
    found = found.view(2 * steps, m, -1)
    alike = torch.cosine_similarity(found, found[:1], dim=2).mean(1)
    return {
        "share": np.linspace(0, 1, steps + 1),
        "deletion": alike[: steps + 1].numpy(),
        "insertion": torch.cat([alike[steps : steps + 1], alike[steps + 1 :], alike[:1]]).numpy(),
    }


def _ranks(cells: Tensor) -> Tensor:
    """(m, t, n) -> the place of each cell, 0 for the highest; those that tie in an order drawn from
    a seed, since row by row is an order, too."""
    noise = torch.rand(cells.shape, generator=torch.Generator().manual_seed(0))
    drawn = noise.argsort(dim=2)
    order = cells.gather(2, drawn).argsort(dim=2, descending=True, stable=True)
    return drawn.gather(2, order).argsort(dim=2)


def area(curve: Mapping[str, np.ndarray], name: str) -> float:
    """The area under a curve of `perturbation`: small is good in deletion, large in insertion."""
    return float(np.trapezoid(curve[name], curve["share"]))
