"""The papers' figures, drawn from trained runs."""

from __future__ import annotations

import json as jsons
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import Json, Root, With, assignments, example, tell
from reidlib.cli.runs import PICTURES, reopen
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.data.tracklets import TrackletDataset
    from reidlib.seeing.arms import Arm, Drawn
    from reidlib.seeing.cams import Cam
    from reidlib.seeing.catalogue import Entry


def figure(
    name: Annotated[str, typer.Argument(help="Which figure; --list names them.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Picture to write (.png, .svg, .pdf, .jpg).")
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(help="Trained runs in the order of the rows: folders, by commas."),
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of run records; default: data/results.")
    ] = None,
    root: Root = None,
    options: With = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Size of an architecture: smoke, laptop, fine, paper (default)."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Kind of class activation map: grad_cam, layer_cam, ...")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Score that the map explains: similarity, cosine, pooled or identity."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Name every figure, one a line.")] = False,
    json: Json = False,
) -> None:
    """Draw a figure of a paper, and leave the numbers that judge it beside it (.json).

    Without --run the shipped weights are shown. Promenade is rendered anew in the scenario that
    the figure is about, with few people of the test; --with changes that (size=small for all).
    Other data are those of the last run. --method and --target are for figures of class activation
    maps, --profile is for architectures.
    """
    from reidlib.files import write_text
    from reidlib.seeing.catalogue import FIGURES, document, entry

    if listed:
        plain = {key: {"summary": x.summary, "recipes": x.recipes} for key, x in FIGURES.items()}
        tell(plain, "\n".join(f"{key:<24} {x.summary}" for key, x in FIGURES.items()), json)
        return
    if not name:
        raise ReidError("which figure? `reid figure --list` names them")
    chosen = entry(name)
    if out is None:
        ends = ", ".join(f".{one}" for one in PICTURES)
        raise ReidError(f"--out says where {name} goes: a name that ends in one of {ends}")
    kind = out.suffix.lstrip(".").lower()
    if kind not in PICTURES:
        raise ReidError(f"{out} is no picture: its name ends in one of {', '.join(PICTURES)}")
    changes = assignments(options)
    asked = {"--run": run, "--records": records, "--root": root, "--with": changes,
             "--profile": profile, "--method": method, "--target": target}  # fmt: skip
    _refuse(name, chosen, [option for option, value in asked.items() if value])
    cam = _cam(chosen, method, target)
    beside = out.with_suffix(".json")
    _check_places(out, beside)
    how = {"cam": cam} if cam else {"how_big": profile or "paper"}
    arms, dataset, drawn = _draw(name, chosen, run, records, root, changes, how)
    _save(drawn, out, kind)
    found = document(name, drawn, arms, dataset, asdict(cam) if cam else None)
    write_text(beside, jsons.dumps(found, indent=1, allow_nan=False) + "\n")
    tell(found, "\n".join([f"{name}: {out}", f"numbers: {beside}", *drawn.words]), json)


def _refuse(name: str, chosen: Entry, asked: list[str]) -> None:
    """A ReidError for the first option that the figure would have to ignore."""
    from reidlib.seeing.catalogue import FIGURES

    drawn = chosen.kind == "models"
    takes = {
        "--run": drawn and bool(chosen.recipes),
        "--records": chosen.kind in ("records", "truth"),
        "--root": drawn,
        "--with": drawn,
        "--profile": chosen.kind == "recipe",
        "--method": chosen.cam,
        "--target": chosen.cam,
    }
    refused = next((option for option in asked if not takes[option]), None)
    if refused is None:
        return
    maps = ", ".join(key for key, x in FIGURES.items() if x.cam)
    why = {
        "--run": "shows no trained model",
        "--records": "is not drawn from records",
        "--root": "is drawn without a data set",
        "--with": "is drawn without a data set",
        "--profile": "shows no network of a chosen size",
        "--method": f"has no class activation maps ({maps} have)",
        "--target": f"has no class activation maps ({maps} have)",
    }[refused]
    remedy = f"leave {refused} out"
    if refused == "--profile" and takes["--run"]:
        why = "shows trained weights, whose profile is that of their run"
        remedy = "give --run with runs of another profile instead of --profile"
    raise ReidError(f"{name} {why}; {remedy}")


def _cam(chosen: Entry, method: str | None, target: str | None) -> Cam | None:
    """The map to show, for a figure that leaves the choice."""
    from reidlib.seeing.cams import GRAD_CAM, Cam

    if not chosen.cam:
        return None
    return Cam(method or GRAD_CAM.method, target or GRAD_CAM.target)


def _check_places(out: Path, beside: Path) -> None:
    """Raise a ReidError, before anything is computed, where picture or numbers cannot go."""
    from reidlib.files import writable_folder

    for path in (out, beside):
        if path.is_dir():
            raise ReidError(f"{path} is a folder; --out needs the name of a picture")
    if not out.parent.is_dir():
        raise ReidError(f"there is no folder {out.parent} for {out.name}; make it, or name another")
    writable_folder(out.parent)
    if beside.exists() and not _ours(beside):
        raise ReidError(
            f"{beside} would be overwritten and is no figure's numbers; give --out another name"
        )


def _ours(path: Path) -> bool:
    """Whether this command wrote the file: it says which figure its numbers are of."""
    try:
        found = jsons.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "figure" in found


def _draw(
    name: str,
    chosen: Entry,
    run: list[str] | None,
    records: Path | None,
    root: Path | None,
    changes: dict[str, Any],
    how: dict[str, Any],
) -> tuple[list[Arm], TrackletDataset | None, Drawn]:
    from reidlib.seeing import catalogue

    if chosen.kind == "records":
        return [], None, chosen.function(catalogue.records(records))
    if chosen.kind == "truth":
        return [], None, chosen.function(catalogue.truth(records))
    if chosen.kind == "recipe":
        arms = [catalogue.untrained(chosen.recipes[0], how["how_big"])]
        return arms, None, chosen.function(arms, None)
    paths = [Path(part) for given in run or () for part in given.split(",") if part]
    arms, data = _arms(name, chosen, paths)
    if data is None:
        from reidlib.data.promenade import load

        dataset = load(**{"height": 128, "width": 64, **chosen.data(), **changes})
    else:
        about = chosen.data() if data["name"] == "promenade" else {}
        dataset = reopen(data, root, {**about, **changes})
    return arms, dataset, chosen.function(arms, dataset, **(how if chosen.cam else {}))


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
    """Without a date, and with text as text: the same figure is the same file."""
    import matplotlib as mpl

    from reidlib.files import whole_file

    dateless = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    look: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "reidlib"}
    with mpl.rc_context(look), whole_file(out) as temporary:
        drawn.figure.savefig(
            temporary, format=kind, dpi=160, bbox_inches="tight", pad_inches=0.1, metadata=dateless
        )


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid figure sinet-6 --run runs/base,runs/sbm --out sinet-6.png"))(
        figure
    )
