import shutil

import pytest
import torch

from reidlib.data import duke, reading
from reidlib.errors import ReidError
from tests import fake_layouts


def load(root, **options):
    return duke.load(root, **{"i_hold_this_data_lawfully": True, "expect": None, **options})


@pytest.fixture
def copy(tmp_path):
    return fake_layouts.duke(tmp_path)


def test_off_without_the_users_statement(copy):
    for said in (False, None, "yes", 1):
        with pytest.raises(ReidError, match="offline in April 2019") as error:
            duke.load(copy, i_hold_this_data_lawfully=said)
        assert "i_hold_this_data_lawfully=True" in str(error.value)


@pytest.mark.parametrize("old_names", [False, True])
def test_both_name_forms_give_one_table(tmp_path, old_names):
    data = load(fake_layouts.duke(tmp_path, old_names=old_names))
    assert [(t.raw_pid, t.raw_camid, len(t)) for t in data.train] == [
        (1, 1, 3), (1, 2, 12), (7, 8, 2), (7, 1, 3),
    ]  # fmt: skip
    assert [t.pid for t in data.train] == [0, 0, 1, 1]
    assert [(t.pid, t.camid) for t in data.query] == [(2, 0), (4, 4)]
    assert [(t.pid, t.camid, len(t)) for t in data.gallery] == [
        (2, 0, 3), (2, 2, 2), (4, 4, 3), (4, 2, 2), (9, 3, 1),
    ]  # fmt: skip
    assert data.junk_pids == ()


def test_frames_follow_the_f_number_even_from_two(tmp_path):
    tracklet = load(fake_layouts.duke(tmp_path, first_frame=2)).train[1]
    numbers = [duke.frame_number(frame) for frame in tracklet.frames]
    assert numbers == list(range(2, 14))


def test_a_query_is_the_gallerys_own_tracklet(copy):
    data = load(copy)
    assert all(any(q is g for g in data.gallery) for q in data.query)
    rows = [t.row for t in (*data.train, *data.gallery)]
    assert rows == list(range(9))


def test_a_query_that_the_gallery_lacks_is_refused(copy):
    shutil.rmtree(copy / "gallery" / "0004" / "0000")
    with pytest.raises(ReidError, match="not in the gallery"):
        load(copy)
    lone = load(copy, strict=False).query[1]
    assert lone.frames[0].startswith("query/0004/")


def test_the_outer_folder_may_be_there(tmp_path):
    fake_layouts.duke(tmp_path / "DukeMTMC-VideoReID")
    assert len(load(tmp_path).gallery) == 5


def test_a_missing_frame_is_refused_in_strict_mode(copy):
    next((copy / "train" / "0001" / "0001").glob("*F0005*")).unlink()
    with pytest.raises(ReidError, match="lacks frame 5; 1 frames are missing in 1 tracklets"):
        load(copy)
    assert load(copy, strict=False).settings["missing_frames"] == 1
    assert "missing_frames" not in load(copy, check_files=False).settings


def test_two_cameras_in_a_tracklet_are_refused(copy):
    fake_layouts.noise(copy / "train" / "0001" / "0000" / "0001_C4_F0004_X99.jpg", 1)
    with pytest.raises(ReidError, match=r"mixes the cameras \[1, 4\]"):
        load(copy)


def test_two_people_in_a_tracklet_are_refused(copy):
    fake_layouts.noise(copy / "train" / "0001" / "0000" / "0008_C1_F0004_X99.jpg", 1)
    with pytest.raises(ReidError, match=r"mixes the identities \[1, 8\]"):
        load(copy)


def test_a_person_in_anothers_folder_is_refused(copy):
    (copy / "train" / "0001").rename(copy / "train" / "0003")
    with pytest.raises(ReidError, match="holds images of person 0001"):
        load(copy)


def test_one_frame_twice_is_refused(copy):
    fake_layouts.noise(copy / "train" / "0001" / "0000" / "0001C1F0002X7.jpg", 1)
    with pytest.raises(ReidError, match="two images of one frame"):
        load(copy)


def test_foreign_names_are_refused_and_leftovers_ignored(copy):
    folder = copy / "train" / "0001" / "0000"
    for name in ("Thumbs.db", ".DS_Store", "._0001_C1_F0001_X17.jpg"):
        (folder / name).write_bytes(b"")
    assert len(load(copy).train[0]) == 3
    fake_layouts.noise(folder / "image.jpg", 1)
    with pytest.raises(ReidError, match="is not named like 0001_C6_F0099_X30823"):
        load(copy)


def test_an_empty_tracklet_is_refused_in_strict_mode(copy):
    (copy / "train" / "0001" / "0009").mkdir()
    with pytest.raises(ReidError, match="0009 holds no image"):
        load(copy)
    assert len(load(copy, strict=False).train) == 4


def test_a_part_is_not_the_published_set(copy):
    with pytest.raises(ReidError, match="train: 2 identities, expected 702"):
        load(copy, expect=duke.EXPECTED)


def test_the_published_counts_agree_with_one_another():
    query, gallery = duke.EXPECTED["query"], duke.EXPECTED["gallery"]
    for subset in (query, gallery):
        assert sum(subset["tracklets per camera"]) == subset["tracklets"]
    assert duke.EXPECTED["train"]["tracklets"] + gallery["tracklets"] == 4832
    assert reading.count(())["tracklets"] == 0


def test_pixels_come_from_the_files(copy):
    data = load(copy, size=(fake_layouts.HEIGHT, fake_layouts.WIDTH))
    clip = data.frames.read(data.train[0], [2, 0])
    assert clip.dtype == torch.uint8
    assert clip.shape == (2, 3, fake_layouts.HEIGHT, fake_layouts.WIDTH)
