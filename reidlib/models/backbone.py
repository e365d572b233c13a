"""The residual networks that every paper stands on, applied to each frame by itself.

A clip (b, t, 3, h, w) becomes frame maps (b, t, c, h', w'). Papers that put a module inside the
network plug it in after a residual block; a plug-in sees the whole clip, (b, t, c, h, w).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from einops import rearrange
from torch import Tensor, nn

STAGES = ("layer1", "layer2", "layer3", "layer4")


class SqueezeExcitation(nn.Module):
    """y * sigmoid(W2 relu(W1 GAP(y) + b1) + b2), channel weights of one frame (Hu et al. 2018)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.fc2(self.fc1(x.mean(dim=(2, 3))).relu()).sigmoid()
        return x * weights[:, :, None, None]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016); squeeze-and-excitation if asked."""

    def __init__(self, inputs: int, outputs: int, stride: int, se: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.se = SqueezeExcitation(outputs, max(outputs // 16, 4)) if se else nn.Identity()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.se(self.bn2(self.conv2(y)))
        return (y + self.downsample(x)).relu()


class Backbone(nn.Module):
    """Stem, four stages of residual blocks, and the plug-ins between them.

    stages: layer1..layer4, each a Sequential of blocks; `channels` and `strides` (from the
    image) are their outputs. Parameter names follow torchvision's ResNet (conv1, bn1,
    layer1.0.conv1, ...), so that its weights load by name; plug-ins stand apart under
    "plugins.layer3_2." and change no other name.

    precision: torch.bfloat16 computes the residual blocks in half precision (2.3 times faster on
    a CPU that has it). Plug-ins and all that follows stay in single precision always: softmax
    over thousands of positions and statistics over pairs do not survive eight bits.
    """

    def __init__(
        self,
        stem: dict[str, nn.Module],
        stages: Sequence[nn.Sequential],
        channels: Sequence[int],
        strides: Sequence[int],
    ) -> None:
        super().__init__()
        self.stem_names = tuple(stem)
        for name, module in stem.items():
            self.add_module(name, module)
        for name, stage in zip(STAGES, stages, strict=True):
            self.add_module(name, stage)
        self.channels = dict(zip(STAGES, channels, strict=True))
        self.strides = dict(zip(STAGES, strides, strict=True))
        self.plugins = nn.ModuleDict()
        self.precision = torch.float32
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def out_channels(self) -> int:
        return self.channels["layer4"]

    def depth(self, stage: str) -> int:
        return len(list(self.get_submodule(stage).children()))

    def map_size(self, height: int, width: int, stage: str = "layer4") -> tuple[int, int]:
        """Rows and columns of a stage's map for an image of height x width."""
        stem = [self.get_submodule(name) for name in self.stem_names]
        size = [_through(stem, side) for side in (height, width)]
        stride = self.strides[stage] // self.strides["layer1"]  # a stage rounds up
        return -(-size[0] // stride), -(-size[1] // stride)

    def plug(self, stage: str, block: int, module: nn.Module) -> None:
        """Put `module` after residual block `block` (counted from 1) of `stage`."""
        if not 1 <= block <= self.depth(stage):
            raise ValueError(f"{stage} has blocks 1 to {self.depth(stage)}, not {block}")
        if f"{stage}_{block}" in self.plugins:
            raise ValueError(f"there is a plug-in after block {block} of {stage} already")
        self.plugins[f"{stage}_{block}"] = module

    def forward(self, clips: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(b, t, 3, h, w) -> maps of the last stage (b, t, c, h', w'), and what plug-ins saw.

        A plug-in returns its output, or (output, maps by name); the maps come back under
        "layer3_2.<name>".
        """
        batch, seen = clips.shape[0], {}
        x = rearrange(clips, "b t c h w -> (b t) c h w")
        x = x.contiguous(memory_format=torch.channels_last)
        with self._half(x):
            for name in self.stem_names:
                x = self.get_submodule(name)(x)
        for stage in STAGES:
            for number, block in enumerate(self.get_submodule(stage).children(), start=1):
                with self._half(x):
                    x = block(x)
                site = f"{stage}_{number}"
                if site in self.plugins:
                    x, maps = self._plugged(site, x, batch)
                    seen.update({f"{site}.{name}": value for name, value in maps.items()})
        return rearrange(self._single(x), "(b t) c h w -> b t c h w", b=batch), seen

    def _plugged(self, site: str, x: Tensor, batch: int) -> tuple[Tensor, dict[str, Tensor]]:
        clips = rearrange(self._single(x), "(b t) c h w -> b t c h w", b=batch)
        result = self.plugins[site](clips)
        result, maps = result if isinstance(result, tuple) else (result, {})
        return rearrange(result, "b t c h w -> (b t) c h w"), maps

    def _half(self, x: Tensor) -> AbstractContextManager:
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(x.device.type, self.precision)

    def _single(self, x: Tensor) -> Tensor:
        return x.float() if x.dtype == self.precision else x


def _through(stem: Sequence[nn.Module], side: int) -> int:
    """What is left of a side of the image after the stem's convolution and pooling."""
    for module in stem:
        if isinstance(module, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                x if isinstance(x, int) else int(x[0])
                for x in (module.kernel_size, module.stride, module.padding)
            )
            up = stride - 1 if getattr(module, "ceil_mode", False) else 0
            side = (side + 2 * padding - kernel + up) // stride + 1
    return side


def small(
    channels: Sequence[int] = (32, 32, 64, 128),
    depths: Sequence[int] = (1, 2, 3, 1),
    strides: Sequence[int] = (1, 2, 2, 1),
    se: bool = False,
) -> Backbone:
    """The laptop's network: on 64x32 frames maps of 16x8 after layer2 and 8x4 after layer3 and 4.

    It keeps the proportions of the papers' networks at a hundredth of their cost; on 128x64
    frames its last maps are 16x8, the papers' own grid. Squeeze-and-excitation reduces by 16, and
    to 4 at least.
    """
    stem = {
        "conv1": nn.Conv2d(3, channels[0], 3, stride=2, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(channels[0]),
        "relu": nn.ReLU(),
    }
    stages, totals, inputs, total = [], [], channels[0], 2
    for outputs, depth, stride in zip(channels, depths, strides, strict=True):
        blocks = [BasicBlock(inputs, outputs, stride, se)]
        blocks += [BasicBlock(outputs, outputs, 1, se) for _ in range(depth - 1)]
        stages.append(nn.Sequential(*blocks))
        inputs, total = outputs, total * stride
        totals.append(total)
    return Backbone(stem, stages, channels, totals)


def resnet(depth: int = 50, last_stride: int = 1, stem_padding: int = 1) -> Backbone:
    """torchvision's ResNet-18 or -50 without pooling and classifier, still without weights.

    last_stride 1 keeps 16x8 maps for 256x128 frames (both the 3x3 convolution and the shortcut
    of layer4's first block); 2 is the original.
    """
    from torchvision.models import resnet18, resnet50  # five seconds to import

    if depth not in (18, 50) or last_stride not in (1, 2):
        raise ValueError(f"ResNet-18 or -50, last stride 1 or 2; not {depth}, {last_stride}")
    net = {18: resnet18, 50: resnet50}[depth](weights=None)
    if last_stride == 1:
        first = net.layer4[0]
        (first.conv1 if depth == 18 else first.conv2).stride = (1, 1)
        first.downsample[0].stride = (1, 1)
    net.maxpool.padding = stem_padding
    expansion = 1 if depth == 18 else 4
    return Backbone(
        {"conv1": net.conv1, "bn1": net.bn1, "relu": net.relu, "maxpool": net.maxpool},
        [net.layer1, net.layer2, net.layer3, net.layer4],
        [64 * expansion, 128 * expansion, 256 * expansion, 512 * expansion],
        [4, 8, 16, 16 * last_stride],
    )


def frame_average(features: Tensor) -> Tensor:
    """(b, t, c, h, w) -> (b, t, c), the mean over positions."""
    return torch.mean(features, dim=(3, 4))
