"""RGSA+RGTR: Table 1 (components), Table 2 (r1 and r2), Table 3 (clip length), and controls (+).

The full model is `rgsa_rgtr`; it is also the row (32, 256) of Table 2. At the paper's size it is
the row T = 8 of Table 3 too; on the small networks, where other rows have clips of 4 frames,
Table 3 keeps its own lengths, so that all its rows are recipes of their own.

On the small networks, whose last map has 128 channels, C/r1 and C/r2 are given as widths: 16 and
4 stand for r1 = 32 and r2 = 256, 32 and 8 for r1 = 16 and r2 = 128.

The paper does not say
* what an epoch is: each identity once; a tracklet comes again if an identity has fewer than 4;
* whether the T random frames are put in order: they are, since the slots of W_R are the places in
  a clip, and tested clips are in order; else `frames="random_as_drawn"`;
* the augmentation's numbers: flip decided once a clip, erasing once a frame, each with
  probability 0.5, 2 to 40 % of the area, height over width from 0.3 to 1/0.3; what is erased
  becomes the mean colour, 0 after normalisation;
* what is done with the tail of a tested sequence: a last window that ends on the last frame.
"""

from dataclasses import replace

from reidlib.recipes.core import Augment, Loss, Recipe, Sampler, Schedule, Test

L_CE = (Loss("cross_entropy", heads=("clip",)), Loss("cross_entropy", heads=("frame",)))
L_TOTAL = (*L_CE, Loss("adaptive_triplet", heads=("clip",)))

CHANNELS = 2048  # of ResNet-50's last map


def _widths(r1: int, r2: int) -> dict[str, int]:
    """C/r1 and C/r2 at the papers' size."""
    return {"embedding_width": CHANNELS // r1, "relation_width": CHANNELS // r2}


def _small_widths(r1: int, r2: int) -> dict[str, int]:
    """What stands for them on the small networks."""
    return {
        "embedding_width": {32: 16, 16: 32}[r1],
        "relation_width": {256: 4, 128: 8}[r2],
    }


FULL = Recipe(
    name="rgsa_rgtr",
    summary="full model: both modules, cross-entropy of clips and frames, weighted triplet",
    model="rgsa_rgtr",
    paper="rgsa_rgtr",
    table="rgsa-1",
    row="RGSA+RGTR + L_total",
    also=(("rgsa-2", "r1 = 32, r2 = 256"),),
    base="rgsa-1/baseline",
    options=_widths(32, 256),
    small=_small_widths(32, 256),
    losses=L_TOTAL,
    clip_length=8,
    frames="random",
    sampler=Sampler(identities=18, clips=4, mode="one_pass"),
    augment=Augment(
        flip=0.5,
        erase=0.5,
        erase_mode="per_frame",
        erase_fill=(0.0, 0.0, 0.0),
        erase_aspect=(0.3, 1 / 0.3),
    ),
    schedule=Schedule(epochs=375, milestones=(125, 250)),
    test=Test(frames="overlap", tail="cover", distance="cosine"),  # stride: half a clip
)


def _row(name: str, row: str, summary: str, base: str = "rgsa_rgtr", **options: object) -> Recipe:
    """The full model with other options of the model, in Table 1 unless replaced."""
    return replace(
        FULL,
        name=name,
        row=row,
        summary=summary,
        base=base,
        also=(),
        options={**FULL.options, **options},
    )


def _length(frames: int, model: str, recipe: Recipe, ours: bool) -> Recipe:
    """A point of Table 3: `recipe` with clips of `frames` frames at every size."""
    stem = f"rgsa-3/{'baseline-' if model else ''}t"
    return replace(
        recipe,
        name=f"{stem}{frames}",
        table="rgsa-3",
        row=f"{model}T = {frames}",
        summary=f"{model or 'full model, '}clips of {frames} frames",
        base=f"{stem}2" if frames > 2 else "",
        control=ours,
        also=(),
        clip_length=frames,
        small_clip_length=frames,
    )


BASELINE = _row(
    "rgsa-1/baseline",
    "Baseline + L_total",
    "average pooling in space and time, all losses",
    base="rgsa-1/baseline-ce",
    spatial="average",
    temporal="average",
)
BASELINE_CE = replace(
    BASELINE,
    name="rgsa-1/baseline-ce",
    row="Baseline + L_ce",
    summary="average pooling in space and time, without the triplet loss",
    base="",
    losses=L_CE,
)

TABLE_1 = (
    BASELINE_CE,
    BASELINE,
    _row(
        "rgsa-1/rgsa",
        "RGSA + L_total",
        "spatial attention, average over time",
        base="rgsa-1/baseline",
        temporal="average",
    ),
    _row(
        "rgsa-1/rgtr",
        "RGTR + L_total",
        "average over space, temporal refinement",
        base="rgsa-1/baseline",
        spatial="average",
    ),
    replace(
        _row("rgsa-1/both-ce", "RGSA+RGTR + L_ce", "both modules, without the triplet loss"),
        base="rgsa-1/baseline-ce",
        losses=L_CE,
    ),
    _row(
        "rgsa-1/inner-product",
        "RGSA+RGTR (IP) + L_total",
        "inner product of the features themselves in place of the relation module",
        relation="inner",
    ),
    FULL,
)
TABLE_1_CONTROLS = tuple(
    replace(_row(f"rgsa-1/{name}", row, row, relation=kind), control=True)
    for name, kind, row in (
        ("inner-embedded", "embedded", "inner product of embedded features"),
        ("difference", "difference", "plain difference in place of the relation module"),
        ("no-relation", "none", "attention and refinement from the features alone"),
    )
)
TABLE_2 = tuple(
    replace(
        FULL,
        name=f"rgsa-2/{r1}-{r2}",
        summary=f"r1 = {r1}, r2 = {r2}",
        table="rgsa-2",
        row=f"r1 = {r1}, r2 = {r2}",
        also=(),
        base="rgsa_rgtr",
        options=_widths(r1, r2),
        small=_small_widths(r1, r2),
    )
    for r1, r2 in ((16, 128), (16, 256), (32, 128))
)
LENGTHS = (2, 4, 6, 8, 12, 16)
TABLE_3 = tuple(_length(t, "", FULL, ours=t > 8) for t in LENGTHS)
TABLE_3_BASELINES = tuple(_length(t, "Baseline, ", BASELINE, ours=True) for t in LENGTHS)

RECIPES: tuple[Recipe, ...] = (
    *TABLE_1,
    *TABLE_1_CONTROLS,
    *TABLE_2,
    *TABLE_3,
    *TABLE_3_BASELINES,
)
