"""What the models looked at: drawn from the records of mechanisms, stale ones marked."""

from __future__ import annotations

from typing import ClassVar

import pytest
from matplotlib import pyplot as plt

from reidlib.seeing.looked import draw_looked, looked
from reidlib.seeing.truth import Estimate, estimate


class Told:
    """As much of a mechanism's record as is asked for here."""

    cells: ClassVar = [
        {"scene": "street", "source": source, "question": question, "values": {"3": x, "5": y}}
        for source, question, x, y in (
            ("sinet", "person", 0.5, 0.7), ("even", "person", 0.3, 0.3), ("sinet", "iou", 0.1, 0.2),
        )
    ]  # fmt: skip

    def stale(self) -> str:
        return "the data are others now"

    def estimate(self, scene: str, question: str, of: str) -> Estimate:
        cell = next(c for c in self.cells if (c["source"], c["question"]) == (of, question))
        return estimate(list(cell["values"].values()), [3, 5])


def test_what_was_looked_at() -> None:
    found = looked({"S8": Told()})
    assert [(one.source, one.question, one.blind) for one in found] == [
        ("sinet", "person", False), ("even", "person", True),
    ]  # fmt: skip
    assert found[0].mean == pytest.approx(0.6)
    assert found[0].low < found[0].mean < found[0].high
    axes = draw_looked(found).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "S8 street: sinet !", "S8 street: even !",
    ]  # fmt: skip
    assert axes.get_title() == "person"
    assert looked({}) == ()
    plt.close("all")
