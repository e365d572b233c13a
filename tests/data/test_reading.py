from pathlib import Path

import pytest

from reidlib.data import ilids, reading
from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError
from tests import fake_layouts


def tracklet(row, pid, camera, *frames):
    return Tracklet(row, frames, pid, camera - 1, pid, camera)


SOME = (
    tracklet(0, 7, 2, "a/3.png", "a/4.png", "a/7.png"),
    tracklet(1, 7, 1, "b/1.png"),
    tracklet(2, 4, 2, "c/2.png", "c/3.png"),
    tracklet(3, 4, 2, "d/1.png", "d/2.png", "d/3.png", "d/4.png"),
)


def test_count():
    assert reading.count(SOME) == {
        "identities": 2,
        "tracklets": 4,
        "images": 10,
        "cameras": 2,
        "tracklets per camera": (1, 3),
        "shortest": 1,
        "median": 2.5,
        "longest": 4,
    }
    assert reading.count(())["longest"] == 0


def test_compare_takes_what_is_not_there_as_empty():
    rows = reading.compare({"some": SOME}, {"some": {"images": 10}, "none": {"tracklets": 3}})
    assert [(row.subset, row.found, row.ok) for row in rows] == [
        ("some", 10, True),
        ("none", 0, False),
    ]


def test_counts_are_insisted_on_or_warned_about(tmp_path):
    reading.check_counts({"some": SOME}, {"some": {"images": 10}}, tmp_path, "ilids")
    expected = {"some": {"images": 11, "tracklets": 5, "identities": 3}}
    with pytest.raises(ReidError, match=r"some: 10 images, expected 11 \(and 2 more differences\)"):
        reading.check_counts({"some": SOME}, expected, tmp_path, "ilids")
    with pytest.raises(ReidError, match="some: 4 tracklets, expected 5; run `reid doctor ilids"):
        reading.check_counts(
            {"some": SOME}, expected, tmp_path, "ilids", tolerated=("images", "identities")
        )
    with pytest.warns(UserWarning, match="some: 10 images, expected 11"):
        reading.check_counts(
            {"some": SOME}, {"some": {"images": 11}}, tmp_path, "ilids", tolerated=("images",)
        )


def test_missing_frames():
    def number(name):
        return int(Path(name).stem)

    holes = reading.missing_frames(SOME, number)
    assert [(t.row, lost) for t, lost in holes] == [(0, [5, 6])]
    holes = reading.missing_frames(SOME, number, first=1)
    assert [(t.row, lost) for t, lost in holes] == [(0, [1, 2, 5, 6]), (2, [1])]
    with pytest.raises(ReidError, match="lacks frame 1; 5 frames are missing in 2 tracklets"):
        reading.refuse_holes(holes, Path(), "prid")


def test_listings_are_sorted_and_leave_out_what_is_no_image(tmp_path):
    for name in ("b.png", "a.JPG", ".c.png", "Thumbs.db", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    for name in ("z", "y", ".git"):
        (tmp_path / name).mkdir()
    assert reading.list_images(tmp_path) == ["a.JPG", "b.png"]
    assert reading.list_folders(tmp_path) == ["y", "z"]


def test_the_digest_changes_with_any_row():
    first = reading.digest((SOME, SOME[:1]))
    assert first == reading.digest((SOME, SOME[:1]))
    others = [
        reading.digest((SOME[:1], SOME)),
        reading.digest((SOME, ())),
        reading.digest((SOME[::-1], SOME[:1])),
        reading.digest(((tracklet(0, 8, 2, *SOME[0].frames), *SOME[1:]), SOME[:1])),
        reading.digest(((tracklet(0, 7, 2, *SOME[0].frames[:2]), *SOME[1:]), SOME[:1])),
    ]
    assert len({first, *others}) == 6


def test_at_least_drops_short_tracklets_and_says_so(tmp_path):
    data = ilids.load(fake_layouts.ilids(tmp_path), expect=None)
    filtered = reading.at_least(data, 3)
    for before, after in (
        (data.train, filtered.train),
        (data.query, filtered.query),
        (data.gallery, filtered.gallery),
    ):
        assert [t.row for t in after] == [t.row for t in before if len(t) >= 3]
    assert 0 < len(filtered.train) < len(data.train)
    labels = sorted({t.raw_pid for t in filtered.train})
    assert all(labels[t.pid] == t.raw_pid for t in filtered.train)
    assert filtered.protocol.endswith("only tracklets of at least 3 frames")
    assert filtered.settings["min_frames"] == 3
