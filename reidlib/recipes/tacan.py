"""TACAN: the six rows of Table 1, the row between its third and fourth, and tests at no cost (+).

All rows share the training: 8 identities of 4 clips, 4 neighbouring frames each, squared batch-hard
triplet at margin 0.3, all three losses with weight one. At test every frame once, in clips of 4.

The paper does not say
* the margin, the crop and flip, label smoothing 0.1, weight decay, the schedule (each identity
  once in an epoch, 800 epochs): those of the work that its rows 1-3 repeat. `tacan/short` has 200;
* which optimiser beyond "stochastic gradient descent": Adam, whose usual rate 3e-4 is. Plain SGD at
  3e-4 would hardly move; `Schedule(optimiser="sgd")` is that reading;
* which of the two SE-ResNet-50: the one whose weights were public first;
* whether a tracklet gives one clip to a batch, as here, or several: `options.clips_per_tracklet=2`
  with `clip_length=8` (`small_clip_length=8` on the small networks) and `test.length=4` makes of 8
  neighbouring frames two clips that share crop and flip, and one feature by Eq. 3.

Row 4 brings an embedding layer and weights at once; row 3e has the layer with weights of one. The
weights' part at test alone, and that of dividing by their sum, are tests of row 5's weights.
"""

from __future__ import annotations

from dataclasses import replace

from reidlib.recipes.core import Augment, Loss, Recipe, Sampler, Schedule, Test

CROSS_ENTROPY = Loss("cross_entropy", options={"smoothing": 0.1})
TRIPLET = Loss("batch_hard_triplet", options={"distance": "squared", "margin": 0.3})

BASELINE = Recipe(
    name="tacan-1/baseline",
    summary="averages over frames and clips, cross-entropy",
    model="tacan",
    paper="tacan",
    table="tacan-1",
    row="baseline (ResNet50 + L_s)",
    options={"frame_attention": False, "clip_level": "mean"},
    small={"attention_width": 16, "embed": 64},
    losses=(CROSS_ENTROPY,),
    frames="contiguous",
    sampler=Sampler(identities=8, clips=4, mode="one_pass"),
    augment=Augment(flip=0.5, crop=0.5),
    schedule=Schedule(epochs=800, milestones=(200, 400, 600)),
    test=Test(frames="consecutive_cyclic_tail", distance="euclidean"),
    size=(224, 112),
    backbone={"last_stride": 2},
)
WITH_TRIPLET = replace(
    BASELINE,
    name="tacan-1/triplet",
    summary="plus batch-hard triplet loss",
    row="ResNet50 + L_s + L_t",
    base=BASELINE.name,
    losses=(CROSS_ENTROPY, TRIPLET),
)
TA = replace(
    WITH_TRIPLET,
    name="tacan-1/ta",
    summary="plus attention over the frames of a clip",
    row="ResNet50 + TA + L_s + L_t",
    base=WITH_TRIPLET.name,
    options={"clip_level": "mean"},
)
EMBEDDING = replace(
    TA,
    name="tacan-1/embedding",
    summary="plus the embedding layer, every clip's weight one",
    row="3e. ResNet50 + TA + embedding + L_s + L_t",
    base=TA.name,
    control=True,
    options={"clip_level": "embedding"},
)
CA = replace(
    TA,
    name="tacan-1/ca",
    summary="plus clip-level attention: embedding and weights",
    row="ResNet50 + TA + CA + L_s + L_t",
    base=TA.name,
    options={},
)
MINMAX = replace(
    CA,
    name="tacan-1/minmax",
    summary="plus the min-max loss",
    row="ResNet50 + TA + CA + L",
    base=CA.name,
    losses=(CROSS_ENTROPY, TRIPLET, Loss("minmax")),
)
TACAN = replace(
    MINMAX,
    name="tacan",
    summary="full model: squeeze-and-excitation in the backbone",
    row="SENet50 + TA + CA + L",
    base=MINMAX.name,
    backbone={"se": True, "last_stride": 2},
)


def _tested(name: str, summary: str, **options: str) -> Recipe:
    """Row 5's trained weights under other rules of pooling."""
    return replace(
        MINMAX,
        name=f"tacan-1/{name}",
        summary=summary,
        row=summary,
        base=MINMAX.name,
        weights_of=MINMAX.name,
        control=True,
        options=options,
    )


RECIPES: tuple[Recipe, ...] = (
    BASELINE,
    WITH_TRIPLET,
    TA,
    EMBEDDING,
    CA,
    MINMAX,
    TACAN,
    _tested("unit-weights", "row 5's network tested with every clip's weight one", gate="unit"),
    _tested(
        "weighted-mean", "row 5's network tested with weights that sum to one", normalise="sum"
    ),
    replace(
        TACAN,
        name="tacan/short",
        summary="a quarter of the epochs",
        table="",
        row="",
        base="tacan",
        control=True,
        schedule=Schedule(epochs=200, milestones=(50, 100, 150)),
    ),
)
