"""SINet's equations. b clips, t frames, s former and l latter ones, c channels, h w cells,
k x k the kernel, m = t h w positions, c' and m' the reduced numbers."""

from __future__ import annotations

from typing import Any

from reidlib.equations.core import Equation

MODEL, LOSSES = "reidlib.models.sinet", "reidlib.losses"
TESTS, LOSS_TESTS = "tests/models/test_sinet.py", "tests/losses/test_mutual_information.py"

FEATURES = {"x": "(b, t, c, h, w)"}
EXCITATION = {
    "squeeze.weight": "W1 (c / 4, c)",
    "squeeze.bias": "b1 (c / 4)",
    "excite.weight": "W2 (c, c / 4)",
    "excite.bias": "b2 (c)",
}
HEADS = {
    "heads.weight": "W_a (k^2, c), head row k + column",
    "heads.bias": "b_a (k^2)",
    "norm.weight": "gamma of BN_a (k^2)",
    "norm.bias": "beta of BN_a (k^2)",
    "norm.running_mean": "mean of BN_a (k^2)",
    "norm.running_var": "variance of BN_a (k^2)",
}
PROPAGATION = {
    "x": "(b, t, c, h, w)",
    "weights": "(b, l, h, w)",
    "alpha": "number",
    "reading": "paper (as printed), code or none",
}


def _sinet(number: str, statement: str, path: str, test: str, **more: Any) -> Equation:
    return Equation("sinet", number, statement, path, test, **more)


EQUATIONS: tuple[Equation, ...] = (
    _sinet(
        "1",
        "w_ctr = 1 where the mean of X is below its mean without the outermost rows and columns",
        f"{MODEL}:centre_weights",
        f"{TESTS}::test_centre_weights_by_loops",
        arguments=FEATURES,
        returns="(b, c), 0 or 1, without gradient",
        symbols={"x": "X", "returns": "w_ctr"},
    ),
    _sinet(
        "w_se",
        "w_se = sigmoid(W2 relu(W1 GAP(X) + b1) + b2), times w_ctr unless centre is False",
        f"{MODEL}:ChannelAttention.weights",
        f"{TESTS}::test_each_step_is_the_programs",
        constructor={"channels": "c", "hidden": "c / 4", "centre": "False for w_se alone"},
        arguments=FEATURES,
        returns="(b, c)",
        symbols={"x": "X", **EXCITATION, "returns": "w_ctr w_se"},
    ),
    _sinet(
        "2",
        "P_i and Q_i = w_ctr w_se X_i, for the former frames and for the latter",
        f"{MODEL}:ChannelAttention",
        f"{TESTS}::test_channel_attention_by_loops",
        constructor={"channels": "c", "hidden": "c / 4"},
        arguments=FEATURES,
        returns="(b, t, c, h, w), P in the first s frames, Q in the others",
        symbols={"x": "X", **EXCITATION, "returns": "P, Q"},
    ),
    _sinet(
        "A_p",
        "A_p = relu(BN_a(W_a P + b_a)), over its sum over heads, then over its sum over positions",
        f"{MODEL}:KernelGeneration.attention",
        f"{TESTS}::test_attention_by_loops",
        constructor={"channels": "c", "kernel": "k", "l1": "code, paper, positions or none"},
        arguments={"former": "(b, s, c, h, w)"},
        returns="(b, k^2, s, h, w), each head sums to 1",
        symbols={"former": "P", **HEADS, "returns": "A_p"},
    ),
    _sinet(
        "K",
        "K = P A_p^T, over the positions of all former frames",
        f"{MODEL}:salient_kernel",
        f"{TESTS}::test_kernel_and_affinity_by_loops",
        arguments={"former": "(b, s, c, h, w)", "attention": "(b, k^2, s, h, w)"},
        returns="(b, c, k, k)",
        symbols={"former": "P", "attention": "A_p", "returns": "K"},
    ),
    _sinet(
        "3",
        "R_i = softmax over positions of Q_i correlated with K, over k^2 unless average is False",
        f"{MODEL}:affinity",
        f"{TESTS}::test_kernel_and_affinity_by_loops",
        arguments={"latter": "(b, l, c, h, w)", "kernel": "(b, c, k, k)", "average": "bool"},
        returns="(b, l, h, w), each frame sums to 1",
        symbols={"latter": "Q_i", "kernel": "K", "returns": "R_i"},
    ),
    _sinet(
        "4",
        "S_i = exp(beta min(1 / (h w R_i) - 1, 0))",
        f"{MODEL}:suppression",
        f"{TESTS}::test_suppression_by_loops",
        arguments={"affinity": "(b, l, h, w)", "beta": "number"},
        returns="(b, l, h, w), above exp(-beta), at most 1",
        symbols={"affinity": "R_i", "beta": "beta", "returns": "S_i"},
    ),
    _sinet(
        "Y",
        "Y_i = S_i X_i, one weight for all channels of a cell",
        f"{MODEL}:suppress",
        f"{TESTS}::test_suppress_is_one_weight_for_all_channels",
        arguments={"latter": "(b, l, c, h, w)", "weights": "(b, l, h, w)"},
        returns="(b, l, c, h, w)",
        symbols={"latter": "X_i", "weights": "S_i", "returns": "Y_i"},
    ),
    _sinet(
        "5",
        "Z_i = X_i + alpha sum over the latter frames j of GAP(X_j - Y_j), for the former frames",
        f"{MODEL}:cross_propagation",
        f"{TESTS}::test_cross_propagation_by_loops",
        arguments=PROPAGATION,
        returns="(b, t, c, h, w); the first t - l frames are these",
        symbols={"x": "X", "weights": "S", "alpha": "alpha", "returns": "Z"},
    ),
    _sinet(
        "6",
        "Z_i = Y_i + alpha sum over the former frames j of GAP(X_j), for the latter frames",
        f"{MODEL}:cross_propagation",
        f"{TESTS}::test_cross_propagation_by_loops",
        arguments=PROPAGATION,
        returns="(b, t, c, h, w); the last l frames are these",
        symbols={"x": "X", "weights": "S", "alpha": "alpha", "returns": "Z"},
    ),
    _sinet(
        "SBM",
        "X to Z, Eq. 1 to 6 together",
        f"{MODEL}:SalientToBroad",
        f"{TESTS}::test_sbm_by_loops",
        constructor={
            "channels": "c",
            "split": "s",
            "kernel": "k",
            "alpha": "alpha",
            "beta": "beta",
            "hidden": "c / 4",
            "cpm": "code, paper or none",
            "chunk": "None, or frames a piece (the program: 4)",
        },
        arguments=FEATURES,
        returns="Z (b, t, c, h, w), and maps: suppression S (b, l, h, w), salient_attention A_p",
        symbols={
            "x": "X",
            **{f"channel_attention.{name}": symbol for name, symbol in EXCITATION.items()},
            **{f"kernel_generation.{name}": symbol for name, symbol in HEADS.items()},
            "returns[0]": "Z",
        },
    ),
    _sinet(
        "7",
        "F' = G_D G_I F (L_I L_D + I), and F' + F; normalisations, biases and a ReLU unless off",
        f"{MODEL}:IntegrationDistribution",
        f"{TESTS}::test_idm_by_loops",
        constructor={
            "channels": "c",
            "frames": "t",
            "height": "h",
            "width": "w",
            "reduction": "c / c' = m / m'",
            "norm": "False as printed",
            "bias": "False as printed",
            "relu": "False as printed",
        },
        arguments=FEATURES,
        returns="(b, t, c, h, w); position (frame h + row) w + column",
        symbols={
            "x": "F",
            "integrate_channels.weight": "G_I (c', c)",
            "integrate_channels.bias": "g_I (c')",
            "channel_norm.weight": "gamma of BN_c (c')",
            "channel_norm.bias": "beta of BN_c (c')",
            "channel_norm.running_mean": "mean of BN_c (c')",
            "channel_norm.running_var": "variance of BN_c (c')",
            "integrate_positions.weight": "L_I^T (m', m, 1)",
            "integrate_positions.bias": "l_I (m')",
            "position_norm.weight": "gamma of BN_m (m')",
            "position_norm.bias": "beta of BN_m (m')",
            "position_norm.running_mean": "mean of BN_m (m')",
            "position_norm.running_var": "variance of BN_m (m')",
            "distribute_positions.weight": "L_D^T (m, m', 1)",
            "distribute_positions.bias": "l_D (m)",
            "distribute_channels.weight": "G_D (c, c')",
            "distribute_channels.bias": "g_D (c)",
            "returns": "F_output",
        },
    ),
    _sinet(
        "L_mi",
        "a slot's embeddings in other clips of its person against all other slots, contrasted",
        f"{LOSSES}.mutual_information:mutual_information",
        f"{LOSS_TESTS}::test_loops",
        arguments={
            "features": "(b, t, d)",
            "logits": "None",
            "labels": "(b,), consecutive groups of n",
            "clips": "n, or None to read it off the labels",
            "temperature": "number",
            "reduction": "mean or sum over the groups",
            "halves": "bool, cut clips of even t in two",
        },
        returns="scalar, and readings",
        symbols={"features": "z", "temperature": "tau", "returns[0]": "L_mi"},
    ),
    _sinet(
        "8",
        "L_all = L_cent + lambda_1 L_tri + lambda_2 L_mi",
        f"{LOSSES}.objective:objective",
        "tests/recipes/test_sinet.py::test_objective_is_the_printed_sum",
        arguments={
            "output": "Output, with the heads clip and projection",
            "labels": "(b,)",
            "losses": "the recipe's three",
            "penalties": "none",
        },
        returns="scalar, and readings",
        symbols={
            "losses[1].weight": "lambda_1 = 1",
            "losses[2].weight": "lambda_2 = 0.01, of a mean over groups",
            "returns[0]": "L_all",
        },
    ),
)
