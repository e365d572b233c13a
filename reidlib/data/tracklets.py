"""The shared types of every data set: tracklets, the frames behind them, and the set as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch


@dataclass(frozen=True, slots=True)
class Tracklet:
    """The frames of one person from one camera.

    `pid` is what training and scoring use: 0..N-1 in training (ascending raw identity), the raw
    identity in query and gallery. `camid` counts from 0. The raw values are those on disk.
    """

    row: int  # stable number of the tracklet in its data set, over all subsets
    frames: tuple[str, ...]  # file names relative to the data set's root, ascending frame number
    pid: int
    camid: int
    raw_pid: int
    raw_camid: int

    def __len__(self) -> int:
        return len(self.frames)


class FrameSource(Protocol):
    """Where pixels come from: rendered and cached, or decoded from the user's files."""

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> torch.Tensor:
        """uint8 (t, 3, h, w), RGB: the frames `indices` (from 0) of the tracklet, in that order."""
        ...


class TruthSource(Protocol):
    """What only rendered data knows. Shapes in `reidlib.data.promenade`."""

    def read(self, tracklet: Tracklet, indices: Sequence[int]) -> dict[str, torch.Tensor]: ...


@dataclass(frozen=True)
class TrackletDataset:
    """Training tracklets, queries and gallery, with the protocol they are scored by."""

    name: str  # "promenade", "mars", ...
    version: str  # changes when the same settings give other pixels or other rows
    protocol: str  # one line that says which variant was loaded
    train: tuple[Tracklet, ...]
    query: tuple[Tracklet, ...]
    gallery: tuple[Tracklet, ...]
    frames: FrameSource
    truth: TruthSource | None = None
    junk_pids: tuple[int, ...] = ()
    split_id: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)  # everything a record must repeat

    @property
    def num_train_pids(self) -> int:
        return len({t.pid for t in self.train})

    @property
    def num_cams(self) -> int:
        subsets = (self.train, self.query, self.gallery)
        return len({t.camid for subset in subsets for t in subset})


def relabel(tracklets: Sequence[Tracklet]) -> tuple[Tracklet, ...]:
    """Training tracklets with identities 0..N-1, in ascending order of the raw identity."""
    labels = {raw: new for new, raw in enumerate(sorted({t.raw_pid for t in tracklets}))}
    return tuple(
        Tracklet(t.row, t.frames, labels[t.raw_pid], t.camid, t.raw_pid, t.raw_camid)
        for t in tracklets
    )
