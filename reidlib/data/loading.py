"""Training batches by step number, assembled in the background as uint8.

A batch is a function of (seed, step): a run that was killed finds the very batches it would have
seen. Nothing is normalised here: bytes are a quarter of the floats, and the device does the rest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import torch
from torch import Tensor

from reidlib.data.ahead import ahead
from reidlib.data.frames import gather
from reidlib.data.sampling import FRAMES, TRAIN_RULES, PKSampler, generator
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError


@dataclass(frozen=True)
class Batch:
    """b clips of t frames, K neighbours of one identity."""

    step: int
    clips: Tensor  # uint8 (b, t, 3, h, w)
    pids: Tensor  # (b,) 0..N-1
    camids: Tensor  # (b,)
    rows: Tensor  # (b,) of the tracklets in their data set
    frames: Tensor  # (b, t) which frames of the tracklets
    slots: Tensor  # (b,) places in the whole batch, what `transforms.draw` asks for

    def to(self, device: torch.device | str) -> Batch:
        """The same with what a loss or a model reads on `device`."""
        clips, pids, camids = (
            x.to(device, non_blocking=True) for x in (self.clips, self.pids, self.camids)
        )
        return replace(self, clips=clips, pids=pids, camids=camids)


class ClipLoader:
    """Batches of clips of a data set's training tracklets.

    Args:
        sampler: over `dataset.train`, in that order.
        rule: how a tracklet's frames are chosen, a name of `sampling.TRAIN_RULES`.
        clip_length: frames of a clip.
        part: (i, n) to make the i-th of n equal shares of each batch, for several processes.
        threads: that make batches; one for stored frames, one a core for image files.
        depth: batches made ahead.
    Attributes:
        waiting: share of the time since `stream` began that was spent waiting for a batch.
    """

    def __init__(
        self,
        dataset: TrackletDataset,
        sampler: PKSampler,
        rule: str,
        clip_length: int,
        seed: int = 0,
        *,
        part: tuple[int, int] = (0, 1),
        threads: int | None = None,
        depth: int | None = None,
    ) -> None:
        if rule not in TRAIN_RULES:
            raise ReidError(f"no frame rule {rule!r}; there are {', '.join(TRAIN_RULES)}")
        size = sampler.identities * sampler.clips
        if size % part[1]:
            raise ReidError(f"a batch of {size} clips cannot be shared by {part[1]} processes")
        if sum(map(len, sampler.members)) != len(dataset.train):
            raise ValueError("the sampler was built over other tracklets than dataset.train")
        share = size // part[1]
        self.slots = np.arange(part[0] * share, (part[0] + 1) * share)
        self.items, self.source, self.sampler = dataset.train, dataset.frames, sampler
        self.pixels = getattr(self.source, "pixels", None)  # frames that are stored lie in one
        self.offsets = getattr(self.source, "offsets", None)  # tensor and are fetched at once
        self.rule: Callable = TRAIN_RULES[rule]
        self.clip_length, self.seed = clip_length, seed
        self.threads = threads or (1 if self.pixels is not None else os.cpu_count() or 1)
        self.depth = depth or self.threads + 1
        self.waiting = 0.0

    def batch(self, step: int) -> Batch:
        """Batch `step`, counted from 0 over all epochs."""
        positions = self.sampler.batch(step)[self.slots]
        items = [self.items[i] for i in positions]
        frames = np.stack(
            [
                self.rule(len(item), self.clip_length, generator(self.seed, FRAMES, step, slot))
                for item, slot in zip(items, self.slots.tolist())
            ]
        )
        rows = np.array([item.row for item in items])
        starts = np.array([getattr(item, "start", 0) for item in items])  # of pieces, see `chop`
        if self.pixels is not None and self.offsets is not None:
            clips = gather(self.pixels, self.offsets, rows, frames + starts[:, None])
        else:
            clips = torch.stack([self.source.read(t, f.tolist()) for t, f in zip(items, frames)])
        return Batch(
            step,
            clips,
            torch.tensor([item.pid for item in items]),
            torch.tensor([item.camid for item in items]),
            torch.from_numpy(rows),
            torch.from_numpy(frames + starts[:, None]),
            torch.from_numpy(self.slots),
        )

    def stream(self, start: int = 0, stop: int | None = None) -> Generator[Batch]:
        """Batches `start` to `stop` (without end if None), made ahead while others are used."""
        steps = count(start) if stop is None else range(start, stop)
        batches = ahead(self.batch, steps, threads=self.threads, depth=self.depth)
        began, waited = time.perf_counter(), 0.0
        with closing(batches):
            while True:
                asked = time.perf_counter()
                batch = next(batches, None)
                now = time.perf_counter()
                waited += now - asked
                self.waiting = waited / max(now - began, 1e-9)
                if batch is None:
                    return
                yield batch
