import importlib.util

import numpy as np
import pytest

from reidlib.data import lsvid
from reidlib.errors import ReidError
from tests import fake_layouts

HAS_H5PY = importlib.util.find_spec("h5py") is not None


def load(root, **options):
    return lsvid.load(root, **{"expect": None, **options})


@pytest.fixture
def copy(tmp_path):
    return fake_layouts.lsvid(tmp_path)


def rewrite(path, old, new):
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def test_identity_0_is_a_person(copy):
    data = load(copy)
    assert 0 in {t.pid for t in data.query}
    assert 0 in {t.pid for t in data.gallery}
    assert data.junk_pids == ()
    assert [(t.raw_pid, t.pid) for t in data.train] == [(0, 0), (0, 0), (3, 1), (3, 1)]


def test_both_galleries(copy):
    removed, kept = load(copy), load(copy, protocol="queries_kept")
    assert [t.row for t in removed.query] == [t.row for t in kept.query] == [4, 6, 7]
    assert [t.row for t in removed.gallery] == [5, 8]
    assert [t.row for t in kept.gallery] == [4, 5, 6, 7, 8]
    assert "3 queries, 2 in gallery without" in removed.protocol
    assert "3 queries, 5 in whole test list" in kept.protocol
    with pytest.raises(ReidError, match="no LS-VID protocol 'all'"):
        load(copy, protocol="all")


def test_the_validation_set(copy):
    data = load(copy, subset="val")
    assert [(t.row, t.pid) for t in data.query] == [(9, 0), (11, 8)]
    assert [(t.row, t.pid) for t in data.gallery] == [(10, 0), (12, 8)]
    with pytest.raises(ReidError, match="'test' or 'val'"):
        load(copy, subset="train")


def test_a_prefix_does_not_swallow_a_longer_one(copy):
    first, second = load(copy).train[:2]
    assert [f.rpartition("/")[2] for f in first.frames] == [f"1_{n}_1_0.jpg" for n in (1, 2, 3)]
    assert [f.rpartition("/")[2] for f in second.frames] == [f"12_{n}_2_0.jpg" for n in (1, 2)]


def test_frames_are_in_numeric_order_and_cameras_count_from_0(copy):
    tracklet = load(copy).train[2]
    assert [int(f.split("_")[2]) for f in tracklet.frames] == list(range(1, 12))
    assert (tracklet.raw_camid, tracklet.camid) == (15, 14)


@pytest.mark.parametrize("info", ["test/data", "info/data", "info"])
def test_tables_lie_in_any_of_their_places(tmp_path, info):
    assert len(load(fake_layouts.lsvid(tmp_path, info=info)).query) == 3


def test_lists_may_lie_below_info(copy):
    (copy / "info").mkdir()
    (copy / "list_sequence").rename(copy / "info" / "list_sequence")
    assert len(load(copy).query) == 3


@pytest.mark.skipif(not HAS_H5PY, reason="h5py is not installed")
def test_matlab_73_gives_the_same_tables(tmp_path):
    old = load(fake_layouts.lsvid(tmp_path / "a"))
    new = load(fake_layouts.lsvid(tmp_path / "b", table_kind=73))
    assert new.version == old.version
    assert (new.query, new.gallery) == (old.query, old.gallery)


def test_a_missing_image_is_refused_in_strict_mode(copy):
    (copy / "tracklet_test" / "0005" / "2_1_3_0.jpg").unlink()
    with pytest.raises(ReidError, match="1 images where 2 are promised"):
        load(copy)
    data = load(copy, strict=False)
    assert data.settings["missing_frames"] == 1
    assert "1 frames missing" in data.protocol
    assert len(load(copy, check_files=False).query) == 3


def test_a_tracklet_without_images_is_refused_or_left_out_with_rows_kept(copy):
    for path in (copy / "tracklet_test" / "0000").glob("12_*"):
        path.unlink()
    with pytest.raises(ReidError, match="0 images where 3 are promised"):
        load(copy)
    data = load(copy, strict=False)
    assert [t.row for t in data.query] == [4, 6, 7]
    assert [t.row for t in data.gallery] == [8]


def test_two_cameras_in_a_tracklet_are_refused(copy):
    fake_layouts.noise(copy / "tracklet_train" / "0003" / "5_12_4_0.jpg", 3)
    with pytest.raises(ReidError, match=r"its tracklet has the cameras \[4, 15\]"):
        load(copy)


def test_a_table_that_disagrees_is_refused(copy):
    rewrite(copy / "list_sequence" / "list_seq_test.txt", "0005/3 5", "0005/3 6")
    with pytest.raises(ReidError, match="identity 6, camera 4 by list and names, and 5, 4"):
        load(copy)


def test_a_table_of_another_length_is_refused(copy):
    rewrite(copy / "list_sequence" / "list_seq_test.txt", "tracklet_test/0006/4 6\r\n", "")
    with pytest.raises(ReidError, match=r"has 5 rows, list_seq_test.txt 4 lines"):
        load(copy)


@pytest.mark.parametrize("queries", [[0, 1], [1, 6], [2, 2]])
def test_impossible_queries_are_refused(copy, queries):
    path = copy / "test" / "data" / "info_test.mat"
    table = lsvid.read_integers(path, "info_test", columns=4)
    fake_layouts.save_mat(path, info_test=table, query=np.array([queries], dtype=np.uint16))
    with pytest.raises(ReidError, match="the queries are not different rows 1 to 5"):
        load(copy)


@pytest.mark.parametrize(
    "line", ["../secret/1 0", "/etc/1 0", "tracklet_test/0000/1", "1 0", "tracklet_test/0/1 x"]
)
def test_lines_that_lead_elsewhere_are_refused(copy, line):
    rewrite(copy / "list_sequence" / "list_seq_test.txt", "tracklet_test/0000/1 0\r", line + "\r")
    with pytest.raises(ReidError, match=r"list_seq_test\.txt, line 1"):
        load(copy)


def test_foreign_names_are_refused(copy):
    fake_layouts.noise(copy / "tracklet_train" / "0000" / "1_4.jpg", 0)
    with pytest.raises(ReidError, match="is not named <track>_<frame>_<camera>"):
        load(copy)


@pytest.mark.parametrize(
    "name",
    ["list_sequence/list_seq_train.txt", "test/data/info_test.mat", "tracklet_train"],
)
def test_a_missing_part_is_named(copy, name):
    (copy / name).rename(copy / "elsewhere")
    with pytest.raises(ReidError, match=name.rpartition("/")[2]):
        load(copy)


def test_a_part_is_not_the_published_set(copy):
    with pytest.raises(ReidError, match="train: 2 identities, expected 842"):
        load(copy, expect=lsvid.EXPECTED)


def test_the_published_counts_agree_with_one_another():
    for part in ("val", "test"):
        query, gallery = lsvid.EXPECTED[f"{part} query"], lsvid.EXPECTED[f"{part} gallery"]
        assert query["tracklets"] + gallery["tracklets"] == lsvid.EXPECTED[part]["tracklets"]
    query, gallery = lsvid.EXPECTED["test query"], lsvid.EXPECTED["test gallery"]
    assert query["images"] + gallery["images"] == lsvid.EXPECTED["test"]["images"]
    assert sum(lsvid.EXPECTED[p]["tracklets"] for p in ("train", "val", "test")) == 14943
    assert sum(lsvid.EXPECTED[p]["identities"] for p in ("train", "val", "test")) == 3772
