"""TRSA: the five rows of Table 1, and the readings that its equations leave open.

Each row adds one thing to the one before: the triplet loss, the spatial attention, its penalty,
focal loss in place of cross-entropy (the last row's printed name drops the triplet; its text
keeps it). The full model is `trsa`.

The paper does not say
* P and K: 8 identities of 2 clips (each has two tracklets); 15-frame clips of ResNet-50 maps take
  64 MB of activations a frame;
* what an epoch is: each identity once. Random frames are taken uniformly, without replacement
  where there are enough;
* which frames are tested: all, as clips of one frame, whose mean is exact. The other
  reading is one clip of 15: `frames="sparse_even_first_of_segment"`, `length=15` in the test.

On the small networks clips have 4 frames, as everywhere; since the penalty is about the frames of
a clip, its pair of rows also exists with 15 (+).
"""

from dataclasses import replace

from reidlib.recipes.core import Augment, Loss, Recipe, Sampler, Schedule, Test

TRIPLET = Loss("batch_hard_triplet", options={"distance": "plain", "margin": 0.3})
FOCAL = Loss("focal", options={"form": "softmax", "gamma": 2.0})

BASELINE = Recipe(
    name="trsa-1/baseline",
    summary="average pooling in space and time, cross-entropy",
    model="trsa",
    paper="trsa",
    table="trsa-1",
    row="Baseline",
    options={"attention": None},
    losses=(Loss("cross_entropy"),),
    clip_length=15,
    frames="random",
    sampler=Sampler(identities=8, clips=2, mode="one_pass"),
    augment=Augment(flip=0.5),
    schedule=Schedule(epochs=600, milestones=(200, 400)),
    test=Test(frames="all_frames_strided", length=1, distance="euclidean"),
)
WITH_TRIPLET = replace(
    BASELINE,
    name="trsa-1/triplet",
    summary="plus batch-hard triplet loss",
    row="Baseline + L_v",
    base="trsa-1/baseline",
    losses=(Loss("cross_entropy"), TRIPLET),
)
SAM = replace(
    WITH_TRIPLET,
    name="trsa-1/sam",
    summary="plus parameter-free spatial attention, temperature sqrt(C)",
    row="Baseline + L_v + SAM",
    base="trsa-1/triplet",
    options={"attention": "sqrt"},
)
REG = replace(
    SAM,
    name="trsa-1/sam-reg",
    summary="plus the penalty over the attention of a clip, weight 1",
    row="Baseline + L_v + SAM + Reg",
    base="trsa-1/sam",
    penalties={"regularisation": 1.0},
)
TRSA = replace(
    REG,
    name="trsa",
    summary="full model: focal loss in place of cross-entropy",
    row="Baseline + L_f + SAM + Reg",
    base="trsa-1/sam-reg",
    losses=(FOCAL, TRIPLET),
)


def _control(base: Recipe, name: str, row: str, **changes: object) -> Recipe:
    """A row of ours: `base` with `changes`."""
    named = replace(base, name=f"trsa-1/{name}", row=row, summary=row, base=base.name, control=True)
    return replace(named, **changes)  # type: ignore[arg-type]


def _longer(row: Recipe, base: str) -> Recipe:
    """`row` with the paper's 15 frames a clip on the small networks too."""
    name, text = row.name.removeprefix("trsa-1/"), f"{row.row}, clips of 15 frames at every size"
    return replace(_control(row, f"{name}-15", text, small_clip_length=15), base=base)


def _attention(form: str, name: str, row: str, of: Recipe = TRSA) -> Recipe:
    return _control(of, name, row, options={"attention": form})


def _focal(form: str, name: str, row: str) -> Recipe:
    loss = replace(FOCAL, options={**FOCAL.options, "form": form})
    return _control(TRSA, name, row, losses=(loss, TRIPLET))


RECIPES: tuple[Recipe, ...] = (
    BASELINE,
    WITH_TRIPLET,
    SAM,
    REG,
    TRSA,
    _attention("sum", "as-printed", "attention as printed, temperature 1"),
    _attention("sum", "sam-as-printed", "plus SAM as printed, temperature 1", SAM),
    replace(
        _attention("sum", "sam-reg-as-printed", "plus Reg, SAM as printed, temperature 1", REG),
        base="trsa-1/sam-as-printed",
    ),
    _attention("mean", "mean", "attention over the channel mean, temperature C"),
    _attention("linear", "linear", "attention R / sum R, without softmax"),
    _focal("sigmoid_true", "focal-sigmoid-true", "focal loss as printed, true logit only"),
    _focal("sigmoid_ova", "focal-sigmoid-ova", "focal loss one-versus-all"),
    _longer(SAM, base=SAM.name),
    _longer(REG, base="trsa-1/sam-15"),
)
