"""Sentences against tables, shares of queries, and numbers that stand in two places."""

from __future__ import annotations

import pytest

from reidlib.experiments.printed import printed
from reidlib.experiments.printed_sheets import bounds_sheet, disagreements_sheet
from reidlib.experiments.printed_text import QUOTED, lone_splits, off_grid, on_grid, slips, twins


def test_slips_in_sentences() -> None:
    found = {(s.paper, s.what, s.stated): s.why for s in slips()}
    assert len(found) == len(slips()) == 8
    stan = found["TRSA", "gain over STAN, iLIDS-VID rank-1", "+4.1"]
    assert stan == "Table 2 has 82.7 - 80.2 (STAN) = +2.5"
    assert "88.9 - 88.0" in found["TACAN", "gain over SCAN, iLIDS-VID rank-1", "+0.8"]
    flow = found["FGRA", "gain over all without optical flow, iLIDS-VID rank-1", "+6.7"]
    assert "84.3 (RRU) = +3.7" in flow  # not SCAN's 81.3
    tracklets = found["FGRA", "tracklets of MARS, 17,503 and 3,248 distracters", "20,751"]
    assert tracklets.startswith("8,298 + 12,180 = 20,478")
    people = found["TACAN", "people in the test set of MARS", "626"]
    assert people == "1,261 - 625 = 636, all less training"
    assert "11,310" in found["TACAN", "tracklets in the test set of MARS", "12,180"]
    assert not any(paper in ("RGSA+RGTR", "SINet") for paper, *_ in found)


def test_quoted_gains_are_of_rows_that_exist() -> None:
    for said in QUOTED:
        rows = printed(said.table).rows
        assert said.column in rows[said.own]
        assert not said.rivals or said.column in rows[said.rivals]


def test_shares_of_queries_by_counting() -> None:
    possible = {f"{100 * k / 890:.1f}" for k in range(891)}
    for tenth in range(1001):
        assert on_grid(tenth / 10, 890) == (f"{tenth / 10:.1f}" in possible)
        assert on_grid(tenth / 10, 1000)


def test_what_no_count_of_hits_gives() -> None:
    found = {(b.table, b.row, b.column[1]): b for b in off_grid()}
    assert found["fgra-2", "4. GB+RAM+AVG", "rank-1"].value == 92.3
    assert found["fgra-2", "3. GB+AVG", "rank-5"].value == 96.8
    assert len(found) == 2
    assert {b.column[0] for b in found.values()} == {"PRID-2011"}
    assert "k / 890" in next(iter(found.values())).why


def test_rows_that_look_like_one_split() -> None:
    """FGRA's on iLIDS-VID, by counting; a row with one value off the grid is no such row."""
    one, two = lone_splits()
    assert one.startswith("fgra-1: FGRA (1 of 1 rows): all 4 CMC values of iLIDS-VID are k / 150")
    assert (
        "4. GB+RAM+AVG, 5. GB+RAM+TA, 6. GB+RAM+TAS, 7. GB+RAM+TAS+CR, 8. GB+RAM+TAS+CR+SA" in two
    )
    assert "(5 of 8 rows): all 10 CMC values" in two
    assert "15%" in two
    possible = {f"{100 * k / 150:.1f}" for k in range(151)}
    rows = printed("fgra-2").rows
    for label, cells in rows.items():
        own = {f"{v:.1f}" for (data, what), v in cells.items()
               if data == "iLIDS-VID" and what != "mAP"}  # fmt: skip
        assert (label in two) == (own <= possible), label


def test_the_same_numbers_elsewhere() -> None:
    found = {twin.values: twin for twin in twins()}
    assert set(found) == {(73.7, 84.9, 91.6, 51.7), (97.6,), (99.4,)}
    assert found[73.7, 84.9, 91.6, 51.7].places == (
        "RGSA+RGTR, Table 4 (RQEN)", "FGRA, Table 1 (QAN)",
    )  # fmt: skip
    assert "rank-20 or rank-10" in found[(97.6,)].what


@pytest.mark.parametrize("word", ["+4.1", "20,751", "92.3", "89 queries"])
def test_they_are_in_the_sheet(word: str) -> None:
    assert any(word in cell for row in bounds_sheet().rows for cell in row)
    assert any("RQEN" in row[-1] and "QAN" in row[-1] for row in disagreements_sheet().rows)
