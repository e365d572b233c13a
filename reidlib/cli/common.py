"""What the commands share: how a result is told, and how a data set is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.data.tracklets import TrackletDataset

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
Data = Annotated[
    str, typer.Option(help="promenade (built in), mars, ilids, prid, lsvid or duke (your own copy).")
]
Root = Annotated[Path | None, typer.Option(help="Folder of your own copy of a real data set.")]
Size = Annotated[str, typer.Option(help="How many Promenade people: tiny, small or mars.")]
Scenario = Annotated[str, typer.Option(help="Promenade's illnesses: clean ... street.")]
World = Annotated[int, typer.Option(help="Seed of Promenade's people, cameras and walks.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; default: the best there is.")]


def example(*lines: str) -> str:
    """The examples under a command's --help, one a line."""
    return "**Example:** " + " , ".join(f"`{line}`" for line in lines)


def tell(result: Any, text: str, as_json: bool) -> None:
    """Print a result: `text` for people, JSON for scripts."""
    typer.echo(json.dumps(result, indent=1) if as_json else text)


def table(rows: list[list[str]], header: list[str]) -> str:
    """Plain columns, as wide as they need to be."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
    head = "  ".join(cell.ljust(w) for cell, w in zip(header, widths)).rstrip()
    return "\n".join([head, "  ".join("-" * w for w in widths), *lines])


def open_data(
    name: str,
    root: Path | None,
    *,
    size: str,
    scenario: str,
    world: int,
    height: int,
    width: int,
    evaluate: str = "test",
) -> TrackletDataset:
    """The data set a command names; the real ones need --root."""
    from reidlib.data import load_dataset

    if name == "promenade":
        if root is not None:
            raise ReidError("--root belongs to your own copy of a real data set; add --data mars")
        return load_dataset(
            name,
            size=size,
            scenario=scenario,
            world=world,
            height=height,
            width=width,
            evaluate=evaluate,
        )
    if root is None:
        raise ReidError(f"--data {name} needs --root, the folder of your own copy")
    return load_dataset(name, root)
