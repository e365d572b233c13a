"""How long jobs will take, from records whose times are known."""

import pytest

from reidlib.experiments.data import Data
from reidlib.experiments.forecast import forecast
from reidlib.experiments.jobs import chosen, make_jobs
from reidlib.records import write_record
from tests.experiments.fake_records import fake_record, leave


def jobs(*names, worlds=2, score_on=("street",)):
    return make_jobs(chosen(names), "laptop", Data(score_on=score_on), range(worlds))


def test_a_recipe_takes_what_it_took_and_another_one_the_mean(tmp_path):
    leave(tmp_path, "trsa-1/sam", 0.5)
    for name, training, scoring in (("trsa-1/sam", 30.0, 8.0), ("trsa", 90.0, 2.0)):
        seconds = {"training": training, "scoring": scoring}
        write_record(fake_record(name, 0, {"street": 0.5}, seconds=seconds), tmp_path)
    found = forecast(jobs("trsa-1/sam", "trsa", "sinet", worlds=2), tmp_path)
    # world 0 of the first two is there; world 1 of each and both worlds of the third are not
    assert found.seconds == pytest.approx((30 + 8) + (90 + 2) + 2 * (60 + 5))
    assert found.records == 2


def test_a_scene_more_costs_its_scoring(tmp_path):
    seconds = {"training": 30.0, "scoring": 8.0}
    write_record(fake_record("trsa", 0, {"street": 0.5, "clean": 0.9}, seconds=seconds), tmp_path)
    one = forecast(jobs("trsa", worlds=1, score_on=("street", "clean", "occlusion")), tmp_path)
    # trained again, since models are not kept; and street and clean are another model's scores now
    assert one.seconds == pytest.approx(30 + 3 * 4)
    assert forecast(jobs("trsa", worlds=1), tmp_path).seconds == 0


def test_the_line_for_a_person(tmp_path):
    assert "no run of this profile" in forecast(jobs("trsa"), tmp_path).told(2)
    seconds = {"training": 7200.0, "scoring": 0.0}
    write_record(fake_record("trsa", 0, {"street": 0.5}, seconds=seconds), tmp_path)
    found = forecast(jobs("trsa", worlds=3), tmp_path)
    assert found.told(2) == "about 2.0 hours with 2 at once, judged by 1 record of this profile"
    assert found.told(8).startswith("about 30 minutes")
