"""What every model returns, in training and in evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Output:
    """One forward pass over b clips.

    embedding: (b, d), what a clip is compared by.
    heads: name -> (features, logits). Features are (b, d) or, for heads over frames or regions,
        (b, k, d); logits have the same leading shape and `num_classes` at the end, or are None
        for a head without a classifier. Usual names: "clip", "frame".
    penalties: name -> scalar tensor, a paper's own regularisers, unweighted, mean over clips.
    maps: name -> tensor with b first, what the model looked at: `spatial_attention`
        (b, t, h, w), `frame_weights` (b, t), `clip_weights` (b,), `region_response`,
        `suppression`, ... Attached to the graph; figures detach them.
    """

    embedding: Tensor
    heads: dict[str, tuple[Tensor, Tensor | None]] = field(default_factory=dict)
    penalties: dict[str, Tensor] = field(default_factory=dict)
    maps: dict[str, Tensor] = field(default_factory=dict)


def join(outputs: list[Output], maps: tuple[str, ...] = ()) -> Output:
    """Several outputs as one, clips one after the other: embeddings and the maps named."""
    return Output(
        embedding=torch.cat([o.embedding for o in outputs]),
        maps={name: torch.cat([o.maps[name] for o in outputs]) for name in maps},
    )
