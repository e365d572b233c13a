"""SE-ResNet-50: ResNet-50 with squeeze-and-excitation in every block (Hu et al., CVPR 2018).

After a bottleneck's third batch normalisation and before its shortcut is added, channels are
weighted by sigmoid(W2 relu(W1 GAP + b1) + b2), through a sixteenth of their number. 26,039,024
parameters; with a 1000-way classifier 28,088,024.

Two layouts are in circulation, with the same shapes and other results. The first, of 2018, strides
in the first 1x1 convolution and pools the stem without padding, rounding up ("caffe"); later ones
stride in the 3x3 and pad. `native_names` tells their weight files apart and renames them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from reidlib.errors import ReidError
from reidlib.models.backbone import Backbone, SqueezeExcitation

BLOCKS, WIDTHS = (3, 4, 6, 3), (64, 128, 256, 512)
EXPANSION, REDUCTION = 4, 16

Place = Literal["1x1", "3x3"]


class SEBottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions, squeeze-and-excitation, shortcut; (b, c, h, w)."""

    def __init__(self, inputs: int, width: int, stride: int, stride_on: Place) -> None:
        super().__init__()
        outputs = width * EXPANSION
        first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.se = SqueezeExcitation(outputs, outputs // REDUCTION)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.se(self.bn3(self.conv3(y)))
        return (y + self.downsample(x)).relu()


def se_resnet50(
    *,
    stride_on: Place = "1x1",
    stem_pool: Literal["caffe", "torch"] = "caffe",
    last_stride: Literal[1, 2] = 2,
) -> Backbone:
    """SE-ResNet-50 without weights; the defaults are the layout of the first public weights.

    Last maps: 7x4 for 224x112 frames, 8x4 for 256x128 (16x8 with last_stride 1).
    """
    if stride_on not in ("1x1", "3x3") or stem_pool not in ("caffe", "torch"):
        raise ValueError(f"no layout stride_on={stride_on!r}, stem_pool={stem_pool!r}")
    caffe = stem_pool == "caffe"
    stem = {
        "conv1": nn.Conv2d(3, 64, 7, 2, padding=3, bias=False),
        "bn1": nn.BatchNorm2d(64),
        "relu": nn.ReLU(),
        "maxpool": nn.MaxPool2d(3, 2, padding=0 if caffe else 1, ceil_mode=caffe),
    }
    stages, inputs = [], 64
    strides = (1, 2, 2, last_stride)
    for width, depth, stride in zip(WIDTHS, BLOCKS, strides, strict=True):
        blocks = [SEBottleneck(inputs, width, stride, stride_on)]
        inputs = width * EXPANSION
        blocks += [SEBottleneck(inputs, width, 1, stride_on) for _ in range(depth - 1)]
        stages.append(nn.Sequential(*blocks))
    return Backbone(stem, stages, [w * EXPANSION for w in WIDTHS], [4, 8, 16, 16 * last_stride])


def native_names(tensors: Mapping[str, Tensor], backbone: Backbone) -> dict[str, Tensor]:
    """Public SE-ResNet-50 weights of either family under this module's names, no classifier.

    The first family ("layer0.", "se_module.", "last_linear.") strides in the 1x1 convolutions and
    pools the "caffe" way, the second ("conv1.", "se.", "fc.") in the 3x3, and pads. Both write the
    layers of squeeze-and-excitation as 1x1 convolutions; here they are linear. Other files come
    back as they are.

    Raises ReidError where a family's layout is not the backbone's: shapes agree, so the weights
    would load and give nonsense.
    """
    excitation = [t for n, t in tensors.items() if re.search(r"\.se(_module)?\.fc[12]\.weight$", n)]
    if not excitation or any(t.dim() != 4 for t in excitation):
        return dict(tensors)
    first = any(name.startswith("layer0.") for name in tensors)
    wanted = ("1x1", 0) if first else ("3x3", 1)
    block = backbone.get_submodule("layer2.0")
    if isinstance(block, SEBottleneck):
        place = "1x1" if block.conv1.stride == (2, 2) else "3x3"
        padding = backbone.get_submodule("maxpool").padding
        if (place, padding) != wanted:
            raise ReidError(
                f"these weights stride in the {wanted[0]} convolutions and pad the stem's pooling "
                f"by {wanted[1]}, this network in the {place} and by {padding}: build it with "
                f"stride_on={wanted[0]!r}, stem_pool={'caffe' if first else 'torch'!r}"
            )
    found = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("layer0.").replace(".se_module.", ".se.")
        if not name.startswith(("last_linear.", "fc.")):
            found[name] = tensor.flatten(1) if ".se." in name and tensor.dim() == 4 else tensor
    return found
