"""From light to a stored picture: the camera's response, blur, noise and faults, then uint8."""

from __future__ import annotations

import torch
from torch import Tensor

_HAZE = 0.72


def respond(light: Tensor, view: dict[str, Tensor]) -> Tensor:
    """Gain, colour cast, saturation, haze and tone curve. `light` (n, 3, h, w), view (n,) each."""

    def each(name: str) -> Tensor:
        return view[name][:, None, None, None]

    red, green, blue = light[:, 0:1], light[:, 1:2], light[:, 2:3]
    grey = red * 0.30 + green * 0.59 + blue * 0.11
    out = grey + (light - grey) * each("saturation")
    cast = torch.stack([1.0 + view["warm"], 1.0 + view["green"], 1.0 - view["warm"]], 1)
    out = out * (cast * view["gain"][:, None])[:, :, None, None]
    out = out.clamp(0.0, 1.0)
    out = out + each("curve") * (out * (1.0 - out))
    return out + (_HAZE - out) * each("fade")


def soften(image: Tensor, amount: Tensor) -> Tensor:
    """Blend with the mean of the neighbours; `amount` (n,) from 0 to 1."""
    if not bool((amount > 0).any()):
        return image
    k = amount[:, None, None, None]
    for dim in (2, 3):
        n = image.shape[dim]
        low = torch.cat([image.narrow(dim, 0, 1), image.narrow(dim, 0, n - 1)], dim)
        high = torch.cat([image.narrow(dim, 1, n - 1), image.narrow(dim, n - 1, 1)], dim)
        image = image + ((low + high) * 0.5 - image) * (k * 0.5)
    return image


def smear(image: Tensor, reach: int) -> Tensor:
    """Motion blur: the mean over `reach` pixels to either side."""
    n = image.shape[3]
    total, count = image, 1
    for shift in range(1, reach + 1):
        left = torch.cat([image[..., :1]] * shift + [image[..., : n - shift]], 3)
        right = torch.cat([image[..., shift:]] + [image[..., -1:]] * shift, 3)
        total, count = total + left + right, count + 2
    return total * (1.0 / count)


def grain(key: Tensor, height: int, width: int) -> Tensor:
    """Noise (n, 1, h, w), mean 0, deviation about 1, from an integer hash of (key, y, x)."""
    device = key.device
    y = torch.arange(height, dtype=torch.int32, device=device)[:, None] * 73_856_093
    x = torch.arange(width, dtype=torch.int32, device=device) * 19_349_663
    bits = (y ^ x) + key.to(torch.int32)[:, None, None]
    bits = (bits ^ ((bits >> 15) & 0x1FFFF)) * 0x2C1B3C6D
    bits = (bits ^ ((bits >> 12) & 0xFFFFF)) * 0x297A2D39
    bits = bits ^ ((bits >> 15) & 0x1FFFF)
    one, two = bits & 0xFFFF, (bits >> 16) & 0xFFFF
    return ((one + two).float() * (1.0 / 65536.0) - 1.0).mul_(2.449489742783178)[:, None]


def to_bytes(image: Tensor) -> Tensor:
    """uint8, half a level rounded up."""
    return (image.clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
