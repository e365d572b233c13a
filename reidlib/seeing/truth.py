"""Is an attention picture right? What maps say, measured against what is true of the pixels.

Maps are (n, h, w), one a frame, of any grid; truth is (n, H, W) at the frames' own size, as
`reidlib.data.promenade.truth` has it. A map counts as constant on its cells, so a mask becomes the
share of each cell that it fills, and no interpolation has a say. Below zero a map counts as zero.

A frame in which a question has no answer (nobody is visible, nothing is covered, the map is empty
or not finite) is NaN and left out of means; `reidlib.seeing.health` tells how many maps are dead.
All in float64 on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reidlib.errors import ReidError

BRIGHT = 0.5  # of a map's maximum: what a reader sees as lit

# Promenade's attributes -> the body parts (indices into its PARTS) that show them.
CUES: dict[str, tuple[int, ...]] = {
    "skin": (1, 4), "hair": (2,), "hairstyle": (2,), "hat": (2,), "upper": (3, 4),
    "upper_colour": (3, 4), "second_colour": (3,), "pattern": (3,), "sleeve": (4,), "logo": (3,),
    "lower": (5,), "lower_colour": (5,), "socks": (6,), "sock_length": (6,), "shoes": (6,),
    "sole": (6,), "bag": (7,), "bag_colour": (7,),
}  # fmt: skip


# Where a map lies -----------------------------------------------------------------------------


def to_cells(mask: Tensor, grid: Sequence[int]) -> Tensor:
    """The share of each cell that a mask fills: (n, H, W) -> (n, h, w) for grid = (h, w)."""
    h, w = grid
    return F.adaptive_avg_pool2d(mask.double().cpu()[:, None], (h, w))[:, 0]


def density(maps: Tensor) -> Tensor:
    """Maps (..., h, w) cut at zero, each summing to one; NaN where that cannot be."""
    maps = maps.detach().double().cpu()
    cut = torch.where(maps < 0, 0.0, maps)  # NaN stays NaN
    total = cut.sum(dim=(-2, -1), keepdim=True)
    return torch.where(total > 0, cut / total, torch.nan)


def mass(maps: Tensor, region: Tensor) -> Tensor:
    """Share of each map's mass inside a region: (n, h, w), (n, H, W) -> (n,); NaN if it is empty.

    A uniform map gives the region's share of the frame.
    """
    inside = (density(maps) * to_cells(region, maps.shape[-2:])).sum(dim=(1, 2))
    return _where_any(region, inside)


def shares(maps: Tensor, truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Mass on the visible person, on what stands in front, and on all the rest, each (n,).

    The occluder counts as a whole, the part beside the person too; a stranger in a foreign frame
    is one. Where both are there the three sum to one.
    """
    visible, front = truth["visible"].cpu(), truth["front"].cpu()
    return {
        "person": mass(maps, visible),
        "occluder": mass(maps, front),
        "background": mass(maps, ~visible & ~front),
    }


def pointing(maps: Tensor, region: Tensor) -> Tensor:
    """1 where the map's highest cell is at least half inside the region, else 0: (n,).

    Cells that tie share the point, so a uniform map gets what a blind one deserves.
    """
    flat = density(maps).flatten(1)
    highest = flat == flat.amax(dim=1, keepdim=True)
    hit = to_cells(region, maps.shape[-2:]).flatten(1) >= 0.5
    share = (highest & hit).sum(1).double() / highest.sum(1)  # 0 / 0 where the map is NaN
    return _where_any(region, share)


def best_iou(maps: Tensor, region: Tensor) -> Tensor:
    """Intersection over union of {map >= threshold} and the region at the best threshold: (n,)."""
    flat = density(maps).flatten(1)
    inside = to_cells(region, maps.shape[-2:]).flatten(1)
    height, order = flat.sort(dim=1, descending=True)
    gained = inside.gather(1, order).cumsum(1)
    cells = torch.arange(1, flat.shape[1] + 1, dtype=torch.float64)
    iou = gained / (cells + inside.sum(1, keepdim=True) - gained)
    last = torch.ones_like(height, dtype=torch.bool)  # a threshold takes all cells that tie
    last[:, :-1] = height[:, 1:] < height[:, :-1]
    best = torch.where(last, iou, 0.0).amax(1)
    return _where_any(region, torch.where(flat.isnan().any(1), torch.nan, best))


def bright(maps: Tensor) -> Tensor:
    """Cells above half of their map's maximum, (n, h, w) bool: what a picture shows as lit."""
    flat = density(maps)
    return flat > BRIGHT * flat.amax(dim=(-2, -1), keepdim=True)


def breadth(maps: Tensor) -> Tensor:
    """SINet's "broad": the share of cells above half of the maximum, (..., h, w) -> (...)."""
    lit = bright(maps).double().mean(dim=(-2, -1))
    return torch.where(density(maps).isnan().any(-1).any(-1), torch.nan, lit)


def coverage(maps: Tensor, parts: Tensor, visible: Tensor, count: int = 8) -> Tensor:
    """How much of each visible body part is lit: (n, h, w), (n, H, W) x 2 -> (n, count - 1).

    Columns are the parts 1, 2, ...; NaN where a part cannot be seen. Its mean over columns is
    SINet's "broad" where it counts: on the body instead of anywhere.
    """
    lit, dead = bright(maps).double(), density(maps).isnan().any(-1).any(-1)
    columns = []
    for part in range(1, count):
        seen = (parts.cpu() == part) & visible.cpu()
        cells = to_cells(seen, maps.shape[-2:])
        share = (cells * lit).sum(dim=(1, 2)) / cells.sum(dim=(1, 2)).clamp_min(1e-12)
        columns.append(_where_any(seen, torch.where(dead, torch.nan, share)))
    return torch.stack(columns, 1)


def part_brightness(maps: Tensor, parts: Tensor, visible: Tensor, count: int = 8) -> Tensor:
    """How bright each visible body part is on the mean, 1 being the frame's brightest cell.

    maps (n, h, w), parts and visible (n, H, W) -> (n, count - 1), NaN where a part is not seen.
    """
    shape = density(maps)
    shape = shape / shape.amax(dim=(-2, -1), keepdim=True)
    columns = []
    for part in range(1, count):
        seen = (parts.cpu() == part) & visible.cpu()
        cells = to_cells(seen, shape.shape[-2:])
        columns.append(_where_any(seen, (cells * shape).sum(dim=(1, 2)) / cells.sum(dim=(1, 2))))
    return torch.stack(columns, 1)


def cue_mask(parts: Tensor, visible: Tensor, differs: Sequence[str]) -> Tensor:
    """Where the attributes named can be seen: (n, H, W) bool, from parts and visible alike.

    For look-alikes: the attributes that tell two people of a family apart.
    """
    unknown = sorted(set(differs) - set(CUES))
    if unknown:
        raise ReidError(f"no attribute {', '.join(unknown)}; there are {', '.join(CUES)}")
    wanted = torch.tensor(sorted({part for name in differs for part in CUES[name]}))
    return torch.isin(parts.cpu().long(), wanted) & visible.cpu()


def _where_any(region: Tensor, values: Tensor) -> Tensor:
    there = region.cpu().flatten(1).any(1)
    return torch.where(there, values, torch.nan)


# Maps beside each other -----------------------------------------------------------------------


def overlap(maps: Tensor) -> Tensor:
    """How alike the maps of a clip are: (b, t, h, w) -> (b,), 1 the same, 0 disjoint.

    The mean over pairs of frames of sum min(p, q). NaN for a single frame.
    """
    p = density(maps).flatten(2)
    common = torch.minimum(p[:, :, None], p[:, None]).sum(-1)
    t = p.shape[1]
    if t < 2:
        return torch.full((len(p),), torch.nan, dtype=torch.float64)
    own = common.diagonal(dim1=1, dim2=2).sum(1)
    return (common.sum(dim=(1, 2)) - own) / (t * (t - 1))


def agreement(maps: Tensor) -> Tensor:
    """How alike the maps of a clip are in shape: (b, t, h, w) -> (b,), Pearson's over cells.

    The mean over pairs of maps that are not even; NaN where there is no such pair. Unlike
    `overlap` it does not rise when maps get flatter.
    """
    p = density(maps).flatten(2)
    p = p - p.mean(2, keepdim=True)
    length = p.norm(dim=2, keepdim=True)
    unit = torch.where(length > 1e-12, p / length, torch.nan)
    cosines = unit @ unit.mT
    own = torch.eye(p.shape[1], dtype=torch.bool)
    return torch.where(own, torch.nan, cosines).flatten(1).nanmean(1)


def overlap_with_first(maps: Tensor) -> Tensor:
    """Does salient stay? Overlap of each frame's map with frame 0's: (b, t, h, w) -> (b, t)."""
    p = density(maps).flatten(2)
    return torch.minimum(p, p[:, :1]).sum(-1)


def likeness(frames: Tensor) -> Tensor:
    """Mean cosine between a clip's frame embeddings: (b, t, d) -> (b,); diversity is 1 - it."""
    unit = F.normalize(frames.detach().double().cpu(), dim=2)
    t = unit.shape[1]
    cosines = unit @ unit.mT
    return (cosines.sum(dim=(1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(1)) / (t * (t - 1))


def rank_correlation(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    """Spearman's: Pearson's of mean ranks. NaN where one of them is constant, or for one pair."""
    from scipy.stats import rankdata

    x, y = (np.asarray(v, np.float64) for v in (a, b))
    if x.shape != y.shape or x.ndim != 1:
        raise ReidError(f"ranks of {x.shape} and {y.shape} numbers cannot be compared")
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = (rankdata(v[kept]) for v in (x, y))
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def region_mass(response: Tensor, truth: Mapping[str, Tensor], count: int = 8) -> dict[str, Tensor]:
    """FGRA's Figure 5 as numbers: does region i respond on its own body part, or at its height?

    response (t, i, h, w), truth of the same t frames, frame 0 the reference. A body part belongs
    to the stripe of the reference frame that shows most of it. Returns (t, i): mass on the box of
    the region's parts in each frame, on that box as it lies in the reference frame ("place"), on
    the region's stripe, and the share of the frame that each takes (what a uniform map would give).
    Box and place are much the same size; a stripe is larger, so a blurred map has more on it.
    """
    t, regions = response.shape[:2]
    parts, visible = truth["parts"].cpu(), truth["visible"].cpu()
    height, width = parts.shape[1:]
    rows = torch.arange(height) * regions // height
    owner = {}
    for part in range(1, count):
        seen = ((parts[0] == part) & visible[0]).sum(1)
        if seen.any():
            owner[part] = int(torch.bincount(rows, seen.double(), regions).argmax())
    kinds = ("part", "place", "stripe")
    found = {name: torch.full((t, regions), torch.nan, dtype=torch.float64)
             for kind in kinds for name in (kind, f"{kind} area")}  # fmt: skip
    even = torch.ones(t, *response.shape[2:])
    for i in range(regions):
        mine = torch.tensor([part for part, region in owner.items() if region == i])
        box = _boxes(torch.isin(parts.long(), mine) & visible)
        stripe = (rows == i)[None, :, None].expand(t, height, width)
        place = box[:1].expand_as(box)
        for name, region in zip(kinds, (box, place, stripe)):
            found[name][:, i] = mass(response[:, i], region)
            found[f"{name} area"][:, i] = mass(even, region)
    return found


def _boxes(mask: Tensor) -> Tensor:
    """The bounding box of each mask, filled: (n, H, W) bool -> the same."""
    down, right = mask.any(2), mask.any(1)

    def span(x: Tensor) -> Tensor:  # True from the first True to the last
        return (x.cumsum(1) > 0) & (x.flip(1).cumsum(1).flip(1) > 0)

    return span(down)[:, :, None] & span(right)[:, None]


# Against what, and how sure -------------------------------------------------------------------


def references(maps: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """What any map must beat, in its shape (n, h, w): noise, an even one, a blob in the middle.

    The blob is a Gaussian with a deviation of a quarter of the frame either way: boxes are
    centred on people, so it is the one that is hard to beat.
    """
    n, h, w = maps.shape
    noise = torch.rand(n, h, w, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    y, x = (4 * ((torch.arange(k, dtype=torch.float64) + 0.5) / k - 0.5) for k in (h, w))
    blob = torch.exp(-0.5 * (y[:, None] ** 2 + x**2))
    return {"random": noise, "even": torch.ones_like(noise), "centre": blob.expand(n, h, w)}


@dataclass(frozen=True)
class Estimate:
    """A mean over identities and its 95 % bootstrap interval; frames that had an answer."""

    mean: float
    low: float
    high: float
    frames: int
    identities: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def estimate(
    values: Tensor | np.ndarray, identities: Sequence[int], *, draws: int = 2000, seed: int = 0
) -> Estimate:
    """The mean of values (n,), every identity counting once, and its interval over identities.

    Frames of one person are not independent, people are: they are what is drawn again. NaN is
    left out; without any value all is NaN; with one identity the interval is NaN.
    """
    numbers, people = np.asarray(values, np.float64), np.asarray(identities)
    if len(numbers) != len(people):
        raise ReidError(f"{len(numbers)} values of {len(people)} identities")
    kept = np.isfinite(numbers)
    numbers, people = numbers[kept], people[kept]
    known, place = np.unique(people, return_inverse=True)
    if not len(known):
        return Estimate(np.nan, np.nan, np.nan, 0, 0)
    means = np.bincount(place, numbers) / np.bincount(place)
    low = high = float("nan")
    if len(known) > 1:
        chosen = np.random.default_rng(seed).integers(len(means), size=(draws, len(means)))
        low, high = np.quantile(means[chosen].mean(1), (0.025, 0.975))
    return Estimate(float(means.mean()), float(low), float(high), len(numbers), len(known))


def readings(maps: Tensor, truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every question about single maps, (n, h, w) -> name -> (n,).

    "parts" is how much of the visible body is lit, which a map that lights everything answers
    best; "parts beyond breadth" is how much more of the body than of the frame.
    """
    parts = coverage(maps, truth["parts"], truth["visible"]).nanmean(1)
    broad = breadth(maps)
    return {
        **shares(maps, truth),
        "pointing": pointing(maps, truth["visible"]),
        "iou": best_iou(maps, truth["visible"]),
        "parts": parts,
        "breadth": broad,
        "parts beyond breadth": parts - broad,
    }


def judge(
    maps: Tensor, truth: Mapping[str, Tensor], identities: Sequence[int], *, seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """The verdict on maps (n, h, w): "map" and each of `references` -> question -> estimate."""
    candidates = {"map": maps, **references(maps, seed)}
    return {
        name: {
            question: estimate(values, identities, seed=seed)
            for question, values in readings(candidate, truth).items()
        }
        for name, candidate in candidates.items()
    }
