"""What the models looked at, held against the truth: the answers in the records of mechanisms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reidlib.seeing.drawing import tell
from reidlib.seeing.figures import COLOURS, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reidlib.experiments.mechanisms.records import TruthRecord

REFERENCES = ("random", "even", "centre")  # maps that know nothing, see `truth.references`
QUESTIONS = ("person", "parts", "background", "pointing")  # of `truth.readings`


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


def draw_looked(found: Sequence[Looked], caption: str = "") -> Figure:
    """A column for each question, a line for each source; maps that know nothing are grey."""
    import matplotlib.pyplot as plt

    style()
    questions = list(dict.fromkeys(one.question for one in found))
    lines = list(dict.fromkeys((one.claim, one.scene, one.source, one.stale) for one in found))
    figure, grid = plt.subplots(
        1, len(questions), figsize=(1.9 * len(questions) + 1.6, 0.22 * len(lines) + 0.7),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axes, question in zip(grid[0], questions):
        for one in (one for one in found if one.question == question):
            y = lines.index((one.claim, one.scene, one.source, one.stale))
            hue = "0.6" if one.blind else COLOURS[0]
            axes.plot([one.low, one.high], [y, y], color=hue, linewidth=1.4)
            axes.plot(one.mean, y, "|" if one.blind else "o", color=hue, markersize=5)
        axes.set(title=question, ylim=(len(lines) - 0.5, -0.5))
    names = [f"{c} {scene}: {source}{' !' * stale}" for c, scene, source, stale in lines]
    grid[0, 0].set_yticks(range(len(lines)), names, fontsize=7)
    tell(figure, "", caption)
    return figure
