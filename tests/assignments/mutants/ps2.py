"""Learning to compare: the mistakes in batches, distances, mining and weights."""

from __future__ import annotations

from . import Mutant
from .altered import altered

PK = """
def pk_batch(pids, P, K, rng):
    people = np.unique(pids)
    if len(people) < P:
        raise ValueError(f"{len(people)} people do not fill a batch of {P}")
    batch = []
    for person in rng.choice(people, P, replace=False):
        own = np.flatnonzero(pids == person)
        batch.extend(rng.choice(own, K, replace=len(own) < K))
    return np.array(batch)
"""

DISTANCES = """
def distances(x):
    squares = (x[:, None] - x[None]).square().sum(dim=2)
    equal = squares == 0
    return torch.where(equal, 0.0, torch.where(equal, 1.0, squares).sqrt())
"""

CDIST = """
def distances(x):
    return torch.cdist(x, x)
"""

SHORTCUT = """
def distances(x):
    own = x.square().sum(dim=1)
    squares = own[:, None] + own[None] - 2 * x @ x.T
    return squares.clamp(min=1e-12).sqrt()
"""

HARD = """
def batch_hard(D, labels, margin):
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool)
    positive = same & ~itself
    valid = positive.any(dim=1) & (~same).any(dim=1)
    farthest = D.masked_fill(~positive, -torch.inf).amax(dim=1)
    nearest = D.masked_fill(same, torch.inf).amin(dim=1)
    terms = torch.where(valid, margin + farthest - nearest, 0.0).relu()
    count = valid.sum().clamp(min=1)
    return terms.sum() / count, (terms > 0).sum() / count
"""

WEIGHTS = """
def pair_weights(D, chosen, sign):
    empty = ~chosen.any(dim=1, keepdim=True)
    scores = (sign * D).masked_fill(~(chosen | empty), -torch.inf)
    return scores.softmax(dim=1) * chosen
"""

RECIPE = """
def pair_weights(D, chosen, sign):
    mask = chosen.to(D.dtype)
    scores = sign * D * mask
    e = torch.exp(scores - scores.amax(dim=1, keepdim=True)) * mask
    return e / (e.sum(dim=1, keepdim=True) + 1e-6)
"""

PLAIN_EXPONENTIALS = """
def pair_weights(D, chosen, sign):
    e = torch.exp(sign * D) * chosen
    return e / e.sum(dim=1, keepdim=True).clamp(min=1e-30)
"""

ADAPTIVE = """
from reidlib.losses.adaptive_triplet import pair_weights as exact_weights

def adaptive(D, labels):
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool)
    valid = positive.any(dim=1) & (~same).any(dim=1)
    far = (exact_weights(D, positive, +1) * D).sum(dim=1)
    near = (exact_weights(D, ~same, -1) * D).sum(dim=1)
    return (F.softplus(far - near) * valid).sum() / valid.sum().clamp(min=1)
"""

SLOPE = """
def scale_slope(d, labels, margin, s, q):
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool)
    farthest = d.masked_fill(~positive, -torch.inf).amax(dim=1) ** q
    nearest = d.masked_fill(same, torch.inf).amin(dim=1) ** q
    gap = farthest - nearest
    active = margin + s**q * gap > 0
    return q * s ** (q - 1) * (gap * active).mean()
"""

MUTANTS: dict[str, list[Mutant]] = {
    "ps2-pk": [
        altered(
            PK,
            "people drawn by their tracklets",
            "ps2-pk-fair",
            (
                "rng.choice(people, P, replace=False)",
                "list(dict.fromkeys(pids[rng.permutation(len(pids))].tolist()))[:P]",
            ),
        ),
        altered(
            PK,
            "always with replacement",
            "ps2-pk-replacement",
            ("replace=len(own) < K", "replace=True"),
        ),
        altered(
            PK,
            "people interleaved",
            "ps2-pk-batch",
            ("np.array(batch)", "np.array(batch).reshape(P, K).T.ravel()"),
        ),
        altered(
            PK,
            "the first K tracklets every time",
            "ps2-pk-fair",
            ("rng.choice(own, K, replace=len(own) < K)", "own[np.arange(K) % len(own)]"),
        ),
        altered(
            PK,
            "global randomness",
            "ps2-pk-careful",
            ("batch = []", "batch, rng = [], np.random"),
        ),
    ],
    "ps2-dist": [
        altered(
            DISTANCES,
            "root at zero",
            "ps2-dist-gradient",
            ("torch.where(equal, 1.0, squares).sqrt()", "squares.sqrt()"),
        ),
        Mutant("inner products", SHORTCUT, ("ps2-dist-equal", "ps2-dist-far")),
        Mutant("cdist as it comes", CDIST, ("ps2-dist-equal", "ps2-dist-far")),
        altered(
            DISTANCES,
            "forgot the root",
            "ps2-dist-values ps2-dist-far ps2-dist-gradient",
            ("torch.where(equal, 1.0, squares).sqrt()", "squares"),
        ),
        altered(
            DISTANCES,
            "a small number under the root",
            "ps2-dist-equal",
            (
                "torch.where(equal, 0.0, torch.where(equal, 1.0, squares).sqrt())",
                "(squares + 1e-12).sqrt()",
            ),
        ),
    ],
    "ps2-hard": [
        altered(
            HARD,
            "forgot to exclude the anchor",
            "ps2-hard-alone",
            ("positive = same & ~itself", "positive = same"),
        ),
        altered(
            HARD,
            "masked by multiplication",
            "ps2-hard-negative",
            ("D.masked_fill(~positive, -torch.inf)", "(D * positive)"),
        ),
        altered(
            HARD,
            "sum instead of mean",
            "ps2-hard-hand ps2-hard-random ps2-hard-negative ps2-hard-alone",
            ("terms.sum() / count, ", "terms.sum(), "),
        ),
        altered(
            HARD,
            "mean over all anchors",
            "ps2-hard-alone",
            ("valid.sum().clamp(min=1)", "len(labels)"),
        ),
        altered(
            HARD,
            "the easiest pairs",
            "ps2-hard-hand ps2-hard-random ps2-hard-negative ps2-hard-alone",
            ("D.masked_fill(same, torch.inf).amin", "D.masked_fill(same, -torch.inf).amax"),
        ),
    ],
    "ps2-weights": [
        Mutant("the widespread recipe", RECIPE, ("ps2-weights-far",)),
        altered(
            WEIGHTS,
            "softmax over the wrong axis",
            "ps2-weights-rows ps2-weights-values ps2-weights-far",
            ("softmax(dim=1)", "nan_to_num().softmax(dim=0)"),
        ),
        altered(
            WEIGHTS,
            "sign ignored",
            "ps2-weights-values ps2-weights-far",
            ("(sign * D)", "D"),
        ),
        altered(
            WEIGHTS,
            "an empty row is NaN",
            "ps2-weights-empty",
            ("~(chosen | empty)", "~chosen"),
        ),
        Mutant("exponentials as printed", PLAIN_EXPONENTIALS, ("ps2-weights-far",)),
    ],
    "ps2-adaptive": [
        altered(
            ADAPTIVE,
            "the anchor is its own positive",
            "ps2-adaptive-hand ps2-adaptive-alone ps2-adaptive-gradient",
            ("positive = same & ~torch.eye(len(labels), dtype=torch.bool)", "positive = same"),
        ),
        altered(
            ADAPTIVE,
            "softplus as printed",
            "ps2-adaptive-steep",
            ("F.softplus(far - near)", "torch.log(1 + torch.exp(far - near))"),
        ),
        altered(
            ADAPTIVE,
            "weights without gradient",
            "ps2-adaptive-gradient",
            (
                "(exact_weights(D, positive, +1) * D)",
                "(exact_weights(D, positive, +1).detach() * D)",
            ),
            ("(exact_weights(D, ~same, -1) * D)", "(exact_weights(D, ~same, -1).detach() * D)"),
        ),
        altered(
            ADAPTIVE,
            "mean over all anchors",
            "ps2-adaptive-alone",
            ("valid.sum().clamp(min=1)", "len(labels)"),
        ),
        altered(
            ADAPTIVE,
            "near minus far",
            "ps2-adaptive-hand ps2-adaptive-steep ps2-adaptive-alone ps2-adaptive-gradient",
            ("far - near", "near - far"),
        ),
    ],
    "ps2-slope": [
        altered(
            SLOPE,
            "inactive anchors push too",
            "ps2-slope-active",
            ("gap * active", "gap"),
        ),
        altered(
            SLOPE,
            "the inner derivative forgotten",
            "ps2-slope-squared ps2-slope-active",
            ("q * s ** (q - 1) * (gap * active)", "(gap * active)"),
        ),
        altered(
            SLOPE,
            "nearest minus farthest",
            "ps2-slope-plain ps2-slope-squared ps2-slope-active",
            ("farthest - nearest", "nearest - farthest"),
        ),
        altered(
            SLOPE,
            "mean over the active anchors",
            "ps2-slope-active",
            ("(gap * active).mean()", "(gap * active).sum() / active.sum().clamp(min=1)"),
        ),
        altered(
            SLOPE,
            "active at scale 1 only",
            "ps2-slope-active",
            ("margin + s**q * gap > 0", "margin + gap > 0"),
        ),
    ],
}
