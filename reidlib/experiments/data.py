"""What runs train on and what they are scored on: a scenario of Promenade, or a user's own copy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reidlib.data.tracklets import TrackletDataset
from reidlib.records import Record

HALVED = ("ilids", "prid")  # data sets whose protocol averages over halvings: run k, halving k
PROFILE = "laptop"  # of records and tables, unless another is asked for
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

    def words(self, profile: str) -> list[str]:
        """The options that ask for this data and profile, the root and what is usual left out."""
        usual = Data()
        told = [f"--profile {profile}"] * (profile != PROFILE)
        told += [f"--data {self.name}"] * (self.name != usual.name)
        told += [f"--{name} {value}" for name in ("scenario", "size")
                 if (value := getattr(self, name)) != getattr(usual, name)]  # fmt: skip
        return [*told, *(f"--with {name}={value}" for name, value in self.options.items())]

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
