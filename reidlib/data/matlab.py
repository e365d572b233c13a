"""Integer tables out of `.mat` files, of both kinds: MATLAB 5 (scipy) and MATLAB 7.3 (h5py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reidlib.errors import ReidError

HDF5 = b"\x89HDF\r\n\x1a\n"  # stands at 0, or behind MATLAB's own header of 512 bytes


def is_hdf5(path: Path) -> bool:
    """Whether the file is of MATLAB's 7.3 kind, by content: both kinds end in `.mat`."""
    with path.open("rb") as file:
        head = file.read(512 + len(HDF5))
    return head.startswith(HDF5) or head[512:] == HDF5


def read_mat(path: Path) -> dict[str, np.ndarray]:
    """Every numeric array of the file by name, rows and columns as MATLAB shows them."""
    if not path.is_file():
        raise ReidError(f"{path} is missing; `reid doctor` says where it is officially requested")
    reader = _read_73 if is_hdf5(path) else _read_5
    try:
        return {
            name: array
            for name, array in reader(path).items()
            if not name.startswith("__") and array.dtype.kind in "biuf"
        }
    except ReidError:
        raise
    except Exception as error:  # scipy and h5py raise many kinds over a broken file
        raise ReidError(f"{path} is not a readable .mat file ({error}); fetch it again") from error


def read_integers(path: Path, name: str, *, columns: int | None = None) -> np.ndarray:
    """One variable as int64: (n, columns), or (n,) when `columns` is None.

    The files store indices as uint16, int32 or double. Subtracting 1 from an unsigned 0 gives
    65,535, so nothing unsigned leaves this module.
    """
    arrays = read_mat(path)
    if name not in arrays:
        found = ", ".join(sorted(arrays)) or "no numeric array"
        raise ReidError(f"{path} holds {found}, not the variable {name!r}; fetch it again")
    array = arrays[name]
    with np.errstate(invalid="ignore"):  # NaN is caught by the comparison
        whole = array.astype(np.int64)
    if array.dtype.kind == "f" and not np.array_equal(whole, array):
        raise ReidError(f"{path}: {name} holds numbers that are not whole; fetch it again")
    if columns is None:
        return whole.reshape(-1)
    if whole.ndim != 2 or whole.shape[1] != columns:
        raise ReidError(
            f"{path}: {name} has shape {whole.shape}, expected n x {columns}; fetch it again"
        )
    return whole


def _read_5(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    arrays: dict[str, Any] = loadmat(path)
    return {name: value for name, value in arrays.items() if isinstance(value, np.ndarray)}


def _read_73(path: Path) -> dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError as error:
        raise ReidError(
            f"{path} is a MATLAB 7.3 file, and h5py, which reads it, is not installed; "
            "pip install -e '.[matlab73]'"
        ) from error
    with h5py.File(path) as file:  # HDF5 keeps MATLAB's columns as rows
        return {
            name: np.asarray(value).T
            for name, value in file.items()
            if isinstance(value, h5py.Dataset)
        }
