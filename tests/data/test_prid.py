import hashlib
import json
import shutil
from inspect import signature

import pytest

from reidlib.data import prid, splits
from reidlib.errors import ReidError
from tests import fake_layouts, real_metadata


def load(root, **options):
    return prid.load(root, **{"expect": None, **options})


@pytest.fixture
def copy(tmp_path):
    return fake_layouts.prid(tmp_path)


def pids(tracklets):
    return {t.raw_pid for t in tracklets}


def test_the_two_protocols_are_lists_of_people():
    assert len(prid.PROTOCOLS[178]) == 178
    assert prid.PROTOCOLS[200] == tuple(range(1, 201))
    assert set(prid.PROTOCOLS[200]) - set(prid.PROTOCOLS[178]) == prid.UNUSED
    assert len(prid.UNUSED) == 22


def test_178_uses_the_file_and_records_its_hash(copy):
    data = load(copy, split=2)
    path = copy / "splits_prid2011.json"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = json.loads(path.read_text())[2]
    assert pids(data.query) == pids(data.gallery) == {int(n[-4:]) for n in entry["test"]}
    assert pids(data.train) == {int(n[-4:]) for n in entry["train"]}
    assert data.settings["splits_sha256"] == digest
    assert data.split_id == f"file-{digest[:8]}-2"
    assert {t.camid for t in data.query} == {0}
    assert {t.camid for t in data.gallery} == {1}


def test_only_shared_people_are_used(copy):
    for people, expected in ((178, {1, 2, 3, 4}), (200, {1, 2, 3, 4, 6, 200})):
        data = load(copy, people=people)
        assert pids(data.train) | pids(data.query) == expected
        assert pids(data.gallery) == pids(data.query)
        assert f"{people} people" in data.protocol
    assert data.split_id == "seed-0-0"


def test_seeded_splits_of_either_protocol(tmp_path):
    copy = fake_layouts.prid(tmp_path, splits=False)
    data = load(copy, seed=4, split=9)
    names = [f"person_{p:04d}" for p in (1, 2, 3, 4)]
    assert pids(data.query) == {int(n[-4:]) for n in splits.seeded(names, 4).all[9].test}
    assert data.split_id == "seed-4-9"
    assert load(copy).split_id == "seed-0-0"


def test_a_file_that_names_a_stranger_is_refused(copy):
    """person_0201 is in both folders, but not the same person."""
    names = [f"person_{n:04d}" for n in (1, 2, 3, 201)]
    path = fake_layouts.save_splits(copy / "mine.json", fake_layouts.halves(names))
    with pytest.raises(ReidError, match="names person_0201, who is not there in both"):
        load(copy, split_file=path)
    with pytest.raises(ReidError, match="names person_0201"):
        load(copy, split_file=path, people=200)


def test_a_file_that_is_no_partition_is_refused(copy):
    entries = fake_layouts.halves([f"person_{n:04d}" for n in (1, 2, 3, 4)])
    entries[9]["test"][0] = entries[9]["train"][0]
    path = fake_layouts.save_splits(copy / "mine.json", entries)
    with pytest.raises(ReidError, match="split 9 names somebody twice, so it is not a partition"):
        load(copy, split_file=path)


def test_a_file_about_another_number_of_people_is_refused(copy):
    with pytest.raises(ReidError, match="the splits are about 4 people, not 178"):
        load(copy, expect={})


def test_other_files_and_protocols_are_refused(copy):
    with pytest.raises(ReidError, match=r"only \.json"):
        load(copy, split_file=copy / "splits.mat")
    with pytest.raises(ReidError, match="178 or 200 people, not 183"):
        load(copy, people=183)
    with pytest.raises(ReidError, match="not both"):
        load(copy, split_file=copy / "splits_prid2011.json", seed=0)


def test_the_outer_folder_may_be_missing(tmp_path):
    with_it = load(fake_layouts.prid(tmp_path / "a"))
    without = load(fake_layouts.prid(tmp_path / "b", outer=False))
    assert without.version == with_it.version
    assert without.split_id == with_it.split_id


def test_a_missing_first_frame_is_seen(copy):
    (copy / "prid_2011" / "multi_shot" / "cam_b" / "person_0002" / "0001.png").unlink()
    with pytest.raises(ReidError, match="lacks frame 1; 1 frames"):
        load(copy)
    assert load(copy, strict=False).settings["missing_frames"] == 1


def test_one_frame_sequences_are_kept(copy):
    (copy / "prid_2011" / "multi_shot" / "cam_a" / "person_0002" / "0002.png").unlink()
    data = load(copy)
    assert sorted(len(t) for t in data.train + data.query)[0] == 1


def test_an_empty_folder_is_refused_in_strict_mode(copy):
    folder = copy / "prid_2011" / "multi_shot" / "cam_a" / "person_0002"
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(ReidError, match="person_0002 holds no image"):
        load(copy)


def test_a_folder_without_a_number_is_refused(copy):
    fake_layouts.noise(copy / "prid_2011" / "multi_shot" / "cam_a" / "others" / "0001.png", 1)
    with pytest.raises(ReidError, match="others is not that of a numbered person"):
        load(copy)


def test_a_foreign_name_is_refused(copy):
    fake_layouts.noise(copy / "prid_2011" / "multi_shot" / "cam_a" / "person_0001" / "a.png", 1)
    with pytest.raises(ReidError, match=r"a\.png is not named as in the published set"):
        load(copy)


@pytest.mark.parametrize("seed", [None, 3])
def test_the_settings_load_the_same_set_again(copy, seed):
    data = load(copy, split=4, seed=seed, direction="2to1", size=(16, 8))
    known = signature(prid.load).parameters
    again = load(copy, **{k: v for k, v in data.settings.items() if k in known})
    assert again == data


def test_a_part_is_not_the_published_set(copy):
    with pytest.raises(ReidError, match="cam_a: 7 identities, expected 385"):
        load(copy, expect=prid.EXPECTED)


def test_real_names_give_the_published_counts(tmp_path, monkeypatch, recwarn):
    """Section 2.4 of the published figures; both sets of splits are accepted and told apart."""
    root, folder = real_metadata.prid(tmp_path, monkeypatch), real_metadata.metadata("PRID")
    expected = {
        "splits_prid2011.json": "torchreid",
        "splits_10_dal.json": "Deep Association Learning",
    }
    used = prid.survey(prid.find_base(root))
    for name, whose in expected.items():
        data = prid.load(root, split=9, split_file=folder / name)  # insists on EXPECTED
        assert whose in data.protocol
        assert (len(data.train), len(data.query), len(data.gallery)) == (178, 89, 89)
        entry = json.loads((folder / name).read_text())[9]
        assert pids(data.query) == {int(n[-4:]) for n in entry["test"]}
        assert pids(data.query) | pids(data.train) == set(prid.PROTOCOLS[178])
    assert not [w for w in recwarn.list if "expected" in str(w.message)]
    assert len(prid.load(root, people=200).query) == 100
    with pytest.raises(ReidError, match="the splits are about 178 people, not 200"):
        prid.load(root, people=200, split_file=folder / "splits_prid2011.json")
    lengths = [len(t) for c in ("cam_a", "cam_b") for t in used[f"{c}, the 178"]]
    assert sum(lengths) == 38466
    assert min(lengths) == 28
