"""The 43 claims of the five papers that an experiment can decide, and the comparisons they need.

Kinds: S superiority, E equivalence ("does not matter"), M mechanism, C cost. A comparison is a
difference of two recipes' scores; where a claim names a cause, it is the difference under that
illness minus the difference in `clean`. Only comparisons with `decides` carry the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["S", "E", "M", "C"]


@dataclass(frozen=True)
class Comparison:
    """`of` minus `to`: S asks whether it is above zero, E whether it lies within the margin."""

    of: str
    to: str
    illness: str = ""  # then the gain under it minus the gain in `clean`
    kind: Literal["S", "E"] = "S"
    margin: float = 2.0  # points of mAP, for E
    decides: bool = True

    def __str__(self) -> str:
        more = f", {self.illness} minus clean" if self.illness else ""
        return f"{self.of} - {self.to}{more}"


@dataclass(frozen=True)
class Claim:
    """One claim. pending: what its experiment needs besides scores, in words; "" for nothing.

    counted: pairs of recipes whose parameters its cost part compares.
    """

    id: str
    paper: str
    text: str
    printed: str
    kinds: tuple[Kind, ...]
    comparisons: tuple[Comparison, ...] = ()
    pending: str = ""
    counted: tuple[tuple[str, str], ...] = ()


def _s(of: str, *against: str, illness: str = "") -> tuple[Comparison, ...]:
    return tuple(Comparison(of, to, illness) for to in against)


def _also(of: str, *against: str, illness: str = "") -> tuple[Comparison, ...]:
    """Comparisons that are shown and do not decide."""
    return tuple(Comparison(of, to, illness, decides=False) for to in against)


def _e(of: str, *against: str, margin: float = 2.0) -> tuple[Comparison, ...]:
    return tuple(Comparison(of, to, kind="E", margin=margin) for to in against)


_TRSA = (
    Claim(
        "T1", "TRSA", "triplet loss helps", "+7.4 R1 iLIDS-VID, +3.7 PRID-2011", ("S",),
        _s("trsa-1/triplet", "trsa-1/baseline"),
    ),
    Claim(
        "T2", "TRSA", "parameter-free attention helps", "+4.9 R1 iLIDS-VID, +3.0 PRID-2011", ("S",),
        _s("trsa-1/sam", "trsa-1/triplet")
        + _also("trsa-1/sam", "trsa-1/triplet", illness="clutter"),
    ),
    Claim(
        "T3", "TRSA", "the penalty helps, most under occlusion, little in simple scenes",
        "+7.8 R1 iLIDS-VID, +0.3 PRID-2011", ("S",),
        _s("trsa-1/sam-reg", "trsa-1/sam")
        + _s("trsa-1/sam-reg", "trsa-1/sam", illness="occlusion")
        + _also("trsa-1/sam-reg-15", "trsa-1/sam-15"),
    ),
    Claim(
        "T4", "TRSA", "focal loss beats cross-entropy", "+1.4 R1 iLIDS-VID, +0.8 PRID-2011", ("S",),
        _s("trsa", "trsa-1/sam-reg")
        + _also("trsa-1/focal-sigmoid-true", "trsa-1/sam-reg")
        + _also("trsa-1/focal-sigmoid-ova", "trsa-1/sam-reg"),
    ),
    Claim(
        "T5", "TRSA",
        "the penalty makes the frames' attention similar and recovers corrupted regions",
        "no number", ("M",),
        pending="overlap of a clip's maps, and their mass on the person in covered frames",
    ),
    Claim(
        "T6", "TRSA", "the attention has no parameters; 15 frames take 0.0672 s", "0; 0.0672 s",
        ("C",), pending="the time of 15 frames", counted=(("trsa-1/sam", "trsa-1/triplet"),),
    ),
)  # fmt: skip
_RGSA = (
    Claim(
        "R1", "RGSA+RGTR", "the spatial module helps, most on badly framed boxes",
        "+0.8 R1, +1.4 mAP MARS", ("S",),
        _s("rgsa-1/rgsa", "rgsa-1/baseline")
        + _s("rgsa-1/rgsa", "rgsa-1/baseline", illness="misalignment")
        + _also("rgsa-1/rgsa", "rgsa-1/baseline", illness="clutter"),
    ),
    Claim(
        "R2", "RGSA+RGTR", "the temporal module helps", "+1.6 R1, +1.5 mAP MARS", ("S",),
        _s("rgsa-1/rgtr", "rgsa-1/baseline")
        + _also("rgsa-1/rgtr", "rgsa-1/baseline", illness="corruption")
        + _also("rgsa-1/rgtr", "rgsa-1/baseline", illness="occlusion"),
    ),
    Claim(
        "R3", "RGSA+RGTR", "both together beat either", "89.4 R1, 84.0 mAP MARS", ("S",),
        _s("rgsa_rgtr", "rgsa-1/rgsa", "rgsa-1/rgtr"),
    ),
    Claim(
        "R4", "RGSA+RGTR",
        "the relation vector beats the inner product, and is more compact than the difference",
        "+1.0 R1, +1.5 mAP MARS", ("S", "C"),
        _s("rgsa_rgtr", "rgsa-1/inner-product")
        + _also("rgsa_rgtr", "rgsa-1/inner-embedded", "rgsa-1/difference", "rgsa-1/no-relation"),
        counted=(("rgsa_rgtr", "rgsa-1/difference"),),
    ),
    Claim(
        "R5", "RGSA+RGTR", "the reductions r1 and r2 do not matter", "0.3 R1 MARS", ("E",),
        _e("rgsa_rgtr", "rgsa-2/16-128", "rgsa-2/16-256", "rgsa-2/32-128"),
    ),
    Claim(
        "R6", "RGSA+RGTR", "longer clips help, and more frames would help further",
        "88.5 to 89.4 R1 MARS", ("S",),
        _s("rgsa-3/t8", "rgsa-3/t2") + _s("rgsa-3/t16", "rgsa-3/t8")
        + _also("rgsa-3/baseline-t8", "rgsa-3/baseline-t2")
        + _also("rgsa-3/baseline-t16", "rgsa-3/baseline-t8"),
    ),
    Claim(
        "R7", "RGSA+RGTR",
        "attention covers informative regions, more strongly, and finds small people",
        "Figure 4", ("M",), pending="mass of the maps on the visible person and its parts",
    ),
    Claim(
        "R8", "RGSA+RGTR", "frames complement each other", "no number", ("M",),
        pending="distance of clip embeddings with one good frame among bad ones",
    ),
    Claim(
        "R9", "RGSA+RGTR", "the modules help without the triplet loss too",
        "+1.3 R1, +2.6 mAP MARS", ("S",), _s("rgsa-1/both-ce", "rgsa-1/baseline-ce"),
    ),
)  # fmt: skip
_FGRA = (
    Claim(
        "F1", "FGRA", "global and local features complement each other", "Table 2", ("S",),
        _s("fgra-2/gb-avg", "fgra-2/avg", "fgra-2/gb"),
    ),
    Claim(
        "F2", "FGRA", "region alignment helps, under misalignment", "+2.9 R1, +4.3 mAP MARS",
        ("S",),
        _s("fgra-2/ram-avg", "fgra-2/gb-avg")
        + _s("fgra-2/ram-avg", "fgra-2/gb-avg", illness="misalignment")
        + _also("fgra", "fgra-2/shuffled"),
    ),
    Claim(
        "F3", "FGRA", "the alignment score is as good as learned attention", "86.0, 86.3 R1 MARS",
        ("E",), _e("fgra-2/ram-tas", "fgra-2/ram-ta"),
    ),
    Claim(
        "F4", "FGRA", "the consistency term helps, and makes aligned features compact",
        "+0.7 R1, +1.0 mAP MARS", ("S", "M"),
        _s("fgra-2/cr", "fgra-2/ram-tas") + _also("fgra-2/learned-centres", "fgra-2/cr"),
        pending="spread of the aligned features",
    ),
    Claim(
        "F5", "FGRA", "region attention helps", "+0.6 R1, +0.3 mAP MARS", ("S",),
        _s("fgra", "fgra-2/cr") + _also("fgra", "fgra-2/cr-mean"),
    ),
    Claim(
        "F6", "FGRA", "clip length hardly matters (within 5 points, two frames excepted)",
        "Figure 4", ("E",),
        _e("fgra-fig4/length-6", *(f"fgra-fig4/length-{n}" for n in (4, 8, 10)), margin=5.0)
        + _also("fgra-fig4/length-6", "fgra-fig4/length-2")
        + _also("fgra-fig4/tested-6", *(f"fgra-fig4/tested-{n}" for n in (2, 4, 8, 10))),
    ),
    Claim(
        "F7", "FGRA", "four regions are best, eight are unstable", "Figure 4", ("S",),
        _s("fgra", *(f"fgra-fig4/regions-{n}" for n in (1, 2, 8))),
    ),
    Claim(
        "F8", "FGRA", "a region's response falls on the same body part in every frame",
        "Figure 5", ("M",), pending="mass of each region's response on its part's box, by frame",
    ),
    Claim(
        "F9", "FGRA", "several clips relieve a bad reference frame", "no number", ("S",),
        pending="scores with a covered or foreign first frame, one clip against all clips",
    ),
)  # fmt: skip
_TACAN = (
    Claim(
        "C1", "TACAN",
        "triplet, temporal attention, clip attention, min-max loss and SE each help", "Table 1",
        ("S",),
        _s("tacan-1/triplet", "tacan-1/baseline") + _s("tacan-1/ta", "tacan-1/triplet")
        + _s("tacan-1/ca", "tacan-1/ta") + _s("tacan-1/minmax", "tacan-1/ca")
        + _s("tacan", "tacan-1/minmax") + _also("tacan-1/ca", "tacan-1/embedding"),
    ),
    Claim(
        "C2", "TACAN", "complex temporal modelling inside a clip brings little", "+0.6 mAP MARS",
        ("E",), _e("tacan-1/ta", "tacan-1/triplet"),
    ),
    Claim(
        "C3", "TACAN", "clip weights fall under occlusion, not with the background",
        "Figures 4 and 6", ("M",),
        pending="correlation of weights with the covered fraction; change over swapped backgrounds",
    ),
    Claim(
        "C4", "TACAN", "weighted pooling at test helps", "no number", ("S",),
        _s("tacan-1/minmax", "tacan-1/unit-weights")
        + _also("tacan-1/minmax", "tacan-1/weighted-mean"),
    ),
    Claim(
        "C5", "TACAN",
        "the min-max loss clusters people more tightly and makes training more efficient",
        "Table 3, Figure 5", ("M",),
        pending="diameters raw, of unit vectors and relative; steps to a given validation score",
    ),
)  # fmt: skip
_SINET = (
    Claim(
        "S1", "SINet", "SBM helps, IDM helps, both together are best", "Table 2", ("S",),
        _s("sinet-2/sbm", "sinet-2/base") + _s("sinet-2/idm", "sinet-2/base")
        + _s("sinet", "sinet-2/sbm", "sinet-2/idm"),
    ),
    Claim(
        "S2", "SINet", "CAL, CPM and the hierarchy are needed", "Table 3", ("S",),
        _s(
            "sinet-2/sbm", "sinet-3/sbm-without-cal", "sinet-3/sbm-without-cpm",
            "sinet-3/sbm-same-position",
        )
        + _also(
            "sinet-2/sbm", "sinet-3/sbm-centre-only", "sinet-3/sbm-se-only",
            "sinet-3/sbm-without-l1", "sinet-3/sbm-without-head-l1",
        ),
    ),
    Claim(
        "S3", "SINet", "the similarity of non-local blocks is dispensable", "85.1 mAP MARS",
        ("E",), _e("sinet-3/non-local", "sinet-3/non-local-ones", "sinet-3/non-local-inverse"),
    ),
    Claim(
        "S4", "SINet", "IDM beats the GC block, which is a special case of it",
        "85.8, 85.0 mAP MARS", ("S",),
        _s("sinet-2/idm", "sinet-3/gc") + _also("sinet-2/idm", "sinet-3/gc-ratio-4"),
    ),
    Claim(
        "S5", "SINet", "one, two or three IDM do the same", "85.7, 85.8, 85.8 mAP MARS", ("E",),
        _e("sinet-2/idm", "sinet-3/1-idm", "sinet-3/3-idm"),
    ),
    Claim(
        "S6", "SINet", "kernel 3 is best; reduction 4 is best", "Figure 5", ("S",),
        _s("sinet-2/sbm", *(f"sinet-fig5a/{k}" for k in (1, 5, 7)))
        + _s("sinet-2/idm", *(f"sinet-fig5b/{r}" for r in (2, 8, 16))),
    ),
    Claim(
        "S7", "SINet", "suppressing beats erasing", "86.2, 85.1 mAP MARS (TCLNet)", ("S",),
        _s("sinet-2/sbm", "sinet-3/sbm-erase"),
    ),
    Claim(
        "S8", "SINet",
        "attention goes from salient to broad, keeps the salient, does not drift to background",
        "Figures 1 and 6", ("M",),
        pending="coverage of parts, overlap with the first frame and background mass, by frame",
    ),
    Claim(
        "S9", "SINet", "SBM makes a clip's frames less alike, IDM more alike", "no number", ("M",),
        pending="mean cosine between a clip's frame embeddings",
    ),
    Claim(
        "S10", "SINet", "broad cues rescue look-alikes", "Figure 7", ("S", "M"),
        _s("sinet", "sinet-2/base", illness="lookalike")
        + _also("sinet-2/sbm", "sinet-2/base", illness="lookalike"),
        pending="mass of attention on the cue in which look-alikes differ",
    ),
    Claim(
        "S11", "SINet", "the mutual-information loss keeps diversity", "no number", ("S",),
        _s("sinet-2/sbm", "sinet-3/sbm-without-mi"),
    ),
    Claim(
        "S12", "SINet", "eight frames, not the method, explain DenseIL's lead",
        "86.2, 87.0 mAP MARS", ("S",), _s("sinet-3/t8", "sinet"),
    ),
    Claim(
        "S13", "SINet", "IDM learns foreground and silhouette, with negative weights", "no number",
        ("M",),
        pending="correlation of its position maps with the mean mask; share of negative entries",
    ),
    Claim(
        "S14", "SINet", "IDM costs 1.081 G, SBM 0.014 G, non-local 2.216 G multiply-adds",
        "1.081, 0.014, 2.216 G", ("C",),
    ),
)  # fmt: skip

CLAIMS: tuple[Claim, ...] = (*_TRSA, *_RGSA, *_FGRA, *_TACAN, *_SINET)
