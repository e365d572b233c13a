import pytest
import torch

from reidlib.logbook import Logbook, read_log


def fill(log, steps):
    for step in steps:
        readings = {"loss": torch.tensor(1 / (step + 3)), "t.active": torch.tensor(0.5)}
        log.write(step, 0.1, readings, frames=8, waiting=0.25)


def test_rows_come_back_to_the_last_bit(tmp_path):
    with Logbook(tmp_path, 0, 12, progress=False) as log:
        fill(log, range(12))
    rows = read_log(tmp_path / "log.csv")
    assert rows == log.rows
    assert list(rows[0]) == ["step", "rate", "loss", "t.active", "frames_per_second", "waiting"]
    assert rows[7]["loss"] == torch.tensor(1 / 10).item()
    assert (tmp_path / "log.csv").read_text().splitlines()[1].startswith("0,0.1,0.333")


def test_a_resumed_log_goes_on_behind_its_step(tmp_path):
    with Logbook(tmp_path, 0, 12, progress=False) as log:
        fill(log, range(7))
    with (tmp_path / "log.csv").open("a") as file:
        file.write("7,0.1,0.")  # killed in the middle of a row
    with Logbook(tmp_path, 5, 12, progress=False) as log:
        fill(log, range(5, 12))
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == list(range(12))
    with Logbook(tmp_path, 0, 12, progress=False) as log:
        fill(log, range(2))
    assert len(read_log(tmp_path / "log.csv")) == 2


def test_closing_readings_are_means_over_the_last_tenth(tmp_path):
    with Logbook(None, 0, 20, progress=False) as log:
        fill(log, range(20))
    closing = log.closing()
    assert closing["loss"] == pytest.approx((1 / 21 + 1 / 22) / 2, rel=1e-6)
    assert closing["waiting"] == 0.25
    assert "step" not in closing
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("steps", "points", "ends"), [(5, 2, [2, 4]), (4, 50, [0, 1, 2, 3])])
def test_the_curve_is_means_of_equal_parts(steps, points, ends):
    with Logbook(None, 0, steps, progress=False) as log:
        fill(log, range(steps))
    losses, curve = [1 / (step + 3) for step in range(steps)], log.curve(points)
    assert curve["step"] == ends
    first = 0
    for end, mean in zip(ends, curve["loss"], strict=True):
        part = losses[first : end + 1]
        assert mean == pytest.approx(sum(part) / len(part), abs=1e-5)
        first = end + 1


def test_the_bar_tells_what_matters(capsys):
    with Logbook(None, 0, 3, progress=True) as log:
        log.say("baseline from scratch")
        fill(log, range(3))
    shown = capsys.readouterr().err
    for word in ("baseline from scratch", "loss=0.200", "active=50%", "frames/s=", "waiting=25%"):
        assert word in shown
    with Logbook(None, 0, 3, progress=False) as log:
        log.say("not told")
    assert capsys.readouterr().err == ""
