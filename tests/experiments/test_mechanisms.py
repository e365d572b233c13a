"""Mechanisms: planted maps are judged as planted; what is missing, stale or broken is told."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from itertools import pairwise, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from reidlib.__main__ import main
from reidlib.build import build
from reidlib.checkpoints import About, save_model
from reidlib.data.promenade import ATTRIBUTES, VERSION
from reidlib.data.promenade.illnesses import FAULTS
from reidlib.errors import ReidError
from reidlib.experiments import mechanisms as M
from reidlib.experiments import verdicts as V
from reidlib.experiments.claims import CLAIMS, Claim
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.mechanisms import MECHANISMS, Lab, core, fgra, rgsa_rgtr, sinet, tacan
from reidlib.experiments.mechanisms import records as R
from reidlib.models.output import Output
from reidlib.models.sinet import IntegrationDistribution
from reidlib.recipes import profile, recipe
from reidlib.seeing.arms import Arm
from reidlib.seeing.attention import Seen
from reidlib.seeing.truth import cue_mask, to_cells

ASKING = [claim for claim in CLAIMS if claim.asked]
PEOPLE = 8
HOLDS, OPPOSITE, UNDECIDED = "holds on Promenade", "opposite on Promenade", "undecided"
OPEN = "undecided: not measured yet"


def verdict(results: Path, claim: str):
    """As `verdicts` has it, of one claim without comparisons of scores; the rest takes seconds."""
    chosen = next(c for c in CLAIMS if c.id == claim)
    return V._verdict(replace(chosen, comparisons=()), (), Evidence(results))


# The whole way, with models whose maps are known ------------------------------------------------


class Planted(nn.Module):
    """Attends to the middle of every frame, or to one corner a frame, or to nothing finite."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.weight = kind, nn.Parameter(torch.ones(1))

    def forward(self, clips: torch.Tensor) -> Output:
        b, t = clips.shape[:2]
        maps = torch.full((b, t, 8, 4), 1e-3)
        if self.kind == "middle":
            maps[:, :, 2:6, 1:3] = 1.0
        else:
            for frame, (y, x) in enumerate([(0, 0), (0, 3), (7, 0), (7, 3)]):
                maps[:, frame, y, x] = 1.0
        if self.kind == "broken":
            maps = maps * torch.nan
        features = torch.rand(b, t, 6, 8, 4, generator=torch.Generator().manual_seed(0))
        alpha = maps / maps.sum(dim=(2, 3), keepdim=True)
        return Output(
            clips.new_zeros(b, 6), {}, {}, {"features": features, "spatial_attention": alpha}
        )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("frames")


def lab_of(cache: Path, people: int = PEOPLE, checkpoints: Path | None = None) -> Lab:
    return Lab(people, "smoke", checkpoints, cache=cache, lengths=(4, 6))


def planted(cache: Path, tmp_path: Path, **kinds: str) -> Lab:
    """A lab whose arms of T5 are planted; their files hold anything but weights."""
    lab = lab_of(cache, checkpoints=tmp_path)
    for name, kind in kinds.items():
        own = {"bare": "trsa-1/triplet", "sam": "trsa-1/sam", "reg": "trsa-1/sam-reg"}[name]
        arm = Arm(own, Planted(kind), recipe(own), profile("smoke"))
        about = About(
            arm.recipe, arm.profile, 2, 0, {"name": "promenade", "version": VERSION}, "", {}
        )
        save_model(lab.path(own), arm.model, about)
        lab._arms[own] = arm
    return lab


def measured(claim: str, lab: Lab) -> R.TruthRecord:
    """What a lab finds, as of the profile whose records decide claims."""
    found = R.measure(claim, lab)
    assert found.name == f"{claim}--smoke.json"
    return replace(found, setting={**found.setting, "profile": R.PROFILE})


@pytest.mark.parametrize(
    ("sam", "reg", "word"), [("corner", "middle", HOLDS), ("middle", "corner", OPPOSITE)]
)
def test_planted_attention_is_judged_as_planted(cache, tmp_path, sam, reg, word) -> None:
    lab = planted(cache, tmp_path, bare="middle", sam=sam, reg=reg)
    R.write_truth(measured("T5", lab), tmp_path / "results")
    found = verdict(tmp_path / "results", "T5")
    assert found.verdict == word
    assert "of one trained model a row, interval over people" in found.why
    values = {o.asked.question: o for o in found.observed if o.asked.decides}
    assert abs(values["overlap in a clip"].found.mean) > 0.9
    assert values["person where covered"].verdict == word
    again = measured("T5", lab)
    assert again == R.read_truth(tmp_path / "results" / "truth" / "T5.json")


def test_the_same_attention_twice_is_undecided(cache, tmp_path) -> None:
    lab = planted(cache, tmp_path, bare="middle", sam="corner", reg="corner")
    R.write_truth(measured("T5", lab), tmp_path)
    assert verdict(tmp_path, "T5").verdict == UNDECIDED


def test_maps_that_are_not_finite_answer_nothing_and_are_told(cache, tmp_path) -> None:
    lab = planted(cache, tmp_path, bare="middle", sam="middle", reg="broken")
    record = R.measure("T5", lab)
    assert any("trsa-1/sam-reg" in word and "not finite" in word for word in record.words)
    R.write_truth(record, tmp_path)
    found = verdict(tmp_path, "T5")
    assert found.verdict == OPEN
    assert all(o.found is None for o in found.observed if o.asked.of == "trsa-1/sam-reg")


# Each measurement, with what it looks at planted ------------------------------------------------


class Given(nn.Module):
    """Gives back the maps that `make` draws from clips (b, t, 3, h, w)."""

    def __init__(self, make: Callable[[torch.Tensor], dict[str, torch.Tensor]]) -> None:
        super().__init__()
        self.make, self.weight = make, nn.Parameter(torch.ones(1))

    def forward(self, clips: torch.Tensor) -> Output:
        return Output(clips.new_zeros(len(clips), 4), {}, {}, self.make(clips))


def given(cache: Path, **models: nn.Module) -> Lab:
    """A lab of these models; a name's "__" is the "/" of its recipe, "_" may be its "-"."""
    lab = lab_of(cache)
    for claim in MECHANISMS.values():
        for name in claim.recipes:
            model = models.get(name.replace("/", "__").replace("-", "_"))
            if model is not None:
                lab._arms[name] = Arm(name, model, recipe(name), profile("smoke"))
    return lab


def judged(claim: str, lab: Lab, folder: Path) -> V.Verdict:
    """The verdict on what the claim's measurement finds in the lab."""
    found = MECHANISMS[claim].function(lab)
    empty = by_hand(next(c for c in CLAIMS if c.id == claim), 0.0)
    R.write_truth(replace(empty, cells=[R._cell(cell) for cell in found.cells]), folder)
    return verdict(folder, claim)


def spread(sigma: float, name: str, shape: tuple[int, ...]) -> Given:
    """Vectors (b, *shape) that differ from clip to clip, and by sigma inside a clip."""

    def make(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        noise = torch.Generator().manual_seed(int(clips.double().sum().abs() * 1e3) % 2**31)
        own = torch.rand(shape[-1], generator=noise)
        return {name: own + sigma * torch.rand(len(clips), *shape, generator=noise)}

    return Given(make)


@pytest.mark.parametrize(("before", "after", "word"), [(1, 0.1, HOLDS), (0.1, 1, OPPOSITE)])
def test_aligned_vectors_that_spread_less(cache, tmp_path, before, after, word) -> None:
    models = {"fgra_2__ram_tas": before, "fgra_2__cr": after}
    lab = given(cache, **{k: spread(v, "aligned", (4, 2, 8)) for k, v in models.items()})
    assert judged("F4", lab, tmp_path).verdict == word


@pytest.mark.parametrize(("sbm", "idm", "word"), [(5, 0.1, HOLDS), (0.1, 5, OPPOSITE)])
def test_frames_less_and_more_alike(cache, tmp_path, sbm, idm, word) -> None:
    models = {"sinet_2__base": 1, "sinet_2__sbm": sbm, "sinet_2__idm": idm}
    lab = given(cache, **{k: spread(v, "frame_features", (4, 8)) for k, v in models.items()})
    assert judged("S9", lab, tmp_path).verdict == word


def parts_lit(seen: list[Seen], late: Mapping[int, float]) -> list[torch.Tensor]:
    """Maps that light the head alone in slot 0 and `late` parts after it: part -> brightness."""
    found = []
    for one in seen:
        parts = one.truth["parts"] * one.truth["visible"]
        maps = torch.full(parts.shape, 1e-3)
        for slot, (own, seen_parts) in enumerate(zip(maps, parts)):
            for part, value in (late if slot else {1: 1.0, 2: 1.0}).items():
                own[seen_parts == part] = value
        found.append(maps[None])
    return found


@pytest.mark.parametrize("broad", [True, False])
def test_salient_to_broad_and_back(cache, tmp_path, monkeypatch, broad) -> None:
    body = {part: 1.0 if part < 3 else 0.7 for part in range(1, 8)}
    narrow = {1: 1.0, 2: 1.0}
    late = {"sinet-2/sbm": body if broad else {0: 1.0, 5: 0.8}}

    def dimmed(clips: torch.Tensor) -> dict[str, torch.Tensor]:
        """Two of eight cells of the last two frames."""
        kept = torch.ones(len(clips), 2, 4, 2)
        kept[:, :, 1] = 0.5
        return {"layer3_1.suppression": kept}

    models = dict.fromkeys(("sinet_2__base", "sinet_3__non_local"), Planted("middle"))
    lab = given(cache, **models, sinet_2__sbm=Given(dimmed))
    monkeypatch.setattr(
        lab, "cams", lambda name, scene, seen: parts_lit(seen, late.get(name, narrow))
    )
    monkeypatch.setattr(lab, "perturbations", lambda name, seen, maps: {})
    found = judged("S8", lab, tmp_path)
    words = {str(o.asked): o.verdict for o in found.observed if o.asked.decides}
    assert found.verdict == (HOLDS if broad else OPPOSITE), words
    drift = next(o for o in found.observed if o.asked.than)
    assert drift.verdict == (HOLDS if broad else OPPOSITE)
    record = R.read_truth(tmp_path / "truth" / "S8.json")
    site = "sinet-2/sbm, SBM at layer3_1"
    assert set(record.people("street", site, "share of cells dimmed").values()) == {0.25}
    person, rest = (record.people("clean", site, name) for name in ("person", "background"))
    assert len(person) == PEOPLE
    assert all(person[pid] + rest[pid] == pytest.approx(1, abs=1e-4) for pid in person)


def test_curves_are_of_the_first_people_and_of_maps_that_say_something(
    cache, tmp_path, monkeypatch
) -> None:
    lab = given(cache, rgsa_1__baseline=Planted("middle"))
    asked: list[torch.Tensor] = []

    def falls(model, clips, picture, steps):
        asked.append(picture)
        return whole(model, clips, picture, steps=steps)

    whole = core.perturbation
    monkeypatch.setattr(core, "perturbation", falls)
    monkeypatch.setattr(core, "LOOKED_AT", 3)
    seen = lab.look("rgsa-1/baseline", "clean")[:4]
    some = torch.rand(1, *seen[0].clips.shape[1:2], 4, 2)
    maps = [some, torch.zeros_like(some), some * torch.nan, some]
    found = lab.perturbations("rgsa-1/baseline", seen, maps)
    sources = {source for source, _ in found}
    assert sources == {"rgsa-1/baseline"} | {
        f"rgsa-1/baseline, {name} map" for name in ("random", "centre")
    }
    for (source, question), values in found.items():
        known = [True, False, False, False] if "map" not in source else [True, True, True, False]
        assert np.isfinite(values).tolist() == known, (source, question)
    model = lab.arm("rgsa-1/baseline").model
    curve = whole(model, seen[0].clips, some, steps=core.STEPS)
    for way in ("deletion", "insertion"):
        height = [(a + b) / 2 for a, b in pairwise(curve[way].tolist())]
        width = [b - a for a, b in pairwise(curve["share"].tolist())]
        by_hand = sum(h * w for h, w in zip(height, width))
        assert found["rgsa-1/baseline", way][0] == pytest.approx(by_hand, abs=1e-5)
        first = curve["share"].tolist()[1]
        told = found["rgsa-1/baseline", f"{way} at {first:g}"][0]
        assert told == pytest.approx(curve[way].tolist()[1])
    assert len(asked) == 1 + 3 + 3


@pytest.mark.parametrize("found_by", ["rgsa-1/rgsa", "rgsa-1/baseline"])
def test_maps_that_find_the_person_and_maps_that_find_what_is_behind(
    cache, tmp_path, monkeypatch, found_by
) -> None:
    """One model lights the person, evenly; the other all but the person, and half the head."""

    def cams(name: str, scene: str, seen: list[Seen]) -> list[torch.Tensor]:
        maps = []
        for one in seen:
            visible, head = one.truth["visible"], one.truth["parts"] == 1
            lit = visible.float() if name == found_by else 1 - visible.float() + 0.5 * head
            maps.append((lit + 1e-3)[None])
        return maps

    still = Planted("middle")
    lab = given(cache, rgsa_1__baseline=still, rgsa_1__rgsa=still)
    monkeypatch.setattr(lab, "cams", cams)
    monkeypatch.setattr(lab, "perturbations", lambda name, seen, maps: {})
    found = judged("R7", lab, tmp_path)
    word = HOLDS if found_by == "rgsa-1/rgsa" else OPPOSITE
    assert {str(o.asked): o.verdict for o in found.observed if o.asked.decides} == dict.fromkeys(
        (str(o.asked) for o in found.observed if o.asked.decides), word
    )
    assert found.verdict == word


@pytest.mark.parametrize(("collapsed", "word"), [(True, HOLDS), (False, OPPOSITE)])
def test_heads_that_fall_onto_one_picture(cache, tmp_path, collapsed, word) -> None:
    """Of four heads all are alike and half are dead, or none; the other model is the reverse."""

    def heads(alike: bool) -> Given:
        def make(clips: torch.Tensor) -> dict[str, torch.Tensor]:
            noise = torch.Generator().manual_seed(int(clips.double().sum().abs() * 1e3) % 2**31)
            maps = torch.rand(len(clips), 1 if alike else 4, 1, 2, 4, 2, generator=noise)
            maps = maps.expand(-1, 4, -1, -1, -1, -1).flatten(1, 2).clone()
            if alike:
                maps[:, 2:] = 0
            return {"layer3_1.salient_attention": maps}

        return Given(make)

    lab = given(cache, sinet_2__sbm=heads(not collapsed), sinet_3__sbm_without_l1=heads(collapsed))
    told = {o.asked.question: o.verdict for o in judged("S2", lab, tmp_path).observed}
    assert told == {"likeness of heads": word, "share of dead heads": word}


def test_what_attention_costs_is_told_in_milliseconds(cache, tmp_path, monkeypatch) -> None:
    """A clock that a forward moves by 3 s with attention and by 2 s without."""
    from reidlib.experiments.mechanisms import trsa

    now = [0.0]

    def untrained(name: str, size: str) -> SimpleNamespace:
        spent = 3.0 if name == "trsa-1/sam" else 2.0
        model = lambda frames: now.__setitem__(0, now[0] + spent)  # noqa: E731
        return SimpleNamespace(model=model, recipe=recipe(name), profile=profile("smoke"))

    monkeypatch.setattr(trsa, "untrained", untrained)
    monkeypatch.setattr(trsa.time, "perf_counter", lambda: now[0])
    numbers = MECHANISMS["T6"].function(lab_of(cache)).numbers
    assert {name.split(", ")[1]: value for name, value in numbers.items()} == pytest.approx(
        {"trsa-1/sam": 3000, "trsa-1/triplet": 2000}
    )


@pytest.mark.parametrize(("follow", "word"), [(True, HOLDS), (False, OPPOSITE)])
def test_responses_that_follow_their_part_or_stay(
    cache, tmp_path, monkeypatch, follow, word
) -> None:
    """Each region lights the parts of its stripe in the first frame, there or where they went.

    One that stays may still be right in frames where nothing moved, so only following is judged.
    """
    lab = given(cache, fgra=Planted("middle"))
    seen = lab.look("fgra", "misalignment")
    for one in seen:
        parts = (one.truth["parts"] * one.truth["visible"]).long()
        response = torch.full((1, len(parts), 4, *parts.shape[1:]), 1e-4)
        for part in range(1, 8):
            rows = (parts[0] == part).nonzero()[:, 0]
            if len(rows):
                region = int(torch.bincount(rows * 4 // parts.shape[1], minlength=4).argmax())
                for frame in range(len(parts)):
                    response[0, frame, region][parts[frame if follow else 0] == part] = 1.0
        one.output.maps["region_response"] = response
        one.output.maps["features"] = torch.ones(1, len(parts), 2, *parts.shape[1:])
    monkeypatch.setattr(lab, "look", lambda name, scene: seen)
    nothing = torch.zeros(1, 4, 4, 64, 32), torch.tensor(0.0)
    monkeypatch.setattr(fgra, "_shuffled", lambda model, one, features: nothing)
    found = judged("F8", lab, tmp_path)
    words = {(o.asked.question, o.asked.to): o.verdict for o in found.observed if o.asked.decides}
    assert words["part beyond its first place", ""] == word
    assert found.verdict == word
    assert (words["mass on the part beyond its area", "fixed stripe"] == HOLDS) or not follow


def test_fixed_stripes_by_loop() -> None:
    maps = fgra._fixed_stripes(torch.zeros(1, 2, 4, 8, 3))
    assert maps.shape == (1, 2, 4, 8, 3)
    for frame, region, row, column in product(range(2), range(4), range(8), range(3)):
        assert maps[0, frame, region, row, column] == (row // 2 == region)


@pytest.mark.parametrize(("on", "word"), [("sinet", HOLDS), ("sinet-2/base", OPPOSITE)])
def test_maps_on_the_cue_that_differs(cache, tmp_path, monkeypatch, on, word) -> None:
    names = ("sinet_2__base", "sinet_2__sbm", "sinet")
    lab = given(cache, **dict.fromkeys(names, Planted("middle")))

    def cams(name: str, scene: str, seen: list[Seen]) -> list[torch.Tensor]:
        found = []
        for one in seen:
            same = lab.scene(scene).truth.read(one.tracklet, [0])["differs"]
            cue = [n for n, d in zip(ATTRIBUTES, same.tolist()) if d]
            mask = cue_mask(one.truth["parts"], one.truth["visible"], cue).float()
            found.append((mask if name == on else 1 - mask)[None])
        return found

    monkeypatch.setattr(lab, "cams", cams)
    observed = judged("S10", lab, tmp_path).observed
    assert [o.verdict for o in observed if o.asked.decides] == [word]


@pytest.mark.parametrize(("sign", "word"), [(1, HOLDS), (-1, OPPOSITE)])
def test_position_maps_of_silhouettes(cache, tmp_path, sign, word) -> None:
    """|weights| in the person's shape and below zero; or hollow, and nothing below zero."""
    model = build(recipe("sinet-2/idm"), profile("smoke"), num_classes=4, pretrained=False).model
    lab = given(cache, sinet_2__idm=model.eval())
    truth, _, _ = core.joined(lab.look("sinet-2/idm", "street"))
    for module in model.modules():
        if isinstance(module, IntegrationDistribution):
            shape = to_cells(truth["mask"], module.grid[1:]).mean(0).flatten()
            rows = module.integrate_positions.weight
            with torch.no_grad():
                wanted = -sign * (2 + sign * shape).repeat(module.grid[0])
                rows.copy_(wanted[None, :, None].expand_as(rows))
                back = module.distribute_positions.weight
                back.copy_(-sign * back.abs())
                module.distribute_channels.weight.normal_(
                    std=1.0, generator=torch.Generator().manual_seed(0)
                )
    assert judged("S13", lab, tmp_path).verdict == word


@pytest.mark.parametrize(("hidden", "other", "word"), [(-0.3, 0.01, HOLDS), (0.3, 0.9, OPPOSITE)])
def test_weights_that_covering_moves_or_the_background(
    cache, tmp_path, monkeypatch, hidden, other, word
) -> None:
    lab = given(cache, tacan=Given(lambda clips: {"frame_weights": torch.rand(clips.shape[:2])}))

    def weights(lab, recipe, scene, tracklet, places):
        covered = lab.truth("occlusion", [tracklet], [places])[0]["covered"].double()
        moved = {
            "occlusion": hidden * covered.reshape(places.shape).mean(1).numpy(),
            "clean": 0.0,
            "corruption everywhere": 0.0,
            "other backgrounds": other,
        }[scene]
        return np.full(len(places), 0.5) + moved

    monkeypatch.setattr(tacan, "_weights", weights)
    lab.options["lengths"] = (12, 16)
    assert judged("C3", lab, tmp_path).verdict == word


@pytest.mark.parametrize(("before", "after", "word"), [(1, 0.1, HOLDS), (0.1, 1, OPPOSITE)])
def test_people_that_lie_closer_together(cache, tmp_path, monkeypatch, before, after, word) -> None:
    lab = given(cache, tacan_1__ca=Planted("middle"), tacan_1__minmax=Planted("middle"))

    def embed(model, dataset, chosen, size, **how):
        noise = torch.Generator().manual_seed(0)
        sigma = before if chosen.name == "tacan-1/ca" else after
        x = torch.stack([torch.eye(64)[t.pid % 64] for t in dataset.gallery])
        return None, x + sigma * 0.3 * torch.randn(x.shape, generator=noise)

    monkeypatch.setattr(tacan, "embed_subsets", embed)
    found = judged("C5", lab, tmp_path)
    assert {o.verdict for o in found.observed if o.asked.decides} == {word}
    assert found.verdict == word


@pytest.mark.parametrize(("average", "rgtr", "word"), [(1, 0.1, HOLDS), (0.1, 1, OPPOSITE)])
def test_a_good_frame_among_bad(cache, tmp_path, monkeypatch, average, rgtr, word) -> None:
    lab = given(cache, rgsa_1__rgsa=Planted("middle"), rgsa_rgtr=Planted("middle"))
    lab.options["lengths"] = (12, 16)

    def seen(model, dataset, tracklet, chosen, size, *, places, with_truth):
        ill = dataset.settings["scenario"] == "corruption"
        sigma = ill * (average if chosen.name == "rgsa-1/rgsa" else rgtr)
        noise = torch.Generator().manual_seed(tracklet.row)
        own = torch.randn(32, generator=noise)
        x = own + sigma * torch.randn(len(places), 32, generator=noise)
        return SimpleNamespace(output=Output(x))

    monkeypatch.setattr(rgsa_rgtr, "look", seen)
    assert judged("R8", lab, tmp_path).verdict == word


@pytest.mark.parametrize(("whole", "bad", "word"), [(0, 9, HOLDS), (9, 0, OPPOSITE)])
def test_bad_first_frames_that_more_clips_relieve(
    cache, tmp_path, monkeypatch, whole, bad, word
) -> None:
    """Noise on all clips, or on the clip that begins badly; the other model has none on either."""
    lab = given(cache, fgra=Planted("middle"), fgra_2__gb_avg=Planted("middle"))
    lab.options["lengths"] = (12, 16)

    def person(tracklet, chosen, sigma):
        noise = torch.Generator().manual_seed(tracklet.row)
        sigma = sigma if chosen.name == "fgra" else 0
        return torch.eye(64)[tracklet.pid % 64] + sigma * torch.randn(64, generator=noise)

    def embed(model, dataset, chosen, size, **how):
        queries = torch.stack([person(t, chosen, whole) for t in dataset.query])
        return queries, torch.stack([person(t, chosen, 0) for t in dataset.gallery])

    def pooled(arm, lab, scene, tracklet, places):
        return torch.stack([person(tracklet, arm.recipe, bad), person(tracklet, arm.recipe, 0)])

    monkeypatch.setattr(fgra, "embed_subsets", embed)
    monkeypatch.setattr(fgra, "_pooled", pooled)
    assert judged("F9", lab, tmp_path).verdict == word


# Every claim, from records by hand --------------------------------------------------------------


def by_hand(claim: Claim, shift: float, noise: float = 0.01, people: int = 20) -> R.TruthRecord:
    """Each number asked for lies `shift` on the claim's side of its bound, give or take `noise`."""
    rng = np.random.default_rng(0)
    cells = {}
    for asked in claim.asked:
        of, to = ((asked.scene, source, asked.question) for source in (asked.of, asked.to))
        base = cells.get(to, dict.fromkeys(range(2, 2 * people + 2, 2), 0.0))
        moved = {p: v + asked.than + asked.sign * shift + noise * float(rng.standard_normal())
                 for p, v in base.items()}  # fmt: skip
        if of in cells:  # the other side of a question that was planted before
            base = {p: v - asked.than - asked.sign * shift for p, v in cells[of].items()}
        cells.setdefault(of, moved)
        if asked.to:
            cells.setdefault(to, base)
    return R.TruthRecord(
        claim=claim.id, rule="by hand", setting={},
        data={"name": "promenade", "version": VERSION, "scenes": {"street": "0"}}, models={},
        cells=[{"scene": s, "source": o, "question": q, "count": people,
                "values": {str(p): v for p, v in values.items()}}
               for (s, o, q), values in cells.items()],
        numbers={}, words=[], machine={},
        code={"version": "0", "commit": None, "sources": R._sources(claim.id)},
    )  # fmt: skip


@pytest.mark.parametrize("claim", ASKING, ids=lambda c: c.id)
def test_each_question_holds_or_fails_or_stays_open(claim: Claim, tmp_path: Path) -> None:
    for shift, word in ((0.1, HOLDS), (-0.1, OPPOSITE), (0.0, UNDECIDED)):
        R.write_truth(by_hand(claim, shift, noise=1.0 if not shift else 0.01), tmp_path)
        found = verdict(tmp_path, claim.id)
        deciding = [o for o in found.observed if o.asked.decides]
        if word != UNDECIDED:
            assert {o.verdict for o in deciding or found.observed} == {word}
        else:
            assert UNDECIDED in {o.verdict for o in found.observed}
        assert all(o.found.identities == 20 for o in found.observed)
    if claim.kinds == ("M",) and not claim.comparisons:
        R.write_truth(by_hand(claim, 0.1), tmp_path)
        assert verdict(tmp_path, claim.id).verdict == HOLDS
        R.write_truth(by_hand(claim, -0.1), tmp_path)
        assert verdict(tmp_path, claim.id).verdict == OPPOSITE


def test_differences_are_taken_person_by_person(tmp_path: Path) -> None:
    """People differ far more than models do; one who is in one cell only is left out."""
    claim = next(c for c in CLAIMS if c.id == "S10")
    record = by_hand(claim, 0.1)
    cells = {c["source"]: c["values"] for c in record.cells if c["question"] == "mass on the cue"}
    for n, pid in enumerate(list(cells["sinet"])):
        cells["sinet"][pid], cells["sinet-2/base"][pid] = 10.0 * n + 0.1 + 0.001 * n, 10.0 * n
    cells["sinet"]["999"] = 1e6
    found = record.estimate("lookalike", "mass on the cue", "sinet", "sinet-2/base")
    assert found.mean == pytest.approx(0.1095)
    assert 0.1 < found.low < found.high < 0.12
    assert found.identities == 20


def test_what_claims_ask_for_half_in_scores_needs_both(tmp_path, monkeypatch) -> None:
    claim = next(c for c in CLAIMS if c.id == "S10")
    monkeypatch.setattr(V, "CLAIMS", (claim,))

    def word(shift: float) -> str:
        R.write_truth(by_hand(claim, shift), tmp_path)
        return V.verdicts(Evidence(tmp_path))[0].verdict

    assert word(0.1) == UNDECIDED
    assert word(-0.1) == OPPOSITE
    other = replace(by_hand(claim, 0.1), claim="C5", cells=[])
    R.write_truth(other, tmp_path)
    assert verdict(tmp_path, "C5").verdict == OPEN


def test_times_stand_beside_the_printed_one(tmp_path: Path) -> None:
    assert verdict(tmp_path, "T6").verdict == OPEN
    claim = next(c for c in CLAIMS if c.id == "T6")
    here = {"device": "cpu", "threads": 1, "cpus": 2, "system": "Linux"}
    R.write_truth(
        replace(by_hand(claim, 0.0), numbers={"milliseconds": 12.3}, machine=here), tmp_path
    )
    found = verdict(tmp_path, "T6")
    assert "milliseconds: 12.3" in found.why
    assert "on cpu, 1 threads of 2 cores, Linux" in found.why
    assert found.verdict == "numbers beside each other"


def test_other_data_have_no_mechanisms(tmp_path: Path) -> None:
    from reidlib.experiments.data import Data

    R.write_truth(by_hand(next(c for c in CLAIMS if c.id == "S9"), 0.1), tmp_path)
    assert not Evidence(tmp_path, data=Data("mars")).truth


# Stale, broken, missing -------------------------------------------------------------------------


def test_what_changed_is_named(tmp_path: Path) -> None:
    record = by_hand(next(c for c in CLAIMS if c.id == "S9"), 0.1)
    assert record.stale() == ""
    old = replace(record, data={**record.data, "version": "0"})
    assert old.stale() == f"the data are at version {VERSION} now, were at 0"
    sources = {**record.code["sources"], "seeing/truth.py": "0"}
    other = replace(record, code={**record.code, "sources": sources})
    assert other.stale() == "seeing/truth.py changed"
    R.write_truth(other, tmp_path)
    assert verdict(tmp_path, "S9").verdict == HOLDS
    assert "(stale)" in verdict(tmp_path, "S9").why


def test_other_weights_make_a_record_stale_and_absent_ones_do_not(cache, tmp_path) -> None:
    lab = planted(cache, tmp_path, bare="middle", sam="corner", reg="middle")
    record = R.measure("T5", lab)
    assert R.is_current(record, lab)
    assert not R.is_current(record, lab_of(cache, 6, tmp_path))
    path = lab.path("trsa-1/sam")
    kept = path.read_bytes()
    path.write_bytes(kept + b" ")
    assert record.stale(tmp_path) == f"it looked at another {path.name} than the one that is here"
    path.unlink()
    assert record.stale(tmp_path) == ""


def test_a_broken_record_is_told_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "T5.json").write_text('{"format": 1')
    good = R.read_truth(
        R.write_truth(by_hand(next(c for c in CLAIMS if c.id == "S9"), 0.1), tmp_path)
    )
    for cells in ([{"scene": "clean"}], [{**good.cells[0], "values": [1.0]}], ["street"]):
        path = tmp_path / "truth" / "S9.json"
        path.write_text(json.dumps({**asdict(good), "cells": cells}))
        with pytest.raises(ReidError, match=r"S9\.json is not a record of a mechanism"):
            R.read_truth(path)
        path.unlink()
    with pytest.warns(UserWarning, match=r"T5\.json is not a record of a mechanism"):
        assert R.load_truth(tmp_path) == {}


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        ReidError,
        match=r"T5 looks at .*: trsa-1_triplet--fine\.safetensors, .*, trsa-1_sam-reg--fine",
    ):
        R.measure("T5", Lab(checkpoints=tmp_path))
    with pytest.raises(ReidError, match="sinet is not trained yet"):
        Lab(checkpoints=tmp_path).arm("sinet")
    with pytest.raises(ReidError, match="claim 'T1' has no measurement"):
        M.mechanism("T1")


def test_weights_of_another_training_are_refused(cache, tmp_path) -> None:
    lab = lab_of(cache, checkpoints=tmp_path)
    leave(lab, "trsa-1/sam")
    shutil.copy(lab.path("trsa-1/sam"), lab.path("trsa-1/sam-reg"))
    with pytest.raises(ReidError, match="trained by another recipe than trsa-1/sam-reg"):
        lab.arm("trsa-1/sam-reg")
    for other, words in (
        ({"version": "0"}, "on Promenade 0, today's is"),
        ({"settings": {"world": 3}}, "in world 3, not 0"),
        ({"name": "mars"}, "on mars"),
    ):
        leave(lab, "trsa-1/sam-reg", other)
        with pytest.raises(ReidError, match=words):
            lab.arm("trsa-1/sam-reg")
    leave(lab, "trsa-1/sam-reg")
    assert lab.arm("trsa-1/sam-reg").recipe.name == "trsa-1/sam-reg"


def reid(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["reid", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_the_command_measures_once_and_names_what_it_cannot(
    cache, tmp_path, monkeypatch, capsys
) -> None:
    weights, results = tmp_path / "weights", tmp_path / "results"
    for name in MECHANISMS["S9"].recipes:
        leave(lab_of(cache, checkpoints=weights), name)
    monkeypatch.setattr(
        "reidlib.experiments.mechanisms.Lab",
        lambda people, size, folder: lab_of(cache, people, folder),
    )
    words = ["--people", 4, "--profile", "smoke", "--weights", weights, "--records", results]
    assert reid(monkeypatch, "truth", "S9", "C3", *words) == 1
    told = capsys.readouterr().out
    assert "likeness of frames" in told
    assert "not measured: C3 looks at trained models" in told
    assert "tacan--smoke.safetensors" in told
    path = results / "truth" / "S9--smoke.json"
    assert not Evidence(results).truth, "other models than the verdicts are about"
    written = path.stat().st_mtime_ns
    assert reid(monkeypatch, "truth", "S9", *words, "--json") == 0
    plain = json.loads(capsys.readouterr().out, parse_constant=lambda x: pytest.fail(x))
    assert plain["records"][0]["claim"] == "S9"
    assert path.stat().st_mtime_ns == written
    assert reid(monkeypatch, "truth", "S9", *words, "--fresh") == 0
    assert path.stat().st_mtime_ns > written
    assert reid(monkeypatch, "truth", "T1", *words) == 2
    assert reid(monkeypatch, "truth", "S9", "--people", 1) == 2
    capsys.readouterr()
    text = path.read_text()
    assert reid(monkeypatch, "truth", "S9", "--people", 2, *words[2:]) == 0
    told = capsys.readouterr().out
    assert "S9: the first 2 people" in told
    assert "not recorded, for the record there is of more people: S9" in told
    assert path.read_text() == text


# Every measurement, on untrained models ---------------------------------------------------------


def leave(lab: Lab, name: str, other: Mapping[str, object] | None = None) -> None:
    """Untrained weights of a recipe where the lab looks for trained ones."""
    chosen, size = recipe(name), profile("smoke")
    model = build(chosen, size, num_classes=4, pretrained=False).model
    with torch.no_grad():
        model.train()(torch.randn(4, 4, 3, 64, 32, generator=torch.Generator().manual_seed(0)))
    data = {"name": "promenade", "version": VERSION, "settings": {"world": 0}}
    save_model(
        lab.path(name), model, About(chosen, size, 4, 0, {**data, **(other or {})}, "scratch", {})
    )


@pytest.mark.slow
@pytest.mark.parametrize("claim", [name for name in MECHANISMS if name != "T6"])
def test_every_measurement_answers_what_its_claim_asks(claim, cache, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(core, "LOOKED_AT", 2)
    lab = Lab(PEOPLE, "smoke", tmp_path, cache=cache)
    for name in MECHANISMS[claim].recipes:
        leave(lab, name)
    record = R.read_truth(R.write_truth(R.measure(claim, lab), tmp_path))
    asked = next(c for c in CLAIMS if c.id == claim).asked
    lacking = [str(a) for a in asked if not record.has(a.scene, a.question, a.of, a.to)]
    assert not lacking
    assert {a.scene for a in asked} <= set(MECHANISMS[claim].scenes)
    assert any(cell["values"] for cell in record.cells)


def test_claims_and_measurements_belong_together() -> None:
    assert {c.id for c in CLAIMS if c.asked} | {"T6"} == set(MECHANISMS)
    assert {c.id for c in CLAIMS if "M" in c.kinds} <= set(MECHANISMS)
    for claim in ASKING:
        assert len(set(claim.asked)) == len(claim.asked)


# Parts by hand ----------------------------------------------------------------------------------


def test_one_good_frame_stands_at_each_place() -> None:
    blur, frozen = FAULTS.index("motion blur"), FAULTS.index("frozen")
    fault = np.array([0, blur, blur, blur, 0, 0, frozen])
    found = rgsa_rgtr._one_among_bad(fault, 4)
    assert found.tolist() == [[4, 1, 2, 3], [1, 4, 2, 3], [1, 2, 4, 3], [1, 2, 3, 4]]
    assert rgsa_rgtr._one_among_bad(np.array([0, blur, blur, frozen]), 4) is None
    assert rgsa_rgtr._one_among_bad(np.full(5, blur), 4) is None


def test_a_bad_first_frame_and_the_same_frames_with_a_good_one_first() -> None:
    truth = {
        "covered": torch.tensor([0.0, 0.7, 0.0, 0.3, 0.0]),
        "foreign": torch.zeros(5, dtype=torch.bool),
        "quality": torch.ones(5),
    }
    assert fgra._bad_first(truth, 4) == [[1, 0, 2, 4], [0, 1, 2, 4]]
    assert fgra._bad_first({**truth, "quality": torch.zeros(5)}, 4) == []
    assert fgra._bad_first({**truth, "covered": torch.zeros(5)}, 4) == []


def test_what_is_salient_first_and_stays() -> None:
    bright = torch.tensor([[[1.0, 0.2, torch.nan], [0.8, 0.4, 0.2]], [[torch.nan] * 3] * 2])
    kept, beyond = sinet._kept(bright.double())
    assert kept[0].item() == pytest.approx(0.8 - 1.0)
    assert beyond[0].item() == pytest.approx(0.8 - 0.3)
    assert torch.stack([kept[1], beyond[1]]).isnan().all()


def test_ranks_inside_a_clip() -> None:
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.25] * 4])
    covered = torch.tensor([[0.0, 0.1, 0.5, 0.9]] * 3)
    found = core.rank_within(weights, covered)
    assert found[:2].tolist() == pytest.approx([1.0, -1.0])
    assert found[2].isnan()


def test_brightness_has_one_scale_for_a_model() -> None:
    maps = torch.zeros(2, 4, 2)
    maps[0, 0, 0], maps[1, 0, 0] = 3.0, 1.0
    region = torch.zeros(2, 8, 4, dtype=torch.bool)
    region[:, :2, :2] = True
    found = rgsa_rgtr.brightness(maps, region)
    assert found.tolist() == pytest.approx([1.5, 0.5])


def test_noise_correlates_a_little() -> None:
    mask = torch.zeros(3, 32, 16, dtype=torch.bool)
    mask[:, 8:24, 4:12] = True
    assert 0.1 < sinet._luck((16, 8), mask) < 0.3
