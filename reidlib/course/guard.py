"""The grader's files, remembered while submissions run, and put back should one be touched.

For systems on which `confine` cannot keep submissions from the grader's files.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reidlib.files import whole_file


class Guard:
    """The content of files and folders as it was when the guard was set up."""

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = list(places)
        self._kept = {path: path.read_bytes() for path in self._files()}

    def _files(self) -> list[Path]:
        found = []
        for place in self._places:
            found += sorted(place.rglob("*")) if place.is_dir() else [place]
        return [path for path in found if path.is_file()]

    def mend(self) -> list[Path]:
        """Put back what was changed or removed; the paths of it. What was added stays."""
        touched = []
        for path, content in self._kept.items():
            with suppress(OSError):
                if path.read_bytes() == content:
                    continue
            touched.append(path)
            with whole_file(path) as temporary:
                temporary.write_bytes(content)
        return touched
