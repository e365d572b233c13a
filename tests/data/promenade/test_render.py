"""Frames are functions of their keys: alone, together, in any order, thread count or process."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from reidlib.data.promenade import cast
from reidlib.data.promenade.census import take_census
from reidlib.data.promenade.people import ATTRIBUTES
from reidlib.data.promenade.render import Stage
from reidlib.data.promenade.settings import VERSION, Settings, resolve

SAMPLE = Path(__file__).parent / "sample.npz"
FINE_SAMPLE = SAMPLE.with_name("sample_fine.npz")
# Skirts and trousers, shirts, coat, hoodie and jacket, from all sides; all faults but noise, which
# does not compress; a walker and a car in front, a distractor, a frame of somebody else.
FINE_ROWS = (6, 19, 35, 38, 49, 57, 74, 111, 143)


def sample() -> tuple[Stage, np.ndarray, np.ndarray]:
    """A few frames of every sort, in street: the version number stands for exactly these."""
    settings = resolve(Settings("tiny", "street"), {"corruption": 0.8})
    stage = Stage(settings, take_census(settings))
    rows = np.arange(0, len(stage.census), 5)
    return stage, rows, np.arange(len(rows)) % 6


def fine_sample() -> tuple[Stage, np.ndarray, np.ndarray]:
    """Some of the same frames at 128x64: what small ones leave out, by the code of large ones."""
    settings = resolve(Settings("tiny", "street", height=128, width=64), {"corruption": 0.8})
    rows = np.array(FINE_ROWS)
    return Stage(settings, take_census(settings)), rows, rows % 6


def assert_same_pixels(frames: torch.Tensor, stored: np.ndarray) -> None:
    apart = np.abs(frames.numpy().astype(int) - stored)
    assert apart.max() <= 1, f"{(apart > 1).mean():.2%} of the values differ: raise VERSION"


def test_the_version_stands_for_these_pixels() -> None:
    """If this fails on purpose, raise VERSION and store the samples anew (see `store_samples`)."""
    stage, rows, frames = sample()
    stored = np.load(SAMPLE)
    assert str(stored["version"]) == VERSION, "the sample was stored by another version"
    assert_same_pixels(stage.frames(rows, frames), stored["frames"])
    np.testing.assert_array_equal(np.packbits(stage.truth(rows, frames)["mask"]), stored["mask"])


def test_the_version_stands_for_large_frames_and_their_truth() -> None:
    """If this fails on purpose, raise VERSION and store the samples anew (see `store_samples`)."""
    stage, rows, frames = fine_sample()
    stored, known = np.load(FINE_SAMPLE), stage.truth(rows, frames)
    assert str(stored["version"]) == VERSION, "the sample was stored by another version"
    assert_same_pixels(stage.frames(rows, frames), stored["frames"])
    assert set(stored.files) == {"version", "frames", *known}
    for name, values in known.items():
        np.testing.assert_allclose(values, stored[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_large_sample_has_creases_pleats_faults_and_occluders(monkeypatch) -> None:
    stage, rows, frames = fine_sample()
    worn = {name: stage.traits[name][rows] for name in ("lower", "pattern")}
    assert ATTRIBUTES["lower"].index("skirt") in worn["lower"]
    assert ATTRIBUTES["pattern"].index("plain") in worn["pattern"]
    known, before = stage.truth(rows, frames), stage.frames(rows, frames).int()
    assert len(known["fault"].unique()) >= 5
    assert {0, 1, 3} <= set(known["occluder"].tolist())
    assert (known["visible"] != known["mask"]).any()
    monkeypatch.setattr(cast, "_FINE", 1000)
    apart = (stage.frames(rows, frames).int() - before).abs().flatten(1).amax(1)
    assert (apart > 1).float().mean() > 0.8  # a change of the folds would be seen


def store_samples() -> None:
    """python -c 'import test_render; test_render.store_samples()' in this folder."""
    stage, rows, frames = sample()
    np.savez_compressed(
        SAMPLE, version=VERSION, frames=stage.frames(rows, frames).numpy(),
        mask=np.packbits(stage.truth(rows, frames)["mask"]),
    )  # fmt: skip
    stage, rows, frames = fine_sample()
    known = {name: values.numpy() for name, values in stage.truth(rows, frames).items()}
    np.savez_compressed(
        FINE_SAMPLE, version=VERSION, frames=stage.frames(rows, frames).numpy(), **known
    )


def test_same_pixels_alone_and_in_any_order() -> None:
    stage, rows, frames = sample()
    together, known = stage.frames(rows, frames), stage.truth(rows, frames)
    order = np.random.default_rng(0).permutation(len(rows))
    torch.testing.assert_close(
        stage.frames(rows[order], frames[order]), together[order], rtol=0, atol=0
    )
    for i in (0, 3, len(rows) - 1):
        alone = stage.frames(rows[i : i + 1], frames[i : i + 1])
        assert torch.equal(alone[0], together[i])
        for name, values in stage.truth(rows[i : i + 1], frames[i : i + 1]).items():
            assert torch.equal(values[0], known[name][i]), name


def test_same_pixels_with_one_thread_and_two() -> None:
    stage, rows, frames = sample()
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            seen.append((stage.frames(rows, frames), stage.truth(rows, frames)["parts"]))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][1], seen[1][1])


def test_same_pixels_in_another_process() -> None:
    code = """
import sys, zlib
sys.path.insert(0, sys.argv[1])
import test_render
stage, rows, frames = test_render.sample()
print(zlib.crc32(stage.frames(rows, frames).numpy().data))
"""
    there = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)],
                           capture_output=True, text=True, check=True)  # fmt: skip
    stage, rows, frames = sample()
    assert int(there.stdout) == zlib.crc32(stage.frames(rows, frames).numpy().data)


@pytest.mark.parametrize(("height", "width"), [(64, 32), (96, 40), (17, 23)])
def test_any_size(height: int, width: int, stage) -> None:
    small = stage(height=height, width=width)
    frames = small.frames([8, 9], [0, 3])
    assert frames.shape == (2, 3, height, width)
    assert frames.dtype == torch.uint8
    assert frames.float().std() > 8
    assert small.truth([8, 9], [0, 3])["mask"].shape == (2, height, width)


def test_worlds_and_people_differ(stage) -> None:
    here, there = stage("clean"), stage("clean", world=1)
    rows = np.flatnonzero(here.census.person > 0)[:6]
    one, two = here.frames(rows, np.zeros(6)), there.frames(rows, np.zeros(6))
    assert (one.float() - two.float()).abs().mean() > 10
    looks = np.stack([here.traits[n] for n in ("upper_colour", "lower_colour", "bag")], 1)
    assert len(np.unique(looks[here.census.person > 0], axis=0)) > 12


def test_the_size_of_the_set_changes_nobody(stage) -> None:
    """Frames of a person do not depend on how many others there are, or on the subset."""
    few, many = stage("clean", people=5), stage("clean", people=9)
    at = [np.flatnonzero(s.census.person == 4)[0] for s in (few, many)]
    assert torch.equal(few.frames([at[0]] * 3, [0, 1, 2]), many.frames([at[1]] * 3, [0, 1, 2]))


def test_the_same_walk_before_another_street(stage) -> None:
    here, there = stage("clean"), stage("clean", backdrop=2)
    rows, frames = np.arange(20, 30), np.arange(10) % 8
    one, two = here.truth(rows, frames), there.truth(rows, frames)
    assert all(torch.equal(one[name], two[name]) for name in one)
    mask = one["mask"]
    apart = (here.frames(rows, frames).int() - there.frames(rows, frames).int()).abs().amax(1)
    assert apart[~mask].float().mean() > 10
    inside = torch.nn.functional.max_pool2d((~mask).float(), 5, 1, 2) == 0
    assert inside.any()
    assert apart[inside].float().mean() < 2


def test_people_fill_their_boxes(stage) -> None:
    """A detector without errors centres the person and leaves a margin."""
    quiet = stage("clean")
    rows = np.flatnonzero(quiet.census.person > 0)
    boxes = quiet.truth(rows, np.zeros(len(rows)))["mask"]
    height = boxes.any(2).sum(1).float() / 64
    assert 0.80 < height.mean() < 0.98
    middle = (boxes.float().sum(1) * torch.arange(32)).sum(1) / boxes.flatten(1).sum(1)
    assert abs(float(middle.mean()) - 15.5) < 1.0
