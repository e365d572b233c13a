"""Which gallery rows a query is compared with, and which of them are its true matches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from reidlib.errors import ReidError
from reidlib.evaluation.rules import Rules

Indices = NDArray[np.intp]


class Candidates:
    """The gallery as each query sees it, after junk and the camera rule."""

    def __init__(
        self,
        query_pids: ArrayLike | Tensor,
        gallery_pids: ArrayLike | Tensor,
        query_camids: ArrayLike | Tensor,
        gallery_camids: ArrayLike | Tensor,
        rules: Rules,
    ) -> None:
        self.rule = rules.camera_rule
        self.pids, self.camids = _pair(query_pids, query_camids, "query")
        self.gallery_pids, self.gallery_camids = _pair(gallery_pids, gallery_camids, "gallery")
        is_junk = np.isin(self.gallery_pids, rules.junk_pids)
        self.junk = np.flatnonzero(is_junk)
        # Rows sorted by identity: one identity's rows are a slice, in ascending order.
        real = np.flatnonzero(~is_junk)
        self._by_pid = real[np.argsort(self.gallery_pids[real], kind="stable")]
        ordered = self.gallery_pids[self._by_pid]
        self._start = np.searchsorted(ordered, self.pids, "left")
        self._stop = np.searchsorted(ordered, self.pids, "right")
        self._unranked = {int(camid): self.junk for camid in np.unique(self.camids)}
        if self.rule == "exclude_camera":
            for camid in self._unranked:
                self._unranked[camid] = np.flatnonzero(is_junk | (self.gallery_camids == camid))

    def of(self, query: int) -> tuple[Indices, Indices, Indices]:
        """(true matches, all rows of the identity, rows not ranked), gallery indices ascending."""
        same = self._by_pid[self._start[query] : self._stop[query]]
        camid = self.camids[query]
        true = same if self.rule == "none" else same[self.gallery_camids[same] != camid]
        return true, same, self._unranked[int(camid)]


def to_array(values: ArrayLike | Tensor) -> NDArray[Any]:
    """Numpy's view of an array or tensor on any device; bfloat16, which numpy lacks, widened."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)


def _pair(
    pids: ArrayLike | Tensor, camids: ArrayLike | Tensor, whose: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = []
    for name, values in (("pids", to_array(pids)), ("camids", to_array(camids))):
        if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
            raise ReidError(
                f"{whose} {name} are whole numbers (n,), not {values.dtype} {values.shape}"
            )
        found.append(values.astype(np.int64))
    if len(found[0]) != len(found[1]):
        raise ReidError(f"{len(found[0])} {whose} pids, but {len(found[1])} {whose} camids")
    if not len(found[0]):
        raise ReidError(f"nothing to score: the {whose} set is empty (0 rows)")
    return found[0], found[1]
