"""Every claim that wants more than scores, and the measurement that decides it.

    record = measure("T5", Lab())          # needs the trained models of `MECHANISMS["T5"].recipes`

What is asked of the numbers, and what the claim says of them, stands in `claims.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from reidlib.errors import ReidError
from reidlib.experiments.mechanisms.core import Lab, Readings

HERE = "reidlib.experiments.mechanisms"


@dataclass(frozen=True)
class Mechanism:
    """measure: "module:function" of this package; recipes: whose trained weights it looks at."""

    measure: str
    recipes: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        return f"{HERE}.{self.measure.split(':')[0]}"

    @property
    def function(self) -> Callable[[Lab], Readings]:
        found: Callable[[Lab], Readings] = getattr(
            import_module(self.module), self.measure.split(":")[1]
        )
        return found


MECHANISMS: dict[str, Mechanism] = {
    "T5": Mechanism(
        "trsa:penalty", ("trsa-1/triplet", "trsa-1/sam", "trsa-1/sam-reg"),
        ("clean", "occlusion", "street"),
    ),
    "T6": Mechanism("trsa:cost"),
    "R7": Mechanism(
        "rgsa_rgtr:framing", ("rgsa-1/baseline", "rgsa-1/rgsa"),
        ("clean", "misalignment", "street"),
    ),
    "R8": Mechanism(
        "rgsa_rgtr:one_good_frame", ("rgsa-1/rgsa", "rgsa_rgtr"), ("clean", "corruption everywhere")
    ),
    "F3": Mechanism(
        "fgra:frame_weights", ("fgra-2/ram-tas", "fgra"), ("occlusion", "corruption everywhere")
    ),
    "F4": Mechanism("fgra:compactness", ("fgra-2/ram-tas", "fgra-2/cr"), ("street",)),
    "F8": Mechanism("fgra:regions", ("fgra",), ("clean", "misalignment", "street")),
    "F9": Mechanism("fgra:first_frame", ("fgra-2/gb-avg", "fgra"), ("street",)),
    "C3": Mechanism(
        "tacan:weights", ("tacan",),
        ("clean", "occlusion", "other backgrounds", "corruption everywhere"),
    ),
    "C5": Mechanism("tacan:clusters", ("tacan-1/ca", "tacan-1/minmax"), ("street",)),
    "S2": Mechanism("sinet:heads", ("sinet-2/sbm", "sinet-3/sbm-without-l1"), ("street",)),
    "S8": Mechanism(
        "sinet:salient_to_broad", ("sinet-2/base", "sinet-3/non-local", "sinet-2/sbm"),
        ("clean", "lookalike", "street"),
    ),
    "S9": Mechanism("sinet:diversity", ("sinet-2/base", "sinet-2/sbm", "sinet-2/idm"), ("street",)),
    "S10": Mechanism("sinet:cues", ("sinet-2/base", "sinet-2/sbm", "sinet"), ("lookalike",)),
    "S13": Mechanism("sinet:silhouettes", ("sinet-2/idm",), ("street",)),
}  # fmt: skip


def mechanism(claim: str) -> Mechanism:
    """The measurement of a claim, or a ReidError with those that have one."""
    if claim not in MECHANISMS:
        raise ReidError(f"claim {claim!r} has no measurement here; {', '.join(MECHANISMS)} have")
    return MECHANISMS[claim]


__all__ = ["MECHANISMS", "Lab", "Mechanism", "Readings", "mechanism"]
