import json
import multiprocessing
import warnings
from dataclasses import asdict, replace

import pytest

from reidlib import records, sources
from reidlib.errors import ReidError, ReidWarning
from reidlib.recipes import profile, recipe
from reidlib.records import Record, load_records, make_record, read_record, write_record
from reidlib.training import train
from tests.fake_clips import fake_dataset

SMOKE = replace(profile("smoke"), steps=2)
SCORES = {"street": {"map": 0.5, "rank-1": 0.75, "counted": 3, "total": 4}}


@pytest.fixture(scope="module")
def trained():
    dataset = fake_dataset(size=(16, 8))
    return train(recipe("baseline"), SMOKE, dataset, seed=4, device="cpu", progress=False)


@pytest.fixture
def record(trained, monkeypatch):
    monkeypatch.setitem(records.PROFILES, "smoke", SMOKE)
    return make_record(trained, SCORES, seconds={"scoring": 1.5}, notes={"world": 2})


def test_a_record_repeats_what_shaped_the_run(record, trained):
    assert record.recipe["name"] == "baseline"
    assert record.recipe["losses"][1]["kind"] == "batch_hard_triplet"
    assert record.profile["steps"] == record.steps == 2
    assert record.plan["size"] == [64, 32]
    assert record.seed == 4
    assert record.data["name"] == "fake"
    assert record.data["settings"] == {"identities": 6}
    assert record.scores == SCORES
    assert record.parameters == trained.parameters
    assert set(record.seconds) == {"training", "scoring"}
    assert {"loss", "batch_hard_triplet.active", "waiting"} <= set(record.readings)
    assert record.machine["cpus"] >= 1
    assert record.machine["processor"] == records.processor()
    assert {
        "training.py",
        "models/baseline.py",
        "losses/triplet.py",
        "evaluation/scoring.py",
    } <= set(record.code["sources"])
    assert record.stale == ""


def test_the_processor_is_told_by_name(monkeypatch):
    text = "processor\t: 0\nmodel name\t: Slow CPU @ 1 Hz\n\nmodel name\t: other\n"
    monkeypatch.setattr(records.Path, "read_text", lambda *_, **__: text)
    assert records.processor() == "Slow CPU @ 1 Hz"

    def gone(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(records.Path, "read_text", gone)
    monkeypatch.setattr(records.platform, "processor", lambda: "arm")
    assert records.processor() == "arm"


def test_records_of_no_named_processor_are_read(record, tmp_path):
    old = {k: v for k, v in record.machine.items() if k != "processor"}
    path = write_record(replace(record, machine=old), tmp_path)
    assert read_record(path).machine == old


def test_it_is_the_same_after_the_file(record, tmp_path):
    path = write_record(record, tmp_path)
    assert read_record(path) == record
    assert load_records(tmp_path) == [record]
    assert [p.name for p in tmp_path.iterdir()] == [record.name]


def test_no_names_and_no_paths(record, tmp_path):
    import getpass
    import socket

    text = write_record(record, tmp_path).read_text()
    assert str(tmp_path) not in text
    assert str(records.ROOT) not in text
    assert f'"{socket.gethostname()}"' not in text
    assert f'"{getpass.getuser()}"' not in text


def test_one_file_a_run(record, tmp_path):
    """The same run again replaces its record; another seed or data set stands beside it."""
    others = [
        replace(record, seed=5),
        replace(record, data={**record.data, "settings": {"identities": 7}}),
        replace(record, recipe={**record.recipe, "name": "trsa-1/sam"}),
    ]
    for one in [record, *others, replace(record, steps=3)]:
        write_record(one, tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 4
    assert {r.steps for r in load_records(tmp_path) if r.name == record.name} == {3}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("recipe", {"name": "gone"}, "no recipe gone any more"),
        ("recipe", {"clip_length": 99}, "the recipe has changed"),
        ("profile", {"steps": 99}, "the profile has changed"),
        ("plan", {"frames": 99}, "put together otherwise"),
        ("data", {"name": "promenade", "version": "0"}, "the data are at version"),
        ("code", {"sources": {"training.py": "0"}}, "training.py"),
        ("code", {"sources": {"lost.py": "0"}}, "lost.py"),
    ],
)
def test_a_stale_record_says_why(record, field, value, reason):
    old = replace(record, **{field: {**getattr(record, field), **value}})
    assert reason in old.stale


@pytest.mark.parametrize(
    "content", ["", '{"format": 1, "seed": 3', "[]", '"text"', '{"format": 1}', '{"format": 0}']
)
def test_a_broken_file_is_set_aside_and_told(record, tmp_path, content):
    write_record(record, tmp_path)
    (tmp_path / "bad.json").write_text(content)
    with pytest.warns(UserWarning, match=r"bad\.json is not a run record .* set aside"):
        assert load_records(tmp_path) == [record]
    assert (tmp_path / "bad.json.broken").read_text() == content
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_records(tmp_path) == [record]
    with pytest.raises(ReidError, match="not a run record"):
        read_record(tmp_path / "bad.json.broken")


SHAPES = {
    "profile": None,
    "recipe": {},
    "recipe ": [],
    "code": {},
    "plan": {},
    "data": {"name": "promenade", "version": "1"},
    "scores": {"street": {}},
    "scores ": {"street": {"map": None, "rank-1": 0.5}},
    "scores  ": {"street": {"map": float("nan"), "rank-1": 0.5}},
    "scores   ": {"street": {"map": 0.5}},
    "scores    ": {"street": None},
    "scores     ": {"street": {"map": 61.2, "rank-1": 0.5}},
    "scores      ": {"street": {"map": 0.5, "rank-1": -0.1}},
    "seed": "x",
    "seed ": True,
    "seconds": {},
}


@pytest.mark.parametrize("field", SHAPES)
def test_a_record_of_another_shape_is_set_aside_and_told(record, tmp_path, field):
    """Each of these is JSON with a record's fields, and would end in a traceback further on."""
    write_record(record, tmp_path)
    bad = {**asdict(record), field.strip(): SHAPES[field]}
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    with pytest.warns(ReidWarning, match=rf"not a run record \(.*{field.strip()}.*\); repeat .*"):
        assert load_records(tmp_path) == [record]
    assert (tmp_path / "bad.json.broken").exists()


def test_a_record_of_a_newer_format_stays_where_it_is(record, tmp_path):
    write_record(record, tmp_path)
    (tmp_path / "new.json").write_text('{"format": 2}')
    with pytest.warns(ReidWarning, match=r"new\.json is of a newer reidlib.* is left out"):
        assert load_records(tmp_path) == [record]
    assert (tmp_path / "new.json").exists()


@pytest.mark.parametrize("how", ["read_text", "stat"])
def test_a_record_that_cannot_be_read_stays_where_it_is(record, tmp_path, monkeypatch, how):
    path = write_record(record, tmp_path)
    known = getattr(records.Path, how)

    def exhausted(place, **more):
        if place == path:
            raise OSError(24, "Too many open files")
        return known(place, **more)

    monkeypatch.setattr(records.Path, how, exhausted)
    with pytest.warns(ReidWarning, match=r"cannot be read \(too many open files\); it is left out"):
        assert load_records(tmp_path) == []
    monkeypatch.undo()
    assert load_records(tmp_path) == [record]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_is_written_again_meanwhile_is_not_set_aside(record, tmp_path, monkeypatch):
    path = tmp_path / record.name
    path.write_text("{")

    def slow(place):
        monkeypatch.undo()
        with pytest.raises(ReidError) as broken:
            read_record(place)
        write_record(record, tmp_path)  # a runner mends it between reading and renaming
        raise broken.value

    monkeypatch.setattr(records, "read_record", slow)
    with pytest.warns(ReidWarning, match="written again since, and is left out this time"):
        assert load_records(tmp_path) == []
    assert load_records(tmp_path) == [record]


def test_records_of_one_recipe_alone(record, tmp_path):
    write_record(record, tmp_path)
    other = replace(record, recipe={**record.recipe, "name": f"{record.recipe['name']}-2/x"})
    write_record(other, tmp_path)
    assert load_records(tmp_path, record.recipe["name"]) == [record]
    assert [r.name for r in load_records(tmp_path, other.recipe["name"])] == [other.name]


@pytest.mark.parametrize("content", ["[]", '"text"', "null", "{}"])
def test_other_json_is_told_as_what_it_is(tmp_path, content):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(ReidError, match=r"not a run record \(it has no format\); repeat the run"):
        read_record(tmp_path / "bad.json")


def test_a_folder_with_a_records_name(record, tmp_path):
    write_record(record, tmp_path)
    (tmp_path / "bad.json").mkdir()
    with pytest.raises(ReidError, match=r"bad\.json is not a run record \(is a directory\)"):
        read_record(tmp_path / "bad.json")
    with pytest.warns(ReidWarning, match="set aside"):
        assert load_records(tmp_path) == [record]


def test_where_nothing_can_be_renamed_it_is_told_and_left_out(record, tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    write_record(record, tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    monkeypatch.setattr(records.Path, "rename", refused)
    with pytest.warns(ReidWarning, match="left out, and stays where it is: permission denied"):
        assert load_records(tmp_path) == [record]


def test_all_records_that_come_with_the_project_are_read():
    folder = records.ROOT / "data" / "results"
    for path in (*folder.glob("*.json"), *folder.glob("promenade/**/*.json")):
        read_record(path)


def write_many(values, folder, seeds):
    for seed in seeds:
        write_record(replace(Record(**values), seed=seed), folder)


def test_two_processes_write_at_once(record, tmp_path):
    """Own records and shared ones: none lost, none doubled, none torn."""
    context = multiprocessing.get_context("fork")
    jobs = [
        context.Process(target=write_many, args=(asdict(record), tmp_path, seeds))
        for seeds in (range(20), range(10, 30))
    ]
    for job in jobs:
        job.start()
    while any(job.is_alive() for job in jobs):
        load_records(tmp_path)  # a reader meets whole files only
    assert [job.exitcode for job in jobs] == [0, 0]
    assert sorted(r.seed for r in load_records(tmp_path)) == list(range(30))
    assert len(list(tmp_path.iterdir())) == 30


def test_a_score_that_is_no_number_is_refused(record, tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_record(replace(record, scores={"street": {"map": float("nan")}}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_words_do_not_make_a_record_stale():
    code = '''
"""A module."""
import os  # for the system


class A:
    """A class."""

    x = "# no comment"

    def f(self):
        """Says

        nothing."""
        return 1 # one


def g():
    """Alone."""
'''
    same = (
        'import os\nclass A:\n    x = "# no comment"\n    def f(self):\n        return 1\n'
        'def g():\n    """Alone."""'
    )
    assert sources.bare(code) == same
    assert sources.bare(same) == same
    assert sources.bare(code.replace("return 1", "return 2")) != same


def test_a_recipe_hangs_on_its_own_files_only():
    plain = sources.sources(recipe("baseline"))
    assert set(sources.sources(recipe("baseline"), sources.TRAINING)) < set(plain)
    for path in ("logbook.py", "records.py", "recipes/sinet.py", "models/sinet.py"):
        assert path not in plain
    assert "models/senet.py" not in plain
    assert "models/sinet.py" in sources.sources(replace(recipe("baseline"), model="sinet"))
    se = replace(recipe("baseline"), backbone={"se": True})
    assert "models/senet.py" in sources.sources(se)
