"""Class activation maps of clips: where in each frame the score of a clip comes from.

The grad-cam package knows images, one score each. Here a score belongs to a clip, or to a tracklet
pooled from clips, and there is a map for every frame: the backbone applies its stages to frames, so
its last maps are (b t, c, h', w') and the package's formulas hold frame by frame, with gradients
that come back through whatever pools space and time, attention included.

A score is a function of the model's Output (see below): who is it, by the classifier, where the
person was in training; how alike is it to another embedding, where not.

Scaling each frame to 0..1, as the package does, makes an idle frame look as busy as a busy one. So
maps come back as they are, cut at zero, and `scaled` does it per frame or, comparably, per clip.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.errors import ReidError
from reidlib.models.output import Output

Score = Callable[[Output], Tensor]  # the model's output -> one number a clip (b,), or in all ()

METHODS = {
    "grad_cam": "GradCAM",
    "grad_cam++": "GradCAMPlusPlus",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "xgrad_cam": "XGradCAM",
    "elementwise": "GradCAMElementWise",
    "eigen_cam": "EigenCAM",
    "eigen_grad_cam": "EigenGradCAM",
}  # the methods of the package that need one forward and one backward pass


# What is explained ----------------------------------------------------------------------------


def identity(labels: Tensor, head: str = "clip") -> Score:
    """The logit of each clip's own identity, labels (b,) as in training."""

    def score(output: Output) -> Tensor:
        logits = output.heads[head][1] if head in output.heads else None
        if logits is None:
            raise ReidError(f"the model has no classifier on its head {head!r}")
        highest = int(labels.max())
        if highest >= logits.shape[-1]:
            raise ReidError(
                f"identity {highest} is not among the {logits.shape[-1]} people of training; "
                "explain the similarity to another tracklet instead"
            )
        return logits.gather(1, labels[:, None].to(logits.device))[:, 0]

    return score


def similarity(other: Tensor, metric: Literal["cosine", "dot"] = "cosine") -> Score:
    """How alike each clip is to an embedding (d,), or to one of its own, (b, d).

    "dot" is what a classifier row would do; "cosine" what most rankings are made by.
    """

    def score(output: Output) -> Tensor:
        fixed = other.detach().to(output.embedding)
        if fixed.shape[-1] != output.embedding.shape[-1]:
            raise ReidError(
                f"an embedding of {fixed.shape[-1]} numbers cannot be compared with the model's of "
                f"{output.embedding.shape[-1]}"
            )
        if metric == "dot":
            return (output.embedding * fixed).sum(-1)
        return F.cosine_similarity(output.embedding, fixed.expand_as(output.embedding), dim=-1)

    return score


def pooled_similarity(model: nn.Module, other: Tensor) -> Score:
    """How alike the tracklet, pooled from all the clips, is to an embedding (d,), by cosine.

    Runs through the model's own pooling (TACAN: through the clips' weights), so a clip with a low
    weight gets a weak map.
    """

    def score(output: Output) -> Tensor:
        pooled: Tensor = model.pool(output)  # type: ignore[operator]
        return F.cosine_similarity(pooled, other.detach().to(pooled), dim=0)

    return score


# How ------------------------------------------------------------------------------------------


class _Clips(nn.Module):
    """What the package calls: frames (b t, c, h, w) in, the model's whole output out."""

    def __init__(self, model: nn.Module, frames: int) -> None:
        super().__init__()
        self.model, self.frames = model, frames

    def forward(self, x: Tensor) -> Output:
        output: Output = self.model(rearrange(x, "(b t) c h w -> b t c h w", t=self.frames))
        return output


def clip_cam(
    model: nn.Module,
    clips: Tensor,
    score: Score,
    *,
    method: str = "grad_cam",
    layer: str = "backbone.layer4",
) -> Tensor:
    """A map for every frame: clips (b, t, 3, H, W) as the model sees them -> (b, t, h', w') >= 0.

    method: a name of METHODS. layer: a part of the model that turns frames (b t, ...) into maps
    (b t, c, h', w'): a stage or a block of the backbone. Weights and mode of the model stay as
    they are, and no gradient is left in it.
    """
    import pytorch_grad_cam

    if method not in METHODS:
        raise ReidError(f"no CAM method {method!r}; there are {', '.join(METHODS)}")
    try:
        target = model.get_submodule(layer)
    except AttributeError as error:
        raise ReidError(f"the model has no part {layer!r} to look into") from error
    if layer == "backbone":  # it gives maps and what its plug-ins saw
        raise ReidError(f"{layer} gives no map for each frame; name a stage of the backbone")
    if isinstance(target, nn.Sequential):
        target = target[-1]  # the backbone calls the blocks of a stage, not the stage
    if clips.ndim != 5 or not clips.is_floating_point():
        raise ReidError(
            f"clips are (b, t, 3, H, W) as the model sees them (`Seen.clips`), not {clips.dtype} "
            f"of shape {tuple(clips.shape)}"
        )
    b, t = clips.shape[:2]
    modes = [(module, module.training) for module in model.modules()]
    cam: Any = getattr(pytorch_grad_cam, METHODS[method])(_Clips(model, t), [target])
    try:
        with torch.enable_grad():
            frames = rearrange(clips.to(cam.device), "b t c h w -> (b t) c h w")
            frames = frames.detach().requires_grad_()  # so that no parameter's .grad is touched
            value = score(cam.activations_and_grads(frames)).sum()
            torch.autograd.grad(value, frames, allow_unused=True)
        hooked = cam.activations_and_grads
        seen = [x.float().numpy() for x in hooked.activations]
        slopes = [x.float().numpy() for x in hooked.gradients]
        if not seen or seen[0].ndim != 4 or len(seen[0]) != b * t:
            raise ReidError(f"{layer} gives no map for each frame; name a stage of the backbone")
        if not slopes:
            raise ReidError(f"the score does not depend on {layer}")
        maps = torch.from_numpy(
            cam.get_cam_image(frames, target, None, seen[0], slopes[0], eigen_smooth=False)
        )
    finally:
        cam.activations_and_grads.release()
        for module, mode in modes:
            module.training = mode
    if method.startswith("eigen"):  # a principal direction has no sign of its own
        maps = maps * torch.where(maps.sum(dim=(1, 2), keepdim=True) < 0, -1, 1)
    return rearrange(maps.clamp_min(0), "(b t) h w -> b t h w", t=t)


def plain_cam(features: Tensor, weights: Tensor, norm: nn.BatchNorm1d | None = None) -> Tensor:
    """SINet's CAM without gradients: M(p) = sum_c w_c gamma_c / sqrt(var_c + eps) F_c(p).

    features (b, t, c, h, w), weights (c,) or (b, c): the classifier's row of the identity or, for
    people it has none for, an embedding. norm: the batch normalisation between pooling and w.
    Returns (b, t, h, w), below zero too.
    """
    weights = weights.expand(len(features), -1)
    if norm is not None:
        assert norm.running_var is not None
        weights = weights * norm.weight * (norm.running_var + norm.eps).rsqrt()
    return torch.einsum("b t c h w, b c -> b t h w", features, weights).detach()


def scaled(maps: Tensor, over: Literal["frame", "clip", "all"] = "frame") -> Tensor:
    """Maps (b, t, h, w) cut at zero and brought to 0..1 by their own smallest and largest value.

    over: each frame alone, as papers print them; each clip, so that frames can be compared; all,
    so that models can. What is the same everywhere becomes 0.
    """
    dims = {"frame": (2, 3), "clip": (1, 2, 3), "all": (0, 1, 2, 3)}[over]
    maps = maps.clamp_min(0)
    low, high = maps.amin(dims, keepdim=True), maps.amax(dims, keepdim=True)
    return (maps - low) / torch.where(high > low, high - low, 1.0)


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (b, t, h, w) at the size of frames, bilinearly, for drawing: (b, t, *size)."""
    return F.interpolate(maps.float(), size, mode="bilinear", align_corners=False)
