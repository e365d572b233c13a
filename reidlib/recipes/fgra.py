"""FGRA: the eight rows of Table 2, both halves of Figure 4, and the controls its claims need (+).

All rows share the paper's training: 16 identities of 4 clips, 6 neighbouring frames each, one draw
of crop, flip and erasing box a clip, Adam at 3e-4 divided by ten after 100 and 200 of 300 epochs.
Every identity loss is cross-entropy plus batch-hard triplet at margin 0.5; regions or templates
have their own, a mean over the four. At test: windows that overlap by half, their mean, cosine.

The paper does not say
* that a clip's frames are neighbours; it says that test windows are 3 apart and overlap by half,
  which with 6 frames is the same only if they are;
* what an epoch is: each identity once. How often frames are erased: half of the clips, to the mean;
* which other lengths Figure 4 has beside 2 and 6: here 2, 4, 6, 8, 10.

Eq. 3 is a sum, so at a fixed weight the penalty grows with N and N_s along Figure 4: points named
"-scaled" hold it at the strength of 6 frames and 4 regions. In the small networks, with their 128
channels instead of 2048, every row keeps the strength that it has at the paper's size. There clips
have 4 frames except where length is the question, and c, c_t are the same shares of the channels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reidlib.recipes.core import Augment, Loss, Recipe, Sampler, Schedule, Test

LENGTHS, REGIONS = (2, 4, 6, 8, 10), (1, 2, 4, 8)
FRAMES, STRIPES, CHANNELS = 6, 4, 2048  # what the penalty's weight was chosen for
WEIGHT = 5e-4


def _identity(head: str) -> tuple[Loss, ...]:
    triplet = {"distance": "plain", "margin": 0.5}
    return (
        Loss("cross_entropy", heads=(head,)),
        Loss("batch_hard_triplet", heads=(head,), options=triplet),
    )


def _small(frames: int = FRAMES, regions: int = STRIPES) -> dict[str, Any]:
    return {"embed": 64, "region_embed": 16, "consistency_terms": frames * regions * CHANNELS}


AVG = Recipe(
    name="fgra-2/avg",
    summary="stripe means of every frame, averaged over time, joined",
    model="fgra",
    paper="fgra",
    table="fgra-2",
    row="1. AVG",
    options={"global_branch": False, "local": "stripes", "temporal": "mean", "readout": "concat"},
    small=_small(),
    losses=_identity("clip") + _identity("regions"),
    clip_length=FRAMES,
    frames="contiguous",
    sampler=Sampler(identities=16, clips=4, mode="one_pass"),
    augment=Augment(
        flip=0.5, crop=1.0, erase=0.5, erase_mode="clip_same_box", erase_fill=(0.0, 0.0, 0.0)
    ),
    schedule=Schedule(epochs=300, milestones=(100, 200)),
    test=Test(frames="overlap", distance="cosine"),
    backbone={"last_stride": 2},
)
GB = replace(
    AVG,
    name="fgra-2/gb",
    summary="the global branch alone, with temporal attention",
    row="2. GB",
    base=AVG.name,
    options={"local": "none"},
    losses=_identity("clip"),
)
GB_AVG = replace(
    AVG,
    name="fgra-2/gb-avg",
    summary="plus the global branch",
    row="3. GB+AVG",
    base=AVG.name,
    options={**AVG.options, "global_branch": True},
)
RAM_AVG = replace(
    GB_AVG,
    name="fgra-2/ram-avg",
    summary="regions aligned by the first frame's, in place of stripes",
    row="4. GB+RAM+AVG",
    base=GB_AVG.name,
    options={"temporal": "mean", "readout": "concat"},
    losses=_identity("clip") + _identity("templates"),
)
RAM_TA = replace(
    RAM_AVG,
    name="fgra-2/ram-ta",
    summary="learned attention over a region's frames in place of their mean",
    row="5. GB+RAM+TA",
    base=RAM_AVG.name,
    options={"temporal": "attention", "readout": "concat"},
)
RAM_TAS = replace(
    RAM_AVG,
    name="fgra-2/ram-tas",
    summary="the alignment score in place of learned attention",
    row="6. GB+RAM+TAS",
    base=RAM_TA.name,
    options={"readout": "concat"},
)
CR = replace(
    RAM_TAS,
    name="fgra-2/cr",
    summary="plus the consistency penalty, weight 5e-4",
    row="7. GB+RAM+TAS+CR",
    base=RAM_TAS.name,
    penalties={"consistency": WEIGHT},
)
FGRA = replace(
    CR,
    name="fgra",
    summary="full model: attention over regions in place of joining them",
    row="8. GB+RAM+TAS+CR+SA",
    also=(("fgra-fig4", "4 regions"),),
    base=CR.name,
    options={},
)


def _point(kind: str, value: int, scaled: bool = False) -> Recipe:
    """A point of Figure 4: the full model with `value` frames or regions."""
    frames, regions = (value, STRIPES) if kind == "length" else (FRAMES, value)
    what = f"{value} frames" if kind == "length" else f"{value} region{'s' * (value > 1)}"
    changes: dict[str, Any] = {"options": {"regions": regions}, "small": _small(frames, regions)}
    if kind == "length":
        changes |= {"clip_length": value, "small_clip_length": value}
    if scaled:  # the number of terms is then the full model's, at every size
        changes |= {"small": _small(), "control": True}
        changes["options"] |= {"consistency_terms": FRAMES * STRIPES * CHANNELS}
    return replace(
        FGRA,
        name=f"fgra-fig4/{kind}-{value}{'-scaled' * scaled}",
        summary=what + (", the penalty as strong as with 6 frames and 4 regions" * scaled),
        table="fgra-fig4",
        row=what + ", scaled" * scaled,
        also=(),
        base=FGRA.name,
        **changes,
    )


def _control(name: str, summary: str, base: Recipe = FGRA, **changes: Any) -> Recipe:
    return replace(
        base,
        name=name,
        summary=summary,
        table=name.split("/")[0],
        row=summary,
        also=(),
        base=base.name,
        control=True,
        **changes,
    )


RECIPES: tuple[Recipe, ...] = (
    AVG,
    GB,
    GB_AVG,
    RAM_AVG,
    RAM_TA,
    RAM_TAS,
    CR,
    FGRA,
    _control(
        "fgra-2/cr-mean",
        "regions averaged, then reduced, so that attention changes weights alone",
        base=CR,
        options={"readout": "mean"},
    ),
    _control(
        "fgra-2/learned-centres",
        "row 7 with a learned centre for each identity and region, at a rate of 0.03",
        base=CR,
        options={**CR.options, "centres": "learned"},
        losses=(*CR.losses, Loss("center", heads=("centres",), weight=WEIGHT)),
        penalties={},
        schedule=replace(CR.schedule, rates={"centres.": 0.03}),
    ),
    _control(
        "fgra-2/shuffled",
        "the full model's weights on frames whose cells are shuffled for the alignment",
        options={"shuffled": 0},
        weights_of=FGRA.name,
    ),
    *(_point("length", n) for n in LENGTHS),
    *(_point("regions", n) for n in REGIONS if n != STRIPES),
    *(_point("length", n, scaled=True) for n in LENGTHS if n != FRAMES),
    *(_point("regions", n, scaled=True) for n in REGIONS if n != STRIPES),
    *(
        _control(
            f"fgra-fig4/tested-{n}",
            f"the full model's weights, tested on clips of {n} frames",
            test=replace(FGRA.test, length=n),
            weights_of=FGRA.name,
        )
        for n in LENGTHS
    ),
)
