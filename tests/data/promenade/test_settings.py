"""Requests, good and bad."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS, VERSION, Settings, resolve
from reidlib.errors import ReidError


def test_scenarios_differ_in_one_cause_and_street_has_them_all() -> None:
    street = SCENARIOS["street"]
    assert set(SCENARIOS) == {"clean", *ILLNESSES, "street"}
    assert all(street[name] > 0 for name in ILLNESSES)
    assert street["occlusion"] == 0.85
    for one in ILLNESSES:
        assert dict(SCENARIOS[one]) == {n: street[n] if n == one else 0.0 for n in ILLNESSES}
    assert set(SCENARIOS["clean"].values()) == {0.0}


def test_strengths_replace_the_scenario_s() -> None:
    settings = resolve(Settings(scenario="clean"), {"occlusion": 1})
    assert settings.strength == {n: float(n == "occlusion") for n in ILLNESSES}
    assert resolve(settings) == settings


def test_digest_depends_on_every_setting() -> None:
    plain = resolve(Settings())
    others = [
        resolve(Settings(**change))
        for change in (
            {"size": "tiny"}, {"scenario": "clean"}, {"world": 1}, {"height": 128}, {"width": 64},
            {"evaluate": "none"}, {"subset": "none"}, {"cameras": 5}, {"family": 2},
            {"lengths": (4, 6)}, {"backdrop": 1},
        )
    ]  # fmt: skip
    others += [resolve(Settings(), {"clutter": 0.1}), resolve(Settings(), people={"test": 9})]
    digests = {s.digest() for s in (plain, *others)}
    assert len(digests) == len(others) + 1
    assert plain.digest() == resolve(Settings()).digest()


def test_requests_of_before_keep_their_digests() -> None:
    """Caches and run records go by these."""
    asked = resolve(Settings("tiny", "clean", lengths=(4, 6)), {"occlusion": 1}, {"test": 9})
    assert VERSION == "9", "another version has other digests: write them down here"
    assert resolve(Settings()).digest() == "b69b0d8299741bb0"
    assert resolve(Settings("mars")).digest() == "dfa86550031cb469"
    assert asked.digest() == "e2dd5648ef2545af"
    assert resolve(replace(asked, lengths=[4, 6])).digest() == asked.digest()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "more", "words"),
    [
        ({}, {"strengths": {"occlusion": 1.2}}, "occlusion is 1.2"),
        ({}, {"strengths": {"clutter": -0.1}}, "between 0 and 1"),
        ({}, {"strengths": {"clutter": float("nan")}}, "between 0 and 1"),
        ({}, {"strengths": {"rain": 0.5}}, "unknown illness 'rain'"),
        ({}, {"people": {"test": 0}}, "0 people in test"),
        ({}, {"people": {"children": 5}}, "unknown set of people"),
        ({}, {"people": {"train": 9000}}, "9000 people in train"),
        ({}, {"people": {"validation": 2000}}, "leave room for 1999"),
        ({}, {"people": {"test": "x"}}, "number of people in test is 'x'"),
        ({}, {"people": 50}, "people is 50; give names with their numbers"),
        ({"people": (("children", 5),)}, {}, "unknown set of people 'children'"),
        ({}, {"strengths": {"occlusion": "much"}}, "strength of occlusion is much"),
        ({}, {"strengths": 0.5}, "strengths is 0.5; give names with their numbers"),
        ({"strengths": (("rain", 0.5),)}, {}, "unknown illness 'rain'"),
        ({"size": "huge"}, {}, "unknown size 'huge'; there are tiny, small, mars"),
        ({"scenario": "rain"}, {}, "unknown scenario 'rain'"),
        ({"evaluate": "train"}, {}, "unknown evaluate"),
        ({"subset": "test"}, {}, "unknown subset"),
        ({"height": 2}, {}, "height is 2"),
        ({"width": 5000}, {}, "width is 5000"),
        ({"cameras": 1}, {}, "cameras is 1"),
        ({"family": 7}, {}, "family is 7"),
        ({"lengths": (5, 4)}, {}, "shortest <= longest"),
        ({"lengths": (0, 4)}, {}, "1 <= shortest"),
        ({"lengths": (3,)}, {}, "lengths is (3,)"),
        ({"lengths": 3}, {}, "lengths is 3; give fewest and most"),
        ({"lengths": (3, 4.5)}, {}, "length is 4.5; it must be a whole number"),
        ({"lengths": (3, 9, 10)}, {}, "mean length 10: it must lie between 3 and 9"),
        ({"lengths": (3, 9, "few")}, {}, "mean length few"),
        ({"height": 64.5}, {}, "height is 64.5; it must be a whole number"),
        ({"world": 1.5}, {}, "world is 1.5; it must be a whole number"),
        ({"world": 2**63}, {}, "world is 9223372036854775808"),
        ({"backdrop": "far"}, {}, "backdrop is 'far'"),
        ({"size": ["small"]}, {}, "unknown size"),
        ({"size": "mars", "lengths": (4, 6)}, {}, "lengths (4, 6) with size mars"),
        ({"size": "mars", "cameras": 3}, {}, "mars with 3 cameras: MARS's 1,980 queries"),
    ],
)
def test_bad_requests_are_refused_by_name(settings: dict, more: dict, words: str) -> None:
    with pytest.raises(ReidError, match=re.escape(words)):
        resolve(Settings(**settings), **more)
