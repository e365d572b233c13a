"""The main job from end to end: render, train, score, run the notebooks, write one report page.

Every step keeps what it made, so that running it again only does what is missing: rendered
frames in the cache, the run and its record in `runs/`, notebooks beside the report.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import typer

from reidlib.files import ROOT, writable_folder, write_text
from reidlib.report import Pages, write_report

RECIPE, PROFILE, RUN = "baseline", "laptop", Path("runs") / "baseline-street"
NEED = 600 * 2**20  # bytes that frames, weights and report take together


def reproduce(out: Path) -> Path:
    """Do the main job on Promenade `small`, `street`, world 0; returns the report page.

    Raises ReidError for a folder that cannot be written, or outside a checkout (notebooks).
    """
    from reidlib.data import promenade
    from reidlib.histogram import score_colours
    from reidlib.recipes import profile, recipe
    from reidlib.run import run
    from reidlib.seeing.figures import style

    style()
    writable_folder(out, NEED)
    typer.echo("1/5  rendering people, cameras and walks")
    data = promenade.load("small", "street")
    typer.echo("2/5  training the baseline")
    done = run(recipe(RECIPE), profile(PROFILE), data, RUN)
    typer.echo(f"{done.score}\n3/5  counting colours, for comparison")
    colours = score_colours(data)
    typer.echo("4/5  running the notebooks")
    pages = _notebooks(ROOT / "notebooks", out / "notebooks")
    typer.echo("5/5  drawing figures, writing the report")
    page = write_report(out, data, done, colours, pages, RUN / "log.csv")
    typer.echo(f"done: open {page}")
    return page


def _notebooks(source: Path, out: Path) -> Pages:
    """Run each numbered notebook into `out`, as a page; what has not changed is not run again."""
    from tqdm import tqdm

    from reidlib.notebooks import execute, numbered, title, to_html

    package = _package_hash()  # a page is old, too, once the code behind it has changed
    done = []
    for path in (bar := tqdm(numbered(source), unit="notebook")):
        bar.set_description(path.stem)
        page, stamp = out / f"{path.stem}.html", out / f"{path.stem}.json"
        text = path.read_text(encoding="utf-8") + package
        if not (page.is_file() and stamp.is_file() and json.loads(stamp.read_text())["of"] == text):
            started = time.perf_counter()
            execute(path, out / path.name)
            to_html(out / path.name, page)
            spent = round(time.perf_counter() - started, 1)
            write_text(stamp, json.dumps({"of": text, "seconds": spent}))
        done.append(
            (title(path), f"notebooks/{page.name}", json.loads(stamp.read_text())["seconds"])
        )
    return done


def _package_hash() -> str:
    """A hash of all that notebooks import and read: the package, shipped weights and records."""
    digest = hashlib.sha256()
    files = [*(ROOT / "reidlib").rglob("*.py"), *(ROOT / "data").glob("checkpoints/*")]
    for path in sorted([*files, *(ROOT / "data" / "results").rglob("*.json")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
