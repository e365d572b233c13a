"""One recipe at one size: everything a run would do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reidlib.cli.common import Json, example, tell

if TYPE_CHECKING:
    from reidlib.recipes.core import Plan, Profile, Recipe


def show(
    name: Annotated[str, typer.Argument(help="A recipe; `reid recipes` lists them.")],
    profile: Annotated[
        str, typer.Option(help="smoke, laptop, fine, pretrain or paper.")
    ] = "laptop",
    json: Json = False,
) -> None:
    """Print everything a run of a recipe would do, with its parameters and multiply-adds."""
    from reidlib.costs import claims, costs
    from reidlib.recipes import PAPERS
    from reidlib.recipes import profile as find_profile
    from reidlib.recipes import recipe as find_recipe
    from reidlib.recipes.core import plan
    from reidlib.run import check

    chosen, size = find_recipe(name), find_profile(profile)
    numbers = plan(chosen, size)
    cost = costs(check(chosen, size, CLASSES), numbers.frames, numbers.size)
    printed = claims(chosen.paper)
    result: dict[str, Any] = {
        "run": _run(chosen, size, numbers),
        "plan": {**asdict(numbers), "options": dict(numbers.options)},
        "costs": asdict(cost),
        "recipe": asdict(chosen),
        "profile": asdict(size),
        "claims": [{**asdict(c), "reproduced": c.reproduced} for c in printed],
    }
    headings = {
        "run": "",
        "plan": ": what recipe and profile make of each other",
        "costs": f": one clip, {CLASSES} training identities; a multiply-add counts once",
        "recipe": ": as at the papers' size; where the run says otherwise, the run is right",
        "profile": "",
    }
    lines = [f"{chosen.name}: {chosen.summary}"]
    for part, more in headings.items():
        lines += ["", part + more]
        wide = max(map(len, result[part]))
        lines += [f"  {key:<{wide}}  {_brief(value)}" for key, value in result[part].items()]
    if printed:
        whose = f"costs that {PAPERS[chosen.paper]} prints (section 4.5), counted for ResNet-50"
        lines += ["", f"{whose} and 4 frames of 256x128, whatever the recipe and profile"]
    for c in printed:
        verdict = "reproduced" if c.reproduced else f"not reproduced{c.but and f' ({c.but})'}"
        numbered = f"printed {c.printed:.3f} G, here {c.ours:.3f} G: {verdict}"
        lines.append(f"  {c.what}, {c.convention}: {numbered}")
    tell(result, "\n".join(lines), json)


CLASSES = 625  # of MARS


def _run(recipe: Recipe, profile: Profile, numbers: Plan) -> dict[str, str]:
    """In words, what wins where recipe and profile both speak."""
    height, width = numbers.size
    test, rule = recipe.test, recipe.schedule
    clip = f"{test.length or numbers.frames} frames ({test.frames})"
    told = {
        "clips": f"{numbers.frames} frames of {height}x{width} ({recipe.frames})",
        "batch": f"{numbers.identities} identities x {numbers.clips} clips",
        "start": _start(recipe, profile),
        "training": _training(recipe, profile),
        "weight decay": f"{rule.weight_decay:g}, {rule.optimiser}",
        "test": f"clips of {clip}, compared by {test.distance} distance",
    }
    if recipe.weights_of:
        return {
            "training": f"none: it tests what {recipe.weights_of} learned; `reid experiment "
            f"{recipe.name}` trains that first where it has to",
            "test": told["test"],
        }
    return told


def _start(recipe: Recipe, profile: Profile) -> str:
    excited = bool(recipe.backbone.get("se"))
    if not profile.pretrained:
        return "random weights"
    if profile.pretrained != "imagenet":
        return f"data/checkpoints/{profile.pretrained}{'-se' * excited}.safetensors"
    if excited:
        return (
            "RANDOM WEIGHTS: torchvision has none of SE-ResNet-50; give a file to `reid train` "
            "with --weights"
        )
    return "ImageNet, torchvision's weights"


def _training(recipe: Recipe, profile: Profile) -> str:
    how = recipe.schedule
    rate = profile.rate or how.rate
    if profile.steps is None:
        passed = " and ".join(map(str, how.milestones))
        return f"{how.epochs} epochs at a rate of {rate:g}, times {how.gamma:g} after {passed}"
    words = f"{profile.steps:,} steps; a warm-up to a rate of {rate:g}, then half a cosine to zero"
    return words + f"; weights averaged ({profile.averaging:g})" * bool(profile.averaging)


def _brief(value: Any) -> str:
    """Nested tables on one line: inside brackets from the second level on."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_brief(v)}" for key, v in value.items()) or "-"
    if isinstance(value, list | tuple):
        parts = [f"({_brief(v)})" if isinstance(v, list | tuple) else _brief(v) for v in value]
        return "; ".join(parts) or "-"
    if isinstance(value, int) and value >= 10**8:
        return f"{value / 1e9:.3f} G"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)


def register(app: typer.Typer) -> None:
    app.command(epilog=example("reid show sinet --profile paper"))(show)
