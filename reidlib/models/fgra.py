"""FGRA: the regions of one frame guide the features of all frames (Chen et al., AAAI 2020).

A clip of N frames is described twice. The global branch weighs whole frames. The local branch takes
the first frame as reference, cuts it into N_s stripes, and lets the mean vector of each stripe, its
template, gate the maps of every frame: the guide alignment module, Eq. 1-2. A region's aligned
vectors are averaged over frames by how well they answered the template, Eq. 4-6, and the regions by
a small attention, Eq. 7-8. A penalty keeps the vectors of a region together, Eq. 3 and 12. Eq. 10,
11 and 13 are in `reidlib.losses`. Letters: b clips, n frames, i regions, c channels, h w cells.

What the equations imply and the paper does not mention: a template is one number per channel, so
Eq. 1 scales each channel of a frame and searches nothing. Shuffle the cells of a frame, differently
in each channel, and its aligned features stay the same (`shuffle_cells` is that control). Regions
differ only in how steeply each channel is gated.

Differs from the paper
    Eq. 10 is a mean over anchors, as are Eq. 11 and 12. The batch normalisation of Eq. 1's products
    is folded into the templates, and its statistics come from per-frame means and variances:
    exact, and no second tensor of the products' size. A 128x64 frame in the small network has
    16x8 cells, so there a stripe of 4 regions has 4 rows, and 2 rows in the paper's 8x4.
    An extension that is ours: with `kernel="stripe"` Eq. 1 correlates each frame with the whole
    stripe in place of its mean, so that a gate opens where a frame looks like the stripe, cell by
    cell. Eq. 2 needs a gate for every cell, hence zeros around the maps, and the stripe's upper
    left middle cell as its centre. The sum's scale is undone by the BN, and left in `score="raw"`.

The paper does not say
    * over what the BN of Eq. 1's products pools, and whether it is affine. Here one over channels,
      shared by the regions, with affine parameters; else `similarity_norm="region"`,
      `similarity_affine=False`;
    * whether Eq. 5 averages M after BN and sigmoid, as here, or before: `score="raw"`;
    * what "parameters in the center loss" are. Eq. 3 has none: a centre is the mean of the
      sequence's vectors. `centres="learned"` keeps one per identity and region instead (see
      `reidlib.losses.center`);
    * how rows 4-7 read out regions: each reduced, then joined; else `readout="mean"`;
    * c_t, whether regions share their 1x1 convolution, and whether the alignment trains its
      templates: a quarter of c, yes, yes (else `detach_templates`);
    * the form of the temporal attention: a softmax over frames of one linear response;
    * what follows the reductions: nothing; else `reduce_norm`. How they start: as re-ID's programs
      start such layers, Kaiming's normal by outputs;
    * whether the branches have identity losses of their own: no; else `branch_heads`;
    * how the penalty's weight goes with size. Eq. 3 is a sum, so it grows with N, N_s and C;
      `consistency_terms` says for how many terms the weight was chosen (of learned centres too).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from einops import rearrange, reduce
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.losses.center import Centres
from reidlib.models.backbone import Backbone
from reidlib.models.classifiers import RegionClassifiers, classifier
from reidlib.models.output import Output

Norm = Literal["none", "bn", "bn_relu"]
CHOICES = {
    "local": ("none", "stripes", "aligned"),
    "temporal": ("mean", "attention", "score"),
    "readout": ("concat", "mean", "attention"),
    "similarity_norm": ("shared", "region"),
    "score": ("gated", "raw"),
    "centres": ("sequence", "learned"),
    "reduce_norm": ("none", "bn", "bn_relu"),
    "kernel": ("1x1", "stripe"),
}


class TemporalAttention(nn.Module):
    """softmax over frames of <w_i, x_i> + b_i, for each of the regions (or the one whole frame).

    The softmax does not feel b_i, which therefore never gets a gradient.
    """

    def __init__(self, channels: int, regions: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(regions, channels))
        self.bias = nn.Parameter(torch.empty(regions))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = self.weight.shape[1] ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(b, n, i, c) -> (b, n, i), summing to one over n."""
        return ((features * self.weight).sum(dim=3) + self.bias).softmax(dim=1)


class Reduction(nn.Module):
    """The paper's 1x1 convolutions, on vectors: (..., c) -> (..., d), the same for all regions."""

    def __init__(self, inputs: int, outputs: int, norm: Norm = "none") -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.Identity() if norm == "none" else nn.BatchNorm1d(outputs)
        self.rectify = nn.ReLU() if norm == "bn_relu" else nn.Identity()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.linear.weight, mode="fan_out")
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        return self.rectify(self.norm(y.flatten(0, -2)).view_as(y))


class GlobalBranch(nn.Module):
    """Average pooling of each frame, attention over frames, reduction to f_sg."""

    def __init__(self, channels: int, embed: int, norm: Norm = "none") -> None:
        super().__init__()
        self.attention = TemporalAttention(channels)
        self.reduce = Reduction(channels, embed, norm)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(b, n, c, h, w) -> f_sg (b, d), frame weights (b, n)."""
        frames = maps.mean(dim=(3, 4))
        weights = self.attention(frames[:, :, None])  # (b, n, 1)
        return self.reduce((weights * frames).sum(dim=1)), weights[:, :, 0]


def stripes(maps: Tensor, regions: int) -> Tensor:
    """Mean vectors of each frame's horizontal stripes: (b, n, c, h, w) -> (b, n, i, c), top first.

    Those of frame 0 are the templates F_t,i. Raises ValueError if the rows do not divide.
    """
    if maps.shape[3] % regions:
        raise ValueError(f"maps of {maps.shape[3]} rows do not divide into {regions} regions")
    return reduce(maps, "b n c (i s) w -> b n i c", "mean", i=regions)


def correlate(templates: Tensor, maps: Tensor) -> Tensor:
    """Eq. 1, M_n,i = F_t,i * F_n: a group convolution whose 1x1 kernel is the template.

    templates (b, i, c), maps (b, n, c, h, w) -> (b, n, i, c, h, w). With one number to a channel
    the convolution is a product.
    """
    return templates[:, None, :, :, None, None] * maps[:, :, None]


def match(kernels: Tensor, maps: Tensor) -> Tensor:
    """Eq. 1 with stripes (b, i, c, s, w) for kernels: maps (b, n, c, h, w) -> (b, n, i, c, h, w).

    At cell (y, x) row (s - 1) // 2 of the kernel lies on row y, and so for columns; outside the
    maps there are zeros. Raises ValueError for kernels that are larger than the maps.
    """
    b, i, _, s, v = kernels.shape
    h, w = maps.shape[3:]
    if s > h or v > w:
        raise ValueError(f"a kernel of {s}x{v} cells does not fit into maps of {h}x{w}")
    # The regions of a channel are the outputs of one group, and frames the samples.
    cells = rearrange(maps, "b n c h w -> n (b c) h w")
    cells = F.pad(cells, ((v - 1) // 2, v // 2, (s - 1) // 2, s // 2))
    weight = rearrange(kernels, "b i c s v -> (b c i) 1 s v")
    products = F.conv2d(cells, weight, groups=cells.shape[1])
    return rearrange(products, "n (b c i) h w -> b n i c h w", b=b, i=i)


def align(maps: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
    """Eq. 2, F_n,i: the mean of F_n o M_n,i over cells. Beside it the mean over channels (Fig. 5).

    maps (b, n, c, h, w), gates (b, n, i, c, h, w) -> (b, n, i, c), response (b, n, i, h, w).
    """
    enhanced = maps[:, :, None] * gates
    return enhanced.mean(dim=(4, 5)), enhanced.mean(dim=3)


def region_specific(response: Tensor) -> Tensor:
    """What regions have beyond their common picture: (b, n, i, h, w) minus its mean over i.

    Gates start near one half everywhere, so the responses of all regions look alike until then.
    """
    return response - response.mean(dim=2, keepdim=True)


def consistency(aligned: Tensor) -> Tensor:
    """Eq. 3: squared distances of a region's vectors to their mean, (b, n, i, c) -> sums (b,)."""
    return (aligned - aligned.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2, 3))


def score_weights(score: Tensor) -> Tensor:
    """Eq. 4: softmax over frames, for each region and channel, (b, n, i, c) -> (b, n, i, c)."""
    return score.softmax(dim=1)


def alignment_score(gates: Tensor) -> Tensor:
    """Eq. 5: s_n,i, the mean of M over cells, (b, n, i, c, h, w) -> (b, n, i, c)."""
    return gates.mean(dim=(4, 5))


def aggregate(aligned: Tensor, weights: Tensor) -> Tensor:
    """Eq. 6, F_s,i: sum over frames of F_n,i o weights, (b, n, i, c) both -> (b, i, c)."""
    return (aligned * weights).sum(dim=1)


class Alignment(NamedTuple):
    features: Tensor  # F_n,i (b, n, i, c)
    score: Tensor  # s_n,i (b, n, i, c)
    response: Tensor  # (b, n, i, h, w)


class GuideAlignment(nn.Module):
    """Eq. 1, 2 and 5: templates (b, i, c) and maps (b, n, c, h, w) -> Alignment.

    Whole stripes (b, i, c, s, w) for templates make Eq. 1 a `match`.
    norm: "shared", one batch normalisation over c for all regions; "region", one for each, which
    also undoes how strong a region's template is beside the others'.
    """

    eps, momentum = 1e-5, 0.1
    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        regions: int,
        *,
        norm: Literal["shared", "region"] = "shared",
        affine: bool = True,
        score: Literal["gated", "raw"] = "gated",
    ) -> None:
        super().__init__()
        _known({"similarity_norm": norm, "score": score})
        shape = (regions if norm == "region" else 1, channels)
        self.norm, self.score = norm, score
        self.weight = nn.Parameter(torch.empty(shape), requires_grad=affine)
        self.bias = nn.Parameter(torch.empty(shape), requires_grad=affine)
        self.register_buffer("running_mean", torch.empty(shape))
        self.register_buffer("running_var", torch.empty(shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for values in (self.weight, self.running_var):
            nn.init.ones_(values)
        for values in (self.bias, self.running_mean):
            nn.init.zeros_(values)

    def statistics(self, templates: Tensor, maps: Tensor) -> tuple[Tensor, Tensor, int]:
        """Mean and biased variance of Eq. 1's products, (1 or i, c), and how many they are over.

        The cells of one frame have mean t E[F] and variance t^2 Var[F]; the variance over all is
        the mean of those variances plus the variance of those means. A match has no such shortcut.
        """
        if templates.dim() == 5:
            products = match(templates, maps)
            dims = [0, 1, 2, 4, 5] if self.norm == "shared" else [0, 1, 4, 5]
            variance, mean = torch.var_mean(products, dim=dims, correction=0)
            count = products.numel() // self.weight.numel()
            return mean.view_as(self.weight), variance.view_as(self.weight), count
        level = maps.mean(dim=(3, 4))  # (b, n, c)
        within = (maps - level[..., None, None]).square().mean(dim=(3, 4))
        levels = templates[:, None] * level[:, :, None]  # (b, n, i, c)
        spreads = templates[:, None].square() * within[:, :, None]
        over = (0, 1, 2) if self.norm == "shared" else (0, 1)
        mean = levels.mean(dim=over).view_as(self.weight)
        variance = (spreads + (levels - mean).square()).mean(dim=over).view_as(self.weight)
        count = levels.numel() // self.weight.numel() * maps.shape[3] * maps.shape[4]
        return mean, variance, count

    def gates(self, templates: Tensor, maps: Tensor) -> Tensor:
        """M = sigmoid(BN(Eq. 1)) (b, n, i, c, h, w); in training with the batch's statistics."""
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance, count = self.statistics(templates, maps)
            with torch.no_grad():
                self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
                unbiased = variance * (count / max(count - 1, 1))
                self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)
        slope = self.weight * (variance + self.eps).rsqrt()
        offset = self.bias - slope * mean
        if templates.dim() == 5:
            products = match(templates * slope[..., None, None], maps)
        else:
            products = correlate(templates * slope, maps)
        return (products + offset[..., None, None]).sigmoid()

    def forward(self, templates: Tensor, maps: Tensor) -> Alignment:
        gates = self.gates(templates, maps)
        features, response = align(maps, gates)
        if self.score == "gated":
            return Alignment(features, alignment_score(gates), response)
        if templates.dim() == 5:
            return Alignment(features, match(templates, maps).mean(dim=(4, 5)), response)
        products = templates[:, None] * maps.mean(dim=(3, 4))[:, :, None]  # Eq. 1, cells averaged
        return Alignment(features, products, response)


class RegionAttention(nn.Module):
    """Eq. 7: W, softmax over regions of ReLU(BN(conv of the regions, stacked top to bottom)).

    One filter over three neighbours, zero-padded so that every region gets a weight; the BN undoes
    its bias. Responses below zero tie at zero: no region is ever switched off.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, 1, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm1d(1)

    def forward(self, regions: Tensor) -> Tensor:
        """F_s (b, i, c) -> (b, i), summing to one."""
        response = self.bn(self.conv(regions.transpose(1, 2))).relu()  # (b, 1, i)
        return _single(response)[:, 0].softmax(dim=1)


def weigh_regions(regions: Tensor, weights: Tensor) -> Tensor:
    """Eq. 8: F_sl = F_s W^T, (b, i, c) and (b, i) -> (b, c)."""
    return (regions * weights[:, :, None]).sum(dim=1)


class FGRA(nn.Module):
    """Both branches; by its options every row of Table 2.

    global_branch: rows 2-8. local: "none" (row 2), "stripes" of every frame (1, 3) or "aligned" by
        the guide (4-8). temporal: "mean" (1-4), "attention" learned for each region (5), alignment
        "score" (6-8). readout: "concat" of reduced regions (1-7), their "attention" (8) or "mean".
    regions: N_s, must divide the rows of the maps. embed, region_embed: c and c_t.
    kernel: of Eq. 1, a stripe's mean or, "stripe", its cells (our extension, for "aligned").
    shuffled: a seed, the control: the local branch gets frames through `shuffle_cells`.

    Heads: "clip", f_s; "regions" of stripes or "templates" of aligned regions, (b, i, c_t); by
    option "global", "local", "centres". Penalty: "consistency". Maps: "frame_weights" (b, n),
    "region_frame_weights" (b, n, i), "region_weights" (b, i), "region_response" (b, n, i, h, w),
    "aligned" (b, n, i, c). Any number of frames, any size whose map rows divide into the regions.
    """

    pool_maps: tuple[str, ...] = ()  # maps that `pool` needs beside the embedding

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        global_branch: bool = True,
        local: Literal["none", "stripes", "aligned"] = "aligned",
        temporal: Literal["mean", "attention", "score"] = "score",
        readout: Literal["concat", "mean", "attention"] = "attention",
        regions: int = 4,
        embed: int = 1024,
        region_embed: int = 256,
        similarity_norm: Literal["shared", "region"] = "shared",
        similarity_affine: bool = True,
        score: Literal["gated", "raw"] = "gated",
        centres: Literal["sequence", "learned"] = "sequence",
        consistency_terms: int | None = None,
        detach_templates: bool = False,
        reduce_norm: Norm = "none",
        branch_heads: bool = False,
        shuffled: int | None = None,
        kernel: Literal["1x1", "stripe"] = "1x1",
    ) -> None:
        super().__init__()
        given = (local, temporal, readout, similarity_norm, score, centres, reduce_norm, kernel)
        _check(dict(zip(CHOICES, given, strict=True)), global_branch)
        rows, columns = backbone.map_size(*size)
        if local != "none" and rows % regions:
            raise ValueError(
                f"frames of {size[0]}x{size[1]} give maps of {rows}x{columns}, "
                f"whose {rows} rows do not divide into {regions} regions"
            )
        channels = backbone.out_channels
        self.backbone = backbone
        self.local, self.temporal, self.readout, self.regions = local, temporal, readout, regions
        self.terms, self.detach, self.shuffled = consistency_terms, detach_templates, shuffled
        self.kernel = kernel

        each = region_embed if readout == "concat" else embed
        lengths = [
            embed if global_branch else 0,
            0 if local == "none" else regions * each if readout == "concat" else each,
        ]
        self.global_branch = GlobalBranch(channels, embed, reduce_norm) if global_branch else None
        if local == "aligned":
            self.template_reduce = Reduction(channels, region_embed, reduce_norm)
            self.guide = GuideAlignment(
                channels, regions, norm=similarity_norm, affine=similarity_affine, score=score
            )
            self.centres = Centres(num_classes, regions, channels) if centres == "learned" else None
        if local != "none":
            self.local_reduce = Reduction(channels, each, reduce_norm)
            self.region_classifiers = RegionClassifiers(regions, region_embed, num_classes)
        if local != "none" and temporal == "attention":
            self.region_temporal = TemporalAttention(channels, regions)
        if local != "none" and readout == "attention":
            self.region_attention = RegionAttention(channels)
        self.classifier = classifier(sum(lengths), num_classes)
        if branch_heads:
            self.branch_classifiers = nn.ModuleDict(
                {n: classifier(x, num_classes) for n, x in zip(("global", "local"), lengths) if x}
            )

    def forward(self, clips: Tensor) -> Output:
        """(b, n, 3, h, w) -> embedding f_s (b, d), the branches' features joined (Eq. 9)."""
        maps, seen = self.backbone(clips)
        found = Output(clips, maps={**seen, "features": maps})
        maps, parts = _single(maps), {}
        if self.global_branch is not None:
            parts["global"], found.maps["frame_weights"] = self.global_branch(maps)
        if self.local != "none":
            parts["local"] = self._read(self._regions(maps, found), found)
        found.embedding = torch.cat(list(parts.values()), dim=1)
        found.heads["clip"] = found.embedding, self.classifier(found.embedding)
        for name, layer in getattr(self, "branch_classifiers", nn.ModuleDict()).items():
            found.heads[name] = parts[name], layer(parts[name])
        return found

    def pool(self, clips: Output) -> Tensor:
        """The clips of one tracklet, each with its own reference frame: (m, d) -> mean (d,)."""
        return clips.embedding.mean(dim=0)

    def _regions(self, maps: Tensor, found: Output) -> Tensor:
        """Maps (b, n, c, h, w) -> F_s (b, i, c), the regions of the whole clip."""
        if self.local == "stripes":
            return stripes(maps, self.regions).mean(dim=1)
        templates = stripes(maps[:, :1], self.regions)[:, 0]
        reduced = self.template_reduce(templates)
        found.heads["templates"] = reduced, self.region_classifiers(reduced)
        if self.kernel == "stripe":
            templates = rearrange(maps[:, 0], "b c (i s) w -> b i c s w", i=self.regions)
        if self.detach:
            templates = templates.detach()
        if self.shuffled is not None:
            maps = shuffle_cells(maps, self.shuffled)

        features, score, response = self.guide(templates, maps)
        found.maps.update(aligned=features, region_response=response)
        scale = 1 if self.terms is None else self.terms / features[0].numel()
        found.penalties["consistency"] = consistency(features).mean() * scale  # Eq. 12
        if self.centres is not None:
            found.heads["centres"] = features.mean(dim=1).flatten(1), self.centres(features) * scale

        if self.temporal == "score":
            weights = score_weights(score)
        elif self.temporal == "attention":
            weights = self.region_temporal(features)[..., None]
        else:
            weights = torch.full_like(features[..., :1], 1 / features.shape[1])
        found.maps["region_frame_weights"] = weights.mean(dim=3)
        return aggregate(features, weights)

    def _read(self, regions: Tensor, found: Output) -> Tensor:
        """F_s (b, i, c) -> the local feature f_sl (b, d)."""
        if self.readout == "concat":
            reduced = self.local_reduce(regions)
            if self.local == "stripes":
                found.heads["regions"] = reduced, self.region_classifiers(reduced)
            return reduced.flatten(1)
        if self.readout == "mean":
            return self.local_reduce(regions.mean(dim=1))
        weights = found.maps["region_weights"] = self.region_attention(regions)
        return self.local_reduce(weigh_regions(regions, weights))


def shuffle_cells(maps: Tensor, seed: int) -> Tensor:
    """The cells of every frame but the first, shuffled differently in each frame and channel.

    (b, n, c, h, w) -> the same shape; all clips share the order, which depends on `seed` alone.
    """
    flat = maps.flatten(3)
    keys = torch.rand(flat.shape[1:], generator=torch.Generator().manual_seed(seed))
    order = keys.argsort(dim=2)
    order[0] = torch.arange(flat.shape[3])
    return flat.gather(3, order.to(maps.device).expand_as(flat)).view_as(maps)


def _known(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}, not {value!r}")


def _check(given: Mapping[str, str], global_branch: bool) -> None:
    _known(given)
    if not global_branch and given["local"] == "none":
        raise ValueError("without its global and its local branch FGRA has nothing to return")
    if given["local"] == "stripes" and (given["temporal"], given["readout"]) != ("mean", "concat"):
        raise ValueError("stripes have no guide: temporal is 'mean', readout is 'concat'")
    if given["kernel"] == "stripe" and given["local"] != "aligned":
        raise ValueError(f"a stripe is a kernel for local 'aligned', not {given['local']!r}")


def _single(x: Tensor) -> Tensor:
    """Half precision as single, so that no mean, softmax or statistic is taken in half."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
