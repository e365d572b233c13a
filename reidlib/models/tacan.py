"""TACAN: attention over frames in a clip, then over clips in a tracklet (Li et al., WACV 2020).

A tracklet is cut into clips of T frames. Inside a clip frames are weighted by what a small network
sees in their maps (f_C, Section 3.2). Between clips a linear layer gives each clip a weight, Eq. 1,
another embeds it, Eq. 2, and the tracklet is their weighted average, Eq. 3. In training every clip
is a tracklet of its own; its weight then sets how long its feature is, which is how the losses
teach it without labels. Eq. 4 is `reidlib.losses.objective`, 5-6 `.triplet`, 7-10 `.minmax`.
Letters: b clips, t frames, k tracklets, m clips of a tracklet, d features.

Differs from the paper
    Eq. 5 is a mean over anchors, not the printed sum. The printed f_C divides by T a sum whose
    weights already sum to one; here it does not (`divide_by_t`). The weight of Eq. 1 passes a
    sigmoid: bare, nothing would fix its scale, and the printed values, 0.92 to 0.95, fit a sigmoid;
    `gate="linear"` or "softmax" are the others.

The paper does not say
    * how frames are weighted: as in the work it names, a convolution over the whole map, one along
      time, both with ReLU, then softmax; `frame_gate="sigmoid_l1"`, `"sigmoid"` (not normalised).
      The kernel ties the model to one frame size. If the last ReLU dies, weights are 1/T and no
      gradient returns; so its bias starts at one, which the softmax does not feel;
    * what a tracklet is in training: one clip. With `clips_per_tracklet=m` the frames that are
      drawn of it are m clips, f is their Eq. 3, and the losses see one f of each tracklet;
    * which vector the losses read: all of them w_i E_i (f_C in rows without embedding);
    * whether the embedding is more than linear: no; else `embed_norm`. How it starts: as re-ID's
      programs start such layers, Kaiming's normal by outputs;
    * whether the score has a bias: not as printed; `score_bias`. Nor has the classifier one;
    * whether Eq. 3 divides by the clips or their weights: by m, so low weights shorten the feature;
      `normalise="sum"` is the weighted mean.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from reidlib.models.backbone import Backbone, frame_average
from reidlib.models.classifiers import classifier
from reidlib.models.output import Output

FrameGate = Literal["softmax", "sigmoid_l1", "sigmoid"]
ClipGate = Literal["sigmoid", "linear", "softmax", "unit"]
Norm = Literal["none", "bn", "bn_relu"]
CHOICES = {
    "frame_gate": ("softmax", "sigmoid_l1", "sigmoid"),
    "clip_level": ("mean", "embedding", "attention"),
    "gate": ("sigmoid", "linear", "softmax", "unit"),
    "normalise": ("count", "sum"),
    "embed_norm": ("none", "bn", "bn_relu"),
}


class TemporalAttention(nn.Module):
    """Weights a of the frames of a clip, from their maps of exactly `map_size` cells."""

    def __init__(
        self,
        channels: int,
        map_size: tuple[int, int],
        width: int = 256,
        gate: FrameGate = "softmax",
    ) -> None:
        super().__init__()
        self.map_size, self.gate = map_size, gate
        self.conv = nn.Conv2d(channels, width, map_size)
        self.tconv = nn.Conv1d(width, 1, kernel_size=3, padding=1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.tconv.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        """(b, t, c, h, w) -> (b, t). Raises ValueError for maps of another size."""
        if tuple(maps.shape[3:]) != self.map_size:
            built, got = "x".join(map(str, self.map_size)), "x".join(map(str, maps.shape[3:]))
            raise ValueError(f"the kernel of the temporal attention is {built}, the maps are {got}")
        p = self.conv(maps.flatten(0, 1)).relu()
        p = rearrange(p, "(b t) r 1 1 -> b r t", b=len(maps))
        q = _single(self.tconv(p).relu()[:, 0])
        if self.gate == "softmax":
            return q.softmax(dim=1)
        weights = q.sigmoid()
        return weights / weights.sum(dim=1, keepdim=True) if self.gate == "sigmoid_l1" else weights


def clip_feature(frames: Tensor, weights: Tensor, divide_by_t: bool = False) -> Tensor:
    """f_C = sum_t a_t f_t, (b, t, d) and (b, t) -> (b, d); as printed it is divided by t."""
    summed = (frames * weights[:, :, None]).sum(dim=1)
    return summed / frames.shape[1] if divide_by_t else summed


def clip_weights(scores: Tensor, gate: ClipGate = "sigmoid", mask: Tensor | None = None) -> Tensor:
    """Eq. 1: the clips' weights from z = W f_C, (k, m) -> (k, m); zero where mask is False.

    gate: what z passes. "softmax" goes over the clips of a tracklet; "unit" ignores z: all ones.
    """
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    if gate not in CHOICES["gate"]:
        raise ValueError(f"gate is one of {', '.join(CHOICES['gate'])}, not {gate!r}")
    if gate == "softmax":
        return scores.masked_fill(~mask, -torch.inf).softmax(dim=1)
    scores = scores.masked_fill(~mask, 0)
    if gate == "sigmoid":
        scores = scores.sigmoid()
    elif gate == "unit":
        scores = torch.ones_like(scores)
    return scores.masked_fill(~mask, 0)


def tracklet_feature(
    embedded: Tensor,
    weights: Tensor,
    mask: Tensor | None = None,
    normalise: Literal["count", "sum"] = "count",
) -> Tensor:
    """Eq. 3: f = 1/m sum_i w_i E_i, (k, m, d) and (k, m) -> (k, d).

    mask: (k, m), False at padding, which counts neither in the sum nor in m.
    normalise: "sum" divides by the sum of the weights instead of by m.
    """
    if mask is None:
        mask = torch.ones_like(weights, dtype=torch.bool)
    if normalise not in CHOICES["normalise"]:
        raise ValueError(f"normalise is count or sum, not {normalise!r}")
    weights = weights.masked_fill(~mask, 0)
    embedded = embedded.masked_fill(~mask[:, :, None], 0)  # padding may hold anything, NaN too
    by = mask.sum(dim=1) if normalise == "count" else weights.sum(dim=1)
    return (embedded * weights[:, :, None]).sum(dim=1) / by[:, None]


class Tracklets(NamedTuple):
    feature: Tensor  # f (k, d)
    weights: Tensor  # w_i (k, m)
    scores: Tensor  # z_i (k, m), the weights before their gate


class ClipAttention(nn.Module):
    """Eq. 1-3: two linear layers read f_C, one scores a clip, the other embeds it.

    score: False leaves the scoring layer out (with gate "unit": the embedding alone, row 3e). Masks
    are for padded batches of tracklets; the network below has none.
    """

    def __init__(
        self,
        channels: int,
        embed: int,
        *,
        gate: ClipGate = "sigmoid",
        score: bool = True,
        score_bias: bool = False,
        embed_norm: Norm = "none",
    ) -> None:
        super().__init__()
        self.gate = gate
        self.score = nn.Linear(channels, 1, bias=score_bias) if score else None
        self.embed = nn.Linear(channels, embed)
        self.norm = nn.Identity() if embed_norm == "none" else nn.BatchNorm1d(embed)
        self.rectify = nn.ReLU() if embed_norm == "bn_relu" else nn.Identity()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.embed.weight, mode="fan_out")
        nn.init.zeros_(self.embed.bias)

    def embedded(self, clips: Tensor, mask: Tensor | None = None) -> Tensor:
        """Eq. 2, E_i: f_C (k, m, d) -> (k, m, embed); padding is 0 and not seen by the norm."""
        if mask is None:
            vectors = self.embed(clips)
            return self.rectify(self.norm(vectors.flatten(0, 1)).view_as(vectors))
        vectors = self.rectify(self.norm(self.embed(clips[mask])))
        return vectors.new_zeros(*mask.shape, vectors.shape[1]).index_put((mask,), vectors)

    def forward(
        self,
        clips: Tensor,
        mask: Tensor | None = None,
        normalise: Literal["count", "sum"] = "count",
    ) -> Tracklets:
        """f_C (k, m, d), mask (k, m) False at padding -> Tracklets."""
        if mask is not None:  # a gradient of zero times NaN is NaN
            clips = clips.masked_fill(~mask[:, :, None], 0)
        embedded = self.embedded(clips, mask)
        scores = (
            clips.new_zeros(clips.shape[:2]) if self.score is None else self.score(clips)[..., 0]
        )
        weights = clip_weights(_single(scores), self.gate, mask)
        feature = tracklet_feature(_single(embedded), weights, mask, normalise)
        return Tracklets(feature, weights, scores)


class TACAN(nn.Module):
    """Attention in and between clips; by its options every row of Table 1.

    frame_attention: rows 3-6; else frames are averaged. clip_level: "mean" of f_C over clips (rows
    1-3), their "embedding" with weights of one (row 3e), "attention" (4-6).
    gate "unit" keeps the layers of "attention" and sets its weights to one, to test a trained model
    without them; `normalise` acts where clips are pooled, so with one clip it too is a choice at
    test.
    clips_per_tracklet: m, in training alone. The t frames of each entry of a batch are m clips of
        t / m neighbours, and its feature is theirs together. At test clips come one by one.

    Heads: "clip", the feature f of each clip as a tracklet of its own. Maps: "frame_weights"
    (b, t), "clip_weights" and "clip_scores" (b,), of m clips (b, m). With frame attention frames
    must have the size the model was built for; any number of frames passes, in training any that m
    divides.
    """

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        frame_attention: bool = True,
        attention_width: int = 256,
        frame_gate: FrameGate = "softmax",
        divide_by_t: bool = False,
        clip_level: Literal["mean", "embedding", "attention"] = "attention",
        embed: int = 1024,
        gate: ClipGate = "sigmoid",
        score_bias: bool = False,
        normalise: Literal["count", "sum"] = "count",
        embed_norm: Norm = "none",
        clips_per_tracklet: int = 1,
    ) -> None:
        super().__init__()
        given = (frame_gate, clip_level, gate, normalise, embed_norm)
        for (name, known), value in zip(CHOICES.items(), given, strict=True):
            if value not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {value!r}")
        _check(frames, clips_per_tracklet)
        channels = backbone.out_channels
        self.backbone, self.clips_per_tracklet = backbone, clips_per_tracklet
        self.divide_by_t, self.gate, self.normalise = divide_by_t, gate, normalise
        self.temporal_attention = (
            TemporalAttention(channels, backbone.map_size(*size), attention_width, frame_gate)
            if frame_attention
            else None
        )
        scored = clip_level == "attention"
        self.clip_attention = (
            ClipAttention(
                channels,
                embed,
                gate=gate if scored else "unit",
                score=scored,
                score_bias=score_bias,
                embed_norm=embed_norm,
            )
            if clip_level != "mean"
            else None
        )
        self.pool_maps = ("clip_weights", "clip_scores") if scored else ()
        self.classifier = classifier(channels if clip_level == "mean" else embed, num_classes)

    def forward(self, clips: Tensor) -> Output:
        """(b, t, 3, h, w) -> embedding f (b, d), each entry taken for a whole tracklet."""
        m = self.clips_per_tracklet if self.training else 1
        _check(clips.shape[1], m)
        maps, seen = self.backbone(clips)
        found = Output(clips, maps={**seen, "features": maps})
        maps = rearrange(maps, "b (m t) c h w -> (b m) t c h w", m=m)
        frames = frame_average(_single(maps))
        if self.temporal_attention is None:
            feature = frames.mean(dim=1)
        else:
            weights = self.temporal_attention(maps)
            found.maps["frame_weights"] = rearrange(weights, "(b m) t -> b (m t)", m=m)
            feature = clip_feature(frames, weights, self.divide_by_t)
        feature = rearrange(feature, "(b m) d -> b m d", m=m)
        if self.clip_attention is None:
            feature = feature.mean(dim=1)
        else:  # a clip alone is w_i E_i, whatever several are divided by
            divide = self.normalise if m > 1 else "count"
            feature, weights, scores = self.clip_attention(feature, normalise=divide)
            if self.pool_maps:
                one = (weights, scores) if m > 1 else (weights[:, 0], scores[:, 0])
                found.maps.update(zip(self.pool_maps, one))
        found.embedding = feature
        found.heads["clip"] = feature, self.classifier(feature)
        return found

    def pool(self, clips: Output) -> Tensor:
        """The m clips of one tracklet -> its feature (d,), Eq. 3 (their mean without weights).

        An embedding holds its own weight already, except with the softmax gate: a clip alone has
        weight one there, so the weights come from the scores of all clips.
        """
        weighted = clips.embedding
        if not self.pool_maps:
            return weighted.mean(dim=0)
        weights = clips.maps["clip_weights"]
        if self.gate == "softmax":
            weights = clip_weights(clips.maps["clip_scores"][None], "softmax")[0]
            weighted = weighted * weights[:, None]
        return weighted.sum(dim=0) / (weights.sum() if self.normalise == "sum" else len(weights))


def _check(frames: int, clips: int) -> None:
    if clips not in range(1, frames + 1) or frames % clips:
        raise ValueError(f"{frames} frames of a tracklet do not divide into {clips} clips")


def _single(x: Tensor) -> Tensor:
    """Half precision as single, so that no mean, gate or softmax is taken in half."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
