"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reidlib.data import promenade
from reidlib.errors import ReidError


def test_rows_are_people_and_scenarios_columns_are_frames(tmp_path: Path) -> None:
    asked = {"people": 2, "cameras": 2, "frames": 3, "height": 32, "width": 16, "gap": 2}
    sheet = promenade.contact_sheet(("clean", "street"), **asked)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (4 * (32 + 2), 2 * (3 * 16 + 2) - 2, 3)
    clean = promenade.contact_sheet("clean", **asked)
    np.testing.assert_array_equal(sheet[:34], clean[:34])  # first person, first scenario
    np.testing.assert_array_equal(sheet[68:102], clean[34:])
    assert np.array_equal(sheet, promenade.contact_sheet(("clean", "street"), **asked))
    later = promenade.contact_sheet("clean", **{**asked, "first": 1, "people": 1})
    np.testing.assert_array_equal(later, clean[34:])
    gap = sheet[:, 48:50]
    assert len(np.unique(gap)) == 1


def test_strengths_and_saving(tmp_path: Path) -> None:
    asked = {"people": 1, "cameras": 1, "frames": 2, "height": 32, "width": 16}
    calm = promenade.contact_sheet("clean", **asked)
    ill = promenade.contact_sheet("clean", strengths={"occlusion": 1.0, "clutter": 1.0}, **asked)
    assert not np.array_equal(calm, ill)
    path = promenade.save_picture(ill, tmp_path / "sheet.png")
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), ill)


def test_nobody_to_show_and_no_picture(tmp_path: Path) -> None:
    for bad in ({"frames": 0}, {"cameras": 0}, {"gap": -1}):
        with pytest.raises(ReidError, match="a sheet has at least one"):
            promenade.contact_sheet("clean", height=32, width=16, **bad)
    with pytest.raises(ReidError, match="not 0 scenarios"):
        promenade.contact_sheet([])
    for bad in ({"first": 1000}, {"people": 0}, {"every": 0}, {"first": -1}):
        with pytest.raises(ReidError, match="nobody to show"):
            promenade.contact_sheet("clean", height=32, width=16, **bad)
    with pytest.raises(ReidError, match=r"a\.xyz is no picture"):
        promenade.save_picture(np.zeros((8, 8, 3), np.uint8), tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())
