"""Steps to a given score: read off lines between budgets, and paired by world."""

import math
from pathlib import Path

import pytest

from reidlib.experiments import verdicts
from reidlib.experiments.budgets import arm, budgets, saved, steps_needed, steps_saved
from reidlib.experiments.claims import CLAIMS
from reidlib.experiments.data import Data
from reidlib.experiments.evidence import Evidence
from reidlib.experiments.study_records import Studies
from reidlib.recipes import profile
from tests.experiments.fake_records import fake_record
from tests.experiments.fake_study import put

OWN, RIVAL = "tacan-1/minmax", "tacan-1/ca"
STEPS = budgets(profile("laptop"))


def curves(results: Path, worlds: int = 3) -> None:
    """The rival ends at 0.60; the own model is there a little later than at its third budget."""
    for world in range(worlds):
        for recipe, scores in (
            (RIVAL, (0.30, 0.40, 0.50, 0.60)),
            (OWN, (0.31, 0.42, 0.58 + 0.005 * world, 0.66)),
        ):
            for steps, score in zip(STEPS, scores):
                put(
                    results,
                    "budgets",
                    arm(recipe, steps),
                    fake_record(recipe, world, {"street": score}),
                )


def test_the_last_budget_is_the_profile_s_own():
    assert STEPS == (125, 250, 500, 750)
    assert STEPS[-1] == profile("laptop").steps


@pytest.mark.parametrize(
    ("target", "steps"),
    [(10, 100), (20, 100), (30, 150), (40, 200), (45, 250), (50, 300), (60, math.nan)],
)
def test_steps_lie_on_straight_lines_between_budgets(target, steps):
    found = steps_needed({300: 50, 100: 20, 200: 40}, target)
    assert found == steps or (math.isnan(found) and math.isnan(steps))


def test_the_first_crossing_counts_where_a_curve_falls_again():
    assert steps_needed({100: 10, 200: 30, 300: 25, 400: 40}, 28) == 190


def test_both_models_reach_the_score_that_is_asked():
    slow, fast = {100: 10, 200: 20, 300: 30}, {100: 20, 200: 40, 300: 50}
    assert steps_saved(fast, slow) == 300 - 150
    assert steps_saved(slow, fast) == 150 - 300
    assert steps_saved(slow, slow) == 0


def test_steps_are_paired_by_world_and_need_every_budget(tmp_path):
    curves(tmp_path)
    found = saved(Studies(tmp_path / "promenade"), OWN, RIVAL, STEPS)
    for world, one in found.items():
        third = 58 + 0.5 * world
        assert one == pytest.approx(750 - (500 + 250 * (60 - third) / (66 - third)))
    next((tmp_path / "promenade/budgets" / arm(OWN, 250)).glob("*seed1.json")).unlink()
    assert set(saved(Studies(tmp_path / "promenade"), OWN, RIVAL, STEPS)) == {0, 2}
    assert saved(Studies(tmp_path / "nowhere"), OWN, RIVAL, STEPS) == {}


def test_a_claim_counts_the_steps_and_says_so(tmp_path, monkeypatch):
    curves(tmp_path)
    monkeypatch.setattr(verdicts, "CLAIMS", [c for c in CLAIMS if c.id == "C5"])
    (claim,) = verdicts.verdicts(Evidence(tmp_path))
    (finding,) = claim.findings
    assert finding.verdict == "holds on Promenade"
    assert str(finding).startswith(f"steps to the same validation score, {RIVAL} - {OWN}: +200.6 [")
    assert claim.as_dict()["comparisons"][0]["unit"] == "steps"


def test_the_study_speaks_of_its_own_profile_and_data_alone(tmp_path):
    curves(tmp_path)
    assert Evidence(tmp_path, "fine").steps_saved(OWN, RIVAL) is None
    assert Evidence(tmp_path, data=Data(scenario="clean")).steps_saved(OWN, RIVAL) is None
    assert any(c.steps for claim in CLAIMS for c in claim.comparisons)
