import socket
from dataclasses import replace
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from reidlib import build as door
from reidlib.build import build, build_backbone
from reidlib.errors import ReidError
from reidlib.models.backbone import resnet, small
from reidlib.models.initialise import initialise
from reidlib.recipes import profile, recipe
from reidlib.weights import imagenet

BASELINE, SMOKE = recipe("baseline"), profile("smoke")
RESNET18 = replace(profile("paper"), network="resnet18")


def test_the_seed_decides():
    one, two, other = (build(BASELINE, SMOKE, 5, s).model.state_dict() for s in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["backbone.conv1.weight"], other["backbone.conv1.weight"])


def test_global_randomness_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    build(BASELINE, SMOKE, 5, 1)
    assert torch.equal(torch.rand(2), expected)


def test_options_reach_the_model_and_small_replaces_them():
    wordy = replace(BASELINE, options={"frame_classifier": True}, small={"frame_classifier": False})
    assert build(wordy, SMOKE, 5).model.frame_classifier is None
    big = replace(SMOKE, small=False)
    assert build(wordy, big, 5).model.frame_classifier is not None
    with pytest.raises(ValueError, match="no option 'unknown'"):
        build(replace(BASELINE, options={"unknown": 1}), SMOKE, 5)


def test_backbones_by_profile_and_recipe():
    assert build_backbone(BASELINE, SMOKE).out_channels == small().out_channels
    se = replace(BASELINE, backbone={"se": True, "last_stride": 2})
    assert any(".se." in name for name in build_backbone(se, SMOKE).state_dict())
    wide = replace(BASELINE, backbone={"last_stride": 2, "stem_padding": 0})
    backbone = build_backbone(wide, RESNET18)
    assert backbone.strides["layer4"] == 32
    assert backbone.maxpool.padding == 0
    with pytest.raises(ReidError, match="resnet18 has no SE variant"):
        build_backbone(se, RESNET18)


def test_se_resnet_50():
    se = replace(BASELINE, backbone={"se": True})
    backbone = build_backbone(se, profile("paper"))
    assert any(".se." in name for name in backbone.state_dict())
    assert backbone.out_channels == 2048


def test_imagenet_weights_or_a_clear_word(monkeypatch):
    wanted = replace(RESNET18, pretrained="imagenet")
    start = initialise(resnet(18), 3).state_dict()
    monkeypatch.setattr(door, "imagenet", lambda depth: {**start, "fc.weight": torch.zeros(1)})
    built = build(BASELINE, wanted, 5)
    assert built.start == "ImageNet (torchvision, IMAGENET1K_V1)"
    own = built.model.backbone.state_dict()
    assert all(torch.equal(start[name], own[name]) for name in start)

    def offline(depth):
        raise URLError("no network")

    monkeypatch.setattr(door, "imagenet", offline)
    built = build(BASELINE, wanted, 5)
    assert built.start.startswith("scratch: ImageNet weights could not be downloaded")
    assert "--weights" in built.start
    se = replace(BASELINE, backbone={"se": True})
    assert "no SE-ResNet-50 weights" in build(se, replace(wanted, network="resnet50"), 5).start


def test_the_download_does_not_wait_for_ever(monkeypatch):
    from torchvision.models import ResNet18_Weights

    def offline(self, **options):
        assert 0 < socket.getdefaulttimeout() <= 60
        raise URLError("no network")

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", offline)
    before = socket.getdefaulttimeout()
    with pytest.raises(OSError, match="no network"):
        imagenet(18)
    assert socket.getdefaulttimeout() == before


@pytest.mark.parametrize("se", [False, True])
def test_shipped_weights(tmp_path, monkeypatch, se):
    monkeypatch.setattr(door, "data_folder", lambda name: tmp_path / name)
    wanted = replace(SMOKE, pretrained="small")
    changed = replace(BASELINE, backbone={"se": se})
    name = "small-se.safetensors" if se else "small.safetensors"
    assert build(changed, wanted, 5).start == f"scratch: there is no {name} in data/checkpoints"
    (tmp_path / "checkpoints").mkdir()
    start = {n: t.contiguous() for n, t in initialise(small(se=se), 9).state_dict().items()}
    save_file(start, tmp_path / "checkpoints" / name)
    built = build(changed, wanted, 5)
    assert built.start.startswith(f"{name}, sha256 ")
    own = built.model.backbone.state_dict()
    assert all(torch.equal(start[n], own[n]) for n in start)
    scratch = build(changed, wanted, 5, pretrained=False)
    assert scratch.start == "scratch"
    assert not torch.equal(scratch.model.backbone.conv1.weight, start["conv1.weight"])


def test_weights_of_the_user(tmp_path):
    torch.save(initialise(small(), 9).state_dict(), tmp_path / "mine.pth")
    built = build(BASELINE, replace(SMOKE, pretrained="small"), 5, weights=tmp_path / "mine.pth")
    assert built.start.startswith("mine.pth, sha256 ")
    assert str(tmp_path) not in built.start
    expected = initialise(small(), 9).conv1.weight
    assert torch.equal(built.model.backbone.conv1.weight, expected)
