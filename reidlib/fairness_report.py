"""The fairness report as a page: every rule with its verdict and records, and five pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reidlib.data.promenade.settings import SCENARIOS, VERSION
from reidlib.experiments.fairness import FAILS, HOLDS, OPEN, Fairness, told
from reidlib.files import write_text
from reidlib.report import save

CAPTIONS = {
    "scenarios": "Trained on street, scored on test people in each scenario, who walk the same "
    "ways past the same cameras. Bars: means over worlds with 95 % intervals.",
    "doses": "One illness at a time, from none to full strength, world 0. Error bars: 95 %, of "
    "the change against strength 0, from resampled people.",
    "ladder": "Four frames against one frame, on validation people, five worlds at most: what the "
    "pair's difference was uncertain by, as one measure after another was taken. Line: the limit.",
    "budget": "A dot a world, validation people; the band is what a settled arm may move. If all "
    "move alike, their differences are settled though their scores are not.",
    "noise": "How far one baseline's score would have moved, had chance fallen otherwise.",
}


def write_fairness(found: Fairness, out: Path) -> Path:
    """The page with its pictures (PNG to see, SVG to use) and numbers; returns the page."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    from reidlib.seeing.fairness import PICTURES

    for name, draw in PICTURES.items():
        for kind in ("svg", "png"):
            save(draw(found), out / f"{name}.{kind}")
    write_text(out / "fairness.json", json.dumps(found.as_dict(), indent=1, allow_nan=False) + "\n")
    template = Environment(
        loader=PackageLoader("reidlib", "."), autoescape=select_autoescape(default=True)
    ).get_template("report.html.j2")
    count = {word: sum(line.verdict == word for line in found.lines) for word in (HOLDS, FAILS)}
    numbers = [
        {"value": str(count[HOLDS]), "what": "rules hold"},
        {"value": str(count[FAILS]), "what": "do not hold"},
        {"value": str(len(found.lines) - sum(count.values())), "what": "not measured yet"},
    ]
    if (found.sampling_error) == found.sampling_error:
        numbers.append({"value": f"{found.sampling_error:.2f}", "what": "sampling error, mAP"})
    page = template.render(
        title="Is Promenade a fair instrument?",
        lead=f"What stored run records say about the rendered data, version {VERSION}. "
        "Scores are mAP in percent; on rendered people, they say nothing about real ones.",
        numbers=numbers,
        sections=_sections(found),
    )
    write_text(out / "index.html", page)
    return out / "index.html"


def _sections(found: Fairness) -> list[dict[str, Any]]:
    return [
        {
            "title": "The rules",
            "text": ["A rule is judged once all of its records are there and none is stale."],
            "words": True,
            "header": ["rule", "verdict", "found", "records"],
            "rows": [
                [line.asks, line.verdict, line.found or "-", _origin(line)] for line in found.lines
            ],
        },
        {
            "title": "Each illness alone",
            "text": ["Two scenarios differ in one cause only."],
            "figures": _pictures("scenarios", "doses"),
            "header": ["scenario", "trained baseline", "colour histogram"],
            "rows": [
                [scenario, *(told(of[scenario]) if scenario in of else OPEN
                             for of in (found.baseline, found.colours))]
                for scenario in SCENARIOS
            ],
        },
        {
            "title": "How noisy is a comparison?",
            "text": [
                "Settled with neutral pairs and on validation people, before any paper's module "
                "was measured. The full models' climb was measured afterwards and chose nothing.",
                "What a longer budget would buy is in the rules on half as many steps again.",
            ],
            "figures": _pictures("ladder", "budget", "noise"),
            "header": ["with", "four frames", "four minus one", "standard error", "a training"],
            "rows": [
                [rung.what, told(rung.score), told(rung.gain, signed=True), f"{rung.error:.2f}",
                 f"{rung.seconds:.0f} s"]
                for rung in found.ladder
            ] + _larger_test(found),
            "note": "Intervals are Student's, 95 %, over worlds. Seconds on "
            f"{found.ladder[0].threads} thread(s)." if found.ladder else "",
        },
    ]  # fmt: skip


def _larger_test(found: Fairness) -> list[list[str]]:
    """A row beneath the ladder: what more people in the test buy; none where no record says."""
    if (larger := found.larger_test) is None:
        return []
    what = f"{larger.people} people in the test instead of {larger.fewer}, sampling error"
    errors = f"{found.sampling_error:.2f} instead of {larger.error_of_fewer:.2f}"
    return [[what, "-", "-", errors, "-"]]


def _origin(line: Any) -> str:
    parts = [line.origin] if line.records else []
    parts += [f"missing: {'; '.join(line.missing)}"] if line.missing else []
    parts += [f"stale: {line.stale}"] if line.stale else []
    return ". ".join(parts)


def _pictures(*names: str) -> list[dict[str, str]]:
    return [{"file": f"{name}.png", "caption": CAPTIONS[name]} for name in names]
