import json
import shutil
import tarfile
from inspect import signature

import numpy as np
import pytest

from reidlib.data import ilids, pairs, splits
from reidlib.errors import ReidError
from reidlib.evaluation import score
from tests import fake_layouts, real_metadata

PEOPLE = (1, 2, 4, 7, 11, 319)


def load(root, **options):
    return ilids.load(root, **{"expect": None, **options})


@pytest.fixture
def copy(tmp_path):
    return fake_layouts.ilids(tmp_path)


def pids(tracklets):
    return {t.raw_pid for t in tracklets}


def test_the_official_rows_index_sorted_folders(copy):
    rows = fake_layouts.ls_set(6).astype(int)
    for k in range(10):
        data = load(copy, split=k)
        tested = {PEOPLE[i - 1] for i in rows[k, :3]}
        assert pids(data.query) == pids(data.gallery) == tested
        assert pids(data.train) == set(PEOPLE) - tested
        assert data.split_id == f"file-{data.settings['splits_sha256'][:8]}-{k}"
    assert "unlike those in circulation" in data.protocol
    assert len(data.settings["splits_sha256"]) == 64


def test_first_half_train_swaps_the_halves(copy):
    data = load(copy, first_half="train")
    assert "-swapped-" in data.split_id
    assert pids(data.train) == pids(load(copy).query)


def test_without_the_file_splits_are_seeded_and_said_to_be(tmp_path):
    copy = fake_layouts.ilids(tmp_path, official=False)
    data = load(copy, split=3)
    assert data.split_id == "seed-0-3"
    assert "not official" in data.protocol
    names = [f"person{p:03d}" for p in PEOPLE]
    assert pids(data.query) == {int(n[-3:]) for n in splits.seeded(names, 0).all[3].test}
    assert load(copy, seed=5).split_id == "seed-5-0"


def test_a_seed_overrules_the_official_file_but_not_a_given_one(copy):
    assert load(copy, seed=1).split_id == "seed-1-0"
    with pytest.raises(ReidError, match="not both"):
        load(copy, seed=1, split_file=copy / ilids.SPLIT_FILE)


def test_each_query_has_one_match_in_the_other_camera(copy):
    data = load(copy)
    assert {t.camid for t in data.query} == {0}
    assert {t.camid for t in data.gallery} == {1}
    for q in data.query:
        assert sum(g.pid == q.pid and g.camid != q.camid for g in data.gallery) == 1


def test_the_other_directions(copy):
    there, back, both = (load(copy, direction=d) for d in ("1to2", "2to1", "both"))
    assert back.query == there.gallery
    assert back.gallery == there.query
    assert both.query == both.gallery
    assert set(both.query) == set(there.query + there.gallery)
    assert both.settings["camera_rule"] == "exclude_camera"
    assert "camera_rule" not in there.settings
    with pytest.raises(ReidError, match="direction is one of 1to2, 2to1, both"):
        load(copy, direction="2")


def test_both_directions_under_their_camera_rule_are_the_mean_of_either(copy):
    rng = np.random.default_rng(0)
    cosines = rng.random((12, 12))

    def scores(direction):
        data = load(copy, direction=direction)
        rule = data.settings.get("camera_rule", "same_id_same_cam")
        subsets = data.query, data.gallery
        rows, columns = ([t.row for t in subset] for subset in subsets)
        labels = ([t.pid for t in s] for s in subsets), ([t.camid for t in s] for s in subsets)
        found = score(cosines[np.ix_(rows, columns)], *labels[0], *labels[1], camera_rule=rule)
        assert found.counted == found.total == len(data.query)
        return found

    there, back, both = (scores(d) for d in ("1to2", "2to1", "both"))
    assert both.map == pytest.approx((there.map + back.map) / 2, abs=1e-12)
    assert both.cmc[:3] == pytest.approx((there.cmc[:3] + back.cmc[:3]) / 2, abs=1e-12)
    assert there.map != back.map


def test_rows_are_stable_over_splits(copy):
    rows = {}
    for k in range(10):
        data = load(copy, split=k)
        for t in (*data.train, *data.query, *data.gallery):
            assert rows.setdefault(t.row, t.frames) == t.frames
    assert sorted(rows) == list(range(12))


def test_training_labels_ascend_and_frames_are_in_order(copy):
    data = load(copy)
    raw = sorted(pids(data.train))
    assert all(raw[t.pid] == t.raw_pid for t in data.train)
    for t in data.train:
        numbers = [ilids.frame_number(frame) for frame in t.frames]
        assert numbers == list(range(98, 98 + len(t)))


def test_single_shots_are_not_read(copy):
    assert all(f.startswith("sequences/") for t in load(copy).train for f in t.frames)
    shutil.rmtree(copy / "i-LIDS-VID" / "sequences")
    with pytest.raises(ReidError, match="neither sequences/ nor i-LIDS-VID/sequences/"):
        load(copy)


def test_the_folder_itself_may_be_given(copy):
    inner = load(copy / "i-LIDS-VID")
    assert inner.split_id == load(copy).split_id
    assert inner.version == load(copy).version


def test_a_missing_camera_folder_is_named(copy):
    shutil.rmtree(copy / "i-LIDS-VID" / "sequences" / "cam2")
    with pytest.raises(ReidError, match="cam2 is not a folder"):
        load(copy)


def test_unsorted_listings_change_nothing(copy, monkeypatch):
    from pathlib import Path

    before, real = load(copy), Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: sorted(real(self), reverse=True))
    after = load(copy)
    assert after.version == before.version
    assert after.train == before.train


def test_a_missing_frame_is_refused_in_strict_mode(copy):
    folder = copy / "i-LIDS-VID" / "sequences" / "cam1" / "person001"
    (folder / "cam1_person001_00099.png").unlink()
    with pytest.raises(ReidError, match="lacks frame 99"):
        load(copy)
    assert load(copy, strict=False).settings["missing_frames"] == 1
    assert "1 frames missing" in load(copy, strict=False).protocol


def test_swapped_cameras_are_refused(copy):
    base = copy / "i-LIDS-VID" / "sequences"
    (base / "cam1").rename(base / "x")
    (base / "cam2").rename(base / "cam1")
    (base / "x").rename(base / "cam2")
    with pytest.raises(ReidError, match="is named for cam2/person001; folders are swapped"):
        load(copy)


def test_somebody_in_one_camera_only_breaks_the_official_split(copy):
    shutil.rmtree(copy / "i-LIDS-VID" / "sequences" / "cam2" / "person004")
    with pytest.raises(ReidError, match=r"\(10, 6\), expected n x 5"):
        load(copy)


@pytest.mark.parametrize("seed", [None, 3])
def test_the_settings_load_the_same_set_again(copy, seed):
    data = load(copy, split=4, seed=seed, direction="2to1", size=(16, 8))
    known = signature(ilids.load).parameters
    again = load(copy, **{k: v for k, v in data.settings.items() if k in known})
    assert again == data


def test_a_part_is_not_the_published_set(copy):
    with pytest.raises(ReidError, match="cam1: 6 identities, expected 300"):
        load(copy, expect=ilids.EXPECTED)


def test_other_frame_counts_only_warn(copy):
    expect = {"cam1": {"tracklets": 6, "longest": 192}}
    with pytest.warns(UserWarning, match="cam1: 4 longest, expected 192"):
        assert len(load(copy, expect=expect).train) == 6


def test_real_names_give_the_published_counts(tmp_path, monkeypatch, recwarn):
    """Section 2.3 of the published figures, every one; and splits against independent lists."""
    root, folder = real_metadata.ilids(tmp_path, monkeypatch), real_metadata.metadata("ILIDS")
    entries = json.loads((folder / "splits_10_dal.json").read_text())
    names = sorted({name for half in entries[0].values() for name in half})
    rows = [[names.index(n) + 1 for half in ("test", "train") for n in e[half]] for e in entries]
    fake_layouts.save_mat(root / ilids.SPLIT_FILE, ls_set=np.array(rows, dtype=np.uint16))

    data = ilids.load(root, split=0)  # insists on the counts of EXPECTED
    assert not [w for w in recwarn.list if "expected" in str(w.message)]
    assert (len(data.train), len(data.query), len(data.gallery)) == (300, 150, 150)
    assert "the ten published splits" in data.protocol

    found = ilids.survey(ilids.find_base(root))
    people = pairs.in_both(found["both"])
    official = splits.from_rows(root / ilids.SPLIT_FILE, people, ilids.KNOWN)
    with tarfile.open(folder / "original_lists_dal.tar.xz", "r|xz") as archive:
        listed = {
            member.name: {line.split()[0].decode() for line in archive.extractfile(member)}
            for member in archive
            if member.name.endswith("data.txt")
        }
    for k, split in enumerate(official.all):
        train, query, gallery = pairs.halves(found["both"], split, "1to2")
        for half, tracklets in (("train", train), ("test", query + gallery)):
            assert len(pids(tracklets)) == 150
            names = {f.removeprefix("sequences/") for t in tracklets for f in t.frames}
            assert names == listed[f"iLIDS-VID/split{k + 1}/{half}data.txt"]
    assert round(np.mean([len(t) for t in found["cam1"]]), 2) == 65.67
    assert round(np.mean([len(t) for t in found["cam2"]]), 2) == 75.86
    assert round(np.mean([len(t) for t in found["both"]]), 1) == 70.8
    assert max(t.raw_pid for t in found["both"]) == 319
