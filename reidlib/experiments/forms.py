"""Sheets as text for a screen, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

FORMATS = ("text", "markdown", "latex", "csv")
WIDE = 40  # characters of a cell in a line of text


@dataclass(frozen=True)
class Sheet:
    """A title, a header, rows of cells, and notes beneath.

    keys: columns that say which row it is. data: header and rows for programs, numbers as numbers,
    where the cells for people hold more than one.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    keys: int = 1
    data: tuple[tuple[object, ...], ...] = ()


def write(sheet: Sheet, form: str) -> str:
    """The sheet in one of FORMATS."""
    return {"text": _text, "markdown": _markdown, "latex": _latex, "csv": _csv}[form](sheet)


def records(sheet: Sheet) -> list[dict[str, object]]:
    """Rows for programs, column -> cell."""
    header, *rows = sheet.data or (sheet.header, *sheet.rows)
    return [dict(zip(map(str, header), row)) for row in rows]


def _text(sheet: Sheet) -> str:
    head, rows = _wrapped(sheet.header), [_wrapped(row) for row in sheet.rows]
    columns = zip(*head, *(line for row in rows for line in row))
    widths = [max(map(len, column)) for column in columns]
    rule = ["-" * width for width in widths]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
        for cells in (*head, rule, *(line for row in rows for line in row))
    ]
    return "\n".join([sheet.title, "", *lines, "", *sheet.notes])


def _wrapped(cells: Sequence[str]) -> list[tuple[str, ...]]:
    """A row as lines: the words of a long cell go on beneath. Names stay whole."""
    fold = textwrap.TextWrapper(
        WIDE, subsequent_indent="   ", break_on_hyphens=False, break_long_words=False
    )
    parts = [fold.wrap(cell) or [""] for cell in cells]
    return list(zip_longest(*parts, fillvalue=""))


def _markdown(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    body = [line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, sheet.rows)]
    return "\n".join([f"**{sheet.title}**", "", *body, "", *(f"{n}  " for n in sheet.notes)])


_ESCAPES = {"\\": r"\textbackslash{}", "±": r"$\pm$", **{c: f"\\{c}" for c in "&%$#_{}"}}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in text)


def _latex(sheet: Sheet) -> str:
    """For booktabs; the notes in small print beneath."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_escaped, cells)) + r" \\"

    notes = [rf"{{\footnotesize {_escaped(note)}\par}}" for note in sheet.notes]
    return "\n".join(
        [
            f"% {sheet.title}",
            r"\begin{tabular}{l" + "r" * (len(sheet.header) - 2) + "l}",
            r"\toprule",
            line(sheet.header),
            r"\midrule",
            *map(line, sheet.rows),
            r"\bottomrule",
            r"\end{tabular}",
            *([r"\par\smallskip", *notes] if notes else []),
        ]
    )


def _csv(sheet: Sheet) -> str:
    return lines(sheet.data or (sheet.header, *sheet.rows))


def lines(rows: Sequence[Sequence[object]]) -> str:
    """Rows as CSV; None is an empty cell."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().rstrip("\n")
