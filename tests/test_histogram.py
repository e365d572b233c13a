"""Colour histograms against plain loops."""

from __future__ import annotations

import pytest
import torch

from reidlib.histogram import centred, colour_histogram


def test_equals_plain_loops() -> None:
    frames = torch.randint(0, 256, (2, 3, 7, 5), dtype=torch.uint8)
    stripes, bins = 3, 4
    counts = torch.zeros(stripes, bins**3, dtype=torch.float64)
    for frame in frames:
        for y in range(7):
            for x in range(5):
                r, g, b = (int(v) * bins // 256 for v in frame[:, y, x])
                counts[y * stripes // 7, r * bins * bins + g * bins + b] += 1
    expected = (counts / counts.sum(dim=1, keepdim=True)).sqrt().flatten()
    found = colour_histogram(frames, stripes, bins)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-6)


def test_extremes_stay_inside() -> None:
    white = torch.full((1, 3, 8, 4), 255, dtype=torch.uint8)
    assert float(colour_histogram(white, 2, 6).sum()) == pytest.approx(2.0)


def test_centring_takes_out_what_a_camera_adds() -> None:
    plain = torch.randn(6, 4)
    camids = [0, 0, 0, 1, 1, 1]
    tint = torch.tensor([[5.0, 0, 0, 0]]) * torch.tensor(camids)[:, None]
    torch.testing.assert_close(centred(plain, camids), centred(plain + tint, camids))
