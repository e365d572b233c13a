"""A small stage that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reidlib.data.promenade.census import take_census
from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.settings import Settings, resolve


def make_stage(scenario: str = "street", *, people: int = 24, frames: int = 8, **more) -> Stage:
    """Test people only, no files."""
    strengths = more.pop("strengths", None)
    request = Settings("tiny", scenario, subset="none", lengths=(frames, frames), **more)
    settings = resolve(request, strengths, {"test": people})
    return Stage(settings, take_census(settings))


@pytest.fixture(scope="session")
def stage() -> Callable[..., Stage]:
    return make_stage
