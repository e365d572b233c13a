"""What is wrong with a map or an embedding, in words that go under a picture."""

from __future__ import annotations

import torch
from torch import Tensor

DEAD = 0.01  # an attention whose highest cell is within one percent of even says nothing
COLLAPSED = 0.999  # mean cosine between embeddings of different tracklets


def map_faults(maps: Tensor, name: str = "the map") -> list[str]:
    """Sentences on maps (n, h, w), or weights (n, k): not finite, empty, even. [] if all is well.

    Even: everywhere within one percent of the map's own mean (weights of 1/T after a dead ReLU).
    """
    flat = maps.detach().double().cpu().flatten(1)
    whole = flat.isfinite().all(1)
    total = len(flat)
    found = []
    if not whole.all():
        found.append(f"{name} is not finite in {int((~whole).sum())} of {total}")
    flat = flat[whole]
    empty = (flat <= 0).all(1)
    if empty.any():
        found.append(f"{name} is empty in {int(empty.sum())} of {total}")
    flat = flat[~empty]
    mean = flat.mean(1, keepdim=True)
    if flat.shape[1] > 1 and len(flat):
        even = ((flat - mean).abs() <= DEAD * mean.abs()).all(1)
        if even.any():
            found.append(
                f"{name} is even in {int(even.sum())} of {total}: the attention says nothing there"
            )
    return found


def embedding_faults(embeddings: Tensor) -> list[str]:
    """Sentences on embeddings (n, d) of different tracklets: not finite, zero, all alike."""
    x = embeddings.detach().double().cpu()
    broken = ~x.isfinite().all(1)
    if broken.any():
        return [f"{int(broken.sum())} of {len(x)} embeddings are not finite"]
    length = x.norm(dim=1)
    if (length == 0).any():
        return [f"{int((length == 0).sum())} of {len(x)} embeddings are zero"]
    if len(x) < 2:
        return []
    unit = x / length[:, None]
    alike = float((unit.sum(0).square().sum() - len(x)) / (len(x) * (len(x) - 1)))
    if alike > COLLAPSED:
        return [f"embeddings have collapsed: their mean cosine is {alike:.4f}"]
    return []


def frame_faults(frames: Tensor) -> list[str]:
    """Sentences on uint8 frames (n, 3, h, w): those without any picture."""
    flat = frames.flatten(1)
    blank = flat.amax(1) - flat.amin(1) <= 2 if len(flat) else torch.zeros(0, dtype=torch.bool)
    if blank.any():
        return [f"{int(blank.sum())} of {len(frames)} frames are of one colour: nothing to see"]
    return []
