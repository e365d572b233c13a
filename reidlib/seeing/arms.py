"""What every figure works with: trained models side by side, people chosen by rule, maps judged.

No picture is picked by hand. A figure looks at the first `LOOKED_AT` queries of the data, in the
data's order, judges them all, and shows three: the first, the median and the worst.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import data_folder
from reidlib.recipes.core import Profile, Recipe
from reidlib.seeing.attention import Seen, look
from reidlib.seeing.cam import clip_cam, similarity
from reidlib.seeing.health import faults
from reidlib.seeing.truth import (
    estimate,
    judge,
    likeness,
    mass,
    overlap,
    overlap_with_first,
    readings,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKED_AT = 24


@dataclass(frozen=True)
class Arm:
    """A model in a comparison, and where its numbers stand."""

    name: str
    model: nn.Module
    recipe: Recipe
    profile: Profile
    record: str = "no record"


@dataclass(frozen=True)
class Drawn:
    """A figure, the numbers that judge it, and what is wrong with what it shows, in words."""

    figure: Figure
    numbers: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def load_arm(run: Path) -> tuple[Arm, dict[str, Any]]:
    """The model of a run's folder (or model file), and the data it was trained on."""
    from reidlib.checkpoints import load_model
    from reidlib.records import records_beside

    model, about = load_model(run)
    records = records_beside(run, about.recipe.name, about.profile.name)
    name = records[0].stem if records else f"{run.name}, without a record"
    return Arm(about.recipe.name, model, about.recipe, about.profile, name), about.data


def untrained(name: str, how_big: str = "laptop") -> Arm:
    """A recipe's model with drawn weights, for figures that do not look at weights."""
    from reidlib.build import build
    from reidlib.recipes import profile, recipe

    chosen, size = recipe(name), profile(how_big)
    model = build(chosen, size, num_classes=625, pretrained=False).model
    return Arm(name, model.eval(), chosen, size, "none, untrained")


def shipped(recipe: str, profile: str = "fine") -> Path | None:
    """The shipped weights of a recipe, data/checkpoints/<recipe>--<profile>.safetensors, if any."""
    path = data_folder("checkpoints") / f"{recipe.replace('/', '_')}--{profile}.safetensors"
    return path if path.is_file() else None


# Who is looked at -------------------------------------------------------------------------------


def queries(dataset: TrackletDataset, count: int = LOOKED_AT) -> list[Tracklet]:
    """The first queries, one a person, in the data's order. Raises ReidError if there are none."""
    found = {t.pid: t for t in reversed(dataset.query)}
    if not found:
        raise ReidError(f"{dataset.name} was loaded without queries: there is nobody to look at")
    return sorted(found.values(), key=dataset.query.index)[:count]


def first_median_worst(values: Sequence[float] | np.ndarray) -> list[int]:
    """Places of the first, the median and the lowest value: three, if there are three.

    The first is taken first, then the lowest of the others, then the median of what is left (of
    two the larger). NaN is passed over as long as there are three numbers.
    """
    numbers = np.asarray(values, np.float64)
    order = _lowest_first(numbers)
    first = min(order[: np.isfinite(numbers).sum() or None])
    order.remove(first)
    worst = order[:1]
    rest = order[1:]
    known = sum(np.isfinite(numbers[i]) for i in rest) or len(rest)
    return [first, *([rest[known // 2]] if rest else []), *worst]


def _lowest_first(numbers: np.ndarray) -> list[int]:
    """All places, the lowest first, those that are not finite last and as they come."""
    return [int(i) for i in np.argsort(np.where(np.isfinite(numbers), numbers, np.inf),
                                       kind="stable")]  # fmt: skip


# Maps of many people --------------------------------------------------------------------------

MapMaker = Callable[[Arm, TrackletDataset, Seen], Tensor]  # -> (m, t, h, w)


def cam_maps(arm: Arm, dataset: TrackletDataset, seen: Seen) -> Tensor:
    """Grad-CAM of the similarity to the person's next tracklet in another camera.

    People of the test have no classifier row; the tracklet they should be matched with stands in
    for it (their own clips where they have no other).
    """
    other = _embedding(arm, dataset, partner(dataset, seen.tracklet) or seen.tracklet)
    return clip_cam(arm.model, seen.clips, similarity(other, "dot"))  # as a classifier row would


def partner(dataset: TrackletDataset, tracklet: Tracklet) -> Tracklet | None:
    """The first gallery tracklet of the same person in another camera."""
    same = (t for t in dataset.gallery if t.pid == tracklet.pid and t.camid != tracklet.camid)
    return next(same, None)


def _embedding(arm: Arm, dataset: TrackletDataset, tracklet: Tracklet) -> Tensor:
    how = (arm.recipe, arm.profile)
    seen = look(arm.model, dataset, tracklet, *how, rule="evenly", with_truth=False)
    with torch.no_grad():
        pooled: Tensor = arm.model.pool(seen.output)  # type: ignore[operator]
    return pooled


@dataclass(frozen=True)
class Gathered:
    """One arm's maps of many tracklets."""

    arm: Arm
    seen: list[Seen]
    maps: list[Tensor]  # (m, t, h, w) each

    def person(self) -> np.ndarray:
        """Mean mass on the visible person, of each tracklet; NaN where nothing is known."""
        if not self.seen[0].truth:
            return np.full(len(self.seen), np.nan)
        pairs = zip(self.seen, self.maps)
        found = [mass(s.flat(m), s.truth["visible"]).nanmean() for s, m in pairs]
        return torch.stack(found).numpy()

    def verdict(self) -> dict[str, Any]:
        """`judge`'s table over all frames, readings by slot, and how alike a clip's maps are."""
        flat = torch.cat([s.flat(m) for s, m in zip(self.seen, self.maps)])
        clips = torch.cat(self.maps)
        owners = [s.tracklet.raw_pid for s in self.seen for _ in range(len(s.places))]
        found: dict[str, Any] = {
            "overlap in a clip": asdict(estimate(overlap(clips), owners)),
            "overlap with frame 0, by slot": _by_slot(overlap_with_first(clips), owners),
            "likeness of frames": asdict(estimate(likeness(self._frame_features()), owners)),
        }
        if not self.seen[0].truth:
            return found
        truth = self.truth()
        people = [pid for s in self.seen for pid in s.identities]
        for name, row in judge(flat, truth, people).items():
            found[name] = {question: asdict(value) for question, value in row.items()}
        t = clips.shape[1]
        slots = {k: v.reshape(-1, t) for k, v in readings(flat, truth).items()}
        found["by slot"] = {k: _by_slot(v, owners) for k, v in slots.items()}
        return found

    def truth(self) -> dict[str, Tensor]:
        """Of all frames, in order."""
        names = ("mask", "visible", "front", "parts", "covered", "quality", "foreign")
        return {n: torch.cat([s.truth[n] for s in self.seen]) for n in names}

    def embeddings(self) -> Tensor:
        """(n, d), what each tracklet's clips that are looked at pool to."""
        with torch.no_grad():
            found = [self.arm.model.pool(s.output) for s in self.seen]  # type: ignore[operator]
        return torch.stack(found)

    def words(self, what: str = "the map", name: str = "") -> list[str]:
        """What is wrong with frames, maps and embeddings; name: what the model is called."""
        name = name or self.arm.name
        maps = torch.cat([s.flat(m) for s, m in zip(self.seen, self.maps)])
        return faults(
            [s.flat(s.frames) for s in self.seen],
            {f"{name}: {what}": maps},
            {name: self.embeddings()},
        )

    def _frame_features(self) -> Tensor:
        """(clips, t, d): what the model makes of single frames, else the means of its last maps."""
        outputs = [s.output for s in self.seen]
        if all("frame_features" in o.maps for o in outputs):
            return torch.cat([o.maps["frame_features"] for o in outputs])
        if all("frame" in o.heads for o in outputs):
            return torch.cat([o.heads["frame"][0] for o in outputs])
        return torch.cat([o.maps["features"].mean(dim=(3, 4)) for o in outputs])


def gather(
    arm: Arm,
    dataset: TrackletDataset,
    tracklets: Sequence[Tracklet],
    maker: MapMaker,
    *,
    rule: str = "evenly",
    limit: int = 1,
) -> Gathered:
    """The arm's maps of each tracklet, of `limit` clips of each; rule: see `look`."""
    seen = [
        look(arm.model, dataset, one, arm.recipe, arm.profile, rule=rule, limit=limit)
        for one in tracklets
    ]
    return Gathered(arm, seen, [maker(arm, dataset, s).cpu() for s in seen])


def _by_slot(values: Tensor, owners: Sequence[int]) -> list[dict[str, Any]]:
    return [asdict(estimate(column, owners)) for column in values.T]
