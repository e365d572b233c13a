"""Stores: the pixels of the files, decoded once, whole or not at all."""

import numpy as np
import pytest
import torch
from PIL import Image

from reidlib.data import store as module
from reidlib.data.frames import ImageFiles
from reidlib.data.store import store
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError

SIZE = (16, 8)
LENGTHS = {0: 3, 1: 1, 3: 5, 4: 2}  # frames by row; row 2 is not in the data set


@pytest.fixture
def dataset(tmp_path):
    """PNG files of pure noise, so that decoding gives back exactly what was written."""
    rng = np.random.default_rng(0)
    tracklets = []
    for row, length in LENGTHS.items():
        names = tuple(f"{row}/{i}.png" for i in range(length))
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            pixels = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name)
        tracklets.append(Tracklet(row, names, row, 0, row, 1))
    return TrackletDataset(
        name="noise", version="1", protocol="", train=tuple(tracklets[:2]),
        query=(tracklets[3],), gallery=tuple(tracklets[2:]), frames=ImageFiles(tmp_path, SIZE),
    )  # fmt: skip


def everything(dataset):
    return (*dataset.train, *dataset.gallery)


@pytest.mark.parametrize("place", ["memory", "folder"])
@pytest.mark.parametrize("chunk", [1, 2, 256])
def test_a_store_holds_the_pixels_of_the_files(dataset, tmp_path, place, chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    out = None if place == "memory" else tmp_path / "deep" / "store"
    told = store(dataset, *SIZE, out, progress=False, threads=3)
    assert told.offsets.tolist() == [0, 3, 4, 4, 9, 11]
    for tracklet in everything(dataset):
        indices = range(len(tracklet))
        expected = dataset.frames.read(tracklet, indices)
        assert torch.equal(told.read(tracklet, indices), expected)


def test_a_store_has_its_own_size(dataset):
    told = store(dataset, 10, 6, progress=False)
    source = ImageFiles(dataset.frames.root, (10, 6))
    assert torch.equal(told.read(dataset.train[0], [1]), source.read(dataset.train[0], [1]))


def test_a_whole_store_is_opened_again_without_decoding(dataset, tmp_path):
    first = store(dataset, *SIZE, tmp_path / "store", progress=False)
    (dataset.frames.root / "0/0.png").unlink()
    again = store(dataset, *SIZE, tmp_path / "store", progress=False)
    assert torch.equal(first.pixels, again.pixels)


def test_a_store_of_something_else_is_refused(dataset, tmp_path):
    out = tmp_path / "store"
    store(dataset, *SIZE, out, progress=False)
    with pytest.raises(ReidError, match=r"store is not the store of these frames .* remove it"):
        store(dataset, 10, 6, out, progress=False)
    (out / "pixels.npy").write_bytes((out / "pixels.npy").read_bytes()[:-10])
    with pytest.raises(ReidError, match=r"store is not the store of these frames"):
        store(dataset, *SIZE, out, progress=False)
    (tmp_path / "other").mkdir()
    with pytest.raises(ReidError, match=r"other is not the store of these frames"):
        store(dataset, *SIZE, tmp_path / "other", progress=False)


def test_a_store_is_written_whole_or_not_at_all(dataset, tmp_path):
    (dataset.frames.root / "4/1.png").write_bytes(b"")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ReidError, match=r"4/1.png cannot be decoded"):
        store(dataset, *SIZE, tmp_path / "store", progress=False)
    assert sorted(tmp_path.iterdir()) == before


def test_a_mapped_store_cannot_be_changed_by_writing_to_its_tensor(dataset, tmp_path):
    told = store(dataset, *SIZE, tmp_path / "store", progress=False)
    told.pixels[:] = 0
    again = store(dataset, *SIZE, tmp_path / "store", progress=False)
    assert again.pixels.any()


def test_too_little_room_is_said_before_decoding(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFiles, "read", None)  # nothing may be decoded
    with pytest.raises(ReidError, match=r"11 frames of 40000000x4000, .* MiB, do not fit"):
        store(dataset, 40_000_000, 4_000, tmp_path / "store")
    with pytest.raises(ReidError, match=r"do not fit memory"):
        store(dataset, 40_000_000, 4_000)
    assert not (tmp_path / "store").exists()


def test_a_place_that_cannot_be_written(dataset, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReidError, match=r"cannot be written"):
        store(dataset, *SIZE, tmp_path / "file" / "store", progress=False)
