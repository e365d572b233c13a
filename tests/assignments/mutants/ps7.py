"""From salient to broad: the mistakes in SBM, IDM, the contrast of slots and coverage."""

from __future__ import annotations

from . import Mutant
from .altered import altered

CENTRE = """
def centre_weights(x):
    height, width = x.shape[3:]
    if height < 3 or width < 3:
        raise ValueError(f"maps of {height}x{width} cells have no inside")
    inside = x[..., 1:-1, 1:-1].mean(dim=(1, 3, 4))
    return (inside > x.mean(dim=(1, 3, 4))).to(x.dtype)
"""

KERNEL = """
def salient_kernel(former, raw):
    attention = raw / raw.sum(dim=1, keepdim=True).clamp_min(1e-12)
    attention = attention / attention.sum(dim=(2, 3, 4), keepdim=True).clamp_min(1e-12)
    kernel = torch.einsum("bschw,bkshw->bck", former, attention)
    side = round(raw.shape[1] ** 0.5)
    return kernel.unflatten(2, (side, side)), attention
"""

SUPPRESS = """
def suppress(latter, kernel, beta=5.0):
    k, (h, w) = kernel.shape[-1], latter.shape[3:]
    scores = []
    for clip, own in zip(latter, kernel):
        padded = F.pad(clip, (k // 2,) * 4, mode="replicate")
        scores.append(F.conv2d(padded, own[None])[:, 0] / k**2)
    affinity = torch.stack(scores).flatten(2).softmax(dim=2).unflatten(2, (h, w))
    excess = 1 / (h * w * affinity.clamp_min(1e-4)) - 1
    return (beta * excess.clamp_max(0)).exp(), affinity
"""

IDM = """
def idm(x, GI, LI, LD, GD):
    b, t, c, h, w = x.shape
    F_ = x.transpose(1, 2).flatten(2)
    U = GI @ F_
    out = F_ + GD @ (U @ LI @ LD + U)
    return out.unflatten(2, (t, h, w)).transpose(1, 2)


def idm_cost(c, m, r):
    inner, few = c // r, m // r
    return inner * c * m + inner * m * few + inner * few * m + c * inner * m
"""

MI = """
def mutual_information(z, temperature=0.07):
    n, t = z.shape[:2]
    if n == 1 or t == 1:
        return (z * 0).sum()
    unit = F.normalize(z, dim=2)
    scores = torch.einsum("aid,bjd->abij", unit, unit) / temperature
    same = torch.eye(t, dtype=torch.bool)
    negatives = scores.masked_fill(same, -torch.inf).logsumexp(dim=(1, 3))
    positives = scores.diagonal(dim1=2, dim2=3)
    costs = torch.logaddexp(positives, negatives[:, None]) - positives
    return costs[~torch.eye(n, dtype=torch.bool)].mean()
"""

COVERAGE = """
def coverage(maps, parts, visible, count=8):
    lit = maps > 0.5 * maps.amax(dim=(1, 2), keepdim=True)
    up, across = (whole // cells for whole, cells in zip(parts.shape[1:], maps.shape[1:]))
    lit = lit.repeat_interleave(up, dim=1).repeat_interleave(across, dim=2)
    columns = []
    for part in range(1, count):
        there = (parts == part) & visible
        columns.append((there & lit).sum(dim=(1, 2)) / there.sum(dim=(1, 2)))
    return torch.stack(columns, dim=1)
"""

MUTANTS: dict[str, list[Mutant]] = {
    "ps7-centre": [
        altered(
            CENTRE,
            "one decision a frame, then any frame",
            "ps7-centre-values",
            ("inside = x[..., 1:-1, 1:-1].mean(dim=(1, 3, 4))", "inside = x[..., 1:-1, 1:-1]"),
            (
                "return (inside > x.mean(dim=(1, 3, 4))).to(x.dtype)",
                "return (inside.mean((3, 4)) > x.mean((3, 4))).any(dim=1).to(x.dtype)",
            ),
        ),
        altered(
            CENTRE,
            "at least as strong is enough",
            "ps7-centre-edges",
            ("inside > x", "inside >= x"),
        ),
        altered(
            CENTRE,
            "off by one: the inside loses a row and a column too many",
            "ps7-centre-values",
            ("1:-1, 1:-1", "1:-2, 1:-2"),
        ),
        altered(
            CENTRE,
            "does not refuse maps without an inside",
            "ps7-centre-edges",
            ('raise ValueError(f"maps of {height}x{width} cells have no inside")', "pass"),
        ),
    ],
    "ps7-kernel": [
        altered(
            KERNEL,
            "leaves out the step over the heads",
            "ps7-kernel-attention",
            ("raw / raw.sum(dim=1, keepdim=True).clamp_min(1e-12)", "raw"),
        ),
        altered(
            KERNEL,
            "fills columns before rows",
            "ps7-kernel-kernel",
            ("(side, side))", "(side, side)).transpose(2, 3)"),
        ),
        altered(
            KERNEL,
            "positions first, then heads",
            "ps7-kernel-attention",
            ("raw / raw.sum(dim=1, keepdim=True)", "raw / raw.sum(dim=(2, 3, 4), keepdim=True)"),
            ("attention.sum(dim=(2, 3, 4), keepdim=True)", "attention.sum(dim=1, keepdim=True)"),
        ),
        altered(
            KERNEL,
            "0 / 0 is not a number",
            "ps7-kernel-attention",
            ("raw.sum(dim=1, keepdim=True).clamp_min(1e-12)", "raw.sum(dim=1, keepdim=True)"),
        ),
        altered(
            KERNEL,
            "a mean over former frames where the sum belongs",
            "ps7-kernel-kernel",
            ("former, attention)", "former, attention) / former.shape[1] / former.shape[3]"),
        ),
    ],
    "ps7-suppress": [
        altered(
            SUPPRESS,
            "softmax over all latter frames together",
            "ps7-suppress-affinity",
            (
                ".flatten(2).softmax(dim=2).unflatten(2, (h, w))",
                ".flatten(1).softmax(dim=1).unflatten(1, (-1, h, w))",
            ),
        ),
        altered(
            SUPPRESS,
            "dims what draws less than its share",
            "ps7-suppress-weights",
            ("excess.clamp_max(0)", "-excess.clamp_min(0)"),
        ),
        altered(
            SUPPRESS,
            "zeros beyond the border",
            "ps7-suppress-affinity",
            (', mode="replicate"', ""),
        ),
        altered(
            SUPPRESS,
            "flips the kernel",
            "ps7-suppress-affinity",
            ("own[None]", "own[None].flip(2, 3)"),
        ),
        altered(
            SUPPRESS,
            "does not divide by k^2, and erases",
            "ps7-suppress-affinity ps7-suppress-weights",
            (" / k**2", ""),
            ("(beta * excess.clamp_max(0)).exp()", "(excess >= 0).to(latter.dtype)"),
        ),
    ],
    "ps7-idm": [
        altered(
            IDM,
            "forgets the identity beside L_I L_D",
            "ps7-idm-values",
            ("U @ LI @ LD + U", "U @ LI @ LD"),
        ),
        altered(
            IDM,
            "mixes frames and channels when it flattens",
            "ps7-idm-order",
            ("x.transpose(1, 2).flatten(2)", "x.reshape(b, c, t * h * w)"),
            (".unflatten(2, (t, h, w)).transpose(1, 2)", ".reshape(b, t, c, h, w)"),
        ),
        altered(
            IDM,
            "counts the product with all positions",
            "ps7-idm-cost",
            ("inner * m * few + inner * few * m", "m * few * m + inner * m * m"),
        ),
        altered(
            IDM,
            "returns F' without F",
            "ps7-idm-values",
            ("F_ + GD", "GD"),
        ),
    ],
    "ps7-mi": [
        altered(
            MI,
            "all other positives in the denominator",
            "ps7-mi-value ps7-mi-edges",
            (
                "scores.masked_fill(same, -torch.inf).logsumexp(dim=(1, 3))",
                "scores.logsumexp(dim=(1, 3))",
            ),
        ),
        altered(
            MI,
            "no unit length",
            "ps7-mi-value ps7-mi-invariance ps7-mi-edges",
            ("F.normalize(z, dim=2)", "z * 2"),
            ("return (z * 0).sum()", "return z.new_zeros(())"),
        ),
        altered(
            MI,
            "a clip is its own positive",
            "ps7-mi-value",
            ("costs[~torch.eye(n, dtype=torch.bool)].mean()", "costs.mean()"),
        ),
        altered(
            MI,
            "no case for one clip or one slot",
            "ps7-mi-edges",
            ("if n == 1 or t == 1:", "if n == 0:"),
        ),
        altered(
            MI,
            "negatives from other clips only",
            "ps7-mi-value ps7-mi-edges",
            (
                "scores.masked_fill(same, -torch.inf)",
                "scores.masked_fill(same | torch.eye(n, dtype=torch.bool)[:, :, None, None], "
                "-torch.inf)",
            ),
        ),
    ],
    "ps7-coverage": [
        altered(
            COVERAGE,
            "divides by the lit pixels instead of the part's",
            "ps7-coverage-values ps7-coverage-unseen ps7-coverage-threshold",
            ("/ there.sum(dim=(1, 2))", "/ lit.sum(dim=(1, 2))"),
        ),
        altered(
            COVERAGE,
            "zero where a part cannot be seen",
            "ps7-coverage-unseen",
            ("there.sum(dim=(1, 2)))", "there.sum(dim=(1, 2)).clamp_min(1))"),
        ),
        altered(
            COVERAGE,
            "half of the highest value of all maps",
            "ps7-coverage-threshold",
            ("maps.amax(dim=(1, 2), keepdim=True)", "maps.amax()"),
        ),
        altered(
            COVERAGE,
            "counts what is covered",
            "ps7-coverage-unseen",
            (" & visible", ""),
        ),
    ],
}
