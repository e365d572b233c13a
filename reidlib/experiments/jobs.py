"""Which runs a table needs: recipes x data x worlds. Run k lives in world k and has seed k."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import data_folder
from reidlib.recipes import profile as find_profile
from reidlib.recipes import recipe as find_recipe
from reidlib.recipes import recipes
from reidlib.recipes.core import Profile, Recipe, plan, shaping
from reidlib.records import Record, read_record

HALVED = ("ilids", "prid")  # data sets whose protocol averages over halvings: run k, halving k
WEIGHTS = "weights"  # the note in a record that has its model file's checksum
FIVE_PAPERS, ALL = "five-papers", "all"  # names for the rows of several tables
HALVINGS, WORLDS = 10, 5  # runs of a row that is whole: of these data, of all others


@dataclass(frozen=True)
class Data:
    """What runs train on and what they are scored on.

    scenario, size: Promenade's. score_on: scenarios, of the same people, cameras and walks, each
    "occlusion" or, at another strength than the scenario's own, "occlusion=0.35". Real data sets
    have a root and are scored on themselves. options: further ones of the data set's `load`.
    """

    name: str = "promenade"
    root: str | None = None
    scenario: str = "street"
    size: str = "small"
    score_on: tuple[str, ...] = ("street",)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scored(self) -> tuple[str, ...]:
        """Keys of a record's scores that a finished run has."""
        return self.score_on if self.name == "promenade" else (self.name,)

    @property
    def worlds(self) -> int:
        """Runs of each row: an interval needs several, a halved protocol all of its halvings."""
        return HALVINGS if self.name in HALVED else WORLDS

    def load(self, world: int, size: tuple[int, int]) -> TrackletDataset:
        """The training people of a world, and its test people under the same scenario.

        size: height and width of a frame.
        """
        from reidlib.data import load_dataset
        from reidlib.data.reading import at_least

        if self.name == "promenade":
            return self._promenade(world, size, self.scenario)
        split = {"split": world} if self.name in HALVED else {}
        options = {"size": size, **split, **self.options}
        shortest = options.pop("min_frames", None)
        if self.name == "mars-layout":
            found = load_dataset("mars", self.root, **{"expect": None, **options})
        else:
            found = load_dataset(self.name, self.root, **options)
        return found if shortest is None else at_least(found, shortest)

    def load_test(self, scored: str, world: int, size: tuple[int, int]) -> TrackletDataset:
        """Promenade's test people under the scenario `scored`; nobody to train on."""
        return self._promenade(world, size, scored, subset="none")

    def _promenade(
        self, world: int, size: tuple[int, int], scored: str, **more: Any
    ) -> TrackletDataset:
        from reidlib.data import promenade

        asked = request(world, size, scored) | dict(self.options) | {"size": self.size}
        return promenade.load(**asked, **more, progress=False)

    def knows(self, record: Record, world: int) -> bool:
        """Whether the record is of this data in this world, whatever its version was."""
        data, settings = record.data, record.data["settings"]
        if data["name"] != self.name:
            return False
        if self.name != "promenade":
            return self.name not in HALVED or str(data.get("split")).endswith(f"-{world}")
        there = tuple(settings.get(name) for name in ("scenario", "size", "world"))
        return there == (self.scenario, self.size, world)

    def is_of(self, record: Record, world: int) -> bool:
        """Whether the record is of this data in this world, to the last setting."""
        if not self.knows(record, world):
            return False
        if self.name != "promenade":
            return bool(record.notes.get("asked", "") == self.asked)
        height, width = record.plan["size"]
        digest = self._digest(world, (height, width))
        return bool(record.data["settings"].get("digest") == digest)

    def version(self, world: int) -> str:
        """Of the lists of a user's own copy as they are now; "" where no copy is named."""
        if self.root is None:
            return ""
        split = world if self.name in HALVED else 0
        if split not in self._versions:
            self._versions[split] = self.load(split, (64, 32)).version
        return self._versions[split]

    @cached_property
    def _versions(self) -> dict[int, str]:
        return {}

    @property
    def asked(self) -> str:
        """One word for the further options, which may name places and so stay out of records."""
        if not self.options:
            return ""
        told = json.dumps(sorted(self.options.items()), default=str)
        return hashlib.sha256(told.encode()).hexdigest()[:8]

    def _digest(self, world: int, size: tuple[int, int]) -> str:
        from reidlib.data.promenade import Settings, resolve

        options = request(world, size, self.scenario) | dict(self.options) | {"size": self.size}
        changes = {name: options.pop(name, None) for name in ("strengths", "people")}
        return resolve(Settings(**options), **changes).digest()


def request(world: int, size: tuple[int, int], scored: str) -> dict[str, Any]:
    """Options of Promenade for a scenario, "occlusion", or one at a strength, "occlusion=0.35"."""
    scenario, _, strength = scored.partition("=")
    asked = {"scenario": scenario, "world": world, "height": size[0], "width": size[1]}
    return asked | ({"strengths": {scenario: float(strength)}} if strength else {})


@dataclass(frozen=True)
class Job:
    """One training, and the recipes that are scored with its weights, itself first."""

    recipe: str
    tests: tuple[str, ...]
    profile: str
    data: Data
    world: int

    @property
    def name(self) -> str:
        """For folders and lock files; the same in every program that means the same run."""
        asked = {**asdict(self.data), "root": None, "score_on": None}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
        recipe = self.recipe.replace("/", "_")
        return f"{recipe}--{self.profile}--{self.data.name}-{digest}--{self.world}"

    def __str__(self) -> str:
        return f"{self.recipe} in world {self.world}"


def chosen(names: Sequence[str]) -> list[Recipe]:
    """Recipes and whole tables by name, in the order given, each once.

    "all" is every table and the baseline that papers are held against, "five-papers" what
    `reid table five-papers` shows. Raises ReidError for any other name, with the tables there are.
    """
    known, found = recipes(), {}
    tables = {table for r in known.values() for table, _ in ((r.table, r.row), *r.also) if table}
    for name in names:
        rows = [known[name]] if name in known else _rows(name, known)
        if not rows:
            try:
                find_recipe(name)
            except ReidError as error:
                told = ", ".join((*sorted(tables), FIVE_PAPERS, ALL))
                raise ReidError(f"{error}; tables: {told}") from None
        for one in rows:
            found[one.name] = one
    return list(found.values())


def _rows(name: str, known: Mapping[str, Recipe]) -> list[Recipe]:
    """The recipes of a table, or of several; [] for a name that is none."""
    from reidlib.experiments.five_papers import BASELINE, METHODS, OWN

    if name == FIVE_PAPERS:
        return [known[one] for one in (*METHODS, *OWN.values())]
    rows = [
        r for r in known.values() if name in (r.table, *dict(r.also)) or (name == ALL and r.table)
    ]
    return [*rows, known[BASELINE]] if name == ALL else rows


def make_jobs(
    recipes: Iterable[Recipe], profile: str, data: Data, worlds: Iterable[int]
) -> list[Job]:
    """World 0 of every row, then world 1 of every row, so that unfinished tables have all rows.

    A recipe that tests another one's weights is done where those are trained.
    """
    from reidlib.experiments.asking import check_data

    find_profile(profile)
    check_data(data)
    groups: dict[str, dict[str, None]] = {}
    for one in recipes:
        trained = one.weights_of or one.name
        groups.setdefault(trained, {trained: None})[one.name] = None
    return [
        Job(trained, tuple(tests), profile, data, world)
        for world in worlds
        for trained, tests in groups.items()
    ]


@dataclass(frozen=True)
class Found:
    """The records of one job: by recipe, those that still hold; the others with the reason.

    scenes: what a recipe has been scored on, by whatever weights of this recipe's code.
    """

    current: Mapping[str, Record]
    stale: Mapping[str, str]
    scenes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def missing(self, job: Job) -> dict[str, list[str]]:
        """Recipe -> what it is still to be scored on; {} when all is recorded."""
        wanted = {
            name: [s for s in job.data.scored if s not in self._scores(name)] for name in job.tests
        }
        return {name: scenes for name, scenes in wanted.items() if scenes}

    def _scores(self, name: str) -> Mapping[str, Any]:
        return self.current[name].scores if name in self.current else {}


def find(job: Job, results: Path) -> Found:
    """What lies in the folder of a job; files that are no records are passed over."""
    current, stale = {}, {}
    for name in job.tests:
        first = name.replace("/", "_")
        pattern = f"{first}--{job.profile}--{job.data.name}-*--seed{job.world}.json"
        for path in sorted(results.glob(pattern)):
            try:
                record = read_record(path)
            except (ReidError, FileNotFoundError):
                continue
            if not job.data.knows(record, job.world):
                continue
            if reason := why_stale(record):
                stale[name] = reason
            elif job.data.is_of(record, job.world):
                if job.data.version(job.world) in ("", record.data["version"]):
                    current[name] = record
                else:
                    stale[name] = f"the lists of {job.data.root} have changed since"
    scenes = {name: tuple(record.scores) for name, record in current.items()}
    trained = current.get(job.recipe)
    for name in [*current]:
        if trained and (reason := other_weights(current[name], trained)):
            stale[name] = reason
            del current[name]
    return Found(current, {n: why for n, why in stale.items() if n not in current}, scenes)


def other_weights(record: Record, trained: Record) -> str:
    """Why a record is not of the weights that this training left, or ""."""
    told = f"it is of other weights than the record of {trained.recipe['name']}"
    one, other = record.notes.get(WEIGHTS), trained.notes.get(WEIGHTS)
    if one and other:
        return told if one != other else ""
    # Older records do not name their weights; how long a training took is its own.
    keys = [(r.seconds.get("training"), r.readings) for r in (record, trained)]
    return told if keys[0] != keys[1] else ""


def why_stale(record: Record) -> str:
    """`record.stale`, and whether its first weights, or those it tests, would be others now."""
    if reason := record.stale:
        return reason
    recipe, profile = (find_recipe(record.recipe["name"]), find_profile(record.profile["name"]))
    if recipe.weights_of:
        trained = find_recipe(recipe.weights_of)
        if record.notes.get("trained") != trained_by(trained, profile):
            return f"{trained.name}, whose weights it tests, has changed"
    elif (now := shipped(recipe, profile)) and record.start != now:
        return f"it started from {record.start}, not from {now}"
    return ""


def trained_by(recipe: Recipe, profile: Profile) -> str:
    """One word for all that a recipe's training depends on, of now."""
    from reidlib.sources import TRAINING, sources

    shapes = [
        shaping(asdict(recipe)),
        asdict(profile),
        sources(recipe, TRAINING),
        shipped(recipe, profile),
    ]
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()[:12]


def shipped(recipe: Recipe, profile: Profile) -> str:
    """What `build` says of the shipped weights that the backbone starts from; "" for none."""
    if profile.pretrained in ("", "imagenet"):
        return ""
    se = "-se" if recipe.backbone.get("se", False) else ""
    path = data_folder("checkpoints") / f"{profile.pretrained}{se}.safetensors"
    return f"{path.name}, sha256 {_digest(path)}" if path.is_file() else ""


@lru_cache
def _digest(path: Path) -> str:
    from reidlib.weights import digest

    return digest(path)[:16]


def frame_size(recipe: str, profile: str) -> tuple[int, int]:
    """Height and width of a recipe's frames at a profile's size."""
    return plan(find_recipe(recipe), find_profile(profile)).size
