"""Architectures are the models' own: order, shapes, formulas, arrows; and nothing overlaps."""

from __future__ import annotations

import io
from itertools import combinations

import matplotlib.pyplot as plt
import pytest

from reidlib.seeing.architecture import lanes
from reidlib.seeing.catalogue import architecture, untrained

PAPERS = ["trsa", "rgsa_rgtr", "fgra", "tacan", "sinet"]


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", PAPERS)
def test_an_architecture_is_the_models_own(name: str) -> None:
    one = untrained(name, "smoke")
    drawn = architecture([one], None)
    steps = {step[0]: step for step in drawn.numbers["steps"]}
    assert steps["backbone.layer4.0"][2] == [[4, 128, 8, 4]]
    assert drawn.numbers["parameters"] == sum(p.numel() for p in one.model.parameters())
    sites = [f"backbone.plugins.{site}" for site in one.model.backbone.plugins]
    order = list(steps)
    assert all(site in steps for site in sites)
    for site in sites:  # a plug-in stands right after the block that it follows
        stage, block = site.rsplit(".", 1)[1].split("_")
        before = [s for s in order[: order.index(site)] if s.startswith("backbone.layer")][-1]
        assert before.startswith(f"backbone.{stage}.")
        assert before.split(".")[-1].split("-")[-1] == str(int(block) - 1)
        assert [before, site] in drawn.numbers["arrows"]
    words = [text.get_text() for text in drawn.figure.axes[0].texts]
    assert words[2:5] == ["clip", "", "1×4×3×64×32"]
    for site in one.model.backbone.plugins:  # named by the number of the block before it
        stage, block = site.split("_")
        before = words.index(
            next(t for t in words if t.startswith(f"after block {block} of {stage}"))
        )
        assert any(t.startswith(f"{stage}, block {block}:") for t in words[:before])
    told = " ".join(text.get_text() for text in drawn.figure.texts)
    assert "profile smoke" in told


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_shows_its_own_idea(name: str) -> None:
    ideas = {
        "trsa": "attention weigh regularisation",
        "rgsa_rgtr": "rgsa rgsa.relation rgsa.relation.theta guide global_relation_vector rgtr",
        "fgra": "stripes correlate align consistency score_weights region_attention",
        "tacan": "temporal_attention clip_feature clip_attention clip_weights tracklet_feature",
        "sinet": "centre_weights salient_kernel affinity suppression cross_propagation "
        "backbone.plugins.layer2_1.integrate_positions backbone.plugins.layer3_3",
    }
    names = [step[0] for step in architecture([untrained(name, "smoke")], None).numbers["steps"]]
    assert set(ideas[name].split()) <= set(names)
    assert not {"precise", "temperature", "evenly"} & set(names)


def test_arrows_follow_the_tensors() -> None:
    found = architecture([untrained("trsa", "smoke")], None).numbers["arrows"]
    assert [a for a in found if "backbone." not in a[0] + a[1]] == [
        ["clip", "backbone"],
        ["backbone", "attention"],
        ["backbone", "weigh"],
        ["attention", "weigh"],
        ["attention", "concentration_and_overlap"],
        ["attention", "regularisation"],
        ["weigh", "pool_frames"],
        ["pool_frames", "classifier"],
        ["pool_frames", "embedding"],
        ["concentration_and_overlap", "penalties concentration, overlap"],
        ["regularisation", "penalty regularisation"],
        ["classifier", "head clip"],
    ]


def test_formulas_inside_a_part_stand_in_it() -> None:
    found = architecture([untrained("fgra", "smoke")], None).numbers["arrows"]
    assert ["into guide", "correlate"] in found
    assert ["correlate", "alignment_score"] in found
    assert ["align", "out of guide"] in found
    assert ["backbone", "align"] not in found


def test_what_is_open_once_is_closed_below() -> None:
    drawn = architecture([untrained("sinet", "smoke")], None)
    names = [step[0] for step in drawn.numbers["steps"]]
    assert names.count("affinity") == 1
    words = [text.get_text() for text in drawn.figure.axes[0].texts]
    assert "after block 1 of layer3: SalientToBroad" in words
    assert "after block 3 of layer3: SalientToBroad, as above" in words
    assert "suppress, 2 times" in words


def test_short_lines_stand_near_and_lines_do_not_meet() -> None:
    found = lanes([(0, 1), (0, 2), (0, 5), (1, 3), (3, 6), (-1, 4)], 6)
    assert {i: set(to) for i, to, _ in found} == {0: {2, 5}, 1: {3}, 3: {6}, -1: {4}}
    ends = {i: (i, max(to), lane) for i, to, lane in found}
    for one, other in combinations(ends.values(), 2):
        if one[2] == other[2]:
            assert one[1] < other[0] or other[1] < one[0]
    assert ends[1][2] == 0


@pytest.mark.parametrize("name", PAPERS)
def test_words_do_not_overlap(name: str) -> None:
    figure = architecture([untrained(name, "smoke")], None).figure
    figure.savefig(io.BytesIO(), format="png")
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    texts = [t for t in (*axes.texts, *figure.texts) if t.get_text()]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    for (a, one), (b, other) in combinations(boxes, 2):
        assert not one.overlaps(other), f"{a!r} and {b!r}"
    right = figure.bbox.x1
    assert all(box.x1 <= right + 1 for text, box in boxes if "\n" not in text)
