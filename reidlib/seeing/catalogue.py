"""Every figure by name: what it shows, which trained models it wants, on which scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from reidlib.data.tracklets import TrackletDataset
from reidlib.errors import ReidError
from reidlib.files import data_folder
from reidlib.recipes import PAPERS
from reidlib.recipes.core import plan
from reidlib.seeing.arms import Arm, Drawn, untrained

__all__ = ["FIGURES", "Entry", "architecture", "document", "entry", "records", "truth", "untrained"]


@dataclass(frozen=True)
class Entry:
    """One figure. draw: "module:function" of `reidlib.seeing`."""

    summary: str
    draw: str
    recipes: tuple[str, ...] = ()  # whose trained weights it shows, in the order of its rows
    scenario: str = "street"
    kind: str = "models"  # from: "records" of runs, "truth" records, a "recipe" alone
    people: int = 32  # of the test, in Promenade: few, so that a new scenario renders in seconds
    lengths: tuple[int, int] = (8, 48)  # frames of their tracklets
    cam: bool = False  # whether `draw` takes a `cams.Cam`, the kind of map to show

    def data(self) -> dict[str, Any]:
        """Promenade's options for this figure; the people are the first of any size's test."""
        return {"size": "tiny", "scenario": self.scenario, "subset": "none",
                "people": {"test": self.people}, "lengths": self.lengths}  # fmt: skip

    @property
    def function(self) -> Callable[..., Drawn]:
        module, name = self.draw.split(":")
        found: Callable[..., Drawn] = getattr(import_module(f"reidlib.seeing.{module}"), name)
        return found


FIGURES: dict[str, Entry] = {
    "trsa": Entry(
        "attention per frame without and with the penalty, under occlusion",
        "papers.trsa:attention", ("trsa-1/sam", "trsa-1/sam-reg"), "occlusion",
    ),
    "rgsa-4": Entry(
        "Grad-CAM of baseline and RGSA on well and badly framed boxes",
        "papers.rgsa_rgtr:framing", ("rgsa-1/baseline", "rgsa-1/rgsa"), "misalignment",
        cam=True,
    ),
    "fgra-1": Entry(
        "misaligned sequences with true part boxes (no model)",
        "papers.fgra:misaligned", scenario="misalignment",
    ),
    "fgra-4": Entry(
        "scores over clip length and regions, from records", "papers.fgra:sweeps", kind="records",
    ),
    "fgra-5": Entry(
        "responses A and D of each region in each frame", "papers.fgra:regions", ("fgra",),
        "misalignment",
    ),
    "tacan-4": Entry(
        "consecutive clips and their weights under occlusion", "papers.tacan:consecutive",
        ("tacan",), "occlusion",
    ),
    "tacan-5": Entry(
        "t-SNE without and with min-max loss, with Table 3's diameters",
        "papers.tacan_clusters:tsne", ("tacan-1/ca", "tacan-1/minmax"), lengths=(12, 28),
    ),
    "tacan-6": Entry(
        "one long tracklet, clips coloured by weight", "papers.tacan:long_tracklet", ("tacan",),
        "street", people=6, lengths=(120, 190),
    ),
    "sinet-5": Entry(
        "scores over the kernel k and the reduction r, from records", "papers.sinet:sweeps",
        kind="records",
    ),
    "sinet-6": Entry(
        "CAM per frame, others above SBM: salient to broad (also Figure 1)",
        "papers.sinet:salient_to_broad", ("sinet-2/base", "sinet-3/non-local", "sinet-2/sbm"),
        "lookalike", cam=True,
    ),
    "sinet-6-suppression": Entry(
        "what each of the three SBM dims", "papers.sinet:suppressions", ("sinet",), "lookalike",
    ),
    "sinet-7": Entry(
        "ranked lists of look-alikes, baseline and SINet", "papers.sinet:lookalikes",
        ("sinet-2/base", "sinet"), "lookalike", people=60, lengths=(8, 16),
    ),
    "maps": Entry(
        "maps of whole frames, judged: what they show of the person", "looked:judged", kind="truth",
    ),
    "deletion": Entry(
        "does the embedding change when the map's cells go?", "looked:curves", kind="truth",
    ),
    **{
        f"{name.replace('_', '-')}-architecture": Entry(
            f"{title}'s network, traced from one forward pass", "catalogue:architecture",
            (name,), kind="recipe",
        )
        for name, title in PAPERS.items()
    },
}  # fmt: skip


def entry(name: str) -> Entry:
    """The figure `name`, or a ReidError with the nearest ones."""
    if name not in FIGURES:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), FIGURES, n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else "see `reid figure --list`"
        raise ReidError(f"no figure {name!r}; {hint}")
    return FIGURES[name]


def architecture(arms: Sequence[Arm], dataset: TrackletDataset | None) -> Drawn:
    """The network of each paper, drawn from the model (the first arm's)."""
    from reidlib.seeing.architecture import draw_architecture

    arm = arms[0]
    numbers = plan(arm.recipe, arm.profile)
    paper = PAPERS.get(arm.recipe.paper, arm.name)
    title = f"{paper}: the network as it runs, profile {arm.profile.name}"
    told = (
        f"Recipe {arm.recipe.name}, profile {arm.profile.name}: one clip of {numbers.frames} "
        f"frames of {numbers.size[0]}×{numbers.size[1]} in evaluation; names as in the code. "
        "An arrow: the output of one is in the input of the other. Full lines: modules; dashed: "
        f"functions of models/{arm.recipe.model}.py, casts left out. What is open once is "
        "closed below. Untrained: nothing here depends on weights."
    )
    figure, found = draw_architecture(
        arm.model, numbers.frames, numbers.size, title=title, caption=told
    )
    return Drawn(figure, found)


def records(folder: Path | None = None) -> list[Any]:
    """The run records that sweeps are drawn from; data/results if no folder is named."""
    from reidlib.records import load_records

    place = folder or data_folder("results")
    found = load_records(place) if place.is_dir() else []
    if not found:
        raise ReidError(f"there are no run records in {place}; `reid train` leaves them")
    return found


def truth(folder: Path | None = None) -> dict[str, Any]:
    """The records of mechanisms, of data/results if no folder is named."""
    from reidlib.experiments.mechanisms.records import load_truth

    return dict(load_truth(folder or data_folder("results")))


def document(
    name: str,
    drawn: Drawn,
    arms: Sequence[Arm],
    dataset: TrackletDataset | None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is stored beside a picture: its numbers and all they depend on, as plain data.

    options: how it was drawn, where a figure leaves a choice.
    """
    return {
        "figure": name,
        "data": None if dataset is None else {
            "name": dataset.name, "version": dataset.version,
            "settings": {k: v for k, v in dataset.settings.items() if k != "request"},
        },
        "models": [
            {"recipe": a.recipe.name, "profile": a.profile.name, "record": a.record} for a in arms
        ],
        "options": dict(options or {}),
        "numbers": _plain(drawn.numbers),
        "words": drawn.words,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """JSON has no NaN: null instead, at any depth."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return value
