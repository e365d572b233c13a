"""Where to look: the mistakes in attention, pooling and the penalty."""

from __future__ import annotations

from . import Mutant
from .altered import altered

ATTENTION = """
def attention(features, tau):
    response = features.sum(dim=2) / tau
    return response.flatten(start_dim=2).softmax(dim=2).view_as(response)
"""

PLAIN_EXPONENTIALS = """
def attention(features, tau):
    e = torch.exp(features.sum(dim=2) / tau)
    return e / e.sum(dim=(2, 3), keepdim=True)
"""

ATTEND = """
def attend(features, alpha):
    return (features * alpha[:, :, None]).sum(dim=(3, 4)).mean(dim=1)
"""

REG = """
def regularisation(alpha, target=1.0):
    return (target - alpha.sum(dim=1)).square().sum(dim=(1, 2))
"""

PARTS = """
def parts(alpha, target=1.0):
    _, n, h, w = alpha.shape
    constant = h * w * target**2 - 2 * target * n
    concentration = alpha.square().sum(dim=(1, 2, 3))
    overlap = alpha.sum(dim=1).square().sum(dim=(1, 2)) - concentration
    return constant, concentration, overlap
"""

GRADIENT = """
def reg_gradient(alpha, target=1.0):
    h = 2 * (alpha.sum(dim=1, keepdim=True) - target)
    return alpha * (h - (alpha * h).sum(dim=(2, 3), keepdim=True))
"""

RGSA = """
def attended_pool(x, logits):
    precise = torch.promote_types(x.dtype, torch.float32)
    a = logits.to(precise).sigmoid()
    return ((a * x.to(precise)).sum(dim=1) / a.sum(dim=1)).to(x.dtype)
"""

MUTANTS: dict[str, list[Mutant]] = {
    "ps3-attention": [
        altered(
            ATTENTION,
            "softmax over the columns only",
            "ps3-attention-shape ps3-attention-values ps3-attention-thousands ps3-attention-flow",
            (
                "response.flatten(start_dim=2).softmax(dim=2).view_as(response)",
                "response.softmax(dim=-1)",
            ),
        ),
        altered(
            ATTENTION,
            "softmax over the whole clip",
            "ps3-attention-shape ps3-attention-values ps3-attention-thousands ps3-attention-flow",
            ("flatten(start_dim=2).softmax(dim=2)", "flatten(start_dim=1).softmax(dim=1)"),
        ),
        altered(
            ATTENTION,
            "mean over channels",
            "ps3-attention-values ps3-attention-thousands ps3-attention-flow",
            ("features.sum(dim=2)", "features.mean(dim=2)"),
        ),
        Mutant("exponentials as printed", PLAIN_EXPONENTIALS, ("ps3-attention-thousands",)),
        altered(
            ATTENTION,
            "times the temperature",
            "ps3-attention-values",
            ("/ tau", "* tau"),
        ),
        altered(
            ATTENTION,
            "detached",
            "ps3-attention-flow",
            ("features.sum(dim=2)", "features.detach().sum(dim=2)"),
        ),
    ],
    "ps3-attend": [
        altered(
            ATTEND,
            "mean over positions",
            "ps3-attend-values ps3-attend-even",
            (".sum(dim=(3, 4))", ".mean(dim=(3, 4))"),
        ),
        altered(
            ATTEND,
            "sum over frames",
            "ps3-attend-values ps3-attend-even",
            (".mean(dim=1)", ".sum(dim=1)"),
        ),
        altered(
            ATTEND,
            "the attention is ignored",
            "ps3-attend-values",
            ("(features * alpha[:, :, None]).sum(dim=(3, 4))", "features.mean(dim=(3, 4))"),
        ),
        altered(
            ATTEND,
            "the attention of the clip for each frame",
            "ps3-attend-values",
            ("alpha[:, :, None]", "alpha.mean(dim=1)[:, None, None]"),
        ),
    ],
    "ps3-reg": [
        altered(
            REG,
            "mean over positions",
            "ps3-reg-hand ps3-reg-clips ps3-reg-target",
            (".sum(dim=(1, 2))", ".mean(dim=(1, 2))"),
        ),
        altered(
            REG,
            "each frame by itself",
            "ps3-reg-hand ps3-reg-clips ps3-reg-target",
            (
                "(target - alpha.sum(dim=1)).square().sum(dim=(1, 2))",
                "(target - alpha).square().sum(dim=(1, 2, 3))",
            ),
        ),
        altered(
            REG,
            "the square of the sum",
            "ps3-reg-hand ps3-reg-clips ps3-reg-target",
            (".square().sum(dim=(1, 2))", ".sum(dim=(1, 2)).square()"),
        ),
        altered(
            REG,
            "the target is ignored",
            "ps3-reg-target",
            ("(target - ", "(1 - "),
        ),
        altered(
            REG,
            "all clips in one sum",
            "ps3-reg-clips ps3-reg-target",
            (".sum(dim=(1, 2))", ".sum()[None]"),
        ),
    ],
    "ps3-parts": [
        altered(
            PARTS,
            "each pair of frames once",
            "ps3-parts-hand ps3-parts-sum",
            (
                "overlap = alpha.sum(dim=1).square().sum(dim=(1, 2)) - concentration",
                "overlap = (alpha.sum(dim=1).square().sum(dim=(1, 2)) - concentration) / 2",
            ),
        ),
        altered(
            PARTS,
            "frames overlap with themselves",
            "ps3-parts-hand ps3-parts-sum",
            ("sum(dim=(1, 2)) - concentration", "sum(dim=(1, 2))"),
        ),
        altered(
            PARTS,
            "the constant of a single frame",
            "ps3-parts-constant ps3-parts-sum",
            ("2 * target * n", "2 * target"),
        ),
        altered(
            PARTS,
            "the linear term forgotten",
            "ps3-parts-constant ps3-parts-sum",
            (" - 2 * target * n", ""),
        ),
        altered(
            PARTS,
            "the target not squared",
            "ps3-parts-constant ps3-parts-sum",
            ("target**2", "target"),
        ),
    ],
    "ps3-gradient": [
        altered(
            GRADIENT,
            "as if the maps were free",
            "ps3-gradient-values ps3-gradient-target ps3-gradient-balance",
            ("(h - (alpha * h).sum(dim=(2, 3), keepdim=True))", "h"),
        ),
        altered(
            GRADIENT,
            "h of each frame alone",
            "ps3-gradient-values",
            ("alpha.sum(dim=1, keepdim=True)", "alpha"),
        ),
        altered(
            GRADIENT,
            "the sum over the whole clip",
            "ps3-gradient-values ps3-gradient-target ps3-gradient-balance",
            ("sum(dim=(2, 3), keepdim=True)", "sum(dim=(1, 2, 3), keepdim=True)"),
        ),
        altered(
            GRADIENT,
            "uphill",
            "ps3-gradient-values",
            ("h = 2 *", "h = -2 *"),
        ),
        altered(
            GRADIENT,
            "the plain mean in the bracket",
            "ps3-gradient-values ps3-gradient-balance",
            ("(alpha * h).sum(dim=(2, 3), keepdim=True)", "h.mean(dim=(2, 3), keepdim=True)"),
        ),
    ],
    "ps3-rgsa": [
        altered(
            RGSA,
            "half precision kept",
            "ps3-rgsa-half",
            ("torch.promote_types(x.dtype, torch.float32)", "x.dtype"),
        ),
        altered(
            RGSA,
            "divided by the number of positions",
            "ps3-rgsa-values ps3-rgsa-average ps3-rgsa-between ps3-rgsa-half",
            ("a.sum(dim=1)", "a.shape[1]"),
        ),
        altered(
            RGSA,
            "softmax in place of the sigmoid",
            "ps3-rgsa-values",
            (".sigmoid()", ".softmax(dim=1)"),
        ),
        altered(
            RGSA,
            "one attention for all channels",
            "ps3-rgsa-values",
            (".sigmoid()", ".sigmoid().mean(dim=2, keepdim=True)"),
        ),
        altered(
            RGSA,
            "lifted after the sums",
            "ps3-rgsa-half",
            ("logits.to(precise).sigmoid()", "logits.sigmoid()"),
            ("(a * x.to(precise)).sum(dim=1)", "(a * x).sum(dim=1).to(precise)"),
        ),
    ],
}
