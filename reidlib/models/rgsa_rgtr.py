"""RGSA+RGTR: relations between positions guide attention, relations between frames refine them.

Li, Zhou, Zhou, Li: Relation-Guided Spatial Attention and Temporal Refinement for Video-Based
Person Re-Identification, AAAI 2020. A relation module turns two features into a short vector
(Eq. 1-2). Inside a frame, the relations of a position to all positions decide how much of each of
its channels enters the frame's feature (RGSA, Eq. 3-6). Inside a clip, the relations of a frame
to all frames refine its feature before the average over time (RGTR, Eq. 7-10). Losses: clip and
frame cross-entropy (Eq. 11), adaptive weighted triplet (Eq. 12-14,
`reidlib.losses.adaptive_triplet`); `reidlib.recipes.rgsa_rgtr` adds them up (Eq. 15).

How it is computed. Taken literally, Eq. 1 holds N x N differences of C/r1 numbers for every frame:
2.4 GB for the paper's batch. W is linear, so W(theta_i - phi_j) = u_i - v_j with u = W theta and
v = W phi, and what the batch norm needs of the N x N pairs follows exactly from u and v
(`pair_statistics`). Only the relations themselves, C/r2 numbers a pair, are ever held.

Differs from the paper: nothing in the equations, as far as they go.

The paper does not say
* over what the batch norm of Eq. 2 pools: over all ordered pairs of all frames (i = j too), one
  statistic a relation channel. `pair_norm="slot"` keeps one for each slot j and channel;
* whether both modules share a relation module: separate ones, each used for all its pairs;
* biases of the fully connected layers: none, a batch norm follows each; none in the classifiers;
* the order of positions: raster, i = h W + w. It and T fix the widths of W_A and W_R, so that the
  frame's size and the clip's length are fixed when the model is built;
* which frame feature the frame classifier reads: f_t of Eq. 6 (`refined=True`: that of Eq. 9);
  whether the two classifiers are one: two;
* the inner product of Table 1: of the features themselves, divided by C, so that it stands beside
  them in one product ("inner"); "embedded" takes it between theta and phi;
* initial weights: Kaiming normal by fan-out for new layers, normal 0.001 for classifiers;
* batch norm on several devices: `reidlib.parallel` pools over all of them, pairs included.

Ours, not the paper's: relation "difference" (f_i - f_j, whole) and "none" (attention and
refinement from the features alone). Without a ReLU behind it the whole difference collapses: W_A
then computes (W_x + sum_j W_j) x_i minus one vector a frame, sum_j W_j x_j. It says no more about
a pair than each position alone and a summary of the frame; the code computes that form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.models.backbone import Backbone, frame_average
from reidlib.models.classifiers import classifier
from reidlib.models.output import Output

RelationKind = Literal["module", "inner", "embedded", "difference", "none"]
PairNorm = Literal["relation", "slot"]
OverGroups = Callable[[Tensor], tuple[Tensor, int]]


def precise(x: Tensor) -> Tensor:
    """In single precision or better, whatever mixed precision made of it."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class FullyConnected(nn.Linear):
    """A layer without bias; weights start Kaiming normal, by fan-out (He et al. 2015)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")


# --- 3.2 Relation module --------------------------------------------------------------------------


class Embedding(nn.Module):
    """theta or phi of Eq. 1: relu(BN(W x)), (g, n, c) -> (g, n, c/r1)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.w = FullyConnected(channels, width)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn(self.w(x.flatten(end_dim=1))).relu()
        return rearrange(y, "(g n) d -> g n d", g=len(x))


def mean_over_groups(x: Tensor) -> tuple[Tensor, int]:
    """(g, ...) -> the mean over g, and g."""
    return x.mean(dim=0), len(x)


def pair_statistics(
    u: Tensor, v: Tensor, per_slot: bool = False, over: OverGroups = mean_over_groups
) -> tuple[Tensor, Tensor, int]:
    """Mean and biased variance of u_gi - v_gj over all groups g and all pairs, without the pairs.

    u, v: (g, n, d). Inside a group i and j run over everything independently, so the mean is
    mean(u) - mean(v) and the variance var(u) + var(v); over groups comes the spread of these
    means. (The pooled variances of u and v alone would forget that a group's u and v go
    together.) per_slot: pool over g and i only, for each j. over: how groups are averaged.
    Returns mean and variance, each (1, d), or (n, d) per slot, and the number of pairs pooled.
    """
    within = u.var(dim=1, correction=0, keepdim=True)
    centre = u.mean(dim=1, keepdim=True)
    if per_slot:
        centre = centre - v
    else:
        within = within + v.var(dim=1, correction=0, keepdim=True)
        centre = centre - v.mean(dim=1, keepdim=True)
    mu, groups = over(centre)
    variance, _ = over(within + (centre - mu).square())
    return mu, variance, groups * u.shape[1] * (1 if per_slot else v.shape[1])


class Relation(nn.Module):
    """Something that compares each feature of a group with each: (g, n, c) -> (g, n, n, width)."""

    width: int

    def contract(self, x: Tensor, weight: Tensor) -> Tensor:
        """sum_j W_j r_ij, the part of Eq. 5 and 9 behind the features. (g, n, c) -> (g, n, out).

        weight: (out, n width), the W_j side by side in the order of Eq. 4 and 8.
        """
        return F.linear(global_relation_vector(self(x)), weight)


def global_relation_vector(relations: Tensor) -> Tensor:
    """Eq. 4 and 8: the relations of i to 1, 2, ..., n in a row. (g, n, n, d) -> (g, n, n d)."""
    return rearrange(relations, "g i j d -> g i (j d)")


class RelationModule(Relation):
    """Eq. 1 and 2: r_ij = relu(BN(W(theta(x_i) - phi(x_j)))), never holding a difference.

    embedding_width is C/r1, relation_width C/r2. slots: None, or n for one batch norm a slot j.
    """

    def __init__(
        self, channels: int, embedding_width: int, relation_width: int, slots: int | None = None
    ) -> None:
        super().__init__()
        self.width = relation_width
        self.per_slot = slots is not None
        self.theta = Embedding(channels, embedding_width)
        self.phi = Embedding(channels, embedding_width)
        self.w = FullyConnected(embedding_width, relation_width)
        self.bn = nn.BatchNorm1d(relation_width * (slots or 1))  # its numbers; applied by `fold`
        self.over_groups: OverGroups = mean_over_groups  # several processes average otherwise

    def forward(self, x: Tensor) -> Tensor:
        """(g, n, c) -> r, (g, n, n, c/r2); r[g, i, j] compares x_i, as theta, with x_j, as phi."""
        theta, phi = precise(self.theta(x)), precise(self.phi(x))
        with torch.autocast(x.device.type, enabled=False):
            u, v = self.w(theta), self.w(phi)
            scale, shift = self.fold(u, v)
            p = scale * u[:, :, None]
            q = (scale * v - shift)[:, None]
            return (p - q).relu()  # the only step that touches every pair

    def fold(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The batch norm of the pairs as BN(u - v) = scale (u - v) + shift; (1, d) or (n, d)."""
        bn, shape = self.bn, (-1, self.width)
        if bn.training:
            mean, variance, pairs = pair_statistics(u, v, self.per_slot, self.over_groups)
            _track(bn, mean.detach().flatten(), variance.detach().flatten(), pairs)
        else:
            mean, variance = (x.view(shape) for x in _running(bn))
        scale = bn.weight.view(shape) * (variance + bn.eps).rsqrt()
        return scale, bn.bias.view(shape) - scale * mean


def _running(bn: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    assert bn.running_mean is not None
    assert bn.running_var is not None
    return bn.running_mean, bn.running_var


@torch.no_grad()
def _track(bn: nn.BatchNorm1d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move a batch norm's running statistics as it would itself: by the unbiased variance."""
    if count < 2:
        raise ValueError(f"the batch norm of pairs needs two pairs to train on, not {count}")
    assert bn.num_batches_tracked is not None
    bn.num_batches_tracked += 1
    rate = 1 / int(bn.num_batches_tracked) if bn.momentum is None else bn.momentum
    for running, seen in zip(_running(bn), (mean, variance * count / (count - 1)), strict=True):
        running.lerp_(seen.to(running), rate)


class InnerProduct(Relation):
    """Table 1's "IP": how much two features agree, one number. (g, n, c) -> (g, n, n, 1).

    embedding_width: None compares the features themselves, a number their theta and phi.
    scale: what multiplies the product; None is one over the width that is summed.
    """

    width = 1

    def __init__(
        self, channels: int, embedding_width: int | None = None, scale: float | None = None
    ) -> None:
        super().__init__()
        self.theta = Embedding(channels, embedding_width) if embedding_width else nn.Identity()
        self.phi = Embedding(channels, embedding_width) if embedding_width else nn.Identity()
        self.scale = 1 / (embedding_width or channels) if scale is None else scale

    def forward(self, x: Tensor) -> Tensor:
        theta, phi = precise(self.theta(x)), precise(self.phi(x))
        with torch.autocast(x.device.type, enabled=False):
            return (theta @ phi.mT * self.scale)[..., None]


class Difference(Relation):
    """Section 3.2's plain difference, x_i - x_j. (g, n, c) -> (g, n, n, c). A control."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.width = channels

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, None] - x[:, None]

    def contract(self, x: Tensor, weight: Tensor) -> Tensor:
        """(sum_j W_j) x_i - sum_j W_j x_j: nothing in it depends on a pair."""
        total = rearrange(weight, "o (j c) -> o j c", c=self.width).sum(dim=1)
        return F.linear(x, total) - F.linear(x.flatten(start_dim=1), weight)[:, None]


def build_relation(
    kind: RelationKind,
    channels: int,
    slots: int,
    embedding_width: int,
    relation_width: int,
    pair_norm: PairNorm = "relation",
) -> Relation | None:
    """The relation `kind` over groups of `slots` features; None for "none"."""
    if pair_norm not in ("relation", "slot"):
        raise ValueError(f"pair_norm is relation or slot, not {pair_norm!r}")
    per_slot = slots if pair_norm == "slot" else None
    if kind == "module":
        return RelationModule(channels, embedding_width, relation_width, per_slot)
    if kind == "inner":
        return InnerProduct(channels)
    if kind == "embedded":
        return InnerProduct(channels, embedding_width)
    if kind == "difference":
        return Difference(channels)
    if kind == "none":
        return None
    raise ValueError(f"relation is module, inner, embedded, difference or none, not {kind!r}")


def guide(x: Tensor, relation: Relation | None, w: nn.Linear, bn: nn.Module) -> Tensor:
    """BN(W [x_i; r_i1; ...; r_in]), shared by Eq. 5 and 9. (g, n, c) -> (g, n, out).

    W = [W_x | W_1 ... W_n] acts on its parts, so that no concatenated copy is made.
    """
    channels = x.shape[-1]
    y = F.linear(x, w.weight[:, :channels])
    if relation is not None:
        y = y + relation.contract(x, w.weight[:, channels:])
    return rearrange(bn(precise(y).flatten(end_dim=1)), "(g n) o -> g n o", g=len(x))


# --- 3.3 Relation-guided spatial attention --------------------------------------------------------


class RGSA(nn.Module):
    """Eq. 3-6: what of each position and channel enters a frame's feature.

    relation: a relation of its own, over `positions` features of `channels` numbers, or None.
    """

    def __init__(self, channels: int, positions: int, relation: Relation | None) -> None:
        super().__init__()
        self.positions = positions
        self.relation = relation
        self.w_a = FullyConnected(channels + positions * getattr(relation, "width", 0), channels)
        self.bn_a = nn.BatchNorm1d(channels)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(..., c, h, w) -> frame features f (..., c), attention a (..., c, h, w) in (0, 1)."""
        height, width = features.shape[-2:]
        if self.relation is not None and height * width != self.positions:
            raise ValueError(
                f"this RGSA relates {self.positions} positions; maps of {height}x{width} have "
                f"{height * width}: build the model for the size of frame it gets"
            )
        x = rearrange(features.flatten(end_dim=-4), "g c h w -> g (h w) c")
        evidence = guide(x, self.relation, self.w_a, self.bn_a)
        shares = F.logsigmoid(evidence).softmax(dim=1)  # a / sum_i a, also where all a are 0
        f = (shares * x).sum(dim=1)  # Eq. 6
        maps = rearrange(evidence.sigmoid(), "g (h w) c -> g c h w", h=height)  # Eq. 5
        return f.unflatten(0, features.shape[:-3]), maps.unflatten(0, features.shape[:-3])


# --- 3.4 Relation-guided temporal refinement ------------------------------------------------------


class RGTR(nn.Module):
    """Eq. 7-10: each frame's feature rewritten in the light of the others, then their mean."""

    def __init__(self, channels: int, frames: int, relation: Relation | None) -> None:
        super().__init__()
        self.frames = frames
        self.relation = relation
        self.w_r = FullyConnected(channels + frames * getattr(relation, "width", 0), channels)
        self.bn_r = nn.BatchNorm1d(channels)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """f (b, t, c) -> clip features F (b, c), refined frames (b, t, c)."""
        if self.relation is not None and frames.shape[1] != self.frames:
            raise ValueError(
                f"this RGTR relates {self.frames} frames, the clips have {frames.shape[1]}"
            )
        refined = guide(frames, self.relation, self.w_r, self.bn_r)  # Eq. 9
        return refined.mean(dim=1), refined  # Eq. 10


# --- 3.1 Framework --------------------------------------------------------------------------------


class RGSARGTR(nn.Module):
    """Figure 1: backbone, frame features, clip feature, a classifier for each.

    frames, size: T and (height, width), which fix the widths of W_R and W_A.
    spatial, temporal: the module, or "average" pooling in its place (Table 1).
    embedding_width, relation_width: C/r1 and C/r2; 64 and 8 are the paper's 2048/32 and 2048/256.
    """

    pool_maps: tuple[str, ...] = ()  # maps that `pool` needs beside the embedding

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        spatial: Literal["rgsa", "average"] = "rgsa",
        temporal: Literal["rgtr", "average"] = "rgtr",
        relation: RelationKind = "module",
        embedding_width: int = 64,
        relation_width: int = 8,
        pair_norm: PairNorm = "relation",
        refined: bool = False,
    ) -> None:
        super().__init__()
        if spatial not in ("rgsa", "average") or temporal not in ("rgtr", "average"):
            raise ValueError(
                f"spatial is rgsa or average, temporal rgtr or average, not {spatial}, {temporal}"
            )
        if refined and temporal == "average":
            raise ValueError("refined frame features need temporal='rgtr'")
        channels = backbone.out_channels
        height, width = backbone.map_size(*size)

        def related(slots: int) -> Relation | None:
            return build_relation(
                relation, channels, slots, embedding_width, relation_width, pair_norm
            )

        positions = height * width
        self.backbone = backbone
        self.rgsa = RGSA(channels, positions, related(positions)) if spatial == "rgsa" else None
        self.rgtr = RGTR(channels, frames, related(frames)) if temporal == "rgtr" else None
        self.classifier = classifier(channels, num_classes)
        self.frame_classifier = classifier(channels, num_classes)
        self.refined = refined

    def forward(self, clips: Tensor) -> Output:
        """(b, t, 3, h, w) -> embedding F (b, c), heads "clip" and "frame" (b, t, c).

        maps: "spatial_attention" (b, t, h', w'), a of Eq. 5 averaged over channels, with RGSA.
        """
        features, maps = self.backbone(clips)
        maps["features"] = features
        if self.rgsa is None:
            frames = frame_average(features)
        else:
            frames, attention = self.rgsa(features)
            maps["spatial_attention"] = attention.mean(dim=2)
        if self.rgtr is None:
            clip, refined = frames.mean(dim=1), frames
        else:
            clip, refined = self.rgtr(frames)
        shown = refined if self.refined else frames
        heads: dict[str, tuple[Tensor, Tensor | None]] = {
            "clip": (clip, self.classifier(clip)),
            "frame": (shown, self.frame_classifier(shown)),
        }
        return Output(clip, heads, maps=maps)

    def pool(self, clips: Output) -> Tensor:
        """The clips of one tracklet, embedding (m, d) -> (d,): unit length each, mean, unit length
        (Section 4.2)."""
        return F.normalize(F.normalize(clips.embedding, dim=1).mean(dim=0), dim=0)
