"""The papers' numbers: read whole, tied to recipes, and held against their own bounds."""

from __future__ import annotations

import itertools

import pytest

from reidlib.errors import ReidError
from reidlib.experiments.printed import (
    MEASURES,
    PRINTED_NAMES,
    breaches,
    disagreements,
    map_bounds,
    printed,
    printed_tables,
)
from reidlib.recipes import PAPERS, recipes

ABLATIONS = [t for t in printed_tables().values() if t.kind == "ablation"]


def test_every_table_is_there_once_with_a_source() -> None:
    assert {t.name for t in ABLATIONS} == {
        *("trsa-1", "rgsa-1", "rgsa-2", "rgsa-3", "fgra-2", "fgra-fig4"),
        *("tacan-1", "sinet-2", "sinet-3", "sinet-fig5"),
    }
    for table in printed_tables().values():
        assert table.paper in PAPERS.values()
        assert {data for data, _ in table.columns} <= set(PRINTED_NAMES.values())
        assert {measure for _, measure in table.columns} <= set(MEASURES)
        assert table.kind == "ablation" or table.own in table.rows
        assert all(0 < v <= 100 for row in table.rows.values() for v in row.values())


@pytest.mark.parametrize("table", ABLATIONS, ids=lambda t: t.name)
def test_rows_are_the_recipes_rows(table) -> None:
    """Both ways: every printed row has its recipe, every recipe that is no control its row."""
    ours = {
        row: r.control
        for r in recipes().values()
        for at, row in ((r.table, r.row), *r.also)
        if at == table.name
    }
    if table.rows:  # figures print no numbers
        assert list(table.rows) == [row for row in table.rows if ours.get(row) is False]
        assert {row for row, control in ours.items() if not control} == set(table.rows)


def test_some_cells() -> None:
    assert printed("sinet-3").rows["base. + GC block"][("MARS", "mAP")] == 85.0
    assert printed("fgra-1").rows["M3D"][("iLIDS-VID", "rank-5")] == 94.33
    assert ("MARS", "mAP") not in printed("fgra-1").rows["ASTPN"]
    assert printed("tacan-5").rows["TACAN"][("DukeMTMC-VideoReID", "rank-10")] == 99.6
    with pytest.raises(ReidError, match="no printed table 'sinet-9'; there are trsa-1"):
        printed("sinet-9")


def test_bounds_hold_for_every_ranking() -> None:
    """All ways to rank three queries' only matches in a gallery of six."""
    for ranks in itertools.product(range(1, 7), repeat=3):
        cmc = {k: 100 * sum(r <= k for r in ranks) / 3 for k in (1, 3, 5)}
        low, high = map_bounds(cmc, 6)
        exact = 100 * sum(1 / r for r in ranks) / 3
        assert low - 1e-9 <= exact <= high + 1e-9


def test_bounds_are_tight_but_for_rounding() -> None:
    """Ranks 2 and 3 between printed ranks 1 and 3: 1/3 at worst, 1/2 at best."""
    low, high = map_bounds({1: 40.0, 3: 100.0}, 6)
    assert low == pytest.approx(40 + 60 / 3, abs=0.11)
    assert high == pytest.approx(40 + 60 / 2, abs=0.11)
    assert low < 60 < 70 < high


def test_the_breaches() -> None:
    found = {(b.table, b.row, *b.column) for b in breaches()}
    bounded = {f for f in found if f[3] == "mAP" and f[2] != "MARS"}
    assert bounded == {
        ("trsa-1", "Baseline + L_v", "PRID-2011", "mAP"),
        ("trsa-1", "Baseline + L_v + SAM", "PRID-2011", "mAP"),
        ("fgra-2", "2. GB", "iLIDS-VID", "mAP"),
        *(
            ("fgra-2", row, "PRID-2011", "mAP")
            for row in ("1. AVG", "2. GB", "4. GB+RAM+AVG", "5. GB+RAM+TA", "7. GB+RAM+TAS+CR")
        ),
    }
    assert found - bounded == {
        ("trsa-2", "TRSA", "iLIDS-VID", "rank-5"),
        ("sinet-3", "base. + 2 IDM (Default)", "MARS", "mAP"),
    }


def test_rivals_on_whom_papers_disagree() -> None:
    found = {(d.method, *d.column): d.values for d in disagreements()}
    assert set(found[("RQEN", "iLIDS-VID", "rank-1")]) == {76.1, 77.1, 80.0}
    assert set(found[("RRU", "PRID-2011", "rank-20")]) == {98.8, 99.8}
    assert not any(method == "STA" and data == "iLIDS-VID" for method, data, _ in found)
    assert ("M3D", "iLIDS-VID", "rank-5") not in found  # 94.33 and 94.3 are the same
