"""SINet: Bai, Ma, Chang, Huang, Chen, Salient-to-Broad Transition for Video Person
Re-identification, CVPR 2022.

A network that has found one telling region looks at it in every frame of a clip. SINet makes
the frames of a clip see differently. A salient-to-broad module (SBM) learns from the former
frames what is salient and dims it in the latter ones, so that these look elsewhere; three of
them in the third stage split the clip after its first, second and third frame. An
integration-and-distribution module (IDM) mixes all positions of all frames by learned matrices;
two of them in the second stage make each frame richer before it is compared.

Here, in the paper's order: CAL (Eq. 1, 2), KGM (K = P A^T), suppression (Eq. 3, 4, Y = S X),
CPM (Eq. 5, 6), IDM (Eq. 7), and the network. Eq. 8 is `reidlib.losses.objective` with the
terms of `reidlib.recipes.sinet`. It is one file because it is one method section.

Differs from the paper, with the authors' program (the first reading is the default):
* CPM hands over a weighted mean of what was dimmed and a mean of the former frames; as printed
  (`cpm="paper"`) both are sums over frames of spatial means.
* Eq. 3 divides the correlation by k^2; `average=False` does not.
* With k = 1 the L1 step over the heads is left out, it would make every map constant;
  `l1="paper"` keeps it. `l1="positions"` and `l1="none"` leave steps out at any k (controls).
* IDM has batch normalisation after both integrations, biases, and a ReLU at the end;
  `norm=False, bias=False, relu=False` is Eq. 7 as printed.
* Any t > s. The program cuts 8 frames into two clips of four: `chunk=4`.
Not from the program: IDM's reduction is the paper's 4 (program: 16), and the stem keeps its usual
padding and its convolutions no bias. Where nothing is dimmed, CPM's 0 / 0 is taken as 0.

The paper does not say, and the program decides: squeeze-and-excitation reduces by 4; the heads
are convolution, batch normalisation, ReLU; the correlation pads by repeating the border; frames
are max-pooled; initial weights are normal with variance 2 / outputs, IDM's last layer zero.
The paper and the program do not say: where one IDM, three IDM and "same position" sit. One
sits at the end of the stage, three on its last blocks, and the three SBM where the middle one
was; `idm_blocks` and `sbm_blocks` move them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from einops import einsum, rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.models.backbone import Backbone
from reidlib.models.classifiers import classifier
from reidlib.models.output import Output
from reidlib.models.rivals import build_rival

CPM = Literal["code", "paper", "none"]
L1 = Literal["code", "paper", "positions", "none"]

# What the model's options become under other readings; the recipes hold the rest (lambda 2, ...).
PRESETS: dict[str, dict[str, Any]] = {
    "recommended": {},
    "paper": {
        "sbm": {"cpm": "paper", "average": False, "l1": "paper"},
        "idm": {"norm": False, "bias": False, "relu": False},
    },
    "code": {"sbm": {"chunk": 4}, "idm": {"reduction": 16}},
}


class Linear(nn.Linear):
    """A linear map of the last axis; weights start normal with variance 2 / outputs, or zero."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True, zero: bool = False) -> None:
        self.zero = zero
        super().__init__(inputs, outputs, bias)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.normal_(self.weight, std=(2 / self.out_features) ** 0.5)
        if self.zero:
            for parameter in self.parameters():
                nn.init.zeros_(parameter)


class PositionLinear(nn.Conv1d):
    """A linear map of the middle axis, (b, m, c) -> (b, m', c), the same for every channel."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel_size=1, bias=bias)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.normal_(self.weight, std=(2 / self.out_channels) ** 0.5)


# Salient-to-broad module, section 3.1 -----------------------------------------------------------


def centre_weights(x: Tensor) -> Tensor:
    """Eq. 1, w_ctr: (b, t, c, h, w) -> (b, c), 1 for channels stronger inside than on the whole.

    The inside leaves out the first and last row and column; zero padding makes some channels
    fire on that rim, and they would pass the background for salient. No gradient. A channel
    that is zero everywhere gets 0. Raises ValueError for maps without an inside.
    """
    height, width = x.shape[-2:]
    if height < 3 or width < 3:
        raise ValueError(f"the centre test needs maps of at least 3x3 cells, not {height}x{width}")
    x = x.detach()
    whole = x.mean(dim=(1, 3, 4))
    inside = x[..., 1:-1, 1:-1].mean(dim=(1, 3, 4))
    return (inside / (whole + 1e-8) > 1).to(x.dtype)


class ChannelAttention(nn.Module):
    """CAL, Eq. 2: relu(w_ctr w_se X), one weight a clip and channel.

    hidden: width of the squeeze; None is channels / 4. `centre` and `excitation` switch the two
    weights; without both, relu(X) is left.
    """

    def __init__(
        self,
        channels: int,
        hidden: int | None = None,
        *,
        centre: bool = True,
        excitation: bool = True,
    ) -> None:
        super().__init__()
        self.centre, self.excitation = centre, excitation
        if excitation:
            hidden = hidden or max(channels // 4, 1)
            self.squeeze, self.excite = Linear(channels, hidden), Linear(hidden, channels)

    def weights(self, x: Tensor) -> Tensor:
        """w_ctr w_se: (b, t, c, h, w) -> (b, c)."""
        weights = centre_weights(x) if self.centre else x.new_ones(())
        if self.excitation:
            means = x.mean(dim=(1, 3, 4))
            weights = weights * self.excite(self.squeeze(means).relu()).sigmoid()
        return weights

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, c, h, w) -> (b, t, c, h, w), P and Q one after the other."""
        if not (self.centre or self.excitation):
            return x.relu()
        return (self.weights(x)[:, None, :, None, None] * x).relu()


def salient_kernel(former: Tensor, attention: Tensor) -> Tensor:
    """K = P A^T: P (b, s, c, h, w), A (b, k^2, s, h, w) -> (b, c, k, k); head row k + column."""
    kernel = einsum(former, attention, "b s c h w, b heads s h w -> b c heads")
    return rearrange(kernel, "b c (i j) -> b c i j", i=round(kernel.shape[-1] ** 0.5))


class KernelGeneration(nn.Module):
    """KGM: k^2 attention heads over the former frames, and the k x k kernel that they collect.

    A0 = relu(BN(W_a P + b_a)), divided by its sum over the heads (so that they share out the
    positions instead of collapsing onto one), then by its sum over all positions of the former
    frames. l1: which of the two steps; see the top of the file.
    """

    def __init__(self, channels: int, kernel: int = 3, l1: L1 = "code") -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"the kernel needs a centre: an odd size, not {kernel}")
        if l1 not in ("code", "paper", "positions", "none"):
            raise ValueError(f"l1 is 'code', 'paper', 'positions' or 'none', not {l1!r}")
        self.over_heads = l1 == "paper" or (l1 == "code" and kernel > 1)
        self.over_positions = l1 != "none"
        self.heads = Linear(channels, kernel**2)
        self.norm = nn.BatchNorm1d(kernel**2)

    def attention(self, former: Tensor) -> Tensor:
        """A: (b, s, c, h, w) -> (b, k^2, s, h, w)."""
        b, s, _, h, w = former.shape
        cells = rearrange(former, "b s c h w -> (b s h w) c")
        maps = self.norm(self.heads(cells)).relu()
        maps = rearrange(maps, "(b s h w) k -> b k s h w", b=b, s=s, h=h, w=w)
        if self.over_heads:
            maps = maps / maps.sum(dim=1, keepdim=True).clamp_min(1e-12)
        if self.over_positions:
            maps = maps / maps.sum(dim=(2, 3, 4), keepdim=True).clamp_min(1e-12)
        return maps

    def forward(self, former: Tensor) -> tuple[Tensor, Tensor]:
        """P (b, s, c, h, w) -> K (b, c, k, k), A (b, k^2, s, h, w)."""
        attention = self.attention(former)
        return salient_kernel(former, attention), attention


def affinity(latter: Tensor, kernel: Tensor, *, average: bool = True) -> Tensor:
    """Eq. 3, R = softmax(Q * K): (b, l, c, h, w), (b, c, k, k) -> (b, l, h, w), sums to 1 a frame.

    The correlation of a clip's latter frames with its own kernel, borders repeated, over k^2 if
    `average`. Channels are summed first, at every cell for each of the k^2 offsets; what is left
    to shift by an offset is k^2 maps, not c.
    """
    b, frames, _, h, w = latter.shape
    k = kernel.shape[-1]
    at_cells = einsum(kernel, latter, "b c i j, b l c h w -> b l i j h w")
    padded = F.pad(at_cells.reshape(b * frames, k * k, h, w), (k // 2,) * 4, mode="replicate")
    windows = padded.unfold(2, k, 1).unfold(3, k, 1).unflatten(1, (k, k))
    scores = torch.einsum("nijhwij->nhw", windows)  # offset (i, j) of the kernel meets cell (i, j)
    if average:
        scores = scores / k**2
    return scores.flatten(1).softmax(dim=1).reshape(b, frames, h, w)


def suppression(affinity: Tensor, beta: float = 5.0, *, erase: bool = False) -> Tensor:
    """Eq. 4, S = exp(beta min(1 / (h w R) - 1, 0)): (b, l, h, w) -> (b, l, h, w), in (e^-beta, 1].

    Cells that draw more than their share 1 / (h w) are dimmed, the others kept. R is floored at
    1e-4, far below any dimmed cell of a map under 10^4 cells, to keep the gradient finite.
    erase: 0 instead of S < 1 (control: erasing, not suppressing). A step has no gradient; it
    borrows that of S, so that the kernel learns as well as it does when suppressing.
    """
    cells = affinity.shape[-2] * affinity.shape[-1]
    excess = (1 / (cells * affinity.clamp_min(1e-4)) - 1).clamp_max(0)
    dimmed = (beta * excess).exp()
    if erase:
        return (excess == 0).to(dimmed) + (dimmed - dimmed.detach())
    return dimmed


def suppress(latter: Tensor, weights: Tensor) -> Tensor:
    """Y = S X: (b, l, c, h, w), (b, l, h, w) -> (b, l, c, h, w)."""
    return weights[:, :, None] * latter


def cross_propagation(
    x: Tensor, weights: Tensor, alpha: float = 0.1, reading: CPM = "code"
) -> Tensor:
    """CPM, Eq. 5 and 6: what one group of frames lost or kept is told to the other.

    x: (b, t, c, h, w). weights: S (b, l, h, w) of its last l frames. Returns Z, as x: the former
    frames plus alpha times what the latter lost, and the latter, suppressed, plus alpha times what
    the former show. "code": lost is the mean of X weighted by 1 - S over the latter frames, zero
    where nothing was dimmed; the former frames give their mean. "paper": sums over frames of
    spatial means. "none": neither.
    """
    if reading not in ("code", "paper", "none"):
        raise ValueError(f"cpm is 'code', 'paper' or 'none', not {reading!r}")
    b, latter, h, w = weights.shape
    split = x.shape[1] - latter
    weights = torch.cat([weights.new_ones(b, split, h, w), weights], dim=1)
    y = suppress(x, weights)
    if reading == "none":
        return y
    lost = suppress(x, 1 - weights).sum(dim=(1, 3, 4))  # of X - Y, exact where S is near 1
    shown = x[:, :split].sum(dim=(1, 3, 4))
    if reading == "paper":
        lost, shown = lost / (h * w), shown / (h * w)
    else:
        removed = (1 - weights).sum(dim=(1, 2, 3))[:, None]
        lost = lost / torch.where(removed > 1e-12, removed, 1.0)
        shown = shown / (split * h * w)
    told = torch.stack([lost] * split + [shown] * latter, dim=1)
    return y + alpha * told[:, :, :, None, None]


class SalientToBroad(nn.Module):
    """SBM: the frames from `split` on lose what is salient in the frames before it.

    channels: of the map it is plugged behind. kernel: k, odd. alpha, beta: strength of the cross
    propagation and of the suppression. hidden, centre, excitation: see ChannelAttention; they
    shape S only, Z is made of X itself. l1, average, cpm, erase: see above. chunk: cut clips into
    clips of that many frames first; None takes them whole.

    From attention to suppression everything is computed in float32 at least: a correlation over
    c k^2 products is no work for half precision.
    """

    def __init__(
        self,
        channels: int,
        split: int,
        kernel: int = 3,
        alpha: float = 0.1,
        beta: float = 5.0,
        *,
        hidden: int | None = None,
        centre: bool = True,
        excitation: bool = True,
        l1: L1 = "code",
        average: bool = True,
        cpm: CPM = "code",
        erase: bool = False,
        chunk: int | None = None,
    ) -> None:
        super().__init__()
        if split < 1:
            raise ValueError(f"a split leaves at least one former frame, not {split}")
        self.split, self.alpha, self.beta, self.chunk = split, alpha, beta, chunk
        self.average, self.cpm, self.erase = average, cpm, erase
        self.channel_attention = ChannelAttention(
            channels, hidden, centre=centre, excitation=excitation
        )
        self.kernel_generation = KernelGeneration(channels, kernel, l1)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(b, t, c, h, w) -> Z of the same shape; `suppression` S (b, t - s, h, w) and
        `salient_attention` A (b, k^2, s, h, w). Cut clips: t - s and s of all pieces in a row."""
        frames = x.shape[1]
        piece = self.chunk or frames
        if frames % piece or piece <= self.split:
            raise ValueError(
                f"split {self.split} needs clips of more frames and whole pieces, not {frames} "
                f"frames in pieces of {piece}"
            )
        with torch.autocast(x.device.type, enabled=False):
            clips = rearrange(x, "b (n t) c h w -> (b n) t c h w", t=piece)
            clips = clips.float() if x.dtype in (torch.float16, torch.bfloat16) else clips
            attended = self.channel_attention(clips)
            former, latter = attended.split([self.split, piece - self.split], dim=1)
            kernel, attention = self.kernel_generation(former)
            weights = suppression(
                affinity(latter, kernel, average=self.average), self.beta, erase=self.erase
            )
            z = cross_propagation(clips, weights, self.alpha, self.cpm).to(x.dtype)
        n = frames // piece
        return rearrange(z, "(b n) t c h w -> b (n t) c h w", n=n), {
            "suppression": rearrange(weights, "(b n) l h w -> b (n l) h w", n=n),
            "salient_attention": rearrange(attention, "(b n) k s h w -> b k (n s) h w", n=n),
        }


def dimming(maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """How much an SBM dims: of every suppression map, the share of cells below 1 and the mean.

    A correlation without temperature saturates where features are large: R becomes one cell, S
    dims that cell alone, and the share falls to 1 / (h w).
    """
    found = {}
    for name, weights in maps.items():
        if name.rpartition(".")[2] == "suppression":
            found[f"{name}.share"] = (weights.detach() < 1).to(weights.dtype).mean()
            found[f"{name}.mean"] = weights.detach().mean()
    return found


# Integration-and-distribution module, section 3.2 -----------------------------------------------


class IntegrationDistribution(nn.Module):
    """IDM, Eq. 7: F' = G_D G_I F (L_I L_D + I), out = relu(F + F').

    F is c x m, m = t h w positions of all frames. G_I and L_I take c channels and m positions
    down to c' and m', L_D and G_D back up; all four are learned and the same for every clip, so
    the module is tied to t, h, w. reduction: c / c' = m / m', unless hidden_channels (c') or
    hidden_positions (m') is given. norm, bias, relu: see the top of the file. G_D starts at zero:
    a fresh IDM changes nothing where X >= 0.
    """

    def __init__(
        self,
        channels: int,
        frames: int,
        height: int,
        width: int,
        *,
        reduction: int = 4,
        hidden_channels: int | None = None,
        hidden_positions: int | None = None,
        norm: bool = True,
        bias: bool = True,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.grid = (frames, height, width)
        positions = frames * height * width
        c, m = hidden_channels or channels // reduction, hidden_positions or positions // reduction
        if c < 1 or m < 1:
            raise ValueError(
                f"a reduction by {reduction} leaves nothing of {channels} channels and "
                f"{positions} positions"
            )
        self.integrate_channels = Linear(channels, c, bias)  # G_I
        self.channel_norm = nn.BatchNorm1d(c) if norm else nn.Identity()
        self.integrate_positions = PositionLinear(positions, m, bias)  # L_I
        self.position_norm = nn.BatchNorm1d(m) if norm else nn.Identity()
        self.distribute_positions = PositionLinear(m, positions, bias)  # L_D
        self.distribute_channels = Linear(c, channels, bias, zero=True)  # G_D
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, c, h, w) -> the same shape."""
        b, t, _, h, w = x.shape
        if (t, h, w) != self.grid:
            raise ValueError(
                "this IDM was built for {} frames of {}x{} cells, not {} of {}x{}".format(
                    *self.grid, t, h, w
                )
            )
        cells = rearrange(x, "b t c h w -> (b t h w) c")
        u = self.channel_norm(self.integrate_channels(cells))
        u = rearrange(u, "(b m) c -> b m c", b=b)
        n = self.position_norm(self.integrate_positions(u))
        e = self.distribute_positions(n) + u
        o = rearrange(self.distribute_channels(e), "b (t h w) c -> b t c h w", t=t, h=h)
        return (x + o).relu() if self.relu else x + o


# The network, section 3.3 -----------------------------------------------------------------------


class InTurn(nn.Sequential):
    """Plug-ins at one site, one after the other; their maps come under "<number>.<map>"."""

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen: dict[str, Tensor] = {}
        for name, module in self.named_children():
            result = module(x)
            x, maps = result if isinstance(result, tuple) else (result, {})
            seen.update({f"{name}.{key}": value for key, value in maps.items()})
        return x, seen


def evenly(depth: int, count: int) -> tuple[int, ...]:
    """`count` of the blocks 1..depth at even distances, the last one among them.

    (6, 3) -> 2, 4, 6 and (4, 2) -> 2, 4, the paper's places; (3, 3) -> 1, 2, 3.
    """
    return tuple(-(-depth * i // count) for i in range(1, count + 1))


def _check_splits(
    splits: Sequence[int], frames: int, size: tuple[int, int], grid: tuple[int, int], centre: bool
) -> None:
    if max(splits) >= frames:
        raise ValueError(f"split {max(splits)} leaves no latter frame of {frames}")
    if centre and min(grid) < 3:
        raise ValueError(
            "frames of {}x{} leave {}x{} cells after layer3; SBM's centre test needs 3x3".format(
                *size, *grid
            )
        )


class RefiningNorm(nn.BatchNorm1d):
    """The head's batch normalisation; its weight starts normal around 1 (0.02)."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.normal_(self.weight, mean=1.0, std=0.02)


class Projection(nn.Linear):
    """What the mutual-information loss compares; starts Kaiming-normal over its outputs."""

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.weight, mode="fan_out")
        nn.init.zeros_(self.bias)


class SINet(nn.Module):
    """The network of Figure 4; without SBM and IDM, the paper's baseline.

    splits: s of each SBM in the third stage; () for none. sbm_blocks: the residual block that
    each follows; None spreads them evenly. idm_blocks: the same for IDM in the second stage; None
    is the middle and the last block, () for none. Several modules may share a block.
    sbm, idm: further keyword arguments of the modules.
    rival: a name of `reidlib.models.rivals.RIVALS`, plugged behind `rival_blocks` of
    `rival_stage`, with keyword arguments `rival_options`; None takes the evenly spread places,
    two in layer2 (IDM's) or three in layer3 (SBM's).
    projection: whether training needs the head "projection"; None: if there is an SBM.
    """

    pool_maps: tuple[str, ...] = ()  # maps that `pool` needs beside the embedding

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        splits: Sequence[int] = (1, 2, 3),
        sbm_blocks: Sequence[int] | None = None,
        sbm: Mapping[str, Any] | None = None,
        idm_blocks: Sequence[int] | None = None,
        idm: Mapping[str, Any] | None = None,
        rival: str = "",
        rival_stage: Literal["layer2", "layer3"] = "layer2",
        rival_blocks: Sequence[int] | None = None,
        rival_options: Mapping[str, Any] | None = None,
        projection: bool | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        depth, channels = backbone.depth, backbone.channels
        grids = {stage: backbone.map_size(*size, stage) for stage in ("layer2", "layer3")}
        sbm, idm, rival_options = sbm or {}, idm or {}, rival_options or {}

        if idm_blocks is None:
            idm_blocks = evenly(depth("layer2"), 2)
        shape = channels["layer2"], frames, *grids["layer2"]
        modules: list[tuple[str, int, nn.Module]]
        modules = [("layer2", k, IntegrationDistribution(*shape, **idm)) for k in idm_blocks]

        if splits:
            _check_splits(splits, frames, size, grids["layer3"], sbm.get("centre", True))
        if sbm_blocks is None:
            sbm_blocks = evenly(depth("layer3"), len(splits))
        for k, split in zip(sbm_blocks, splits, strict=True):
            modules.append(("layer3", k, SalientToBroad(channels["layer3"], split, **sbm)))

        if rival:
            places = evenly(depth(rival_stage), 2 if rival_stage == "layer2" else 3)
            for k in rival_blocks or places:
                block = build_rival(rival, channels[rival_stage], **rival_options)
                modules.append((rival_stage, k, block))
        self._plug(modules)

        d = backbone.out_channels
        self.norm = RefiningNorm(d)
        self.classifier = classifier(d, num_classes, bias=True)
        wanted = bool(splits) if projection is None else projection
        self.projection = Projection(d, d) if wanted else None

    def _plug(self, modules: Sequence[tuple[str, int, nn.Module]]) -> None:
        """Each module behind its (stage, block); those that share one, in turn."""
        for site in dict.fromkeys((stage, block) for stage, block, _ in modules):
            here = [module for *place, module in modules if tuple(place) == site]
            self.backbone.plug(*site, here[0] if len(here) == 1 else InTurn(*here))

    def forward(self, clips: Tensor) -> Output:
        """(b, t, 3, h, w) -> embedding (b, d), the mean over frames of BN(frame).

        Heads: "clip" (b, d), with logits; in training, where asked for, "projection" (b, t, d).
        Maps: "features" (b, t, d, h', w'), "frame_features" (b, t, d), their maxima, and what the
        modules saw, for instance "layer3_2.suppression" (b, t - s, h', w').
        """
        maps, seen = self.backbone(clips)
        frames = maps.amax(dim=(3, 4))
        clip = self.norm(frames.mean(dim=1))
        heads: dict[str, tuple[Tensor, Tensor | None]] = {"clip": (clip, self.classifier(clip))}
        if self.training and self.projection is not None:
            # The same normalisation again, with the statistics of single frames.
            refined = self.norm(rearrange(frames, "b t d -> (b t) d"))
            projected = rearrange(self.projection(refined), "(b t) d -> b t d", b=len(clips))
            heads["projection"] = (projected, None)
        return Output(clip, heads, maps={**seen, "features": maps, "frame_features": frames})

    def pool(self, clips: Output) -> Tensor:
        """The clips of one tracklet, embedding (m, d) -> (d,)."""
        return clips.embedding.mean(dim=0)
