"""Which tracklets there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reidlib.data.promenade.census import Census, heavy_tailed, people, take_census
from reidlib.data.promenade.settings import PEOPLE, Settings, resolve


def census(**settings) -> Census:
    return take_census(resolve(Settings(**settings)))


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_queries_are_one_per_person_and_camera(size: str) -> None:
    found = census(size=size)
    test = ~found.train & (found.person > 0)
    pairs = set(zip(found.person[test].tolist(), found.camera[test].tolist()))
    asked = list(zip(found.person[found.query].tolist(), found.camera[found.query].tolist()))
    assert len(asked) == len(set(asked))
    assert set(asked) == pairs
    for person in np.unique(found.person[test]):
        assert len({camera for who, camera in pairs if who == person}) in (3, 4)


def test_rows_are_in_the_order_of_their_files() -> None:
    found = census(size="small")
    names = [found.names(row) for row in range(len(found))]
    for inside in (found.train, ~found.train):
        files = [n.rsplit("/", 1)[1] for row in np.flatnonzero(inside) for n in names[row]]
        assert files == sorted(files)
    assert len(names[3]) == found.length[3]
    assert names[0][0] == "bbox_train/0001/0001C1T0001F001.jpg"
    first = int(np.flatnonzero(~found.train)[0])
    assert names[first][0].startswith("bbox_test/00-1/00-1C")
    assert sum(map(len, names)) == found.offsets[-1]


def test_sets_of_people_share_nobody() -> None:
    settings = resolve(Settings(size="small"))
    sets = [set(people(settings, name)) for name in ("train", "validation", "test", "pretrain")]
    assert [len(s) for s in sets] == [420, 100, 450, 420]
    assert len(set().union(*sets)) == sum(map(len, sets))


def test_the_largest_sets_share_nobody_either() -> None:
    settings = resolve(Settings(size="small"), people=PEOPLE)
    sets = {name: set(people(settings, name).tolist()) for name in PEOPLE}
    assert {name: len(some) for name, some in sets.items()} == PEOPLE
    assert len(set().union(*sets.values())) == sum(PEOPLE.values())
    assert max(max(some) for some in sets.values()) <= 9999


def test_a_person_is_seen_alike_whatever_else_is_asked_for() -> None:
    whole = census(size="small")
    for other in (census(size="small", evaluate="none"), census(size="small", subset="none")):
        mask = whole.train if other.train.all() else ~whole.train
        for name in ("person", "camera", "number", "length", "query"):
            np.testing.assert_array_equal(getattr(whole, name)[mask], getattr(other, name))
    strong = take_census(resolve(Settings(size="small", scenario="clean")))
    np.testing.assert_array_equal(whole.length, strong.length)
    assert not np.array_equal(whole.camera, census(size="small", world=1).camera[: len(whole)])


def test_pieces_can_be_left_out() -> None:
    assert len(census(size="tiny", subset="none", evaluate="none")) == 0
    only = census(size="tiny", subset="pretrain", evaluate="validation")
    assert set(only.person[only.train]) == set(range(7000, 7016))
    assert set(only.person[only.query]) == set(range(5001, 5009))


def test_two_cameras_and_fixed_lengths() -> None:
    found = census(size="tiny", cameras=2, lengths=(5, 5))
    assert set(found.camera.tolist()) == {0, 1}
    assert set(found.length.tolist()) == {5}


def test_lengths_with_a_mean_are_many_short_ones_and_a_few_long() -> None:
    found = census(size="small", lengths=(2, 200, 30)).length
    assert 2 <= found.min() < found.max() <= 200
    assert abs(found.mean() - 30) < 3 * found.std() / len(found) ** 0.5
    assert np.median(found) < 25
    alone = census(size="small", lengths=(2, 200, 30), subset="none").length
    np.testing.assert_array_equal(found[-len(alone) :], alone)  # nobody's depends on another's


@pytest.mark.parametrize(
    ("low", "high", "mean"), [(2, 920, 58), (8, 16, 8), (8, 16, 16), (5, 5, 5), (1, 999, 700)]
)
def test_heavy_tails_have_their_mean(low: int, high: int, mean: float) -> None:
    found = heavy_tailed(low, high, mean, (np.arange(100_000) + 0.5) / 100_000)
    assert low <= found.min() <= found.max() <= high
    assert found.mean() == pytest.approx(mean, rel=0.01)


def test_places_find_every_frame() -> None:
    found = census(size="tiny")
    rows, frames = found.places(0, int(found.offsets[-1]))
    expected = [(row, frame) for row in range(len(found)) for frame in range(found.length[row])]
    assert list(zip(rows.tolist(), frames.tolist())) == expected


def test_mars_has_the_numbers_of_mars() -> None:
    found = census(size="mars")
    test = ~found.train
    groups = {
        "train": (found.train, 625, 8298, 509_914, 5, 900),
        "query": (found.query, 626, 1980, 114_493, 2, 880),
        "distractors": (found.person == 0, 1, 3248, 147_743, 6, 734),
        "junk": (found.person == -1, 1, 870, 23_380, 6, 226),
        "test": (test, 636, 12_180, 681_089, 2, 920),
    }
    for name, (mask, ids, tracklets, frames, shortest, longest) in groups.items():
        length = found.length[mask]
        seen = (len(set(found.person[mask])), len(length), length.sum(), length.min(), length.max())
        assert seen == (ids, tracklets, frames, shortest, longest), name
    assert abs(np.median(found.length[found.train]) - 36) <= 1
    cameras = [len(set(found.camera[found.person == p])) for p in np.unique(found.person[test])[2:]]
    assert cameras.count(1) == 8
    assert max(found.number) <= 9999


def test_another_world_of_mars_meets_them_too() -> None:
    found = census(size="mars", world=3)
    assert (len(found), int(found.offsets[-1])) == (20_478, 1_191_003)


@pytest.mark.parametrize("cameras", [4, 9])
def test_mars_has_its_queries_with_other_cameras(cameras: int) -> None:
    assert census(size="mars", cameras=cameras, subset="none").query.sum() == 1980


def test_validation_of_mars_is_smaller_than_test() -> None:
    settings = replace(Settings(size="mars"), evaluate="validation", subset="none")
    found = take_census(resolve(settings))
    assert len(set(found.person[found.query])) <= 100
    assert (found.person == 0).sum() == 812
