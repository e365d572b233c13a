"""SINet's forward and backward pass beside its equations written down as they stand.

    python tests/benchmarks/sinet.py [--clips 2] [--repeats 3] [--threads 1]

The literal network is torchvision's ResNet-50 in its default memory format with modules in the
paper's letter order (c, t, h, w): 1x1x1 convolutions, one grouped convolution for the
correlation, positions as channels. Both share all weights, and their embeddings are compared.
Times are processor seconds where one thread is asked for, so that a busy machine disturbs less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from reidlib.models.backbone import STAGES, resnet
from reidlib.models.sinet import IntegrationDistribution, SalientToBroad, SINet

FRAMES, SIZE = 4, (256, 128)


def convolve(layer: nn.Linear, x: Tensor) -> Tensor:
    return F.conv3d(x, layer.weight[:, :, None, None, None], layer.bias)


def literal_sbm(m: SalientToBroad, x: Tensor) -> Tensor:
    """x: (b, c, t, h, w). Section 3.1, line by line."""
    s, k = m.split, 3
    gap = x.mean(dim=(2, 3, 4))
    w_ctr = (x[..., 1:-1, 1:-1].mean(dim=(2, 3, 4)) / (gap + 1e-8) > 1).to(x.dtype)
    cal, kgm = m.channel_attention, m.kernel_generation
    hidden = convolve(cal.squeeze, gap[:, :, None, None, None]).relu()
    w_se = convolve(cal.excite, hidden).sigmoid()
    v = (w_ctr[:, :, None, None, None] * w_se * x).relu()
    p, q = v[:, :, :s], v[:, :, s:]

    n = kgm.norm
    maps = convolve(kgm.heads, p)
    maps = F.batch_norm(maps, n.running_mean, n.running_var, n.weight, n.bias, n.training, 0.1)
    a = F.normalize(maps.relu(), p=1, dim=1)
    a = F.normalize(a.flatten(2), p=1, dim=2)
    kernel = (p.flatten(2) @ a.mT).unflatten(2, (k, k))

    b, _, frames, h, w = q.shape
    padded = F.pad(rearrange(q, "b c l h w -> l (b c) h w"), (k // 2,) * 4, mode="replicate")
    scores = F.conv2d(padded, kernel, groups=b) / k**2
    r = rearrange(scores, "l b h w -> b l (h w)").softmax(dim=2)
    weights = (m.beta * (1 / (h * w * r.clamp_min(1e-4)) - 1).clamp_max(0)).exp()
    weights = weights.view(b, 1, frames, h, w)

    former, latter = x[:, :, :s], x[:, :, s:]
    y = weights * latter
    lost = ((1 - weights) * latter).mean(dim=(2, 3, 4), keepdim=True)
    lost = lost / (1 - weights).mean(dim=(2, 3, 4), keepdim=True)
    shown = former.mean(dim=(2, 3, 4), keepdim=True)
    return torch.cat([former + m.alpha * lost, y + m.alpha * shown], dim=2)


def literal_idm(m: IntegrationDistribution, x: Tensor) -> Tensor:
    """x: (b, c, t, h, w). Section 3.2, channels in, positions in and out, channels out."""
    u = m.channel_norm(convolve(m.integrate_channels, x).flatten(2))
    positions = rearrange(u, "b c m -> b m c 1")
    low = F.conv2d(positions, m.integrate_positions.weight[..., None], m.integrate_positions.bias)
    low = m.position_norm(low.squeeze(3)).unsqueeze(3)
    back = F.conv2d(low, m.distribute_positions.weight[..., None], m.distribute_positions.bias)
    e = rearrange(back, "b m c 1 -> b c m") + u
    o = convolve(m.distribute_channels, e.view(*e.shape[:2], *x.shape[2:]))
    return (x + o).relu()


LITERAL: dict[type, Callable[..., Tensor]] = {
    SalientToBroad: literal_sbm,
    IntegrationDistribution: literal_idm,
}


def literal(model: SINet, layers: nn.Module, clips: Tensor) -> Tensor:
    """The embedding (b, d) of (b, t, 3, h, w), by torchvision's own layers."""
    b = len(clips)
    x = clips.flatten(0, 1)
    for name in ("conv1", "bn1", "relu", "maxpool"):
        x = layers.get_submodule(name)(x)
    for stage in STAGES:
        for number, block in enumerate(layers.get_submodule(stage).children(), start=1):
            x = block(x)
            site = f"{stage}_{number}"
            if site in model.backbone.plugins:
                module = model.backbone.plugins[site]
                clip = rearrange(x, "(b t) c h w -> b c t h w", b=b).contiguous()
                clip = LITERAL[type(module)](module, clip)
                x = rearrange(clip, "b c t h w -> (b t) c h w")
    frames = x.amax(dim=(2, 3)).view(b, -1, x.shape[1])
    embedding: Tensor = model.norm(frames.mean(dim=1))
    return embedding


def build() -> tuple[SINet, nn.Module]:
    """Our network, and torchvision's layers with the same weights in the default format."""
    from torchvision.models import resnet50

    torch.manual_seed(0)
    model = SINet(resnet(50), 10, frames=FRAMES, size=SIZE)
    for module in model.modules():
        if isinstance(module, IntegrationDistribution):
            nn.init.normal_(module.distribute_channels.weight, std=0.01)
    layers = resnet50()
    layers.load_state_dict(model.backbone.state_dict(), strict=False)
    layers.layer4[0].conv2.stride = layers.layer4[0].downsample[0].stride = (1, 1)
    return model, layers


def seconds(run: Callable[[], Tensor], clock: Callable[[], float]) -> float:
    start = clock()
    run().square().sum().backward()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    clock = time.process_time if chosen.threads == 1 else time.perf_counter

    model, layers = build()
    clips = torch.randn(chosen.clips, FRAMES, 3, *SIZE)
    model.eval()
    layers.eval()
    with torch.no_grad():
        ours, theirs = model(clips).embedding, literal(model, layers, clips)
    model.train()
    layers.train()
    print(f"{chosen.clips} clips of 4x256x128, forward and backward in training")
    print(f"largest difference {(ours - theirs).abs().max() / ours.abs().max():.1e}, relative")
    runs = {
        "reidlib": lambda: model(clips).embedding,
        "literal": lambda: literal(model, layers, clips),
    }
    best = {name: float("inf") for name in runs}
    for _ in range(chosen.repeats):  # in turn, so that both meet the same neighbours
        for name, run in runs.items():
            best[name] = min(best[name], seconds(run, clock))
    for name, took in best.items():
        print(f"{name}: {took:.2f} s")
    print(f"reidlib / literal: {best['reidlib'] / best['literal']:.2f}")


if __name__ == "__main__":
    main()
