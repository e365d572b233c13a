"""CMC, AP and mINP against exact cases, the definition as a slow loop, and the laws they obey."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reidlib.errors import ReidError
from reidlib.evaluation import Rules, distances, score, score_features, scoring
from reidlib.evaluation.distance import distance_blocks

CASES = sorted((Path(__file__).parent / "data" / "evaluation").glob("*.npz"))
AP, UNMATCHED = ("hits", "trapezoid"), ("skip", "zero")
TIES = ("stable", "optimistic", "pessimistic")
CAMERAS = ("same_id_same_cam", "none", "exclude_camera")


# --- exact cases --------------------------------------------------------------------------------


def load(path: Path) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    with np.load(path) as file:
        case = dict(file)
    return case, [case[k] for k in ("distmat", "q_pids", "g_pids", "q_camids", "g_camids")]


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_reference_case(path: Path, as_tensor: bool) -> None:
    case, inputs = load(path)
    if as_tensor:
        inputs = [torch.from_numpy(x) for x in inputs]
    junk, at = case["junk_pids"], case["ranks"] - 1
    hits = score(*inputs, junk_pids=junk)
    np.testing.assert_allclose(hits.cmc[at], case["cmc"], atol=1e-6)
    np.testing.assert_allclose(hits.map, case["map"], atol=1e-12)
    np.testing.assert_allclose(hits.ap, case["ap"], atol=1e-12)
    np.testing.assert_array_equal(hits.first_hit, case["first_hit"])
    assert (hits.counted, hits.total) == (case["num_valid"], case["num_query"])
    trapezoid = score(*inputs, junk_pids=junk, ap="trapezoid")
    np.testing.assert_allclose(trapezoid.map, case["map_trapezoid"], atol=1e-12)
    np.testing.assert_allclose(trapezoid.ap, case["ap_trapezoid"], atol=1e-12)
    every = score(*inputs, junk_pids=junk, unmatched="zero")
    np.testing.assert_allclose(every.cmc[at], case["cmc_all_queries"], atol=1e-6)
    np.testing.assert_allclose(every.map, case["map_all_queries"], atol=1e-12)
    both = score(*inputs, junk_pids=junk, unmatched="zero", ap="trapezoid")
    np.testing.assert_allclose(both.map, case["map_trapezoid_all_queries"], atol=1e-12)


def test_reference_ties_junk_and_single_shot() -> None:
    assert len(CASES) == 4
    by_name = {path.stem: load(path) for path in CASES}
    case, inputs = by_name["c09_ties"]
    for tie in ("optimistic", "pessimistic"):
        found = score(*inputs, tie=tie)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.cmc[case["ranks"] - 1], case[f"cmc_{tie}"], atol=1e-6)
        np.testing.assert_allclose(found.map, case[f"map_{tie}"], atol=1e-12)
    case, inputs = by_name["c06_junk_and_distractors"]
    kept = score(*inputs)
    np.testing.assert_allclose(kept.cmc[case["ranks"] - 1], case["cmc_if_junk_kept"], atol=1e-6)
    np.testing.assert_allclose(kept.map, case["map_if_junk_kept"], atol=1e-12)
    case, inputs = by_name["c02_small"]
    exact = score(*inputs, single_gallery_shot="exact").cmc[case["ranks"] - 1]
    np.testing.assert_allclose(exact, case["cmc_single_gallery_shot_expected"], atol=1e-12)


# --- the definition, literally ------------------------------------------------------------------


def slow_loop(
    matrix: np.ndarray,
    qp: np.ndarray,
    gp: np.ndarray,
    qc: np.ndarray,
    gc: np.ndarray,
    *,
    junk: tuple[int, ...],
    ap: str,
    unmatched: str,
    tie: str,
    camera_rule: str,
) -> dict[str, Any]:
    aps, inps, firsts = [], [], []
    for q in range(len(qp)):
        rows = []
        for g in range(len(gp)):
            if gp[g] in junk:
                continue
            if camera_rule == "same_id_same_cam" and gp[g] == qp[q] and gc[g] == qc[q]:
                continue
            if camera_rule == "exclude_camera" and gc[g] == qc[q]:
                continue
            true = gp[g] == qp[q]
            place = {"stable": g, "optimistic": not true, "pessimistic": true}[tie]
            rows.append((matrix[q, g], place, g, true))
        order = [row[-1] for row in sorted(rows)]
        if not any(order):
            aps.append(math.nan)
            inps.append(0.0)
            firsts.append(-1)
            continue
        precisions, found = [], 0
        for rank, true in enumerate(order, start=1):
            if true:
                earlier = found / (rank - 1) if rank > 1 else 1.0
                found += 1
                here = found / rank
                precisions.append(here if ap == "hits" else (here + earlier) / 2)
                last = rank
        aps.append(sum(precisions) / len(precisions))
        inps.append(found / last)
        firsts.append(order.index(True))
    counted = len(qp) if unmatched == "zero" else sum(f >= 0 for f in firsts)
    return {
        "ap": aps,
        "map": sum(a for a in aps if a == a) / counted,
        "minp": sum(inps) / counted,
        "first_hit": firsts,
        "counted": counted,
        "cmc": [sum(0 <= f < k for f in firsts) / counted for k in range(1, max(len(gp), 50) + 1)],
    }


def random_case(seed: int, levels: int = 0, gallery: int = 40) -> list[np.ndarray]:
    """8 identities, 3 cameras, junk (-1) and distractors (0); `levels` > 0 makes ties."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(15, gallery))
    if levels:
        matrix = np.floor(matrix * levels) / levels
    qp = rng.integers(1, 9, 15)
    qp[0] = 99  # nowhere in the gallery
    gp = rng.integers(-1, 9, gallery)
    return [matrix, qp, gp, rng.integers(0, 3, 15), rng.integers(0, 3, gallery)]


@pytest.mark.parametrize("few", [scoring.FEW, 0], ids=["counting", "sorting"])
@pytest.mark.parametrize("gallery", [40, 12])
@pytest.mark.parametrize("levels", [0, 2])
def test_agrees_with_the_slow_loop(
    monkeypatch: pytest.MonkeyPatch, levels: int, gallery: int, few: int
) -> None:
    monkeypatch.setattr(scoring, "FEW", few)
    matchless = 0
    for ap, unmatched, tie, camera in itertools.product(AP, UNMATCHED, TIES, CAMERAS):
        case = random_case(gallery + levels, levels, gallery)
        options = {"ap": ap, "unmatched": unmatched, "tie": tie, "camera_rule": camera}
        expected = slow_loop(*case, junk=(-1,), **options)
        found = score(*case, junk_pids=(-1,), **options)  # type: ignore[arg-type]
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(found, name), value, rtol=0, atol=1e-12)
        matchless += int((found.first_hit < 0).sum())
    assert matchless >= 36  # at least one in each combination


def test_single_shot_expectation_is_the_mean_over_all_draws() -> None:
    for seed, tie in itertools.product(range(3), TIES):
        matrix, qp, gp, qc, gc = random_case(seed, 2, gallery=13)
        gp = gp % 5
        qp = np.arange(15) % 5
        expected = np.zeros(50)
        for q in range(15):
            kept = [g for g in range(13) if gp[g] != qp[q] or gc[g] != qc[q]]
            true = [g for g in kept if gp[g] == qp[q]]
            others = [[g for g in kept if gp[g] == p] for p in set(gp.tolist()) - {int(qp[q])}]
            draws = list(itertools.product(true, *(rows for rows in others if rows)))
            for match, *rest in draws:
                place = {"stable": match, "optimistic": -1, "pessimistic": 99}[tie]
                rank = sum((matrix[q, g], g) < (matrix[q, match], place) for g in rest)
                expected[rank:] += 1 / len(draws)
        found = score(
            matrix, qp, gp, qc, gc, single_gallery_shot="exact", tie=tie, unmatched="zero"
        )
        np.testing.assert_allclose(found.cmc, expected / 15, atol=1e-12)


def test_single_shot_draws() -> None:
    case = random_case(5)
    exact = score(*case, single_gallery_shot="exact").cmc
    drawn = score(*case, single_gallery_shot="draws", draws=4000).cmc
    assert 0 < np.abs(exact - drawn).max() < 0.01  # the standard error is about 0.002
    few = [score(*case, single_gallery_shot="draws", seed=s).cmc for s in (1, 1, 2)]
    np.testing.assert_array_equal(few[0], few[1])
    assert np.abs(few[0] - few[2]).max() > 0
    case[2] = np.arange(40)  # one row per identity leaves nothing to draw
    case[3][:] = 9
    plain = score(*case)
    for kind in ("draws", "exact"):
        np.testing.assert_allclose(score(*case, single_gallery_shot=kind).cmc, plain.cmc)  # type: ignore[arg-type]


def test_ap_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    matrix, qp, gp, qc, gc = random_case(3, gallery=200)
    found = score(matrix, qp, gp, qc, gc, camera_rule="none").ap
    for q in range(1, len(qp)):
        expected = metrics.average_precision_score(gp == qp[q], -matrix[q])
        assert found[q] == pytest.approx(expected, abs=1e-12)


# --- laws ---------------------------------------------------------------------------------------


def test_invariant_to_the_gallerys_order_and_to_any_increasing_map() -> None:
    matrix, qp, gp, qc, gc = random_case(0)
    before = score(matrix, qp, gp, qc, gc)
    order = np.random.default_rng(1).permutation(len(gp))
    for after in (
        score(matrix[:, order], qp, gp[order], qc, gc[order]),
        score(np.exp(3 * matrix) - 7, qp, gp, qc, gc),
    ):
        np.testing.assert_array_equal(after.ap, before.ap)
        np.testing.assert_array_equal(after.cmc, before.cmc)
        assert after.minp == before.minp


def test_far_distractors_change_nothing_and_junk_nowhere() -> None:
    matrix, qp, gp, qc, gc = random_case(0)
    before = score(matrix, qp, gp, qc, gc)
    more = [np.append(gp, [0] * 60), qc, np.append(gc, [1] * 60)]
    far = score(np.hstack([matrix, np.full((15, 60), 1e6)]), qp, *more)
    np.testing.assert_array_equal(far.ap, before.ap)
    np.testing.assert_array_equal(far.cmc[:50], before.cmc)
    assert (len(far.cmc), far.gallery) == (100, 100)
    more[0] = np.append(gp, [77] * 60)
    near = score(np.hstack([matrix, np.full((15, 60), -1e6)]), qp, *more, junk_pids=[77])
    np.testing.assert_array_equal(near.ap, before.ap)
    assert (near.gallery, near.junk) == (40, 60)


def test_perfect_ranking_is_one_and_trapezoid_never_above_hits() -> None:
    _, qp, gp, qc, gc = random_case(0)
    perfect = score((qp[:, None] != gp).astype(float), qp, gp, qc, gc)
    assert perfect.map == perfect.minp == perfect.cmc[0] == 1.0
    for seed in range(5):
        case = random_case(seed, levels=seed)
        hits, trapezoid = score(*case).ap, score(*case, ap="trapezoid").ap
        assert (trapezoid[hits == 1] == 1).all()
        assert (trapezoid[hits < 1] < hits[hits < 1]).all()


def test_constant_distances_score_by_rule() -> None:
    labels = [np.array([1]), np.array([2, 1, 3, 1]), np.array([0]), np.array([1, 1, 1, 1])]
    found = {tie: score(np.zeros((1, 4)), *labels, tie=tie).ap[0] for tie in TIES}  # type: ignore[arg-type]
    assert found == pytest.approx(
        {"stable": 0.5, "optimistic": 1.0, "pessimistic": (1 / 3 + 1 / 2) / 2}
    )


def test_float64_distances_keep_their_resolution() -> None:
    labels = [np.array([1]), np.array([2, 1]), np.array([0]), np.array([1, 1])]
    matrix = np.array([[1.0 + 1e-12, 1.0]])
    assert score(matrix, *labels).cmc[0] == 1
    assert score(torch.from_numpy(matrix), *labels).cmc[0] == 1
    assert score(matrix.astype(np.float32), *labels).cmc[0] == 0  # a tie there, settled by order


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64])
def test_other_types_of_distances(dtype: torch.dtype) -> None:
    matrix, qp, gp, qc, gc = random_case(2)
    narrow = (torch.from_numpy(matrix) * 4).to(dtype)
    expected = score(narrow.double(), qp, gp, qc, gc)
    np.testing.assert_array_equal(score(narrow, qp, gp, qc, gc).ap, expected.ap)


def test_inputs_are_left_alone() -> None:
    case = random_case(4)
    before = [x.copy() for x in case]
    score(*case, junk_pids=(-1,))
    for x, y in zip(before, case):
        np.testing.assert_array_equal(x, y)


def test_unsigned_labels_do_not_wrap() -> None:
    matrix, qp, gp, qc, gc = random_case(4)
    expected = score(matrix, qp, np.abs(gp), qc, gc)
    found = score(
        matrix, qp.astype(np.uint16), np.abs(gp).astype(np.uint8), list(qc), gc.astype(np.int8)
    )
    np.testing.assert_array_equal(found.ap, expected.ap)


# --- what a score says of itself ----------------------------------------------------------------


def test_a_score_prints_its_conditions() -> None:
    found = score(
        *random_case(0), junk_pids=(-1,), protocol="queries kept", frames="all, clips of 4"
    )
    text = str(found)
    junk = int((random_case(0)[2] == -1).sum())
    for part in (
        f"{found.counted} of 15 queries",
        f"gallery of {40 - junk} ({junk} junk rows left out)",
        "protocol: queries kept",
        "frames: all, clips of 4",
        f"mAP {found.map:.1%}",
        f"rank-1 {found.cmc[0]:.1%}",
    ):
        assert part in text
    assert "reciprocal" not in text
    summary = json.loads(json.dumps(found.summary()))
    assert summary["rank-5"] == found.cmc[4] == found.rank(5)
    assert found.rank(10_000) == found.cmc[-1]
    assert summary["rules"]["junk_pids"] == [-1]
    with pytest.raises(ValueError, match="count from 1"):
        found.rank(0)


def test_one_true_match_a_query_is_called_a_reciprocal_rank() -> None:
    rng = np.random.default_rng(0)
    pids, cams = np.arange(6), np.zeros(6, dtype=int)
    found = score(rng.random((6, 6)), pids, pids, cams, cams + 1)
    assert "reciprocal rank" in str(found)
    assert found.map == pytest.approx(np.mean(1 / (found.first_hit + 1)))


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_distance_that_is_not_finite_is_named(bad: float) -> None:
    case = random_case(0)
    case[0][0, 17] = bad  # query 0 is matchless: no excuse
    with pytest.raises(ReidError, match=r"query 0 to gallery row 17 is"):
        score(*case)


def test_shapes_and_choices_are_checked() -> None:
    matrix, qp, gp, qc, gc = random_case(0)
    with pytest.raises(ReidError, match=r"15 x 40.*but there are 14 query pids and 40"):
        score(matrix, qp[1:], gp, qc[1:], gc)
    with pytest.raises(ReidError, match="40 gallery pids, but 39 gallery camids"):
        score(matrix, qp, gp, qc, gc[1:])
    with pytest.raises(ReidError, match=r"whole numbers \(n,\), not float64"):
        score(matrix, qp + 0.5, gp, qc, gc)
    with pytest.raises(ReidError, match="gallery set is empty"):
        score(np.zeros((15, 0)), qp, [], qc, [])
    with pytest.raises(ReidError, match="query set is empty"):
        score(np.zeros((0, 40)), [], gp, [], gc)
    with pytest.raises(ReidError, match="none of the 15 queries has a true match among 40"):
        score(matrix, qp + 100, gp, qc, gc)
    assert score(matrix, qp + 100, gp, qc, gc, unmatched="zero").map == 0
    for name in ("ap", "unmatched", "tie", "camera_rule", "single_gallery_shot"):
        with pytest.raises(ReidError, match=f"no {name} 'what'; there are"):
            Rules(**{name: "what"})
    with pytest.raises(TypeError, match="tye"):
        score_features(matrix, matrix, qp, qp, qc, qc, tye="stable")


def test_one_query_one_row() -> None:
    found = score([[0.3]], [4], [4], [0], [1])
    assert (found.map, found.minp, found.counted) == (1.0, 1.0, 1)
    assert len(found.cmc) == 50
    assert found.cmc.min() == 1


# --- from embeddings ----------------------------------------------------------------------------


def plain_distances(q: np.ndarray, g: np.ndarray, metric: str) -> np.ndarray:
    out = np.zeros((len(q), len(g)))
    for i, x in enumerate(q.astype(np.float64)):
        for j, y in enumerate(g.astype(np.float64)):
            if metric == "cosine":
                out[i, j] = -(x @ y) / math.sqrt(x @ x) / math.sqrt(y @ y)
            else:
                squared = ((x - y) ** 2).sum()
                out[i, j] = squared if metric == "sqeuclidean" else math.sqrt(squared)
    return out


def embeddings(dtype: type = np.float32) -> list[np.ndarray]:
    """70 queries, 300 gallery rows, a fifth of them copies of others, query 3 among them."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(12, 19))
    qp, gp = rng.integers(0, 12, 70), rng.integers(0, 12, 300)
    q = (people[qp] + rng.normal(size=(70, 19))).astype(dtype)
    g = (people[gp] + rng.normal(size=(300, 19))).astype(dtype)
    g[rng.integers(0, 300, 60)] = g[rng.integers(0, 300, 60)]
    g[299] = q[3]
    return [q, g, qp, gp, rng.integers(0, 3, 70), rng.integers(0, 3, 300)]


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances(metric: Any, dtype: type) -> None:
    q, g, *_ = embeddings(dtype)
    found = distances(q, torch.from_numpy(g), metric)
    # A distance near 0 is the root of a difference of large squares.
    np.testing.assert_allclose(found, plain_distances(q, g, metric), atol=3e-7)
    assert np.median(np.abs(found - plain_distances(q, g, metric))) < 1e-13
    assert metric == "cosine" or found.min() >= 0


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_features_score_as_their_distances_whatever_the_block(metric: Any) -> None:
    q, g, *labels = embeddings()
    matrix = distances(q, g, metric)
    for tie in TIES:
        whole = score(matrix, *labels, tie=tie)  # type: ignore[arg-type]
        for block in (1, 31, 32, 33, 64, 70, 1000, None):
            found = score_features(q, g, *labels, metric=metric, block=block, tie=tie)
            np.testing.assert_array_equal(found.ap, whole.ap)
            np.testing.assert_array_equal(found.cmc, whole.cmc)
    assert score(matrix, *labels, tie="optimistic").map > score(matrix, *labels).map  # ties exist


def test_blocks_are_the_rows_of_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    q, g, *_ = embeddings()
    monkeypatch.setattr("reidlib.evaluation.distance.TILE", 19 * 64)  # several tiles, one ragged
    matrix = distances(q, g)
    for block in (1, 40, 500):
        rows = [part.copy() for part in distance_blocks(q, g, block=block)]
        assert max(map(len, rows)) == min(70, -(-block // 32) * 32)
        np.testing.assert_array_equal(np.concatenate(rows), matrix)


def test_equal_vectors_tie_wherever_they_stand() -> None:
    rng = np.random.default_rng(1)
    for width in (5, 64, 100, 513):
        one = rng.normal(size=width)
        matrix = distances(rng.normal(size=(33, width)), np.tile(one, (101, 1)))
        np.testing.assert_array_equal(matrix, np.repeat(matrix[:, :1], 101, axis=1))
    q, g, *labels = embeddings()
    collapsed = [score_features(q * 0 + 1, g * 0 + 1, *labels, tie=tie).map for tie in TIES]
    assert collapsed == [score(np.zeros((70, 300)), *labels, tie=tie).map for tie in TIES]  # type: ignore[arg-type]


def test_a_transposed_gallery_is_a_gallery() -> None:
    row = torch.arange(5.0)[None]
    for metric in ("cosine", "euclidean"):
        found = distances(row.T[:2], row.T, metric)
        np.testing.assert_array_equal(found, distances(row.T[:2].clone(), row.T.clone(), metric))


def test_zero_vectors_are_far_from_none() -> None:
    matrix = distances(np.zeros((1, 3)), np.eye(3))
    np.testing.assert_array_equal(matrix, np.zeros((1, 3)))


def test_bad_embeddings() -> None:
    q, g, *labels = embeddings()
    with pytest.raises(ReidError, match="19 numbers each, gallery embeddings 18"):
        score_features(q, g[:, 1:], *labels)
    with pytest.raises(ReidError, match=r"70 x 299.*300 gallery pids"):
        score_features(q, g[1:], *labels)
    with pytest.raises(ReidError, match="no metric 'l1'"):
        distances(q, g, "l1")  # type: ignore[arg-type]
    with pytest.raises(ReidError, match=r"\(n, d\), not \(70,\)"):
        distances(q[:, 0], g)
    q[41, 2] = np.nan
    with pytest.raises(ReidError, match="query embedding 41"):
        score_features(q, g, *labels)
