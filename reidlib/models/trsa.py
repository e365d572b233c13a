"""TRSA: spatial attention without parameters, and a penalty over the attention of a clip.

Wang and Zhao: Temporal Regularized Spatial Attention for Video-Based Person Re-Identification,
ICIP 2019. Each frame is looked at where its features are strong: the sum over channels, through a
softmax over positions, weighs the map (Eq. 1-3). A penalty ties the frames of a clip together
(Eq. 4). Its losses are batch-hard triplet (Eq. 6, `reidlib.losses.triplet`) and focal loss
(Eq. 7-8, `reidlib.losses.focal`); `reidlib.recipes.trsa` adds them up (Eq. 5, 9).

What the penalty does is not what the paper says. With S the sum of the N attention maps over the
HW positions, the sum of S is N whatever the maps are, so for any target c

    sum (c - S)^2 = HW c^2 - 2cN + sum S^2,
    sum S^2 = sum_n |alpha_n|^2 + sum_{n != m} <alpha_n, alpha_m>:

the target drops out of the gradient, and what falls is the peak of each map and the *overlap*
between frames. Frames are not made to look alike; the clip as a whole is made to look everywhere.
(Nor are "minimise 1 - S" and "minimise its square" the same, as Section 2.3 has it.)

Differs from the paper
* Temperature. Eq. 2 has none. R is a sum over 2048 channels, 1500 to 3000 with a spread of 300
  over positions: its softmax is one-hot, and without gradient except at near-ties. Divided by C it
  is uniform, and the module is average pooling. Only sqrt(C) leaves both the attention and the
  penalty something to do: that is the default. `sum` is as printed; `mean` divides by C; `linear`
  is R / sum R, without softmax, as in the parameter-free attention that the paper cites.
* Figure 1 draws average pooling behind the attention, which divides the features by HW once more,
  so that all distances lie below the triplet's margin. The default is the sum, under which uniform
  attention is exactly the baseline; `pooling="gap"` is the literal one.
* p of Eq. 7 is the sigmoid of the true logit, which says nothing about the other classes; the
  default is the softmax, the printed form an option (`reidlib.losses.focal`).
* Printed sums run from 0 to C, H and W inclusive; here over the C channels and HW positions.

The paper does not say
* whether the penalty is a sum or a mean over clips: mean over clips, sum over positions;
* whether alpha is differentiated: it is, for without parameters nothing else could be regularised;
* whether a normalisation stands before the classifier, and whether that has a bias: neither;
* which frames are tested: all. Attention works on single frames and the average over time is
  linear, so clips of one frame, averaged by `pool`, are the exact mean over a tracklet.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from reidlib.models.backbone import Backbone, frame_average
from reidlib.models.classifiers import classifier
from reidlib.models.output import Output

Form = Literal["sqrt", "sum", "mean", "linear"]
Pooling = Literal["sum", "gap"]


def temperature(form: Form, channels: int) -> float:
    """What R is divided by before the softmax; 1 for `linear`, which has no softmax."""
    temperatures = {"sqrt": channels**0.5, "sum": 1.0, "mean": float(channels), "linear": 1.0}
    if form not in temperatures:
        raise ValueError(f"attention is one of {', '.join(temperatures)}, not {form!r}")
    return temperatures[form]


def attention(features: Tensor, form: Form = "sqrt") -> tuple[Tensor, Tensor]:
    """Eq. 1 and 2: where a frame is looked at. (b, t, c, h, w) -> R and alpha, (b, t, h, w).

    R is the sum over channels, divided by the temperature of `form`; alpha sums to 1 over the
    positions of a frame. Both in single precision or better. `linear` needs features >= 0, as
    they are behind a ReLU; a frame without any activation is looked at evenly.
    """
    precise = torch.promote_types(features.dtype, torch.float32)
    response = features.sum(dim=2, dtype=precise) / temperature(form, features.shape[2])
    flat = response.flatten(start_dim=2)
    if form != "linear":
        return response, flat.softmax(dim=2).view_as(response)
    total = flat.sum(dim=2, keepdim=True)
    share = torch.where(total == 0, 1 / flat.shape[2], flat / total.masked_fill(total == 0, 1))
    return response, share.view_as(response)


def weigh(features: Tensor, alpha: Tensor) -> Tensor:
    """Eq. 3: v^n(i,j) = alpha_n(i,j) f^n(i,j). (b, t, c, h, w), (b, t, h, w) -> (b, t, c, h, w)."""
    return features * alpha[:, :, None]


def pool_frames(weighted: Tensor, pooling: Pooling = "sum") -> Tensor:
    """Weighted maps (b, t, c, h, w) -> frame features (b, t, c): over positions, sum or mean."""
    if pooling == "sum":
        return weighted.sum(dim=(3, 4))
    if pooling == "gap":
        return frame_average(weighted)
    raise ValueError(f"pooling is sum or gap, not {pooling!r}")


def regularisation(alpha: Tensor, target: float = 1.0) -> Tensor:
    """Eq. 4: Reg = sum_ij (1 - sum_n alpha_n(i,j))^2 of each clip. (b, t, h, w) -> (b,).

    target: what stands for the printed 1; its gradient does not depend on it.
    """
    return (target - alpha.sum(dim=1)).square().sum(dim=(1, 2))


def concentration_and_overlap(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """What Reg = HW - 2N + concentration + overlap adds up, of each clip. (b, t, h, w) -> (b,) x 2.

    The sum over frames of |alpha_n|^2, and over pairs of frames of <alpha_n, alpha_m>, n != m.
    """
    own = alpha.square().sum(dim=(1, 2, 3))
    return own, alpha.sum(dim=1).square().sum(dim=(1, 2)) - own


class TRSA(nn.Module):
    """Figure 1: backbone, spatial attention, average over time; one feature for all losses.

    attention: a form of Eq. 2 ("sum", temperature 1, is the printed one), or None for average
        pooling in space (Table 1's baseline).
    pooling: of the weighted maps, their "sum" or, as Figure 1 draws it, their average ("gap").
    frames, size: any; the model has no parameters that depend on them.
    """

    pool_maps: tuple[str, ...] = ()  # maps that `pool` needs beside the embedding

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        frames: int,
        size: tuple[int, int],
        attention: Form | None = "sqrt",
        pooling: Pooling = "sum",
    ) -> None:
        super().__init__()
        if attention is not None:
            temperature(attention, 1)  # refuses an unknown form now, not at the first clip
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling is sum or gap, not {pooling!r}")
        self.backbone = backbone
        self.attention = attention
        self.pooling = pooling
        self.classifier = classifier(backbone.out_channels, num_classes)

    def forward(self, clips: Tensor) -> Output:
        """(b, t, 3, h, w) -> embedding (b, c), head "clip"; with attention the map
        "spatial_attention" (b, t, h', w') and, mean over clips, the penalty "regularisation" and
        its moving parts "concentration" and "overlap", which are there to be read.
        """
        features, maps = self.backbone(clips)
        maps["features"] = features
        penalties = {}
        if self.attention is None:
            frames = frame_average(features)
        else:
            _, alpha = attention(features, self.attention)
            frames = pool_frames(weigh(features, alpha), self.pooling)
            own, shared = concentration_and_overlap(alpha)
            penalties["regularisation"] = regularisation(alpha).mean()
            penalties |= {"concentration": own.mean(), "overlap": shared.mean()}
            maps["spatial_attention"] = alpha
        video = frames.mean(dim=1)
        return Output(video, {"clip": (video, self.classifier(video))}, penalties, maps)

    def pool(self, clips: Output) -> Tensor:
        """The clips of one tracklet, embedding (m, d) -> (d,): their mean."""
        return clips.embedding.mean(dim=0)
