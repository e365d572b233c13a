"""Runs: skipped, resumed, reported; the worker's real work once, the rest with records made up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from reidlib.checkpoints import MODEL
from reidlib.errors import ReidError, ReidWarning
from reidlib.experiments import worker
from reidlib.experiments.data import Data
from reidlib.experiments.five_papers import BASELINE, METHODS, OWN
from reidlib.experiments.jobs import Job, chosen, make_jobs
from reidlib.experiments.locks import held
from reidlib.experiments.recorded import find
from reidlib.experiments.runner import Processes, cluster, run_jobs
from reidlib.experiments.worker import Places, lock_files
from reidlib.recipes import recipes
from reidlib.records import load_records, write_record
from reidlib.training import Diverged
from tests.experiments.fake_records import fake_record, leave

FEW = {"people": {"train": 6, "test": 4, "validation": 2}, "lengths": (4, 5)}
TINY = Data(size="tiny", score_on=("street", "occlusion=0.3"), options=FEW)
HERE = ThreadPoolExecutor(1)  # an executor that needs no process


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "results", tmp_path / "runs")


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Jobs that leave records without work; counts them by name."""
    done: Counter[str] = Counter()

    def instead(job: Job, places: Places, found: object, missing: dict[str, list[str]]) -> None:
        done[str(job)] += 1
        for name in missing:
            record = fake_record(name, job.world, dict.fromkeys(job.data.scored, 0.5))
            write_record(record, places.results)

    monkeypatch.setattr(worker, "_train_and_score", instead)
    return done


def run(jobs: list[Job], places: Places, **how: object):
    return run_jobs(jobs, places, executor=HERE, progress=False, **how)


def jobs(*names: str, worlds: int = 2, data: Data | None = None) -> list[Job]:
    return make_jobs(chosen(names), "laptop", data or Data(), range(worlds))


def test_world_by_world_and_weights_with_their_owner() -> None:
    found = jobs("sinet-2", "fgra-2/shuffled", "fgra")
    assert [str(j) for j in found[:6]] == [
        *("sinet-2/base in world 0", "sinet-2/sbm in world 0", "sinet-2/idm in world 0"),
        *("sinet in world 0", "fgra in world 0", "sinet-2/base in world 1"),
    ]
    assert found[4].tests == ("fgra", "fgra-2/shuffled")


def test_tables_by_name_hold_every_recipe_of_theirs() -> None:
    tables = {r.table for r in recipes().values() if r.table}
    for name in tables:
        wanted = {r.name for r in recipes().values() if name in (r.table, *dict(r.also))}
        assert {r.name for r in chosen([name])} == wanted
    rows = {r.name for r in recipes().values() if r.table}
    assert {r.name for r in chosen(["all"])} == rows | {BASELINE}
    assert [r.name for r in chosen(["five-papers"])] == [*METHODS, *OWN.values()]
    assert {*METHODS, *OWN.values()} <= rows | {BASELINE}
    with pytest.raises(
        ReidError, match=r"no recipe 'sinet-33'.*tables: .*sinet-3, sinet-fig5.*five-papers, all"
    ):
        chosen(["sinet-33"])


def test_what_is_recorded_is_skipped(places: Places, made_up: Counter[str]) -> None:
    first = run(jobs("sinet-2"), places)
    assert len(first.done) == 8
    assert not first.recorded
    again = run(jobs("sinet-2", worlds=3), places)
    assert len(again.recorded) == 8
    assert [j.world for j in again.done] == [2] * 4
    assert set(made_up.values()) == {1}


def test_more_scenarios_are_more_work(places: Places, made_up: Counter[str]) -> None:
    run(jobs("sinet"), places)
    more = jobs("sinet", data=Data(score_on=("street", "clean")))
    assert find(more[0], places.results).missing(more[0]) == {"sinet": ["clean"]}
    assert len(run(more, places).done) == 2


def test_stale_is_named_and_repeated_or_left(places: Places, made_up: Counter[str]) -> None:
    old = {"version": "0", "commit": None, "sources": {}}
    write_record(fake_record("sinet", 1, {"street": 0.1}, code=old), places.results)
    kept = run(jobs("sinet")[1:], places, keep_stale=True)
    assert "changed" in kept.stale["sinet in world 1"]
    assert not made_up
    report = run(jobs("sinet")[1:], places)
    assert list(report.stale) == ["sinet in world 1"]
    assert made_up["sinet in world 1"] == 1
    assert not run(jobs("sinet")[1:], places).stale


def test_a_failing_run_stops_no_other(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def instead(job: Job, places: Places, *_: object) -> None:
        if job.recipe == "sinet-2/sbm":
            raise Diverged("not a finite number at step 3")
        if job.recipe == "sinet-2/idm":
            raise OSError(28, "No space left on device")
        write_record(fake_record(job.recipe, job.world, {"street": 0.5}), places.results)

    monkeypatch.setattr(worker, "_train_and_score", instead)
    report = run(jobs("sinet-2", worlds=1), places)
    assert [j.recipe for j in report.done] == ["sinet-2/base", "sinet"]
    failed = {job.recipe: why for job, why in report.failed}
    assert failed["sinet-2/sbm"] == "not a finite number at step 3"
    assert "No space left" in failed["sinet-2/idm"]


def test_what_another_program_does_is_left_to_it(places: Places, made_up: Counter[str]) -> None:
    first, second = jobs("sinet")
    with held(lock_files(first, places)[0]) as mine:
        assert mine
        report = run([first, second], places)
    assert report.claimed == [(first, str(os.getpid()))]
    assert report.done == [second]


def test_one_training_folder_has_one_runner(places: Places, made_up: Counter[str]) -> None:
    """Two programs may write records to different folders and yet train in the same."""
    first, second = jobs("sinet")
    other = replace(places, results=places.results.parent / "other")
    with held(lock_files(first, other)[1]) as mine:
        assert mine
        report = run([first, second], places)
    assert report.claimed == [(first, str(os.getpid()))]
    assert report.done == [second]
    assert not list(places.runs.iterdir())


def test_a_broken_record_is_done_again(places: Places, made_up: Counter[str]) -> None:
    run(jobs("sinet", worlds=1), places)
    (path,) = places.results.glob("*.json")
    path.write_text(path.read_text()[:100])
    with pytest.warns(UserWarning, match="set aside"):
        assert len(run(jobs("sinet", worlds=1), places).done) == 1
    assert {p.name for p in places.results.glob("*.json*")} == {path.name, f"{path.name}.broken"}


TWO = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from reidlib.experiments import worker
from reidlib.experiments.data import Data
from reidlib.experiments.jobs import chosen, make_jobs
from reidlib.experiments.runner import run_jobs
from reidlib.experiments.worker import Places
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record

folder = Path(sys.argv[1])
def instead(job, places, found, missing):
    with (folder / "done.txt").open("a") as file:
        file.write(f"{job}\\n")
    time.sleep(0.02)
    write_record(fake_record(job.recipe, job.world, {"street": 0.5}), places.results)
worker._train_and_score = instead
places = Places(folder / "results", folder / "runs")
todo = make_jobs(chosen(["sinet-2"]), "laptop", Data(), range(4))
(folder / f"ready-{sys.argv[2]}").touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.01)
report = run_jobs(todo, places, executor=ThreadPoolExecutor(1), progress=False)
assert not report.failed, report.failed
print(len(report.done), len(report.recorded), len(report.claimed))
"""


@pytest.mark.slow
def test_two_runners_on_one_folder(tmp_path: Path) -> None:
    """Every run once, every record whole, whoever comes first."""
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", TWO, str(tmp_path)]
    running = [
        subprocess.Popen([*words, str(i)], cwd=root, stdout=subprocess.PIPE, text=True)
        for i in range(2)
    ]
    counts = []
    for process in running:
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        counts.append([int(n) for n in told.split()])
    done = (tmp_path / "done.txt").read_text().splitlines()
    assert len(done) == len(set(done)) == 16
    assert sum(count[0] for count in counts) == 16
    assert [sum(count) for count in counts] == [16, 16]
    assert len(load_records(tmp_path / "results")) == 16
    assert not list((tmp_path / "results" / ".locks").iterdir())


@pytest.mark.slow
def test_processes_answer_fail_and_die_alone() -> None:
    with Processes(3) as pool:
        fine, wrong, killed = (
            pool.submit(os.getpid),
            pool.submit(json.loads, "{"),
            pool.submit(signal.raise_signal, signal.SIGKILL),
        )
        assert fine.result(60) != os.getpid()
        with pytest.raises(ReidError, match="JSONDecodeError"):
            wrong.result(60)
        with pytest.raises(ReidError, match=r"ended \(signal SIGKILL"):
            killed.result(60)


@pytest.mark.slow
def test_a_cluster_of_two_workers(
    places: Places, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same jobs, done elsewhere: two worker processes, records in the one folder."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("REIDLIB_CACHE", str(cache))
    todo = make_jobs(chosen(["baseline"]), "smoke", replace(TINY, score_on=("street",)), range(2))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as local,
        cluster(local.scheduler_address) as (executor, workers),
    ):
        assert workers == 2
        report = run_jobs(todo, places, at_once=workers, executor=executor, progress=False)
    assert not report.failed
    assert sorted(job.world for job in report.done) == [0, 1]
    assert {record.seed for record in load_records(places.results)} == {0, 1}


def test_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    wanted = pytest.raises(ReidError, match=r"pip install -e '\.\[cluster\]'")
    with wanted, cluster("tcp://localhost:1"):
        pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
def test_the_real_thing(places: Places, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train, test others' weights, record, clean up; go on, score more, and give the same again."""
    monkeypatch.setenv("REIDLIB_CACHE", str(cache))
    places = replace(places, keep=("fgra",))
    todo = make_jobs(chosen(["fgra", "fgra-2/shuffled"]), "smoke", TINY, [3])
    assert len(run(todo, places).done) == 1
    records = {r.recipe["name"]: r for r in load_records(places.results)}
    assert set(records) == {"fgra", "fgra-2/shuffled"}
    assert {r.seed for r in records.values()} == {3}
    assert {r.data["settings"]["world"] for r in records.values()} == {3}
    for record in records.values():
        assert set(record.scores) == {"street", "occlusion=0.3"}
        assert not find(todo[0], places.results).stale
    assert records["fgra-2/shuffled"].start == "the weights of fgra"
    assert records["fgra"].steps == 4
    (model,) = places.runs.rglob("*.*")  # the state and the log are gone
    assert model.name == MODEL

    # Scoring more needs no training where the model was kept.
    monkeypatch.setattr(worker, "train", lambda *_, **__: pytest.fail("trained again"))
    more = replace(todo[0], data=replace(TINY, score_on=("street", "clean")))
    assert len(run([more], places).done) == 1
    now = {r.recipe["name"]: r for r in load_records(places.results)}
    for name, record in now.items():
        assert set(record.scores) == {"street", "occlusion=0.3", "clean"}
        assert record.scores["street"] == records[name].scores["street"]
        assert record.seconds["training"] == records["fgra"].seconds["training"]
    monkeypatch.undo()

    # From scratch, elsewhere, with nothing kept.
    monkeypatch.setenv("REIDLIB_CACHE", str(cache))
    other = Places(places.results.parent / "again", places.runs.parent / "other")
    assert len(run(todo, other).done) == 1
    again = {r.recipe["name"]: r for r in load_records(other.results)}
    for name, record in again.items():
        assert record.scores == records[name].scores
    assert not list(other.runs.iterdir())


def test_a_record_of_a_newer_format_is_not_replaced(places: Places) -> None:
    leave(places.results, "baseline", 0.5)
    (job,) = make_jobs(chosen(["baseline"]), "laptop", Data(), [0])
    assert not find(job, places.results).missing(job)
    (path,) = places.results.glob("*.json")
    newer = path.read_text().replace('"format": 1', '"format": 2')
    path.write_text(newer)
    with pytest.warns(ReidWarning), pytest.raises(ReidError, match="is of a newer reidlib"):
        run([job], places)
    assert path.read_text() == newer


SPOILT = 1.0


def spoil(places: Places, name: str, **notes: str) -> None:
    """Give the street score in a recipe's record a value that no such model has."""
    for record in load_records(places.results):
        if record.recipe["name"] == name:
            scores = {**record.scores, "street": {**record.scores["street"], "map": SPOILT}}
            told = {**record.notes, **notes}
            write_record(replace(record, scores=scores, notes=told), places.results)


def street(places: Places) -> dict[str, float]:
    return {r.recipe["name"]: r.scores["street"]["map"] for r in load_records(places.results)}


@pytest.mark.slow
@pytest.mark.parametrize("there", ["nothing", "stopped", "kept"])
def test_no_record_has_scores_of_two_models(
    places: Places, cache: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """Every score is made again unless the record's own model file lies there.

    The record is made one of other weights, as another machine's would be.
    """
    monkeypatch.setenv("REIDLIB_CACHE", str(cache))
    tiny = replace(TINY, score_on=("street",))
    (job,) = make_jobs(chosen(["fgra", "fgra-2/shuffled"]), "smoke", tiny, [3])
    more = replace(job, data=replace(tiny, score_on=("clean",)))
    run([job], replace(places, keep=("fgra",) if there == "kept" else ()))
    for name in job.tests:
        spoil(places, name, weights="others")
    if there == "stopped":

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(worker, "write_record", full)
        assert run([more], places).failed
        assert list(places.runs.rglob(MODEL))
        monkeypatch.setattr(worker, "write_record", write_record)
    assert len(run([more], places).done) == 1
    assert all(value < SPOILT for value in street(places).values())
    assert all(set(r.scores) == {"street", "clean"} for r in load_records(places.results))


@pytest.mark.slow
def test_a_kept_model_keeps_the_scores_that_are_its_own(
    places: Places, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of its record stay; those of another training's weights are made again."""
    monkeypatch.setenv("REIDLIB_CACHE", str(cache))
    places = replace(places, keep=("fgra",))
    tiny = replace(TINY, score_on=("street",))
    (both,) = make_jobs(chosen(["fgra", "fgra-2/shuffled"]), "smoke", tiny, [3])
    run([both], replace(places, keep=()))
    (alone,) = make_jobs(chosen(["fgra"]), "smoke", replace(tiny, score_on=("clean",)), [3])
    spoil(places, "fgra-2/shuffled")
    run([alone], places)  # another training; what borrows its weights is scored with it
    assert street(places)["fgra-2/shuffled"] < SPOILT
    scenes = {r.recipe["name"]: set(r.scores) for r in load_records(places.results)}
    assert scenes == {"fgra": {"street", "clean"}, "fgra-2/shuffled": {"street"}}, "as asked"
    spoil(places, "fgra")
    spoil(places, "fgra-2/shuffled", weights="those of a third training")
    monkeypatch.setattr(worker, "train", lambda *_, **__: pytest.fail("trained again"))
    run([replace(both, data=replace(tiny, score_on=("occlusion=0.3",)))], places)
    found = street(places)
    assert found["fgra"] == SPOILT
    assert found["fgra-2/shuffled"] < SPOILT
