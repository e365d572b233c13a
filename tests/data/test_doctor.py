"""The doctor on whole fake copies, on each way to break one, and on real tables if at hand."""

import json
import shutil
from pathlib import Path

import pytest

from reidlib.data import doctor, reading
from reidlib.data.doctor.images import damage
from reidlib.data.doctor.layouts import ILIDS_LICENCE
from reidlib.errors import ReidError
from tests import fake_layouts, real_metadata

NAMES = ("mars", "duke", "ilids", "prid", "lsvid")


def make(name, root):
    return getattr(fake_layouts, name)(root)


def counts(name, root):
    """The counts that the fake copy has, as if they were the published ones."""
    found = doctor.LAYOUTS[name].survey(root).subsets
    return {subset: reading.count(found[subset]) for subset in found}


def base_of(name, root):
    inner = root / doctor.LAYOUTS[name].outer
    return inner if inner.is_dir() else root


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    roots = {name: make(name, tmp_path_factory.mktemp(name)) for name in NAMES}
    return {name: counts(name, base_of(name, root)) for name, root in roots.items()}


@pytest.fixture
def look(tmp_path, expected):
    """Makes a fake copy, breaks it, and lets the doctor look at it."""

    def run(name, harm=lambda root: None, given="", **options):
        root = tmp_path / "copy"
        if not root.exists():
            make(name, root)
            harm(root)
        return doctor.diagnose(
            name, root / given, **({"progress": False, "expect": expected[name]} | options)
        )

    return run


def move(source, target):
    def harm(root):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        (root / source).rename(root / target)

    return harm


def swap(one, other):
    def harm(root):
        (root / one).rename(root / "x")
        (root / other).rename(root / one)
        (root / "x").rename(root / other)

    return harm


def obey(report):
    """Runs the move of the first problem, as a user would."""
    import subprocess

    folder, _, commands = report.problems[0].remedy.removeprefix("in ").partition(": ")
    subprocess.run(commands.partition(";")[0], shell=True, check=True, cwd=folder)


# --- whole copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_copy_has_nothing_wrong(look, name):
    report = look(name)
    assert report.problems == ()
    assert report.ok
    assert all(row.ok for row in report.counts)
    assert report.images_checked > 10
    assert "Nothing is wrong; " in str(report)


@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_told_from_the_published_set(look, name):
    report = look(name, expect=None)
    (problem,) = report.problems
    assert problem.kind == "counts"
    assert problem.number == sum(not row.ok for row in report.counts) > 1
    assert problem.number == len([r for r in report.as_dict()["counts"] if not r["ok"]])


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_json_and_text(look, name):
    report = look(name, expect=None)
    again = json.loads(json.dumps(report.as_dict()))
    assert again["ok"] is False
    assert again["name"] == name
    assert len(again["counts"]) == len(report.counts)
    assert again["problems"][0]["remedy"] in str(report)
    for row in report.counts:
        assert row.subset in str(report)


def test_the_university_is_quoted_on_duke_and_no_source_is_linked(look):
    report = look("duke", lambda root: shutil.rmtree(root / "train"))
    assert "offline in April 2019" in str(report)
    assert "http" not in str(report)


# --- missing parts --------------------------------------------------------------------------------

PARTS = [
    ("mars", "bbox_test", "bbox_test/ is missing", "project_mars"),
    ("mars", "info", "info/ lacks train_name.txt, test_name.txt, tracks", "MARS-evaluation"),
    ("mars", "info/query_IDX.mat", "info/ lacks query_IDX.mat", "MARS-evaluation"),
    ("duke", "query", "query/ is missing", "withdrew it"),
    ("ilids", "i-LIDS-VID/sequences/cam2", "sequences/cam2/ is missing", "iLIDS-VID"),
    ("ilids", "train-test people splits", "lacks train_test_splits_ilidsvid.mat", "iLIDS-VID"),
    ("prid", "prid_2011/multi_shot/cam_a", "multi_shot/cam_a/ is missing", "tugraz"),
    ("lsvid", "tracklet_val", "tracklet_val/ is missing", "pkuvmc"),
    ("lsvid", "list_sequence/list_seq_test.txt", "lacks list_seq_test.txt", "pkuvmc"),
    ("lsvid", "test/data/info_test.mat", "lacks info_test.mat", "pkuvmc"),
]


@pytest.mark.parametrize(("name", "part", "what", "source"), PARTS)
def test_a_missing_part_is_named_with_its_official_source(look, tmp_path, name, part, what, source):
    report = look(name, lambda root: (root / part).rename(tmp_path / "away"))
    problem = report.problems[0]
    assert problem.kind == "missing part"
    assert what in problem.what
    assert source in problem.remedy
    # Nothing else is said but that counts differ, which the missing part explains.
    assert {p.kind for p in report.problems[1:]} <= {"counts"}


def test_an_empty_folder_lacks_every_part(tmp_path):
    for name in NAMES:
        report = doctor.diagnose(name, tmp_path, progress=False)
        assert {p.kind for p in report.problems} == {"missing part"}
        assert all(row.found is None for row in report.counts)
        wanted = {part.places[0].rpartition("/")[0] or part for part in doctor.LAYOUTS[name].parts}
        assert len(report.problems) == len(wanted)


# --- wrong layouts, and the moves that mend them --------------------------------------------------

MOVES = [
    ("mars", move("info", "MARS-evaluation-master/info"), "not in MARS-evaluation-master/info/"),
    ("mars", move("bbox_test", "new/bbox_test"), "bbox_test/ lies in new/bbox_test/"),
    ("mars", move("bbox_train", "BBox_Train"), "bbox_train/ lies in BBox_Train/"),
    ("mars", swap("bbox_train", "bbox_test"), "bbox_train/ and bbox_test/ are swapped"),
    ("duke", swap("query", "gallery"), "gallery/ and query/ are swapped"),
    ("ilids", move("i-LIDS-VID/sequences/cam1", "cam1"), "sequences/cam1/ lies in cam1/"),
    (
        "ilids",
        swap("i-LIDS-VID/sequences/cam1", "i-LIDS-VID/sequences/cam2"),
        "sequences/cam1/ and sequences/cam2/ are swapped",
    ),
    (
        "lsvid",
        move("test/data/info_val.mat", "info_val.mat"),
        "info_val.mat should lie in test/data",
    ),
    ("lsvid", swap("tracklet_test", "tracklet_val"), "are swapped"),
]


@pytest.mark.parametrize(("name", "harm", "what"), MOVES)
def test_a_wrong_layout_is_named_and_its_move_mends_it(look, name, harm, what):
    report = look(name, harm)
    assert report.problems[0].kind == "wrong layout"
    assert what in report.problems[0].what
    for _ in range(3):  # one move a problem
        if report.ok:
            break
        obey(report)
        report = look(name)
    assert report.problems == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_one_folder_deeper_is_found_and_read_there(tmp_path, expected, name):
    make(name, tmp_path / "a" / "b")
    report = doctor.diagnose(name, tmp_path, progress=False, expect=expected[name])
    (problem,) = report.problems
    assert problem.what.startswith("the data set lies in a/b")
    assert all(row.ok for row in report.counts)
    assert report.images_checked > 10


@pytest.mark.parametrize("name", NAMES)
def test_the_outer_folder_may_be_there(tmp_path, expected, name):
    make(name, tmp_path / "x")
    inner = base_of(name, tmp_path / "x")
    inner.rename(tmp_path / doctor.LAYOUTS[name].outer)
    if (tmp_path / "x").is_dir():  # what lies beside it
        for path in (tmp_path / "x").iterdir():
            path.rename(tmp_path / path.name)
    assert doctor.diagnose(name, tmp_path, progress=False, expect=expected[name]).problems == ()


@pytest.mark.parametrize(
    ("name", "folder"),
    [("mars", "bbox_test"), ("duke", "gallery"), ("ilids", "i-LIDS-VID/sequences/cam1")],
)
def test_a_folder_nested_twice_is_unnested(look, name, folder):
    def nest(root):
        (root / folder).rename(root / "x")
        (root / folder).mkdir()
        (root / "x").rename(root / folder / Path(folder).name)

    report = look(name, nest)
    assert "holds another" in report.problems[0].what
    assert {p.kind for p in report.problems[1:]} <= {"counts"}
    obey(report)
    assert look(name).problems == ()


@pytest.mark.parametrize("keep", [True, False])
def test_archive_parts_unpacked_side_by_side_are_merged(look, keep):
    """As a drive service hands them out: bbox_test-001, bbox_test-002."""

    def spread(root):
        folder = root / "bbox_test"
        for number, person in enumerate(("0000", "0002"), 1):
            part = root / f"bbox_test-{number:03d}" / person
            part.parent.mkdir()
            (folder / person).rename(part)
        if not keep:
            for person in list(folder.iterdir()):
                person.rename(root / "bbox_test-001" / person.name)
            folder.rmdir()

    report = look("mars", spread)
    assert report.problems[0].what == (
        "bbox_test/ came in parts, unpacked side by side: bbox_test-001, bbox_test-002"
    )
    obey(report)
    for part in report.root.glob("bbox_test-*"):
        shutil.rmtree(part)
    assert look("mars").problems == ()


def test_swapped_cameras_are_told_without_the_split_file_too(look):
    def harm(root):
        shutil.rmtree(root / "train-test people splits")
        swap("i-LIDS-VID/sequences/cam1", "i-LIDS-VID/sequences/cam2")(root)

    report = look("ilids", harm)
    assert [p.kind for p in report.problems] == ["wrong layout", "missing part"]
    assert "swapped" in report.problems[0].what


def test_single_shots_cannot_stand_in(look):
    def harm(root):
        shutil.rmtree(root / "i-LIDS-VID" / "sequences")

    problem = look("ilids", harm).problems[0]
    assert problem.kind == "wrong layout"
    assert "images/ holds single shots" in problem.what


def test_packed_archives_are_named_and_not_opened(look):
    def pack(root):
        shutil.rmtree(root / "bbox_test")
        (root / "bbox_test.zip").write_bytes(b"not an archive at all")

    problem = look("mars", pack).problems[0]
    assert problem.what == "bbox_test is still packed in bbox_test.zip"


def test_a_folder_inside_the_data_set_is_told(look):
    report = look("mars", given="bbox_train")
    assert "is a folder inside the data set" in report.problems[0].what
    assert report.problems[0].remedy == f"give {report.root.parent} instead"
    assert all(row.ok for row in report.counts)


def test_people_that_lie_loose_are_told(look):
    def spill(root):
        for person in list((root / "bbox_train").iterdir()):
            person.rename(root / person.name)
        (root / "bbox_train").rmdir()

    report = look("mars", spill)
    assert report.problems[0].what == "2 folders of people lie loose, the first is 0001/"


def test_the_repackaged_mars_is_refused(tmp_path):
    for person in ("0001", "0999"):
        fake_layouts.noise(tmp_path / "train" / person / "0001C1T0001" / "1.jpg", 1)
    report = doctor.diagnose("mars", tmp_path, progress=False)
    (problem,) = report.problems
    assert problem.kind == "wrong layout"
    assert "repackaged MARS" in problem.what


def test_namesakes_are_not_taken_for_parts(look):
    """A folder of one's own features has a `train` too."""
    assert look("duke", lambda root: (root / "features" / "train").mkdir(parents=True)).ok


# --- tables ---------------------------------------------------------------------------------------


def test_a_table_that_cannot_be_read_is_told(look):
    report = look("mars", lambda root: (root / "info" / "query_IDX.mat").write_bytes(b"x" * 200))
    (problem,) = report.problems
    assert problem.kind == "tables"
    assert "query_IDX.mat is not a readable .mat file" in problem.what
    assert problem.remedy == "fetch it again"


@pytest.mark.parametrize(
    ("name", "path"), [("ilids", "train-test people splits"), ("prid", "splits_prid2011.json")]
)
def test_a_split_file_that_is_no_partition_is_told(look, name, path):
    def harm(root):
        if name == "prid":
            entries = json.loads((root / path).read_text())
            entries[4]["test"] = entries[4]["train"]
            fake_layouts.save_splits(root / path, entries)
        else:
            rows = fake_layouts.ls_set(6)
            rows[4, 0] = rows[4, 1]
            fake_layouts.save_mat(root / path / "train_test_splits_ilidsvid.mat", ls_set=rows)

    report = look(name, harm)
    assert report.problems[0].kind == "tables"
    assert "partition" in report.problems[0].what or "permutation" in report.problems[0].what
    assert all(row.ok for row in report.counts)


def test_queries_that_the_gallery_lacks_are_listed(look):
    report = look("duke", lambda root: shutil.rmtree(root / "gallery" / "0004" / "0000"))
    problem = report.problems[0]
    assert "1 queries are not in gallery/" in problem.what
    assert problem.files == ("query/0004/0000",)


def test_disagreeing_lists_are_told(look):
    def harm(root):
        path = root / "list_sequence" / "list_seq_test.txt"
        path.write_bytes(path.read_bytes().replace(b"0005/3 5", b"0005/3 6"))

    report = look("lsvid", harm)
    assert "identity 6, camera 4 by list and names" in report.problems[0].what


# --- images ---------------------------------------------------------------------------------------

MISSING = [
    ("mars", "bbox_test/0002/0002C2T0004F002.jpg", "bbox_test/0002/0002C2T0004F002.jpg"),
    ("duke", "train/0001/0001/0001_C2_F0005_X65.jpg", "train/0001/0001, frame 5"),
    (
        "ilids",
        "i-LIDS-VID/sequences/cam1/person001/cam1_person001_00099.png",
        "sequences/cam1/person001, frame 99",
    ),
    (
        "prid",
        "prid_2011/multi_shot/cam_b/person_0002/0001.png",
        "multi_shot/cam_b/person_0002, frame 1",
    ),
    ("lsvid", "tracklet_test/0005/2_1_3_0.jpg", "tracklet_test/0005/2_*: 1 of 2"),
]


@pytest.mark.parametrize(("name", "path", "told"), MISSING)
def test_a_missing_image_is_listed(look, name, path, told):
    report = look(name, lambda root: (root / path).unlink(), check_images=False)
    problem = next(p for p in report.problems if p.kind == "missing files")
    assert problem.files == (told,)
    assert problem.what == "1 image is missing"
    assert told in str(report)
    assert report.images_checked == 0


@pytest.mark.parametrize("name", NAMES)
def test_damaged_images_are_listed_by_kind(look, name):
    harmed = {}

    def harm(root):
        folder = base_of(name, root) / doctor.LAYOUTS[name].folders[-1]
        images = sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".png"))
        for path, kind in zip(images, ("truncated", "empty", "unreadable", "truncated")):
            data = path.read_bytes()
            cut = {"truncated": data[: len(data) * 2 // 3], "empty": b"", "unreadable": b"GIF?"}
            path.write_bytes(cut[kind])
            harmed.setdefault(kind, []).append(path.relative_to(base_of(name, root)).as_posix())

    report = look(name, harm)
    told = {p.what.split()[-1]: sorted(p.files) for p in report.problems}
    assert told == {kind: sorted(files) for kind, files in harmed.items()}
    assert {p.kind for p in report.problems} == {"damaged images"}
    assert look(name, check_images=False).ok


def test_images_are_found_damaged_wherever_they_are_cut(tmp_path):
    for suffix in (".jpg", ".png"):
        path = fake_layouts.noise(tmp_path / f"a{suffix}", 3)
        whole = path.read_bytes()
        assert damage(path) == ""
        for part in (0.3, 0.6, 0.9):
            path.write_bytes(whole[: int(len(whole) * part)])
            assert damage(path) in ("truncated", "unreadable")


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_do_not_change_the_report(look, monkeypatch, workers):
    monkeypatch.setattr("reidlib.data.doctor.images.CHUNK", 2)
    harm = lambda root: (root / "train/0007/0003/0007_C1_F0002_X29.jpg").write_bytes(b"")  # noqa: E731
    report = look("duke", harm, workers=workers)
    assert [p.files for p in report.problems] == [("train/0007/0003/0007_C1_F0002_X29.jpg",)]


def test_the_bar_goes_to_stderr(look, capsys):
    look("prid", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "decoding" in err


# --- bad calls ------------------------------------------------------------------------------------


def test_bad_calls_are_refused(tmp_path):
    with pytest.raises(ReidError, match="no data set 'market' to look at; there are mars"):
        doctor.diagnose("market", tmp_path)
    with pytest.raises(ReidError, match="none is not a folder; give the folder of your copy"):
        doctor.diagnose("mars", tmp_path / "none")


# --- real tables ----------------------------------------------------------------------------------


def test_real_mars_tables_without_images(tmp_path):
    report = doctor.diagnose("mars", real_metadata.mars(tmp_path), progress=False)
    assert all(row.ok for row in report.counts)
    assert len(report.counts) == 52
    assert [p.what for p in report.problems] == ["bbox_train/ is missing", "bbox_test/ is missing"]


def test_real_ilids_names(tmp_path, monkeypatch):
    root = real_metadata.ilids(tmp_path, monkeypatch)
    report = doctor.diagnose("ilids", root, check_images=False)
    assert all(row.ok for row in report.counts)
    (problem,) = report.problems
    assert "lacks train_test_splits_ilidsvid.mat" in problem.what


def test_real_prid_names(tmp_path, monkeypatch):
    report = doctor.diagnose("prid", real_metadata.prid(tmp_path, monkeypatch), check_images=False)
    assert report.problems == ()
    assert all(row.ok for row in report.counts)


# --- the page about the data sets -----------------------------------------------------------------


def test_the_page_and_the_doctor_name_the_same_sources_and_folders():
    page = (Path(__file__).parents[2] / "data" / "README.md").read_text()
    for name, layout in doctor.LAYOUTS.items():
        assert layout.title in page
        assert f"{layout.outer}/" in page
        assert name in page
        for part in layout.parts:
            assert part.source in page or "http" not in part.source
            for file in part.files:
                assert file in page
            assert all(piece in page for piece in part.places[0].removeprefix("../").split("/"))
    assert ILIDS_LICENCE in page
