"""Embeddings that `reid evaluate --save-embeddings` kept: who is near whom."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reidlib.cli.common import Json, example, table, tell
from reidlib.errors import ReidError


class Kind(StrEnum):
    exact = "exact"
    hnsw = "hnsw"
    ivf = "ivf"


def search(
    folder: Annotated[Path, typer.Argument(help="Folder of embeddings.")],
    row: Annotated[int, typer.Argument(help="Tracklet to look for: its row in the data set.")],
    k: Annotated[int, typer.Option(help="How many of the nearest.")] = 10,
    kind: Annotated[
        Kind, typer.Option(help="exact, or approximate through faiss: hnsw, ivf.")
    ] = Kind.exact,
    effort: Annotated[
        int | None, typer.Option(help="What an approximate search spends; recall grows with it.")
    ] = None,
    json: Json = False,
) -> None:
    """List the tracklets nearest to one, out of saved embeddings; nothing is left out but itself.

    That is a search, not a score: people and cameras are told, not judged by.
    """
    import numpy as np

    from reidlib.evaluation import distances
    from reidlib.store import load

    kept = load(folder)
    rows, metric = kept.rows.tolist(), kept.record["test"]["distance"]
    if row not in rows:
        raise ReidError(
            f"{folder} has no row {row}; it holds {len(rows)} tracklets, rows {min(rows)} to "
            f"{max(rows)}"
        )
    if not 1 <= k < len(rows):
        raise ReidError(f"the {k} nearest of {len(rows) - 1} others: k is from 1 to their number")
    asked = kept.embeddings[[rows.index(row)]]
    if kind is Kind.exact:
        far = distances(asked, kept.embeddings, metric)[0]
        order = np.argsort(far, kind="stable")
        near = [(int(i), float(far[i])) for i in order if rows[i] != row][:k]
    else:
        from reidlib.search import Index

        index = Index(kept.embeddings, kind.value, metric, effort=effort)  # type: ignore[arg-type]
        found = index.search(asked, k + 1)
        pairs = zip(found.rows[0].tolist(), found.distances[0].tolist())
        near = [(i, far) for i, far in pairs if i >= 0 and rows[i] != row][:k]
    result: list[dict[str, Any]] = [
        {
            "row": rows[i],
            "person": int(kept.pids[i]),
            "camera": int(kept.camids[i]) + 1,
            "distance": far,
        }
        for i, far in near
    ]
    lines = [
        [str(rank), *map(str, list(x.values())[:3]), f"{x['distance']:.6f}"]
        for rank, x in enumerate(result, 1)
    ]
    who = rows.index(row)
    text = f"query: row {row}, person {int(kept.pids[who])}, camera {int(kept.camids[who]) + 1}\n"
    tell(result, text + table(lines, ["rank", "row", "person", "camera", "distance"]), json)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid search embeddings 120 --k 5"))(search)
