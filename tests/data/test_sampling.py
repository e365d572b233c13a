"""Identity batches and frame rules, against plain loops and the properties their names promise."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from reidlib.data.sampling import (
    TEST_RULES,
    TRAIN_RULES,
    PKSampler,
    all_frames_strided,
    chop,
    consecutive_cyclic_tail,
    consecutive_pieces,
    generator,
    overlap,
    random,
    strided,
)
from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError
from reidlib.recipes.core import Sampler

MODES = ("one_pass", "chunked_shuffle", "chunked_distinct")
SIZES = [(n, t) for n in (1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 64) for t in (1, 2, 4, 6, 15)]


def people(counts: list[int], cameras: int = 2) -> list[Tracklet]:
    """Person i has counts[i] tracklets, over the cameras in turn; neighbours are not together."""
    rows = [(pid, k % cameras) for pid, number in enumerate(counts) for k in range(number)]
    order = np.random.default_rng(5).permutation(len(rows))
    return [Tracklet(i, ("f",), rows[j][0], rows[j][1], 0, 0) for i, j in enumerate(order)]


COUNTS = [1, 3, 4, 4, 5, 8, 9, 13, 2, 4, 6]


# --- identity batches -----------------------------------------------------------------------------


def epoch(sampler: PKSampler, number: int = 0) -> np.ndarray:
    """(batches, P, K)"""
    return sampler.batches(number).reshape(-1, sampler.identities, sampler.clips)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_is_p_groups_of_k_tracklets_of_one_identity(mode):
    items = people(COUNTS)
    sampler = PKSampler(items, 3, 4, mode, seed=1)
    for number in range(4):
        batches = epoch(sampler, number)
        assert len(batches) > 0
        for group in batches.reshape(-1, 4):
            (pid,) = {items[i].pid for i in group}
            if COUNTS[pid] >= 4:
                assert len(set(group.tolist())) == 4, "a tracklet came twice"


@pytest.mark.parametrize("mode", ["one_pass", "chunked_distinct"])
def test_a_batch_holds_p_different_identities(mode):
    items = people(COUNTS)
    for batch in epoch(PKSampler(items, 4, 4, mode)):
        assert len({items[i].pid for i in batch[:, 0]}) == 4


def test_one_pass_sees_every_identity_once():
    items = people(COUNTS[:9])
    sampler = PKSampler(items, 3, 4, "one_pass")
    assert len(sampler) == 3
    for number in range(3):
        seen = Counter(items[i].pid for i in epoch(sampler, number)[..., 0].ravel())
        assert seen == Counter(range(9))


def test_one_pass_can_draw_every_tracklet_of_a_large_identity():
    items = people([9, 4])
    sampler = PKSampler(items, 2, 4, "one_pass")
    seen = {int(i) for number in range(40) for i in sampler.batches(number).ravel()}
    assert seen == set(range(13))


def test_chunked_shuffle_uses_each_tracklet_at_most_once_and_drops_left_overs():
    items = people(COUNTS)
    sampler = PKSampler(items, 1, 4, "chunked_shuffle")  # P = 1: no group is dropped
    groups = epoch(sampler).reshape(-1, 4)
    per_person = Counter(items[group[0]].pid for group in groups)
    assert per_person == {pid: max(1, number // 4) for pid, number in enumerate(COUNTS)}
    used = Counter(int(i) for i in groups.ravel())
    assert all(times == 1 for i, times in used.items() if COUNTS[items[i].pid] >= 4)
    assert len(sampler) == sum(per_person.values())


def test_chunked_shuffle_can_bring_one_identity_twice_into_a_batch():
    items = people([40, 4])
    repeats = [
        len({items[i].pid for i in batch[:, 0]}) < 2
        for batch in epoch(PKSampler(items, 2, 4, "chunked_shuffle"))
    ]
    assert any(repeats)


def test_chunked_distinct_stops_when_fewer_than_p_identities_have_groups_left():
    items = people([4, 4, 40])
    sampler = PKSampler(items, 2, 4, "chunked_distinct")
    lengths = set()
    for number in range(30):
        batches = epoch(sampler, number)
        pairs = [frozenset(items[i].pid for i in batch[:, 0]) for batch in batches]
        left = {0: 1, 1: 1, 2: 10}
        for pair in pairs:
            for pid in pair:
                left[pid] -= 1
        assert sum(number > 0 for number in left.values()) < 2
        lengths.add(len(batches))
    assert lengths == {1, 2}  # {0, 1} first leaves only person 2; else both meet person 2


@pytest.mark.parametrize("mode", MODES)
def test_batches_are_addressed_by_step_and_epochs_roll_on(mode):
    items = people(COUNTS)
    sampler = PKSampler(items, 3, 4, mode, seed=3)
    told = np.concatenate([sampler.batches(number) for number in range(6)])
    for step in (len(told) - 1, 0, 5, len(sampler), len(sampler) - 1, 2):
        fresh = PKSampler(items, 3, 4, mode, seed=3)  # that never saw another step
        assert np.array_equal(fresh.batch(step), told[step])
        assert np.array_equal(sampler.batch(step), told[step])
    assert len(sampler) == len(sampler.batches(0))


@pytest.mark.parametrize("mode", MODES)
def test_epochs_and_seeds_differ_and_nothing_global_matters(mode):
    items = people(COUNTS)
    first = PKSampler(items, 3, 4, mode, seed=3)
    np.random.seed(0)  # noqa: NPY002  what must not matter
    second = PKSampler(items, 3, 4, mode, seed=3)
    assert np.array_equal(first.batches(2), second.batches(2))
    assert not np.array_equal(first.batches(0)[:3], first.batches(1)[:3])
    other = PKSampler(items, 3, 4, mode, seed=4)
    assert not np.array_equal(first.batches(0)[:3], other.batches(0)[:3])


def test_an_identity_with_one_tracklet_repeats_it():
    items = people([1, 1])
    (batch,) = epoch(PKSampler(items, 2, 4, "one_pass"))
    assert [len(set(group.tolist())) for group in batch] == [1, 1]


@pytest.mark.parametrize("mode", MODES)
def test_balance_spreads_k_over_the_cameras(mode):
    items = people([12, 12, 12], cameras=3)
    for group in epoch(PKSampler(items, 3, 3, mode, balance_cameras=True)).reshape(-1, 3):
        assert len({items[i].camid for i in group}) == 3
    plain = epoch(PKSampler(items, 3, 3, mode)).reshape(-1, 3)
    assert any(len({items[i].camid for i in group}) < 3 for group in plain)


def test_the_lengths_that_mars_has():
    """One pass: 625 identities. Chunked: 7,532 tracklets in groups of four."""
    counts = [4] * 624
    counts.append(7532 - sum(counts))
    rows = [Tracklet(0, ("f",), pid, 0, 0, 0) for pid, n in enumerate(counts) for _ in range(n)]
    assert [len(PKSampler(rows, p, 4, "one_pass")) for p in (8, 18)] == [78, 34]
    assert [len(PKSampler(rows, p, 4, "chunked_shuffle")) for p in (8, 18)] == [235, 104]


@pytest.mark.parametrize("mode", MODES)
def test_too_few_identities_are_refused_with_the_numbers(mode):
    with pytest.raises(ReidError, match=r"2 training identities .* 8 identities times 4"):
        PKSampler(people([4, 4]), 8, 4, mode)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ReidError, match="one_pass, chunked_shuffle, chunked_distinct"):
        PKSampler(people([4, 4]), 2, 4, "random")  # type: ignore[arg-type]


def test_recipes_name_these_modes():
    PKSampler(people([4, 4]), 2, 2, Sampler().mode)


def test_chop_cuts_long_tracklets_and_keeps_the_rest_whole():
    frames = tuple(f"{i}" for i in range(23))
    long, short = Tracklet(4, frames, 1, 2, 3, 4), Tracklet(5, frames[:9], 1, 2, 3, 4)
    pieces = chop([long, short], 5)
    assert [len(p) for p in pieces] == [5, 5, 5, 8, 9]
    assert sum((p.frames for p in pieces[:4]), ()) == frames
    assert [getattr(p, "start", None) for p in pieces] == [0, 5, 10, 15, None]
    assert {p.row for p in pieces[:4]} == {4}
    assert pieces[4] is short
    assert [p.start for p in chop([pieces[3]], 4)] == [15, 19]


# --- frames, training -----------------------------------------------------------------------------


def lawful(name: str, n: int, t: int) -> list[tuple[int, int]]:
    """First and last frame that each slot may take, by the rule's own words, with plain loops."""
    if name == "sparse":
        length = max(n, t)
        segment = length // t
        spans = [(i * segment, (i + 1) * segment - 1) for i in range(t - 1)]
        spans.append(((t - 1) * segment, length - 1))
        return [(min(a, n - 1), min(b, n - 1)) for a, b in spans]
    if name == "sparse_even":
        length = max(n, t)
        spans = [(i * length // t, (i + 1) * length // t - 1) for i in range(t)]
        return [(min(a, n - 1), min(b, n - 1)) for a, b in spans]
    if name == "contiguous" and n >= t:
        return [(i, n - t + i) for i in range(t)]
    if name == "strided" and n >= 8 * t:
        return [(8 * i, n - 1 - (t - 1 - i) * 8) for i in range(t)]
    if name == "random_as_drawn":
        return [(0, n - 1)] * t
    if n >= t:  # t different frames in order leave room for those before and after
        return [(i, n - t + i) for i in range(t)]
    return [(0, n - 1)] * t


@pytest.mark.parametrize("name", TRAIN_RULES)
def test_every_slot_takes_every_lawful_frame_and_no_other(name):
    for n, t in [(1, 1), (1, 4), (3, 4), (4, 4), (5, 4), (7, 4), (10, 3), (17, 2)]:
        rng = generator(0, 9, n, t)
        draws = np.array([TRAIN_RULES[name](n, t, rng) for _ in range(600)])
        assert draws.shape == (600, t)
        if name == "contiguous" and n < t:
            assert (draws == np.arange(t) % n).all()
            continue
        for slot, (first, last) in enumerate(lawful(name, n, t)):
            seen = set(draws[:, slot].tolist())
            assert seen <= set(range(first, last + 1)), (name, n, t, slot)
            assert {first, last} <= seen, (name, n, t, slot)


@pytest.mark.parametrize("name", TRAIN_RULES)
def test_clips_are_in_order(name):
    for n, t in SIZES:
        clip = TRAIN_RULES[name](n, t, generator(1, 9, n, t))
        assert clip.shape == (t,)
        assert clip.min() >= 0
        assert clip.max() < n
        if name == "contiguous":
            assert ((np.diff(clip) == 1) | (clip[1:] == 0)).all()
        elif name != "random_as_drawn":
            assert (np.diff(clip) >= 0).all()
        if n >= t:
            assert len(set(clip.tolist())) == t


def test_as_drawn_is_random_before_it_is_sorted():
    for n, t in SIZES:
        drawn = TRAIN_RULES["random_as_drawn"](n, t, generator(1, 9, n, t))
        assert sorted(drawn) == TRAIN_RULES["random"](n, t, generator(1, 9, n, t)).tolist()
    orders = {
        tuple(TRAIN_RULES["random_as_drawn"](3, 3, generator(0, 9, i)).tolist()) for i in range(60)
    }
    assert len(orders) == 6


def test_sparse_spreads_evenly_inside_each_segment():
    """n = 7, t = 4: slots 0, 1, 2 have one frame, the last has four, each a quarter of the time."""
    rng = generator(2, 9, 0)
    draws = np.array([TRAIN_RULES["sparse"](7, 4, rng) for _ in range(4000)])
    assert (draws[:, :3] == [0, 1, 2]).all()
    shares = np.bincount(draws[:, 3], minlength=7)[3:] / 4000
    assert np.abs(shares - 0.25).max() < 0.03


def test_contiguous_starts_are_uniform_up_to_the_last():
    rng = generator(3, 9, 0)
    starts = [TRAIN_RULES["contiguous"](10, 6, rng)[0] for _ in range(5000)]
    shares = np.bincount(starts, minlength=5) / 5000
    assert len(shares) == 5
    assert np.abs(shares - 0.2).max() < 0.03


def test_random_takes_every_frame_equally_often():
    rng = generator(4, 9, 0)
    counts = np.bincount(np.concatenate([random(9, 3, rng) for _ in range(3000)]), minlength=9)
    assert np.abs(counts / 3000 - 1 / 3).max() < 0.04


def test_strided_keeps_its_stride_from_its_threshold_on():
    rng = generator(5, 9, 0)
    assert all(set(np.diff(strided(32, 4, rng))) == {8} for _ in range(50))
    assert any(set(np.diff(strided(31, 4, rng))) != {8} for _ in range(50))
    assert set(np.diff(strided(8, 4, rng, stride=2))) == {2}


def test_counted_generators_are_reproducible_and_apart():
    values = {generator(*key).random() for key in [(0, 1, 0, 0), (0, 2, 0, 0), (1, 1, 0, 0)]}
    values |= {generator(0, 1, place, slot).random() for place in range(20) for slot in range(20)}
    assert len(values) == 402  # (0, 1, 0, 0) came twice
    values = {generator(0, 1, 5, 2, frame).random() for frame in range(20)}
    assert len(values) == 20
    assert generator(0, 1, 5, 2).random() in values  # the first frame's
    assert generator(2**40, 1, 10**9, 3).random() == generator(2**40, 1, 10**9, 3).random()
    with pytest.raises(ReidError, match="not -1"):
        generator(-1, 1, 0)


# --- clips, testing -------------------------------------------------------------------------------


def twin(name: str, n: int, t: int, stride: int | None = None, tail: str = "cover") -> list:
    """Each rule again, in plain lists."""
    if name == "sparse_even_first_of_segment":
        return [[math.floor(Fraction(i * n, t)) for i in range(t)]]
    if name in ("sparse_first_of_segment", "evenly"):
        frames = list(range(n))
        while len(frames) < t:
            frames.append(n - 1)
        if name == "evenly":
            frames = frames[: len(frames) - len(frames) % t]
        step = len(frames) // t
        return [[frames[i * step] for i in range(t)]]
    if name == "all_frames_strided":
        frames = list(range(n))
        length = n
        while length % t:
            length += 1
        while len(frames) < length:
            lack = length - len(frames)
            frames += frames if len(frames) < lack else frames[len(frames) - lack :]
        frames.sort()
        k = length // t
        return [frames[m::k] for m in range(k)]
    if name == "consecutive_cyclic_tail":
        clips = [list(range(start, min(start + t, n))) for start in range(0, n, t)]
        for clip in clips:
            own = list(clip)
            while len(clip) < t:
                clip.append(own[len(clip) % len(own)])
        return clips
    if n < t:
        return [[i % n for i in range(t)]]
    starts, start = [], 0
    while start + t <= n:
        starts.append(start)
        start += stride or max(1, t // 2)
    if tail == "cover" and starts[-1] + t < n:
        starts.append(n - t)
    return [list(range(start, start + t)) for start in starts]


@pytest.mark.parametrize("name", TEST_RULES)
def test_rules_for_testing_equal_their_plain_loops(name):
    assert SIZES
    for n, t in [*SIZES, (920, 4), (2, 15), (3, 16), (33, 32)]:
        for stride, tail in ((None, "cover"), (None, "drop"), (3, "cover"), (5, "drop")):
            clips = TEST_RULES[name](n, t, stride, tail)
            assert clips.tolist() == twin(name, n, t, stride, tail), (n, t, stride, tail)


@pytest.mark.parametrize("name", ["all_frames_strided", "consecutive_cyclic_tail", "overlap"])
def test_no_frame_is_left_out(name):
    for n, t in SIZES:
        assert set(TEST_RULES[name](n, t).ravel().tolist()) == set(range(n))


def test_worked_examples():
    assert all_frames_strided(5, 4).tolist() == [[0, 2, 3, 4], [1, 2, 3, 4]]
    assert all_frames_strided(8, 4).tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert all_frames_strided(3, 4).tolist() == [[0, 1, 2, 2]]
    assert all_frames_strided(1, 4).tolist() == [[0, 0, 0, 0]]
    assert consecutive_cyclic_tail(6, 4).tolist() == [[0, 1, 2, 3], [4, 5, 4, 5]]
    assert overlap(11, 4).tolist()[-2:] == [[6, 7, 8, 9], [7, 8, 9, 10]]
    assert overlap(11, 4, tail="drop").tolist()[-1] == [6, 7, 8, 9]
    assert len(consecutive_cyclic_tail(190, 4)) == 48


def test_an_unknown_tail_is_refused_at_any_length():
    for n in (3, 20):
        with pytest.raises(ValueError, match="tail is cover or drop, not 'drp'"):
            TEST_RULES["overlap"](n, 8, None, "drp")


def test_pieces_of_32_leave_a_short_one():
    assert [len(p) for p in consecutive_pieces(70)] == [32, 32, 6]
    assert np.concatenate(consecutive_pieces(70)).tolist() == list(range(70))
    assert [len(p) for p in consecutive_pieces(64)] == [32, 32]


def test_seeds_at_the_top_of_the_range_differ():
    drawn = [generator(seed, 1, 0).random() for seed in (2**63, 2**63 + 1, 2**64 - 1)]
    assert len(set(drawn)) == 3


def test_threads_that_ask_at_once_get_the_same_batches():
    """`chunked_distinct` finds its epochs' starts as it goes; two finders must not disturb them."""
    from concurrent.futures import ThreadPoolExecutor

    items = [Tracklet(row, ("a",), row // 5, 0, row // 5, 1) for row in range(60)]
    alone = PKSampler(items, 3, 2, "chunked_distinct", seed=1)
    expected = [alone.batch(step).tolist() for step in range(80)]
    for _ in range(5):
        shared = PKSampler(items, 3, 2, "chunked_distinct", seed=1)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda step, s=shared: s.batch(step).tolist(), range(80)))
        assert found == expected
