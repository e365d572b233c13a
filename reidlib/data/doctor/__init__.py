"""`reid doctor`: is my copy of a data set complete, in its place, and readable?

It never changes a copy and opens no archive; it names the move that mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from reidlib.data import reading
from reidlib.data.doctor.images import damaged, images_below
from reidlib.data.doctor.layouts import LAYOUTS, Found, Layout
from reidlib.data.doctor.misplaced import examine
from reidlib.data.doctor.report import Problem, Report
from reidlib.errors import ReidError

__all__ = ["LAYOUTS", "Problem", "Report", "diagnose"]


def diagnose(
    name: str,
    root: str | Path,
    *,
    check_images: bool = True,
    check_counts: bool = True,
    workers: int | None = None,
    progress: bool = True,
    expect: reading.Expected | None = None,
) -> Report:
    """Look at a copy of "mars", "duke", "ilids", "prid" or "lsvid".

    check_images: decode every image to its end, in `workers` threads (default: one a core).
    check_counts: hold the counts against the published ones; False for sets of one's own in the
        same layout, Promenade for instance.
    progress: show a bar on stderr meanwhile.
    expect: other counts than the published ones.
    Raises:
        ReidError: an unknown data set, a root that is no folder, a folder that may not be read.
    """
    if name not in LAYOUTS:
        raise ReidError(f"no data set {name!r} to look at; there are {', '.join(LAYOUTS)}")
    layout, root = LAYOUTS[name], reading.need_folder(Path(root), "give the folder of your copy")
    root = root.resolve()
    try:
        base, found, problems = _look(layout, root)
        wanted = layout.expected if expect is None else expect
        rows, wrong = _counts(wanted, found, whole=not problems)
        problems += _missing(found, problems)
        checked: list[str] = []
        if check_images:
            folders = [folder for folder in layout.folders if (base / folder).is_dir()]
            checked = images_below(base, folders)
            problems += _damaged(damaged(base, checked, workers=workers, progress=progress))
        if check_counts:
            problems += wrong  # last: they mostly follow from the rest
        else:
            rows = tuple(replace(row, expected=row.found) for row in rows)
    except OSError as error:
        raise ReidError(
            f"{error.filename} cannot be read ({error.strerror}); mend its permissions"
        ) from error
    return Report(name, layout.title, root, rows, tuple(problems), layout.notes, len(checked))


def _look(layout: Layout, root: Path) -> tuple[Path, Found | None, list[Problem]]:
    """The base of the copy, its tables, and what is wrong with either."""
    try:
        layout.refuse(root)
    except ReidError as error:
        return root, None, [replace(Problem.of(error), kind="wrong layout")]
    base, problems = examine(layout, root)
    found, refused = _survey(layout, base)
    return base, found, problems + [p for p in refused if not _follows(p, problems, base)]


def _survey(layout: Layout, base: Path) -> tuple[Found | None, Sequence[Problem]]:
    """What the tables say, unless they cannot be read."""
    try:
        found = layout.survey(base)
    except ReidError as error:
        return None, [Problem.of(error)]
    except FileNotFoundError as error:
        return None, [Problem("tables", f"{error.filename} is missing", "fetch it again")]
    return found, found.problems


def _follows(problem: Problem, earlier: Sequence[Problem], base: Path) -> bool:
    """Whether a refusal only comes of a part that is not in its place."""
    if any(p.kind == "wrong layout" for p in earlier):
        return True
    said = problem.what.replace(str(base), "")
    return any(p.where and p.where.removeprefix("../").split("/")[0] in said for p in earlier)


def _counts(
    expected: reading.Expected, found: Found | None, whole: bool
) -> tuple[tuple[reading.Row, ...], list[Problem]]:
    rows = tuple(reading.compare(found.subsets if found else {}, expected))
    if found is None or not found.subsets:
        return tuple(replace(row, found=None) for row in rows), []
    wrong = [row for row in rows if not row.ok]
    if not wrong:
        return rows, []
    what = f"{len(wrong)} of {len(rows)} counts are not the published ones; {wrong[0]}"
    table = (
        "the table shows which part to unpack or fetch again (--no-counts for a set of your own)"
    )
    remedy = table if whole else f"mend the rest first; then {table}"
    return rows, [Problem("counts", what, remedy, number=len(wrong))]


def _missing(found: Found | None, problems: Sequence[Problem]) -> list[Problem]:
    """Files that are promised and not there, but for those of parts that are told already."""
    told = tuple(f"{place}/" for p in problems for place in (p.where, *p.files) if place)
    names = [name for name in (found.missing if found else ()) if not name.startswith(told)]
    if not names:
        return []
    what = f"{len(names):,} {'images are' if len(names) > 1 else 'image is'} missing"
    remedy = "unpack the archive again and compare the sizes of the archives"
    return [Problem("missing files", what, remedy, names[0], len(names), tuple(names))]


def _damaged(found: Iterable[tuple[str, str]]) -> list[Problem]:
    kinds: dict[str, list[str]] = {}
    for name, kind in found:
        kinds.setdefault(kind, []).append(name)
    remedy = "replace them by the originals out of the archive"
    problems = []
    for kind, names in sorted(kinds.items()):
        what = f"{len(names):,} {'images are' if len(names) > 1 else 'image is'} {kind}"
        problems.append(Problem("damaged images", what, remedy, names[0], len(names), tuple(names)))
    return problems
