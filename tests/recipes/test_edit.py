import json
from dataclasses import asdict, replace

import pytest

from reidlib.errors import ReidError
from reidlib.recipes import profile, recipe, recipes
from reidlib.recipes.core import PROFILES, Loss, Profile, Recipe
from reidlib.recipes.edit import from_dict, override

BASELINE = recipe("baseline")


@pytest.mark.parametrize("name", list(recipes()))
def test_every_recipe_survives_json(name):
    one = recipe(name)
    assert asdict(from_dict(Recipe, json.loads(json.dumps(asdict(one))))) == asdict(one)


@pytest.mark.parametrize("name", list(PROFILES))
def test_every_profile_survives_json(name):
    assert from_dict(Profile, json.loads(json.dumps(asdict(profile(name))))) == profile(name)


def test_values_of_all_kinds_change():
    changed = override(BASELINE, "sampler.clips", 2)
    assert changed.sampler.clips == 2
    assert replace(changed, sampler=BASELINE.sampler) == BASELINE
    assert override(BASELINE, "size", (64, 32)).size == (64, 32)
    assert override(BASELINE, "options.frame_classifier", True).options["frame_classifier"] is True
    assert override(BASELINE, "test.stride", 3).test.stride == 3
    assert override(BASELINE, "augment.erase", 1).augment.erase == 1
    assert override(BASELINE, "losses", (Loss("focal"),)).losses == (Loss("focal"),)
    assert override(profile("laptop"), "rate", None).rate is None


def test_options_of_options_change_alone():
    one = override(recipe("sinet"), "options.sbm.cpm", "paper")
    two = override(one, "options.sbm.l1", "none")
    assert two.options["sbm"] == {
        **recipe("sinet").options.get("sbm", {}),
        "cpm": "paper",
        "l1": "none",
    }
    learned = recipe("fgra-2/learned-centres")
    slower = override(learned, "schedule.rates.centres.", 0.01)  # a name that has a dot of its own
    assert slower.schedule.rates == {"centres.": 0.01}
    with pytest.raises(ReidError, match="cpm is 'paper', which has no part 'more'"):
        override(one, "options.sbm.cpm.more", 1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("colour", 1, "Recipe has no 'colour'; it has name"),
        ("sampler.colour", 1, "Sampler has no 'colour'; it has identities, clips, mode"),
        ("sampler", 4, "sampler has parts"),
        ("clip_length", "four", "clip_length of Recipe"),
        ("clip_length", 4.5, "clip_length of Recipe"),
        ("clip_length", True, "clip_length of Recipe"),
        ("clip_length.more", 4, "clip_length of Recipe"),
        ("control", 1, "control of Recipe"),
        ("sampler.mode", "random", "mode of Sampler"),
        ("size", (64, "wide"), "size of Recipe"),
    ],
)
def test_unknown_names_and_wrong_types_are_refused(name, value, message):
    with pytest.raises(ReidError, match=message):
        override(BASELINE, name, value)
