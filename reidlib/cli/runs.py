"""Runs: train one, score it, look at its rankings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import (
    Device,
    Json,
    Root,
    With,
    World,
    assignments,
    decode_for,
    example,
    find_device,
    open_data,
    tell,
)
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.checkpoints import About
    from reidlib.data.tracklets import Tracklet, TrackletDataset

PICTURES = ("png", "svg", "pdf", "jpg")
Run = Annotated[Path, typer.Argument(help="Folder of a run that `reid train` left.")]


def train(
    recipe: Annotated[str, typer.Argument(help="What to train; `reid recipes` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an unfinished one goes on.")],
    profile: Annotated[
        str, typer.Option(help="smoke, laptop, fine, pretrain or paper.")
    ] = "laptop",
    data: Annotated[
        str, typer.Option(help="promenade (built in), mars, ilids, prid, lsvid, duke, mars-layout.")
    ] = "promenade",
    root: Root = None,
    size: Annotated[str, typer.Option(help="Promenade people: tiny, small, mars.")] = "small",
    scenario: Annotated[str, typer.Option(help="Promenade's illnesses.")] = "street",
    world: World = 0,
    options: With = None,
    seed: Annotated[int, typer.Option(help="Of first weights, batches, augmentation.")] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="Weights to start the backbone from.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change the recipe or the profile: sampler.clips=2, profile.steps=100.",
        ),
    ] = None,
    device: Device = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew whatever is there.")] = False,
    json: Json = False,
) -> None:
    """Train a recipe, score it, leave a record. Stopped at any moment, it goes on when repeated."""
    from dataclasses import asdict

    from reidlib.recipes import profile as find_profile
    from reidlib.recipes import recipe as find_recipe
    from reidlib.recipes.core import plan
    from reidlib.recipes.edit import override
    from reidlib.run import check, run

    chosen, how_big = find_recipe(recipe), find_profile(profile)
    place = find_device(device) if device else None  # checked before anything is rendered
    for name, value in assignments(change).items():
        if name.startswith("profile."):
            how_big = override(how_big, name.removeprefix("profile."), value)
        else:
            chosen = override(chosen, name, value)
    height, width = plan(chosen, how_big).size
    check(chosen, how_big)
    asked = {"size": size, "scenario": scenario, "world": world, "height": height, "width": width}
    asked = asked if data == "promenade" else {"size": (height, width)}
    dataset = open_data(data, root, {**asked, **assignments(options)})
    dataset = decode_for(dataset, chosen, how_big)
    done = run(chosen, how_big, dataset, out, seed=seed, weights=weights, device=place, fresh=fresh)
    tell(asdict(done.record), f"{done.score}\nrecord: {done.path}", json)


def evaluate(
    run: Run,
    root: Root = None,
    options: With = None,
    ap: Annotated[str, typer.Option(help="hits or trapezoid.")] = "hits",
    unmatched: Annotated[str, typer.Option(help="Queries without a match: skip or zero.")] = "skip",
    tie: Annotated[str, typer.Option(help="stable, optimistic or pessimistic.")] = "stable",
    camera_rule: Annotated[
        str | None,
        typer.Option(help="same_id_same_cam, none, exclude_camera; default: the data's."),
    ] = None,
    shot: Annotated[
        str | None,
        typer.Option(
            "--single-gallery-shot",
            help="CMC with one gallery tracklet a person: draws (ten lots) or exact.",
        ),
    ] = None,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Re-rank by k-reciprocal neighbours first.")
    ] = False,
    save_embeddings: Annotated[
        Path | None,
        typer.Option(help="Folder to keep embeddings in; stopped, it goes on when repeated."),
    ] = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Score a trained run again: on the data it was trained on, or as --with says otherwise."""
    from reidlib.checkpoints import load_model
    from reidlib.evaluation import Rules
    from reidlib.extraction import evaluate as score_run

    rules: dict[str, Any] = {"ap": ap, "unmatched": unmatched, "tie": tie}
    as_trained = not (options or rerank or shot or camera_rule)
    as_trained &= (ap, unmatched, tie) == ("hits", "skip", "stable")
    rules |= {"single_gallery_shot": shot}
    if camera_rule is not None:
        rules["camera_rule"] = camera_rule
    Rules(**rules)  # a rule that does not exist is told now, not after the embedding
    model, about = load_model(run)
    dataset = reopen(about.data, root, assignments(options))
    dataset = decode_for(dataset, about.recipe, about.profile)
    place = find_device(device)
    score = score_run(
        model.to(place), dataset, about.recipe, about.profile, device=place,
        folder=save_embeddings, rerank=rerank, **rules,
    )  # fmt: skip
    beside = _beside(run, about, score.summary()["map"]) if as_trained and not json else ""
    tell(score.summary(), f"{score}{beside}", json)


def _beside(run: Path, about: About, found: float) -> str:
    """A line that holds a score against the run's record, where one lies beside it."""
    from reidlib.records import read_record, records_beside

    scored = about.data["settings"].get("scenario", about.data["name"])
    for path in records_beside(run, about.recipe.name, about.profile.name):
        with suppress(ReidError, FileNotFoundError):  # the score is found; nothing may lose it
            record = read_record(path)
            kept = record.scores.get(scored)
            if kept is None or (record.seed, record.data) != (about.seed, about.data):
                continue
            apart = 100 * (found - kept["map"])
            told = "the same" if abs(apart) < 0.005 else f"{apart:+.2f} points"
            return f"\nrecorded: mAP {100 * kept['map']:.2f}%; here {100 * found:.2f}%, {told}"
    return ""


def rank(
    run: Run,
    out: Annotated[Path, typer.Option(help="Picture to write (.png, .svg, .pdf).")],
    queries: Annotated[int, typer.Option(help="How many queries.")] = 4,
    k: Annotated[int, typer.Option(help="How many matches of each.")] = 8,
    root: Root = None,
    options: With = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Draw ranked lists: queries that go best, middling and worst, right and wrong marked."""
    from reidlib.checkpoints import load_model
    from reidlib.files import whole_file
    from reidlib.seeing.figures import style
    from reidlib.seeing.ranking import draw_rankings, rank_all, spread

    kind = out.suffix.lstrip(".").lower() or "png"
    if k < 1:
        raise ReidError(f"ask for at least one match of each query, not {k}")
    if kind not in PICTURES:
        raise ReidError(f"{out} is no picture: its name ends in one of {', '.join(PICTURES)}")
    model, about = load_model(run)
    dataset = reopen(about.data, root, assignments(options))
    dataset = decode_for(dataset, about.recipe, about.profile)
    place = find_device(device)
    ranked = rank_all(model.to(place), dataset, about.recipe, about.profile, k=k, device=place)
    chosen = spread(ranked, queries)
    style()
    figure = draw_rankings(chosen, dataset.frames)
    with whole_file(out) as temporary:
        figure.savefig(temporary, format=kind, dpi=160)
    result = [
        {
            "query": _named(r.query),
            "matches": [
                {**_named(match), "right": right, "distance": distance}
                for match, right, distance in zip(r.matches, r.right, r.distances, strict=True)
            ],
        }
        for r in chosen
    ]
    metric = "minus the cosine" if about.recipe.test.distance == "cosine" else "Euclidean"
    told = {"picture": str(out), "distance": metric, "rankings": result}
    tell(told, f"{len(chosen)} queries, {k} matches each: {out}", json)


def _named(tracklet: Tracklet) -> dict[str, Any]:
    """A tracklet as JSON."""
    first = tracklet.frames[0]
    return {"first_frame": first, "pid": tracklet.pid, "camera": tracklet.raw_camid}


def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="File to write (.safetensors).")],
    json: Json = False,
) -> None:
    """Write the backbone of a trained run to a file that `reid train --weights` starts from."""
    from reidlib.checkpoints import export_backbone
    from reidlib.weights import digest

    if out.suffix != ".safetensors":
        raise ReidError(f"{out} should end in .safetensors")
    count = export_backbone(run, out)
    result = {"file": str(out), "parameters": count, "sha256": digest(out)}
    tell(result, f"{count:,} numbers in {out}, sha256 {result['sha256']}", json)


def ship(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `reid train` wrote.")],
    json: Json = False,
) -> None:
    """Put trained models into data/checkpoints, each with its record, checksum and a quick check.

    Figures and notebooks load them from there.
    """
    from reidlib.shipping import ship as ship_one

    shipped = [ship_one(run) for run in runs]
    lines = [
        f"{one.path}: sha256 {one.told['sha256'][:16]}, {one.told['map']:.1%} mAP on the check"
        for one in shipped
    ]
    tell({str(one.path): one.told for one in shipped}, "\n".join(lines), json)


def reopen(data: dict[str, Any], root: Path | None, changes: dict[str, Any]) -> TrackletDataset:
    """The data set that a record or a model names, with some options changed."""
    from inspect import signature

    from reidlib.data import loader

    name, settings = data["name"], dict(data["settings"])
    known = {*signature(loader("mars" if name == "mars-layout" else name)).parameters, "min_frames"}
    kept = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k in known}
    if name == "promenade" and not changes.keys() & {"lengths", "people", "backdrop"}:
        _same_request(data, kept)
    if "scenario" in changes:
        kept.pop("strengths", None)  # those of the other scenario
    dataset = open_data(name, root, {**kept, **changes})
    if dataset.version != data["version"] and not changes:
        typer.echo(
            f"note: the data are at version {dataset.version}, the run saw {data['version']}; "
            "scores are not comparable",
            err=True,
        )
    return dataset


def _same_request(data: dict[str, Any], kept: dict[str, Any]) -> None:
    """Raise a ReidError where a record leaves out options that its data were made with."""
    from reidlib.data.promenade import VERSION, Settings, resolve

    if data["version"] != VERSION:
        return  # its digest cannot be made any more
    options = {k: v for k, v in kept.items() if k != "min_frames"}
    strengths, people = options.pop("strengths", None), options.pop("people", None)
    now, then = resolve(Settings(**options), strengths, people).digest(), data["settings"]["digest"]
    if now != then:
        raise ReidError(
            f"the run saw promenade {then} and what it recorded gives {now}: it was trained with "
            "lengths, people or backdrop of its own; repeat them, as in "
            "--with \"people={'test': 50}\""
        )


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid export runs/first --out backbone.safetensors"))(export)
    app.command(epilog=example("reid ship runs/sinet-fine runs/sbm-fine"))(ship)
    app.command(epilog=example("reid train baseline --out runs/first"))(train)
    app.command(epilog=example("reid evaluate runs/first --with scenario=clean"))(evaluate)
    app.command(epilog=example("reid rank runs/first --out ranking.png"))(rank)
