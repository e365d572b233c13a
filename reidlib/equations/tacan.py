"""TACAN's equations. b clips, t frames, k tracklets, m clips of one, c channels, d embedding."""

from __future__ import annotations

from typing import Any

from reidlib.equations.core import Equation

MODEL, LOSSES = "reidlib.models.tacan", "reidlib.losses"
TESTS, LOSS_TESTS = "tests/models/test_tacan.py", "tests/losses/test_minmax.py"


def _tacan(number: str, statement: str, path: str, test: str, **more: Any) -> Equation:
    return Equation("tacan", number, statement, path, test, **more)


EQUATIONS: tuple[Equation, ...] = (
    _tacan(
        "a",
        "a_t: softmax over frames of ReLU(conv over time of ReLU(conv over the whole map))",
        f"{MODEL}:TemporalAttention",
        f"{TESTS}::test_temporal_attention_equals_loops_with_gradients",
        constructor={"channels": "c", "map_size": "h, w", "width": "r", "gate": "softmax"},
        arguments={"maps": "(b, t, c, h, w)"},
        returns="(b, t)",
        symbols={
            "conv.weight": "map to r (r, c, h, w)",
            "conv.bias": "(r,)",
            "tconv.weight": "r to 1 along t (1, r, 3)",
            "tconv.bias": "(1,)",
            "returns": "a",
        },
    ),
    _tacan(
        "f_C",
        "f_C = sum over frames of a_t f_I,t (printed with 1/T before a sum that is normalised)",
        f"{MODEL}:clip_feature",
        f"{TESTS}::test_clip_feature_equals_loops",
        arguments={"frames": "(b, t, c)", "weights": "(b, t)", "divide_by_t": "False"},
        returns="(b, c)",
        symbols={"frames": "f_I", "weights": "a", "returns": "f_C"},
    ),
    _tacan(
        "1",
        "w_i = sigmoid(W f_C,i), the weight of a clip (printed without the sigmoid)",
        f"{MODEL}:clip_weights",
        f"{TESTS}::test_clip_level_equals_loops_with_gradients",
        arguments={
            "scores": "(k, m)",
            "gate": "sigmoid, linear, softmax or unit",
            "mask": "(k, m) bool or None",
        },
        returns="(k, m)",
        symbols={"scores": "z = W f_C", "mask": "True where a clip exists", "returns": "w_i"},
    ),
    _tacan(
        "2",
        "E_i = T(f_C,i), one linear layer; with Eq. 1 and 3 a whole tracklet",
        f"{MODEL}:ClipAttention",
        f"{TESTS}::test_reference_case_of_padded_batches",
        constructor={"channels": "c", "embed": "d", "gate": "sigmoid", "score_bias": "False"},
        arguments={
            "clips": "(k, m, c)",
            "mask": "(k, m) bool or None",
            "normalise": "count (by m) or sum (by the weights)",
        },
        returns="feature (k, d), weights (k, m), scores (k, m)",
        symbols={
            "score.weight": "W (1, c)",
            "score.bias": "W's bias (1,), if any",
            "embed.weight": "T's matrix (d, c)",
            "embed.bias": "T's bias (d,)",
            "clips": "F_C",
            "returns[0]": "f; E alone is module.embed(clips)",
        },
    ),
    _tacan(
        "3",
        "f = 1/m sum over clips of w_i E_i",
        f"{MODEL}:tracklet_feature",
        f"{TESTS}::test_clip_level_equals_loops_with_gradients",
        arguments={
            "embedded": "(k, m, d)",
            "weights": "(k, m)",
            "mask": "(k, m) bool or None",
            "normalise": "count (by m) or sum (by the weights)",
        },
        returns="(k, d)",
        symbols={"embedded": "E", "weights": "w_i", "returns": "f"},
    ),
    _tacan(
        "4",
        "L = L_s + L_t + L_m",
        f"{LOSSES}.objective:objective",
        f"{TESTS}::test_total_is_the_sum_of_equation_4",
        arguments={
            "output": "Output (reidlib.models.output)",
            "labels": "(b,)",
            "losses": "Loss of kinds cross_entropy, batch_hard_triplet, minmax "
            "(reidlib.recipes.core)",
            "penalties": "{}",
        },
        returns="scalar, readings",
        symbols={"returns[0]": "L"},
    ),
    _tacan(
        "L_s",
        "L_s: cross-entropy against (1 - e) on the label and e / n on each of the n identities",
        f"{LOSSES}.cross_entropy:cross_entropy",
        "tests/losses/test_cross_entropy.py::test_equals_loops",
        arguments={
            "features": "not used",
            "logits": "(b, n)",
            "labels": "(b,)",
            "smoothing": "0.1",
        },
        returns="scalar, readings",
        symbols={"logits": "the classifier's", "smoothing": "e", "returns[0]": "L_s"},
    ),
    _tacan(
        "5",
        "L_t: mean over anchors of [alpha + |f_a - f_p|^2 - |f_a - f_n|^2]_+",
        f"{LOSSES}.triplet:batch_hard_triplet",
        f"{TESTS}::test_triplets_mine_the_same_clips_squared_or_not",
        arguments={
            "features": "(b, d)",
            "logits": "not used",
            "labels": "(b,)",
            "distance": "squared",
            "margin": "0.3",
            "own_positive": "False; True where an identity with one clip is its own positive",
        },
        returns="scalar, readings",
        symbols={"features": "f", "margin": "alpha", "returns[0]": "L_t"},
    ),
    _tacan(
        "6",
        "the farthest of the same identity and the nearest of another, for each anchor",
        f"{LOSSES}.triplet:pairwise",
        f"{TESTS}::test_triplets_mine_the_same_clips_squared_or_not",
        arguments={"features": "(b, d)", "distance": "squared"},
        returns="(b, b), of which batch_hard_triplet takes the masked maximum and minimum",
        symbols={"features": "f"},
    ),
    _tacan(
        "7",
        "S_k(I): squared distances of an identity's samples to their mean m_k; here summed over k",
        f"{LOSSES}.minmax:scatter",
        f"{LOSS_TESTS}::test_equals_loops_with_gradients",
        arguments={"features": "(b, d)", "labels": "(b,)"},
        returns="S(I) (), S(B) ()",
        symbols={"features": "f", "labels": "k of each sample", "returns[0]": "S(I)"},
    ),
    _tacan(
        "8",
        "S(I) = sum over k of S_k(I); S(B) = sum over k of n_k |m_k - m|^2",
        f"{LOSSES}.minmax:scatter",
        f"{LOSS_TESTS}::test_scatters_add_up_to_the_total",
        arguments={
            "features": "(b, d)",
            "labels": "(b,)",
            "centre": "samples (m their mean) or classes (m the mean of m_k)",
        },
        returns="S(I) (), S(B) ()",
        symbols={"returns[0]": "S(I)", "returns[1]": "S(B)"},
    ),
    _tacan(
        "9",
        "L_m = S(I) / S(B)",
        f"{LOSSES}.minmax:minmax",
        f"{LOSS_TESTS}::test_equals_loops_with_gradients",
        arguments={
            "features": "(b, d)",
            "logits": "not used",
            "labels": "(b,)",
            "form": "ratio or difference",
        },
        returns="scalar, readings",
        symbols={"features": "f", "returns[0]": "L_m"},
    ),
    _tacan(
        "10",
        "diam(C): the largest Euclidean distance between two samples of an identity",
        f"{LOSSES}.minmax:diameters",
        f"{LOSS_TESTS}::test_diameters",
        arguments={"features": "(n, d)", "labels": "(n,)"},
        returns="identity -> diameter",
        symbols={"features": "x"},
    ),
)
