"""Every figure is drawn from tiny models; a wrong model, a shuffled or a missing map is seen."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from reidlib.__main__ import main
from reidlib.data.promenade.body import PARTS
from reidlib.errors import ReidError
from reidlib.notebooks import TOLERANCE
from reidlib.recipes import recipes
from reidlib.seeing import arms as S
from reidlib.seeing import words as W
from reidlib.seeing.catalogue import FIGURES, document, entry
from reidlib.seeing.clusters import choose_people
from reidlib.seeing.figures import check
from reidlib.seeing.papers import common, fgra, rgsa_rgtr, sinet, sweep
from reidlib.seeing.papers.tacan import FAIR, GOOD, POOR, colours
from reidlib.seeing.papers.tacan_clusters import embed, embed_clips, tsne
from reidlib.seeing.papers.trsa import attention


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    yield
    plt.close("all")


def arm(arms, name: str) -> S.Arm:
    return S.Arm(name, *arms(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, e in FIGURES.items() if e.kind == "models"])
def test_every_figure_is_drawn_with_numbers_that_are_plain_data(arms, people, name: str) -> None:
    chosen = FIGURES[name]
    used = [arm(arms, recipe) for recipe in chosen.recipes]
    small = {"people": 3} if name == "tacan-5" else {}
    if name == "rgsa-4":
        with pytest.raises(ReidError, match="shows 6 people; the data have 4"):
            chosen.function(used, people)
        people = replace(people, query=people.query + people.train)
    drawn = chosen.function(used, people, **small)
    assert drawn.numbers
    told = json.dumps(document(name, drawn, used, people), allow_nan=False)
    assert all(one.name in told for one in used)
    words = " ".join(text.get_text() for text in drawn.figure.texts)
    assert "Promenade, version" in words
    assert "scenario street" in words
    assert not chosen.recipes or "no record" in words
    assert sum(len(axes.images) + len(axes.collections) for axes in drawn.figure.axes) > 1


def test_every_figure_names_recipes_that_exist() -> None:
    for chosen in FIGURES.values():
        assert set(chosen.recipes) <= set(recipes())
        assert callable(chosen.function)
    with pytest.raises(ReidError, match="did you mean sinet-6"):
        entry("sinet-66")


def test_a_wrong_model_and_a_shuffled_map_fail_the_check(arms, people) -> None:
    """With the tolerance that `notebooks.show` has."""
    right = arm(arms, "trsa-1/sam")
    tracklets = S.queries(people)[:1]  # the same person, so that only maps can differ
    wrong = replace(right, model=deepcopy(right.model))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in wrong.model.parameters():
            weights.normal_(std=0.1, generator=generator)

    def draw(one: S.Arm, spoil=lambda maps: maps):
        return common.maps_sheet(
            [one], people, tracklets,
            lambda a, d, s: spoil(s.output.maps["spatial_attention"]), title="test",
        ).figure  # fmt: skip

    check(draw(right), "attention", rtol=TOLERANCE)
    check(draw(right), "attention", rtol=TOLERANCE)
    with pytest.raises(AssertionError, match="images"):
        check(draw(wrong), "attention", rtol=TOLERANCE)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    shuffled = draw(right, lambda m: m.flatten(2)[:, :, order].view_as(m))
    with pytest.raises(AssertionError, match="images"):
        check(shuffled, "attention", rtol=TOLERANCE)


def test_a_model_without_the_map_is_refused(arms, people) -> None:
    with pytest.raises(ReidError, match="spatial_attention"):
        attention([arm(arms, "baseline")], people)


def test_dead_attention_is_told_under_the_picture(arms, people) -> None:
    one = arm(arms, "trsa-1/sam")
    drawn = common.maps_sheet(
        [one], people, S.queries(people)[:2],
        lambda a, d, s: torch.ones_like(s.output.maps["spatial_attention"]), title="dead",
    )  # fmt: skip
    assert "even in 8 of 8" in drawn.words[0]
    assert "even in 8 of 8" in " ".join(text.get_text() for text in drawn.figure.texts)


def test_maps_that_are_not_finite_are_drawn_in_grey_and_told(arms, people) -> None:
    one = arm(arms, "trsa-1/sam")
    drawn = common.maps_sheet(
        [one], people, S.queries(people)[:2],
        lambda a, d, s: s.output.maps["spatial_attention"] * float("nan"), title="broken",
    )  # fmt: skip
    assert "not finite in 8 of 8" in drawn.words[0]
    image = drawn.figure.axes[-1].images[0].get_array()
    assert np.ptp(image, axis=2).max() == 0


def test_tsne_of_too_few_people_is_refused(arms, people) -> None:
    with pytest.raises(ReidError, match="9 identities are asked for"):
        tsne([arm(arms, "tacan")], people, people=9)


def test_people_are_chosen_by_rule() -> None:
    nan = float("nan")
    assert S.first_median_worst([0.7, 0.1, 0.9, 0.3, 0.5]) == [0, 4, 1]
    assert S.first_median_worst([0.5, 0.1, 0.9, 0.3, 0.7]) == [0, 4, 1]  # 0 would be the median
    assert S.first_median_worst([0.1, 0.5, 0.9, 0.3]) == [0, 2, 3]  # 0 would be the worst, too
    assert S.first_median_worst([nan, 0.1, 0.9, 0.4]) == [1, 2, 3]
    assert S.first_median_worst([nan, 0.4, 0.1]) == [1, 0, 2]  # three are shown if there are three
    assert S.first_median_worst([nan] * 4) == [0, 3, 1]
    assert S.first_median_worst([0.3, 0.1]) == [0, 1]
    assert S.first_median_worst([0.3]) == [0]
    for n in range(3, 9):
        for seed in range(20):
            values = np.random.default_rng(seed).integers(0, 3, n) / 2
            first, middle, worst = S.first_median_worst(values)
            assert first == 0
            assert len({first, middle, worst}) == 3
            others = sorted(np.delete(values, 0))
            assert (values[worst], values[middle]) == (others[0], others[1:][(n - 2) // 2])


def test_the_rule_is_one_sentence() -> None:
    told = W.rule([0.1] * 24, "mass")
    assert told.startswith("Shown, of the first 24 queries: the first, the worst of the others")
    assert told.endswith("by mass.")
    assert "of the most covered 24 queries" in W.rule([0.1] * 24, "mass", "the most covered")
    assert "all there are" in W.rule([0.1] * 2, "mass")
    assert "nothing that is known here ranks them" in W.rule([float("nan")] * 9, "mass")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("baseline", "baseline"), ("trsa-1/triplet", "baseline"), ("trsa-1/sam", "SAM"),
        ("trsa-1/sam-reg", "SAM + Reg"), ("trsa", "TRSA"), ("rgsa-1/baseline", "baseline"),
        ("rgsa-1/rgsa", "RGSA"), ("rgsa-1/inner-product", "RGSA+RGTR (IP)"),
        ("rgsa-3/baseline-t8", "baseline, T = 8"), ("fgra-2/ram-tas", "GB+RAM+TAS"),
        ("fgra", "FGRA"), ("tacan-1/baseline", "baseline"), ("tacan-1/ca", "without L_m"),
        ("tacan-1/minmax", "with L_m"), ("tacan-1/embedding", "TA + embedding"),
        ("sinet-2/base", "baseline"), ("sinet-2/sbm", "SBM"), ("sinet-3/non-local", "non-local"),
        ("sinet-3/sbm-without-mi", "SBM without the mutual-information loss"),
        ("sinet-fig5a/5", "k = 5"), ("tacan/short", "TACAN, a quarter of the epochs"),
    ],
)  # fmt: skip
def test_models_are_called_what_papers_call_them(name: str, called: str) -> None:
    assert W.label(recipes()[name]) == called


def test_every_recipe_has_a_label_that_is_no_id() -> None:
    for name, one in recipes().items():
        assert W.label(one).strip() == W.label(one) != ""
        assert name == "baseline" or name not in W.label(one)


def test_models_of_one_label_are_told_apart(arms) -> None:
    both = [arm(arms, "trsa-1/baseline"), arm(arms, "trsa-1/triplet"), arm(arms, "trsa-1/sam")]
    assert W.labels(both) == ["baseline", "baseline + L_v", "SAM"]
    twice = [arm(arms, "trsa-1/sam"), arm(arms, "trsa-1/sam-reg"), arm(arms, "trsa-1/sam")]
    assert W.labels(twice) == ["SAM, run 1", "SAM + Reg", "SAM, run 3"]
    assert W.keys(twice) == ["trsa-1/sam, run 1", "trsa-1/sam-reg", "trsa-1/sam, run 3"]


def test_two_runs_of_one_recipe_keep_their_rows_and_numbers(arms, people) -> None:
    one = arm(arms, "trsa-1/sam")
    drawn = attention([replace(one, record="a"), replace(one, record="b")], people)
    assert list(drawn.numbers) == ["trsa-1/sam, run 1", "trsa-1/sam, run 2"]
    rows = [axes.get_ylabel() for axes in drawn.figure.axes if axes.get_ylabel()]
    assert rows == ["input", "SAM, run 1", "SAM, run 2"]
    words = told(drawn)
    assert "SAM, run 1: recipe trsa-1/sam, record a." in words
    assert "SAM, run 2: recipe trsa-1/sam, record b." in words


def test_what_is_not_known_is_said_in_words() -> None:
    nan = float("nan")
    assert W.interval({"mean": 0.5, "low": 0.25, "high": 0.75}) == "0.50 (0.25 to 0.75)"
    assert W.interval({"mean": 0.5, "low": 0.25, "high": 0.75}, ".1f", "x") == "0.5 (0.2 to 0.8; x)"
    assert W.interval({"mean": 0.5, "low": nan, "high": nan}) == "0.50 (one person, no interval)"
    assert W.interval({"mean": nan, "low": nan, "high": nan}) == "not known here"
    row = {"person": {"mean": 0.5, "low": nan, "high": nan}}
    assert W.told({"map": row}, "person") == "person 0.50 (one person, no interval)"


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, e in FIGURES.items() if e.kind == "models"])
def test_no_caption_says_nan(arms, people, name: str) -> None:
    """Neither where nothing is known of the people nor where there is one person alone."""
    chosen = FIGURES[name]
    used = [arm(arms, recipe) for recipe in chosen.recipes]
    first = people.query[0].pid
    alone = replace(
        people,
        query=tuple(t for t in people.query if t.pid == first),
        gallery=tuple(t for t in people.gallery if t.pid == first),
    )
    small = {"people": 1} if name == "tacan-5" else {}
    for dataset in (replace(people, truth=None), alone):
        if name in ("rgsa-4", "fgra-1") and (dataset.truth is None or name == "rgsa-4"):
            with pytest.raises(ReidError):
                chosen.function(used, dataset)
            continue
        drawn = chosen.function(used, dataset, **small)
        words = [told(drawn)]
        for axes in drawn.figure.axes:
            words += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title()]
        assert "nan" not in " ".join(words).lower().split()
        assert not any("nan" in word for word in words)
        assert ("White line" in told(drawn)) == (
            dataset.truth is not None
            and name in ("trsa", "fgra-5", "tacan-4", "sinet-6", "sinet-6-suppression")
        )
        plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, e in FIGURES.items() if e.kind == "models"])
def test_blank_frames_and_collapse_are_told_under_every_figure(arms, people, name: str) -> None:
    class Black:
        def read(self, tracklet, places):
            return people.frames.read(tracklet, places) * 0

    chosen = FIGURES[name]
    used = [arm(arms, recipe) for recipe in chosen.recipes]
    dark = replace(people, frames=Black())
    if name == "rgsa-4":
        dark = replace(dark, query=people.query + people.train)
    if name == "tacan-5":  # all embeddings are equal: there is nothing to lay out
        with pytest.raises(ReidError, match="equal"):
            chosen.function(used, dark, people=3)
        return
    drawn = chosen.function(used, dark)
    words = told(drawn)
    assert "frames are of one colour" in words
    assert name in ("fgra-1", "tacan-6") or "embeddings have collapsed" in words
    assert len(drawn.words) == len(set(drawn.words))
    assert all(word in words for word in drawn.words)


def told(drawn) -> str:
    """The words under a picture, its lines joined."""
    return " ".join(" ".join(text.get_text().split()) for text in drawn.figure.texts)


def test_badly_framed_people_are_the_smallest_of_the_worse_half() -> None:
    order = np.array([3, 0, 5, 1, 2, 7, 6, 4])  # by error: the worse half is 2, 7, 6, 4
    sizes = np.array([0.01, 0.3, 0.4, 0.2, 0.1, 0.2, 0.3, 0.2])
    assert rgsa_rgtr.choose(order, sizes) == [3, 0, 5, 4, 7, 6]


def test_an_sbm_that_dims_nothing_is_told() -> None:
    weights = torch.ones(2, 3, 4, 2)
    assert "dims nothing: its row" in sinet.idle("SBM", weights)[0]
    weights[0, 0, 1, 1] = 0.5
    assert sinet.idle("SBM", weights) == ["SBM dims nothing in 5 of 6 latter frames."]
    weights[..., 0, 0] = 0.5
    assert sinet.idle("SBM", weights) == []
    weights[1, 2] = float("nan")
    assert sinet.idle("SBM", weights) == ["SBM is not finite in 1 of 6 latter frames."]


def test_the_query_on_which_models_differ_most_is_added_once() -> None:
    scores = np.array([[1.0, 0.5, 2.0, 0.1], [1.0, 0.7, 1.0, 0.1]])
    assert sinet.differing(scores, [0, 1, 3]) == [2]
    assert sinet.differing(scores, [0, 2, 3]) == []
    assert sinet.differing(scores[:1].repeat(2, 0), [0]) == []


def test_tsne_shows_clips_where_tracklets_are_few_and_tells_the_perplexity(arms, people) -> None:
    drawn = tsne([arm(arms, "tacan")], people, people=3)
    numbers = drawn.numbers["tacan"]
    words = told(drawn)
    assert numbers["perplexity"] == pytest.approx((numbers["points"] - 1) / 3)
    assert "small points are the" in words
    assert f"perplexity {numbers['perplexity']:.3g} (lowered from 30" in words
    assert len(numbers["raw"]) == 3
    large = sum(len(c.get_offsets()) for c in drawn.figure.axes[0].collections
                if c.get_sizes()[0] > 50)  # fmt: skip
    chosen = choose_people([t.pid for t in people.gallery], 3, 0, {t.pid for t in people.query})
    assert large == len(chosen) < numbers["points"]


def test_a_clips_embedding_is_the_tracklets_where_it_is_the_only_one(arms, people) -> None:
    one = arm(arms, "tacan")
    short = next(t for t in people.gallery if len(t) == 4)
    clips, frames = embed_clips(one, people, short)
    assert clips.shape[0] == 1
    assert frames.shape[:2] == (4, 3)
    torch.testing.assert_close(clips, embed(one, people, [short]), rtol=1e-4, atol=1e-5)


def test_data_without_queries_or_truth(arms, people) -> None:
    with pytest.raises(ReidError, match="without queries"):
        attention([arm(arms, "trsa")], replace(people, query=()))
    drawn = attention([arm(arms, "trsa")], replace(people, truth=None))
    assert "map" not in drawn.numbers["trsa"]
    assert drawn.numbers["trsa"]["overlap in a clip"]["frames"] > 0


def test_clips_are_coloured_by_their_weight() -> None:
    assert colours(np.array([0.1, 0.5, 0.9]), 0.3, 0.7) == [POOR, FAIR, GOOD]


def test_a_head_seen_from_behind_is_boxed_with_its_hair() -> None:
    boxes = [[0.0] * 4 for _ in PARTS]
    boxes[PARTS.index("head")] = [12.0, 9.0, 15.0, 11.0]
    boxes[PARTS.index("hair")] = [10.0, 2.0, 18.0, 10.0]
    boxes[PARTS.index("legs")] = [8.0, 30.0, 20.0, 60.0]
    cell = fgra._boxed(torch.zeros(3, 64, 32, dtype=torch.uint8), boxes)
    assert [box[:4] for box in cell.boxes] == [(10, 2, 18, 11), (8, 30, 20, 60)]


def record(name: str, value: float, profile: str = "laptop", seed: int = 0):
    return SimpleNamespace(
        name=f"{name}--{profile}--{seed}.json",
        seed=seed,
        recipe={"name": name},
        profile={"name": profile},
        data={"name": "promenade", "settings": {"scenario": "street"}},
        scores={"clean": {"map": 0.0, "rank-1": 0.0}, "street": {"map": value, "rank-1": 0.9}},
        stale="",
    )


def test_sweeps_average_the_records_of_a_recipe() -> None:
    records = [record("a", 0.5), record("a", 0.7), record("b", 0.2), record("c", 0.0)]
    _, _, lines = sweep.collect(records, "k", "k", {"b": 1, "a": 3, "missing": 5})
    assert lines["mAP"][0] == [1, 3]
    assert lines["mAP"][1] == pytest.approx([20, 60])
    assert lines["rank-1"][1] == pytest.approx([90, 90])
    assert np.isnan(lines["mAP"][2][0])  # one record has no interval
    assert lines["mAP"][2][1] == pytest.approx(12.7062047 * 10)  # t of two, times sd / sqrt(2)
    with pytest.raises(ReidError, match="missing"):
        sweep.collect(records, "k", "k", {"missing": 5})


def test_points_of_a_sweep_are_of_the_same_worlds() -> None:
    """a has been run in worlds 0 to 2, for another table; b in world 0 alone."""
    values = {"a": (0.5, 0.9, 0.9), "b": (0.6,)}
    records = [
        record(name, value, seed=world)
        for name, of in values.items()
        for world, value in enumerate(of)
    ]
    drawn = sweep.draw_sweeps(records, [("k", "k", {"a": 1, "b": 3, "missing": 5})], "test")
    assert drawn.numbers["k"]["mAP"][1] == pytest.approx([50, 60])
    assert "2 points of one world (0)" in " ".join(t.get_text() for t in drawn.figure.texts)
    apart = [r for r in records if (r.recipe["name"], r.seed) != ("a", 0)]
    assert sweep.shared(apart, ["a", "b"]) == apart  # no world in common: all that there is


def test_a_sweep_names_its_records_what_is_missing_and_what_must_be_known() -> None:
    records = [record("fgra", 0.5)]
    records += [record(f"fgra-fig4/length-{n}", 0.5) for n in (2, 4, 6, 8)]
    drawn = fgra.sweeps([*records, record("fgra-fig4/regions-1", 0.5)])
    words = " ".join(drawn.figure.texts[-1].get_text().split())
    assert "fgra--laptop--0, fgra-fig4/length-2--laptop--0" in words
    assert "and 3 more" in words
    assert "Not run yet: fgra-fig4/length-10, fgra-fig4/regions-2, fgra-fig4/regions-8." in words
    assert "penalty grows with N and N_s" in words
    assert "nothing to weigh" in words


def test_a_sweep_does_not_mix_profiles() -> None:
    records = [record("a", 0.5), record("a", 0.6), record("b", 0.2), record("a", 0.9, "fine")]
    assert sweep.comparable(records) == records[:3]
    assert sweep.comparable([]) == []
    drawn = sweep.draw_sweeps(records, [("k", "k", {"a": 1, "b": 8})], "test")
    assert drawn.numbers["k"]["mAP"][1] == pytest.approx([55, 20])
    axes, words = drawn.figure.axes[0], drawn.figure.texts[-1].get_text()
    assert axes.get_xscale() == "log"
    assert "Records: a--laptop--0, a--laptop--0, b--laptop--0." in words
    assert "profile laptop; 2 points of 1 to 2 worlds (0)" in words
    alone = sweep.draw_sweeps(records[2:3], [("k", "k", {"b": 8})], "test").figure
    assert "one world (0), which has no interval" in alone.texts[-1].get_text()


# --- the command ---


def reid(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["reid", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_list_names_one_figure_a_line(monkeypatch, capsys) -> None:
    assert reid(monkeypatch, "figure", "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(FIGURES)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_an_architecture_goes_to_a_file(monkeypatch, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"trsa.{suffix}"
    assert reid(monkeypatch, "figure", "trsa-architecture", "--out", out) == 0
    assert out.stat().st_size > 5000
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["numbers"]["embedding"] == 2048
    assert told["models"][0]["profile"] == "paper"


def test_bad_input_ends_in_one_sentence(monkeypatch, capsys, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        assert reid(monkeypatch, "figure", *words) == 2
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return said

    assert "did you mean trsa" in refused("trsb", "--out", "x.png")
    assert "--out" in refused("trsa")
    assert "docx" in refused("trsa", "--out", "x.docx")
    assert "no trained model" in refused("trsa", "--run", tmp_path, "--out", "x.png")
    assert "no run records" in refused("sinet-5", "--records", tmp_path, "--out", "x.png")
    monkeypatch.setattr(S, "data_folder", lambda name: tmp_path / name)
    said = refused("sinet-6", "--out", "x.png")
    assert "no shipped weights of sinet-2/base" in said
    assert "--run RUN,RUN,RUN" in said
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_same_figure_is_the_same_file(monkeypatch, tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for out in files:
        words = ("tacan-architecture", "--profile", "smoke", "--out", out)
        assert reid(monkeypatch, "figure", *words) == 0
        plt.close("all")
    one, other = (out.read_bytes() for out in files)
    assert one == other
    if suffix == "svg":
        assert b"<dc:date>" not in one
        assert b">clip_attention: ClipAttention</text>" in one


def test_options_that_a_figure_would_ignore_are_refused(
    monkeypatch, capsys, tmp_path: Path
) -> None:
    from reidlib.cli import figures

    def refused(*words: object) -> str:
        assert reid(monkeypatch, "figure", *words, "--out", tmp_path / "x.png") == 2
        return " ".join(capsys.readouterr().err.split())

    monkeypatch.setattr(figures, "_draw", None)  # nothing is computed before
    for name in ("fgra-1", "sinet-5", "trsa-architecture"):
        assert f"{name} shows no trained model" in refused(name, "--run", tmp_path)
    for name in ("fgra-1", "trsa", "trsa-architecture"):
        assert "not drawn from records" in refused(name, "--records", tmp_path)
    for name in ("trsa-architecture", "sinet-5"):
        assert "without a data set" in refused(name, "--with", "size=small")
    assert "give --run" in refused("trsa", "--profile", "paper")
    assert "leave --profile out" in refused("sinet-5", "--profile", "paper")
    assert "rgsa-4, sinet-6 have" in refused("trsa", "--method", "layer_cam")
    assert "rgsa-4, sinet-6 have" in refused("tacan-5", "--target", "pooled")
    assert "no CAM method 'x'; there are grad_cam" in refused("rgsa-4", "--method", "x")
    assert "no CAM target 'x'; there are similarity" in refused("rgsa-4", "--target", "x")


def test_places_that_cannot_be_written_are_refused_first(
    monkeypatch, capsys, tmp_path: Path
) -> None:
    from reidlib.cli import figures

    def refused(out: Path) -> str:
        assert reid(monkeypatch, "figure", "trsa-architecture", "--out", out) == 2
        return " ".join(capsys.readouterr().err.split())

    monkeypatch.setattr(figures, "_draw", None)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    assert "is a folder" in refused(tmp_path / "folder.png")
    assert "there is no folder" in refused(tmp_path / "missing" / "x.png")
    assert "there is no folder" in refused(tmp_path / "file" / "x.png")
    for text in ('{"name": "my own"}', "[1]", "no json"):
        (tmp_path / "mine.json").write_text(text)
        assert "mine.json would be overwritten" in refused(tmp_path / "mine.png")
        assert (tmp_path / "mine.json").read_text() == text
    assert not (tmp_path / "missing").exists()
    figures._check_places(tmp_path / "new.png", tmp_path / "new.json")
    (tmp_path / "new.json").write_text('{"figure": "trsa"}')
    figures._check_places(tmp_path / "new.png", tmp_path / "new.json")


def test_a_size_that_does_not_exist_is_refused(monkeypatch, capsys, tmp_path: Path) -> None:
    words = ("trsa-architecture", "--profile", "huge", "--out", tmp_path / "x.png")
    assert reid(monkeypatch, "figure", *words) == 2
    assert "no profile 'huge'" in capsys.readouterr().err
