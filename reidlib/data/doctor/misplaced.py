"""Finds the parts of a copy: in place, elsewhere, doubled, exchanged, still packed, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from shlex import quote

from reidlib.data import reading
from reidlib.data.doctor.layouts import Layout, Part
from reidlib.data.doctor.report import Problem

DEPTH, CROWD = 6, 60  # a folder with more subfolders than CROWD holds people: nothing to find there
PACKED = (".zip", ".tar", ".tgz", ".gz", ".rar", ".7z")
PERSON = re.compile(r"\d{4}|00-1|person_?\d+")
NUMBERED = r"(?:[ _-]+(?:part[ _-]*)?\d+|\s*\(\d+\))?"  # bbox_test-001, "bbox_test (2)"


def examine(layout: Layout, root: Path) -> tuple[Path, list[Problem]]:
    """The folder where most parts are in place, and what is wrong with the layout."""
    outer = root / layout.outer
    places = (outer, root) if outer.is_dir() else (root,)
    base = max(places, key=lambda place: in_place(layout, place))
    search = Search(layout, root, base, _walk(root))
    if not in_place(layout, base):
        names = {Path(place).name for part in layout.parts for place in part.places}
        if root.name in names and in_place(layout, root.parent):
            remedy = f"give {quote(str(root.parent))} instead"
            return root.parent, [_wrong(f"{root} is a folder inside the data set", remedy)]
        deeper = search.everything()
        if deeper is not None:
            inner = deeper.relative_to(root).as_posix()
            move = search.command(f"mv {quote(inner)}/* .")
            remedy = f"give {quote(str(deeper))} instead, or {move}"
            problems = Search(layout, root, deeper, search.seen).problems()
            return deeper, [_wrong(f"the data set lies in {inner}/", remedy), *problems]
    return base, search.problems()


def in_place(layout: Layout, base: Path) -> int:
    """How many of the folders and files that should be there are there."""
    return sum(any((base / path).exists() for path in paths) for paths in _wanted(layout))


def _wanted(layout: Layout) -> list[tuple[str, ...]]:
    return [paths for part in layout.parts for paths in part.wanted()]


def _walk(root: Path) -> list[str]:
    """Folders, and files that are no images, down to the folders of people; nearest first."""
    seen, level = [], [""]
    for _ in range(DEPTH):
        inner = []
        for folder in level:
            entries = sorted((root / folder).iterdir())
            folders = [p for p in entries if p.is_dir() and not PERSON.fullmatch(p.name)]
            files = [p for p in entries if p.is_file() and p.suffix.lower() not in reading.IMAGES]
            seen += [p.relative_to(root).as_posix() for p in files]
            if len(folders) <= CROWD:
                inner += [p.relative_to(root).as_posix() for p in folders]
        seen += inner
        level = inner
    return seen


def _falling(people: Mapping[str, int]) -> bool:
    return all(more >= fewer for more, fewer in pairwise(people.values()))


def _wrong(what: str, remedy: str, where: str = "", number: int = 1) -> Problem:
    return Problem("wrong layout", what, remedy, where, number)


@dataclass(frozen=True)
class Search:
    """Looks for the parts of `layout` below `root`; they should lie in `base`."""

    layout: Layout
    root: Path
    base: Path
    seen: list[str]  # what lies below root

    def problems(self) -> list[Problem]:
        """One for each thing to do, images first."""
        found = self.loose()
        for part in self.layout.parts:
            found += [] if part.files else self.folder(part)
        found = found or self.exchanged()
        for part in self.layout.parts:
            found += self.files(part) if part.files else []
        return list(dict.fromkeys(found))

    def everything(self) -> Path | None:
        """The one folder that holds all that can be found."""
        folders = [self.root / path for path in self.seen if (self.root / path).is_dir()]
        best = max(folders, key=lambda folder: in_place(self.layout, folder), default=self.root)
        anywhere = sum(bool(self.find(paths)) for paths in _wanted(self.layout))
        return best if 0 < in_place(self.layout, best) == anywhere else None

    def find(self, paths: Iterable[str]) -> list[str]:
        """Where a part lies, seen from root: by its whole path, else by its last name."""
        paths = [path.removeprefix("../") for path in paths]
        usable = [s for s in self.seen if not set(s.split("/")) & set(self.layout.decoys)]
        for tails in (paths, [path.rpartition("/")[2] for path in paths]):
            pattern = "|".join(re.escape(tail) + NUMBERED for tail in tails)
            match = re.compile(rf"(?:.*/)?(?:{pattern})", re.IGNORECASE).fullmatch
            found = [s for s in usable if match(s)]
            if found:
                return found
        return []

    def place(self, path: str) -> str:
        """A path in the base, as seen from root."""
        right = self.base / path.removeprefix("../")
        return right.relative_to(self.root).as_posix()

    def command(self, *steps: str) -> str:
        return f"in {quote(str(self.root))}: {' && '.join(steps)}"

    def folder(self, part: Part) -> list[Problem]:
        """A folder of images, and its doubles."""
        name, right = part.places[0], self.place(part.places[0])
        others = [path for path in self.find(part.places) if path != right]
        inside = f"{right}/{Path(right).name}"
        q, aside = quote(right), quote(f"{right}.inner")
        if (self.root / inside).is_dir():
            moves = [f"mv {quote(inside)} {aside}", f"rmdir {q}", f"mv {aside} {q}"]
            what = f"{name}/ holds another {Path(right).name}/"
            return [_wrong(what, self.command(*moves), name)]
        there = (self.root / right).is_dir()
        if there:  # a namesake is no double, unless its path counts parts
            others = [path for path in others if re.search(r"\d", path.replace(name, ""))]
        if (there and others) or len(others) > 1:
            copies = [f"cp -rn {quote(path)}/. {q}/" for path in others]
            what = f"{name}/ came in parts, unpacked side by side: {', '.join(others)}"
            remedy = self.command(f"mkdir -p {q}", *copies) + "; then delete those parts"
            return [_wrong(what, remedy, name, len(others))]
        if others:
            parent = quote(str(Path(right).parent))
            moves = [f"mkdir -p {parent}", f"mv {quote(others[0])} {q}"]
            return [_wrong(f"{name}/ lies in {others[0]}/", self.command(*moves), name)]
        return [] if there else [self.absent(part, [name])]

    def files(self, part: Part) -> list[Problem]:
        """Files of one folder: those that lie elsewhere together, and those that are nowhere."""
        strayed: dict[str, list[str]] = {}
        lost = []
        for file, paths in zip(part.files, part.wanted(), strict=True):
            if not any((self.base / path).is_file() for path in paths):
                folder, slash, name = (self.find(paths) or [""])[0].rpartition("/")
                if name:
                    strayed.setdefault(folder + slash, []).append(name)
                else:
                    lost.append(file)
        right = self.place(part.places[0])
        problems = [self.absent(part, lost)] if lost else []
        for folder, names in strayed.items():
            files = " ".join(quote(folder + name) for name in names)
            moves = f"mkdir -p {quote(right)}", f"mv {files} {quote(right)}/"
            what = f"{', '.join(names)} should lie in {right}/, not in {folder or '.'}"
            problems.append(_wrong(what, self.command(*moves), part.places[0], len(names)))
        return problems

    def absent(self, part: Part, names: list[str]) -> Problem:
        """What is nowhere, if it is not still packed, or mistaken for its single shots."""
        place = part.places[0].removeprefix("../")
        top = place.split("/")[0]
        if not part.files and not (self.base / top).is_dir():
            place, names = top, [top]
        known = {Path(name).stem.lower() for name in (*names, top, self.layout.outer)}
        for path in self.seen:
            packed = path.rpartition("/")[2].lower()
            if packed.endswith(PACKED) and packed.startswith(tuple(known)):
                return _wrong(f"{names[0]} is still packed in {path}", f"unpack {path}", place)
        source = f"it is requested from {part.source}"
        for decoy in self.layout.decoys:
            if names == [top] and (self.base / decoy).is_dir():
                what = f"{place}/ is missing; {decoy}/ holds single shots and cannot stand in"
                return _wrong(what, f"unpack {place}/ from the same archive; {source}", place)
        what = f"{place}/ lacks {', '.join(names)}" if part.files else f"{place}/ is missing"
        return Problem("missing part", what, source, place, len(names))

    def exchanged(self) -> list[Problem]:
        """Two folders that stand in each other's place."""
        found = []
        for folder, pattern, other in self.layout.foreign:
            here, there = (any((self.base / f).glob(pattern)) for f in (folder, other))
            if here and not there:
                found.append((folder, other))
        people = {f: len(reading.list_folders(self.base / f)) for f in self.layout.crowds}
        for a, b in combinations(people, 2) if not _falling(people) else ():
            if _falling({**people, a: people[b], b: people[a]}):
                found.append((a, b))
        problems = []
        for one, other in dict.fromkeys(found):
            a, b = quote(self.place(one)), quote(self.place(other))
            remedy = self.command(f"mv {a} {a}.aside", f"mv {b} {a}", f"mv {a}.aside {b}")
            what = f"{one}/ and {other}/ are swapped"
            problems.append(Problem("wrong layout", what, remedy, one, 2, (one, other)))
        return problems

    def loose(self) -> list[Problem]:
        """Folders of people where the folders that should hold them are expected."""
        people = [name for name in reading.list_folders(self.root) if PERSON.fullmatch(name)]
        if not people or all((self.base / folder).is_dir() for folder in self.layout.folders):
            return []
        folders = ", ".join(f"{self.place(folder)}/" for folder in self.layout.folders)
        what = f"{len(people)} folders of people lie loose, the first is {people[0]}/"
        remedy = f"unpack each archive into its own folder: {folders}"
        return [_wrong(what, remedy, "", len(people))]
