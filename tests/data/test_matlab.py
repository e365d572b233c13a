import importlib.util
import sys

import numpy as np
import pytest

from reidlib.data.matlab import is_hdf5, read_integers, read_mat
from reidlib.errors import ReidError
from tests import fake_layouts

TABLE = np.array([[1, 3, 7, 1], [4, 9, 0, 15]])
HAS_H5PY = importlib.util.find_spec("h5py") is not None


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float64])
def test_matlab_5_gives_signed_integers(tmp_path, dtype):
    path = fake_layouts.save_mat(tmp_path / "a.mat", table=TABLE.astype(dtype))
    table = read_integers(path, "table", columns=4)
    assert not is_hdf5(path)
    assert table.dtype == np.int64
    assert table.tolist() == TABLE.tolist()


def test_an_unsigned_zero_minus_one_is_minus_one(tmp_path):
    path = fake_layouts.save_mat(tmp_path / "a.mat", rows=np.array([[0, 2]], dtype=np.uint16))
    assert (read_integers(path, "rows") - 1).tolist() == [-1, 1]


@pytest.mark.skipif(not HAS_H5PY, reason="h5py is not installed")
def test_matlab_73_is_turned_back(tmp_path):
    path = fake_layouts.save_mat73(tmp_path / "a.mat", table=TABLE, rows=[[1, 2, 5]])
    assert is_hdf5(path)
    assert read_integers(path, "table", columns=4).tolist() == TABLE.tolist()
    assert read_integers(path, "rows").tolist() == [1, 2, 5]


def test_matlab_73_without_h5py_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(100))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ReidError, match=r"\.\[matlab73\]"):
        read_mat(path)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"other": TABLE}, "holds other, not the variable 'table'"),
        ({"table": TABLE[:, :3]}, r"shape \(2, 3\), expected n x 4"),
        ({"table": TABLE + 0.5}, "not whole"),
        ({"table": TABLE * np.nan}, "not whole"),
    ],
)
def test_wrong_contents_are_told(tmp_path, arrays, said):
    path = fake_layouts.save_mat(tmp_path / "a.mat", **arrays)
    with pytest.raises(ReidError, match=said):
        read_integers(path, "table", columns=4)


def test_broken_and_missing_files_are_told(tmp_path):
    with pytest.raises(ReidError, match="is missing"):
        read_mat(tmp_path / "none.mat")
    path = fake_layouts.save_mat(tmp_path / "a.mat", table=TABLE)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(ReidError, match=r"a\.mat is not a readable"):
        read_mat(path)
