"""Centre loss with learned centres (Wen et al. 2016), a second reading of FGRA's Eq. 3.

The paper trains "parameters in the center loss" at a rate of their own, which its Eq. 3 does not
have. Here every identity keeps a centre for each region, and the aligned vectors of a sequence are
drawn to those of its own identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Centres(nn.Module):
    """A centre (c,) for every identity and region, as a classifier whose logits are distances."""

    def __init__(self, identities: int, regions: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(identities, regions, channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)

    def forward(self, aligned: Tensor) -> Tensor:
        """(b, n, i, c) -> (b, identities): minus the sum over n and i of |F_n,i - c_i|^2.

        The sum over frames is the spread about the frames' mean plus n times the mean's own
        distance, so that no (b, identities, n, i, c) tensor is needed.
        """
        mean = aligned.mean(dim=1)
        spread = (aligned - mean[:, None]).square().sum(dim=(1, 2, 3))
        away = torch.cdist(
            mean.flatten(1),
            self.weight.flatten(1).to(mean),
            compute_mode="donot_use_mm_for_euclid_dist",
        )
        return -(spread[:, None] + aligned.shape[1] * away.square())


def center(
    features: Tensor, logits: Tensor | None, labels: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean over clips of the squared distances to the centres of the clip's own identity.

    features: not used. logits: (b, identities), of `Centres`. labels: (b,).
    Readings: "nearest", the share of clips whose own centres are the nearest.
    """
    if logits is None:
        raise ValueError("the centre loss needs a head whose logits are distances to centres")
    own = logits.gather(1, labels[:, None])[:, 0]
    with torch.no_grad():
        nearest = (logits.argmax(dim=1) == labels).to(logits.dtype).mean()
    return -own.mean(), {"nearest": nearest}
