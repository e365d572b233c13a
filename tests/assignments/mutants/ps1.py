"""Ranking: the mistakes in masks, ranks, shares and means."""

from __future__ import annotations

from . import Mutant
from .altered import altered

KEEP = """
def kept(pids, camids, query_pid, query_camid, rule="same_id_same_cam", junk=(-1,)):
    same_camera = camids == query_camid
    if rule == "same_id_same_cam":
        dropped = same_camera & (pids == query_pid)
    else:
        dropped = same_camera
    return ~dropped & ~np.isin(pids, junk)
"""

RANKS = """
def match_ranks(distances, right, ties="stable"):
    second = {"stable": np.zeros(len(right)), "optimistic": ~right, "pessimistic": right}[ties]
    order = np.lexsort((second, distances))
    return np.flatnonzero(right[order]) + 1
"""

CMC = """
def cmc(ranks, longest):
    first = np.array([r[0] for r in ranks if len(r)])
    return (first[:, None] <= np.arange(1, longest + 1)).mean(axis=0)
"""

AP = """
def average_precision(ranks):
    if len(ranks) == 0:
        return float("nan")
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))
"""

ALL = """
def evaluate(distances, query_pids, gallery_pids, query_camids, gallery_camids):
    same = query_pids[:, None] == gallery_pids[None, :]
    dropped = same & (query_camids[:, None] == gallery_camids[None, :])
    order = np.argsort(np.where(dropped, np.inf, distances), axis=1)
    hits = np.take_along_axis(same & ~dropped, order, axis=1)
    hits = hits[hits.any(axis=1)]
    found = np.cumsum(hits, axis=1)
    precision = found / np.arange(1, hits.shape[1] + 1)
    ap = (precision * hits).sum(axis=1) / hits.sum(axis=1)
    return (found > 0).mean(axis=0), float(ap.mean())
"""

MUTANTS: dict[str, list[Mutant]] = {
    "ps1-keep": [
        altered(
            KEEP,
            "drops everybody of the query's camera, whatever the rule",
            "ps1-keep-usual",
            ("same_camera & (pids == query_pid)", "same_camera"),
        ),
        altered(
            KEEP,
            "drops the query's person in every camera",
            "ps1-keep-usual",
            ("same_camera & (pids == query_pid)", "pids == query_pid"),
        ),
        altered(
            KEEP,
            "ranks junk",
            "ps1-keep-junk",
            (" & ~np.isin(pids, junk)", ""),
        ),
        altered(
            KEEP,
            "passes over distractors, too",
            "ps1-keep-junk",
            ("np.isin(pids, junk)", "(pids <= 0)"),
        ),
        altered(
            KEEP,
            "returns row numbers instead of a mask",
            "ps1-keep-mask ps1-keep-usual ps1-keep-strict ps1-keep-junk",
            (
                "return ~dropped & ~np.isin(pids, junk)",
                "return np.flatnonzero(~dropped & ~np.isin(pids, junk))",
            ),
        ),
    ],
    "ps1-ranks": [
        altered(
            RANKS,
            "counts ranks from 0",
            "ps1-ranks-first ps1-ranks-stable ps1-ranks-ties",
            ("np.flatnonzero(right[order]) + 1", "np.flatnonzero(right[order])"),
        ),
        altered(
            RANKS,
            "mixes up optimistic and pessimistic",
            "ps1-ranks-ties",
            (
                '"optimistic": ~right, "pessimistic": right',
                '"optimistic": right, "pessimistic": ~right',
            ),
        ),
        altered(
            RANKS,
            "sorts by the tie rule first and by distance second",
            "ps1-ranks-ties",
            ("(second, distances)", "(distances, second)"),
        ),
        altered(
            RANKS,
            "takes large values for near",
            "ps1-ranks-first ps1-ranks-stable ps1-ranks-ties",
            ("(second, distances)", "(second, -distances)"),
        ),
        altered(
            RANKS,
            "reverses an ascending sort: ties stand backwards",
            "ps1-ranks-stable ps1-ranks-ties",
            ("np.lexsort((second, distances))", "np.argsort(-distances, kind='stable')[::-1]"),
        ),
    ],
    "ps1-cmc": [
        altered(
            CMC,
            "off by one: right answers before rank k only",
            "ps1-cmc-values ps1-cmc-without",
            ("<= np.arange", "< np.arange"),
        ),
        altered(
            CMC,
            "counts queries without a right answer as misses",
            "ps1-cmc-without",
            (".mean(axis=0)", ".sum(axis=0) / len(ranks)"),
        ),
        altered(
            CMC,
            "a share at each rank alone, not of the first k",
            "ps1-cmc-shape ps1-cmc-values ps1-cmc-without",
            ("<= np.arange", "== np.arange"),
        ),
        altered(
            CMC,
            "the sum where the mean belongs",
            "ps1-cmc-values ps1-cmc-without",
            (".mean(axis=0)", ".sum(axis=0)"),
        ),
    ],
    "ps1-ap": [
        altered(
            AP,
            "off by one in the count of right answers",
            "ps1-ap-hand ps1-ap-values",
            ("np.arange(1, len(ranks) + 1)", "np.arange(len(ranks))"),
        ),
        altered(
            AP,
            "the mean reciprocal rank: each right answer counts as one",
            "ps1-ap-hand ps1-ap-values",
            ("np.arange(1, len(ranks) + 1)", "1"),
        ),
        altered(
            AP,
            "no right answer counts as zero",
            "ps1-ap-nothing",
            ('float("nan")', "0.0"),
        ),
        altered(
            AP,
            "the sum where the mean belongs",
            "ps1-ap-hand ps1-ap-values",
            ("np.mean(", "np.sum("),
        ),
    ],
    "ps1-all": [
        altered(
            ALL,
            "forgets the camera rule: the query's neighbours count as right",
            "ps1-all-cmc ps1-all-map",
            ("same & (query_camids", "(~same) & same & (query_camids"),
        ),
        altered(
            ALL,
            "does not sort the right answers by their distances",
            "ps1-all-cmc ps1-all-map",
            ("np.take_along_axis(same & ~dropped, order, axis=1)", "same & ~dropped"),
        ),
        altered(
            ALL,
            "averages precision over all ranks, right or wrong",
            "ps1-all-map ps1-all-without",
            ("(precision * hits).sum(axis=1) / hits.sum(axis=1)", "precision.mean(axis=1)"),
        ),
        altered(
            ALL,
            "keeps queries without a right answer in the means",
            "ps1-all-without",
            ("    hits = hits[hits.any(axis=1)]\n", ""),
            ("/ hits.sum(axis=1)", "/ np.maximum(hits.sum(axis=1), 1)"),
        ),
        altered(
            ALL,
            "one value for a rank too many: CMC from rank 0",
            "ps1-all-shape ps1-all-cmc ps1-all-without",
            ("(found > 0).mean(axis=0)", "np.append(0, (found > 0).mean(axis=0))"),
        ),
    ],
}
