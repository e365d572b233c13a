"""TRSA's equations. b clips, t frames, c channels, h w positions."""

from __future__ import annotations

from typing import Any

from reidlib.equations.core import Equation

MODEL, LOSSES = "reidlib.models.trsa", "reidlib.losses"
TESTS, RECIPE_TESTS = "tests/models/test_trsa.py", "tests/recipes/test_trsa.py"

FEATURES = {"features": "(b, t, c, h, w), at least 0", "form": "sqrt, sum, mean or linear"}
OBJECTIVE = {
    "output": "Output (reidlib.models.output) with the head clip and the penalty regularisation",
    "labels": "(b,)",
    "losses": "Loss of kinds cross_entropy or focal, batch_hard_triplet (reidlib.recipes.core)",
    "penalties": "{'regularisation': lambda}, or {}",
}


def _trsa(number: str, statement: str, path: str, test: str, **more: Any) -> Equation:
    return Equation("trsa", number, statement, path, test, **more)


EQUATIONS: tuple[Equation, ...] = (
    _trsa(
        "1",
        "R_n(i,j) = sum over channels of f^n_k(i,j); divided by tau unless form is sum or linear",
        f"{MODEL}:attention",
        f"{TESTS}::test_attention_equals_loops",
        arguments=FEATURES,
        returns="R (b, t, h, w), alpha (b, t, h, w)",
        symbols={"features": "f", "returns[0]": "R / tau"},
    ),
    _trsa(
        "2",
        "alpha_n = softmax over the positions of R_n; as printed with form = sum",
        f"{MODEL}:attention",
        f"{TESTS}::test_attention_equals_loops",
        arguments=FEATURES,
        returns="R (b, t, h, w), alpha (b, t, h, w)",
        symbols={"features": "f", "returns[1]": "alpha"},
    ),
    _trsa(
        "3",
        "v^n(i,j) = alpha_n(i,j) f^n(i,j)",
        f"{MODEL}:weigh",
        f"{TESTS}::test_weigh_and_pool_equal_loops",
        arguments={"features": "(b, t, c, h, w)", "alpha": "(b, t, h, w)"},
        returns="(b, t, c, h, w)",
        symbols={"features": "f", "alpha": "alpha", "returns": "v^n"},
    ),
    _trsa(
        "frame feature",
        "spatial pooling of v^n, the sum over positions; their mean over frames is v",
        f"{MODEL}:pool_frames",
        f"{TESTS}::test_weigh_and_pool_equal_loops",
        arguments={"weighted": "(b, t, c, h, w)", "pooling": "sum or gap"},
        returns="(b, t, c)",
        symbols={"weighted": "v^n"},
    ),
    _trsa(
        "4",
        "Reg = sum over positions of (1 - sum over frames of alpha_n)^2, of each clip",
        f"{MODEL}:regularisation",
        f"{TESTS}::test_regularisation_equals_loops",
        arguments={"alpha": "(b, t, h, w)", "target": "the printed 1"},
        returns="(b,)",
        symbols={"alpha": "alpha", "returns": "Reg"},
    ),
    _trsa(
        "Reg split",
        "Reg = HW - 2N + sum |alpha_n|^2 + sum over n != m of <alpha_n, alpha_m>",
        f"{MODEL}:concentration_and_overlap",
        f"{TESTS}::test_penalty_identity_and_independence_of_the_target",
        arguments={"alpha": "(b, t, h, w)"},
        returns="the two sums, (b,) each",
        symbols={"alpha": "alpha"},
    ),
    _trsa(
        "5",
        "minimise L_total + lambda Reg, lambda = 1, Reg averaged over clips",
        f"{LOSSES}.objective:objective",
        f"{RECIPE_TESTS}::test_the_objective_is_equations_5_and_9",
        arguments=OBJECTIVE,
        returns="scalar, readings",
        symbols={"penalties": "lambda"},
    ),
    _trsa(
        "6",
        "L_v: mean over anchors of [m + max_p D(a, p) - min_n D(a, n)]_+, D Euclidean",
        f"{LOSSES}.triplet:batch_hard_triplet",
        "tests/losses/test_triplet.py::test_equals_loops",
        arguments={
            "features": "(b, c)",
            "logits": "not used",
            "labels": "(b,)",
            "distance": "plain",
            "margin": "0.3",
            "own_positive": "False; True where an identity with one clip is its own positive",
        },
        returns="scalar, readings",
        symbols={"features": "v", "margin": "m", "returns[0]": "L_v"},
    ),
    _trsa(
        "7",
        "p_i = sigmoid of what is returned; as printed with form = sigmoid_true",
        f"{LOSSES}.focal:evidence",
        "tests/losses/test_focal.py::test_equals_loops",
        arguments={
            "logits": "(b, n)",
            "targets": "(b,)",
            "form": "softmax, sigmoid_true or sigmoid_ova",
        },
        returns="(b, 1), or (b, n) for sigmoid_ova",
        symbols={"logits": "FC(v)", "targets": "c_i", "returns": "logit of p_i"},
    ),
    _trsa(
        "8",
        "L_f = mean over clips of -(1 - p)^gamma log p",
        f"{LOSSES}.focal:focal",
        "tests/losses/test_focal.py::test_equals_loops",
        arguments={
            "features": "not used",
            "logits": "(b, n)",
            "labels": "(b,)",
            "form": "softmax, sigmoid_true (as printed) or sigmoid_ova",
            "gamma": "2",
        },
        returns="scalar, readings",
        symbols={"logits": "FC(v)", "labels": "c_i", "gamma": "gamma", "returns[0]": "L_f"},
    ),
    _trsa(
        "9",
        "L_total = L_f + L_v",
        f"{LOSSES}.objective:objective",
        f"{RECIPE_TESTS}::test_the_objective_is_equations_5_and_9",
        arguments=OBJECTIVE,
        returns="scalar, readings",
        symbols={"returns[0]": "L_total, with Eq. 5's penalty where the recipe weighs it"},
    ),
)
