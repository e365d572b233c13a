"""What scoring returns, and how it reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reidlib.evaluation.rules import Rules


@dataclass(frozen=True, eq=False)
class Score:
    """How well queries found their people. Fractions, not percent.

    cmc: (max(gallery rows, 50),), index 0 = rank 1: share of counted queries with a true match
        among the first k; it keeps its last value beyond the rows that were ranked.
    map, minp: means over counted queries of `ap`, and of (true matches) / (rank of the last).
    ap: (queries,), NaN where a query has no true match (also where those count as zero).
    first_hit: (queries,), 0-based rank of the first true match, -1 where there is none.
    matches: (queries,), number of true matches.
    counted, total: queries in the means, and all.
    gallery, junk: gallery rows without those of junk identities, and the latter.
    rules: the choices in force; protocol, frames: what was ranked and seen, in the caller's words.
    """

    cmc: NDArray[np.float64]
    map: float
    minp: float
    ap: NDArray[np.float64]
    first_hit: NDArray[np.int64]
    matches: NDArray[np.int64]
    counted: int
    total: int
    gallery: int
    junk: int
    rules: Rules
    protocol: str
    frames: str

    def rank(self, k: int) -> float:
        """CMC@k, k from 1."""
        if k < 1:
            raise ValueError(f"ranks count from 1, not {k}")
        return float(self.cmc[min(k, len(self.cmc)) - 1])

    def summary(self) -> dict[str, Any]:
        """Everything but the arrays, ready for a run record."""
        names = ("map", "minp", "counted", "total", "gallery", "junk", "protocol", "frames")
        return {
            **{f"rank-{k}": self.rank(k) for k in (1, 5, 10, 20)},
            **{name: getattr(self, name) for name in names},
            "rules": {**asdict(self.rules), "junk_pids": list(self.rules.junk_pids)},
        }

    def __str__(self) -> str:
        rules, shot = self.rules, self.rules.single_gallery_shot
        ranks = "  ".join(f"rank-{k} {self.rank(k):.1%}" for k in (1, 5, 10, 20))
        single = rules.ap == "hits" and self.matches.max() == 1
        return (
            ranks
            + (f" (single gallery shot, {shot})" if shot else "")
            + f"  mAP {self.map:.1%}"
            + (" (one true match a query: the mean reciprocal rank)" if single else "")
            + f"  mINP {self.minp:.1%}\n"
            + f"{self.counted:,} of {self.total:,} queries counted, gallery of {self.gallery:,}"
            + (f" ({self.junk:,} junk rows left out)\n" if self.junk else "\n")
            + f"protocol: {self.protocol or 'not stated'}\n"
            + f"frames: {self.frames or 'not stated'}\n"
            + f"AP: {rules.ap}, ties: {rules.tie}, without a match: {rules.unmatched}, "
            + f"cameras: {rules.camera_rule}"
        )
