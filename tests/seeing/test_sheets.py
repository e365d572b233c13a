"""Sheets and sliders: rows of one tracklet differ by strength alone, strength 0 is clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reidlib.data.promenade.settings import ILLNESSES, SCENARIOS
from reidlib.errors import ReidError
from reidlib.seeing.sheets import STRENGTHS, WHO, illness_sheet, save_small, strip

SMALL = {"height": 32, "width": 16}
ONE = {"one": ((317, 5), (317, 7)), "two": ((609, 2),)}


def test_every_illness_has_a_sheet_and_every_block_three_frames() -> None:
    assert tuple(WHO) == ILLNESSES
    assert {len(some) for shots in WHO.values() for some in shots.values()} == {3}


def test_a_strip_is_its_frames_side_by_side() -> None:
    line = strip(ONE, {}, **SMALL)
    assert line.shape == (36, 3 * 16 + 4, 3)
    alone = strip({"two": ONE["two"]}, {}, **SMALL)
    np.testing.assert_array_equal(line[:32, 36:], alone[:32])
    assert (line[:, 32:36] == 250).all()


def test_a_sheet_starts_clean_and_rises() -> None:
    sheet = illness_sheet("occlusion", shots=ONE, **SMALL)
    margin = sheet.shape[1] - 52
    rows = np.split(sheet[4:, margin:], len(STRENGTHS))
    np.testing.assert_array_equal(rows[0], strip(ONE, SCENARIOS["clean"], **SMALL))
    np.testing.assert_array_equal(rows[-1], strip(ONE, {"occlusion": 1.0}, **SMALL))
    assert (rows[0] != rows[-1]).any()


def test_an_unknown_illness_is_refused() -> None:
    with pytest.raises(ReidError, match="no illness 'fog'; there are clutter, "):
        illness_sheet("fog")


def test_pictures_stay_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    big, small = (save_small(noise, tmp_path / f"{n}.jpg", n) for n in (1_000_000, 14_000))
    assert small.stat().st_size <= 14_000 < big.stat().st_size
    assert Image.open(small).size == (160, 120)


def test_sliders_draw_what_they_say() -> None:
    from reidlib.seeing.sliders import INSTEAD, Sliders, png

    shown = Sliders(ONE, **SMALL)
    bundle = shown._repr_mimebundle_()
    assert bundle["text/plain"] == INSTEAD
    assert any("widget" in kind for kind in bundle)
    assert shown.picture.value == png(strip(ONE, {}, **SMALL))
    shown.sliders["occlusion"].value = 1.0
    assert shown.picture.value == png(strip(ONE, {"occlusion": 1.0}, **SMALL))
    shown.scenario.value = "misalignment"
    assert shown.values == dict(SCENARIOS["misalignment"])
    assert shown.picture.value == png(strip(ONE, SCENARIOS["misalignment"], **SMALL))


def test_a_scenario_can_be_chosen_again_after_a_slider_was_moved() -> None:
    from reidlib.seeing.sliders import Sliders, png

    shown = Sliders(ONE, **SMALL)
    shown.scenario.value = "occlusion"
    assert shown.scenario.value == "occlusion"  # its own five strengths leave it marked
    shown.sliders["occlusion"].value = 0.2
    assert shown.scenario.value is None
    assert shown.values["occlusion"] == 0.2
    shown.scenario.value = "occlusion"
    assert shown.values == dict(SCENARIOS["occlusion"])
    assert shown.picture.value == png(strip(ONE, SCENARIOS["occlusion"], **SMALL))


def test_the_command_writes_what_is_asked_for(tmp_path: Path, monkeypatch, capsys) -> None:
    import sys

    from reidlib.__main__ import main
    from reidlib.seeing import sheets

    monkeypatch.setattr(sheets, "illness_sheet", lambda name: strip(ONE, {name: 1.0}, **SMALL))
    words = ["reid", "promenade", "sheets", "occlusion", "corruption", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"promenade-occlusion.jpg", "promenade-corruption.jpg"}
