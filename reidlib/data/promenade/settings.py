"""What can be asked of Promenade, checked: sizes, scenarios, strengths; and a request's hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Literal

from reidlib.errors import ReidError

VERSION = "9"  # changes whenever the same request gives other pixels, rows or truth

PEOPLE = ("train", "validation", "test", "pretrain")  # disjoint sets
ILLNESSES = ("clutter", "occlusion", "misalignment", "lookalike", "corruption")
_STREET = {
    "clutter": 0.7,
    "occlusion": 0.85,
    "misalignment": 0.8,
    "lookalike": 1.0,
    "corruption": 0.45,
}
SCENARIOS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "clean": dict.fromkeys(ILLNESSES, 0.0),
        **{
            one: {name: _STREET[name] if name == one else 0.0 for name in ILLNESSES}
            for one in ILLNESSES
        },
        "street": _STREET,
    }
)


@dataclass(frozen=True)
class Size:
    """How many people, how often each is seen, and for how long."""

    train: int
    validation: int
    test: int
    pretrain: int
    seen_by: tuple[int, int]  # cameras per person, inclusive
    again: float  # probability of a second tracklet in the same camera
    frames: tuple[int, int]  # stored frames per tracklet, inclusive
    distractors: int  # in test; a quarter of them in validation
    junk: int


SIZES: Mapping[str, Size] = MappingProxyType(
    {
        "tiny": Size(16, 8, 16, 16, (3, 4), 0.3, (6, 12), 8, 4),
        "small": Size(420, 100, 450, 420, (3, 4), 0.3, (8, 16), 150, 50),
        # MARS's own counts; the census draws its tracklets by MARS's totals
        "mars": Size(625, 100, 634, 625, (1, 6), 0.0, (2, 920), 3248, 870),
    }
)


@dataclass(frozen=True)
class Settings:
    """One request. Two requests with equal settings give equal pixels, rows and truth."""

    size: str = "small"
    scenario: str = "street"
    world: int = 0
    height: int = 64
    width: int = 32
    evaluate: Literal["test", "validation", "none"] = "test"
    subset: Literal["train", "pretrain", "none"] = "train"
    cameras: int = 6
    strengths: tuple[tuple[str, float], ...] = ()  # all five, once resolved
    family: int = 3
    lengths: tuple[int, int] | None = None
    people: tuple[tuple[str, int], ...] = ()
    backdrop: int = 0

    @property
    def strength(self) -> dict[str, float]:
        return dict(self.strengths)

    @property
    def counts(self) -> Size:
        """The size, with people and lengths replaced where the request says so."""
        size, crowd = SIZES[self.size], dict(self.people)
        return replace(
            size,
            frames=self.lengths or size.frames,
            **{name: crowd.get(name, getattr(size, name)) for name in PEOPLE},  # type: ignore[arg-type]
        )

    def digest(self) -> str:
        """16 hexadecimal digits of a hash of every setting and the version."""
        text = json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve(
    settings: Settings,
    strengths: Mapping[str, float] | None = None,
    people: Mapping[str, int] | None = None,
) -> Settings:
    """Checked settings with all five strengths filled in.

    Raises:
        ReidError: an unknown name or a number out of range, with the names and ranges that exist.
    """
    _one_of("size", settings.size, SIZES)
    _one_of("scenario", settings.scenario, SCENARIOS)
    _one_of("evaluate", settings.evaluate, ("test", "validation", "none"))
    _one_of("subset", settings.subset, ("train", "pretrain", "none"))
    strong = {**SCENARIOS[settings.scenario], **dict(settings.strengths)}
    for name, value in (strengths or {}).items():
        _one_of("illness", name, ILLNESSES)
        strong[name] = float(value)
    for name, value in strong.items():
        if not 0.0 <= value <= 1.0:
            raise ReidError(f"strength of {name} is {value}; it must lie between 0 and 1")
    crowd = dict(settings.people)
    for name, count in (people or {}).items():
        _one_of("set of people", name, PEOPLE)
        crowd[name] = int(count)
    for name, count in crowd.items():
        if count < 1:
            raise ReidError(f"{count} people in {name}: a set needs at least 1")
        if count > 2500:
            raise ReidError(f"{count} people in {name}: four-digit names leave room for 2500")
    _in_range("height", settings.height, 16, 1024)
    _in_range("width", settings.width, 8, 1024)
    _in_range("cameras", settings.cameras, 2, 9)
    _in_range("family", settings.family, 2, 6)
    if settings.lengths:
        low, high = settings.lengths
        if not 1 <= low <= high <= 999:
            raise ReidError(f"lengths ({low}, {high}): need 1 <= shortest <= longest <= 999")
    return replace(
        settings,
        strengths=tuple((name, strong[name]) for name in ILLNESSES),
        people=tuple(sorted(crowd.items())),
    )


def _one_of(what: str, name: str, known: Mapping[str, object] | tuple[str, ...]) -> None:
    if name not in known:
        raise ReidError(f"unknown {what} {name!r}; there are {', '.join(known)}")


def _in_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ReidError(f"{what} is {value}; it must lie between {low} and {high}")
