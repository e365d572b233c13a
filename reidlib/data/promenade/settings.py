"""What can be asked of Promenade, checked: sizes, scenarios, strengths; and a request's hash."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from reidlib.errors import ReidError

VERSION = "9"  # changes whenever the same request gives other pixels, rows or truth

# Disjoint sets, and how many people each has names for: see `census` for who is called what.
PEOPLE = {"train": 2500, "validation": 1999, "test": 2500, "pretrain": 2500}
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
    lengths: tuple[int, int] | tuple[int, int, float] | None = None  # (fewest, most[, mean])
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
            frames=self.lengths[:2] if self.lengths else size.frames,
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
    strong = {
        **SCENARIOS[settings.scenario],
        **_table("strengths", settings.strengths),
        **_table("strengths", strengths),
    }
    crowd = {**_table("people", settings.people), **_table("people", people)}
    lengths = None if settings.lengths is None else _span(settings.lengths)
    if settings.size == "mars":
        _like_mars(settings, crowd)
    return replace(
        settings,
        world=_in_range("world", settings.world, -(2**63), 2**63 - 1),
        height=_in_range("height", settings.height, 16, 1024),
        width=_in_range("width", settings.width, 8, 1024),
        cameras=_in_range("cameras", settings.cameras, 2, 9),
        family=_in_range("family", settings.family, 2, 6),
        backdrop=_whole("backdrop", settings.backdrop),
        strengths=tuple((name, strong[name]) for name in ILLNESSES),
        lengths=lengths,
        people=tuple(sorted(crowd.items())),
    )


def _table(what: str, given: object) -> dict[str, Any]:
    """Checked strengths or people, given as a mapping, as pairs, or not at all."""
    try:
        pairs = dict(given or ())  # type: ignore[call-overload]
    except (TypeError, ValueError):
        like = "{'occlusion': 0.5}" if what == "strengths" else "{'test': 50}"
        raise ReidError(f"{what} is {given!r}; give names with their numbers: {like}") from None
    check = _strength if what == "strengths" else _crowd
    return {name: check(name, value) for name, value in pairs.items()}


def _strength(name: str, value: object) -> float:
    _one_of("illness", name, ILLNESSES)
    try:
        strength = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        strength = float("nan")
    if not 0.0 <= strength <= 1.0:
        raise ReidError(f"strength of {name} is {value}; it must lie between 0 and 1")
    return strength


def _crowd(name: str, value: object) -> int:
    _one_of("set of people", name, PEOPLE)
    count = _whole(f"number of people in {name}", value)
    if count < 1:
        raise ReidError(f"{count} people in {name}: a set needs at least 1")
    if count > PEOPLE[name]:
        raise ReidError(f"{count} people in {name}: four-digit names leave room for {PEOPLE[name]}")
    return count


def _span(lengths: object) -> tuple[int, int] | tuple[int, int, float]:
    """Checked lengths: fewest and most frames and, where a third number stands there, the mean."""
    if not isinstance(lengths, tuple | list) or len(lengths) not in (2, 3):
        raise ReidError(
            f"lengths is {lengths!r}; give fewest and most frames, (8, 16), or also the mean, "
            "(2, 200, 30)"
        )
    low, high = (_whole("a tracklet's length", one) for one in lengths[:2])
    if not 1 <= low <= high <= 999:
        raise ReidError(f"lengths ({low}, {high}): need 1 <= shortest <= longest <= 999")
    if len(lengths) == 2:
        return low, high
    try:
        mean = float(lengths[2])
    except (TypeError, ValueError):
        mean = float("nan")
    if not low <= mean <= high:
        raise ReidError(f"mean length {lengths[2]}: it must lie between {low} and {high}")
    return low, high, mean


def _like_mars(settings: Settings, crowd: Mapping[str, int]) -> None:
    """Size "mars" has MARS's own lengths, and more queries than three cameras can have."""
    if settings.lengths is not None:
        raise ReidError(
            f"lengths {settings.lengths} with size mars, which has MARS's own; leave them out or "
            "take size small"
        )
    if settings.cameras < 4 and not crowd:
        raise ReidError(
            f"size mars with {settings.cameras} cameras: MARS's 1,980 queries need at least 4; "
            "ask for more, or take size small"
        )


def _one_of(what: str, name: object, known: Mapping[str, object] | tuple[str, ...]) -> None:
    if not isinstance(name, str) or name not in known:
        raise ReidError(f"unknown {what} {name!r}; there are {', '.join(known)}")


def _whole(what: str, value: object) -> int:
    try:
        return int(operator.index(value))  # type: ignore[arg-type]
    except TypeError:
        raise ReidError(f"{what} is {value!r}; it must be a whole number") from None


def _in_range(what: str, value: object, low: int, high: int) -> int:
    number = _whole(what, value)
    if not low <= number <= high:
        raise ReidError(f"{what} is {number}; it must lie between {low} and {high}")
    return number
