import hashlib
import json

import numpy as np
import pytest

from reidlib.data import splits
from reidlib.errors import ReidError
from tests import fake_layouts

PEOPLE = ("person002", "person010", "person001", "person319")


def test_seeded_splits_follow_their_rule():
    drawn = splits.seeded(PEOPLE, 7)
    assert len(drawn.all) == 10
    for k, split in enumerate(drawn.all):
        ranks = {p: hashlib.sha256(f"7/{k}/{p}".encode()).hexdigest() for p in PEOPLE}
        assert split.test == tuple(sorted(sorted(PEOPLE, key=ranks.get)[:2]))
        assert sorted(split.train + split.test) == sorted(PEOPLE)
    assert drawn.all == splits.seeded(tuple(reversed(PEOPLE)), 7).all
    assert drawn.all != splits.seeded(PEOPLE, 8).all
    assert len(set(drawn.all)) > 1
    assert "not official" in drawn.label
    assert drawn.sha256 == ""


def test_rows_index_sorted_folders_and_the_first_half_tests(tmp_path):
    rows = np.array([[4, 1, 3, 2]] * 10)
    path = fake_layouts.save_mat(tmp_path / "s.mat", ls_set=rows.astype(float))
    ours = splits.from_rows(path, PEOPLE, {})
    assert ours.all[0] == splits.Split(("person002", "person010"), ("person001", "person319"))
    theirs = splits.from_rows(path, PEOPLE, {}, first_half="train")
    assert [(s.test, s.train) for s in theirs.all] == [(s.train, s.test) for s in ours.all]
    assert "first half of a row is train" in theirs.label
    assert ours.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ReidError, match="first_half"):
        splits.from_rows(path, PEOPLE, {}, first_half="both")


def test_known_splits_are_recognised_in_either_form(tmp_path):
    rows = fake_layouts.ls_set(4)
    mat = fake_layouts.save_mat(tmp_path / "s.mat", ls_set=rows)
    names = np.array(sorted(PEOPLE))[rows.astype(int) - 1]
    entries = [{"test": list(row[:2]), "train": list(row[2:])} for row in names.tolist()]
    file = fake_layouts.save_splits(tmp_path / "s.json", entries)
    known = {splits.fingerprint(splits.from_rows(mat, PEOPLE, {}).all): "our ten"}
    for found in (
        splits.from_rows(mat, PEOPLE, known),
        splits.from_rows(mat, PEOPLE, known, first_half="train"),
        splits.from_json(file, PEOPLE, known),
    ):
        assert "our ten" in found.label
    assert "unlike those in circulation" in splits.from_json(file, PEOPLE, {}).label
    assert splits.from_json(file, PEOPLE, known).origin == f"file-{found.sha256[:8]}"


@pytest.mark.parametrize("row", [[1, 2, 3, 3], [0, 1, 2, 3], [2, 3, 4, 5]])
def test_a_row_that_is_no_permutation_is_refused(tmp_path, row):
    rows = np.array([[4, 1, 3, 2]] * 9 + [row], dtype=np.uint16)
    path = fake_layouts.save_mat(tmp_path / "s.mat", ls_set=rows)
    with pytest.raises(ReidError, match=r"row 10 of ls_set is not a permutation of 1\.\.4"):
        splits.from_rows(path, PEOPLE, {})


def test_rows_for_another_number_of_people_are_refused(tmp_path):
    path = fake_layouts.save_mat(tmp_path / "s.mat", ls_set=fake_layouts.ls_set(6))
    with pytest.raises(ReidError, match=r"\(10, 6\), expected n x 4"):
        splits.from_rows(path, PEOPLE, {})


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (["a", "b"], ["b", "c"], "split 3 names somebody twice"),
        (["a", "b"], ["c", "c"], "split 3 names somebody twice"),
        (["a", "b", "d"], ["c"], "split 3 is not two halves, 3 train and 1 test"),
        (["a", "b"], ["c", "e"], "split 3 is about other people"),
    ],
)
def test_a_file_that_is_no_partition_is_refused(tmp_path, train, test, said):
    entries = fake_layouts.halves("abcd")
    entries[3] = {"train": train, "test": test}
    path = fake_layouts.save_splits(tmp_path / "s.json", entries)
    with pytest.raises(ReidError, match=said):
        splits.from_json(path, "abcde", {})


def test_a_file_about_somebody_else_is_refused(tmp_path):
    path = fake_layouts.save_splits(tmp_path / "s.json", fake_layouts.halves("abcd"))
    with pytest.raises(ReidError, match="names d, who is not there in both cameras"):
        splits.from_json(path, "abc", {})


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"train": []}]', json.dumps([])])
def test_a_file_that_is_something_else_is_refused(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ReidError, match=r"s\.json"):
        splits.from_json(tmp_path / "s.json", "abcd", {})


def test_a_split_beyond_the_last_is_refused():
    with pytest.raises(ReidError, match="no split 10; they are 0 to 9"):
        splits.seeded(PEOPLE, 0).pick(10)
