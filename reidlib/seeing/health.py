"""What is wrong with a map or an embedding, in words that go under a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

DEAD = 0.01  # an attention whose highest cell is within one percent of even says nothing
COLLAPSED = 0.999  # mean cosine between embeddings of different tracklets


def faults(
    frames: Sequence[Tensor] = (),
    maps: Mapping[str, Tensor] | None = None,
    embeddings: Mapping[str, Tensor] | None = None,
) -> list[str]:
    """All that is wrong with what a figure shows, each sentence once, as it goes under the picture.

    frames: uint8 (n, 3, h, w) each, of any sizes. maps: name -> as `map_faults` takes them.
    embeddings: whose they are -> as `embedding_faults` takes them.
    """
    blank = sum(int(_blank(some).sum()) for some in frames)
    found = _blanks(blank, sum(map(len, frames)))
    found += [word for name, some in (maps or {}).items() for word in map_faults(some, name)]
    found += [
        f"{name}: {word}"
        for name, some in (embeddings or {}).items()
        for word in embedding_faults(some)
    ]
    return list(dict.fromkeys(f"{word}." for word in found))


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


def still(weights: Sequence[np.ndarray], name: str = "w") -> list[str]:
    """Sentences on weights (m,) of the clips of each tracklet: not finite, or even inside it."""
    told: Counter[str] = Counter()
    several = [torch.from_numpy(w)[None] for w in weights if len(w) > 1]
    for one in several:
        told.update(word.split(" in ")[0] for word in map_faults(one, name))
    return [f"{word} in {count} of {len(several)} tracklets" for word, count in told.items()]


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
    return _blanks(int(_blank(frames).sum()), len(frames))


def _blank(frames: Tensor) -> Tensor:
    flat = frames.flatten(1)
    if not len(flat):
        return torch.zeros(0, dtype=torch.bool)
    return flat.amax(1) - flat.amin(1) <= 2


def _blanks(count: int, of: int) -> list[str]:
    return [f"{count} of {of} frames are of one colour: nothing to see"] if count else []
