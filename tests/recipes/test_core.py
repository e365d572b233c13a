from dataclasses import replace

import pytest

from reidlib.errors import ReidError
from reidlib.recipes import SAME, profile, recipe, recipes
from reidlib.recipes.core import plan

BASELINE = recipe("baseline")


def test_a_profile_changes_size():
    changed = replace(
        BASELINE,
        clip_length=8,
        small_clip_length=6,
        size=(224, 112),
        options={"a": 1, "b": 2},
        small={"b": 3},
    )
    small, paper = plan(changed, profile("smoke")), plan(changed, profile("paper"))
    assert (small.size, small.frames, small.identities, small.clips) == ((64, 32), 6, 4, 2)
    assert small.options == {"a": 1, "b": 3}
    assert (paper.size, paper.frames, paper.identities, paper.clips) == ((224, 112), 8, 8, 4)
    assert paper.options == {"a": 1, "b": 2}


def test_unknown_names_are_refused_with_their_neighbours():
    with pytest.raises(ReidError, match="no recipe 'baselin'; did you mean baseline"):
        recipe("baselin")
    with pytest.raises(ReidError, match="no recipe 'TRSA'; did you mean trsa"):
        recipe("TRSA")
    with pytest.raises(ReidError, match="sinet-fig5a/3 is the same run as sinet-2/sbm"):
        recipe("sinet-fig5a/3")
    assert set(SAME.values()) <= set(recipes())
    assert not set(SAME) & set(recipes())
    with pytest.raises(ReidError, match=r"no recipe '\?\?\?'; see `reid recipes`"):
        recipe("???")
    with pytest.raises(ReidError, match="no profile 'desktop'; there are smoke, laptop"):
        profile("desktop")
