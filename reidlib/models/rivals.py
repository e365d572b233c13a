"""The blocks that SINet's Table 3 compares with: non-local, two controls of it, global context.

Wang, Girshick, Gupta, He, Non-local Neural Networks, CVPR 2018; Cao, Xu, Lin, Wei, Hu, GCNet,
ICCV Workshops 2019. Each maps (b, t, c, h, w) to the same shape and starts as the identity.

Differs from the papers: the non-local block is the embedded Gaussian one in the form that
SINet's group uses: keys and values are pooled 2x2 after their convolutions, batch normalisation
with zero weight at the end. The SINet paper does not say how it inverts the affinity (negated
inside the softmax here; `affinity="complement"` is (1 - A) / (n - 1)), nor GC's ratio (16).
"""

from __future__ import annotations

from typing import Any, Literal

from einops import einsum, rearrange, reduce
from torch import Tensor, nn
from torch.nn import functional as F

Affinity = Literal["softmax", "ones", "inverse", "complement"]


class NonLocal(nn.Module):
    """X + BN(W (A g(X))): each of m = t h w positions takes a mean over the n pooled ones.

    affinity: A is softmax(theta^T phi); "ones" 1 / n everywhere, with neither theta nor phi;
    "inverse" softmax(-theta^T phi), which is the reciprocal of each entry, rows summing to 1
    again; "complement" (1 - softmax) / (n - 1).
    hidden: width of theta, phi, g; None is channels / 2. pool: 2x2 max-pooling of phi and g
    "after" or "before" their convolutions (the second is cheaper), or "none".
    """

    def __init__(
        self,
        channels: int,
        hidden: int | None = None,
        *,
        affinity: Affinity = "softmax",
        pool: Literal["after", "before", "none"] = "after",
    ) -> None:
        super().__init__()
        if affinity not in ("softmax", "ones", "inverse", "complement"):
            raise ValueError(f"affinity is softmax, ones, inverse or complement, not {affinity!r}")
        if pool not in ("after", "before", "none"):
            raise ValueError(f"pool is 'after', 'before' or 'none', not {pool!r}")
        hidden = hidden or max(channels // 2, 1)
        self.affinity, self.pool = affinity, pool
        self.g = nn.Conv2d(channels, hidden, 1)
        if affinity != "ones":
            self.theta, self.phi = nn.Conv2d(channels, hidden, 1), nn.Conv2d(channels, hidden, 1)
        self.out = nn.Conv2d(hidden, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.norm.weight)

    def _pooled(self, convolution: nn.Conv2d, frames: Tensor) -> Tensor:
        if self.pool == "none":
            return convolution(frames)  # type: ignore[no-any-return]
        if min(frames.shape[-2:]) < 2:
            raise ValueError(f"pooling 2x2 needs maps of 2x2 cells, not {tuple(frames.shape[-2:])}")
        if self.pool == "before":
            return convolution(F.max_pool2d(frames, 2))  # type: ignore[no-any-return]
        return F.max_pool2d(convolution(frames), 2)

    def weights(self, frames: Tensor, t: int) -> Tensor:
        """A: t frames of each clip in a row (b t, c, h, w) -> (b, m, n), rows sum to 1."""
        theta = rearrange(self.theta(frames), "(b t) c h w -> b c (t h w)", t=t)
        phi = rearrange(self._pooled(self.phi, frames), "(b t) c h w -> b c (t h w)", t=t)
        scores = einsum(theta, phi, "b c m, b c n -> b m n")
        weights = (-scores if self.affinity == "inverse" else scores).softmax(dim=2)
        if self.affinity == "complement":
            weights = (1 - weights) / max(weights.shape[2] - 1, 1)
        return weights

    def forward(self, x: Tensor) -> Tensor:
        b, t, _, h, w = x.shape
        frames = rearrange(x, "b t c h w -> (b t) c h w")
        g = self._pooled(self.g, frames)
        if self.affinity == "ones":
            mean = reduce(g, "(b t) c h w -> b c", "mean", b=b)
            y = mean[:, None].expand(b, t, -1).flatten(0, 1)[:, :, None, None].expand(-1, -1, h, w)
        else:
            g = rearrange(g, "(b t) c h w -> b c (t h w)", b=b)
            y = einsum(self.weights(frames, t), g, "b m n, b c n -> b c m")
            y = rearrange(y, "b c (t h w) -> (b t) c h w", t=t, h=h)
        return x + rearrange(self.norm(self.out(y)), "(b t) c h w -> b t c h w", b=b)


class GlobalContext(nn.Module):
    """X + W2 relu(LN(W1 z)), z the mean of X over all positions by one softmax attention map.

    ratio: channels / width of the bottleneck, unless `hidden` gives the width. linear: W2 W1 z
    alone, the form that SINet's section 3.2 calls a special case of IDM.
    """

    def __init__(
        self, channels: int, hidden: int | None = None, *, ratio: int = 16, linear: bool = False
    ) -> None:
        super().__init__()
        hidden = hidden or max(channels // ratio, 1)
        self.attention = nn.Linear(channels, 1)
        self.squeeze = nn.Linear(channels, hidden)
        self.norm = nn.Identity() if linear else nn.LayerNorm(hidden)
        self.expand = nn.Linear(hidden, channels)
        self.linear = linear
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(b, t, c, h, w) -> the same shape; `context_attention` (b, t, h, w), sums to 1."""
        b, t, _, h, w = x.shape
        scores = einsum(x, self.attention.weight[0], "b t c h w, c -> b t h w")
        weights = (scores + self.attention.bias).flatten(1).softmax(dim=1).view(b, t, h, w)
        context = einsum(weights, x, "b t h w, b t c h w -> b c")
        hidden = self.norm(self.squeeze(context))
        added = self.expand(hidden if self.linear else hidden.relu())
        return x + added[:, None, :, None, None], {"context_attention": weights}


RIVALS: dict[str, tuple[type[nn.Module], dict[str, Any]]] = {
    "non_local": (NonLocal, {}),
    "non_local_ones": (NonLocal, {"affinity": "ones"}),
    "non_local_inverse": (NonLocal, {"affinity": "inverse"}),
    "global_context": (GlobalContext, {}),
}


def build_rival(name: str, channels: int, **options: Any) -> nn.Module:
    """The block `name` for maps of `channels`; options are its own keyword arguments."""
    if name not in RIVALS:
        raise ValueError(f"no rival {name!r}; there are {', '.join(RIVALS)}")
    block, fixed = RIVALS[name]
    return block(channels, **{**fixed, **options})
