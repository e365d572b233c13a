"""What records say: the papers' tables beside ours, and a verdict on every claim."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import (
    Json,
    With,
    assignments,
    example,
    refuse,
    refuse_rendering,
    tell,
    typed,
)
from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.experiments.data import Data
    from reidlib.experiments.evidence import Evidence
    from reidlib.experiments.forms import Sheet
    from reidlib.experiments.verdicts import Verdict

Records = Annotated[Path | None, typer.Option(help="Folder of records [data/results].")]
Profile = Annotated[str, typer.Option(help="smoke, laptop, fine or paper.")]
DataName = Annotated[str, typer.Option(help="promenade, mars, ilids, prid, lsvid or duke.")]
TrainedOn = Annotated[str, typer.Option(help="Promenade's illnesses in training.")]
Size = Annotated[str, typer.Option(help="Promenade people: tiny, small, mars.")]


def table(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A table, e.g. sinet-3; `list` names them all.")],
    measure: Annotated[str, typer.Option(help="mAP, rank-1, rank-5, rank-10, rank-20.")] = "mAP",
    scored: Annotated[
        str, typer.Option(help="Scenario of the test, or all; default: of training.")
    ] = "",
    data: DataName = "promenade",
    scenario: TrainedOn = "street",
    size: Size = "small",
    options: With = None,
    profile: Profile = "laptop",
    records: Records = None,
    latex: Annotated[bool, typer.Option("--latex", help="For a paper (booktabs).")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For programs; `seeds` is worlds.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a page.")] = False,
    json: Json = False,
) -> None:
    """Print a paper's table: its numbers, ours from stored records, a verdict on each row.

    Besides the tables: `five-papers`, every method in every scenario; `strengths`, every method as
    one illness grows; `maps`, what models look at against the truth; `bounds`, printed numbers that
    their own protocol or paper rules out, and `disagreements`, rivals for whom the papers print
    different numbers.
    """
    from reidlib.experiments.data import Data
    from reidlib.experiments.forms import write
    from reidlib.experiments.scenes import EVERY
    from reidlib.experiments.tables import known
    from reidlib.experiments.writing import table_names

    chosen = [f for f, on in (("latex", latex), ("csv", csv), ("markdown", markdown)) if on]
    if len(chosen) + json > 1:
        raise ReidError("choose one of --latex, --csv, --markdown, --json")
    if name not in table_names():
        raise ReidError(f"no table {name!r}; there are {', '.join(table_names())}")
    _heeded(name, typed(ctx), data)
    known(measure)
    asked = Data(data, None, scenario, size, options=assignments(options))
    _check(asked, "" if scored == EVERY else scored, profile, records)
    if "--measure" in _takes(name):
        sheet, plain = _measured(name, _evidence(records, asked, profile), measure, scored)
    else:
        sheet = _printed(name, _folder(records), profile)
        plain = _sheet(sheet)
    tell(plain, write(sheet, *chosen), json)


def _printed(name: str, folder: Path, profile: str) -> Sheet:
    """A table that the papers print, or of measured maps."""
    from reidlib.experiments import looking
    from reidlib.experiments.mechanisms.records import load_truth
    from reidlib.experiments.printed_sheets import comparison_sheet
    from reidlib.experiments.tables import comparison
    from reidlib.experiments.writing import PAPERS_ALONE

    if name in PAPERS_ALONE:
        return PAPERS_ALONE[name]()
    if name == looking.DIAMETERS_TABLE:
        return looking.diameters_sheet(load_truth(folder).get("C5"))
    if name == looking.MAPS_TABLE:
        return looking.maps_sheet(load_truth(folder))
    return comparison_sheet(comparison(name, folder, profile))


def _measured(
    name: str, evidence: Evidence, measure: str, scored: str
) -> tuple[Sheet, dict[str, Any]]:
    """A table of our scores, for people and for scripts."""
    from reidlib.experiments import scene_sheets
    from reidlib.experiments.five_papers import METHODS, five_papers
    from reidlib.experiments.jobs import FIVE_PAPERS
    from reidlib.experiments.scenes import EVERY, by_scenario
    from reidlib.experiments.strengths import STRENGTHS_TABLE, strengths
    from reidlib.experiments.tables import ablation
    from reidlib.experiments.writing import ablation_sheet

    if name == STRENGTHS_TABLE:
        sheet = scene_sheets.strengths_sheet(strengths(evidence, measure))
        return sheet, _sheet(sheet)
    if name == FIVE_PAPERS:
        both = (five_papers(evidence, measure, own=own) for own in (False, True))
        chance = _chance(evidence, METHODS)
        sheet = _beneath(scene_sheets.five_papers_sheet(*both), chance)
        return sheet, {**_sheet(sheet), **chance}
    if scored == EVERY:
        if evidence.data.name != "promenade":
            raise ReidError(f"{evidence.data.name} has no scenarios: --scored all is for promenade")
        sheet = scene_sheets.scenes_sheet(by_scenario(name, evidence, measure))
        return sheet, _sheet(sheet)
    found = ablation(name, evidence, measure, scored)
    chance = _chance(evidence, [row.recipe for row in found.rows])
    return _beneath(ablation_sheet(found), chance), {**_plain(found), **chance}


def _beneath(sheet: Sheet, chance: dict[str, str]) -> Sheet:
    """The table with what to know of its noise as notes."""
    from dataclasses import replace

    return replace(sheet, notes=(*sheet.notes, *filter(None, chance.values())))


def verdicts(
    ctx: typer.Context,
    paper: Annotated[str | None, typer.Argument(help="Only this paper, e.g. SINet.")] = None,
    data: DataName = "promenade",
    scenario: TrainedOn = "street",
    size: Size = "small",
    options: With = None,
    profile: Profile = "laptop",
    records: Records = None,
    json: Json = False,
) -> None:
    """Say of every claim of the five papers whether the stored records bear it out, and why."""
    from collections import Counter

    from reidlib.experiments.data import Data
    from reidlib.experiments.second_look import caveats
    from reidlib.experiments.verdicts import verdicts as judge_all

    refuse_rendering(typed(ctx), data)
    asked = Data(data, None, scenario, size, options=assignments(options))
    _check(asked, "", profile, records)
    evidence = _evidence(records, asked, profile)
    every = judge_all(evidence)
    chosen = [v for v in every if paper is None or v.claim.paper.lower() == paper.lower()]
    if not chosen:
        papers = dict.fromkeys(v.claim.paper for v in every)
        raise ReidError(f"no claims of a paper {paper!r}; try {', '.join(papers)}")
    counts = Counter(v.told for v in chosen)
    total = ", ".join(f"{n} {word}" for word, n in counts.items())
    lines = [line for v in chosen for line in _told(v)]
    lines += ["", *(line for note in _legend(evidence) for line in _wrapped(note, 0)), ""]
    lines += _wrapped(f"{len(chosen)} claims: {total}", 0)
    back = [v.claim.id for v in chosen if v.taken_back]
    lines += _wrapped(f"not after Holm's correction: {', '.join(back)}", 0) if back else []
    lines += [line for told in caveats(chosen, evidence) for line in _wrapped(told, 0)]
    from reidlib.experiments.statistics import finite

    tell([finite(v.as_dict()) for v in chosen], "\n".join(lines), json)


def _legend(evidence: Evidence) -> list[str]:
    """How the lines above are to be read."""
    from reidlib.experiments.tables import trained_on

    return [
        f"ours: {trained_on(evidence)}; differences of two rows in points of mAP, paired by world, "
        "with their 95 % t interval, and Holm's, which allows for all comparisons that decide",
        "(S) superiority: the interval leaves out zero; (E) equivalence: two one-sided tests lie "
        "within the margin; (M) mechanism: shares and correlations of maps, at most 1, mean over "
        "people; (C) cost",
        "beside: told, and without a say in the verdict; R1: rank-1",
        "minus clean: the gain under an illness minus the gain without it, in points, of which a "
        "hard scenario has more to gain or lose; errors saved beyond clean: the same as a share of "
        "what the other row misses, without a say in the verdict; in points alone: what the "
        "illness adds is not sure, or the other way round, as such a share",
    ]


def _told(verdict: Verdict) -> list[str]:
    """A claim and what became of it, in lines that fit the terminal."""
    from reidlib.experiments.verdicts import ONE_MODEL

    claim = verdict.claim
    one = f"({ONE_MODEL})" if any(o.asked.decides and o.found for o in verdict.observed) else ""
    parts = [("", f"{verdict.told}"), ("paper: ", claim.printed)]
    parts += [("ours: ", text) for text in (*verdict.deciding, *verdict.numbers, one) if text]
    parts += [("beside: ", text) for text in verdict.beside]
    parts += [("seen: ", text) for text in verdict.seen]
    parts += [("note: ", claim.note)] if claim.note else []
    lines = _wrapped(f"{claim.id} ({', '.join(claim.kinds)})  {claim.text}", 0)
    return lines + [line for head, text in parts for line in _wrapped(head + text, 4)]


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines that fit the terminal; names with hyphens stay whole."""
    from shutil import get_terminal_size
    from textwrap import wrap

    first, later = " " * indent, " " * (indent + 4)
    return wrap(
        text, get_terminal_size().columns, initial_indent=first, subsequent_indent=later,
        break_on_hyphens=False,
    )  # fmt: skip


MEASURING = (
    "--measure", "--scored", "--data", "--scenario", "--size", "--with", "--profile", "--records",
)  # fmt: skip


def _heeded(name: str, given: list[str], data: str) -> None:
    """Raise a ReidError for a given option that the table would pass over in silence."""
    takes = _takes(name)
    what = f" (what does: {', '.join(takes)})" if takes else ""
    without = [option for option in MEASURING if option not in takes]
    refuse(given, without, f"changes nothing in the table {name}{what}")
    refuse_rendering(given, data)


def _takes(name: str) -> tuple[str, ...]:
    """Which of MEASURING change a table."""
    from reidlib.experiments.jobs import FIVE_PAPERS
    from reidlib.experiments.looking import DIAMETERS_TABLE, MAPS_TABLE
    from reidlib.experiments.printed import printed
    from reidlib.experiments.strengths import STRENGTHS_TABLE
    from reidlib.experiments.writing import PAPERS_ALONE

    rendered = ("--scenario", "--size", "--with", "--profile", "--records")
    if name in PAPERS_ALONE:
        return ()
    if name in (DIAMETERS_TABLE, MAPS_TABLE):
        return ("--records",)
    if name in (FIVE_PAPERS, STRENGTHS_TABLE):
        return ("--measure", *rendered)
    if printed(name).kind == "comparison":
        return ("--profile", "--records")
    return ("--measure", "--scored", "--data", *rendered)


def _folder(records: Path | None) -> Path:
    from reidlib.files import data_folder

    return records or data_folder("results")


def _check(asked: Data, scored: str, profile: str, records: Path | None) -> None:
    """Raise a ReidError for data, a profile, a test's scenario or a folder that isn't there."""
    from reidlib.experiments.asking import check_data, check_scored
    from reidlib.recipes import profile as find_profile

    find_profile(profile)
    check_data(asked)
    if scored:
        check_scored(scored, asked)
    if records is not None and not records.is_dir():
        raise ReidError(f"--records {records}: there is no such folder")


def _evidence(records: Path | None, data: Data, profile: str) -> Evidence:
    from reidlib.experiments.evidence import Evidence

    return Evidence(_folder(records), profile, data)


def _chance(evidence: Evidence, recipes: Iterable[str]) -> dict[str, str]:
    """What to know beneath scores of these recipes on Promenade: its noise, and who still climbs.

    "" where no record says, and for other data and profiles, which have no such records.
    """
    from reidlib.experiments.fair_numbers import chance

    if (evidence.data.name, evidence.profile) != ("promenade", "laptop"):
        return {"noise": "", "climbing": ""}
    return chance(evidence.folder, recipes)


def _sheet(sheet: Sheet) -> dict[str, Any]:
    from reidlib.experiments.forms import records
    from reidlib.experiments.statistics import finite

    return {"title": sheet.title, "rows": finite(records(sheet)), "notes": list(sheet.notes)}


def _plain(found: Any) -> Any:
    from dataclasses import asdict

    from reidlib.experiments.statistics import finite

    plain = finite(asdict(found))
    for row in plain["rows"]:
        if row["ours"]:
            del row["ours"]["p"]  # that a score is zero: nobody asks
    return plain


def register(app: typer.Typer) -> None:
    app.command(
        epilog=example(
            "reid table sinet-3",
            "reid table sinet-3 --scored all",
            "reid table five-papers",
            "reid table trsa-1 --measure rank-1 --csv",
        )
    )(table)
    app.command(epilog=example("reid verdicts", "reid verdicts TRSA --json"))(verdicts)
