"""What the models looked at: drawn from the records of mechanisms, stale ones marked."""

from __future__ import annotations

from typing import ClassVar

import pytest
from matplotlib import pyplot as plt

from reidlib.errors import ReidError
from reidlib.experiments.looking import maps_sheet
from reidlib.experiments.mechanisms.records import TruthRecord
from reidlib.seeing.looked import curves, draw_looked, goes, judged, looked
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
        "S8 street: sinet !",
    ]  # fmt: skip
    assert axes.get_title() == "person"
    even = next(line for line in axes.lines if line.get_label() == "even")
    assert even.get_xydata().tolist() == [[0.3, 0.0]]  # on the model's line
    assert looked({}) == ()
    plt.close("all")


def record(*cells: tuple[str, str, str, float, float]) -> TruthRecord:
    """Answers of people 3 and 5: (scene, source, question, one, the other)."""
    return TruthRecord(
        claim="T5", rule="", setting={"options": {"world": 0}, "profile": "fine", "people": 2},
        data={"version": "0", "scenes": {"street": "0"}}, models={}, numbers={}, words=[],
        cells=[{"scene": s, "source": o, "question": q, "values": {"3": a, "5": b}, "count": 2}
               for s, o, q, a, b in cells],
        machine={}, code={"version": "0", "commit": None, "sources": {}},
    )  # fmt: skip


def test_curves_of_deletion_are_read_back_in_the_order_of_shares() -> None:
    one = record(
        *(("street", *rest) for rest in (
            ("sam", "deletion", 0.5, 0.6), ("sam", "deletion at 1", 0.1, 0.3),
            ("sam", "deletion at 0", 1.0, 1.0), ("sam", "deletion at 0.5", 0.6, 0.8),
            ("sam, random map", "insertion at 0", 0.1, 0.1), ("sam", "iou", 0.1, 0.1),
        ))
    )  # fmt: skip
    found = goes({"T5": one})
    assert [(c.source, c.way) for c in found] == [
        ("sam", "deletion"),
        ("sam, random map", "insertion"),
    ]
    assert found[0].share == (0.0, 0.5, 1.0)
    assert found[0].mean == pytest.approx((1.0, 0.7, 0.2))
    assert found[0].low[2] == pytest.approx(0.1)
    drawn = curves({"T5": one})
    lines = drawn.figure.axes[0].lines
    assert lines[0].get_xydata()[:, 1].tolist() == pytest.approx([1.0, 0.7, 0.2])
    assert drawn.numbers["T5, sam, deletion"]["mean"] == pytest.approx([1.0, 0.7, 0.2])
    assert drawn.figure.axes[0].get_title() == "sam: deletion\nT5, street !"  # its data are old
    plt.close("all")


@pytest.mark.parametrize("draw", [curves, judged])
def test_nothing_measured_is_told_in_one_sentence(draw) -> None:
    with pytest.raises(ReidError, match="reid truth"):
        draw({})


def test_maps_in_a_sheet_stand_scene_by_scene_with_the_blind_ones_last() -> None:
    one = record(
        *((scene, source, question, 0.2, 0.4) for scene in ("clean", "street")
          for source in ("even", "sam") for question in ("iou", "person")),
    )  # fmt: skip
    sheet = maps_sheet({"T5": one})
    assert [row[1:3] for row in sheet.rows] == [
        ("clean", "sam"), ("clean", "even"), ("street", "sam"), ("street", "even"),
    ]  # fmt: skip
    row = dict(zip(sheet.header, sheet.rows[0]))
    assert row["claim"] == "T5 !"  # its data are old
    assert (row["person"], row["occluder"]) == ("0.300 [0.200, 0.400]", "-")
    assert "reid truth" in maps_sheet({}).notes[0]
