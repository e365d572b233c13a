"""SINet's Figures 1, 5, 6 and 7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.records import Record
from reidlib.seeing.arms import (
    Arm,
    Drawn,
    caption,
    first_median_worst,
    gather,
    queries,
    rule,
)
from reidlib.seeing.attention import Seen, position_maps, silhouette, suppression
from reidlib.seeing.cams import GRAD_CAM, Cam
from reidlib.seeing.drawing import Cell, picture, sheet
from reidlib.seeing.figures import RIGHT, WRONG
from reidlib.seeing.papers.common import frame_row, heads, maps_sheet, on_frames
from reidlib.seeing.papers.sweep import draw_sweeps
from reidlib.seeing.ranking import Ranking, rank_all
from reidlib.seeing.truth import estimate, mass


def salient_to_broad(arms: Sequence[Arm], dataset: TrackletDataset, cam: Cam = GRAD_CAM) -> Drawn:
    """Figures 1 and 6: CAM per frame, other methods above SBM; does it go from salient to broad?"""
    people = queries(dataset)
    cam.check(dataset, people)
    drawn = maps_sheet(
        arms,
        dataset,
        people,
        cam.maps,
        title="SINet, Figures 1 and 6: class activation maps, frame by frame",
        slots=("parts", "breadth", "background"),
        note=f"{cam.told}. Later frames should light more of the body, and no more background.",
    )
    for arm in arms:
        for site, maps in position_maps(arm.model).items():
            truth = dataset.truth
            if truth is not None:
                masks = [truth.read(t, [len(t) // 2])["mask"] for t in queries(dataset)]
                found = silhouette(maps, torch.cat(masks))
                drawn.numbers[arm.name][f"position maps of {site}"] = found
    return drawn


def suppressions(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 6, inside: what each SBM takes from the latter frames, 1 - S."""
    arm = arms[-1]
    found = gather(arm, dataset, queries(dataset), _first_suppression)
    removed = [1 - maps for maps in found.maps]
    chosen = first_median_worst(_on_person(found.seen, removed))
    seen = [found.seen[i] for i in chosen]
    kept = [suppression(arm.model, s.output) for s in seen]
    rows = [frame_row(seen)]
    for site in kept[0]:
        rows.append([c for s, maps in zip(seen, kept) for c in _dimmed(s, maps[site][:1])])
    numbers: dict[str, Any] = {}
    for site in kept[0]:
        maps = torch.cat([suppression(arm.model, s.output)[site] for s in found.seen])
        owners = [s.tracklet.raw_pid for s in found.seen]
        dimmed = (maps < 1).double().mean(dim=(1, 2, 3))
        numbers[site] = {"cells dimmed": str(estimate(dimmed, owners)),
                         "kept": float(maps.mean())}  # fmt: skip
    t = seen[0].places.shape[1]
    lines = [f"{site}: dims {n['cells dimmed']} of all cells" for site, n in numbers.items()]
    note = (
        f"{rule(len(found.seen), len(chosen))} by what the first SBM takes from the visible "
        "person. Lit: what is dimmed, 1 - S."
    )
    return Drawn(
        sheet(
            rows,
            names=["input", *(f"SBM at {site}" for site in kept[0])],
            heads=heads(seen, t),
            gaps=[t * n - 1 for n in range(1, len(chosen))],
            title="SINet: suppression maps of the three SBM",
            caption=caption(dataset, [arm], note, "; ".join(lines) + "."),
        ),
        numbers,
    )


def _dimmed(seen: Seen, weights: torch.Tensor) -> list[Cell | None]:
    """1 - S over the latter frames; the former ones, which lose nothing, as they are."""
    plain, under = frame_row([seen]), on_frames(seen, 1 - weights)
    return [b if (s < 1).any() else a for a, b, s in zip(plain, under, weights[0])]


def _first_suppression(arm: Arm, dataset: TrackletDataset, seen: Seen) -> torch.Tensor:
    return next(iter(suppression(arm.model, seen.output).values()))


def _on_person(seen: Sequence[Any], maps: Sequence[torch.Tensor]) -> np.ndarray:
    if not seen[0].truth:
        return np.full(len(seen), np.nan)
    shares = [mass(s.flat(m), s.truth["visible"]).nanmean() for s, m in zip(seen, maps)]
    return torch.stack(shares).numpy()


def lookalikes(arms: Sequence[Arm], dataset: TrackletDataset, k: int = 6) -> Drawn:
    """Figure 7: look-alike queries, each model's list under the other; right and wrong framed."""
    if len(arms) < 2:
        raise ReidError("sinet-7 compares two models: give the baseline and SINet")
    lists = [rank_all(*arm_of(arm, dataset), k=k, progress=False) for arm in arms]
    family = _families(dataset)
    alike = [i for i, t in enumerate(dataset.query) if family.get(t.pid)]
    pool = alike or list(range(len(dataset.query)))
    score = [sum(r / (n + 1) for n, r in enumerate(lists[0][i].right)) for i in pool]
    chosen = [pool[i] for i in first_median_worst(score)]
    rows, names = [], []
    for i in chosen:
        for arm, ranked in zip(arms, lists):
            rows.append(_list_row(ranked[i], dataset, k))
            names.append(arm.name)
    numbers = {
        arm.name: {
            "first right": float(np.mean([ranked[i].right[0] for i in pool])),
            "queries": len(pool),
            "wrong firsts of the family": _misled(ranked, pool, family),
        }
        for arm, ranked in zip(arms, lists)
    }
    of = "queries with look-alikes" if alike else "queries (nobody here has look-alikes)"
    lines = [f"{n}: first right {v['first right']:.2f}, first wrong and of the family "
             f"{v['wrong firsts of the family']:.2f}" for n, v in numbers.items()]  # fmt: skip
    return Drawn(
        sheet(
            rows,
            names=names,
            heads=["query", *(f"{n + 1}" for n in range(k))],
            title="SINet, Figure 7: ranked lists of look-alikes",
            gaps=[0],
            caption=caption(
                dataset,
                arms,
                f"Of {len(pool)} {of} the first, the median and the worst for {arms[0].name}; "
                "green right, orange wrong.",
                "; ".join(lines) + ".",
            ),
        ),
        numbers,
    )


def arm_of(arm: Arm, dataset: TrackletDataset) -> tuple[Any, ...]:
    """The arguments of `rank_all`."""
    return arm.model, dataset, arm.recipe, arm.profile


def _families(dataset: TrackletDataset) -> dict[int, int]:
    """Person -> number of the look-alike family, 0 for none; of everybody in query and gallery."""
    if dataset.truth is None:
        return {}
    first = {t.pid: t for t in (*dataset.query, *dataset.gallery) if t.pid > 0}
    return {pid: int(dataset.truth.read(t, [0])["family"]) for pid, t in first.items()}


def _misled(ranked: Sequence[Ranking], pool: Sequence[int], family: dict[int, int]) -> float:
    """Share of queries whose first match is wrong and of the query's own family."""
    bad = 0
    for i in pool:
        own, first = family.get(ranked[i].query.pid, 0), ranked[i].matches[0].pid
        bad += not ranked[i].right[0] and own > 0 and family.get(first) == own
    return bad / len(pool)


def _list_row(found: Ranking, dataset: TrackletDataset, k: int) -> list[Cell | None]:
    def cell(tracklet: Tracklet, border: str, text: str) -> Cell:
        frame = dataset.frames.read(tracklet, [len(tracklet) // 2])[0]
        return Cell(picture(frame), text=text, border=border)

    row: list[Cell | None] = [cell(found.query, "", f"id {found.query.raw_pid}")]
    for match, right in zip(found.matches, found.right):
        other = f"id {match.raw_pid}" if match.pid > 0 else "distractor"
        word = "right" if right else f"wrong, {other}"
        row.append(cell(match, RIGHT if right else WRONG, word))
    return row + [None] * (k + 1 - len(row))


def sweeps(records: Sequence[Record]) -> Drawn:
    """Figure 5: mAP and rank-1 over the kernel k and over the reduction r, from run records."""
    kernels = {"sinet-fig5a/1": 1, "sinet-2/sbm": 3, "sinet-fig5a/5": 5, "sinet-fig5a/7": 7}
    ratios = {"sinet-fig5b/2": 2, "sinet-2/idm": 4, "sinet-fig5b/8": 8, "sinet-fig5b/16": 16}
    return draw_sweeps(
        records,
        [("SBM's kernel", "k", kernels), ("IDM's reduction", "r", ratios)],
        "SINet, Figure 5",
    )
