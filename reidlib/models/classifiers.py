"""The linear layers over training identities that every paper's heads end in."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Classifier(nn.Linear):
    """A linear layer over identities; its weights start near zero (normal, 0.001)."""

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=0.001)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def classifier(features: int, classes: int, bias: bool = False) -> Classifier:
    """The classifier of a head, without bias unless asked for."""
    return Classifier(features, classes, bias=bias)


class RegionClassifiers(nn.Module):
    """One classifier for each region, (b, i, d) -> (b, i, identities); starts near zero."""

    def __init__(self, regions: int, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(regions, classes, features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=0.001)

    def forward(self, features: Tensor) -> Tensor:
        return torch.einsum("b i d, i k d -> b i k", features, self.weight)
