"""Relations without the memory: the mistakes in pairs, statistics, folding and measuring."""

from __future__ import annotations

from . import Mutant
from .altered import altered

PAIRS = """
def pairs(theta, phi, w):
    return (theta[:, :, None] - phi[:, None]) @ w.T
"""

BYTES = """
def bytes_of(g, n, d1, d2):
    return 4 * g * n * n * d1, 4 * g * n * n * d2
"""

FACTOR = """
def factor(theta, phi, w):
    return theta @ w.T, phi @ w.T
"""

STATISTICS = """
def pair_statistics(u, v):
    centre = u.mean(dim=1) - v.mean(dim=1)
    within = u.var(dim=1, correction=0) + v.var(dim=1, correction=0)
    mu = centre.mean(dim=0)
    return mu, within.mean(dim=0) + (centre - mu).square().mean(dim=0)
"""

MARGINALS = """
def pair_statistics(u, v):
    u, v = u.flatten(end_dim=1), v.flatten(end_dim=1)
    return u.mean(dim=0) - v.mean(dim=0), u.var(dim=0, correction=0) + v.var(dim=0, correction=0)
"""

LITERAL = """
def pair_statistics(u, v):
    z = (u[:, :, None] - v[:, None]).flatten(end_dim=2)
    return z.mean(dim=0), z.var(dim=0, correction=0)
"""

SQUARES = """
def pair_statistics(u, v):
    a, b = u.mean(dim=1), v.mean(dim=1)
    mu = (a - b).mean(dim=0)
    squares = u.square().mean(dim=1) + v.square().mean(dim=1) - 2 * a * b
    return mu, squares.mean(dim=0) - mu.square()
"""

FOLD = """
def relations(u, v, mean, variance, gamma, beta, eps):
    scale = gamma / (variance + eps).sqrt()
    p = scale * u + (beta - scale * mean)
    q = scale * v
    return (p[:, :, None] - q[:, None]).relu()
"""

UNFOLDED = """
def relations(u, v, mean, variance, gamma, beta, eps):
    z = u[:, :, None] - v[:, None]
    return (gamma * (z - mean) / (variance + eps).sqrt() + beta).relu()
"""

KEPT = """
def kept_for_backward(function, *inputs):
    own = {x.untyped_storage().data_ptr() for x in inputs}
    kept = {}

    def pack(x):
        storage = x.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        result = function(*inputs)
    del result
    return sum(kept.values())
"""

MUTANTS: dict[str, list[Mutant]] = {
    "ps4-pairs": [
        altered(
            PAIRS,
            "i and j swapped",
            "ps4-pairs-values",
            ("theta[:, :, None] - phi[:, None]", "theta[:, None] - phi[:, :, None]"),
        ),
        altered(
            PAIRS,
            "phi minus theta",
            "ps4-pairs-values",
            ("theta[:, :, None] - phi[:, None]", "phi[:, None] - theta[:, :, None]"),
        ),
        altered(
            PAIRS,
            "theta compared with itself",
            "ps4-pairs-values",
            ("phi[:, None]", "theta[:, None]"),
        ),
        altered(
            PAIRS,
            "each position with itself only",
            "ps4-pairs-shape ps4-pairs-values",
            ("theta[:, :, None] - phi[:, None]", "theta - phi"),
        ),
    ],
    "ps4-bytes": [
        altered(
            BYTES,
            "numbers instead of bytes",
            "ps4-bytes-paper ps4-bytes-real",
            ("4 * g * n * n * d1, 4 * g * n * n * d2", "g * n * n * d1, g * n * n * d2"),
        ),
        altered(
            BYTES,
            "positions instead of pairs",
            "ps4-bytes-paper ps4-bytes-real",
            ("4 * g * n * n * d1, 4 * g * n * n * d2", "4 * g * n * d1, 4 * g * n * d2"),
        ),
        altered(
            BYTES,
            "each pair once",
            "ps4-bytes-paper ps4-bytes-real",
            (
                "4 * g * n * n * d1, 4 * g * n * n * d2",
                "2 * g * n * (n + 1) * d1, 2 * g * n * (n + 1) * d2",
            ),
        ),
    ],
    "ps4-factor": [
        altered(
            FACTOR,
            "sign of v",
            "ps4-factor-values",
            ("phi @ w.T", "-phi @ w.T"),
        ),
        altered(
            FACTOR,
            "both from theta",
            "ps4-factor-values",
            ("phi @ w.T", "theta @ w.T"),
        ),
        altered(
            FACTOR,
            "W forgotten for v",
            "ps4-factor-shape ps4-factor-values",
            ("phi @ w.T", "phi"),
        ),
        altered(
            FACTOR,
            "a ReLU in between",
            "ps4-factor-values",
            ("theta @ w.T, phi @ w.T", "(theta @ w.T).relu(), (phi @ w.T).relu()"),
        ),
    ],
    "ps4-statistics": [
        Mutant("sum of the pooled variances", MARGINALS, ("ps4-statistics-frames",)),
        Mutant("squares minus squared mean", SQUARES, ("ps4-statistics-far",)),
        Mutant("all pairs made", LITERAL, ("ps4-statistics-size",)),
        altered(
            STATISTICS,
            "the spread of the frames forgotten",
            "ps4-statistics-frames",
            (" + (centre - mu).square().mean(dim=0)", ""),
        ),
        altered(
            STATISTICS,
            "unbiased",
            "ps4-statistics-frame ps4-statistics-frames",
            (
                "u.var(dim=1, correction=0) + v.var(dim=1, correction=0)",
                "u.var(dim=1) + v.var(dim=1)",
            ),
        ),
        altered(
            STATISTICS,
            "variances subtracted",
            "ps4-statistics-frame ps4-statistics-frames ps4-statistics-far",
            ("correction=0) + v.var", "correction=0) - v.var"),
        ),
    ],
    "ps4-fold": [
        Mutant("scale and shift of the pairs", UNFOLDED, ("ps4-fold-few",)),
        altered(
            FOLD,
            "eps beside the root",
            "ps4-fold-eps",
            ("(variance + eps).sqrt()", "(variance.sqrt() + eps)"),
        ),
        altered(
            FOLD,
            "the shift given to both",
            "ps4-fold-values ps4-fold-affine ps4-fold-eps",
            ("q = scale * v", "q = scale * v + (beta - scale * mean)"),
        ),
        altered(
            FOLD,
            "ReLU before the difference",
            "ps4-fold-values ps4-fold-affine ps4-fold-eps",
            ("(p[:, :, None] - q[:, None]).relu()", "p.relu()[:, :, None] - q.relu()[:, None]"),
        ),
        altered(
            FOLD,
            "beta forgotten",
            "ps4-fold-affine",
            ("(beta - scale * mean)", "(-scale * mean)"),
        ),
        altered(
            FOLD,
            "the mean not scaled",
            "ps4-fold-values ps4-fold-affine ps4-fold-eps",
            ("(beta - scale * mean)", "(beta - mean)"),
        ),
    ],
    "ps4-kept": [
        altered(
            KEPT,
            "counted each time",
            "ps4-kept-once",
            ("kept = {}", "kept = []"),
            (
                "kept[storage.data_ptr()] = storage.nbytes()",
                "kept.append(storage.nbytes())",
            ),
            ("sum(kept.values())", "sum(kept)"),
        ),
        altered(
            KEPT,
            "inputs counted",
            "ps4-kept-inputs",
            ("{x.untyped_storage().data_ptr() for x in inputs}", "set()"),
        ),
        altered(
            KEPT,
            "numbers instead of bytes",
            "ps4-kept-bytes ps4-kept-once ps4-kept-inputs ps4-kept-views",
            ("= storage.nbytes()", "= storage.nbytes() // x.element_size()"),
        ),
        altered(
            KEPT,
            "the size of the view",
            "ps4-kept-views",
            ("= storage.nbytes()", "= x.numel() * x.element_size()"),
        ),
    ],
}
