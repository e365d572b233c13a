import errno

import pytest

from reidlib.errors import ReidError
from reidlib.files import data_folder, whole_file, writable_folder, write_text


def test_a_file_appears_whole_with_its_folder(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with whole_file(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "first"
    write_text(path, "second")
    assert path.read_text() == "second"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def write_half(path, error):
    with whole_file(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(ReidError, match=r"cannot write .*file\.txt: no space left on device"):
        write_half(tmp_path / "file.txt", OSError(errno.ENOSPC, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReidError, match=r"cannot write to .*file.* name another folder"):
        writable_folder(tmp_path / "file")
    with pytest.raises(ReidError, match="cannot write"):
        write_text(tmp_path / "file" / "inner.txt", "text")


def test_room_is_asked_for_first(tmp_path):
    assert writable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []
    with pytest.raises(ReidError, match="MiB are needed; make room"):
        writable_folder(tmp_path, need=2**60)


def test_data_lie_in_the_checkout_or_where_one_works(tmp_path, monkeypatch):
    assert data_folder("results").parts[-2:] == ("data", "results")
    monkeypatch.setattr("reidlib.files.ROOT", tmp_path / "installed")
    monkeypatch.chdir(tmp_path)
    assert data_folder("results") == tmp_path / "data" / "results"
