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
from reidlib.experiments.printed_tables import DIAMETERS
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


# For each row its values in the order of print, each times its place (1, 2, ...), added up; "-" is
# 0. From the papers' own text, by a program (the re-run, which no paper has, by hand): neither a
# mistyped value passes, nor two swapped ones.
SUMS = {
    name: [float(one) for one in sums.split()]
    for name, sums in (
        line.split(": ")
        for line in """
trsa-1: 4977.1 5068.2 5160 5254.6 5291.7
trsa-2: 805.6 911.5 883 908 917.4 951.6 80.2 966.6
rgsa-1: 911.7 915.6 923 925.2 925.6 925.2 932.2
rgsa-2: 929.7 929.7 926.4 932.2
rgsa-3: 920.8 923.8 925 932.2
rgsa-4: 698.9 746.2 725.1 797.1 822.9 345.5 874.7 850.5 861.5 895.2 902.9 914.1
rgsa-5: 1714.8 1826 1873.6 1904.6 1986 1899 1905 1958.6 2023.4 1907.2 1921.7 453 2045.8 1140.2 2040 572.9 2050
rgsa-6: 878.8 965.4 973.2 978.9
fgra-1: 3018.2 3037 3214 5296 5591.4 5335 6593.5 6983 2076.5 4994.96 3785.6 7211.8 3782.4 6145.9 7251.1 7288.2 7349.3
fgra-2: 3739.2 3049.8 3898.4 4016.4 4078.1 4066.9 4106.1 4132.8
tacan-1: 841 910.3 915.1 932.8 940.6 942.5
tacan-2: 622 852.3 230.4 870.3 906.3 922.7 914.3 529.4 908.3 548.8 940.6 942.5
tacan-4: 432 428 533.2 533.6 539.4 934.5 527.4 536.4 166.8 942.1
tacan-5: 919.7 978.4 984.4
sinet-1: 944.3 1233.7 253.4 1530.4 1266.4 713.2 1640.8 263.7 1262.6 1281.9 1296 728.6 676.3 705.8 1234.6 830.1 1259 1898.1
sinet-2: 811.5 837.8 845.7 856.6
sinet-3: 260.4 264.5 265.1 264.4 264.6 264.9 265.4 264.3 266.1 265.3 266.8 266.8 268.2
sinet-2-rerun: 839.8 845.3 856.6
""".strip().splitlines()  # noqa: E501
    )
}


@pytest.mark.parametrize("table", printed_tables().values(), ids=lambda t: t.name)
def test_every_number_is_the_papers(table) -> None:
    sums = [
        round(sum(i * values.get(column, 0.0) for i, column in enumerate(table.columns, 1)), 2)
        for values in table.rows.values()
    ]
    assert sums == pytest.approx(SUMS.get(table.name, []))


def test_all_printed_numbers_are_summed() -> None:
    filled = {table.name for table in printed_tables().values() if table.rows}
    assert filled == set(SUMS)
    assert sum(len(r) for t in printed_tables().values() for r in t.rows.values()) == 755
    sums = [sum(i * v for i, v in enumerate(values, 1)) for values in DIAMETERS.values()]
    assert sums == pytest.approx([12.6819, 9.6552])


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
