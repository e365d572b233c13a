"""The loader: batches by step, the same whoever asks, in whatever order, from whatever source."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reidlib.data import mars
from reidlib.data.frames import StoredFrames
from reidlib.data.loading import ClipLoader
from reidlib.data.sampling import TRAIN_RULES, PKSampler, chop
from reidlib.data.store import store
from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from tests import fake_layouts

LENGTHS = [5, 1, 12, 3, 30, 7, 2, 9, 16]


def make(lengths=LENGTHS):
    """Each frame is one number: 40 * (person + 1) + frame. Three tracklets of each of three."""
    people = [i // 3 for i in range(len(lengths))]
    values = [40 * (pid + 1) + i for pid, n in zip(people, lengths) for i in range(n)]
    pixels = torch.tensor(values, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 4, 2)
    train = tuple(
        Tracklet(row, tuple(map(str, range(n))), pid, row % 2, pid + 7, row % 2 + 1)
        for row, (pid, n) in enumerate(zip(people, lengths))
    )
    source = StoredFrames(pixels, torch.from_numpy(np.cumsum([0, *lengths])))
    return TrackletDataset("fake", "1", "", train, (), (), source)


def loader(dataset=None, rule="sparse", t=4, seed=0, **options):
    dataset = dataset or make()
    return ClipLoader(dataset, PKSampler(dataset.train, 2, 2, seed=seed), rule, t, seed, **options)


def same(one, other):
    return one.step == other.step and all(
        torch.equal(getattr(one, name), getattr(other, name))
        for name in ("clips", "pids", "camids", "rows", "frames", "slots")
    )


@pytest.mark.parametrize("rule", TRAIN_RULES)
def test_a_batch_holds_what_it_says(rule):
    data = make()
    for step in range(6):
        batch = loader(data, rule).batch(step)
        assert batch.clips.shape == (4, 4, 3, 4, 2)
        assert batch.clips.dtype == torch.uint8
        for i in range(4):
            tracklet = data.train[batch.rows[i]]
            assert (int(batch.pids[i]), int(batch.camids[i])) == (tracklet.pid, tracklet.camid)
            expected = [40 * (tracklet.pid + 1) + int(f) for f in batch.frames[i]]
            assert (batch.clips[i] == torch.tensor(expected)[:, None, None, None]).all()
        assert batch.pids[0] == batch.pids[1] != batch.pids[2] == batch.pids[3]


def test_a_batch_depends_on_seed_and_step_alone():
    told = {step: loader().batch(step) for step in (9, 4, 0)}  # each by a loader of its own
    for batch in loader(threads=3).stream(0, 10):
        assert batch.step not in told or same(batch, told[batch.step])
    resumed = {batch.step: batch for batch in loader().stream(4, 10)}
    assert same(resumed[4], told[4])
    assert same(resumed[9], told[9])
    assert not same(loader(seed=1).batch(4), loader().batch(4))
    assert not torch.equal(loader().batch(4).frames, loader().batch(5).frames)


def test_clips_of_one_tracklet_twice_in_a_batch_differ():
    data = make([40, 40])
    data = replace(data, train=tuple(replace(t, pid=i) for i, t in enumerate(data.train)))
    batch = loader(data, "random").batch(0)
    assert batch.rows[0] == batch.rows[1]
    assert not torch.equal(batch.frames[0], batch.frames[1])


def test_the_stream_goes_on_over_epochs_and_stops_where_told():
    own = loader()
    assert len(own.sampler) == 1
    assert [b.step for b in own.stream(2, 6)] == [2, 3, 4, 5]
    endless = own.stream(3)
    assert [next(endless).step for _ in range(4)] == [3, 4, 5, 6]
    endless.close()
    assert 0 <= own.waiting <= 1


def test_waiting_is_the_share_of_time_that_the_loader_costs():
    import time

    class Slow(ClipLoader):
        def batch(self, step):
            time.sleep(0.02)
            return super().batch(step)

    data = make()
    slow = Slow(data, PKSampler(data.train, 2, 2), "sparse", 4, depth=1)
    for _ in slow.stream(0, 10):
        pass
    assert slow.waiting > 0.8
    for _ in slow.stream(0, 10):
        time.sleep(0.04)
    assert slow.waiting < 0.4


@pytest.mark.parametrize("parts", [2, 4])
def test_processes_share_a_batch(parts):
    data = make()
    whole = loader(data).batch(3)
    shares = [loader(data, part=(i, parts)).batch(3) for i in range(parts)]
    for name in ("clips", "pids", "camids", "rows", "frames", "slots"):
        together = torch.cat([getattr(share, name) for share in shares])
        assert torch.equal(together, getattr(whole, name))
    with pytest.raises(ReidError, match="4 clips cannot be shared by 3"):
        loader(data, part=(0, 3))


def test_files_and_stores_give_the_same_batches(tmp_path):
    files = mars.load(fake_layouts.mars(tmp_path / "mars"), size=(16, 8), expect=None)
    stored = replace(files, frames=store(files, 16, 8, tmp_path / "store", progress=False))
    one, other = loader(files, threads=3), loader(stored)
    assert (one.pixels is None, other.pixels is None) == (True, False)
    for first, second in zip(one.stream(0, 5), other.stream(0, 5), strict=True):
        assert same(first, second)


def test_a_broken_image_stops_the_stream_by_name(tmp_path):
    root = fake_layouts.mars(tmp_path / "mars")
    for path in (root / "bbox_train").rglob("*T0002F002.jpg"):
        path.write_bytes(path.read_bytes()[:200])
    files = mars.load(root, size=(16, 8), expect=None)
    with pytest.raises(ReidError, match=r"T0002F002.jpg cannot be decoded"):
        list(loader(files, t=3).stream(0, 20))


def test_pieces_of_tracklets_keep_their_place():
    whole = make([30, 30, 30, 30])
    whole = replace(whole, train=tuple(replace(t, pid=t.row % 2) for t in whole.train))
    data = replace(whole, train=chop(whole.train, 10))
    assert len(data.train) == 12
    sampler = PKSampler(data.train, 2, 6, "one_pass")
    batch = ClipLoader(data, sampler, "contiguous", 4).batch(0)
    assert (batch.frames.max(dim=1).values - batch.frames.min(dim=1).values == 3).all()
    assert (batch.frames[:, 0] // 10 == batch.frames[:, -1] // 10).all()
    assert len(set(zip(batch.rows.tolist(), (batch.frames[:, 0] // 10).tolist()))) == 12
    first = batch.clips[:, 0, 0, 0, 0].long()
    assert torch.equal(first % 40, batch.frames[:, 0])
    with pytest.raises(ValueError, match="other tracklets"):
        ClipLoader(whole, sampler, "contiguous", 4)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ReidError, match="no frame rule 'dense'; there are sparse, sparse_even"):
        loader(rule="dense")


def test_a_batch_moves_to_a_device():
    batch = loader().batch(0).to("meta")
    assert {batch.clips.device.type, batch.pids.device.type} == {"meta"}
    assert batch.slots.device.type == "cpu"
