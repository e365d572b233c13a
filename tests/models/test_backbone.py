import pytest
import torch
from torch import nn

from reidlib.models.backbone import (
    BasicBlock,
    SqueezeExcitation,
    frame_average,
    resnet,
    small,
)
from reidlib.models.initialise import initialise
from reidlib.models.senet import se_resnet50

DOUBLE = torch.float64


def draw(*shape, dtype=DOUBLE, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class Plugin(nn.Module):
    """Adds its frame's number within the clip, so that mixing clips and frames would show."""

    def forward(self, clips):
        assert clips.dtype != torch.bfloat16
        numbers = torch.arange(clips.shape[1], dtype=clips.dtype)[:, None, None, None]
        return clips + numbers, {"mean": clips.mean(dim=(1, 2, 3, 4))}


@pytest.mark.parametrize("size", [(64, 32), (128, 64), (63, 33)])
def test_small_maps(size):
    backbone = initialise(small(), 0).double()
    maps, seen = backbone(draw(2, 3, 3, *size))
    assert maps.shape == (2, 3, backbone.out_channels, *backbone.map_size(*size))
    assert seen == {}


def test_the_laptop_grid():
    backbone = small()
    assert backbone.map_size(64, 32, "layer2") == (16, 8)
    assert backbone.map_size(64, 32, "layer3") == (8, 4)
    assert backbone.map_size(64, 32) == (8, 4)
    assert backbone.map_size(128, 64) == (16, 8)
    assert [backbone.depth(s) for s in backbone.channels] == [1, 2, 3, 1]


@pytest.mark.parametrize("clips", [1, 2])
@pytest.mark.parametrize("frames", [1, 4])
def test_frames_are_computed_alone(clips, frames):
    """In evaluation every frame's map is what it would be without the other frames."""
    backbone = initialise(small(), 0).double().eval()
    x = draw(clips, frames, 3, 32, 16)
    maps, _ = backbone(x)
    for b in range(clips):
        for t in range(frames):
            alone, _ = backbone(x[b : b + 1, t : t + 1])
            torch.testing.assert_close(alone[0, 0], maps[b, t], atol=1e-10, rtol=0)


def test_plugins_see_whole_clips_at_their_place():
    backbone = initialise(small(), 0).double().eval()
    x = draw(2, 3, 3, 64, 32)
    plain, _ = backbone(x)
    backbone.plug("layer4", 1, Plugin())
    backbone.plug("layer2", 2, Plugin())
    names = dict(backbone.named_parameters())
    assert "layer1.0.conv1.weight" in names
    maps, seen = backbone(x)
    assert maps.shape == plain.shape
    assert set(seen) == {"layer2_2.mean", "layer4_1.mean"}
    backbone.plugins.pop("layer2_2")
    maps, _ = backbone(x)
    expected = plain + torch.arange(3, dtype=DOUBLE)[:, None, None, None]
    torch.testing.assert_close(maps, expected, atol=1e-10, rtol=0)


def test_places_that_do_not_exist_or_are_taken_are_refused():
    backbone = small()
    with pytest.raises(ValueError, match="layer3 has blocks 1 to 3, not 4"):
        backbone.plug("layer3", 4, Plugin())
    backbone.plug("layer3", 3, Plugin())
    with pytest.raises(ValueError, match="already"):
        backbone.plug("layer3", 3, Plugin())


def test_half_precision_is_near_and_stays_inside():
    backbone = initialise(small(), 0).eval()
    backbone.plug("layer3", 2, Plugin())
    x = draw(2, 4, 3, 64, 32, dtype=torch.float32)
    single, _ = backbone(x)
    backbone.precision = torch.bfloat16
    half, seen_half = backbone(x)
    assert half.dtype == torch.float32
    assert seen_half["layer3_2.mean"].dtype == torch.float32
    assert not torch.equal(half, single)
    error = (half - single).norm() / single.norm()
    assert error < 0.02


def test_gradient_reaches_every_parameter():
    backbone = initialise(small(se=True), 0)
    maps, _ = backbone(draw(4, 2, 3, 64, 32, dtype=torch.float32))
    (maps * torch.randn_like(maps)).sum().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_squeeze_excitation_equals_its_formula():
    block = initialise(SqueezeExcitation(6, 4), 1).double()
    x = draw(2, 6, 3, 2)
    y = block(x)
    for b in range(2):
        pooled = [sum(x[b, c].flatten().tolist()) / 6 for c in range(6)]
        w1, b1, w2, b2 = (p.tolist() for p in block.parameters())
        hidden = [
            max(sum(w * p for w, p in zip(row, pooled)) + bias, 0) for row, bias in zip(w1, b1)
        ]
        for c in range(6):
            score = sum(w * v for w, v in zip(w2[c], hidden)) + b2[c]
            weight = 1 / (1 + torch.tensor(-score, dtype=DOUBLE).exp())
            torch.testing.assert_close(y[b, c], x[b, c] * weight, atol=1e-10, rtol=0)


def test_block_without_change_of_shape_keeps_its_input_as_the_shortcut():
    block = initialise(BasicBlock(4, 4, 1), 0).double().eval()
    nn.init.zeros_(block.bn2.weight)
    x = draw(2, 4, 5, 3)
    torch.testing.assert_close(block(x), x.relu(), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("depth", "channels"), [(18, 512), (50, 2048)])
@pytest.mark.parametrize("last_stride", [1, 2])
def test_resnet_is_torchvisions(depth, channels, last_stride):
    from torchvision.models import resnet18, resnet50

    reference = {18: resnet18, 50: resnet50}[depth](weights=None).double().eval()
    backbone = resnet(depth, last_stride=last_stride).double().eval()
    wanted = set(reference.state_dict()) - {"fc.weight", "fc.bias"}
    assert set(backbone.state_dict()) == wanted
    backbone.load_state_dict(reference.state_dict(), strict=False)
    x = draw(1, 2, 3, 64, 32)
    maps, _ = backbone(x)
    assert maps.shape == (1, 2, channels, *backbone.map_size(64, 32))
    if last_stride == 2:
        features = {}
        reference.layer4.register_forward_hook(lambda m, i, o: features.update(out=o))
        reference(x[0])
        torch.testing.assert_close(maps[0], features["out"], atol=1e-10, rtol=0)


def test_last_stride_one_gives_the_papers_grid():
    assert resnet(50).map_size(256, 128) == (16, 8)
    assert resnet(50, last_stride=2).map_size(256, 128) == (8, 4)
    with pytest.raises(ValueError, match="not 34"):
        resnet(34)


@pytest.mark.parametrize("size", [(64, 32), (57, 29), (65, 50), (100, 50)])
def test_map_size_is_what_comes_out_whatever_the_stem_pads(size):
    nets = [small(), resnet(18), resnet(18, stem_padding=0)]
    nets += [se_resnet50(), se_resnet50(stride_on="3x3", stem_pool="torch", last_stride=1)]
    for net in nets:
        maps, _ = net.eval()(torch.zeros(1, 1, 3, *size))
        assert tuple(maps.shape[-2:]) == net.map_size(*size)


def test_frame_average():
    x = draw(2, 3, 4, 5, 6)
    for index in [(0, 0, 0), (1, 2, 3)]:
        mean = sum(x[index].flatten().tolist()) / 30
        assert frame_average(x)[index].item() == pytest.approx(mean, abs=1e-12)
