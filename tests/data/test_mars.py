"""MARS's reader on a tiny fake in its layout, on broken ones, and on the real tables if at hand."""

import shutil

import numpy as np
import pytest

from reidlib.data import load_dataset, mars, reading
from reidlib.data.matlab import read_mat
from reidlib.errors import ReidError
from tests import fake_layouts, real_metadata


@pytest.fixture
def root(tmp_path):
    return fake_layouts.mars(tmp_path / "copy")


def load(root, **options):
    return mars.load(root, **({"expect": None, "size": (16, 8)} | options))


def replace_table(root, name, variable, change):
    """Rewrites one table after `change` has altered its array."""
    path = root / "info" / name
    array = read_mat(path)[variable]
    fake_layouts.save_mat(path, **{variable: change(array.copy())})


def edit(row, column, value):
    def change(array):
        array[row, column] = value
        return array

    return change


# --- what is read ---------------------------------------------------------------------------------


def test_train_query_and_gallery_of_the_fake(root):
    data = load(root)
    assert [(t.pid, t.raw_pid, t.camid, t.raw_camid) for t in data.train] == [
        (0, 1, 0, 1), (0, 1, 1, 2), (1, 5, 0, 1), (1, 5, 5, 6),
    ]  # fmt: skip
    assert [(t.pid, t.camid) for t in data.query] == [(2, 0), (2, 1), (4, 0), (4, 4)]
    assert [t.pid for t in data.gallery] == [0, 2, 2, 2, 4, 4]
    assert data.train[0].frames == tuple(
        f"bbox_train/0001/0001C1T0001F00{i}.jpg" for i in (1, 2, 3)
    )
    assert data.name == "mars-layout"
    assert data.junk_pids == (-1,)
    assert "4 queries, 6 in gallery B" in data.protocol
    assert (data.num_train_pids, data.num_cams) == (2, 4)


def test_the_three_galleries(root):
    rows = {p: [t.row for t in load(root, protocol=p).gallery] for p in mars.PROTOCOLS}
    assert rows == {
        "queries_kept": [5, 6, 7, 8, 9, 10],
        "queries_removed": [5, 8],
        "whole_list": [4, 5, 6, 7, 8, 9, 10],
    }
    with pytest.raises(ReidError, match="queries_kept, queries_removed, whole_list"):
        load(root, protocol="B")


def test_junk_is_minus_one_and_rows_are_stable(root):
    tables = mars.read_tables(root)
    assert tables.test[0].pid == -1
    assert tables.test[0].frames[0].startswith("bbox_test/00-1/00-1C3")
    assert [t.row for t in (*tables.train, *tables.test)] == list(range(11))
    assert all(tables.test[t.row - 4] is t for t in tables.query)


def test_frames_can_be_decoded(root):
    data = load(root)
    assert data.frames.read(data.gallery[0], [2, 0]).shape == (2, 3, 16, 8)


def test_tables_need_no_image(tmp_path):
    data = load(fake_layouts.mars(tmp_path / "copy", images=False), check_files=False)
    assert len(data.train) == 4


def test_any_line_end_and_the_outer_folder(root, tmp_path):
    told = load(root)
    path = root / "info" / "test_name.txt"
    assert b"\r\n" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    outer = tmp_path / "outer"
    shutil.copytree(root, outer / "MARS")
    again = load(outer)
    assert again.gallery == told.gallery
    assert again.version == told.version


def test_frames_are_ascending_whatever_the_list_says(root):
    path = root / "info" / "train_name.txt"
    names = path.read_text().split()
    names[0], names[2] = names[2], names[0]
    path.write_text("\n".join(names))
    assert load(root).train[0].frames == tuple(sorted(load(root).train[0].frames))


def test_it_is_found_by_name(root):
    assert load_dataset("mars", root, expect=None).train == load(root).train
    with pytest.raises(ReidError, match="no data set 'market'; there are promenade, mars, duke"):
        load_dataset("market", root)


def test_counts_of_other_data_in_the_layout_can_be_insisted_on(root):
    assert load(root, expect={"query": {"tracklets": 4}}).name == "mars-layout"
    with pytest.raises(ReidError, match="query: 4 tracklets, expected 5"):
        load(root, expect={"query": {"tracklets": 5}})


# --- what is refused ------------------------------------------------------------------------------


def test_a_part_of_mars_is_not_mars(root):
    with pytest.raises(ReidError, match="train: 2 identities, expected 625"):
        mars.load(root)


def test_a_missing_file_is_named(root):
    lost = root / "bbox_test" / "0002" / "0002C2T0005F002.jpg"
    lost.unlink()
    with pytest.raises(ReidError, match=r"0002C2T0005F002.jpg is missing, with 0 others"):
        load(root)
    assert len(load(root, check_files=False).gallery) == 6
    shutil.rmtree(root / "bbox_train")
    with pytest.raises(ReidError, match=r"0001C1T0001F001.jpg is missing, with 12 others"):
        load(root)


def test_an_empty_folder_or_a_missing_table_is_named(root, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReidError, match=r"empty holds neither info/ nor MARS/info/"):
        load(tmp_path / "empty")
    with pytest.raises(ReidError, match="nowhere is not a folder"):
        load(tmp_path / "nowhere")
    for name in ("query_IDX.mat", "tracks_test_info.mat", "train_name.txt"):
        path = root / "info" / name
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(ReidError, match=f"{name} is missing"):
            load(root)
        path.write_bytes(kept)
    load(root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(0, 1, 2), r"7 rows do not tile the 21 lines of test_name.txt"),  # a hole
        (edit(0, 1, 4), r"7 rows do not tile"),  # an overlap
        (edit(6, 1, 22), r"7 rows do not tile"),  # beyond the end
        (lambda a: a[:-1], r"6 rows do not tile"),
        (edit(2, 2, 4), r"row 3 is identity 4, camera 1, but line 7 .* 0002C1T0003F001.jpg"),
        (edit(0, 2, 1), r"row 1 is identity 1, camera 3, but line 1 .* 00-1C3T0001F001.jpg"),
        (edit(3, 3, 4), r"row 4 is identity 2, camera 4, but line 10"),
        (lambda a: a[:, :3], r"expected n x 4"),
    ],
)
def test_a_table_that_does_not_match_the_names(root, change, message):
    replace_table(root, "tracks_test_info.mat", "track_test_info", change)
    with pytest.raises(ReidError, match=r"tracks_test_info.mat.*" + message):
        load(root)


def test_a_tracklet_of_two_cameras(root):
    path = root / "info" / "train_name.txt"
    path.write_text(path.read_text().replace("0005C1T0003F003", "0005C2T0003F003"))
    with pytest.raises(ReidError, match=r"row 3 is identity 5, camera 1, but line 9"):
        load(root)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([0, 4], "not different rows 1 to 7"),  # an unsigned 0 less 1 must not become 65,535
        ([8], "not different rows 1 to 7"),
        ([3, 3], "not different rows 1 to 7"),
        ([1, 3], "row 1 is no person"),
        ([2], "row 2 is no person"),
    ],
)
def test_impossible_queries(root, queries, message):
    table = np.array([queries], dtype=np.uint16)
    fake_layouts.save_mat(root / "info" / "query_IDX.mat", query_IDX=table)
    with pytest.raises(ReidError, match=r"query_IDX.mat.*" + message):
        load(root)


@pytest.mark.parametrize("name", ["0002C0T0001F001.jpg", "0002C1T0001F001.png", "person.jpg"])
def test_a_name_that_is_not_of_mars(root, name):
    path = root / "info" / "train_name.txt"
    names = path.read_text().split()
    path.write_text("\n".join([*names[:5], name, *names[6:]]))
    with pytest.raises(ReidError, match=f"train_name.txt: line 6 is '{name}'"):
        load(root)


def test_a_person_in_both_halves(root):
    path = root / "info" / "train_name.txt"
    path.write_text(path.read_text().replace("0005C", "0004C"))
    replace_table(
        root, "tracks_train_info.mat", "track_train_info", lambda a: np.where(a == 5, 4, a)
    )
    with pytest.raises(ReidError, match=r"identity 4 stands in train_name.txt and test_name.txt"):
        load(root)


@pytest.mark.parametrize("folder", ["bbox_test/0999/0001", "train/0001/0001"])
def test_the_repackaged_mars(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(ReidError, match="repackaged MARS"):
        load(tmp_path)


# --- the real tables ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return mars.read_tables(real_metadata.mars(tmp_path_factory.mktemp("mars")))


def test_every_published_count(real):
    rows = reading.compare(real.subsets(), mars.EXPECTED)
    assert len(rows) == 7 * 7 + 3
    assert [str(row) for row in rows if not row.ok] == []


def test_short_tracklets_and_queries_without_a_match(real):
    def shorter(subset, frames):
        return sum(len(t) < frames for t in subset)

    assert [shorter(real.test, n) for n in (4, 8, 15)] == [3, 209, 2288]
    assert [shorter(real.train, n) for n in (4, 8, 15)] == [0, 86, 1224]
    assert len({(t.pid, t.camid) for t in real.query}) == 1980
    gallery = real.subsets()["queries_removed"]
    seen = {}
    for t in gallery:
        seen.setdefault(t.pid, set()).add(t.camid)
    matchless = [t for t in real.query if not seen.get(t.pid, set()) - {t.camid}]
    assert len(matchless) == 140
    assert sum(t.pid not in seen for t in matchless) == 28
    everyone = {t.pid for t in real.test if t.pid > 0}
    assert sorted(everyone - {t.pid for t in real.query}) == [
        12, 14, 154, 166, 982, 1034, 1104, 1354,
    ]  # fmt: skip


def test_the_protocols_of_the_real_tables(real):
    for protocol, gallery in (("queries_kept", "11,310"), ("queries_removed", "9,330")):
        data = mars.load(real.root, protocol=protocol, check_files=False)
        assert data.name == "mars"
        assert f"1,980 queries, {gallery} in gallery" in data.protocol
        assert (data.num_train_pids, data.num_cams) == (625, 6)
