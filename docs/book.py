"""Make the book: gather what is to be read in one folder, and let Sphinx render it.

    python docs/book.py [folder]        into build/book, unless a folder is named

The pages are the README, CONTRIBUTING, `data/README.md`, the numbered notebooks with the outputs
they were stored with, the pages of `docs/pages`, the equation map and one page for each module.
Nothing is run, nothing is fetched. A warning is an error.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from reidlib.equations import PAPERS, equations  # noqa: E402
from reidlib.equations.core import Equation  # noqa: E402
from reidlib.files import write_text  # noqa: E402
from reidlib.notebooks import numbered  # noqa: E402
from reidlib.recipes import PAPERS as PRINTED  # noqa: E402

LINK = re.compile(r"\[([^][]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


@dataclass
class Module:
    """A module of the package: its file, its docstring and what stands directly below it."""

    name: str
    file: Path
    summary: str
    has_source_page: bool  # Sphinx makes one where a function or a class is documented
    children: list[Module] = field(default_factory=list)

    def walk(self) -> Iterable[Module]:
        yield self
        for child in self.children:
            yield from child.walk()


def read_module(file: Path) -> Module:
    """A module, or a package with all that is in it. Nothing is imported."""
    package = file.name == "__init__.py"
    parts = (file.parent if package else file.with_suffix("")).relative_to(ROOT).parts
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef, ast.ClassDef
    public = [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
    summary = (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
    found = Module(".".join(parts), file, summary, bool(public))
    if package:
        below = [p for p in file.parent.glob("*.py") if not p.name.startswith("_")]
        below += file.parent.glob("[a-z]*/__init__.py")
        found.children = [read_module(p) for p in sorted(below)]
    return found


def module_page(module: Module) -> str:
    """The page of a module: where it is, its docstring, its members, what is below it."""
    path = module.file.relative_to(ROOT).as_posix()
    up = module.name.rpartition(".")[0]
    where = f"In [{up}]({up}.md). " if up else ""
    file = f"`{path}`"
    if module.has_source_page:
        source = f"../_modules/{module.name.replace('.', '/')}.html"
        file = f'<a href="{source}"><code>{path}</code></a>'
    body = f"```{{eval-rst}}\n.. automodule:: {module.name}\n   :members:\n   :undoc-members:\n"
    body += "   :show-inheritance:\n   :ignore-module-all:\n```\n"
    page = f"# {module.name}\n\n{where}The file: {file}\n\n{body}{children_table(module)}"
    return page if in_side_bar(module) else f"---\norphan: true\n---\n\n{page}"


def in_side_bar(module: Module) -> bool:
    """The package and its rooms. With every module in it, the side bar took most of the build."""
    return module.name.count(".") == 0 or (module.name.count(".") == 1 and bool(module.children))


def children_table(module: Module) -> str:
    """What is below a package: a table to read, and the rooms for the side bar."""
    if not module.children:
        return ""
    rows = [f"| [`{c.name}`]({c.name}.md) | {cell(c.summary)} |" for c in module.children]
    table = "\n| module | what it is |\n|---|---|\n" + "\n".join(rows) + "\n"
    rooms = [c.name for c in module.children if in_side_bar(c)]
    if not rooms:
        return table
    tree = "\n".join(f"{name.rpartition('.')[2]} <{name}>" for name in rooms)
    return f"{table}\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def cell(text: str) -> str:
    """Text for a cell of a Markdown table, taken as it is."""
    return re.sub(r"([|*_<\[\]$])", r"\\\1", text)


def equation_map() -> str:
    """The page of the equation map: a table for each paper."""
    lines = [
        "# Equation map",
        "",
        "Each numbered equation of the five papers, and the unnumbered ones that matter: what it",
        "says, the code that computes it, and the test that states it again in plain loops.",
        "`reid equations` prints the same list. Letters: b clips, t frames, c channels, h and w",
        "positions.",
    ]
    head = ["| Eq. | says | code and test |", "|---|---|---|"]
    known = equations()
    for paper in PAPERS:
        lines += ["", f"## {PRINTED[paper]}", "", *head]
        lines += [equation_row(e) for e in known if e.paper == paper]
    return "\n".join(lines) + "\n"


def equation_row(equation: Equation) -> str:
    """One row: number; statement and symbols; code with shapes, and its test."""
    symbols = ", ".join(f"`{name}` is {cell(to)}" for name, to in equation.symbols.items())
    shapes = "; ".join(f"`{name}` {cell(to)}" for name, to in equation.arguments.items())
    dotted = equation.path.replace(":", ".")
    code = f"{{py:obj}}`{equation.path.partition(':')[2]} <{dotted}>`<br>{shapes}"
    if equation.returns:
        code += f"<br>gives {cell(equation.returns)}"
    says = cell(equation.statement) + (f"<br>*Here* {symbols}" if symbols else "")
    file, _, test = equation.test.partition("::")
    return f"| {equation.number} | {says} | {code}<br>tested by `{test}` in `{file}` |"


def relinked(text: str, home: Path, pages: set[Path]) -> str:
    """Markdown whose links to files lead to pages of the book, or say where the file is.

    home: the folder, in the repository, that links start from. pages: files that become pages.
    """

    def replace(match: re.Match[str]) -> str:
        words, link, anchor = match.group(1), match.group(2), match.group(3) or ""
        target = (home / link).resolve()
        if not target.exists() or not target.is_relative_to(ROOT) or is_picture(target):
            return match.group(0)  # a wrong link stays, and Sphinx refuses it
        if target in pages:
            return f"[{words}]({link}{anchor})"
        inside = target.relative_to(ROOT)
        if inside.parts[0] == "reidlib" and (target.is_dir() or target.suffix == ".py"):
            up = "../" * len(home.relative_to(ROOT).parts)
            return f"[{words}]({up}api/{'.'.join(inside.with_suffix('').parts)}.md)"
        return f"{words} (in the repository: `{inside.as_posix()}`)"

    return LINK.sub(replace, text)


def is_picture(path: Path) -> bool:
    return path.suffix in {".jpg", ".png", ".svg", ".gif"}


def folded(text: str) -> str:
    """Markdown inside a folded answer is read as Markdown: that takes empty lines around it."""
    text = re.sub(r"</summary>[ \t]*\n?(?=\S)", "</summary>\n\n", text)
    return re.sub(r"(?<=\S)[ \t]*\n?</details>", "\n\n</details>\n", text)


def notebook_page(path: Path, change: Callable[[str], str]) -> str:
    """A notebook whose Markdown, in cells and in outputs, went through `change`."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for one in notebook["cells"]:
        if one["cell_type"] == "markdown":
            one["source"] = change("".join(one["source"]))
        for output in one.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                output["data"]["text/markdown"] = change("".join(output["data"]["text/markdown"]))
    return json.dumps(notebook)


def gather(out: Path) -> None:
    """Write the sources of all pages into an empty folder."""
    notebooks = numbered(ROOT / "notebooks")
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "data" / "README.md"]
    pages = {*notebooks, *texts}
    for path in (*notebooks, *texts):

        def change(text: str, home: Path = path.parent) -> str:
            return folded(relinked(text, home, pages))

        notebook = path.suffix == ".ipynb"
        text = notebook_page(path, change) if notebook else change(path.read_text(encoding="utf-8"))
        write_text(out / path.relative_to(ROOT), text)
    for picture in filter(is_picture, (ROOT / "docs").iterdir()):
        (out / "docs").mkdir(exist_ok=True)
        shutil.copy(picture, out / "docs")
    for page in (ROOT / "docs" / "pages").glob("*.md"):
        shutil.copy(page, out)
    write_text(out / "equations.md", equation_map())
    for module in read_module(ROOT / "reidlib" / "__init__.py").walk():
        write_text(out / "api" / f"{module.name}.md", module_page(module))


def build(out: Path) -> int:
    """Render the book into `out`, whole or not at all; Sphinx's exit status."""
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").is_file():
        print(f"{out} holds something else than a book; name another folder", file=sys.stderr)
        return 2
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".book-") as work:
        source, doctrees, html = (Path(work) / name for name in ("source", "doctrees", "html"))
        gather(source)
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
        command += ["-c", str(ROOT / "docs"), "-d", str(doctrees), str(source), str(html)]
        status = subprocess.run(command).returncode
        if status == 0:
            shutil.rmtree(out, ignore_errors=True)
            html.rename(out)
    return status


if __name__ == "__main__":
    into = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "book").resolve()
    code = build(into)
    if code == 0:
        print(f"open {into / 'index.html'}")
    sys.exit(code)
