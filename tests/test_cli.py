"""The command line as a user meets it: results, examples, and one clear sentence for bad input."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reidlib.__main__ import app, main
from reidlib.checkpoints import read_about
from reidlib.cli.runs import _beside
from reidlib.errors import ReidError
from reidlib.files import ROOT
from reidlib.recipes import profile, recipe
from reidlib.records import read_record
from tests import fake_layouts

FEW_PEOPLE = {"train": 6, "test": 4, "validation": 2}
FEW = ["--with", f"people={FEW_PEOPLE}", "--with", "lengths=(4, 5)"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REIDLIB_CACHE", str(cache))


def reid(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Run `reid words`; the exit code."""
    monkeypatch.setattr(sys, "argv", ["reid", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_ctrl_c_ends_in_words(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reidlib.data.promenade.write_mars", stopped)
    assert reid(monkeypatch, "render", "--size", "tiny", "--out", "out") == 130
    assert capsys.readouterr().err.endswith("reid: stopped; what was finished is kept\n")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A baseline trained for four steps."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REIDLIB_CACHE", str(cache))
        words = ["train", "baseline", "--profile", "smoke", "--size", "tiny", *FEW]
        assert reid(patch, *words, "--out", folder) == 0
    return folder


def test_train_leaves_a_model_a_log_and_a_record(run: Path) -> None:
    assert {"model.safetensors", "log.csv"} <= {p.name for p in run.iterdir()}
    (record,) = run.glob("*.json")
    found = json.loads(record.read_text())
    assert found["recipe"]["name"] == "baseline"
    assert found["steps"] == 4
    assert 0 < found["scores"]["street"]["map"] <= 1


def test_train_again_reuses_what_is_there(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = run.glob("*.json")
    before, weights = json.loads(record.read_text()), (run / "model.safetensors").read_bytes()
    words = ["train", "baseline", "--profile", "smoke", "--size", "tiny", *FEW]
    assert reid(monkeypatch, *words, "--out", run) == 0
    after = json.loads(record.read_text())
    assert (run / "model.safetensors").read_bytes() == weights
    assert after["seconds"]["training"] == before["seconds"]["training"]
    assert after["scores"] == before["scores"]


def test_evaluate_repeats_the_record(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reid(monkeypatch, "evaluate", run, *FEW, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    (record,) = run.glob("*.json")
    assert again == json.loads(record.read_text())["scores"]["street"]


def test_evaluate_says_whether_it_is_the_recorded_score(run: Path) -> None:
    (path,) = run.glob("*.json")
    recorded, about = read_record(path).scores["street"]["map"], read_about(run)
    assert _beside(run, about, recorded).endswith(f"here {100 * recorded:.2f}%, the same")
    assert _beside(run, about, recorded + 0.0123).endswith(", +1.23 points")
    assert _beside(run.parent / "nowhere.safetensors", about, recorded) == ""
    assert _beside(run, replace(about, seed=about.seed + 1), recorded) == ""
    text = path.read_text()
    path.write_text("{")
    assert _beside(run, about, recorded) == "", "a broken record loses no score"
    path.write_text(text)


def test_evaluate_in_another_scenario_and_by_another_rule(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", run, *FEW, "--with", "scenario=clean", "--ap", "trapezoid", "--json"]
    assert reid(monkeypatch, *words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rules"]["ap"] == "trapezoid"


def test_rank_draws_a_picture(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "ranking.png"
    assert reid(monkeypatch, "rank", run, *FEW, "--out", out, "--queries", 2, "--k", 3) == 0
    assert Image.open(out).size[0] > 200


@pytest.mark.parametrize("command", [c.callback.__name__ for c in app.registered_commands])  # type: ignore[union-attr]
def test_every_help_shows_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reid(monkeypatch, command, "--help") == 0
    text = capsys.readouterr().out
    assert "Example" in text
    assert f"reid {command}" in " ".join(text.split())


def test_lists_are_json_for_scripts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reid(monkeypatch, "recipes", "SINet", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "sinet" in {r["name"] for r in found}
    assert reid(monkeypatch, "show", "trsa-1/sam", "--json") == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["model"] == "trsa"
    assert reid(monkeypatch, "equations", "TACAN", "--json") == 0
    assert {e["paper"] for e in json.loads(capsys.readouterr().out)} == {"TACAN"}


def test_releases_made_in_their_place_are_those_that_are_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Their links lead on; in a folder of its own a release names the places instead."""
    pytest.importorskip("nbgrader")
    stored = ROOT / "notebooks/assignments/release/ps1/ps1.ipynb"
    before = stored.read_bytes()
    try:
        assert reid(monkeypatch, "assignments", "ps1") == 0
        assert "ps1: already in" in capsys.readouterr().out
        assert stored.read_bytes() == before
    finally:
        if stored.read_bytes() != before:
            stored.write_bytes(before)
    assert reid(monkeypatch, "assignments", "ps1", "--out", tmp_path) == 0
    told = (tmp_path / "ps1.ipynb").read_text(encoding="utf-8")
    assert "(in the project: `01_how_reid_is_scored.ipynb`)" in told


def test_recipes_of_one_table_stand_beside_what_they_are_held_against(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reid(monkeypatch, "recipes", "sinet-fig5", "--json") == 0
    found = {r["row"]: r["name"] for r in json.loads(capsys.readouterr().out)}
    assert found["k = 3"] == "sinet-2/sbm"
    assert found["k = 7"] == "sinet-fig5a/7"
    assert reid(monkeypatch, "recipes", "trsa-1") == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("trsa-1/sam-reg "))
    assert "trsa-1/sam " in row.removeprefix("trsa-1/sam-reg")
    assert max(map(len, lines)) < 160


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sinet", "--profile", "fine"), ("750 steps", "small.safetensors", "8 identities x 4")),
        (("trsa", "--profile", "paper"), ("600 epochs", "after 200 and 400", "ImageNet,", "256x")),
        (("tacan", "--profile", "paper"), ("RANDOM WEIGHTS", "--weights")),
        (("tacan", "--profile", "laptop"), ("small-se.safetensors",)),
        (("fgra-2/shuffled",), ("none: it tests what fgra learned", "reid experiment")),
        (("baseline", "--profile", "smoke"), ("random weights", "4 steps")),
    ],
)
def test_show_tells_what_wins(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: tuple[str, ...],
) -> None:
    assert reid(monkeypatch, "show", *words) == 0
    said = capsys.readouterr().out
    for text in told:
        assert text in said.split("plan: ")[0]


@pytest.mark.parametrize("name", ["baseline", "tacan"])
@pytest.mark.parametrize("size", ["smoke", "laptop"])
def test_show_and_build_agree_on_the_first_weights(name: str, size: str) -> None:
    from reidlib.build import build
    from reidlib.cli.show import _start

    started = build(recipe(name), profile(size), 2).start
    file = _start(recipe(name), profile(size)).removeprefix("data/checkpoints/")
    assert started.startswith(file) or (started, file) == ("scratch", "random weights")


# --- bad input: one sentence, exit code 2, nothing half-written ---


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> str:
    assert reid(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_unknown_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    said = refused(monkeypatch, capsys, "train", "baselin", "--out", out)
    assert "baselin" in said
    assert "did you mean baseline" in said
    assert "huge" in refused(
        monkeypatch, capsys, "train", "baseline", "--profile", "huge", "--out", out
    )
    said = refused(monkeypatch, capsys, "train", "baseline", "--scenario", "fog", "--out", out)
    assert "fog" in said
    said = refused(monkeypatch, capsys, "train", "baseline", "--with", "colour=1", "--out", out)
    assert "colour" in said
    said = refused(
        monkeypatch, capsys, "train", "baseline", "--set", "sampler.size=1", "--out", out
    )
    assert "size" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("recipe", "change", "told"),
    [
        ("trsa", "options.attention=max", "attention is one of"),
        ("trsa", "options.atention=sum", "trsa has no option 'atention'; it has attention, pool"),
        ("sinet", "small_clip_length=3", "split 3"),
        ("sinet", "small.idm.hidden_channels=many", "cannot be built at the size of profile smoke"),
        ("fgra", "options.regions=3", "do not divide into 3 regions"),
        ("fgra", "small_clip_length=0", "at least 1 frame, not 0"),
    ],
)
def test_options_that_do_not_fit_are_told_before_anything_is_rendered(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    recipe: str,
    change: str,
    told: str,
) -> None:
    monkeypatch.setenv("REIDLIB_CACHE", str(tmp_path / "cache"))
    words = ["train", recipe, "--profile", "smoke", "--size", "tiny", *FEW, "--set", change]
    assert told in refused(monkeypatch, capsys, *words, "--out", tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_real_data_needs_its_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["train", "baseline", "--data", "mars", "--out", tmp_path / "run"]
    assert "--root" in refused(monkeypatch, capsys, *words)
    empty = tmp_path / "MARS"
    empty.mkdir()
    assert str(empty) in refused(monkeypatch, capsys, *words, "--root", empty)


def test_a_run_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = refused(monkeypatch, capsys, "evaluate", tmp_path)
    assert "model.safetensors" in said
    (tmp_path / "model.safetensors").write_bytes(b"not tensors at all")
    assert "model.safetensors" in refused(monkeypatch, capsys, "evaluate", tmp_path)


def test_a_run_of_another_recipe(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    words = ["train", "trsa", "--profile", "smoke", "--size", "tiny", *FEW, "--out", copy]
    assert "baseline" in refused(monkeypatch, capsys, *words)
    assert (copy / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()


def test_an_output_folder_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    words = ["train", "baseline", "--profile", "smoke", "--size", "tiny", *FEW]
    said = refused(monkeypatch, capsys, *words, "--out", tmp_path / "file" / "run")
    assert "cannot write" in said


def test_mars_layout_with_a_truncated_image(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from reidlib.data import promenade

    root = tmp_path / "promenade"
    settings = promenade.resolve(
        promenade.Settings("tiny", lengths=(4, 5)), people={"train": 6, "test": 4, "validation": 2}
    )
    promenade.write_mars(settings, root, processes=1, progress=False)
    words = ["train", "baseline", "--profile", "smoke", "--data", "mars-layout", "--root", root]
    assert reid(monkeypatch, *words, "--out", tmp_path / "whole") == 0
    for image in (root / "bbox_train").rglob("*.jpg"):
        image.write_bytes(image.read_bytes()[:400])
    said = refused(monkeypatch, capsys, *words, "--out", tmp_path / "broken")
    assert ".jpg" in said
    assert not list((tmp_path / "broken").glob("*.json"))


def test_pictures_go_where_they_can_be_written(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    said = refused(monkeypatch, capsys, "rank", run, *FEW, "--out", tmp_path / "file" / "x.png")
    assert "cannot write" in said
    said = refused(monkeypatch, capsys, "rank", run, *FEW, "--out", tmp_path / "x.docx")
    assert "docx" in said


# --- scored by other rules, kept, searched ---


def evaluated(
    run: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> dict[str, Any]:
    assert reid(patch, "evaluate", run, *FEW, *words, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_evaluate_with_a_single_gallery_shot(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = evaluated(run, monkeypatch, capsys)
    exact = evaluated(run, monkeypatch, capsys, "--single-gallery-shot", "exact")
    draws = evaluated(run, monkeypatch, capsys, "--single-gallery-shot", "draws")
    assert exact["map"] == draws["map"] == whole["map"]  # the lots are about CMC alone
    assert exact["rank-1"] != whole["rank-1"]
    assert abs(exact["rank-1"] - draws["rank-1"]) < 0.2
    assert draws["rules"]["single_gallery_shot"] == "draws"
    said = refused(monkeypatch, capsys, "evaluate", run, *FEW, "--single-gallery-shot", "some")
    assert "no single_gallery_shot 'some'; there are None, draws, exact" in said


def test_evaluate_re_ranked(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reidlib.checkpoints import load_model
    from reidlib.cli.runs import reopen
    from reidlib.evaluation import score
    from reidlib.extraction import embed_subsets
    from reidlib.reranking import rerank_features

    found = evaluated(run, monkeypatch, capsys, "--rerank")
    assert "re-ranked by k-reciprocal neighbours" in found["protocol"]
    model, about = load_model(run)
    data = reopen(about.data, None, {"people": FEW_PEOPLE, "lengths": (4, 5)})
    queries, gallery = embed_subsets(model, data, about.recipe, about.profile, progress=False)
    real = [i for i, t in enumerate(data.gallery) if t.pid != -1]
    assert len(real) < len(data.gallery)
    held = [data.gallery[i] for i in real]
    expected = score(
        rerank_features(queries, gallery[real]),
        [t.pid for t in data.query],
        [t.pid for t in held],
        [t.camid for t in data.query],
        [t.camid for t in held],
    )
    assert found["map"] == pytest.approx(expected.map, abs=1e-12)
    assert found["gallery"] == len(real)
    assert found["map"] != evaluated(run, monkeypatch, capsys)["map"]


def test_embeddings_are_kept_and_searched(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from reidlib.evaluation import distances
    from reidlib.extraction import load

    folder = tmp_path / "kept"
    first = evaluated(run, monkeypatch, capsys, "--save-embeddings", folder)
    written = (folder / "embeddings.safetensors").stat().st_mtime_ns
    assert evaluated(run, monkeypatch, capsys, "--save-embeddings", folder) == first
    assert (folder / "embeddings.safetensors").stat().st_mtime_ns == written

    kept = load(folder)
    row = int(kept.rows[3])
    assert reid(monkeypatch, "search", folder, row, "--k", 4, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    far = distances(kept.embeddings[3:4], kept.embeddings)[0]
    order = [i for i in far.argsort(kind="stable") if i != 3][:4]
    assert [x["row"] for x in found] == kept.rows[order].tolist()
    assert [x["person"] for x in found] == kept.pids[order].tolist()
    assert [x["camera"] for x in found] == (kept.camids[order] + 1).tolist()
    assert [x["distance"] for x in found] == pytest.approx(far[order].tolist())

    said = refused(monkeypatch, capsys, "search", folder, 10**6)
    assert f"has no row 1000000; it holds {len(far)} tracklets" in said
    assert "k is from 1" in refused(monkeypatch, capsys, "search", folder, row, "--k", len(far))
    said = refused(monkeypatch, capsys, "search", tmp_path / "nowhere", row)
    assert "name a folder of embeddings" in said


def test_an_approximate_search_finds_the_same_at_full_effort(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("faiss")
    from reidlib.extraction import load

    evaluated(run, monkeypatch, capsys, "--save-embeddings", tmp_path)
    row, found = int(load(tmp_path).rows[0]), {}
    for kind in ("exact", "hnsw", "ivf"):
        words = ["search", tmp_path, row, "--k", 3, "--kind", kind, "--effort", 100, "--json"]
        assert reid(monkeypatch, *words) == 0
        found[kind] = [x["row"] for x in json.loads(capsys.readouterr().out)]
    assert row not in found["exact"]
    assert found["exact"] == found["hnsw"] == found["ivf"]


def test_short_tracklets_can_be_left_out_and_the_protocol_says_so(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    every = evaluated(run, monkeypatch, capsys)
    found = evaluated(run, monkeypatch, capsys, "--with", "min_frames=5")
    assert "only tracklets of at least 5 frames" in found["protocol"]
    assert found["gallery"] < every["gallery"]
    assert "at least" not in every["protocol"]
    for bad in ("0", "few", "2.5"):
        said = refused(monkeypatch, capsys, "evaluate", run, *FEW, "--with", f"min_frames={bad}")
        assert "min_frames is a whole number from 1" in said
    # A run that was trained without the short ones is scored without them again.
    words = ["train", "baseline", "--profile", "smoke", "--size", "tiny", *FEW]
    assert reid(monkeypatch, *words, "--with", "min_frames=5", "--out", tmp_path / "run") == 0
    capsys.readouterr()
    assert evaluated(tmp_path / "run", monkeypatch, capsys)["protocol"] == found["protocol"]


# --- the doctor, as a script asks it ---


@pytest.mark.parametrize("name", ["mars", "duke", "ilids", "prid", "lsvid"])
def test_the_doctors_exit_code_is_its_verdict(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from reidlib.data import reading
    from reidlib.data.doctor import LAYOUTS

    root = getattr(fake_layouts, name)(tmp_path / "copy")
    words = ["doctor", name, root, "--json"]
    assert reid(monkeypatch, *words) == 1  # whole, but not the published set
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert [p["kind"] for p in found["problems"]] == ["counts"]
    assert "--no-counts" in found["problems"][0]["remedy"]
    assert reid(monkeypatch, *words, "--no-counts") == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []

    layout = LAYOUTS[name]
    inner = root / layout.outer
    subsets = layout.survey(inner if inner.is_dir() else root).subsets
    counts = {subset: reading.count(rows) for subset, rows in subsets.items()}
    monkeypatch.setitem(LAYOUTS, name, replace(layout, expected=counts))
    assert reid(monkeypatch, *words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert found["images_checked"] > 10
    assert reid(monkeypatch, "doctor", name, root, "--no-images") == 0
    assert "Nothing is wrong; no images decoded." in capsys.readouterr().out

    folder = (inner if inner.is_dir() else root) / layout.folders[0]
    next(p for p in sorted(folder.rglob("*")) if p.is_file()).write_bytes(b"")
    assert reid(monkeypatch, *words) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["what"] == "1 image is empty"
    assert str(tmp_path) in refused(monkeypatch, capsys, "doctor", name, tmp_path / "nowhere")


def test_weights_and_devices_that_are_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["train", "baseline", "--profile", "smoke", "--size", "tiny", *FEW]
    words += ["--out", str(tmp_path / "run")]
    for name, content in {"a.pth": b"hello", "b.pth": b"", "c.safetensors": b"hello"}.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert name in refused(monkeypatch, capsys, *words, "--weights", path)
    assert "tpu" in refused(monkeypatch, capsys, *words, "--device", "tpu")
    assert not list(tmp_path.glob("run/*.safetensors"))


def test_no_matches_is_no_ranking(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = refused(monkeypatch, capsys, "rank", run, *FEW, "--out", tmp_path / "x.png", "--k", 0)
    assert "at least one match" in said


# --- what a run saw is what it is scored on ---


def test_a_run_of_few_people_is_scored_on_the_same_few(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reidlib.checkpoints import load_model
    from reidlib.cli.runs import reopen

    assert reid(monkeypatch, "evaluate", run, "--json") == 0  # nothing is repeated
    found = json.loads(capsys.readouterr().out)
    (record,) = run.glob("*.json")
    assert found == json.loads(record.read_text())["scores"]["street"]

    _, about = load_model(run)
    for told in ("people", "lengths"):  # a record that left it out
        kept = {k: v for k, v in about.data["settings"].items() if k != told}
        with pytest.raises(ReidError, match="lengths, people or backdrop of its own; repeat them"):
            reopen({**about.data, "settings": kept}, None, {"cameras": 5})
        changes = {told: about.data["settings"][told]}
        again = reopen({**about.data, "settings": kept}, None, changes)
        assert again.settings["digest"] == kept["digest"]


@pytest.mark.parametrize("out", [True, False])
def test_frames_rendered_into_a_cache_are_those_that_training_reads(
    out: bool,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from reidlib.cli.common import assignments, open_data

    folder = tmp_path / "a cache"
    words = ["render", "--layout", "cache", "--size", "tiny", "--scenario", "clean"]
    assert reid(monkeypatch, *words, *(["--out", "a cache"] if out else [])) == 0
    told = capsys.readouterr().out
    files = (folder if out else cache).glob("promenade-*.u8")
    (place,) = (path for path in files if path.name in told)
    assert told.startswith(f"rendered {'a cache' / Path(place.name) if out else place};")
    advice = shlex.split(told.split("`")[1])
    assert advice[:3] == ["reid", "train", "baseline"]
    assert advice[-2:] == ["--out", "runs/first"]
    options = assignments([advice[i + 1] for i, word in enumerate(advice) if word == "--with"])
    assert options == ({"cache": str(folder)} if out else {})
    before = place.stat().st_mtime_ns
    dataset = open_data("promenade", None, {"size": "tiny", "scenario": "clean", **options})
    assert place.name == f"promenade-{dataset.settings['digest']}.u8"
    assert place.stat().st_mtime_ns == before


def test_the_profile_that_trains_on_frames_of_a_size() -> None:
    from reidlib.cli.data import _profile

    assert _profile(64, 32) == ""
    assert _profile(128, 64) == " --profile fine"
    assert _profile(96, 48) == " --set profile.height=96 --set profile.width=48"
