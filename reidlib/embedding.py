"""From tracklets to embeddings, in a stream.

Of the pixels only chunks of clips are ever held, of one long tracklet or of many short ones, and a
tracklet is pooled as soon as its last clip has passed. The chunk size changes memory and speed; the
embeddings it changes in their last digits only (matrix products round by their shape).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from reidlib.data.ahead import ahead
from reidlib.data.sampling import TEST_RULES
from reidlib.data.tracklets import FrameSource, Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.models.output import Output, join
from reidlib.recipes.core import Test

Transform = Callable[[Tensor], Tensor]  # uint8 clips (b, t, 3, h, w) -> what the model sees


def embed_tracklets(
    model: nn.Module,
    dataset: TrackletDataset,
    tracklets: Sequence[Tracklet],
    *,
    progress: bool = True,
    **how: Any,
) -> Tensor:
    """Embeddings (n, d), float32 on the CPU, of n tracklets in their order.

    how: keywords of `stream_embeddings`, of which clip_length and transform must be given.
    """
    stream = stream_embeddings(model, dataset, tracklets, **how)
    bar = tqdm(stream, total=len(tracklets), unit="tracklet", delay=2, disable=not progress)
    found = list(bar)
    return torch.stack(found) if found else torch.empty(0, 0)


def stream_embeddings(
    model: nn.Module,
    dataset: TrackletDataset,
    tracklets: Sequence[Tracklet],
    *,
    clip_length: int,
    transform: Transform,
    test: Test | None = None,
    device: torch.device | str = "cpu",
    chunk: int = 32,
    threads: int | None = None,
) -> Iterator[Tensor]:
    """The embedding (d,) of each tracklet in turn.

    clip_length: frames a clip, unless the test says otherwise.
    chunk: clips a forward pass; memory grows with it, not with the length of a tracklet.
    threads: that read frames, each a chunk ahead; one for stored frames, else one a core.
    The model is moved to `device` and left there, in the mode it came in.
    """
    test = test or Test()
    model.to(device)
    threads = threads or (1 if hasattr(dataset.frames, "pixels") else os.cpu_count() or 1)
    maps: tuple[str, ...] = getattr(model, "pool_maps", ())
    parts: list[Output] = []  # of the tracklet whose clips are passing
    chunks = _chunks(tracklets, test, test.length or clip_length, chunk)
    stream = ahead(partial(_read, dataset.frames), chunks, threads=threads, depth=threads + 1)
    with closing(stream):
        for pieces, pixels in stream:
            output = _forward(model, pixels, transform, device)
            start = 0
            for piece in pieces:
                own = slice(start, start := start + len(piece.frames))
                seen = {name: output.maps[name][own] for name in maps}
                parts.append(Output(output.embedding[own], maps=seen))
                if piece.last:
                    yield _pooled(model, join(parts, maps), piece.tracklet)
                    parts = []


@dataclass(frozen=True)
class Piece:
    """Some clips of one tracklet: frames (k, t); last if no more of it follow."""

    tracklet: Tracklet
    frames: NDArray[np.intp]
    last: bool


def _chunks(
    tracklets: Sequence[Tracklet], test: Test, length: int, chunk: int
) -> Iterator[list[Piece]]:
    """All clips of all tracklets in order, `chunk` at a time (the last time fewer)."""
    if test.frames not in TEST_RULES:
        raise ReidError(f"no frame rule {test.frames!r}; there are {', '.join(TEST_RULES)}")
    held: list[Piece] = []
    room = chunk
    for tracklet in tracklets:
        if not len(tracklet):
            raise ReidError(f"tracklet {tracklet.row} (identity {tracklet.raw_pid}) has no frames")
        clips = TEST_RULES[test.frames](len(tracklet), length, test.stride, test.tail)
        while len(clips):
            now, clips = clips[:room], clips[room:]
            held.append(Piece(tracklet, now, last=not len(clips)))
            room -= len(now)
            if not room:
                yield held
                held, room = [], chunk
    if held:
        yield held


def _read(source: FrameSource, pieces: list[Piece]) -> tuple[list[Piece], list[Tensor]]:
    """The pixels of each piece, uint8 (k, t, 3, h, w); a frame in several clips is read once."""
    pixels = []
    for piece in pieces:
        wanted, places = np.unique(piece.frames, return_inverse=True)
        frames = source.read(piece.tracklet, wanted.tolist())
        pixels.append(frames[torch.from_numpy(places.reshape(piece.frames.shape))])
    return pieces, pixels


@torch.inference_mode()
def _forward(
    model: nn.Module, pixels: list[Tensor], transform: Transform, device: torch.device | str
) -> Output:
    """The model on all pieces at once; pieces of different size meet after the transform."""
    if len({piece.shape[-2:] for piece in pixels}) == 1:
        clips = transform(torch.cat(pixels).to(device))
    else:
        clips = torch.cat([transform(piece.to(device)) for piece in pixels])
    with _evaluating(model):
        output: Output = model(clips)
    return output


@torch.inference_mode()
def _pooled(model: nn.Module, clips: Output, tracklet: Tracklet) -> Tensor:
    with _evaluating(model):
        embedding: Tensor = model.pool(clips).float().cpu()  # type: ignore[operator]
    if not embedding.isfinite().all():
        raise ReidError(
            f"the model's embedding of tracklet {tracklet.row} ({tracklet.frames[0]}, ...) "
            "is not finite: its weights are broken"
        )
    return embedding


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode
