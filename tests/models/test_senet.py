"""SE-ResNet-50: its block, its count, its two layouts and the names of public weights."""

import pytest
import torch

from reidlib.errors import ReidError
from reidlib.models.backbone import SqueezeExcitation, small
from reidlib.models.senet import SEBottleneck, native_names, se_resnet50
from reidlib.weights import load_backbone

RESNET50 = 25_557_032  # with its classifier
CLASSIFIER = 2048 * 1000 + 1000


def count(module):
    return sum(p.numel() for p in module.parameters())


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return se_resnet50().eval()


def public(network, family):
    """The network's weights as either family's files have them."""
    found = {}
    for name, tensor in network.state_dict().items():
        if ".se.fc" in name and tensor.dim() == 2:
            tensor = tensor[:, :, None, None]
        if family == "first":
            name = name.replace(".se.", ".se_module.")
            name = f"layer0.{name}" if name.startswith(("conv1.", "bn1.")) else name
        found[name] = tensor
    name = "last_linear" if family == "first" else "fc"
    return {**found, f"{name}.weight": torch.zeros(1000, 2048), f"{name}.bias": torch.zeros(1000)}


def test_squeeze_excitation_equals_loops():
    block, x = SqueezeExcitation(4, 2).double(), draw(2, 4, 3, 2)
    expected = torch.zeros_like(x)
    for n in range(2):
        squeezed = [sum(x[n, c].flatten()) / 6 for c in range(4)]
        hidden = [
            torch.clamp(sum(w * s for w, s in zip(row, squeezed, strict=True)) + b, min=0)
            for row, b in zip(block.fc1.weight, block.fc1.bias, strict=True)
        ]
        for c in range(4):
            z = sum(w * v for w, v in zip(block.fc2.weight[c], hidden, strict=True))
            expected[n, c] = x[n, c] / (1 + torch.exp(-z - block.fc2.bias[c]))
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


def test_block_without_second_layer_halves_its_input():
    block, x = SqueezeExcitation(32, 4).double(), draw(2, 32, 3, 2)
    torch.nn.init.zeros_(block.fc2.weight)
    torch.nn.init.zeros_(block.fc2.bias)
    assert torch.equal(block(x), x / 2)


def test_weights_come_before_the_shortcut():
    block, x = SEBottleneck(64, 16, 1, "1x1").double().eval(), draw(1, 64, 4, 4).relu()
    torch.nn.init.constant_(block.se.fc2.bias, -1e9)  # the branch is weighted by zero
    assert torch.equal(block(x), x)


def test_parameter_count(network):
    assert count(network) + CLASSIFIER == 28_088_024
    assert count(network) + CLASSIFIER - RESNET50 == 2_530_992
    assert count(se_resnet50(stride_on="3x3", stem_pool="torch")) == count(network)
    hidden = [network.get_submodule(f"layer{s}.0").se.fc1.out_features for s in (1, 2, 3, 4)]
    assert hidden == [16, 32, 64, 128]


@pytest.mark.parametrize(("size", "maps"), [((224, 112), (7, 4)), ((256, 128), (8, 4))])
@pytest.mark.parametrize(
    "layout", [{}, {"stride_on": "3x3", "stem_pool": "torch"}, {"stem_pool": "torch"}]
)
def test_sizes_of_maps(size, maps, layout):
    network = se_resnet50(**layout).eval()
    with torch.no_grad():
        found, _ = network(torch.rand(1, 1, 3, *size))
    assert found.shape == (1, 1, 2048, *maps)
    assert network.map_size(*size) == maps
    assert found.min() >= 0


def test_last_stride():
    network = se_resnet50(last_stride=1)
    assert network.map_size(256, 128) == (16, 8)
    assert network.get_submodule("layer4.0").conv1.stride == (1, 1)


def test_strides_sit_where_the_layout_says():
    first, second = se_resnet50(), se_resnet50(stride_on="3x3", stem_pool="torch")
    for network, place in ((first, "conv1"), (second, "conv2")):
        for stage in (2, 3, 4):
            block = network.get_submodule(f"layer{stage}.0")
            strides = {n: getattr(block, n).stride for n in ("conv1", "conv2", "conv3")}
            assert strides == {n: (2, 2) if n == place else (1, 1) for n in strides}
    assert (first.maxpool.padding, first.maxpool.ceil_mode) == (0, True)
    assert (second.maxpool.padding, second.maxpool.ceil_mode) == (1, False)


@pytest.mark.parametrize("family", ["first", "second"])
def test_public_names_load(network, family):
    layout = {} if family == "first" else {"stride_on": "3x3", "stem_pool": "torch"}
    fresh = se_resnet50(**layout)
    assert load_backbone(fresh, public(network, family), "a file") == len(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor), name


@pytest.mark.parametrize("family", ["first", "second"])
def test_weights_of_the_other_layout_are_refused(network, family):
    other = {} if family == "second" else {"stride_on": "3x3", "stem_pool": "torch"}
    needed = "stride_on='1x1', stem_pool='caffe'" if family == "first" else "stride_on='3x3'"
    with pytest.raises(ReidError, match=needed):
        load_backbone(se_resnet50(**other), public(network, family), "a file")


def test_own_files_and_other_networks_keep_their_names(network):
    state = network.state_dict()
    assert native_names(state, network).keys() == state.keys()
    net = small(channels=(4, 4, 8, 8), depths=(1, 1, 1, 1), se=True)
    assert load_backbone(net, net.state_dict(), "a file") == len(net.state_dict())


def test_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="stride_on='5x5'"):
        se_resnet50(stride_on="5x5")
