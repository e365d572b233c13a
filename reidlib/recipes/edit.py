"""Recipes and profiles with one value changed, and back from JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from reidlib.errors import ReidError

T = TypeVar("T")
_hints: Callable[[Any], dict[str, Any]] = lru_cache(get_type_hints)  # asked for every record


def override(item: T, name: str, value: Any) -> T:
    """A recipe or profile with one value changed; `name` may be dotted ("sampler.clips").

    Raises ReidError for a name that does not exist or a value of another type.
    """
    name, _, rest = name.partition(".")
    if name not in (known := [f.name for f in fields(item)]):  # type: ignore[arg-type]
        raise ReidError(f"{type(item).__name__} has no {name!r}; it has {', '.join(known)}")
    old = getattr(item, name)
    if isinstance(old, Mapping) and rest:
        return replace(item, **{name: _within(old, rest, value)})  # type: ignore[type-var]
    if is_dataclass(old):
        if not rest:
            raise ReidError(f"{name} has parts: set {name}.{fields(old)[0].name}, for instance")
        return replace(item, **{name: override(old, rest, value)})  # type: ignore[type-var]
    kind = _hints(type(item))[name]
    if rest or not _fits(value, kind):
        raise ReidError(f"{name} of {type(item).__name__} is {kind}, not {value!r}")
    return replace(item, **{name: value})  # type: ignore[type-var]


def _within(old: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The mapping with one value more or another; a name that is there may have dots of its own."""
    first, _, rest = name.partition(".")
    if name in old or not rest:
        return {**old, name: value}
    inner = old.get(first, {})
    if not isinstance(inner, Mapping):
        raise ReidError(f"{first} is {inner!r}, which has no part {rest!r}")
    return {**old, first: _within(inner, rest, value)}


def from_dict(kind: type[T], values: Mapping[str, Any]) -> T:
    """A recipe or profile from what `dataclasses.asdict` and JSON made of it."""
    hints = _hints(kind)
    return kind(**{name: _revive(hints[name], value) for name, value in values.items()})


def _revive(kind: Any, value: Any) -> Any:
    """JSON knows lists for tuples and tables for dataclasses."""
    if is_dataclass(kind):
        return from_dict(kind, value)  # type: ignore[arg-type]
    if get_origin(kind) is tuple and any(is_dataclass(a) for a in get_args(kind)):
        return tuple(from_dict(get_args(kind)[0], v) for v in value)
    if isinstance(value, list):
        return tuple(_revive(Any, v) for v in value)
    return {k: _revive(Any, v) for k, v in value.items()} if isinstance(value, dict) else value


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a field's type; an int passes for a float."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in args
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, args[0]) for v in value)
    if origin in (Union, UnionType):
        return any(_fits(value, a) for a in args)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, origin or kind) and (kind is bool or not isinstance(value, bool))
