"""CAM of clips: the formula in loops, what a score pulls at, and a model left as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reidlib.errors import ReidError
from reidlib.models.output import Output
from reidlib.seeing.attention import look
from reidlib.seeing.cam import (
    METHODS,
    clip_cam,
    enlarged,
    identity,
    plain_cam,
    pooled_similarity,
    scaled,
    similarity,
)

CLIPS = torch.randn(2, 4, 3, 64, 32, generator=torch.Generator().manual_seed(5))


class Toy(nn.Module):
    """One convolution, an average: every number can be written down."""

    def __init__(self, frame_weights: torch.Tensor) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 5, 3, padding=1)
        self.bn = nn.BatchNorm2d(5)
        self.frame_weights = frame_weights

    def forward(self, clips: torch.Tensor) -> Output:
        maps = self.bn(self.conv(clips.flatten(0, 1))).relu().unflatten(0, clips.shape[:2])
        frames = maps.mean(dim=(3, 4))
        found = (frames * self.frame_weights[:, None]).sum(1)
        return Output(found, {"clip": (found, found)}, maps={"features": maps})

    def pool(self, clips: Output) -> torch.Tensor:
        return clips.embedding.mean(0)


def test_grad_cam_is_the_formula_frame_by_frame() -> None:
    toy = Toy(torch.tensor([0.5, 0.3, 0.2])).eval()
    clips = torch.randn(2, 3, 3, 4, 3, generator=torch.Generator().manual_seed(1))
    other = torch.randn(5, generator=torch.Generator().manual_seed(2))
    found = clip_cam(toy, clips, similarity(other, "dot"), layer="bn")
    before = toy.bn(toy.conv(clips.flatten(0, 1))).detach().unflatten(0, (2, 3))
    for b in range(2):
        for t in range(3):
            weight = [
                float(
                    sum(
                        other[c] * toy.frame_weights[t] / 12
                        for y in range(4)
                        for x in range(3)
                        if before[b, t, c, y, x] > 0
                    )
                    / 12
                )
                for c in range(5)
            ]
            for y in range(4):
                for x in range(3):
                    told = sum(weight[c] * float(before[b, t, c, y, x]) for c in range(5))
                    assert float(found[b, t, y, x]) == pytest.approx(max(told, 0), abs=1e-6)


def test_sinets_plain_formula_is_its_grad_cam(arms) -> None:
    """Max-pooling then linear maps: gradients are constant, over t frames of h w cells."""
    model = arms("sinet").model
    labels = torch.tensor([1, 4])
    with torch.no_grad():
        features = model(CLIPS).maps["features"]
    plain = plain_cam(features, model.classifier.weight[labels], model.norm)
    found = clip_cam(model, CLIPS, identity(labels))
    b, t, _, h, w = features.shape
    assert found.shape == (b, t, h, w)
    torch.testing.assert_close(found * (t * h * w), plain.clamp_min(0), rtol=1e-4, atol=1e-6)
    assert found.max() > 0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_map_a_frame(arms, method: str) -> None:
    model = arms("trsa").model
    with torch.no_grad():
        other = model(CLIPS.flip(0)).embedding
    found = clip_cam(model, CLIPS, similarity(other), method=method)
    assert found.shape == (2, 4, 8, 4)
    assert found.isfinite().all()
    assert (found >= 0).all()
    assert found.max() > 0


@pytest.mark.parametrize("name", ["baseline", "trsa", "rgsa_rgtr", "fgra", "tacan", "sinet"])
def test_every_paper_can_be_looked_into_and_is_left_alone(arms, name: str) -> None:
    model = arms(name).model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        pooled = model.pool(model(CLIPS.flip(0)))
    found = clip_cam(model, CLIPS, pooled_similarity(model, pooled))
    assert found.shape == (2, 4, 8, 4)
    assert all(p.grad is None for p in model.parameters())
    assert not any(len(m._forward_hooks) for m in model.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_clip_has_its_own_map_whatever_is_beside_it(arms) -> None:
    model = arms("tacan").model
    other = torch.randn(model.clip_attention.embed.out_features)
    both = clip_cam(model, CLIPS, similarity(other))
    alone = clip_cam(model, CLIPS[1:], similarity(other))
    torch.testing.assert_close(both[1:], alone, rtol=1e-3, atol=1e-8)


def test_a_frame_that_does_not_count_has_no_map() -> None:
    toy = Toy(torch.tensor([0.0, 1.0])).eval()
    clips = torch.randn(1, 2, 3, 4, 3, generator=torch.Generator().manual_seed(1))
    found = clip_cam(toy, clips, identity(torch.tensor([2])), layer="bn")
    assert not found[0, 0].any()
    assert found[0, 1].any()


def test_training_mode_comes_back(arms) -> None:
    toy = Toy(torch.tensor([0.5, 0.5]))
    toy.conv.eval()
    clip_cam(toy, torch.randn(1, 2, 3, 4, 3), identity(torch.tensor([0])), layer="bn")
    assert (toy.training, toy.bn.training, toy.conv.training) == (True, True, False)


def test_bad_input_is_told(arms) -> None:
    model = arms("baseline").model
    with pytest.raises(ReidError, match="identity 9 is not among the 6"):
        clip_cam(model, CLIPS, identity(torch.tensor([0, 9])))
    with pytest.raises(ReidError, match="no classifier"):
        clip_cam(model, CLIPS, identity(torch.tensor([0, 1]), head="centres"))
    with pytest.raises(ReidError, match="no CAM method"):
        clip_cam(model, CLIPS, identity(torch.tensor([0, 1])), method="cam")
    with pytest.raises(ReidError, match=r"no part 'layer9'"):
        clip_cam(model, CLIPS, identity(torch.tensor([0, 1])), layer="layer9")
    with pytest.raises(ReidError, match="no map for each frame"):
        clip_cam(model, CLIPS, identity(torch.tensor([0, 1])), layer="classifier")


def test_scales() -> None:
    maps = torch.tensor([[[[0.0, 1.0]], [[2.0, 4.0]]], [[[-1.0, 8.0]], [[3.0, 3.0]]]])
    assert scaled(maps)[0].tolist() == [[[0.0, 1.0]], [[0.0, 1.0]]]
    assert scaled(maps)[1, 1].tolist() == [[0.0, 0.0]]
    assert scaled(maps, "clip")[0].tolist() == [[[0.0, 0.25]], [[0.5, 1.0]]]
    assert float(scaled(maps, "all")[0].max()) == 0.5
    assert enlarged(maps, (4, 8)).shape == (2, 2, 4, 8)


def test_bad_input_ends_in_a_sentence(arms, people) -> None:
    one = arms("baseline")
    seen = look(one.model, people, people.query[0], one.recipe, one.profile, rule="evenly")
    score = similarity(seen.output.embedding[0])
    for clips in (seen.frames, seen.clips[0]):
        with pytest.raises(ReidError, match="as the model sees them"):
            clip_cam(one.model, clips, score)
    with pytest.raises(ReidError, match="name a stage of the backbone"):
        clip_cam(one.model, seen.clips, score, layer="backbone")
    with pytest.raises(ReidError, match="an embedding of 3 numbers"):
        clip_cam(one.model, seen.clips, similarity(torch.ones(3)))
