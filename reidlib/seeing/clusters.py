"""How embeddings of people lie together: numbers in their own space, and a flat picture of it.

TACAN's Figure 5 and Table 3. t-SNE shows neighbours and invents distances, so a picture never goes
without purity and silhouette, which are taken where the embeddings really are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reidlib.errors import ReidError


def choose_people(
    pids: Sequence[int], count: int = 5, seed: int = 0, among: Collection[int] | None = None
) -> np.ndarray:
    """Rows of `count` identities with at least two tracklets, drawn by a seed: ascending.

    among: who may be drawn, such as the people of the queries; None for all above 0, as Promenade
    and MARS number people. Which numbers are distractors and junk is each data set's own affair.
    """
    labels = np.asarray(pids)
    drawn = labels > 0 if among is None else np.isin(labels, [*among])
    known, numbers = np.unique(labels[drawn], return_counts=True)
    known = known[numbers > 1]
    if len(known) < count:
        raise ReidError(
            f"{count} identities are asked for; {len(known)} have two tracklets or more"
        )
    chosen = np.random.default_rng(seed).choice(known, count, replace=False)
    return np.flatnonzero(np.isin(labels, chosen))


def _table(features: Tensor, labels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    x, y = features.detach().cpu().double().numpy(), np.asarray(labels)
    if x.ndim != 2 or len(x) != len(y):
        raise ReidError(f"features of shape {x.shape} and {len(y)} labels are no table")
    if not np.isfinite(x).all():
        raise ReidError(
            f"{int((~np.isfinite(x).all(1)).sum())} of {len(x)} features are not finite"
        )
    return x, y


ALIKE = 1e-5  # of the largest number: how far rounding may set equal embeddings apart
PERPLEXITY = 30.0  # neighbours that count in t-SNE


def perplexity_of(rows: int, wanted: float = PERPLEXITY) -> float:
    """The perplexity that `flat` uses for so many rows: the wanted one, or (rows - 1) / 3."""
    return min(wanted, (rows - 1) / 3)


def flat(features: Tensor, seed: int = 0, perplexity: float = PERPLEXITY) -> np.ndarray:
    """t-SNE, (n, d) -> (n, 2): scikit-learn's, from a PCA start, the same for the same seed.

    perplexity: neighbours that count. Above (n - 1) / 3 it is lowered to that, since so many
    neighbours leave nothing to tell apart (`perplexity_of` tells); under 4 rows there is no
    picture, and an error.
    """
    from sklearn.manifold import TSNE

    x, _ = _table(features, range(len(features)))
    if len(x) < 4:
        raise ReidError(f"t-SNE needs at least 4 tracklets, not {len(x)}")
    if np.abs(x - x[0]).max() <= ALIKE * np.abs(x).max():
        raise ReidError(f"all {len(x)} embeddings are equal: there is nothing to lay out")
    used = perplexity_of(len(x), perplexity)
    found: np.ndarray = TSNE(perplexity=used, init="pca", random_state=seed).fit_transform(x)
    return found


def purity(features: Tensor, labels: Sequence[int], k: int = 5) -> float:
    """Share of each row's k nearest others that are of its identity, mean over rows.

    Identities with fewer others than k count those only. Rows without another of their own are
    left out; NaN if that leaves none. Euclidean distance.
    """
    shares = purities(features, labels, k)
    kept = shares[np.isfinite(shares)]
    return float(np.mean(kept)) if len(kept) else float("nan")


def purities(features: Tensor, labels: Sequence[int], k: int = 5) -> np.ndarray:
    """`purity` row by row, (n,), NaN for rows without another of their own."""
    x, y = _table(features, labels)
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(axis=1, kind="stable")
    shares = np.full(len(y), np.nan)
    for i, order in enumerate(nearest):
        own = int((y == y[i]).sum()) - 1
        if own:
            shares[i] = float((y[order[: min(k, own)]] == y[i]).mean())
    return shares


def silhouette(features: Tensor, labels: Sequence[int]) -> float:
    """Mean silhouette in the embeddings' own space, -1..1; NaN with one identity or all alone."""
    from sklearn.metrics import silhouette_score

    x, y = _table(features, labels)
    if not 2 <= len(np.unique(y)) < len(y):
        return float("nan")
    return float(silhouette_score(x, y))


@dataclass(frozen=True)
class Diameters:
    """Table 3: the largest distance within each identity, ascending identities.

    raw: as Eq. 10 has it. It means nothing across models, since L_m does not feel scale.
    unit: of features brought to length one, at most 2; the printed values fit these.
    relative: raw over the mean distance between means of identities (NaN for one identity).
    """

    identities: tuple[int, ...]
    raw: tuple[float, ...]
    unit: tuple[float, ...]
    relative: tuple[float, ...]


def diameters(features: Tensor, labels: Sequence[int]) -> Diameters:
    """The three diameters of each identity; 0 for one tracklet alone."""
    x, y = _table(features, labels)
    known = np.unique(y)
    means = np.stack([x[y == label].mean(0) for label in known])
    pairs = np.linalg.norm(means[:, None] - means[None], axis=2)
    apart = pairs.sum() / (len(known) * (len(known) - 1)) if len(known) > 1 else np.nan
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    raw = [_diameter(x[y == label]) for label in known]
    return Diameters(
        tuple(int(label) for label in known),
        tuple(raw),
        tuple(_diameter(unit[y == label]) for label in known),
        tuple(float(d / apart) if apart > 0 else float("nan") for d in raw),
    )


def _diameter(x: np.ndarray) -> float:
    rows = torch.from_numpy(x)  # not by matrix products: they turn equal rows into distance 1e-8
    return float(torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").max())
