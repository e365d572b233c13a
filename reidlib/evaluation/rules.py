"""The choices on which public evaluators differ, each by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reidlib.errors import ReidError

CHOICES = {
    "ap": ("hits", "trapezoid"),
    "unmatched": ("skip", "zero"),
    "tie": ("stable", "optimistic", "pessimistic"),
    "camera_rule": ("same_id_same_cam", "none", "exclude_camera"),
    "single_gallery_shot": (None, "draws", "exact"),
}


@dataclass(frozen=True)
class Rules:
    """How ranks become scores. The defaults are the field's usual choice, made deterministic.

    junk_pids: identities whose gallery rows are never ranked (MARS: -1; 0 stays).
    ap: precision at the "hits", or "trapezoid": its mean with the precision one rank earlier.
    unmatched: queries without a true match are left out of the means, or count as zero.
    tie: rows of equal distance keep the gallery's order ("stable"), or true matches stand first
        within a tie ("optimistic"), or last ("pessimistic").
    camera_rule: "same_id_same_cam" does not rank the query's own identity in its own camera;
        "exclude_camera" ranks no row of the query's camera (the MARS paper's text); "none" ranks
        every row, the query itself too if it stands in the gallery.
    single_gallery_shot: the CMC (not mAP, not mINP) is taken with one row per gallery identity, by
        lot ("draws" lots a query, from `seed`) or in expectation ("exact").
    """

    junk_pids: tuple[int, ...] = ()
    ap: Literal["hits", "trapezoid"] = "hits"
    unmatched: Literal["skip", "zero"] = "skip"
    tie: Literal["stable", "optimistic", "pessimistic"] = "stable"
    camera_rule: Literal["same_id_same_cam", "none", "exclude_camera"] = "same_id_same_cam"
    single_gallery_shot: Literal["draws", "exact"] | None = None
    draws: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "junk_pids", tuple(int(pid) for pid in self.junk_pids))
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise ReidError(f"no {name} {value!r}; there are {', '.join(map(str, choices))}")
        if self.draws < 1:
            raise ReidError(f"draws must be at least 1, not {self.draws}")
