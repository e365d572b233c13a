"""Every figure is drawn from tiny models; a wrong model, a shuffled or a missing map is seen."""

from __future__ import annotations

import json
import sys
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
from reidlib.recipes import recipes
from reidlib.seeing import arms as S
from reidlib.seeing.catalogue import FIGURES, document, entry
from reidlib.seeing.figures import check
from reidlib.seeing.papers import common, fgra, sweep
from reidlib.seeing.papers.tacan import FAIR, GOOD, POOR, colours, tsne
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
    right, wrong = arm(arms, "trsa-1/sam"), arm(arms, "trsa-1/as-printed")
    wrong = replace(wrong, name=right.name)
    tracklets = S.queries(people)

    def draw(one: S.Arm, spoil=lambda maps: maps):
        return common.maps_sheet(
            [one], people, tracklets,
            lambda a, d, s: spoil(s.output.maps["spatial_attention"]), title="test",
        ).figure  # fmt: skip

    check(draw(right), "attention")
    check(draw(right), "attention")
    with pytest.raises(AssertionError, match="axes"):  # other maps, perhaps of other people
        check(draw(wrong), "attention")
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    with pytest.raises(AssertionError, match="images"):
        check(draw(right, lambda m: m.flatten(2)[:, :, order].view_as(m)), "attention")


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
    assert S.first_median_worst([0.7, 0.1, 0.9, 0.3, 0.5]) == [0, 4, 1]
    assert S.first_median_worst([0.5, 0.1, 0.9, 0.3, 0.7]) == [0, 1]  # the first is the median
    assert S.first_median_worst([float("nan"), 0.1, 0.9, 0.4]) == [1, 3]
    assert S.first_median_worst([0.9, 0.1, 0.5]) == [0, 2, 1]
    assert S.first_median_worst([float("nan")] * 3) == [0, 1]
    assert S.median([0.5, 0.1, 0.9, 0.3, 0.7]) == 0
    assert S.median([float("nan"), 0.2]) == 1
    assert S.rule(24, 3) == "First, median and worst of the first 24 queries"
    assert "of the most covered 24 queries" in S.rule(24, 3, "most covered")
    assert "the first 4 queries (one of them is two of these)" in S.rule(4, 2)


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
        name=f"{name}--{profile}--seed{seed}.json",
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
    assert "2 points of one world" in " ".join(t.get_text() for t in drawn.figure.texts)
    apart = [r for r in records if (r.recipe["name"], r.seed) != ("a", 0)]
    assert sweep.shared(apart, ["a", "b"]) == apart  # no world in common: all that there is


def test_a_sweep_does_not_mix_profiles() -> None:
    records = [record("a", 0.5), record("a", 0.6), record("b", 0.2), record("a", 0.9, "fine")]
    assert sweep.comparable(records) == records[:3]
    assert sweep.comparable([]) == []
    drawn = sweep.draw_sweeps(records, [("k", "k", {"a": 1, "b": 8})], "test")
    assert drawn.numbers["k"]["mAP"][1] == pytest.approx([55, 20])
    axes, words = drawn.figure.axes[0], drawn.figure.texts[-1].get_text()
    assert axes.get_xscale() == "log"
    assert "profile laptop; 2 points of 1 to 2 worlds" in words
    named = "Records: a--laptop--seed0, a--laptop--seed0, b--laptop--seed0."
    assert named in words.replace("\n", " ")
    assert sweep._named(records, 2) == "a--fine--seed0, a--laptop--seed0 and 2 more"
    alone = sweep.draw_sweeps(records[2:3], [("k", "k", {"b": 8})], "test").figure
    assert "one world, which has no interval" in alone.texts[-1].get_text()


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
