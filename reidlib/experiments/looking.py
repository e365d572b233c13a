"""Records of mechanisms as sheets: maps judged against the truth, and Table 3 of TACAN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reidlib.experiments.cells import NOT_RUN
from reidlib.experiments.forms import Sheet
from reidlib.experiments.printed_tables import DIAMETERS

if TYPE_CHECKING:
    from reidlib.experiments.mechanisms.records import TruthRecord
    from reidlib.seeing.truth import Estimate as OverPeople

DIAMETERS_TABLE, MAPS_TABLE = "tacan-3", "maps"  # as `reid table` calls them
QUESTIONS = (
    "person", "occluder", "background", "pointing", "iou", "parts", "breadth",
    "parts beyond breadth",
)  # of `reidlib.seeing.truth.readings`  # fmt: skip


def maps_sheet(records: Mapping[str, TruthRecord]) -> Sheet:
    """Every map that was judged: a row for each claim, scene and source, a column a question.

    Of FGRA, whose maps belong to regions, `reid truth F8` tells; sources that know nothing
    (random, even, centre) stand beneath the models of their scene.
    """
    rows: list[tuple[str, ...]] = []
    data: list[tuple[object, ...]] = []
    for claim, record in records.items():
        asked = [(c["scene"], c["source"]) for c in record.cells if c["question"] == "iou"]
        order = list(dict.fromkeys(scene for scene, _ in asked))
        asked.sort(key=lambda pair: (order.index(pair[0]), pair[1] in BLIND))  # stable
        for scene, source in dict.fromkeys(asked):
            found = [_asked(record, scene, question, source) for question in QUESTIONS]
            told = [_between(one) if one and one.identities else "-" for one in found]
            rows.append((claim + " !" * bool(record.stale()), scene, source, *told))
            data += [(claim, source, scene, question, *_over_people(one))
                     for question, one in zip(QUESTIONS, found)]  # fmt: skip
    notes = [
        "mean over people [95 % bootstrap interval over them], one trained model a row; shares of "
        "a map's mass on the visible person, on what stands in front (of frames in which something "
        "does), on the rest; pointing: its "
        "highest cell is on the person; iou: at the best threshold; parts: share of the visible "
        "body parts that is lit (above half of the maximum); breadth: share of the frame that is",
        "R7: Grad-CAM, and RGSA's own attention; S8: Grad-CAM, and what each SBM dims; T5: "
        "attention, of trsa-1/triplet what Eq. 1-2 make of its maps; random, even, centre: noise, "
        "the same everywhere, a blob in the middle; `reid truth F8 S10 S13` tells of regions, "
        "cues and silhouettes",
    ]
    if not rows:
        notes = ["`reid truth` measures maps, once their models are trained"]
    if any(record.stale() for record in records.values()):
        notes.append("!: stale, `reid truth` measures again")
    columns = ("claim", "recipe", "scene", "question", "mean", "low", "high", "people")
    header = ("claim", "scene", "map of", *QUESTIONS)
    title = "maps: what models look at, held against the truth"
    return Sheet(title, header, tuple(rows), tuple(notes), keys=3, data=(columns, *data))


BLIND = ("random", "even", "centre")  # maps that know nothing, see `truth.references`


def _asked(record: TruthRecord, scene: str, question: str, source: str) -> OverPeople | None:
    there = record.has(scene, question, source)
    return record.estimate(scene, question, source) if there else None


def diameters_sheet(truth: TruthRecord | None) -> Sheet:
    """TACAN's Table 3: diameters of five people as printed, and ours from the record of claim C5.

    Three of ours, mean over people: raw as printed, of unit vectors, and relative to the distance
    between people; only the last two can be compared across models.
    """
    kinds, models = ("raw", "unit", "relative"), ("tacan-1/ca", "tacan-1/minmax")
    rows: list[tuple[str, ...]] = []
    data: list[tuple[object, ...]] = []
    for (label, values), model in zip(DIAMETERS.items(), models):
        ours = [_diameter(truth, kind, model) for kind in kinds]
        told = [_between(found) if found else NOT_RUN for found in ours]
        rows.append((label, *(f"{value:.4f}" for value in values), *told))
        data += [(label, "", f"paper, sample {i}", value, None, None, None)
                 for i, value in enumerate(values, 1)]  # fmt: skip
        data += [(label, model, kind, *_over_people(found)) for kind, found in zip(kinds, ours)]
    columns = ("model", "recipe", "diameter", "mean", "low", "high", "people")
    header = ("model", *(f"sample {i}" for i in range(1, 6)), *(f"ours {kind}" for kind in kinds))
    notes = [
        "paper: five people of MARS, drawn by lot and not named",
        "ours: Promenade's test people in street, one trained model of the profile fine a row; "
        "mean over people, 95 % bootstrap interval over them",
        "raw: of embeddings as they come, which says nothing across models; unit: of vectors of "
        "length one; relative: raw, in mean distances between the means of people",
    ]
    if truth is None:
        notes = [f"`reid truth C5` measures ours, once {' and '.join(models)} are trained"]
    elif why := truth.stale():
        notes.append(f"stale, {why}")
    title = "tacan-3: TACAN, Table 3, largest distance within a person"
    return Sheet(title, header, tuple(rows), tuple(notes), data=(columns, *data))


def _diameter(truth: TruthRecord | None, kind: str, model: str) -> OverPeople | None:
    return truth.estimate("street", f"diameter, {kind}", model) if truth else None


def _over_people(found: OverPeople | None) -> tuple[object, ...]:
    return (found.mean, found.low, found.high, found.identities) if found else (None, None, None, 0)


def _between(found: OverPeople) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
