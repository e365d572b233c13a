"""Sheets as text for a screen, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

FORMATS = ("text", "markdown", "latex", "csv")
SCREEN, WIDE = 120, 40  # characters of a line of text, and of a cell in it
GAP, INDENT, GLUE = "  ", "   ", "\u00a0"
Column = tuple[str, ...]  # a column's cells, its head first


@dataclass(frozen=True)
class Sheet:
    """A title, a header, rows of cells, and notes beneath.

    keys: columns that say which row it is. screen: header and rows for lines of text, where they
    are shorter. data: header and rows for programs, every number by itself.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    keys: int = 1
    screen: tuple[tuple[str, ...], ...] = ()
    data: tuple[tuple[object, ...], ...] = ()


def write(sheet: Sheet, form: str = "text") -> str:
    """The sheet in one of FORMATS."""
    return {"text": _text, "markdown": _markdown, "latex": _latex, "csv": _csv}[form](sheet)


def records(sheet: Sheet) -> list[dict[str, object]]:
    """Rows for programs, column -> cell."""
    header, *rows = sheet.data or (sheet.header, *sheet.rows)
    return [dict(zip(map(str, header), row)) for row in rows]


def _text(sheet: Sheet) -> str:
    cells = [tuple(map(_whole, row)) for row in sheet.screen or (sheet.header, *sheet.rows)]
    tables = [_table(*block) for block in _blocks(list(zip(*cells)), sheet.keys)]
    beneath = [textwrap.fill(note, SCREEN, subsequent_indent="   ", break_on_hyphens=False)
               for note in sheet.notes]  # fmt: skip
    return "\n".join([sheet.title, *(f"\n{table}" for table in tables), "", *beneath]).replace(
        GLUE, " "
    )


def _whole(cell: str) -> str:
    """The cell with intervals and marks held together: no line ends within them."""
    return re.sub(
        r"\[[^]]*\]|\([^)]* worlds?\)| ± | = | [!*~]$", lambda m: m[0].replace(" ", GLUE), cell
    )


def _blocks(columns: list[Column], keys: int) -> list[tuple[list[Column], list[int]]]:
    """Columns and their widths: all side by side or, where a line has no room, in blocks."""
    if whole := _fitted(columns):
        return [(columns, whole)]
    blocks, block = [], columns[:keys]
    for column in columns[keys:]:
        if len(block) > keys and _length([*map(_width, block), _width(column)]) > SCREEN:
            blocks.append(block)
            block = columns[:keys]
        block = [*block, column]
    blocks.append(block)
    return [(block, _fitted(block) or [_least(c, not i) for i, c in enumerate(block)])
            for block in blocks]  # fmt: skip


def _fitted(columns: list[Column]) -> list[int]:
    """Widths with which a line fits the screen, long heads and wide columns wrapped; or none."""
    widths = [min(WIDE, _width(column)) for column in columns]
    least = [_least(column, not i) for i, column in enumerate(columns)]
    while _length(widths) > SCREEN:
        spare = [i for i, width in enumerate(widths) if width > least[i]]
        if not spare:
            return []
        heads = [i for i in spare if widths[i] > _width(columns[i][1:])]
        widths[max(heads or spare, key=lambda i: widths[i])] -= 1
    return widths


def _length(widths: list[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _width(column: Column) -> int:
    return max(map(len, column), default=0)


def _least(column: Column, first: bool) -> int:
    """Width of the longest word, which stays whole."""
    words = max((len(word) for cell in column for word in cell.split(" ")), default=1)
    return min(_width(column), words + len(INDENT) * first)


def _table(columns: list[Column], limits: list[int]) -> str:
    head, *rows = [_wrapped(row, limits) for row in zip(*columns)]
    widths = [_width(column) for column in zip(*head, *(line for row in rows for line in row))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
        for cells in (*head, rule, *(line for row in rows for line in row))
    )


def _wrapped(cells: Sequence[str], limits: list[int]) -> list[tuple[str, ...]]:
    """A row as lines: the words of a long cell go on beneath, indented where that costs nothing."""
    parts = []
    for i, (cell, limit) in enumerate(zip(cells, limits)):
        fold = textwrap.TextWrapper(limit, break_on_hyphens=False, break_long_words=False)
        fold.subsequent_indent = INDENT if not i or limit == WIDE else ""
        parts.append(fold.wrap(cell) or [""])
    return list(zip_longest(*parts, fillvalue=""))


def _markdown(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    body = [line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, sheet.rows)]
    return "\n".join([f"**{sheet.title}**", "", *body, "", *(f"{n}  " for n in sheet.notes)])


_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "±": r"$\pm$",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def _escaped(text: str) -> str:
    """Commands in typewriter, a sign before a number as a minus."""
    plain = "".join(_ESCAPES.get(c, c) for c in text)
    typed = re.sub(r"`([^`]*)`", r"\\texttt{\1}", plain)
    return re.sub(r"(?<![\w.-])-(?=\d)", "$-$", typed)


def _aligned(sheet: Sheet) -> str:
    """A letter a column: what names a row to the left, numbers to the right, a last word left."""
    numbers = len(sheet.header) - sheet.keys - 1
    last = [row[-1] for row in sheet.rows]
    words = not all(re.match(r"[-+]?\d|-$|not run", cell) for cell in last)
    return "l" * sheet.keys + "r" * numbers + ("l" if words else "r")


def _latex(sheet: Sheet) -> str:
    """For booktabs; the notes in small print beneath."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_escaped, cells)) + r" \\"

    notes = [rf"{{\footnotesize {_escaped(note)}\par}}" for note in sheet.notes]
    return "\n".join(
        [
            f"% {sheet.title}",
            r"\begin{tabular}{" + _aligned(sheet) + "}",
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
    """None is an empty cell."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(sheet.data or (sheet.header, *sheet.rows))
    return file.getvalue().rstrip("\n")
