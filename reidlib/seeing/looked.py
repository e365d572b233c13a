"""What the models looked at, held against the truth: the answers in the records of mechanisms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reidlib.errors import ReidError
from reidlib.seeing.arms import Drawn
from reidlib.seeing.drawing import tell
from reidlib.seeing.figures import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reidlib.experiments.mechanisms.records import TruthRecord

REFERENCES = ("random", "even", "centre")  # maps that know nothing, see `truth.references`
QUESTIONS = ("person", "occluder", "background", "pointing", "parts beyond breadth")  # `readings`
WAYS = ("deletion", "insertion")


@dataclass(frozen=True)
class Looked:
    """One answer about maps: mean over people and its bootstrap interval.

    source: a recipe, or one of REFERENCES. stale: the record may not hold any more.
    """

    claim: str
    scene: str
    source: str
    question: str
    mean: float
    low: float
    high: float
    identities: int
    stale: bool

    @property
    def blind(self) -> bool:
        """Whether it is a map that knows nothing."""
        return self.source in REFERENCES


def looked(
    records: Mapping[str, TruthRecord], questions: Sequence[str] = QUESTIONS
) -> tuple[Looked, ...]:
    """What the records of `reidlib.experiments.mechanisms` say of maps, claim by claim."""
    found = []
    for claim, record in records.items():
        stale = bool(record.stale())
        for cell in record.cells:
            if cell["question"] in questions and cell["values"]:
                where = cell["scene"], cell["source"], cell["question"]
                one = record.estimate(where[0], where[2], where[1])
                numbers = one.mean, one.low, one.high
                found.append(Looked(claim, *where, *numbers, one.identities, stale))
    return tuple(found)


MARKS = {"random": "x", "even": "|", "centre": "+"}


def draw_looked(found: Sequence[Looked], caption: str = "") -> Figure:
    """A column for each question, a line for each model; grey marks: maps that know nothing."""
    import matplotlib.pyplot as plt

    style()
    questions = [q for q in QUESTIONS if any(one.question == q for one in found)]
    questions += [q for q in dict.fromkeys(one.question for one in found) if q not in questions]
    lines = list(dict.fromkeys(_line(one) for one in found if not one.blind))
    figure, grid = plt.subplots(
        1, len(questions), figsize=(1.75 * len(questions) + 2.4, 0.2 * len(lines) + 0.8),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axes, question in zip(grid[0], questions):
        _answers(axes, [one for one in found if one.question == question], lines)
        axes.set(ylim=(len(lines) - 0.5, -0.5))
        axes.set_title(question, fontsize=9)
        for y in range(1, len(lines)):
            if lines[y][:2] != lines[y - 1][:2]:
                axes.axhline(y - 0.5, color="0.8", linewidth=0.7)
    names = [f"{c} {scene}: {source}{' !' * stale}" for c, scene, source, stale in lines]
    grid[0, 0].set_yticks(range(len(lines)), names, fontsize=7)
    handles, words = grid[0, 0].get_legend_handles_labels()
    once = dict(zip(words, handles))
    figure.legend(once.values(), once, loc="outside lower right", ncols=len(once), fontsize=7.5)
    tell(figure, "", caption)
    return figure


Line = tuple[str, str, str, bool]  # claim, scene, source, whether it is stale


def _line(one: Looked) -> Line:
    return one.claim, one.scene, one.source, one.stale


def _answers(axes: Axes, found: Sequence[Looked], lines: Sequence[Line]) -> None:
    """The answers to one question: models on their line, what knows nothing on all of its scene."""
    for one in found:
        if one.blind:
            same = [y for y, line in enumerate(lines) if line[:2] == (one.claim, one.scene)]
            x = [one.mean] * len(same)
            axes.plot(x, same, MARKS[one.source], color="0.55", markersize=4.5, label=one.source)
        else:
            y = lines.index(_line(one))
            axes.plot([one.low, one.high], [y, y], color=COLOURS[0], linewidth=1.4)
            axes.plot(one.mean, y, "o", color=COLOURS[0], markersize=4)


def judged(records: Mapping[str, TruthRecord]) -> Drawn:
    """The catalogue's figure of all maps of whole frames that were judged."""
    found = looked(records)
    if not found:
        raise ReidError("no map has been measured yet; `reid truth` does it")
    told = (
        "R7: Grad-CAM, and RGSA's own attention; S8: Grad-CAM, and what each SBM dims, 1 - S; T5: "
        "attention, of trsa-1/triplet what Eq. 1-2 make of its maps. Mass on the visible person, "
        "on what stands in front (of frames that have it), on the rest; pointing: the highest cell "
        "is on the person; parts beyond breadth: how much more of the body is lit than of the "
        "frame. More is better but of occluder and background. Means over people, 95 % bootstrap "
        "intervals; grey: what maps get that know nothing (noise, the same everywhere, a blob in "
        "the middle); !: stale. Regions (F8), cues (S10) and silhouettes (S13): `reid truth`."
    )
    numbers = {
        f"{one.claim}, {one.scene}, {one.source}, {one.question}": [one.mean, one.low, one.high]
        for one in found
    }
    used = {claim: records[claim] for claim in dict.fromkeys(one.claim for one in found)}
    return Drawn(draw_looked(found, f"{_about(used)}\n{told}"), numbers)


def _about(records: Mapping[str, TruthRecord]) -> str:
    """Data, profile, people and records, in a line."""
    one = next(iter(records.values()))
    return (
        f"Promenade, version {one.data['version']}, world {one.setting['options']['world']}, "
        f"profile {one.setting['profile']}, {one.setting['people']} people. "
        f"Records: {', '.join(record.name for record in records.values())}."
    )


@dataclass(frozen=True)
class Curve:
    """How alike the embedding stays: mean over people and interval at each share of the cells."""

    claim: str
    scene: str
    source: str  # a recipe, or "<recipe>, random map"
    way: str  # of WAYS
    share: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    stale: bool


def goes(records: Mapping[str, TruthRecord]) -> tuple[Curve, ...]:
    """The curves of deletion and insertion in the records."""
    found = []
    for claim, record in records.items():
        asked = [(c["scene"], c["source"], c["question"].partition(" at ")) for c in record.cells]
        at = [
            (scene, source, way, float(x))
            for scene, source, (way, _, x) in asked
            if way in WAYS and x
        ]
        for where in dict.fromkeys(one[:3] for one in at):
            scene, source, way = where
            share = tuple(sorted(one[3] for one in at if one[:3] == where))
            every = [record.estimate(scene, f"{way} at {x:g}", source) for x in share]
            mean, low, high = zip(*((e.mean, e.low, e.high) for e in every))
            old = bool(record.stale())
            found.append(Curve(claim, *where, share, mean, low, high, old))
    return tuple(found)


def draw_goes(found: Sequence[Curve], caption: str = "") -> Figure:
    """Deletion and insertion side by side for each model: its map, noise, a blob in the middle."""
    import matplotlib.pyplot as plt

    style()
    models = list(dict.fromkeys((c.claim, c.scene, c.source.split(", ")[0]) for c in found))
    rows = (len(models) + 1) // 2
    figure, grid = plt.subplots(
        rows, 4, figsize=(8.4, 1.7 * rows), sharex=True, sharey=True, squeeze=False
    )
    for axes in grid.flat[2 * len(models) :]:
        axes.set_axis_off()
    looks = {"": (COLOURS[0], "-"), "random map": ("0.45", ":"), "centre map": (COLOURS[1], "--")}
    for n, model in enumerate(models):
        for k, way in enumerate(WAYS):
            axes = grid[n // 2, 2 * (n % 2) + k]
            for one in found:
                name, _, rival = one.source.partition(", ")
                if (one.claim, one.scene, name) == model and one.way == way:
                    hue, dash = looks[rival]
                    axes.fill_between(one.share, one.low, one.high, color=hue, alpha=0.15, lw=0)
                    axes.plot(one.share, one.mean, color=hue, linestyle=dash, linewidth=1.4,
                              label=rival or "the model's map")  # fmt: skip
            old = " !" * any(one.stale for one in found if (one.claim, one.scene) == model[:2])
            axes.set_title(f"{model[2]}: {way}\n{model[0]}, {model[1]}{old}", fontsize=7.5)
    for axes in grid[-1]:
        axes.set_xlabel("share of the cells")
    for axes in grid[:, 0]:
        axes.set_ylabel("cosine to whole")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=7.5,
        borderaxespad=0,
    )  # fmt: skip
    tell(figure, "Does the embedding care?", caption, above=0.07)
    return figure


def curves(records: Mapping[str, TruthRecord]) -> Drawn:
    """The catalogue's figure of deletion and insertion."""
    found = goes(records)
    if not found:
        raise ReidError("no curve of deletion has been measured yet; `reid truth` does it")
    used = {claim: records[claim] for claim in dict.fromkeys(one.claim for one in found)}
    told = (
        "Cells of each frame go (deletion) or come (insertion) from the map's highest down; what "
        "has gone is the mean colour. A map that tells what the embedding rests on falls fast and "
        "rises fast. Two models' embeddings stand such a loss differently, so compare curves "
        "within a panel. The first 24 people of the records; below each model the claim and "
        "the scenario; bands: 95 % bootstrap intervals over people; !: stale."
    )
    numbers = {
        f"{c.claim}, {c.source}, {c.way}": {"share": c.share, "mean": c.mean, "low": c.low,
                                            "high": c.high}
        for c in found
    }  # fmt: skip
    return Drawn(draw_goes(found, f"{_about(used)}\n{told}"), numbers)
