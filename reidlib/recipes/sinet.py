"""SINet's Tables 2 and 3, Figure 5, and the controls its claims need (+).

All rows share the paper's training: 8 groups of 4 clips, 4 sparse frames each, Adam at 3e-4
divided by ten after 40, 80 and 120 of 160 epochs, flips and erasing, cross-entropy, batch-hard
triplet on cosines behind the batch normalisation. Rows with SBM add the mutual-information loss,
0.01 times its mean over groups (the program: 0.001 times the sum over 8, 0.008 as a mean).

The paper does not say where the blocks it compares with sit ("the same configurations"): IDM's
two places, and SBM's three as a control. Nor the values on Figure 5's axes, but k = 3 and r = 4.
In the small networks the same rules of place give layer3's blocks 1, 2, 3 and layer2's 1, 2; a
third IDM has no block of its own there and follows the second. IDM's widths are those that the
reduction gives on 64x32 frames (32 channels, 512 positions), at `fine` too. GC's bottleneck is 4
wide, not 2: layer normalisation over two channels would leave only signs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reidlib.models.sinet import PRESETS
from reidlib.recipes.core import Augment, Loss, Recipe, Sampler

TRIPLET = Loss(
    "batch_hard_triplet", options={"distance": "cosine", "margin": 0.3, "own_positive": True}
)
PLAIN = (Loss("cross_entropy"), TRIPLET)
WITH_MI = (*PLAIN, Loss("mutual_information", heads=("projection",), weight=0.01))
NO_IDM: dict[str, Any] = {"idm_blocks": ()}
NO_SBM: dict[str, Any] = {"splits": ()}
NOTHING: dict[str, Any] = {**NO_IDM, **NO_SBM}


def _widths(reduction: int, frames: int = 4) -> dict[str, int]:
    """c' and m' in the small networks: layer2 has 32 channels and 16x8 cells a frame."""
    positions = frames * 16 * 8 // reduction
    return {"hidden_channels": 32 // reduction, "hidden_positions": positions}


FULL = Recipe(
    name="sinet",
    summary="three SBM in layer3, two IDM in layer2",
    model="sinet",
    paper="sinet",
    table="sinet-2",
    row="SINet",
    also=(("sinet-3", "SINet (base. + SBM + IDM)"),),
    base="sinet-2/base",
    small={"idm": _widths(4)},
    losses=WITH_MI,
    frames="sparse",
    sampler=Sampler(8, 4, "chunked_shuffle"),
    augment=Augment(
        flip=0.5,
        erase=0.5,
        erase_mode="clip_same_place",
        erase_aspect=(0.3, 1 / 0.3),
        interpolation="bicubic",
    ),
)
BASE = replace(
    FULL,
    name="sinet-2/base",
    summary="neither SBM nor IDM, no mutual-information loss",
    row="base.",
    also=(("sinet-3", "base."),),
    base="",
    options=NOTHING,
    small={},
    losses=PLAIN,
)
SBM = replace(
    FULL,
    name="sinet-2/sbm",
    summary="base and three SBM, with the mutual-information loss",
    row="+SBM",
    also=(("sinet-3", "base. + SBM"), ("sinet-fig5", "k = 3")),
    options=NO_IDM,
    small={},
)
IDM = replace(
    FULL,
    name="sinet-2/idm",
    summary="base and two IDM",
    row="+IDM",
    also=(("sinet-3", "base. + 2 IDM (Default)"), ("sinet-fig5", "r = 4")),
    options=NO_SBM,
    losses=PLAIN,
)


def _sbm(name: str, summary: str, row: str = "", **changes: Any) -> Recipe:
    """Base + SBM with other options of SBM (`sbm`) or of the recipe; without a row, a control."""
    options = {**SBM.options, **changes.pop("options", {})}
    return replace(
        SBM, name=f"sinet-3/{name}", summary=summary, table="sinet-3", row=row or name, also=(),
        base="sinet-2/sbm", control=not row, options=options, **changes,
    )  # fmt: skip


def _rival(name: str, summary: str, row: str = "", **changes: Any) -> Recipe:
    """Base + a block to compare with."""
    options = {**NOTHING, **changes.pop("options")}
    return replace(
        BASE, name=f"sinet-3/{name}", summary=summary, table="sinet-3", row=row or name, also=(),
        base="sinet-2/base", control=not row, options=options, **changes,
    )  # fmt: skip


def _idm(count: int, where: str, blocks: tuple[int, ...], small: tuple[int, ...]) -> Recipe:
    return replace(
        IDM, name=f"sinet-3/{count}-idm", summary=f"base and {where}", table="sinet-3",
        row=f"base. + {count} IDM", also=(), options={**NO_SBM, "idm_blocks": blocks},
        small={"idm_blocks": small, **IDM.small},
    )  # fmt: skip


TABLE_3: tuple[Recipe, ...] = (
    _rival(
        "non-local", "base and two non-local blocks in IDM's places", "base. + Non-local",
        options={"rival": "non_local"},
    ),
    _rival(
        "non-local-ones", "non-local blocks that average all positions", "base. + Non-local (1)",
        options={"rival": "non_local_ones"},
    ),
    _rival(
        "non-local-inverse", "non-local blocks that prefer the unlike",
        "base. + Non-local (inverse)", options={"rival": "non_local_inverse"},
    ),
    _rival(
        "gc", "base and two global context blocks in IDM's places", "base. + GC block",
        options={"rival": "global_context"}, small={"rival_options": {"hidden": 4}},
    ),
    _sbm(
        "sbm-without-cal", "SBM with neither channel weight", "base. + SBM w/o CAL",
        options={"sbm": {"centre": False, "excitation": False}},
    ),
    _sbm(
        "sbm-without-cpm", "SBM that hands nothing over between frames", "base. + SBM w/o CPM",
        options={"sbm": {"cpm": "none"}},
    ),
    _sbm(
        "sbm-same-position", "three SBM in a row at the middle one's place",
        "base. + SBM (Same Pos.)", options={"sbm_blocks": (4, 4, 4)},
        small={"sbm_blocks": (2, 2, 2)},
    ),
    _idm(1, "one IDM after the last block of layer2", (4,), (2,)),
    _idm(3, "three IDM after the last blocks of layer2", (2, 3, 4), (1, 2, 2)),
)  # fmt: skip

FIGURE_5: tuple[Recipe, ...] = (
    *(
        replace(
            SBM, name=f"sinet-fig5a/{k}", summary=f"SBM with a kernel of {k}x{k}",
            table="sinet-fig5", row=f"k = {k}", also=(), base="sinet-2/sbm",
            options={**NO_IDM, "sbm": {"kernel": k}},
        )
        for k in (1, 5, 7)
    ),
    *(
        replace(
            IDM, name=f"sinet-fig5b/{r}", summary=f"two IDM with c / c' = m / m' = {r}",
            table="sinet-fig5", row=f"r = {r}", also=(), base="sinet-2/idm",
            options={**NO_SBM, "idm": {"reduction": r}}, small={"idm": _widths(r)},
        )
        for r in (2, 8, 16)
    ),
)  # fmt: skip

CONTROLS: tuple[Recipe, ...] = (
    _sbm(
        "sbm-without-mi", "SBM without the mutual-information loss",
        options={"projection": False}, losses=PLAIN,
    ),
    _sbm(
        "sbm-without-l1", "SBM whose attention heads are not normalised at all",
        options={"sbm": {"l1": "none"}},
    ),
    _sbm(
        "sbm-without-head-l1", "SBM whose attention heads do not share out the positions",
        options={"sbm": {"l1": "positions"}},
    ),
    _sbm(
        "sbm-centre-only", "SBM with the centre test, without squeeze-and-excitation",
        options={"sbm": {"excitation": False}},
    ),
    _sbm(
        "sbm-se-only", "SBM with squeeze-and-excitation, without the centre test",
        options={"sbm": {"centre": False}},
    ),
    _sbm("sbm-erase", "SBM that erases what it would dim", options={"sbm": {"erase": True}}),
    _rival(
        "gc-ratio-4", "global context blocks with IDM's reduction for their ratio",
        options={"rival": "global_context", "rival_options": {"ratio": 4}},
        small={"rival_options": {"hidden": 8}},
    ),
    _rival(
        "non-local-layer3", "three non-local blocks in SBM's places",
        options={"rival": "non_local", "rival_stage": "layer3"},
    ),
    replace(
        FULL, name="sinet-3/t8", summary="SINet with clips of eight frames", table="sinet-3",
        row="t8", also=(), base="sinet", control=True, clip_length=8, small_clip_length=8,
        small={"idm": _widths(4, frames=8)},
    ),
    replace(
        FULL, name="sinet/paper", summary="SINet with every equation and batch as printed",
        table="", row="", also=(), base="sinet", control=True, options=PRESETS["paper"],
        small={"idm": {**PRESETS["paper"]["idm"], **_widths(4)}},
        sampler=Sampler(8, 4, "chunked_distinct"),
    ),
    replace(
        FULL, name="sinet/code", summary="SINet with the modules of its authors' program", table="",
        row="",
        also=(), base="sinet", control=True, options=PRESETS["code"],
        small={"idm": _widths(16)},
        backbone={"stem_padding": 0},
        losses=(
            *PLAIN,
            Loss("mutual_information", ("projection",), 0.001, {"reduction": "sum"}),
        ),
    ),
)  # fmt: skip

RECIPES: tuple[Recipe, ...] = (BASE, SBM, IDM, FULL, *TABLE_3, *FIGURE_5, *CONTROLS)
