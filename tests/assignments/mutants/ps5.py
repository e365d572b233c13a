"""Problem set 5, alignment or gating: wrong answers."""

from __future__ import annotations

from . import Mutant

TEMPLATES = [
    Mutant(
        "averages all frames, not the reference",
        """
def templates(maps, regions):
    if maps.shape[3] % regions:
        raise ValueError(f"{maps.shape[3]} rows do not divide into {regions} regions")
    return maps.mean(dim=1).unflatten(2, (regions, -1)).mean(dim=(3, 4)).transpose(1, 2)
""",
        ("ps5-templates-values",),
    ),
    Mutant(
        "every fourth row instead of neighbouring rows",
        """
def templates(maps, regions):
    if maps.shape[3] % regions:
        raise ValueError(f"{maps.shape[3]} rows do not divide into {regions} regions")
    return maps[:, 0].unflatten(2, (-1, regions)).mean(dim=(2, 4)).transpose(1, 2)
""",
        ("ps5-templates-values",),
    ),
    Mutant(
        "drops the rows that are left over in silence",
        """
def templates(maps, regions):
    rows = maps.shape[3] // regions
    cut = [maps[:, 0, :, i * rows : (i + 1) * rows].mean(dim=(2, 3)) for i in range(regions)]
    return torch.stack(cut, dim=1)
""",
        ("ps5-templates-error",),
    ),
    Mutant(
        "returns channels before regions",
        """
def templates(maps, regions):
    if maps.shape[3] % regions:
        raise ValueError(f"{maps.shape[3]} rows do not divide into {regions} regions")
    return maps[:, 0].unflatten(2, (regions, -1)).mean(dim=(3, 4))
""",
        ("ps5-templates-shape", "ps5-templates-values"),
    ),
]

GUIDE = [
    Mutant(
        "softmax over cells instead of a sigmoid",
        """
def guide(templates, maps, mean, std):
    products = templates[:, None, :, :, None, None] * maps[:, :, None]
    z = (products - mean[:, None, None]) / std[:, None, None]
    gates = z.flatten(4).softmax(dim=4).view_as(z)
    return (maps[:, :, None] * gates).mean(dim=(4, 5)), gates
""",
        ("ps5-guide-gates",),
    ),
    Mutant(
        "divides by the sum of the gates",
        """
def guide(templates, maps, mean, std):
    products = templates[:, None, :, :, None, None] * maps[:, :, None]
    gates = ((products - mean[:, None, None]) / std[:, None, None]).sigmoid()
    passed = (maps[:, :, None] * gates).sum(dim=(4, 5))
    return passed / gates.sum(dim=(4, 5)), gates
""",
        ("ps5-guide-features",),
    ),
    Mutant(
        "no normalisation before the sigmoid",
        """
def guide(templates, maps, mean, std):
    gates = (templates[:, None, :, :, None, None] * maps[:, :, None]).sigmoid()
    return (maps[:, :, None] * gates).mean(dim=(4, 5)), gates
""",
        ("ps5-guide-gates",),
    ),
    Mutant(
        "a sum over cells instead of the mean",
        """
def guide(templates, maps, mean, std):
    products = templates[:, None, :, :, None, None] * maps[:, :, None]
    gates = ((products - mean[:, None, None]) / std[:, None, None]).sigmoid()
    return (maps[:, :, None] * gates).sum(dim=(4, 5)), gates
""",
        ("ps5-guide-features",),
    ),
    Mutant(
        "statistics broadcast against columns, features of the ungated map",
        """
def guide(templates, maps, mean, std):
    products = templates[:, None, :, :, None, None] * maps[:, :, None]
    gates = ((products - mean) / std).sigmoid()
    return maps[:, :, None].expand_as(gates).mean(dim=(4, 5)), gates
""",
        ("ps5-guide-shape", "ps5-guide-gates", "ps5-guide-features"),
    ),
]

SHUFFLE = [
    Mutant(
        "one order for all channels",
        """
def shuffle(maps, generator):
    cells = maps.flatten(3)
    order = torch.rand(cells[:, :, :1].shape, generator=generator).argsort(dim=3)
    order[:, 0] = torch.arange(cells.shape[3])
    return cells.gather(3, order.expand_as(cells)).view_as(maps)
""",
        ("ps5-shuffle-order",),
    ),
    Mutant(
        "shuffles the reference too",
        """
def shuffle(maps, generator):
    cells = maps.flatten(3)
    order = torch.rand(cells.shape, generator=generator).argsort(dim=3)
    return cells.gather(3, order).view_as(maps)
""",
        ("ps5-shuffle-first",),
    ),
    Mutant(
        "draws cells with replacement",
        """
def shuffle(maps, generator):
    cells = maps.flatten(3)
    order = torch.randint(cells.shape[3], cells.shape, generator=generator)
    order[:, 0] = torch.arange(cells.shape[3])
    return cells.gather(3, order).view_as(maps)
""",
        ("ps5-shuffle-contents",),
    ),
    Mutant(
        "forgets to pass the generator on",
        """
def shuffle(maps, generator):
    cells = maps.flatten(3)
    order = torch.rand(cells.shape).argsort(dim=3)
    order[:, 0] = torch.arange(cells.shape[3])
    return cells.gather(3, order).view_as(maps)
""",
        ("ps5-shuffle-seed",),
    ),
    Mutant(
        "moves whole rows",
        """
def shuffle(maps, generator):
    order = torch.rand(maps.shape[:4], generator=generator).argsort(dim=3)
    order[:, 0] = torch.arange(maps.shape[3])
    return maps.gather(3, order[..., None].expand_as(maps))
""",
        ("ps5-shuffle-order",),
    ),
]

CONSISTENCY = [
    Mutant(
        "mean where the sum belongs",
        """
def consistency(aligned):
    centre = aligned.mean(dim=1, keepdim=True)
    return (aligned - centre).square().mean()
""",
        ("ps5-consistency-value", "ps5-consistency-gradient"),
    ),
    Mutant(
        "the centre of the regions, not of the frames",
        """
def consistency(aligned):
    centre = aligned.mean(dim=2, keepdim=True)
    return (aligned - centre).square().sum(dim=(1, 2, 3)).mean()
""",
        ("ps5-consistency-value", "ps5-consistency-edges", "ps5-consistency-gradient"),
    ),
    Mutant(
        "distances to the reference frame instead of the mean",
        """
def consistency(aligned):
    return (aligned - aligned[:, :1]).square().sum(dim=(1, 2, 3)).mean()
""",
        ("ps5-consistency-value", "ps5-consistency-gradient"),
    ),
    Mutant(
        "sums over the batch",
        """
def consistency(aligned):
    return (aligned - aligned.mean(dim=1, keepdim=True)).square().sum()
""",
        ("ps5-consistency-value", "ps5-consistency-gradient"),
    ),
]

SCORE = [
    Mutant(
        "softmax over regions",
        """
def aggregate(aligned, gates):
    weights = gates.mean(dim=(4, 5)).softmax(dim=2)
    return (aligned * weights).sum(dim=1), weights
""",
        ("ps5-score-weights",),
    ),
    Mutant(
        "mean over frames where the sum belongs",
        """
def aggregate(aligned, gates):
    weights = gates.mean(dim=(4, 5)).softmax(dim=1)
    return (aligned * weights).mean(dim=1), weights
""",
        ("ps5-score-features",),
    ),
    Mutant(
        "one weight for all channels",
        """
def aggregate(aligned, gates):
    score = gates.mean(dim=(3, 4, 5))[..., None].expand_as(aligned)
    weights = score.softmax(dim=1)
    return (aligned * weights).sum(dim=1), weights
""",
        ("ps5-score-weights",),
    ),
    Mutant(
        "divides by the sum of scores instead of a softmax",
        """
def aggregate(aligned, gates):
    score = gates.mean(dim=(4, 5))
    weights = score / score.sum(dim=1, keepdim=True).clamp_min(1e-12)
    return (aligned * weights).sum(dim=1), weights
""",
        ("ps5-score-weights",),
    ),
    Mutant(
        "keeps the axis of frames",
        """
def aggregate(aligned, gates):
    weights = gates.mean(dim=(4, 5)).softmax(dim=1)
    return (aligned * weights).sum(dim=1, keepdim=True).expand_as(aligned), weights
""",
        ("ps5-score-shape", "ps5-score-features"),
    ),
]

CURE = [
    Mutant(
        "clips that do not overlap",
        """
def clip_indices(length, frames):
    if length < frames:
        return np.arange(frames)[None] % length
    starts = list(range(0, length - frames + 1, frames))
    if starts[-1] + frames < length:
        starts.append(length - frames)
    return np.array(starts)[:, None] + np.arange(frames)
""",
        ("ps5-cure-starts", "ps5-cure-tail"),
    ),
    Mutant(
        "drops the frames that are left over",
        """
def clip_indices(length, frames):
    if length < frames:
        return np.arange(frames)[None] % length
    starts = np.arange(0, length - frames + 1, max(1, frames // 2))
    return starts[:, None] + np.arange(frames)
""",
        ("ps5-cure-tail",),
    ),
    Mutant(
        "repeats the last frame of a short tracklet",
        """
def clip_indices(length, frames):
    if length < frames:
        return np.minimum(np.arange(frames), length - 1)[None]
    starts = list(range(0, length - frames + 1, max(1, frames // 2)))
    if starts[-1] + frames < length:
        starts.append(length - frames)
    return np.array(starts)[:, None] + np.arange(frames)
""",
        ("ps5-cure-short",),
    ),
    Mutant(
        "always adds a clip at the end",
        """
def clip_indices(length, frames):
    if length < frames:
        return np.arange(frames)[None] % length
    starts = list(range(0, length - frames + 1, max(1, frames // 2)))
    starts.append(length - frames)
    return np.array(starts)[:, None] + np.arange(frames)
""",
        ("ps5-cure-starts", "ps5-cure-short"),
    ),
    Mutant(
        "off by one: the last whole clip is left out",
        """
def clip_indices(length, frames):
    if length < frames:
        return np.arange(frames)[None] % length
    starts = list(range(0, length - frames, max(1, frames // 2)))
    return np.array(starts)[:, None] + np.arange(frames)
""",
        ("ps5-cure-starts", "ps5-cure-tail", "ps5-cure-short"),
    ),
]

MUTANTS: dict[str, list[Mutant]] = {
    "ps5-templates": TEMPLATES,
    "ps5-guide": GUIDE,
    "ps5-shuffle": SHUFFLE,
    "ps5-consistency": CONSISTENCY,
    "ps5-score": SCORE,
    "ps5-cure": CURE,
}
