"""MARS's layout on disk, read back by the reader of MARS."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import loadmat

from reidlib.data import mars, promenade
from reidlib.data.promenade import disk, truth, truth_files
from reidlib.data.promenade.census import Census, take_census
from reidlib.errors import ReidError

ASKED = {"lengths": (3, 5), "people": {"train": 3, "test": 4}, "progress": False}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory):
    return promenade.load("tiny", cache=tmp_path_factory.mktemp("cache"), **ASKED)


@pytest.fixture(scope="module")
def root(dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mars") / "promenade"
    return promenade.write_mars(dataset, out, processes=1, progress=False)


def test_both_doors_give_the_same_tracklets(dataset, root: Path) -> None:
    read = mars.load(root, protocol="whole_list", size=(64, 32), expect=None)
    assert read.train == dataset.train
    assert read.query == dataset.query
    assert read.gallery == dataset.gallery
    assert read.junk_pids == dataset.junk_pids
    kept = mars.load(root, size=(64, 32), expect=None)  # the reader's own default leaves junk out
    assert kept.gallery == tuple(t for t in dataset.gallery if t.pid != -1)


def test_pixels_agree_within_jpeg_s_error(dataset, root: Path) -> None:
    apart = []
    for tracklet in (*dataset.train[:4], *dataset.gallery[::4]):
        frames = dataset.frames.read(tracklet, range(len(tracklet)))
        for name, frame in zip(tracklet.frames, frames):
            with Image.open(root / name) as picture:
                assert picture.format == "JPEG"
                assert picture.size == (32, 64)
                stored = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)
            apart.append((stored.int() - frame.int()).abs().float().mean().item())
    assert max(apart) < 4.0
    assert np.mean(apart) < 2.5


def test_tables_are_those_of_mars(dataset, root: Path) -> None:
    for name, rows in (("train", dataset.train), ("test", dataset.gallery)):
        text = (root / "info" / f"{name}_name.txt").read_bytes()
        lines = text.decode().split("\r\n")
        assert lines.pop() == ""
        assert lines == sorted(lines)
        assert lines == [Path(frame).name for t in rows for frame in t.frames]
        table = loadmat(root / "info" / f"tracks_{name}_info.mat")[f"track_{name}_info"]
        assert table.dtype == np.int32
        last = 0
        for row, t in zip(table.tolist(), rows, strict=True):
            assert row == [last + 1, last + len(t), t.raw_pid, t.raw_camid]
            last = row[1]
    query = loadmat(root / "info" / "query_IDX.mat")["query_IDX"]
    assert query.shape == (1, len(dataset.query))
    assert query.dtype == np.uint16
    place = {t.row: i + 1 for i, t in enumerate(dataset.gallery)}
    assert query[0].tolist() == [place[t.row] for t in dataset.query]


def test_truth_travels_beside(dataset, root: Path) -> None:
    stored = np.load(root / disk.TRUTH / "frames_000000.npz")
    assert len(stored["covered"]) == len(dataset.frames.pixels)
    tracklet = dataset.query[2]
    known = dataset.truth.read(tracklet, [1])
    at = int(dataset.frames.offsets[tracklet.row]) + 1
    for name in ("parts", "mask", "visible", "covered", "box", "quality", "foreign"):
        np.testing.assert_array_equal(stored[name][at], known[name][0])
    assert (stored["rows"][at], stored["frames"][at]) == (tracklet.row, 1)
    request = json.loads((root / disk.TRUTH / "request.json").read_text())
    assert request["digest"] == dataset.settings["digest"]


def test_every_name_of_the_table_is_stored_and_is_what_memory_says(dataset, root: Path) -> None:
    names = re.findall(r"^\| ([a-z_, ]+) \| \(", truth.__doc__ or "", re.MULTILINE)
    promised = {name for line in names for name in line.split(", ")}
    assert {"mask", "occluder", "part_boxes", "family", "attributes", "differs"} <= promised
    related = 0
    for tracklet in (*dataset.train[::5], *dataset.gallery[::9]):
        frames = [len(tracklet) - 1, 0]
        stored = promenade.read_truth(root, tracklet.row, frames)
        known = dataset.truth.read(tracklet, frames)
        assert set(stored) == set(known) == promised
        for name, values in known.items():
            assert stored[name].dtype == values.dtype, name
            assert torch.equal(stored[name], values), name
        related += bool(known["differs"].any())
    assert related


def test_the_table_of_tracklets(dataset, root: Path) -> None:
    with np.load(root / disk.TRUTH / "tracklets.npz", allow_pickle=False) as stored:
        table = dict(stored.items())
    for tracklet in (*dataset.train, *dataset.gallery):
        row = tracklet.row
        assert table["person"][row] == tracklet.raw_pid
        assert table["camera"][row] == tracklet.raw_camid - 1
        assert table["length"][row] == len(tracklet)
        assert f"T{table['number'][row]:04d}F" in tracklet.frames[0]
    assert len(table["person"]) == len(dataset.train) + len(dataset.gallery)


def test_truth_is_read_across_jobs(tmp_path: Path, dataset, monkeypatch) -> None:
    monkeypatch.setattr(disk, "JOB", 7)
    monkeypatch.setattr(truth_files, "JOB", 7)
    few = promenade.resolve(
        promenade.Settings("tiny", evaluate="none", lengths=(9, 9)), people={"train": 1}
    )
    stage = disk.Stage(few, take_census(few))
    out = disk.write_mars(few, tmp_path / "out", processes=1, progress=False)
    stored = promenade.read_truth(out, 1, [8, 0, 3])
    known = stage.truth([1, 1, 1], [8, 0, 3])
    assert all(torch.equal(stored[name], values) for name, values in known.items())
    for row, frame in ((1, 9), (1, -1), (len(stage.census), 0), (-1, 0)):
        with pytest.raises(IndexError, match="no such frames"):
            promenade.read_truth(out, row, [frame])


def test_damaged_or_missing_truth_is_refused(tmp_path: Path, root: Path) -> None:
    with pytest.raises(ReidError, match="has no folder promenade_truth"):
        promenade.read_truth(tmp_path, 0, [0])
    copy = shutil.copytree(root / disk.TRUTH, tmp_path / "copy" / disk.TRUTH)
    cut = copy / "frames_000000.npz"
    for content in (b"", b"text", cut.read_bytes()[:-100]):
        cut.write_bytes(content)
        with pytest.raises(ReidError, match=r"frames_000000\.npz is missing or damaged"):
            promenade.read_truth(tmp_path / "copy", 0, [0])


def test_nothing_half_written_is_left(root: Path) -> None:
    assert not [p for p in root.rglob("*") if "partial" in p.name]


def test_called_again_it_draws_nothing(root: Path, dataset, monkeypatch) -> None:
    monkeypatch.setattr(disk, "_save", lambda *_: pytest.fail("drew a finished frame"))
    promenade.write_mars(dataset, root, processes=1, progress=False)


def test_interrupted_it_goes_on(tmp_path: Path, dataset, root: Path, monkeypatch) -> None:
    monkeypatch.setattr(disk, "JOB", 40)
    save, calls = disk._save, []

    def breaking(*job) -> None:
        calls.append(job)
        if len(calls) == 3:
            raise KeyboardInterrupt
        save(*job)

    monkeypatch.setattr(disk, "_save", breaking)
    with pytest.raises(KeyboardInterrupt):
        disk.write_mars(dataset, tmp_path / "out", processes=1, truth=False, progress=False)
    assert not (tmp_path / "out" / "info").exists()  # no reader takes it for whole
    with pytest.raises(ReidError):
        mars.load(tmp_path / "out", expect=None)
    disk.write_mars(dataset, tmp_path / "out", processes=1, truth=False, progress=False)
    jobs = -(-len(dataset.frames.pixels) // 40)
    assert len(calls) == 1 + jobs  # two were finished, the third was begun twice
    name = dataset.gallery[-1].frames[-1]
    assert (tmp_path / "out" / name).read_bytes() == (root / name).read_bytes()


@pytest.mark.slow
def test_several_processes_write_the_same_files(
    tmp_path: Path, dataset, root: Path, monkeypatch
) -> None:
    monkeypatch.setattr(disk, "JOB", 100)
    monkeypatch.setattr(disk, "_write", _write_hundred)
    disk.write_mars(dataset, tmp_path / "out", processes=2, truth=False, progress=False)
    for tracklet in (dataset.train[0], dataset.gallery[-1]):
        for name in tracklet.frames:
            assert (tmp_path / "out" / name).read_bytes() == (root / name).read_bytes()


def _write_hundred(job: disk.Job) -> None:
    """A fresh process has the usual size of a job; the test's is smaller."""
    disk.JOB = 100
    _original_write(job)


_original_write = disk._write


def test_another_data_set_s_folder_is_refused(tmp_path: Path, dataset, root: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ReidError, match="is not empty"):
        promenade.write_mars(dataset, tmp_path, progress=False)
    other = promenade.resolve(promenade.Settings("tiny", world=9), people={"train": 1, "test": 1})
    with pytest.raises(ReidError, match="holds another data set"):
        promenade.write_mars(other, root, progress=False)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("content", ["{", "[]", "{}", "\udcff"])
def test_a_damaged_request_is_named(tmp_path: Path, dataset, content: str) -> None:
    card = tmp_path / disk.TRUTH / "request.json"
    card.parent.mkdir()
    card.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ReidError, match=r"request\.json is damaged.*delete"):
        disk.write_mars(dataset, tmp_path, progress=False)


def test_another_version_s_folder_is_named(tmp_path: Path, dataset) -> None:
    card = tmp_path / disk.TRUTH / "request.json"
    card.parent.mkdir()
    card.write_text(json.dumps({"version": "0.9", "digest": "0" * 16}))
    said = rf"version 0\.9 .* this is version {re.escape(promenade.VERSION)}; delete"
    with pytest.raises(ReidError, match=said):
        disk.write_mars(dataset, tmp_path, progress=False)


def test_damaged_files_are_drawn_again(tmp_path: Path, dataset, monkeypatch) -> None:
    monkeypatch.setattr(disk, "JOB", 10)
    few = promenade.resolve(
        promenade.Settings("tiny", evaluate="none", lengths=(9, 9)), people={"train": 2}
    )
    out = disk.write_mars(few, tmp_path / "out", processes=1, progress=False)
    before = {path: path.read_bytes() for path in sorted(out.rglob("*.jpg"))}
    pictures, truths = list(before), sorted((out / disk.TRUTH).glob("frames_*.npz"))
    assert len(truths) > 3
    pictures[0].unlink()  # of the first job
    pictures[-1].write_bytes(before[pictures[-1]][:-1])  # of the last
    truths[1].write_bytes(b"")
    (out / disk.TRUTH / "jobs" / "000002").write_text("")  # a mark that says nothing
    write, drawn = disk._write, []
    monkeypatch.setattr(disk, "_write", lambda job: (drawn.append(job[2]), write(job)))
    disk.write_mars(few, out, processes=1, progress=False)
    assert drawn == [0, 1, 2, len(truths) - 1]
    assert {path: path.read_bytes() for path in sorted(out.rglob("*.jpg"))} == before
    disk.write_mars(few, out, processes=1, truth=False, progress=False)
    assert len(drawn) == 4  # frames with truth are frames


def test_room_is_asked_for_what_is_missing(tmp_path: Path, dataset, root, monkeypatch) -> None:
    copy = shutil.copytree(root, tmp_path / "copy")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    disk.write_mars(dataset, copy, processes=1, progress=False)  # nothing to draw
    (copy / dataset.gallery[-1].frames[-1]).unlink()
    last = len(dataset.frames.pixels) % disk.JOB
    with pytest.raises(ReidError, match=rf"^{last} frames need about"):
        disk.write_mars(dataset, copy, processes=1, progress=False)


def test_processes_by_cores_and_memory(dataset, monkeypatch) -> None:
    used = []
    monkeypatch.setattr(disk, "_done", lambda work, count: used.append(count) or iter(work))
    small = dataset.settings["request"]
    large = promenade.resolve(promenade.Settings("mars", height=256, width=128))
    work = [(small, Path(), job, False) for job in range(100)]
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    for cores, request, expected in ((64, small, 3), (64, large, 2), (1, small, 1), (2, small, 2)):
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False
        )
        assert disk._processes(request) == expected
        disk._run(work, 100 * disk.JOB, disk._processes(request), progress=False)
        assert used[-1] == expected


def test_names_are_made_once_a_tracklet(tmp_path: Path, monkeypatch) -> None:
    few = promenade.resolve(
        promenade.Settings("tiny", evaluate="none", lengths=(9, 9)), people={"train": 1}
    )
    made, names = [], Census.names
    monkeypatch.setattr(Census, "names", lambda self, row: made.append(row) or names(self, row))
    disk.write_mars(few, tmp_path / "out", processes=1, progress=False)
    rows = range(len(take_census(few)))
    assert {made.count(row) for row in rows} == {3}  # to draw, to mark, to list; not 9 times each


def test_no_room(tmp_path: Path, dataset, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ReidError, match=r"frames need about .* MB"):
        promenade.write_mars(dataset, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way(tmp_path: Path, dataset) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ReidError, match="cannot write to"):
        promenade.write_mars(dataset, tmp_path / "out", progress=False)
