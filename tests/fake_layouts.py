"""Tiny data sets of coloured noise in the five published layouts. Nobody is in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 16, 8


def noise(path: Path, colour: int) -> Path:
    """One image: noise around a colour that identities do not share, the same on every machine."""
    seed = int.from_bytes(hashlib.sha256(str(path.name).encode()).digest()[:4], "big")
    rng = np.random.default_rng(seed)
    base = np.random.default_rng(colour).integers(60, 196, 3)
    pixels = np.clip(base + rng.normal(0, 20, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def save_mat(path: Path, **arrays: np.ndarray) -> Path:
    """MATLAB 5."""
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, arrays)
    return path


def save_mat73(path: Path, **arrays: np.ndarray) -> Path:
    """MATLAB 7.3: HDF5 behind a header of 512 bytes, everything transposed, in doubles."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array, dtype=np.float64).T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    return path


def mars(root: Path, *, images: bool = True) -> Path:
    """Two people to train, two to test, distractors and junk; three frames a tracklet."""
    root.mkdir(parents=True, exist_ok=True)
    halves = {
        "train": [("0001", 1), ("0001", 2), ("0005", 1), ("0005", 6)],
        "test": [
            ("00-1", 3), ("0000", 1), ("0002", 1), ("0002", 2), ("0002", 2), ("0004", 1),
            ("0004", 5),
        ],
    }  # fmt: skip
    for half, tracks in halves.items():
        names, rows = [], []
        for number, (person, camera) in enumerate(tracks, 1):
            mine = [f"{person}C{camera}T{number:04d}F{frame:03d}.jpg" for frame in (1, 2, 3)]
            pid = -1 if person == "00-1" else int(person)
            rows.append((len(names) + 1, len(names) + len(mine), pid, camera))
            names += mine
            for name in mine if images else ():
                noise(root / f"bbox_{half}" / person / name, pid + 1)
        info = root / "info"
        table = {f"track_{half}_info": np.array(rows, dtype=np.int32)}
        save_mat(info / f"tracks_{half}_info.mat", **table)
        (info / f"{half}_name.txt").write_bytes("".join(f"{n}\r\n" for n in names).encode())
    # Every (person, camera) is asked for once.
    save_mat(info / "query_IDX.mat", query_IDX=np.array([[3, 4, 6, 7]], dtype=np.uint16))
    return root


def duke(root: Path, *, old_names: bool = False, first_frame: int = 1) -> Path:
    """Two people to train; two queries, repeated in a gallery of three people."""
    bar = "" if old_names else "_"

    def tracklet(subset: str, person: int, number: int, camera: int, frames: int) -> None:
        folder = root / subset / f"{person:04d}" / f"{number:04d}"
        for frame in range(first_frame, first_frame + frames):
            mark = "D" if person == 9 else "X"
            name = f"{person:04d}{bar}C{camera}{bar}F{frame:04d}{bar}{mark}{frame * 12 + 5}.jpg"
            noise(folder / name, person)

    for number, (person, camera, frames) in enumerate(
        ((1, 1, 3), (1, 2, 12), (7, 8, 2), (7, 1, 3))
    ):
        tracklet("train", person, number, camera, frames)
    for person, camera in ((2, 1), (4, 5)):
        tracklet("query", person, 0, camera, 3)
        tracklet("gallery", person, 0, camera, 3)
        tracklet("gallery", person, 1, 3, 2)
    tracklet("gallery", 9, 0, 4, 1)
    return root


def ls_set(people: int, seed: int = 0) -> np.ndarray:
    """Ten permutations of 1..people, as MATLAB keeps them: in doubles."""
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(people) + 1 for _ in range(10)], dtype=np.float64)


def ilids(
    root: Path, people: Sequence[int] = (1, 2, 4, 7, 11, 319), *, official: bool = True
) -> Path:
    """i-LIDS-VID/sequences of two to four frames, single shots beside them, the split file."""
    for camera in (1, 2):
        for person in people:
            who = f"person{person:03d}"
            folder = root / "i-LIDS-VID" / "sequences" / f"cam{camera}" / who
            for frame in range(98, 98 + 2 + (person + camera) % 3):
                noise(folder / f"cam{camera}_{who}_{frame:05d}.png", person)
            shots = root / "i-LIDS-VID" / "images" / f"cam{camera}" / who
            noise(shots / f"cam{camera}_{who}.png", person)
    if official:
        path = root / "train-test people splits" / "train_test_splits_ilidsvid.mat"
        save_mat(path, ls_set=ls_set(len(people)))
    return root


def prid(
    root: Path,
    people: Sequence[int] = (1, 2, 3, 4, 6, 200),
    *,
    outer: bool = True,
    splits: bool = True,
) -> Path:
    """multi_shot/ with the shared people and, in either camera, a stranger numbered 0201.

    6 and 200 are none of the 178, so four people are left by default.
    """
    base = root / "prid_2011" if outer else root
    for letter in "ab":
        for person in (*people, 201):
            folder = base / "multi_shot" / f"cam_{letter}" / f"person_{person:04d}"
            for frame in range(1, 3 + person % 2):
                noise(folder / f"{frame:04d}.png", person + 1000 * (person > 200) * ord(letter))
    if splits:
        used = [f"person_{p:04d}" for p in people if p not in (6, 200)]
        save_splits(root / "splits_prid2011.json", halves(used))
    return root


def halves(names: Sequence[str]) -> list[dict[str, list[str]]]:
    """Ten splits, turning by one name each."""
    half = len(names) // 2
    turned = [[*names[k % len(names) :], *names[: k % len(names)]] for k in range(10)]
    return [{"train": order[half:], "test": order[:half]} for order in turned]


def save_splits(path: Path, splits: Iterable[dict[str, list[str]]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(splits)))
    return path


def lsvid(root: Path, *, table_kind: int = 5, info: str = "test/data") -> Path:
    """Lists, tables and images; person 0 is real, and track 1's name begins track 12's."""
    # (person, track, camera, frames); frames beyond 9 would come in the wrong order as text
    parts = {
        "train": [(0, "1", 1, 3), (0, "12", 2, 2), (3, "5", 15, 11), (3, "6", 4, 2)],
        "val": [(0, "7", 1, 2), (0, "8", 2, 2), (8, "9", 3, 2), (8, "10", 4, 2)],
        "test": [(0, "1", 1, 2), (0, "12", 2, 3), (5, "2", 3, 2), (5, "3", 4, 2), (6, "4", 5, 2)],
    }
    queries = {"val": [1, 3], "test": [1, 3, 4]}
    for part, tracks in parts.items():
        lines, rows, last = [], [], 0
        for person, track, camera, frames in tracks:
            prefix = f"tracklet_{part}/{person:04d}/{track}"
            lines.append(f"{prefix} {person}\r\n")
            rows.append((last + 1, last + frames, person, camera))
            last += frames
            for frame in range(1, frames + 1):
                noise(root / f"{prefix}_{frame}_{camera}_0.jpg", person)
        path = root / "list_sequence" / f"list_seq_{part}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(lines).encode())
        if part in queries:
            save = save_mat73 if table_kind == 73 and part == "test" else save_mat
            save(
                root / info / f"info_{part}.mat",
                info_test=np.array(rows, dtype=np.float64),
                query=np.array([queries[part]], dtype=np.uint16),
            )
    return root
