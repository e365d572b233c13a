"""Docstrings of this house, read as Markdown.

They are plain text for readers of the code: `*` makes lists, backticks mark code, indented blocks
are formulas, and a line `name: what it is` explains an argument. `markdown` adds the marks that
Markdown needs to see the same.
"""

from __future__ import annotations

import builtins
import inspect
import re
from typing import Any

from docutils import nodes
from docutils.utils import new_document
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ITEM = re.compile(r"^( *)(\*{0,2}[a-z_][\w.]*(?:\[\d\])?(?:, \*{0,2}[a-z_][\w.]*)*): (?=\S)")
ERROR = re.compile(r"^( *)([A-Z]\w+): (?=\S)")
OWN = re.compile(r"(?<!`)`(reidlib(?:\.\w+)+)`")
SECTIONS = ("Args:", "Raises:", "Returns:")
SENTENCE_ENDS = (".", ":", ";", ")")


def markdown(text: str, arguments: bool = True) -> str:
    """A docstring as Markdown: headings, lists and arguments marked, names of ours linked.

    arguments: whether lines `name: what it is` explain arguments; those of a module are prose.
    """
    done: list[str] = []
    listed = ""  # the kind of list that the last line is in
    previous, raises = "", False
    for number, line in enumerate(flattened(inspect.cleandoc(text).splitlines())):
        raises = line == "**Raises**" or (raises and not line.startswith("**"))
        item = (ERROR if raises else ITEM).match(line) if arguments and number else None
        ended = not previous or previous.endswith(SENTENCE_ENDS)
        begins = listed == "names" or (not listed and ended)
        if item and begins and not (previous == "" and len(item[1]) > 3):
            names = ", ".join(f"`{name}`" for name in item[2].split(", "))
            line = f"{item[1]}* {names}: {line[item.end() :]}"
            listed = "names"
        elif line.lstrip().startswith("* "):
            listed = "stars"
            if previous and not previous.startswith((" ", "*")) and previous[-1] not in ".:;,":
                done[-1] = f"**{previous}**"
        elif listed and line and not line.startswith(" "):
            done.append("")
            listed = ""
        done.append(line)
        previous = line
    return OWN.sub(r"{py:obj}`\1`", "\n".join(done))


def flattened(lines: list[str]) -> list[str]:
    """A heading over an indented block, such as `Args:`, in bold over a block that starts anew."""
    done: list[str] = []
    inside = False
    for number, line in enumerate(lines):
        alone = number > 0 and (inside or not lines[number - 1] or line in SECTIONS)
        inside = inside and (line.startswith("    ") or not line)
        following = lines[number + 1] if number + 1 < len(lines) else ""
        opens = alone and following.startswith("    ") and re.match(r"\w", line)
        if opens and not ITEM.match(line):
            inside = True
            done += ["", f"**{line.rstrip(':')}**", ""]
        else:
            done.append(line[4:] if inside else line)
    return done


class Markdown(SphinxDirective):
    """A block of Markdown inside reStructuredText."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        document = new_document(self.get_source_info()[0], self.state.document.settings)
        MystParser().parse("\n".join(self.content), document)
        return document.children


def as_markdown(
    app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """autodoc's hook: what it got as reStructuredText becomes one block of Markdown."""
    if any(lines):
        text = markdown("\n".join(lines), arguments=what != "module")
        lines[:] = [".. markdown::", "", *("   " + line for line in text.splitlines()), ""]


def unlink_builtins(app: Sphinx, page: nodes.document) -> None:
    """`set` in a signature is Python's, whatever attributes of that name there are."""
    for link in list(page.findall(pending_xref)):
        if link.get("refdomain") == "py" and hasattr(builtins, link["reftarget"]):
            link.replace_self(nodes.Text(link["reftarget"]))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("markdown", Markdown)
    app.connect("autodoc-process-docstring", as_markdown)
    app.connect("doctree-read", unlink_builtins)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
