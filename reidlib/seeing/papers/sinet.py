"""SINet's Figures 1, 5, 6 and 7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from reidlib.data.tracklets import Tracklet, TrackletDataset
from reidlib.errors import ReidError
from reidlib.extraction import embed_subsets
from reidlib.records import Record
from reidlib.seeing.arms import Arm, Drawn, first_median_worst, gather, queries
from reidlib.seeing.attention import Seen, position_maps, silhouette, suppression
from reidlib.seeing.cams import GRAD_CAM, Cam
from reidlib.seeing.drawing import Cell, picture, sheet
from reidlib.seeing.figures import RIGHT, WRONG
from reidlib.seeing.health import faults
from reidlib.seeing.papers.common import frame_row, heads, maps_sheet, on_frames
from reidlib.seeing.papers.sweep import draw_sweeps
from reidlib.seeing.ranking import Ranking, rank_embeddings
from reidlib.seeing.truth import estimate, mass
from reidlib.seeing.words import caption, interval, keys, label, labels, outlined, rule

FOUND = 0.95  # a baseline whose first match is right more often leaves little to mend


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
        slots=("parts beyond breadth", "breadth", "background"),
        note=f"{cam.told}. Later frames should light more of the body, and no more background.",
    )
    for arm, key in zip(arms, keys(arms)):
        for site, maps in position_maps(arm.model).items():
            truth = dataset.truth
            if truth is not None:
                masks = [truth.read(t, [len(t) // 2])["mask"] for t in queries(dataset)]
                found = silhouette(maps, torch.cat(masks))
                drawn.numbers[key][f"position maps of {site}"] = found
    return drawn


def suppressions(arms: Sequence[Arm], dataset: TrackletDataset) -> Drawn:
    """Figure 6, inside: what each SBM takes from the latter frames, 1 - S."""
    arm = arms[-1]
    found = gather(arm, dataset, queries(dataset), _first_suppression)
    worth = _on_person(found.seen, [1 - maps for maps in found.maps])
    chosen = first_median_worst(worth)
    seen = [found.seen[i] for i in chosen]
    kept = [suppression(arm.model, s.output) for s in seen]
    rows = [frame_row(seen)]
    for site in kept[0]:
        rows.append([c for s, maps in zip(seen, kept) for c in _dimmed(s, maps[site][:1])])
    numbers = {site: _dimming(arm, found.seen, site) for site in kept[0]}
    frames = [s.flat(s.frames) for s in found.seen]
    words = faults(frames, embeddings={label(arm.recipe): found.embeddings()})
    for site in kept[0]:
        latter = torch.cat([s.output.maps[f"{site}.suppression"] for s in found.seen])
        words += idle(_sbm(site), latter)
    t = seen[0].places.shape[1]
    lines = [
        f"{_sbm(site)} dims {interval(n['cells dimmed'], '.3f')} of the cells of its latter frames"
        + (f"; of what it dims {interval(n['person'])} is the visible person, of a frame "
           f"{interval(n['person in a frame'])}" if "person" in n else "")
        for site, n in numbers.items()
    ]  # fmt: skip
    figure = sheet(
        rows,
        names=["input", *map(_sbm, kept[0])],
        heads=heads(seen, t),
        gaps=[t * n - 1 for n in range(1, len(chosen))],
        title="SINet: suppression maps of the three SBM",
        caption=caption(
            dataset,
            [arm],
            rule(worth, "the share of what the first SBM dims that lies on the visible person"),
            "Lit: what is dimmed, 1 - S. An SBM takes nothing from the former frames of a clip; "
            "these, and any others in which nothing is dimmed, are shown as they are. "
            + outlined(dataset),
            *(f"{line}." for line in lines),
            *words,
        ),
    )
    return Drawn(figure, numbers, words)


def _dimming(arm: Arm, seen: Sequence[Seen], site: str) -> dict[str, Any]:
    """How much an SBM dims of its latter frames, and where: beside what an even map would have on
    the person."""
    every = [suppression(arm.model, s.output)[site] for s in seen]
    latter = torch.cat([s.output.maps[f"{site}.suppression"] for s in seen])
    maps, owners = torch.cat(every), [s.tracklet.raw_pid for s in seen]
    dimmed = (latter < 1).double().mean(dim=(1, 2, 3))
    told = {"cells dimmed": asdict(estimate(dimmed, owners)), "kept": float(latter.mean())}
    if seen[0].truth:
        removed = 1 - maps.flatten(0, 1)
        visible = torch.cat([s.truth["visible"] for s in seen])
        people = [pid for s in seen for pid in s.identities]
        on, even = mass(removed, visible), mass(torch.ones_like(removed), visible)
        told["person"] = asdict(estimate(on, people))
        told["person in a frame"] = asdict(estimate(even[on.isfinite()], _of(people, on)))
    return told


def _of(people: Sequence[int], answers: torch.Tensor) -> list[int]:
    """Whose the frames with an answer are."""
    return [pid for pid, known in zip(people, answers.isfinite().tolist()) if known]


def _sbm(site: str) -> str:
    """layer3_1 -> SBM after block 1 of layer3."""
    stage, _, block = site.partition("_")
    return f"SBM after block {block} of {stage}" if block else f"SBM at {site}"


def idle(name: str, weights: torch.Tensor) -> list[str]:
    """Sentences on the weights S (..., h, w) of latter frames: not finite, nowhere below one."""
    flat = weights.detach().flatten(0, -3).flatten(1)
    broken = ~flat.isfinite().all(1)
    still = (flat >= 1).all(1) & ~broken
    found = []
    if broken.any():
        found.append(f"{name} is not finite in {int(broken.sum())} of {len(flat)} latter frames.")
    if still.all():
        found.append(f"{name} dims nothing: its row shows the frames as they are.")
    elif still.any():
        found.append(f"{name} dims nothing in {int(still.sum())} of {len(flat)} latter frames.")
    return found


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
    embedded = [embed_subsets(a.model, dataset, a.recipe, a.profile, progress=False) for a in arms]
    lists = [
        rank_embeddings(*found, dataset, arm.recipe.test.distance, k)
        for arm, found in zip(arms, embedded)
    ]
    family, names = _families(dataset), labels(arms)
    asked = [i for i, found in enumerate(lists[0]) if found.matches]
    if not asked:
        raise ReidError(f"{dataset.name} has no query with a gallery to rank")
    pool = [i for i in asked if family.get(dataset.query[i].pid)] or asked
    scores = np.array([[_worth(ranked[i]) for i in pool] for ranked in lists])
    chosen = first_median_worst(scores[0])
    added = differing(scores, chosen)
    shown = [pool[i] for i in [*chosen, *added]]
    numbers = {
        key: {
            "first right": float(np.mean([ranked[i].right[0] for i in pool])),
            "queries": len(pool),
            "wrong firsts of the family": _misled(ranked, pool, family),
        }
        for key, ranked in zip(keys(arms), lists)
    }
    pictured = {t.row: t for i in shown for ranked in lists
                for t in (ranked[i].query, *ranked[i].matches)}.values()  # fmt: skip
    frames = [dataset.frames.read(t, [len(t) // 2]) for t in pictured]
    words = faults(frames, embeddings={n: torch.cat(e) for n, e in zip(names, embedded)})
    of = (
        "queries with look-alikes"
        if pool is not asked
        else "queries (nobody here is known to have look-alikes)"
    )
    figure = sheet(
        [_list_row(ranked[i], dataset, k) for i in shown for ranked in lists],
        names=names * len(shown),
        heads=["query", *(f"{n + 1}" for n in range(k))],
        groups={len(arms) * n: () for n in range(1, len(shown))},
        title="SINet, Figure 7: ranked lists of look-alikes",
        gaps=[0],
        caption=caption(
            dataset,
            arms,
            rule(scores[0], f"how early {names[0]} ranks the right ones", "the").replace(
                "queries", of, 1
            ),
            "Below them the query on which the lists differ most by that measure." * len(added),
            "Green: right; orange: wrong.",
            *_outcome(names, list(numbers.values()), [[r[i] for i in shown] for r in lists]),
            *words,
        ),
    )
    return Drawn(figure, numbers, words)


def _worth(found: Ranking) -> float:
    """How early the right ones come: the sum of 1 / rank over those that are right."""
    return sum(right / (n + 1) for n, right in enumerate(found.right))


def differing(scores: np.ndarray, chosen: Sequence[int]) -> list[int]:
    """The query on which the models differ most, unless it is chosen or they never differ.

    scores: (models, queries).
    """
    apart = np.ptp(scores, axis=0)
    most = int(apart.argmax())
    return [most] if apart[most] > 0 and most not in chosen else []


def _outcome(
    names: Sequence[str], numbers: Sequence[dict[str, Any]], shown: Sequence[Sequence[Ranking]]
) -> list[str]:
    """What the lists come to, one line each; in words where there is nothing left to find."""
    told = [
        f"{name}: the first is right for {v['first right']:.1%} of {v['queries']} queries, wrong "
        f"and of the family for {v['wrong firsts of the family']:.1%}."
        for name, v in zip(names, numbers)
    ]
    if numbers[0]["first right"] >= FOUND:
        told.append(
            f"Nearly everybody is found by {names[0]} already, so these lists can say little about "
            "what the other one adds."
        )
    if all(found.right[0] for ranked in shown for found in ranked):
        told.append("In all the lists shown the first is right.")
    return told


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
