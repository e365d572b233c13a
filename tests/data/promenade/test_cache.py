"""Frames kept on disk: whole or not there, and never silently wrong."""

from __future__ import annotations

import errno
import json
import shutil
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reidlib.data import promenade
from reidlib.data.promenade import cache
from reidlib.data.promenade.census import Census, take_census
from reidlib.data.promenade.settings import VERSION, Settings, resolve
from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError

SETTINGS = resolve(Settings("tiny", height=16, width=8), people={"train": 7, "test": 5})


class Painter:
    """Draws numbers instead of people, counts, and fails when told."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.drawn: list[int] = []
        self.fail_after = fail_after

    def __call__(self, first: int, last: int) -> np.ndarray:
        if self.fail_after is not None and len(self.drawn) >= self.fail_after:
            raise KeyboardInterrupt
        self.drawn.append(first)
        every = np.arange(first, last, dtype=np.int64)
        values = (every[:, None, None, None] * 31 + np.arange(3 * 16 * 8).reshape(3, 16, 8)) % 251
        return values.astype(np.uint8)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BLOCK", 64)


def census() -> Census:
    return take_census(SETTINGS)


def opened(folder: Path, painter: Painter, workers: int = 1):
    return cache.opened(folder, SETTINGS, census(), painter, workers=workers, progress=False)


def right(frames) -> bool:
    return np.array_equal(frames.pixels.numpy(), Painter()(0, len(frames.pixels)))


def main_file(folder: Path) -> Path:
    return next(folder.glob("*.u8"))


@pytest.mark.parametrize("workers", [1, 3])
def test_rendered_once_then_read(tmp_path: Path, workers: int) -> None:
    painter = Painter()
    frames = opened(tmp_path, painter, workers)
    total = int(census().offsets[-1])
    assert sorted(painter.drawn) == list(range(0, total, 64))
    assert frames.pixels.shape == (total, 3, 16, 8)
    assert frames.offsets.dtype == torch.int64
    assert right(frames)
    again = Painter()
    assert right(opened(tmp_path, again))
    assert again.drawn == []


def test_interrupted_it_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path, Painter(fail_after=4))
    assert not list(tmp_path.glob("*.u8"))
    assert not list(tmp_path.glob("*.json"))
    rest = Painter()
    assert right(opened(tmp_path, rest))
    blocks = -(-int(census().offsets[-1]) // 64)
    assert 0 < len(rest.drawn) < blocks
    assert not list(tmp_path.glob("*.partial"))


def test_a_half_written_block_is_drawn_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path, Painter(fail_after=4))
    partial = next(tmp_path.glob("*.partial"))
    with partial.open("r+b") as file:
        file.seek(70 * 3 * 16 * 8)  # in the second block
        file.write(b"\x00\xff\x00")
    rest = Painter()
    assert right(opened(tmp_path, rest))
    assert 64 in rest.drawn
    assert 0 not in rest.drawn


@pytest.mark.parametrize("leftover", ["journal", "partial"])
def test_one_of_two_leftovers_starts_anew(tmp_path: Path, leftover: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path, Painter(fail_after=4))
    next(tmp_path.glob(f"*.{leftover}")).unlink()
    assert right(opened(tmp_path, Painter()))


def flip(folder: Path) -> None:
    with main_file(folder).open("r+b") as file:
        file.seek(12_345)
        byte = file.read(1)[0]
        file.seek(12_345)
        file.write(bytes([byte ^ 4]))


def cut(folder: Path) -> None:
    with main_file(folder).open("r+b") as file:
        file.truncate(1000)


def age(folder: Path) -> None:
    sheet = next(folder.glob("*.json"))
    sheet.write_text(json.dumps({**json.loads(sheet.read_text()), "version": "0"}))


def lose(folder: Path) -> None:
    next(folder.glob("*.json")).unlink()


def garble(folder: Path) -> None:
    next(folder.glob("*.json")).write_text("{")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip, "1 of"), (cut, "1000 bytes instead of"), (age, "rendered by version 0"),
        (lose, "checksums is missing"), (garble, "checksums is missing or unreadable"),
    ],
)  # fmt: skip
def test_damage_is_told_and_mended(tmp_path: Path, capsys, damage, words: str) -> None:
    opened(tmp_path, Painter())
    damage(tmp_path)
    painter = Painter()
    assert right(opened(tmp_path, painter))
    assert painter.drawn
    out, told = capsys.readouterr()
    assert out == ""  # a script's JSON may go there
    assert words in told
    assert "rendering it again" in told
    assert main_file(tmp_path).name in told


def test_other_versions_are_told_in_one_line(tmp_path: Path, capsys) -> None:
    for name, version in (("old", "0"), ("older", "x"), ("other", VERSION)):
        (tmp_path / f"promenade-{name}.u8").write_bytes(bytes(2_000_000))
        (tmp_path / f"promenade-{name}.json").write_text(json.dumps({"version": version}))
    opened(tmp_path, Painter())
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"{tmp_path} holds 2 files of other versions of Promenade, 4 MB")
    opened(tmp_path, Painter())  # nothing to render, nothing to say
    assert capsys.readouterr().err == ""


def test_long_checks_show_a_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.opened(tmp_path, SETTINGS, census(), Painter())
    cache.opened(tmp_path, SETTINGS, census(), Painter())
    assert "Checking" not in capsys.readouterr().err  # over at once
    monkeypatch.setattr(cache, "_PATIENCE", 0.0)
    cache.opened(tmp_path, SETTINGS, census(), Painter())
    assert "Checking" in capsys.readouterr().err
    opened(tmp_path, Painter())  # progress=False
    assert capsys.readouterr().err == ""


def test_a_file_is_renamed_only_once_nothing_maps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps, rename, renamed = [], Path.replace, []

    class Kept(np.memmap):
        def __array_finalize__(self, obj: object) -> None:
            super().__array_finalize__(obj)  # type: ignore[misc]
            maps.append(weakref.ref(self))

    def watched(path: Path, target: Path) -> Path:
        if path.suffix == ".partial":
            renamed.append(sum(one() is not None for one in maps))
        return rename(path, target)

    monkeypatch.setattr(np, "memmap", Kept)
    monkeypatch.setattr(Path, "replace", watched)
    opened(tmp_path, Painter())
    assert maps
    assert renamed == [0]


def test_what_a_half_written_file_takes_up() -> None:
    assert cache._held(SimpleNamespace(st_blocks=3, st_size=9999)) == 1536  # type: ignore[arg-type]
    assert cache._held(SimpleNamespace(st_size=9999)) == 9999  # type: ignore[arg-type]  # Windows


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    painter = Painter()
    with pytest.raises(ReidError, match="do not fit into"):
        opened(tmp_path, painter)
    assert painter.drawn == []


def test_full_disk_and_forbidden_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(first: int, last: int) -> np.ndarray:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ReidError, match="no space left on device"):
        opened(tmp_path, full)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReidError, match="cannot keep rendered frames"):
        opened(tmp_path / "file", Painter())


def test_writing_into_the_frames_leaves_the_file_alone(tmp_path: Path) -> None:
    frames = opened(tmp_path, Painter())
    frames.pixels[0] = 0
    assert right(opened(tmp_path, Painter()))


def test_torch_keeps_its_threads(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    opened(tmp_path, Painter(), workers=2)
    assert torch.get_num_threads() == before


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REIDLIB_CACHE", str(tmp_path / "here"))
    assert cache.default_folder() == tmp_path / "here"
    monkeypatch.delenv("REIDLIB_CACHE")
    assert cache.default_folder().parts[-2:] == ("data", "cache")


def test_load_draws_what_the_stage_draws(tmp_path: Path) -> None:
    asked = {"cache": tmp_path, "progress": False, "people": {"train": 3, "test": 3}, "world": 4}
    dataset = promenade.load("tiny", lengths=(3, 4), **asked)
    stage = dataset.truth.stage
    for tracklet in (dataset.train[0], dataset.query[-1], dataset.gallery[0]):
        every = list(range(len(tracklet)))
        stored = dataset.frames.read(tracklet, every)
        assert torch.equal(stored, stage.frames([tracklet.row] * len(every), every))
        first = int(dataset.frames.offsets[tracklet.row])
        assert torch.equal(stored, dataset.frames.pixels[first : first + len(every)])
    assert dataset.junk_pids == (-1,)
    assert {t.pid for t in dataset.train} == {0, 1, 2}
    assert {t.raw_pid for t in dataset.train} == {1, 3, 5}
    assert {t.pid for t in dataset.gallery} == {-1, 0, 2, 4, 6}
    assert set(dataset.query) <= set(dataset.gallery)
    assert dataset.settings["strengths"]["occlusion"] == 0.85
    words = promenade.attributes(dataset, dataset.query[0])
    assert set(promenade.ATTRIBUTES) < set(words)


def test_unusual_requests_can_be_made_again_from_their_settings(tmp_path: Path) -> None:
    asked = {"cache": tmp_path, "progress": False, "subset": "none", "height": 16, "width": 8}
    plain = promenade.load("tiny", **asked)
    assert not {"lengths", "people", "backdrop"} & plain.settings.keys()
    people = {"test": 3}
    other = promenade.load("tiny", lengths=(3, 4), people=people, backdrop=2, **asked)
    told = {key: other.settings[key] for key in ("lengths", "people", "backdrop")}
    assert told == {"lengths": [3, 4], "people": people, "backdrop": 2}
    again = promenade.load("tiny", **asked, **told)
    assert again.settings["digest"] == other.settings["digest"] != plain.settings["digest"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"workers": 0}, "workers is 0; drawing takes at least 1 thread"),
        ({"device": "tpu7"}, "no device 'tpu7' here"),
        ({"strengths": 0.5}, "strengths is 0.5"),
    ],
)
def test_bad_arguments_of_load(tmp_path: Path, asked: dict, words: str) -> None:
    with pytest.raises(ReidError, match=words):
        promenade.load("tiny", cache=tmp_path / "none", **asked)
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_a_graphics_card_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReidError, match=r"no device 'cuda' here .*device='cpu'"):
        promenade.load("tiny", cache=tmp_path, device="cuda")


def test_only_promenade_is_written(tmp_path: Path) -> None:
    frames = opened(tmp_path, Painter())
    mars = TrackletDataset("mars", "1", "as published", (), (), (), frames)
    with pytest.raises(ReidError, match=r"this is mars \(version 1\)"):
        promenade.write_mars(mars, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_batches_fit_the_cache_or_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    large, small = (resolve(Settings(height=h, width=h // 2)) for h in (256, 64))
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert promenade._batch(large, cpu, 2) == 32
    assert promenade._batch(small, cpu, 2) == 512
    for free, frames in ((80 << 30, 512), (4 << 30, 128), (1 << 20, 1)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, free))
        assert promenade._batch(large, cuda, 2) == frames


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
def test_a_graphics_card_draws_the_same_within_a_grey_level(tmp_path: Path) -> None:
    asked = {"progress": False, "people": {"train": 3, "test": 3}, "height": 256, "width": 128}
    here, there = (
        promenade.load("tiny", cache=tmp_path / device, device=device, **asked).frames.pixels
        for device in ("cpu", "cuda")
    )
    assert (here.short() - there.short()).abs().max() <= 1
