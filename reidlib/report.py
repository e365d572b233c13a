"""The report page: what was rendered, trained, scored and run, with the pictures beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reidlib.files import whole_file, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reidlib.data.tracklets import TrackletDataset
    from reidlib.evaluation import Score
    from reidlib.run import Done

Pages = Sequence[tuple[str, str, float]]  # notebooks: title, file, seconds


def write_report(
    out: Path,
    data: TrackletDataset,
    done: Done,
    colours: Score,
    pages: Pages,
    log: Path,
) -> Path:
    """The page, its pictures beside it, and the record it was made from."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    from reidlib.seeing.ranking import draw_rankings, rank_embeddings, spread

    rankings = rank_embeddings(done.queries, done.gallery, data, "cosine", k=9)
    right = sum(r.first_hit == 1 for r in rankings)
    files = {
        "people.png": _people(data),
        "training.png": _training(log),
        "cmc.png": _cmc({"network": done.score, "colours": colours}),
        "ranking.png": draw_rankings(spread(rankings, 6), data.frames),
    }
    for name, figure in files.items():
        save(figure, out / name)
    write_text(out / "record.json", json.dumps(asdict(done.record), indent=1))
    score, record = done.score, done.record
    template = Environment(
        loader=PackageLoader("reidlib", "."), autoescape=select_autoescape(default=True)
    ).get_template("report.html.j2")
    page = template.render(
        lead="Rendered people, a network trained on some and tested on others, and what it ranked.",
        numbers=[
            {"value": f"{score.map:.1%}", "what": "mAP of the trained baseline"},
            {"value": f"{score.rank(1):.1%}", "what": "rank-1"},
            {"value": f"{colours.map:.1%}", "what": "mAP of colour histograms"},
            {"value": f"{record.seconds['training']:.0f} s", "what": "of training"},
        ],
        sections=_sections(data, done, colours, right, pages),
    )
    write_text(out / "index.html", page)
    return out / "index.html"


def _sections(
    data: TrackletDataset,
    done: Done,
    colours: Score,
    right: int,
    pages: Pages,
) -> list[dict[str, Any]]:
    """What the page says, from top to bottom."""
    score, record = done.score, done.record
    sets = [("training", data.train), ("query", data.query), ("gallery", data.gallery)]
    scores = [("colour histograms", colours), ("trained baseline", score)]
    return [
        {
            "title": "People who do not exist",
            "text": [
                "Promenade draws pedestrians and knows the truth about every pixel. Training and "
                "test people are different; the gallery holds look-alikes, passers-by, wrong finds."
            ],
            "figures": [{"file": "people.png", "caption": CAPTIONS["people"]}],
            "header": ["set", "tracklets", "people", "frames"],
            "rows": [
                [name, f"{len(s):,}", f"{len({t.raw_pid for t in s} - {0, -1}):,}",
                 f"{sum(map(len, s)):,}"]
                for name, s in sets
            ],
            "note": f"Promenade version {data.version}, small, street, world 0.",
        },
        {
            "title": "Training",
            "text": [
                f"{record.steps} steps of {record.plan['identities']} people x "
                f"{record.plan['clips']} clips x {record.plan['frames']} frames, "
                f"{record.parameters:,} parameters, start: {record.start}."
            ],
            "figures": [{"file": "training.png", "caption": CAPTIONS["training"]}],
        },
        {
            "title": "Scores",
            "text": ["Scores on rendered people say nothing about real ones."],
            "header": ["", "mAP", *(f"rank-{k}" for k in (1, 5, 10, 20)), "queries", "gallery"],
            "rows": [
                [name, f"{s.map:.1%}", *(f"{s.rank(k):.1%}" for k in (1, 5, 10, 20)),
                 f"{s.counted:,} of {s.total:,}", f"{s.gallery:,}"]
                for name, s in scores
            ],
            "figures": [{"file": "cmc.png", "caption": CAPTIONS["cmc"]}],
            "note": f"{score.protocol}. Frames: {score.frames}.",
        },
        {
            "title": "Ranked galleries",
            "text": [f"{right:,} of {len(data.query):,} queries have a right match at rank 1."],
            "figures": [{"file": "ranking.png", "caption": CAPTIONS["ranking"]}],
        },
        {
            "title": "Notebooks",
            "text": ["Run from start to end on this machine, just now or when they last changed."],
            "header": ["notebook", "seconds"],
            "rows": [[{"href": file, "text": name}, f"{spent:.0f}"] for name, file, spent in pages],
        },
        {
            "title": "The record",
            "text": ["Every number above about the network comes from one file."],
            "header": ["", ""],
            "rows": [
                ["run record", {"href": "record.json", "text": "record.json"}],
                ["machine", f"{record.machine['device']}, {record.machine['cpus']} cores, "
                            f"torch {record.machine['torch']}"],
                ["finished", record.finished],
            ],
        },
    ]  # fmt: skip


CAPTIONS = {
    "people": "One column a camera, one row a person: three people wherever they were seen.",
    "training": "Loss and share of triplets that still teach something, from log.csv of the run.",
    "cmc": "Share of queries with a right match among the first k.",
    "ranking": "Queries from best to worst (by the right matches among the first nine), evenly "
    "spread; green is right, orange is wrong.",
}


def save(figure: Figure, path: Path) -> None:
    """A figure as a file, whole or not at all; the figure is closed."""
    import matplotlib.pyplot as plt

    with whole_file(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip("."), dpi=160)
    plt.close(figure)


def _people(data: TrackletDataset, count: int = 3) -> Figure:
    """The first people of the test set, in every camera that saw them."""
    import matplotlib.pyplot as plt

    pids = sorted({t.pid for t in data.query})[:count]
    figure, grid = plt.subplots(count, data.num_cams, figsize=(data.num_cams, 2.05 * count))
    for row, pid in zip(grid, pids, strict=True):
        for camera, axes in enumerate(row):
            axes.set_axis_off()
            seen = [t for t in data.query if t.pid == pid and t.camid == camera]
            if seen:
                frame = data.frames.read(seen[0], [len(seen[0]) // 2])[0]
                axes.imshow(frame.permute(1, 2, 0).numpy())
            if pid == pids[0]:
                axes.set_title(f"camera {camera + 1}")
    return figure


def _training(log: Path) -> Figure:
    """Loss and active triplets over the steps, as logged."""
    import matplotlib.pyplot as plt
    import pandas as pd

    table = pd.read_csv(log)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.6))
    for name in ("loss", "cross_entropy", "batch_hard_triplet"):
        left.plot(table["step"], table[name].rolling(10, min_periods=1).mean(), label=name)
    left.set(xlabel="step", ylabel="loss (mean of 10 steps)")
    left.legend()
    right.plot(table["step"], table["batch_hard_triplet.active"].rolling(10, min_periods=1).mean())
    right.set(xlabel="step", ylabel="share of active triplets", ylim=(0, 1.05))
    return figure


def _cmc(scores: dict[str, Score], last: int = 20) -> Figure:
    """CMC curves."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4.5, 2.8))
    for name, score in scores.items():
        axes.plot(range(1, last + 1), score.cmc[:last], marker="o", markersize=3, label=name)
    axes.set(xlabel="rank", ylabel="share of queries", ylim=(0, 1.02), xticks=[1, 5, 10, 15, 20])
    axes.legend()
    return figure
