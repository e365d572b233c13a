"""The book builds without a warning, its links lead somewhere, a browser shows every page."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from reidlib.equations import equations
from reidlib.notebooks import numbered

ROOT = Path(__file__).parents[2]
NEEDED = ("sphinx", "myst_nb", "furo")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

# What a page has to say about itself once it is loaded.
LOOK = """() => {
  const prose = document.body.cloneNode(true);
  prose.querySelectorAll("pre, code, script, .katex").forEach(e => e.remove());
  return {
    pictures: [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src),
    formulas: document.querySelectorAll(".tex").length,
    typeset: document.querySelectorAll(".tex > .katex, .tex > .katex-display").length,
    wrong: [...document.querySelectorAll(".katex-error")].map(e => e.title),
    raw: /\\$[^$\\n]*\\\\[a-z]+[^$\\n]*\\$/.exec(prose.textContent)?.[0],
    table: prose.textContent.includes("|---"),
  };
}"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Lightness of the page and contrast of its text against it, as WCAG counts them.
COLOURS = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = light(getComputedStyle(document.body).backgroundColor);
  const text = light(getComputedStyle(document.querySelector("article p")).color);
  return [page, (Math.max(page, text) + 0.05) / (Math.min(page, text) + 0.05)];
}"""


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, built as `make book` builds it. A warning fails."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install -e '.[book]')")
    out = tmp_path_factory.mktemp("book") / "html"
    command = [sys.executable, str(ROOT / "docs" / "book.py"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.fixture(scope="session")
def trees(book: Path) -> dict[str, Any]:
    """Page -> its HTML, parsed."""
    from bs4 import BeautifulSoup

    pages = sorted(book.rglob("*.html"))
    return {
        page.relative_to(book).as_posix(): BeautifulSoup(page.read_text("utf-8"), "html.parser")
        for page in pages
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", numbered(ROOT / "notebooks"), ids=lambda p: p.stem)
def test_a_notebook_is_shown_with_its_pictures(trees: dict[str, Any], path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    stored = sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", []))
    page = trees[f"notebooks/{path.stem}.html"]
    assert len(page.select(".cell_output img")) == stored
    assert len(page.select("div.cell")) == sum(c["cell_type"] == "code" for c in cells)


@pytest.mark.slow
def test_every_module_has_a_page(trees: dict[str, Any]) -> None:
    files = [p.relative_to(ROOT) for p in (ROOT / "reidlib").rglob("*.py")]
    names = {".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in files}
    public = {n for n in names if not n.rpartition(".")[2].startswith("_")}
    assert {f"api/{name}.html" for name in public} <= set(trees)


@pytest.mark.slow
def test_every_equation_links_to_its_code(trees: dict[str, Any]) -> None:
    links = {a["href"] for a in trees["equations.html"].select("td a[href]")}
    wanted = {e.path.replace(":", ".") for e in equations()}
    assert wanted == {link.partition("#")[2] for link in links}


@pytest.mark.slow
def test_links_lead_somewhere_and_nothing_is_fetched(book: Path, trees: dict[str, Any]) -> None:
    ids = {name: {tag["id"] for tag in tree.select("[id]")} for name, tree in trees.items()}
    dead = []
    for name, tree in trees.items():
        for tag in tree.select("[href], [src]"):
            link = tag.get("href") or tag.get("src")
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if tag.name != "a" and parts.scheme != "data":
                    dead.append(f"{name} fetches {link}")
                continue
            target = (book / name).parent / unquote(parts.path) if parts.path else book / name
            inside = os.path.relpath(target.resolve(), book.resolve()).replace(os.sep, "/")
            anchor = unquote(parts.fragment)
            lost = anchor and inside in ids and anchor not in ids[inside]
            if not target.is_file() or lost:
                dead.append(f"{name} links to {link}")
    assert not dead, "\n".join(dead[:20])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing: what a page asks for is watched in the browser."""


def serve(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    yield from serve(book)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium: the machine's own, or else playwright's. Without one, these tests are skipped."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: .[book]")
    remedy = "install chromium, or run `playwright install chromium`, or name one in CHROMIUM"
    with sync.sync_playwright() as driver:
        if found is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip(f"no browser on this machine: {remedy}")
        try:
            started = driver.chromium.launch(executable_path=found, args=FLAGS)
        except sync.Error as error:
            pytest.skip(f"the browser does not start: {str(error).splitlines()[0]}; {remedy}")
        yield started
        started.close()


def faults(browser: Any, site: str, names: list[str]) -> list[str]:
    """What is wrong with pages, as a browser sees them on a phone and on a desk."""
    found: list[str] = []
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    name = ""
    page.on("console", lambda m: m.type == "error" and found.append(f"{name}: console: {m.text}"))
    page.on("pageerror", lambda e: found.append(f"{name}: script: {e}"))
    page.on(
        "request",
        lambda r: (
            r.url.startswith((site, "data:", "blob:")) or found.append(f"{name}: asks for {r.url}")
        ),
    )
    for name in names:  # the listeners read it
        page.set_viewport_size(PHONE)
        page.goto(f"{site}/{name}", wait_until="load")
        seen = page.evaluate(LOOK)
        found += [f"{name}: no picture: {src}" for src in seen["pictures"]]
        found += [f"{name}: formula: {title}" for title in seen["wrong"]]
        if seen["formulas"] != seen["typeset"] or seen["raw"]:
            found.append(f"{name}: formulas are not typeset {seen['raw'] or ''}")
        if seen["table"]:
            found.append(f"{name}: a table is shown as its source")
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            if page.evaluate(TOO_WIDE) > 0:
                found.append(f"{name}: wider than {size['width']} pixels")
    context.close()
    return found


@pytest.mark.slow
def test_every_page_is_whole_in_a_browser(browser: Any, site: str, book: Path) -> None:
    names = sorted(p.relative_to(book).as_posix() for p in book.rglob("*.html"))
    found = faults(browser, site, names)
    assert not found, "\n".join(found[:20])


@pytest.mark.slow
def test_formulas_are_there_at_all(browser: Any, site: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/notebooks/04_trsa.html")
    assert page.locator("div.tex .katex-display").count() >= 5
    assert page.evaluate("document.fonts.check('16px KaTeX_Main')")
    page.close()


FAULTY = {
    "console: planted": "<script>console.error('planted')</script>",
    "script: planted": "<script>throw new Error('planted')</script>",
    "asks for http://example.org/": "<script src='http://example.org/x.js'></script>",
    "no picture": "<img src='none.png'>",
    "not typeset": "<span class='tex'>x^2</span>",
    "not typeset $": "<p>$\\alpha$</p>",
    "a table is shown as its source": "<p>| a | b | |---|---|</p>",
    "wider than 390": "<div style='width: 800px'>x</div>",
    "wider than 1280": "<pre>" + "x" * 400 + "</pre>",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTY)
def test_a_planted_fault_is_found(browser: Any, tmp_path: Path, fault: str) -> None:
    (tmp_path / "a.html").write_text(f"<!doctype html><body>{FAULTY[fault]}")
    for site in serve(tmp_path):
        assert any(fault in one for one in faults(browser, site, ["a.html"]))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(browser: Any, site: str, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    for name in ("index", "notebooks/04_trsa", "api/reidlib.models.trsa", "equations"):
        page.goto(f"{site}/{name}.html")
        lightness, contrast = page.evaluate(COLOURS)
        assert (lightness > 0.8) if scheme == "light" else (lightness < 0.1), name
        assert contrast > 4.5, name
    page.close()


@pytest.mark.slow
def test_search_finds_a_page(browser: Any, site: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/search.html?q=suppression")
    page.wait_for_selector("ul.search li a")
    found = page.eval_on_selector_all("ul.search li a", "all => all.map(a => a.href)")
    assert any(re.search(r"reidlib\.models\.sinet|08_sinet", link) for link in found)
    page.close()
