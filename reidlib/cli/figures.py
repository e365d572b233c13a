"""The papers' figures, drawn from trained runs."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import Json, Root, With, assignments, example, tell
from reidlib.cli.runs import PICTURES, reopen
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.data.tracklets import TrackletDataset
    from reidlib.seeing.arms import Arm, Drawn
    from reidlib.seeing.catalogue import Entry


def figure(
    name: Annotated[str, typer.Argument(help="Which figure; --list names them.")] = "",
    out: Annotated[Path | None, typer.Option(help="Picture to write (.png, .svg, .pdf).")] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(help="Trained runs in the order of the rows: folders, by commas."),
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of run records; default: data/results.")
    ] = None,
    root: Root = None,
    options: With = None,
    listed: Annotated[bool, typer.Option("--list", help="Name every figure, one a line.")] = False,
    json: Json = False,
) -> None:
    """Draw a figure of a paper, and leave the numbers that judge it beside it (.json).

    Without --run the shipped weights are shown. Promenade is rendered anew in the scenario that
    the figure is about, with few people of the test; --with changes that (size=small for all).
    Other data are those of the last run.
    """
    from reidlib.files import write_text
    from reidlib.seeing.catalogue import FIGURES, document, entry

    if listed:
        plain = {key: {"summary": x.summary, "recipes": x.recipes} for key, x in FIGURES.items()}
        tell(plain, "\n".join(f"{key:<24} {x.summary}" for key, x in FIGURES.items()), json)
        return
    chosen = entry(name)
    if out is None:
        raise ReidError(f"--out says where {name} goes: a name that ends in .png, .svg or .pdf")
    kind = out.suffix.lstrip(".").lower() or "png"
    if kind not in PICTURES:
        raise ReidError(f"{out} is no picture: its name ends in one of {', '.join(PICTURES)}")
    arms, dataset, drawn = _draw(name, chosen, run, records, root, assignments(options))
    _save(drawn, out, kind)
    found = document(name, drawn, arms, dataset)
    beside = out.with_suffix(".json")
    write_text(beside, jsons.dumps(found, indent=1, allow_nan=False) + "\n")
    tell(found, "\n".join([f"{name}: {out}", f"numbers: {beside}", *drawn.words]), json)


def _draw(
    name: str,
    chosen: Entry,
    run: list[str] | None,
    records: Path | None,
    root: Path | None,
    changes: dict[str, Any],
) -> tuple[list[Arm], TrackletDataset | None, Drawn]:
    from reidlib.seeing import catalogue

    if chosen.kind == "records":
        return [], None, chosen.function(catalogue.records(records))
    if chosen.kind == "truth":
        return [], None, chosen.function(catalogue.truth(records))
    if chosen.kind == "recipe":
        arms = [catalogue.untrained(chosen.recipes[0])]
        return arms, None, chosen.function(arms, None)
    paths = [Path(part) for given in run or () for part in given.split(",") if part]
    arms, data = _arms(name, chosen, paths)
    if data is None:
        from reidlib.data.promenade import load

        dataset = load(**{"height": 128, "width": 64, **chosen.data(), **changes})
    else:
        about = chosen.data() if data["name"] == "promenade" else {}
        dataset = reopen(data, root, {**about, **changes})
    return arms, dataset, chosen.function(arms, dataset)


def _arms(name: str, chosen: Entry, paths: list[Path]) -> tuple[list[Arm], dict[str, Any] | None]:
    """The models to show: those named, or those shipped; and the data of the last."""
    from reidlib.seeing.arms import load_arm, shipped

    if not chosen.recipes and not paths:
        return [], None
    if not paths:
        found = {one: shipped(one) for one in chosen.recipes}
        missing = [one for one, path in found.items() if path is None]
        if missing:
            raise ReidError(
                f"there are no shipped weights of {', '.join(missing)}; train "
                f"{', '.join(chosen.recipes)} with --profile fine and give "
                f"`reid figure {name} --run RUN{',RUN' * (len(chosen.recipes) - 1)}`"
            )
        paths = [path for path in found.values() if path is not None]
    loaded = [load_arm(path) for path in paths]
    return [arm for arm, _ in loaded], loaded[-1][1]


def _save(drawn: Drawn, out: Path, kind: str) -> None:
    from reidlib.files import whole_file

    with whole_file(out) as temporary:
        drawn.figure.savefig(temporary, format=kind, dpi=160, bbox_inches="tight", pad_inches=0.1)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid figure sinet-6 --run runs/base,runs/sbm --out sinet-6.png"))(
        figure
    )
