"""Frames from files and from stores: the same pixels, and nothing silently left out."""

import numpy as np
import pytest
import torch
from PIL import Image

from reidlib.data import frames
from reidlib.data.ahead import ahead
from reidlib.data.frames import ImageFiles, StoredFrames, gather, store
from reidlib.data.sampling import chop
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


def pixels_of(path):
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)


# --- image files ----------------------------------------------------------------------------------


def test_files_are_read_in_the_order_asked_for(dataset):
    tracklet = dataset.gallery[0]
    told = dataset.frames.read(tracklet, [4, 0, 4])
    assert told.shape == (3, 3, *SIZE)
    assert told.dtype == torch.uint8
    for frame, index in zip(told, (4, 0, 4)):
        assert torch.equal(frame, pixels_of(dataset.frames.root / tracklet.frames[index]))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_files_are_resized(dataset, interpolation):
    source = ImageFiles(dataset.frames.root, (10, 6), interpolation)
    kernel = getattr(Image.Resampling, interpolation.upper())
    expected = np.array(Image.open(source.root / "0/1.png").resize((6, 10), kernel))
    told = source.read(dataset.train[0], [1])[0].permute(1, 2, 0)
    assert np.array_equal(told, expected)


def test_grey_images_and_jpeg_become_rgb(tmp_path):
    Image.new("L", (8, 16), 77).save(tmp_path / "grey.jpg")
    told = ImageFiles(tmp_path, SIZE).read(Tracklet(0, ("grey.jpg",), 0, 0, 0, 1), [0])
    assert (told == 77).all()


def test_a_missing_image_is_named(dataset):
    (dataset.frames.root / "3/2.png").unlink()
    dataset.frames.read(dataset.gallery[0], [0, 1, 3])
    with pytest.raises(ReidError, match=r"3/2.png is missing; unpack"):
        dataset.frames.read(dataset.gallery[0], [0, 2])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_image_is_named(tmp_path, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    source, tracklet = ImageFiles(tmp_path, (64, 32)), Tracklet(0, (path.name,), 0, 0, 0, 1)
    source.read(tracklet, [0])
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ReidError, match=rf"cut.{suffix} cannot be decoded .* original"):
        source.read(tracklet, [0])


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "page.jpg").write_text("<html>not found</html>")
    with pytest.raises(ReidError, match=r"page.jpg cannot be decoded"):
        ImageFiles(tmp_path, SIZE).read(Tracklet(0, ("page.jpg",), 0, 0, 0, 1), [0])


# --- stores ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["memory", "folder"])
@pytest.mark.parametrize("chunk", [1, 2, 256])
def test_a_store_holds_the_pixels_of_the_files(dataset, tmp_path, place, chunk, monkeypatch):
    monkeypatch.setattr(frames, "CHUNK", chunk)
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


# --- gathering ------------------------------------------------------------------------------------


def stored():
    pixels = torch.arange(9, dtype=torch.uint8)[:, None, None, None].expand(9, 3, 2, 2)
    return StoredFrames(pixels.contiguous(), torch.tensor([0, 3, 4, 9]))


def test_one_gather_is_many_reads():
    source = stored()
    rows, places = np.array([2, 0, 1]), np.array([[4, 0], [1, 1], [0, 0]])
    told = gather(source.pixels, source.offsets, rows, places)
    assert told.shape == (3, 2, 3, 2, 2)
    assert told[..., 0, 0, 0].tolist() == [[8, 4], [1, 1], [3, 3]]
    for row, place, clip in zip(rows, places, told):
        tracklet = Tracklet(int(row), (), 0, 0, 0, 0)
        assert torch.equal(source.read(tracklet, place.tolist()), clip)


@pytest.mark.parametrize(("row", "place"), [(0, 3), (1, 1), (2, 5), (2, -1)])
def test_a_neighbours_frame_is_never_given(row, place):
    source = stored()
    with pytest.raises(IndexError):
        gather(source.pixels, source.offsets, np.array([row]), np.array([[0, place]]))


def test_pieces_read_their_own_stretch():
    source = stored()
    pieces = chop([Tracklet(2, tuple("abcde"), 0, 0, 0, 0)], 2)
    assert [source.read(p, range(len(p)))[:, 0, 0, 0].tolist() for p in pieces] == [
        [4, 5],
        [6, 7, 8],
    ]


def test_pixels_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        StoredFrames(torch.zeros(2, 3, 4, 4), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match="offsets end at 3"):
        StoredFrames(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 3]))


# --- working ahead --------------------------------------------------------------------------------


@pytest.mark.parametrize(("threads", "depth"), [(1, 1), (1, 3), (4, 8)])
def test_results_come_in_order_and_never_run_far_ahead(threads, depth):
    asked = []

    def items():
        for i in range(30):
            asked.append(i)
            yield i

    for got, result in enumerate(ahead(lambda i: i * i, items(), threads=threads, depth=depth)):
        assert result == got * got
        assert len(asked) <= got + 1 + depth
    assert asked == list(range(30))


def test_an_error_comes_out_in_its_place():
    results = ahead(lambda i: 1 // (3 - i), range(9), threads=2, depth=4)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
