"""Embeddings kept on disk: made in parts, resumed, found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.embedding import Transform, stream_embeddings
from reidlib.errors import ReidError
from reidlib.files import whole_file, writable_folder, write_text
from reidlib.recipes.core import Test

WHOLE, RECORD = "embeddings.safetensors", "record.json"
FREE = ("chunk", "torch")  # may differ between the parts of an interrupted extraction


class Embeddings(NamedTuple):
    """What `extract` leaves: of n tracklets, in the order they were given."""

    embeddings: Tensor  # (n, d) float32
    rows: Tensor  # (n,) of the tracklets in their data set
    pids: Tensor  # (n,)
    camids: Tensor  # (n,)
    record: dict[str, Any]  # what made them


def extract(
    model: nn.Module,
    dataset: TrackletDataset,
    tracklets: Sequence[Tracklet],
    folder: Path,
    *,
    clip_length: int,
    transform: Transform,
    test: Test | None = None,
    part: int = 512,
    chunk: int = 32,
    progress: bool = True,
    **how: Any,
) -> Embeddings:
    """The embeddings of tracklets, kept in `folder`: stopped at any moment, it goes on from there.

    part: tracklets a file; each is written whole or not at all. No chunk of clips reaches over two
    parts, so an interrupted extraction ends with the bits of an uninterrupted one. At the end the
    parts become embeddings.safetensors; record.json beside it says what made them.
    how: further keywords of `stream_embeddings`.
    Raises ReidError for a folder of other embeddings, naming the difference.
    """
    from safetensors.torch import save_file

    if not tracklets:
        raise ReidError(f"there are no tracklets to embed for {folder}")
    how |= {"clip_length": clip_length, "transform": transform, "test": test, "chunk": chunk}
    record = _record(model, dataset, tracklets, clip_length, transform, test or Test())
    _claim(writable_folder(folder), record | {"part": part, "chunk": chunk})
    if (folder / WHOLE).is_file():
        return load(folder)
    paths = []
    bar = tqdm(total=len(tracklets), unit="tracklet", delay=2, disable=not progress)
    with bar:
        for start in range(0, len(tracklets), part):
            path = folder / f"part-{start:07d}.safetensors"
            some = tracklets[start : start + part]
            if not path.is_file():
                found = []
                for embedding in stream_embeddings(model, dataset, some, **how):
                    found.append(embedding)
                    bar.update()
                with whole_file(path) as temporary:
                    save_file({"embeddings": torch.stack(found)}, temporary)
            paths.append(path)
            bar.update(start + len(some) - bar.n)
    tensors = {"embeddings": torch.cat([_tensors(path)["embeddings"] for path in paths])}
    for name in ("row", "pid", "camid"):
        tensors[f"{name}s"] = torch.tensor([getattr(t, name) for t in tracklets])
    with whole_file(folder / WHOLE) as temporary:
        save_file(tensors, temporary)
    for path in paths:
        path.unlink()
    return load(folder)


def load(folder: Path) -> Embeddings:
    """The embeddings that `extract` left in a folder."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReidError(f"{path} cannot be read ({error}): name a folder of embeddings") from error
    return Embeddings(**_tensors(folder / WHOLE), record=record)


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ReidError(f"{path} cannot be read ({error}): remove it and extract again") from error


def _record(
    model: nn.Module,
    dataset: TrackletDataset,
    tracklets: Sequence[Tracklet],
    clip_length: int,
    transform: Transform,
    test: Test,
) -> dict[str, Any]:
    """What made the embeddings, as plain JSON."""
    weights = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        weights.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        weights.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    rows = str([(t.row, t.pid, t.camid, len(t)) for t in tracklets]).encode()
    shown = getattr(transform, "func", transform)  # of a partial
    found = {
        "data": {n: getattr(dataset, n) for n in ("name", "version", "protocol", "split_id")},
        "data settings": dict(dataset.settings),
        "tracklets": {"number": len(tracklets), "sha256": hashlib.sha256(rows).hexdigest()},
        "model": type(model).__name__,
        "weights": weights.hexdigest(),
        "clip length": clip_length,
        "test": asdict(test),
        "transform": [getattr(shown, "__qualname__", ""), getattr(transform, "keywords", {})],
        "torch": torch.__version__,
    }
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def _claim(folder: Path, record: dict[str, Any]) -> None:
    """Write the record into the folder, or see that the one there is the same."""
    path = folder / RECORD
    if not path.is_file():
        write_text(path, json.dumps(record, indent=2) + "\n")
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReidError(f"{path} is broken ({error}): name another folder") from error
    other = [key for key in record if key not in FREE and there.get(key) != record[key]]
    if other:
        raise ReidError(
            f"{folder} holds embeddings that differ in {', '.join(other)}: name another folder"
        )
