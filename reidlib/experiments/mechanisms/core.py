"""Where mechanisms are measured, and what comes out: numbers a person, by scene, source, question.

Trained models are the shipped ones of one profile and world 0; the people are the first N of the
test that have a query, in the data's order; of each, the first query. A source is a recipe, whose
map or embedding it is, or what its map is held against: "random", "even", "centre".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reidlib.data.promenade.settings import VERSION
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import data_folder
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipe as find_recipe
from reidlib.recipes.core import shaping
from reidlib.seeing.arms import LOOKED_AT, Arm, cam_maps, load_arm, queries
from reidlib.seeing.attention import Seen, area, look, perturbation
from reidlib.seeing.health import map_faults
from reidlib.seeing.truth import rank_correlation, readings, references

PEOPLE, LENGTHS, WORLD = 100, (12, 16), 0
BATCH = 256  # frames whose truth is drawn together
WAYS, STEPS = ("deletion", "insertion"), 8
_QUESTIONS = tuple(
    w for way in WAYS for w in (way, *(f"{way} at {k / STEPS:g}" for k in range(STEPS + 1)))
)

# Promenade's options of each scene; the walks are the same in all.
SCENES: Mapping[str, Mapping[str, Any]] = {
    **{name: {"scenario": name} for name in ("clean", "occlusion", "misalignment", "lookalike")},
    "street": {"scenario": "street"},
    "other backgrounds": {"scenario": "clean", "backdrop": 1},
    "corruption everywhere": {"scenario": "corruption", "strengths": {"corruption": 1.0}},
}


@dataclass(frozen=True)
class Cell:
    """One question to one source in one scene. values: person -> mean over that person's frames,
    clips or tracklets, those without an answer left out; count: how many had one."""

    scene: str
    source: str
    question: str
    values: Mapping[int, float]
    count: int


@dataclass
class Readings:
    """What a measurement found, and what is wrong with the maps it looked at, in words."""

    cells: list[Cell] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)  # of no person: times, ...
    words: list[str] = field(default_factory=list)

    def add(
        self,
        scene: str,
        source: str,
        question: str,
        values: Tensor | np.ndarray,
        people: Sequence[int],
    ) -> None:
        """values (n,) of people (n,); NaN has no answer."""
        numbers, owners = np.asarray(values, np.float64), np.asarray(people)
        if numbers.shape != owners.shape:
            raise ReidError(f"{numbers.shape} values of {len(owners)} people")
        kept = np.isfinite(numbers)
        known, place = np.unique(owners[kept], return_inverse=True)
        means = np.bincount(place, numbers[kept]) / np.bincount(place)
        table = {int(pid): float(mean) for pid, mean in zip(known, means)}
        self.cells.append(Cell(scene, source, question, table, int(kept.sum())))

    def maps(
        self, scene: str, source: str, maps: Tensor, truth: Mapping[str, Tensor], people: list[int]
    ) -> None:
        """Every question of `truth.readings` to maps (n, h, w) of frames, and their faults."""
        self._ask(scene, source, maps, truth, people)
        self.words += [f"{source}, {scene}: {fault}" for fault in map_faults(maps)]

    def references(
        self, scene: str, like: Tensor, truth: Mapping[str, Tensor], people: list[int]
    ) -> None:
        """The same questions to what any map must beat, on the grid of `like` (n, h, w)."""
        for name, maps in references(like).items():
            self._ask(scene, name, maps, truth, people)

    def _ask(
        self, scene: str, source: str, maps: Tensor, truth: Mapping[str, Tensor], people: list[int]
    ) -> None:
        for question, values in readings(maps, truth).items():
            self.add(scene, source, question, values, people)


class Lab:
    """Trained models and scenes, each opened once.

    checkpoints: the folder of shipped weights. options: of Promenade, beside the scene's.
    """

    def __init__(
        self,
        people: int = PEOPLE,
        profile: str = "fine",
        checkpoints: Path | None = None,
        **options: Any,
    ) -> None:
        self.people, self.profile = people, profile
        self.folder = checkpoints or data_folder("checkpoints")
        self.options = {
            "size": "tiny", "subset": "none", "world": WORLD, "lengths": LENGTHS,
            "people": {"test": people}, "progress": False, **options,
        }  # fmt: skip
        self._arms: dict[str, Arm] = {}
        self._scenes: dict[str, TrackletDataset] = {}
        self._cams: dict[tuple[str, str], list[Tensor]] = {}
        self._truths: dict[tuple[str, bytes], list[dict[str, Tensor]]] = {}

    def path(self, recipe: str) -> Path:
        """Where the weights of a recipe lie."""
        return self.folder / f"{recipe.replace('/', '_')}--{self.profile}.safetensors"

    def missing(self, recipes: Sequence[str]) -> list[str]:
        """Those of the recipes whose weights are not there."""
        return [name for name in recipes if not self.path(name).is_file()]

    def arm(self, recipe: str) -> Arm:
        """The trained model. Raises ReidError where it is not there, or of another recipe."""
        if recipe not in self._arms:
            if self.missing([recipe]):
                raise ReidError(
                    f"{recipe} is not trained yet: {self.path(recipe).name} is not in "
                    f"{self.folder}; `reid train {recipe} --profile {self.profile}` makes it"
                )
            arm, data = load_arm(self.path(recipe))
            if other := _otherwise(arm, data, recipe):
                raise ReidError(f"{self.path(recipe).name} was trained {other}; train it again")
            self._arms[recipe] = arm
        return self._arms[recipe]

    def size(self) -> tuple[int, int]:
        """Height and width of frames at the profile's size."""
        chosen = find_profile(self.profile)
        return chosen.height or 256, chosen.width or 128

    def scene(self, name: str) -> TrackletDataset:
        """A scene's test people, at the profile's size."""
        from reidlib.data.promenade import load

        if name not in self._scenes:
            height, width = self.size()
            asked = {**self.options, **SCENES[name], "height": height, "width": width}
            self._scenes[name] = load(**asked)
        return self._scenes[name]

    def tracklets(self, scene: str) -> list[Tracklet]:
        """One query a person."""
        return queries(self.scene(scene), self.people)

    def truth(
        self, scene: str, tracklets: Sequence[Tracklet], places: Sequence[np.ndarray]
    ) -> list[dict[str, Tensor]]:
        """What is true of these frames of each tracklet, as `Seen.truth` has it."""
        from reidlib.data.promenade import RenderedTruth

        rows = np.concatenate([np.full(p.size, t.row) for t, p in zip(tracklets, places)])
        frames = np.concatenate([p.ravel() for p in places])
        key = scene, np.stack([rows, frames]).tobytes()
        if key not in self._truths:
            source = self.scene(scene).truth
            assert isinstance(source, RenderedTruth)
            pieces = [
                source.stage.truth(rows[i : i + BATCH], frames[i : i + BATCH])
                for i in range(0, len(rows), BATCH)
            ]  # together: a tracklet at a time takes six times as long
            cuts = np.cumsum([p.size for p in places])[:-1].tolist()
            whole = {n: torch.cat([p[n] for p in pieces]).tensor_split(cuts) for n in pieces[0]}
            self._truths[key] = [
                {name: parts[i] for name, parts in whole.items()} for i in range(len(tracklets))
            ]
        return self._truths[key]

    def look(self, recipe: str, scene: str) -> list[Seen]:
        """One clip of each person, evenly spread over the tracklet, with its truth."""
        arm, dataset, tracklets = self.arm(recipe), self.scene(scene), self.tracklets(scene)
        how: dict[str, Any] = {"rule": "evenly", "with_truth": False}
        seen = [look(arm.model, dataset, t, arm.recipe, arm.profile, **how) for t in tracklets]
        truths = self.truth(scene, tracklets, [s.places for s in seen])
        return [replace(s, truth=truth) for s, truth in zip(seen, truths)]

    def cams(self, recipe: str, scene: str, seen: Sequence[Seen]) -> list[Tensor]:
        """Grad-CAM of each clip of `look`, (1, t, h, w), see `arms.cam_maps`."""
        if (recipe, scene) not in self._cams:
            arm, dataset = self.arm(recipe), self.scene(scene)
            self._cams[recipe, scene] = [cam_maps(arm, dataset, one).cpu() for one in seen]
        return self._cams[recipe, scene]

    def perturbations(
        self, recipe: str, seen: Sequence[Seen], maps: Sequence[Tensor]
    ) -> dict[tuple[str, str], np.ndarray]:
        """Each clip's curves of `perturbation` and their areas: by its map, noise, and a blob.

        (source, question) -> (people,), of the first 24 people; NaN of the others, and where the
        maps of a clip are all empty or one is not finite. Questions:
        "deletion", "insertion", the areas; "deletion at 0.25", ..., the curves themselves.
        """
        blind = [references(own[0], seed) for seed, own in enumerate(maps)]
        rivals = {f"{recipe}, {name} map": [r[name][None] for r in blind]
                  for name in ("random", "centre")}  # fmt: skip
        found: dict[tuple[str, str], np.ndarray] = {}
        for source, pictures in {recipe: maps, **rivals}.items():
            rows = [
                self._curves(recipe, one, picture)
                if picture.isfinite().all() and (picture > 0).any() else {}
                for one, picture in zip(seen[:LOOKED_AT], pictures)
            ]  # fmt: skip
            rows += [{}] * (len(seen) - len(rows))
            for question in _QUESTIONS:
                found[source, question] = np.array([row.get(question, np.nan) for row in rows])
        return found

    def _curves(self, recipe: str, one: Seen, picture: Tensor) -> dict[str, float]:
        """What `perturbation` finds in one clip, by question."""
        curve = perturbation(self.arm(recipe).model, one.clips, picture, steps=STEPS)
        told = {}
        for name in WAYS:
            told[name] = area(curve, name)
            told |= {f"{name} at {s:g}": v for s, v in zip(curve["share"], curve[name].tolist())}
        return told


def _otherwise(arm: Arm, data: Mapping[str, Any], recipe: str) -> str:
    """What sets a trained model apart from what the recipe would give today in world 0, or ""."""
    if shaping(asdict(arm.recipe)) != shaping(asdict(find_recipe(recipe))):
        return f"by another recipe than {recipe} is now"
    if arm.profile != find_profile(arm.profile.name):
        return f"at another size than the profile {arm.profile.name} has now"
    if data["name"] != "promenade":
        return f"on {data['name']}"
    if data["version"] != VERSION:
        return f"on Promenade {data['version']}, today's is {VERSION}"
    world = data["settings"]["world"]
    return f"in world {world}, not {WORLD}" if world != WORLD else ""


def joined(seen: Sequence[Seen]) -> tuple[dict[str, Tensor], list[int], list[int]]:
    """Truth of all frames in order; whose each frame is; whose each clip is."""
    truth = {name: torch.cat([s.truth[name] for s in seen]) for name in seen[0].truth}
    frames = [pid for s in seen for pid in s.identities]
    return truth, frames, [s.tracklet.raw_pid for s in seen for _ in s.places]


def outputs(seen: Sequence[Seen], name: str) -> Tensor:
    """A map of the models' outputs, one row a clip, in order."""
    return torch.cat([s.output.maps[name] for s in seen])


def rank_within(weights: Tensor, values: Tensor) -> Tensor:
    """Spearman's correlation over the frames of each clip: (b, t) twice -> (b,); NaN if either
    is the same in all of them."""
    pairs = zip(weights.double().cpu().numpy(), values.double().cpu().numpy(), strict=True)
    return torch.tensor([rank_correlation(a, b) for a, b in pairs], dtype=torch.float64)


def where(condition: Tensor, values: Tensor) -> Tensor:
    """The values where the condition holds, else NaN."""
    return torch.where(condition, values.double(), torch.nan)
