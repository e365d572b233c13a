"""What there is: recipes, one recipe in full, the equations."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from reidlib.cli.common import Json, example, table, tell
from reidlib.errors import ReidError


def _is(paper: str, asked: str | None) -> bool:
    """Whether `asked` names the paper, as printed or as in code, in any case; None names all."""
    from reidlib.recipes import PAPERS

    return asked is None or asked.lower() in (paper, PAPERS.get(paper, "").lower())


def recipes(
    paper: Annotated[str | None, typer.Argument(help="Only this paper, e.g. SINet.")] = None,
    json: Json = False,
) -> None:
    """List every recipe: the papers, the rows of their tables, and the controls (+)."""
    from reidlib.recipes import PAPERS
    from reidlib.recipes import recipes as known

    chosen = [r for r in known().values() if _is(r.paper, paper)]
    if not chosen:
        raise ReidError(
            f"no recipe is of a paper {paper!r}; there are {', '.join(PAPERS.values())}"
        )
    result: list[dict[str, Any]] = [
        {
            "name": r.name,
            "paper": PAPERS.get(r.paper, ""),
            "table": at,
            "row": row,
            "summary": r.summary,
            "base": r.base,
            "control": r.control,
        }
        for r in chosen
        for at, row in ((r.table, r.row), *r.also)
    ]
    rows = [
        [x["name"], x["paper"], x["table"], "(+) " * x["control"] + x["row"], x["summary"]]
        for x in result
    ]
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
    lines = [f"{chosen.name}: {chosen.summary}"]
    for part in ("recipe", "profile", "plan", "costs"):
        lines += ["", part]
        lines += [f"  {key:<18} {_brief(value)}" for key, value in result[part].items()]
    lines.append("")
    lines.append("costs: one clip, 625 training identities; a multiply-add counts once")
    for c in claims(chosen.paper):
        verdict = "reproduced" if c.reproduced else f"not reproduced{c.but and f' ({c.but})'}"
        numbered = f"printed {c.printed:.3f} G, here {c.ours:.3f} G: {verdict}"
        lines.append(f"  {c.what}, {c.convention}: {numbered}")
    tell(result, "\n".join(lines), json)


def _brief(value: Any) -> str:
    """Nested tables on one line, without brackets."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_brief(v)}" for key, v in value.items()) or "-"
    if isinstance(value, list | tuple):
        return "; ".join(_brief(v) for v in value) or "-"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)


def equations(
    paper: Annotated[str | None, typer.Argument(help="Only this paper, e.g. TRSA.")] = None,
    json: Json = False,
) -> None:
    """List every numbered equation of the five papers with the function and the test of it."""
    from reidlib.equations import equations as known
    from reidlib.recipes import PAPERS

    chosen = [e for e in known() if _is(e.paper, paper)]
    if not chosen:
        raise ReidError(f"no equation is of a paper {paper!r}; try {', '.join(PAPERS.values())}")
    result = [{**asdict(e), "paper": PAPERS[e.paper]} for e in chosen]
    rows = [[x["paper"], str(x["number"]), x["path"], x["statement"]] for x in result]
    tell(result, table(rows, ["paper", "equation", "where", "what it says"]), json)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid recipes SINet", "reid recipes --json"))(recipes)
    app.command(epilog=example("reid show sinet --profile paper"))(show)
    app.command(epilog=example("reid equations TRSA"))(equations)
