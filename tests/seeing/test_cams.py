"""The map a figure shows is chosen by name; as it comes, it is `arms.cam_maps`."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
import torch

from reidlib.errors import ReidError
from reidlib.seeing import arms as S
from reidlib.seeing.cam import clip_cam, identity, pooled_similarity, similarity
from reidlib.seeing.cams import GRAD_CAM, TARGETS, Cam
from reidlib.seeing.papers.rgsa_rgtr import framing
from reidlib.seeing.papers.sinet import salient_to_broad


@pytest.fixture
def looked(arms, people):
    arm = S.Arm("tacan", *arms("tacan"))
    return arm, S.look(arm.model, people, people.query[0], arm.recipe, arm.profile, rule="evenly")


def test_as_it_comes_it_is_cam_maps(looked, people) -> None:
    arm, seen = looked
    assert torch.equal(GRAD_CAM.maps(arm, people, seen), S.cam_maps(arm, people, seen))


def test_method_and_target_are_those_asked_for(looked, people) -> None:
    arm, seen = looked
    other = S._embedding(arm, people, S.partner(people, seen.tracklet) or seen.tracklet)
    scores = {
        "similarity": similarity(other, "dot"),
        "cosine": similarity(other),
        "pooled": pooled_similarity(arm.model, other),
    }
    for target, score in scores.items():
        for method in ("grad_cam", "layer_cam"):
            found = Cam(method, target).maps(arm, people, seen)
            assert torch.equal(found, clip_cam(arm.model, seen.clips, score, method=method))
            assert found.abs().max() > 0
    found = {t: GRAD_CAM.maps(arm, people, seen) if t == "similarity" else
             Cam(target=t).maps(arm, people, seen) for t in scores}  # fmt: skip
    assert not torch.equal(found["similarity"], found["cosine"])


def test_identity_is_for_people_of_training(looked, people) -> None:
    arm, seen = looked
    cam = Cam(target="identity")
    with pytest.raises(
        ReidError, match=r"1 of the 1 people .* are of the test.*--target similarity"
    ):
        cam.maps(arm, people, seen)
    trained = people.train[-1]
    own = S.look(arm.model, people, trained, arm.recipe, arm.profile, rule="evenly")
    expected = clip_cam(arm.model, own.clips, identity(torch.tensor([trained.pid])))
    assert torch.equal(cam.maps(arm, people, own), expected)


def test_names_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ReidError, match="no CAM method 'x'; there are grad_cam"):
        Cam("x")
    with pytest.raises(ReidError, match="no CAM target 'x'; there are similarity"):
        Cam(target="x")


def test_names_are_printed() -> None:
    assert [Cam(m).name for m in ("grad_cam", "grad_cam++", "layer_cam")] == [
        "Grad-CAM", "Grad-CAM++", "LayerCAM",
    ]  # fmt: skip
    assert "by dot product" in GRAD_CAM.told
    assert "of no score" in Cam("eigen_cam").told
    assert len({Cam(target=t).told for t in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize(
    ("draw", "recipe"), [(framing, "rgsa-1/rgsa"), (salient_to_broad, "sinet-2/sbm")]
)
def test_figures_say_which_map_they_show(arms, people, draw, recipe: str) -> None:
    one = S.Arm(recipe, *arms(recipe))
    enough = replace(people, query=people.query + people.train)
    drawn = draw([one], enough, Cam("layer_cam", "pooled"))
    told = " ".join(" ".join(t.get_text() for t in drawn.figure.texts).split())
    assert Cam("layer_cam", "pooled").told in told
    with pytest.raises(ReidError, match="--target identity needs people of training"):
        draw([one], enough, Cam(target="identity"))
    plt.close("all")
