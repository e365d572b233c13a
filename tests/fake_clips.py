"""A tiny data set in memory: every identity has a colour of its own, under noise."""

import torch

from reidlib.data.frames import StoredFrames
from reidlib.data.tracklets import Tracklet, TrackletDataset


def fake_dataset(identities=6, tracklets=3, length=5, size=(64, 32), version="1"):
    generator = torch.Generator().manual_seed(0)
    rows, pixels = [], []
    for pid in range(identities):
        colour = torch.randint(40, 216, (3, 1, 1), generator=generator)
        for camid in range(tracklets):
            frames = tuple(f"{pid}-{camid}-{n}" for n in range(length))
            rows.append(Tracklet(len(rows), frames, pid, camid, pid + 1, camid + 1))
            noise = torch.randint(-40, 41, (length, 3, *size), generator=generator)
            pixels.append((colour + noise).clamp(0, 255).to(torch.uint8))
    offsets = torch.arange(len(rows) + 1) * length
    return TrackletDataset(
        name="fake",
        version=version,
        protocol="colours under noise",
        train=tuple(rows),
        query=tuple(rows[::tracklets]),
        gallery=tuple(rows),
        frames=StoredFrames(torch.cat(pixels), offsets),
        settings={"identities": identities},
    )
