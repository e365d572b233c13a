"""CMC, mAP and mINP from the ranks of the true matches; nothing is sorted that need not be.

For each query the gallery rows that count (`Candidates`) are ranked by ascending distance. All
scores follow from how many impostors (ranked rows of other people) stand before each true match:
the j-th match then has rank j + that number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from reidlib.errors import ReidError
from reidlib.evaluation.candidates import Candidates, to_array
from reidlib.evaluation.distance import Metric, distance_blocks
from reidlib.evaluation.result import Score
from reidlib.evaluation.rules import Rules
from reidlib.evaluation.single_shot import drawn_ranks, expected_ranks

FEW = 32  # up to so many true matches, counting beats sorting the row
SHORTEST_CURVE = 50  # so that rank 20 can be asked of any gallery


def score(
    distances: ArrayLike | Tensor,
    query_pids: ArrayLike | Tensor,
    gallery_pids: ArrayLike | Tensor,
    query_camids: ArrayLike | Tensor,
    gallery_camids: ArrayLike | Tensor,
    *,
    junk_pids: Sequence[int] = (),
    ap: Literal["hits", "trapezoid"] = "hits",
    unmatched: Literal["skip", "zero"] = "skip",
    tie: Literal["stable", "optimistic", "pessimistic"] = "stable",
    camera_rule: Literal["same_id_same_cam", "none", "exclude_camera"] = "same_id_same_cam",
    single_gallery_shot: Literal["draws", "exact"] | None = None,
    draws: int = 10,
    seed: int = 0,
    protocol: str = "",
    frames: str = "",
) -> Score:
    """Score distances (queries, gallery), smaller is closer, in the precision they come in.

    The options are those of `Rules`; protocol and frames are told and printed with the score.
    Raises ReidError for shapes that do not fit, for a distance that is not finite (with its
    place), and where no query can be counted.
    """
    matrix = to_array(distances)
    _check("distances", matrix.shape, query_pids, gallery_pids)
    exact = matrix.dtype.kind == "f" and matrix.dtype.itemsize >= 4
    rows = (np.array(row, dtype=None if exact else np.float64) for row in matrix)
    rules = Rules(
        tuple(junk_pids), ap, unmatched, tie, camera_rule, single_gallery_shot, draws, seed
    )
    seen = Candidates(query_pids, gallery_pids, query_camids, gallery_camids, rules)
    return _score(rows, seen, rules, protocol, frames)


def score_features(
    queries: ArrayLike | Tensor,
    gallery: ArrayLike | Tensor,
    query_pids: ArrayLike | Tensor,
    gallery_pids: ArrayLike | Tensor,
    query_camids: ArrayLike | Tensor,
    gallery_camids: ArrayLike | Tensor,
    *,
    metric: Metric = "cosine",
    block: int | None = None,
    protocol: str = "",
    frames: str = "",
    **rules: Any,
) -> Score:
    """`score(distances(queries, gallery, metric), ...)`, bit for bit, in bounded memory.

    queries (q, d), gallery (g, d); rules as for `score`. The distances are never held all at once:
    those of `block` queries are (see `distance_blocks`), which changes memory and speed and not
    the result.
    """
    shape = (len(to_array(queries)), len(to_array(gallery)))
    _check("embeddings", shape, query_pids, gallery_pids)
    rows = (row for rows in distance_blocks(queries, gallery, metric, block) for row in rows)
    chosen = Rules(**rules)
    seen = Candidates(query_pids, gallery_pids, query_camids, gallery_camids, chosen)
    return _score(rows, seen, chosen, protocol, frames)


def _check(
    what: str,
    shape: tuple[int, ...],
    query_pids: ArrayLike | Tensor,
    gallery_pids: ArrayLike | Tensor,
) -> None:
    pids = (to_array(query_pids).size, to_array(gallery_pids).size)
    if shape != pids:
        raise ReidError(
            f"{what} are for {' x '.join(map(str, shape))} (queries x gallery), "
            f"but there are {pids[0]} query pids and {pids[1]} gallery pids"
        )


def _score(
    rows: Iterable[NDArray[Any]], seen: Candidates, rules: Rules, protocol: str, frames: str
) -> Score:
    """Score distances that come one (gallery,) row a query; the rows are overwritten."""
    total, gallery = len(seen.pids), len(seen.gallery_pids)
    people = np.unique(seen.gallery_pids, return_inverse=True)[1]
    ap, inp = np.full(total, np.nan), np.zeros(total)
    first_hit, matches = np.full(total, -1), np.zeros(total, dtype=np.int64)
    hits = np.zeros(max(gallery, SHORTEST_CURVE))  # queries by the rank of their first match
    for query, (true, values, impostors) in enumerate(_matches(rows, seen)):
        if not len(true):
            continue
        upto = {"stable": true, "optimistic": 0 * true, "pessimistic": 0 * true + gallery}
        row = (impostors, values, upto[rules.tie])
        ahead = np.sort(_impostors_ahead(*row))
        found = np.arange(1, len(true) + 1)
        ranks = found + ahead
        ap[query] = _average_precision(found, ranks, rules.ap)
        inp[query] = len(true) / ranks[-1]
        first_hit[query], matches[query] = ahead[0], len(true)
        if rules.single_gallery_shot is None:
            hits[ahead[0]] += 1
            continue
        if rules.single_gallery_shot == "exact":
            chances = expected_ranks(*row, people)
        else:
            lots = np.random.default_rng([rules.seed, query])
            chances = drawn_ranks(*row, people, rules.draws, lots)
        hits[: len(chances)] += chances
    counted = total if rules.unmatched == "zero" else int((matches > 0).sum())
    if not counted:
        raise ReidError(
            f"none of the {total} queries has a true match among {gallery} gallery rows "
            f"({len(seen.junk)} of them junk) under the camera rule {rules.camera_rule}"
        )
    return Score(
        cmc=np.cumsum(hits) / counted,
        map=float(np.nansum(ap) / counted),
        minp=float(inp.sum() / counted),
        ap=ap,
        first_hit=first_hit,
        matches=matches,
        counted=counted,
        total=total,
        gallery=gallery - len(seen.junk),
        junk=len(seen.junk),
        rules=rules,
        protocol=protocol,
        frames=frames,
    )


def _matches(
    rows: Iterable[NDArray[Any]], seen: Candidates
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any], NDArray[Any]]]:
    """For each query: its true matches, their distances, and the row with impostors alone.

    Everything else in that row is set to infinity, which stands before nothing.
    """
    for query, row in enumerate(rows):
        if not np.isfinite(row).all():
            place = int(np.flatnonzero(~np.isfinite(row))[0])
            raise ReidError(
                f"the distance of query {query} to gallery row {place} is {row[place]}: "
                "it cannot be ranked"
            )
        true, same, unranked = seen.of(query)
        values = row[true]
        row[same] = np.inf
        row[unranked] = np.inf
        yield true, values, row


def _impostors_ahead(
    impostors: NDArray[Any], values: NDArray[Any], upto: NDArray[Any]
) -> NDArray[Any]:
    """How many impostors stand before each true match.

    An impostor does that is closer than `values[j]`, or as close and found below index `upto[j]`.
    """
    if len(values) <= FEW:
        counts = [
            np.count_nonzero(impostors[:end] <= value) + np.count_nonzero(impostors[end:] < value)
            for value, end in zip(values, upto)
        ]
        return np.array(counts)
    ordered = np.sort(impostors)
    ahead = np.searchsorted(ordered, values, "left")
    for j in np.flatnonzero(np.searchsorted(ordered, values, "right") > ahead):
        ahead[j] += np.count_nonzero(impostors[: upto[j]] == values[j])
    return ahead


def _average_precision(found: NDArray[Any], ranks: NDArray[Any], ap: str) -> float:
    """The match found[j] (1, 2, ...) stands at ranks[j], from 1."""
    precision = found / ranks
    if ap == "trapezoid":  # before the first rank, precision is 1
        earlier = np.where(ranks > 1, (found - 1) / np.maximum(ranks - 1, 1), 1.0)
        precision = (precision + earlier) / 2
    return float(precision.mean())
