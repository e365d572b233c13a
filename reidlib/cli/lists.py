"""What there is: recipes, one recipe in full, the equations."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from reidlib.cli.common import Json, example, table, tell


def recipes(
    paper: Annotated[str | None, typer.Argument(help="Only this paper, e.g. SINet.")] = None,
    json: Json = False,
) -> None:
    """List every recipe: the papers, the rows of their tables, and the controls (+)."""
    from reidlib.recipes import recipes as known

    chosen = [
        r
        for r in known().values()
        if paper is None or paper.lower() in (r.paper.lower(), r.model, r.name.split("-")[0])
    ]
    rows = [
        [r.name, r.paper, r.table, ("(+) " if r.control else "") + r.row, r.summary] for r in chosen
    ]
    keys = ("name", "paper", "table", "row", "summary", "base", "control")
    result = [{key: getattr(r, key) for key in keys} for r in chosen]
    tell(result, table(rows, ["recipe", "paper", "table", "row", "what changes"]), json)


def show(
    name: Annotated[str, typer.Argument(help="A recipe; `reid recipes` lists them.")],
    profile: Annotated[str, typer.Option(help="smoke, laptop, fine or paper.")] = "laptop",
    json: Json = False,
) -> None:
    """Print everything a run of a recipe would do, with its parameters and multiply-adds."""
    from reidlib.build import build
    from reidlib.costs import claims, costs
    from reidlib.recipes import profile as find_profile
    from reidlib.recipes import recipe as find_recipe
    from reidlib.recipes.core import plan

    chosen, size = find_recipe(name), find_profile(profile)
    numbers = plan(chosen, size)
    built = build(chosen, size, num_classes=625, pretrained=False)
    cost = costs(built.model, numbers.frames, numbers.size)
    result: dict[str, Any] = {
        "recipe": asdict(chosen),
        "profile": asdict(size),
        "plan": {**asdict(numbers), "options": dict(numbers.options)},
        "costs": asdict(cost),
        "claims": [{**asdict(c), "reproduced": c.reproduced} for c in claims(chosen.paper)],
    }
    lines = [f"{chosen.name}: {chosen.summary}", ""]
    for part in ("recipe", "profile", "plan", "costs"):
        lines += [part, *(f"  {key:<18} {value}" for key, value in result[part].items()), ""]
    lines.append("costs: one clip, 625 training identities; a multiply-add counts once")
    for c in claims(chosen.paper):
        verdict = "reproduced" if c.reproduced else f"not reproduced{c.but and f' ({c.but})'}"
        numbered = f"printed {c.printed:.3f} G, here {c.ours:.3f} G: {verdict}"
        lines.append(f"  {c.what}, {c.convention}: {numbered}")
    tell(result, "\n".join(lines), json)


def equations(
    paper: Annotated[str | None, typer.Argument(help="Only this paper, e.g. TRSA.")] = None,
    json: Json = False,
) -> None:
    """List every numbered equation of the five papers with the function and the test of it."""
    from reidlib.equations import equations as known

    chosen = [e for e in known() if paper is None or paper.lower() == e.paper.lower()]
    rows = [[e.paper, str(e.number), e.path, e.statement] for e in chosen]
    result = [asdict(e) for e in chosen]
    tell(result, table(rows, ["paper", "equation", "where", "what it says"]), json)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid recipes SINet", "reid recipes --json"))(recipes)
    app.command(epilog=example("reid show sinet --profile paper"))(show)
    app.command(epilog=example("reid equations TRSA"))(equations)
