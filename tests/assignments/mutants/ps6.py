"""Which clips to trust: the mistakes in attention, its diagnosis, scatter and diameters."""

from __future__ import annotations

from . import Mutant
from .altered import altered

FRAMES = """
def frame_attention(maps, conv, tconv):
    b, t = maps.shape[:2]
    p = conv(maps.flatten(0, 1)).relu().view(b, t, -1).transpose(1, 2)
    weights = tconv(p).relu()[:, 0].softmax(dim=1)
    frames = maps.mean(dim=(3, 4))
    return (frames * weights[:, :, None]).sum(dim=1), weights
"""

CLIPS = """
def tracklet(clips, mask, score, embed):
    weights = score(clips)[..., 0].sigmoid() * mask
    total = (weights[..., None] * embed(clips)).sum(dim=1)
    return total / mask.sum(dim=1, keepdim=True), weights
"""

DIAGNOSE = """
def diagnose(model, maps):
    feature = model(maps)
    if not torch.allclose(feature, maps.mean(dim=(1, 3, 4)), rtol=1e-4, atol=1e-6):
        return "attends"
    if not feature.requires_grad:
        return "pooling"
    found = torch.autograd.grad(feature.sum(), list(model.parameters()), allow_unused=True)
    return "pooling" if all(gradient is None for gradient in found) else "dead"
"""

REVIVE = """
def living_weights(p, tconv):
    return tconv(p)[:, 0].softmax(dim=1)
"""

MINMAX = """
def minmax(features, labels):
    people = labels.unique()
    if len(people) < 2:
        raise ValueError("the min-max loss needs at least two people in a batch")
    within, between, middle = 0.0, 0.0, features.mean(dim=0)
    for person in people:
        own = features[labels == person]
        centre = own.mean(dim=0)
        within = within + (own - centre).square().sum()
        between = between + len(own) * (centre - middle).square().sum()
    return within / (between + 1e-12), within, between
"""

DIAMETERS = """
def diameters(features, labels, relative=False):
    people = labels.unique().tolist()
    groups = [features[labels == person] for person in people]
    found = [(own[:, None] - own[None]).norm(dim=2).max().item() for own in groups]
    if relative:
        means = torch.stack([own.mean(dim=0) for own in groups])
        apart = torch.pdist(means).mean().item()
        found = [value / apart for value in found]
    return dict(zip(people, found))
"""

MUTANTS: dict[str, list[Mutant]] = {
    "ps6-frames": [
        altered(
            FRAMES,
            "softmax over the batch",
            "ps6-frames-weights",
            ("softmax(dim=1)", "softmax(dim=0)"),
        ),
        altered(
            FRAMES,
            "cuts the rows elsewhere instead of exchanging axes",
            "ps6-frames-weights",
            (".view(b, t, -1).transpose(1, 2)", ".view(b, -1, t)"),
        ),
        altered(
            FRAMES,
            "divides by t what sums to one already",
            "ps6-frames-feature",
            (".sum(dim=1), weights", ".mean(dim=1), weights"),
        ),
        altered(
            FRAMES,
            "forgets the last ReLU",
            "ps6-frames-weights",
            ("tconv(p).relu()", "tconv(p)"),
        ),
    ],
    "ps6-clips": [
        altered(
            CLIPS,
            "softmax over clips instead of a sigmoid each",
            "ps6-clips-weights",
            ("[..., 0].sigmoid() * mask", "[..., 0].masked_fill(~mask, -torch.inf).softmax(dim=1)"),
        ),
        altered(
            CLIPS,
            "divides by the padded number of clips",
            "ps6-clips-feature",
            ("mask.sum(dim=1, keepdim=True)", "clips.shape[1]"),
        ),
        altered(
            CLIPS,
            "divides by the sum of the weights",
            "ps6-clips-feature",
            ("mask.sum(dim=1, keepdim=True)", "weights.sum(dim=1, keepdim=True)"),
        ),
        altered(
            CLIPS,
            "lets padding weigh one half",
            "ps6-clips-weights ps6-clips-feature",
            (".sigmoid() * mask", ".sigmoid()"),
        ),
    ],
    "ps6-diagnose": [
        altered(
            DIAGNOSE,
            "takes rounding for attention",
            "ps6-diagnose-pooling ps6-diagnose-dead",
            (
                "if not torch.allclose(feature, maps.mean(dim=(1, 3, 4)), rtol=1e-4, atol=1e-6):",
                "if not torch.equal(feature, maps.double().mean(dim=(1, 3, 4)).float()):",
            ),
        ),
        Mutant(
            "believes that a model with parameters attends",
            """
def diagnose(model, maps):
    return "attends" if list(model.parameters()) else "pooling"
""",
            ("ps6-diagnose-pooling", "ps6-diagnose-dead"),
        ),
        altered(
            DIAGNOSE,
            "looks at the first clip only",
            "ps6-diagnose-mixed",
            ("feature = model(maps)", "maps = maps[:1]\n    feature = model(maps)"),
        ),
        altered(
            DIAGNOSE,
            "calls it dead because the model has parameters, whatever they do",
            "ps6-diagnose-pooling",
            (
                "if not feature.requires_grad:",
                "if not list(model.parameters()):",
            ),
            (
                'return "pooling" if all(gradient is None for gradient in found) else "dead"',
                'return "dead"',
            ),
            (
                "found = torch.autograd.grad(feature.sum(), list(model.parameters()), "
                "allow_unused=True)",
                "found = list(model.parameters())",
            ),
        ),
    ],
    "ps6-revive": [
        altered(
            REVIVE,
            "leaves the ReLU and adds a small number",
            "ps6-revive-dead",
            ("tconv(p)[:, 0]", "(tconv(p)[:, 0].relu() + 1e-3)"),
        ),
        Mutant(
            "sigmoids divided by their sum",
            """
def living_weights(p, tconv):
    weights = tconv(p)[:, 0].sigmoid() + 1e-30
    return weights / weights.sum(dim=1, keepdim=True)
""",
            ("ps6-revive-dead", "ps6-revive-unchanged"),
        ),
        altered(
            REVIVE,
            "the size of a response, whatever its sign",
            "ps6-revive-dead",
            ("tconv(p)[:, 0]", "tconv(p)[:, 0].abs()"),
        ),
        altered(
            REVIVE,
            "a softmax over the batch",
            "ps6-revive-sum ps6-revive-dead ps6-revive-unchanged",
            ("softmax(dim=1)", "softmax(dim=0)"),
        ),
    ],
    "ps6-minmax": [
        altered(
            MINMAX,
            "every person counts once in S_B",
            "ps6-minmax-between",
            ("len(own) * ", ""),
        ),
        altered(
            MINMAX,
            "mean where the sum belongs in S_I",
            "ps6-minmax-within",
            ("(own - centre).square().sum()", "(own - centre).square().sum(dim=1).mean()"),
        ),
        altered(
            MINMAX,
            "the ratio upside down",
            "ps6-minmax-loss",
            ("within / (between + 1e-12)", "between / (within + 1e-12)"),
        ),
        altered(
            MINMAX,
            "the overall mean is that of the means, and one person passes",
            "ps6-minmax-between ps6-minmax-error",
            (
                '        raise ValueError("the min-max loss needs at least two people in a batch")',
                "        pass",
            ),
            (
                "features.mean(dim=0)\n",
                "torch.stack([features[labels == p].mean(0) for p in people]).mean(0)\n",
            ),
        ),
    ],
    "ps6-diameters": [
        altered(
            DIAMETERS,
            "the mean distance instead of the largest",
            "ps6-diameters-raw",
            (".max().item()", ".mean().item()"),
        ),
        altered(
            DIAMETERS,
            "counts each mean's distance to itself",
            "ps6-diameters-relative",
            ("torch.pdist(means).mean()", "torch.cdist(means, means).mean()"),
        ),
        altered(
            DIAMETERS,
            "cannot do a person with one sample, and squares",
            "ps6-diameters-raw ps6-diameters-alone",
            (
                "(own[:, None] - own[None]).norm(dim=2).max().item()",
                "torch.pdist(own).square().max().item()",
            ),
        ),
        altered(
            DIAMETERS,
            "twice the distance to the mean",
            "ps6-diameters-raw",
            (
                "(own[:, None] - own[None]).norm(dim=2).max().item()",
                "2 * (own - own.mean(dim=0)).norm(dim=1).max().item()",
            ),
        ),
    ],
}
