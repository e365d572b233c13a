"""Batches a second, from stored frames and from files, and the share of time training waits.

python tests/benchmarks/loading.py [--height 64 --width 32]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from reidlib.data.frames import ImageFiles, StoredFrames
from reidlib.data.loading import ClipLoader
from reidlib.data.sampling import PKSampler
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.data.transforms import augment, draw
from reidlib.models.backbone import small
from reidlib.recipes.core import Augment

PEOPLE, TRACKLETS, FRAMES, CLIP = 50, 4, 40, 4


def stored(size: tuple[int, int]) -> TrackletDataset:
    rows = PEOPLE * TRACKLETS
    pixels = torch.randint(0, 256, (rows * FRAMES, 3, *size), dtype=torch.uint8)
    train = tuple(
        Tracklet(row, tuple(f"{row}/{i}.jpg" for i in range(FRAMES)), row // TRACKLETS, 0, 0, 1)
        for row in range(rows)
    )
    source = StoredFrames(pixels, torch.arange(rows + 1) * FRAMES)
    return TrackletDataset("noise", "1", "", train, (), (), source)


def on_disk(data: TrackletDataset, root: Path, size: tuple[int, int]) -> TrackletDataset:
    from PIL import Image

    for tracklet in data.train:
        (root / str(tracklet.row)).mkdir()
        clip = data.frames.read(tracklet, range(FRAMES)).permute(0, 2, 3, 1).numpy()
        for name, frame in zip(tracklet.frames, clip):
            Image.fromarray(frame).save(root / name, quality=90)
    return replace(data, frames=ImageFiles(root, size))


def rate(data: TrackletDataset, batches: int) -> float:
    loader = ClipLoader(data, PKSampler(data.train, 8, 4), "random", CLIP)
    for _ in loader.stream(0, 5):
        pass
    start = time.perf_counter()
    for _ in loader.stream(0, batches):
        pass
    return batches / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=64)
    parser.add_argument("--width", type=int, default=32)
    options = parser.parse_args()
    size = (options.height, options.width)
    data = stored(size)
    print(f"batches of 32 clips of {CLIP} frames, {size[0]}x{size[1]}")
    print(f"stored frames: {rate(data, 200):8.1f} batches/s")
    with tempfile.TemporaryDirectory() as folder:
        print(f"JPEG files:    {rate(on_disk(data, Path(folder), size), 30):8.1f} batches/s")

    how = Augment(flip=0.5, crop=0.5, erase=0.5)
    clips = ClipLoader(data, PKSampler(data.train, 8, 4), "random", CLIP).batch(0).clips
    times = []
    for step in range(20):
        start = time.perf_counter()
        augment(clips, draw(how, range(32), CLIP, size, seed=0, step=step), how, size)
        times.append(time.perf_counter() - start)
    print(f"flip, crop, erase, normalise: {np.median(times) * 1e3:.1f} ms a batch")

    network = small()
    loader = ClipLoader(data, PKSampler(data.train, 8, 4), "random", CLIP)
    start = time.perf_counter()
    for batch in loader.stream(0, 15):
        draws = draw(how, batch.slots.tolist(), CLIP, size, seed=0, step=batch.step)
        maps, _ = network(augment(batch.clips, draws, how, size))
        maps.mean().backward()
    each = (time.perf_counter() - start) / 15
    print(f"training the small network: {each * 1e3:.0f} ms a step, {loader.waiting:.2%} waiting")


if __name__ == "__main__":
    main()
