"""What a copy of each data set consists of, who gives it out, and how its tables are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reidlib.data import duke, ilids, lsvid, mars, pairs, prid, reading
from reidlib.data.doctor.report import Problem
from reidlib.data.tracklets import Tracklet
from reidlib.errors import ReidError

MARS_PAGE = "https://zheng-lab-anu.github.io/Project/project_mars.html"
MARS_TABLES = "https://github.com/liangzheng06/MARS-evaluation"
ILIDS_PAGE = "https://xiatian-zhu.github.io/downloads_qmul_iLIDS-VID_ReID_dataset.html"
ILIDS_LICENCE = "https://www.gov.uk/imagery-library-for-intelligent-detection-systems"
PRID_PAGE = "https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/prid11/"
LSVID_PAGE = "https://www.pkuvmc.com/dataset.html"


@dataclass(frozen=True)
class Part:
    """A folder of images, or files in one of several folders."""

    places: tuple[str, ...]  # relative to the base; any of them will do
    source: str  # where it is officially requested
    files: tuple[str, ...] = ()  # none: the folder itself is the part

    def wanted(self) -> list[tuple[str, ...]]:
        """For each thing that should be there, the paths it may have."""
        if not self.files:
            return [self.places]
        return [tuple(f"{place}/{file}" for place in self.places) for file in self.files]


@dataclass(frozen=True)
class Found:
    """What the tables and listings of a copy say."""

    subsets: reading.Subsets
    missing: Sequence[str] = ()  # files that are promised, or frames that must have been there
    problems: Sequence[Problem] = ()


@dataclass(frozen=True)
class Layout:
    title: str
    outer: str  # the folder that the archive unpacks to
    parts: tuple[Part, ...]
    expected: reading.Expected
    survey: Callable[[Path], Found]
    decoys: tuple[str, ...] = ()  # sibling folders of single shots, never read
    crowds: tuple[str, ...] = ()  # folders, the one with most people first
    foreign: tuple[tuple[str, str, str], ...] = ()  # in this folder, what belongs in that one
    notes: tuple[str, ...] = ()
    refuse: Callable[[Path], None] = lambda root: None  # raises over another data set altogether

    @property
    def folders(self) -> list[str]:
        """The folders of images."""
        return [part.places[0] for part in self.parts if not part.files]


def _mars(base: Path) -> Found:
    tables = mars.read_tables(base)
    missing, there = [], {}
    for tracklet in (*tables.train, *tables.test):
        for folder, _, name in (frame.rpartition("/") for frame in tracklet.frames):
            if folder not in there:
                exists = (base / folder).is_dir()
                there[folder] = set(reading.list_images(base / folder)) if exists else set()
            if name not in there[folder]:
                missing.append(f"{folder}/{name}")
    return Found(tables.subsets(), missing)


def _duke(base: Path) -> Found:
    subsets = duke.survey(base, strict=False)
    held = {t.row for t in subsets["gallery"]}
    lone = tuple(t.frames[0].rpartition("/")[0] for t in subsets["query"] if t.row not in held)
    problem = Problem(
        "tables",
        f"{len(lone)} queries are not in gallery/, which should hold all of them",
        "unpack query/ and gallery/ from one archive",
        "query",
        len(lone),
        lone,
    )
    whole = all(row.ok for row in reading.compare(subsets, duke.EXPECTED))
    every = () if whole else (*subsets["train"], *subsets["gallery"])  # holes may be published
    holes = reading.missing_frames(every, duke.frame_number)
    return Found(subsets, _names(holes), (problem,) if lone else ())


def _ilids(base: Path) -> Found:
    subsets = ilids.survey(base, strict=False)
    holes = reading.missing_frames(subsets["both"], ilids.frame_number)
    file, people = ilids.find_split_file(base), pairs.in_both(subsets["both"])
    wrong = _wrong_splits(lambda: ilids.choose_splits(people, file), file)
    return Found(subsets, _names(holes), wrong)


def _prid(base: Path) -> Found:
    subsets = prid.survey(base, strict=False)
    holes = reading.missing_frames(subsets["both"], prid.frame_number, first=1)
    people = pairs.in_both([t for t in subsets["both"] if t.raw_pid in prid.PROTOCOLS[178]])
    file = prid.find_split_file(base)
    wrong = _wrong_splits(lambda: prid.choose_splits(people, file), file)
    return Found(subsets, _names(holes), wrong)


def _lsvid(base: Path) -> Found:
    parts, missing, problems = {}, [], []
    for name in ("train", "val", "test"):
        try:
            part = lsvid.read_part(base, name)
        except lsvid.Missing:
            continue  # a part of the layout, told as such
        except ReidError as error:
            problems.append(Problem.of(error))
            continue
        parts[name] = part
        missing += [
            f"{prefix}_*: {found} of {promised}"
            for prefix, promised, found in part.short
            if found < promised
        ]
        for problem in part.odd[:1]:
            remedy = f"take list_seq_{name}.txt and info_{name}.mat from one copy"
            problems.append(Problem("tables", problem, remedy, "", len(part.odd), part.odd))
    return Found(lsvid.subsets(parts), missing, problems)


def _names(holes: Sequence[tuple[Tracklet, list[int]]]) -> list[str]:
    return [
        f"{tracklet.frames[0].rpartition('/')[0]}, frame {number}"
        for tracklet, numbers in holes
        for number in numbers
    ]


def _wrong_splits(read: Callable[[], object], file: Path | None) -> tuple[Problem, ...]:
    try:
        if file is not None:
            read()
    except ReidError as error:
        return (Problem.of(error, file.name if file else ""),)
    return ()


LAYOUTS = {
    "mars": Layout(
        "MARS",
        "MARS",
        (
            Part(("bbox_train",), MARS_PAGE),
            Part(("bbox_test",), MARS_PAGE),
            Part(
                ("info",),
                MARS_TABLES,
                (
                    "train_name.txt",
                    "test_name.txt",
                    "tracks_train_info.mat",
                    "tracks_test_info.mat",
                    "query_IDX.mat",
                ),
            ),
        ),
        mars.EXPECTED,
        _mars,
        foreign=(("bbox_train", "0000", "bbox_test"), ("bbox_train", "00-1", "bbox_test")),
        refuse=mars.refuse_repackaged,
    ),
    "duke": Layout(
        "DukeMTMC-VideoReID",
        "DukeMTMC-VideoReID",
        tuple(
            Part((name,), "nobody: the university withdrew it, and copies are not linked here")
            for name in ("train", "query", "gallery")
        ),
        duke.EXPECTED,
        _duke,
        crowds=("gallery", "query"),
        notes=(duke.STATUS,),
    ),
    "ilids": Layout(
        "iLIDS-VID",
        "i-LIDS-VID",
        (
            Part(("sequences/cam1",), ILIDS_PAGE),
            Part(("sequences/cam2",), ILIDS_PAGE),
            Part(("../train-test people splits", "train-test people splits"), ILIDS_PAGE,
                 ("train_test_splits_ilidsvid.mat",)),
        ),
        ilids.EXPECTED,
        _ilids,
        decoys=("images",),
        foreign=(("sequences/cam1", "*/cam2_*", "sequences/cam2"),),
        notes=(f"the footage is the UK Home Office's and needs its own licence, {ILIDS_LICENCE}",),
    ),
    "prid": Layout(
        "PRID-2011",
        "prid_2011",
        (Part(("multi_shot/cam_a",), PRID_PAGE), Part(("multi_shot/cam_b",), PRID_PAGE)),
        prid.EXPECTED,
        _prid,
        decoys=("single_shot",),
        crowds=("multi_shot/cam_b", "multi_shot/cam_a"),
        notes=("two sets of ten splits are in circulation; a result says which file it used",),
    ),
    "lsvid": Layout(
        "LS-VID",
        "LS-VID",
        (
            *(Part((f"tracklet_{name}",), LSVID_PAGE) for name in ("train", "val", "test")),
            Part(
                lsvid.LIST_PLACES,
                LSVID_PAGE,
                tuple(f"list_seq_{name}.txt" for name in ("train", "val", "test")),
            ),
            Part(lsvid.TABLE_PLACES, LSVID_PAGE, ("info_val.mat", "info_test.mat")),
        ),
        lsvid.EXPECTED,
        _lsvid,
        crowds=("tracklet_test", "tracklet_train", "tracklet_val"),
        notes=("the authors give it out against a signed release agreement",),
    ),
}  # fmt: skip
