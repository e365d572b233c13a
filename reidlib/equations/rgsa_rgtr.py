"""RGSA+RGTR's equations. g groups (frames or clips) of n vectors, c channels; b clips, t frames."""

from __future__ import annotations

from typing import Any

from reidlib.equations.core import Equation

MODEL, LOSSES = "reidlib.models.rgsa_rgtr", "reidlib.losses"
TESTS = "tests/models/test_rgsa_rgtr.py"
TRIPLET_TESTS = "tests/losses/test_adaptive_triplet.py"
RECIPE_TESTS = "tests/recipes/test_rgsa_rgtr.py"

WIDTHS = {
    "channels": "c",
    "embedding_width": "d1 = c/r1",
    "relation_width": "d2 = c/r2",
    "slots": "None; n for a batch norm of each slot",
}
RELATION = {
    "theta.w.weight": "W_theta (d1, c)",
    "theta.bn": "BN of theta (d1)",
    "phi.w.weight": "W_phi (d1, c)",
    "phi.bn": "BN of phi (d1)",
    "w.weight": "W (d2, d1)",
    "bn": "BN of pairs (d2)",
}
SPATIAL = {
    "constructor": {
        "channels": "c",
        "positions": "N = h w",
        "relation": "RelationModule(c, d1, d2), another Relation, or None",
    },
    "arguments": {"features": "(b, t, c, h, w) or (g, c, h, w)"},
    "returns": "f (b, t, c), a (b, t, c, h, w)",
}
TEMPORAL = {
    "constructor": {
        "channels": "c",
        "frames": "T",
        "relation": "RelationModule(c, d1, d2), another Relation, or None",
    },
    "arguments": {"frames": "(b, t, c)"},
    "returns": "clip feature (b, c), refined frames (b, t, c)",
}
PAIRS = {
    "distances": "(b, b)",
    "chosen": "(b, b) bool, True where a row's anchor counts the column",
}
OBJECTIVE = {
    "output": "Output (reidlib.models.output) with the heads clip and frame",
    "labels": "(b,)",
    "losses": "Loss of kinds cross_entropy (clip, frame) and adaptive_triplet "
    "(reidlib.recipes.core)",
    "penalties": "{}",
}


def _rgsa(number: str, statement: str, path: str, test: str, **more: Any) -> Equation:
    return Equation("rgsa_rgtr", number, statement, path, test, **more)


EQUATIONS: tuple[Equation, ...] = (
    _rgsa(
        "theta",
        "theta(f) = relu(BN(W_theta f)); phi alike, with its own numbers",
        f"{MODEL}:Embedding",
        f"{TESTS}::test_relation_module_equals_loops",
        constructor={"channels": "c", "width": "d1 = c/r1"},
        arguments={"x": "(g, n, c)"},
        returns="(g, n, d1)",
        symbols={"w.weight": "W_theta or W_phi (d1, c)", "bn": "its BN (d1)", "x": "f"},
    ),
    _rgsa(
        "1",
        "f_diff = theta(f_i) - phi(f_j); W is applied to both sides first, so none is ever held",
        f"{MODEL}:RelationModule",
        f"{TESTS}::test_relation_module_equals_its_literal_form",
        constructor=WIDTHS,
        arguments={"x": "(g, n, c)"},
        returns="r (g, n, n, d2) of Eq. 2",
        symbols=RELATION | {"x": "f"},
    ),
    _rgsa(
        "2",
        "r_ij = relu(BN(W f_diff)), one statistic a channel over all pairs of all groups",
        f"{MODEL}:RelationModule",
        f"{TESTS}::test_relation_module_equals_loops",
        constructor=WIDTHS,
        arguments={"x": "(g, n, c)"},
        returns="r (g, n, n, d2), r[g, i, j] = RM(x_i, x_j)",
        symbols=RELATION | {"x": "f", "returns": "r"},
    ),
    _rgsa(
        "BN of pairs",
        "mean and biased variance of u_gi - v_gj over all g, i, j, from group means and variances",
        f"{MODEL}:pair_statistics",
        f"{TESTS}::test_marginal_variances_alone_are_wrong",
        arguments={
            "u": "(g, n, d2), W theta",
            "v": "(g, n, d2), W phi",
            "per_slot": "False; True pools over g and i only",
        },
        returns="mean (1, d2), variance (1, d2), pairs g n n; (n, d2) each and g n per slot",
        symbols={"returns[0]": "mu", "returns[1]": "sigma^2"},
    ),
    _rgsa(
        "inner product",
        "the relation of Table 1's IP: <x_i, x_j> / c, or <theta(x_i), phi(x_j)> / d1",
        f"{MODEL}:InnerProduct",
        f"{TESTS}::test_inner_product_equals_loops",
        constructor={
            "channels": "c",
            "embedding_width": "None, or d1",
            "scale": "None, or a number",
        },
        arguments={"x": "(g, n, c)"},
        returns="(g, n, n, 1)",
        symbols={"x": "f"},
    ),
    _rgsa(
        "3",
        "r_ij = RM(X^i, X^j) for all positions of a frame, in raster order",
        f"{MODEL}:RelationModule",
        f"{TESTS}::test_rgsa_equals_loops",
        constructor=WIDTHS,
        arguments={"x": "(b t, h w, c)"},
        returns="(b t, N, N, d2)",
        symbols=RELATION | {"x": "X", "returns": "r_ij"},
    ),
    _rgsa(
        "4",
        "r~_i = [r_i1; r_i2; ...; r_iN]",
        f"{MODEL}:global_relation_vector",
        f"{TESTS}::test_order_of_the_global_relation_vector",
        arguments={"relations": "(g, N, N, d2)"},
        returns="(g, N, N d2)",
        symbols={"relations": "r_ij", "returns": "r~_i"},
    ),
    _rgsa(
        "5",
        "a_i = sigmoid(BN(W_A [X^i; r~_i])), a number for each channel of each position",
        f"{MODEL}:RGSA",
        f"{TESTS}::test_rgsa_equals_loops",
        symbols={
            "w_a.weight": "W_A (c, c + N d2)",
            "bn_a": "BN of Eq. 5 (c)",
            "relation": "RM",
            "features": "X",
            "returns[1]": "a",
        },
        **SPATIAL,
    ),
    _rgsa(
        "6",
        "f = sum_i a_i X^i / sum_i a_i, channel by channel",
        f"{MODEL}:RGSA",
        f"{TESTS}::test_rgsa_equals_loops",
        symbols={"features": "X", "returns[0]": "f", "returns[1]": "a"},
        **SPATIAL,
    ),
    _rgsa(
        "7",
        "r(t, s) = RM(f_t, f_s) for all frames of a clip",
        f"{MODEL}:RelationModule",
        f"{TESTS}::test_rgtr_equals_loops",
        constructor=WIDTHS,
        arguments={"x": "(b, t, c)"},
        returns="(b, T, T, d2)",
        symbols=RELATION | {"x": "f_t", "returns": "r(t, s)"},
    ),
    _rgsa(
        "8",
        "r~_t = [r(t, 1); ...; r(t, T)]",
        f"{MODEL}:global_relation_vector",
        f"{TESTS}::test_order_of_the_global_relation_vector",
        arguments={"relations": "(b, T, T, d2)"},
        returns="(b, T, T d2)",
        symbols={"relations": "r(t, s)", "returns": "r~_t"},
    ),
    _rgsa(
        "9",
        "f~_t = BN(W_R [f_t; r~_t])",
        f"{MODEL}:RGTR",
        f"{TESTS}::test_rgtr_equals_loops",
        symbols={
            "w_r.weight": "W_R (c, c + T d2)",
            "bn_r": "BN of Eq. 9 (c)",
            "relation": "RM",
            "frames": "f_t",
            "returns[1]": "f~_t",
        },
        **TEMPORAL,
    ),
    _rgsa(
        "10",
        "f~ = mean over frames of f~_t",
        f"{MODEL}:RGTR",
        f"{TESTS}::test_rgtr_equals_loops",
        symbols={"frames": "f_t", "returns[0]": "f~"},
        **TEMPORAL,
    ),
    _rgsa(
        "11",
        "L_ce = L_cce + L_fce, cross-entropy of clip and of frame features",
        f"{LOSSES}.objective:objective",
        f"{RECIPE_TESTS}::test_the_objective_is_equations_11_and_15",
        arguments=OBJECTIVE,
        returns="scalar, readings",
        symbols={"losses": "L_cce, L_fce"},
    ),
    _rgsa(
        "12",
        "w_i = exp(D_ai) / sum over positives of exp(D_ax)",
        f"{LOSSES}.adaptive_triplet:pair_weights",
        f"{TRIPLET_TESTS}::test_weights_equal_loops_and_sum_to_one",
        arguments=PAIRS | {"sign": "1, the int"},
        returns="(b, b), 0 where not chosen",
        symbols={"distances": "D", "chosen": "P", "returns": "w_i"},
    ),
    _rgsa(
        "13",
        "w_j = exp(-D_aj) / sum over negatives of exp(-D_ax)",
        f"{LOSSES}.adaptive_triplet:pair_weights",
        f"{TRIPLET_TESTS}::test_weights_equal_loops_and_sum_to_one",
        arguments=PAIRS | {"sign": "-1, the int"},
        returns="(b, b), 0 where not chosen",
        symbols={"distances": "D", "chosen": "N", "returns": "w_j"},
    ),
    _rgsa(
        "14",
        "L_tri = mean over anchors of softplus(sum w_i D_ai - sum w_j D_aj)",
        f"{LOSSES}.adaptive_triplet:adaptive_triplet",
        f"{TRIPLET_TESTS}::test_equals_loops",
        arguments={
            "features": "(b, c)",
            "logits": "not used",
            "labels": "(b,)",
            "distance": "euclidean or cosine",
            "detach_weights": "False",
            "own_positive": "False",
        },
        returns="scalar, readings",
        symbols={"features": "f~", "labels": "y", "returns[0]": "L_tri"},
    ),
    _rgsa(
        "15",
        "L_total = L_ce + L_tri",
        f"{LOSSES}.objective:objective",
        f"{RECIPE_TESTS}::test_the_objective_is_equations_11_and_15",
        arguments=OBJECTIVE,
        returns="scalar, readings",
        symbols={"losses": "L_cce, L_fce, L_tri", "returns[0]": "L_total"},
    ),
    _rgsa(
        "sequence feature",
        "clip features at unit length, their mean, at unit length",
        f"{MODEL}:RGSARGTR.pool",
        f"{TESTS}::test_pool_is_the_papers",
        arguments={"clips": "Output, embedding (m, c)"},
        returns="(c,)",
        symbols={"clips": "f~ of m clips"},
    ),
)
