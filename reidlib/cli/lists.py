"""What there is: recipes and equations, as lists."""

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
    paper: Annotated[
        str | None, typer.Argument(help="Only this paper or table, e.g. SINet, rgsa-2.")
    ] = None,
    json: Json = False,
) -> None:
    """List every recipe: the papers, the rows of their tables, and the controls (+)."""
    from reidlib.recipes import PAPERS
    from reidlib.recipes import recipes as known

    places = [(r, at, row) for r in known().values() for at, row in ((r.table, r.row), *r.also)]
    chosen = [place for place in places if _is(place[0].paper, paper) or place[1] == paper]
    if not chosen:
        tables = dict.fromkeys(at for _, at, _ in places if at)
        raise ReidError(
            f"no recipe is of a paper or table {paper!r}; there are {', '.join(PAPERS.values())}; "
            f"{', '.join(tables)}"
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
        for r, at, row in chosen
    ]
    rows = [[x["name"], x["table"], _row(x), x["base"] or "-", x["summary"]] for x in result]
    tell(result, table(rows, ["recipe", "table", "row", "against", "what changes"]), json)


def _row(one: dict[str, Any]) -> str:
    """A row as printed. Controls are ours: what changes says all there is to say."""
    return "(+)" if one["control"] else str(one["row"])


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
    rows = [[x["paper"], x["number"], x["path"], x["test"], x["statement"]] for x in result]
    tell(result, table(rows, ["paper", "equation", "where", "test", "what it says"]), json)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid recipes SINet", "reid recipes --json"))(recipes)
    app.command(epilog=example("reid equations TRSA"))(equations)
