"""Frames from files and from stores: the same pixels, and nothing silently left out."""

import numpy as np
import pytest
import torch
from PIL import Image

from reidlib.data.frames import ImageFiles, StoredFrames, gather
from reidlib.data.sampling import chop
from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError

SIZE = (16, 8)
TRACKLET = Tracklet(0, tuple(f"3/{i}.png" for i in range(5)), 0, 0, 3, 1)


@pytest.fixture
def source(tmp_path):
    """PNG files of pure noise, so that decoding gives back exactly what was written."""
    rng = np.random.default_rng(0)
    (tmp_path / "3").mkdir()
    for name in TRACKLET.frames:
        pixels = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return ImageFiles(tmp_path, SIZE)


def pixels_of(path):
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)


# --- image files ----------------------------------------------------------------------------------


def test_files_are_read_in_the_order_asked_for(source):
    told = source.read(TRACKLET, [4, 0, 4])
    assert told.shape == (3, 3, *SIZE)
    assert told.dtype == torch.uint8
    for frame, index in zip(told, (4, 0, 4)):
        assert torch.equal(frame, pixels_of(source.root / TRACKLET.frames[index]))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_files_are_resized(source, interpolation):
    kernel = getattr(Image.Resampling, interpolation.upper())
    expected = np.array(Image.open(source.root / "3/1.png").resize((6, 10), kernel))
    told = ImageFiles(source.root, (10, 6), interpolation).read(TRACKLET, [1])[0]
    assert np.array_equal(told.permute(1, 2, 0), expected)


def test_grey_images_and_jpeg_become_rgb(tmp_path):
    Image.new("L", (8, 16), 77).save(tmp_path / "grey.jpg")
    told = ImageFiles(tmp_path, SIZE).read(Tracklet(0, ("grey.jpg",), 0, 0, 0, 1), [0])
    assert (told == 77).all()


def test_a_missing_image_is_named(source):
    (source.root / "3/2.png").unlink()
    source.read(TRACKLET, [0, 1, 3])
    with pytest.raises(ReidError, match=r"3/2.png is missing; unpack"):
        source.read(TRACKLET, [0, 2])


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
