"""Painting strokes, against one pixel at a time in float64."""

from __future__ import annotations

import math

import pytest
import torch

from reidlib.data.promenade import raster
from reidlib.data.promenade.strokes import FABRIC, PLAIN, Pen, Strokes

H, W, FRAMES, COUNT = 24, 18, 3, 5


def scribble(seed: int, count: int = COUNT) -> Strokes:
    """Strokes of every kind, anywhere in and around the frames."""
    draw = torch.Generator().manual_seed(seed)

    def some(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*(shape or (FRAMES,)), generator=draw)

    light = (some(-0.5, 0.5), some(-0.6, 0.0), some(0.5, 0.8))
    pen = Pen(
        FRAMES, light, some(0.3, 0.6), torch.arange(FRAMES), some(0, 5), torch.ones(FRAMES).long()
    )
    for k in range(count):
        a, b = (some(-3, W + 3), some(-3, H + 3)), (some(-3, W + 3), some(-3, H + 3))
        if k % 4 == 3:
            b = a  # a ball
        weave = {name: some(-0.5, 1.0) for name in FABRIC}
        weave |= {"edge1": some(1, 5), "decal_half": some(0, 9)}
        straight = k % 3 == 1
        pen.stroke(
            a, b, (some(0.5, 5), some(0.5, 5), some(0.5, 5)), some(0.0, 1.0, 3, FRAMES),
            part=1 + k % 7, depth=some(0, 10), caps=(some(0.6, 3), some(0.6, 3) * (not straight)),
            cut=some(-1, 2) if straight else None, opacity=some(0.3, 1), sharp=some(0.3, 1),
            fade=some(0, 0.3), ball=some(0, 1), flat=0.8, fabric=weave if k % 2 else None,
        )  # fmt: skip
    return pen.strokes()


def stripes(t: float, share: float, edge: float) -> float:
    return min(max((abs(t - math.floor(t) - 0.5) - share) * edge + 0.5, 0.0), 1.0)


def surface(row: dict[str, float], x: float, y: float) -> tuple[float, float, float, float, float]:
    """Coverage, and the point of the solid: right, along its cap, towards the viewer, along."""
    x, y = x - row["ax"], y - row["ay"]
    u, v = x * row["dy"] - y * row["dx"], x * row["dx"] + y * row["dy"]
    on = min(max(v, 0.0), row["length"])
    over = v - on
    over = over * (row["cap0"] if over < 0 else row["cap1"])
    half = max(row["w0"] + on * (row["w1"] + on * row["w2"]), 1e-3)
    distance = max(math.hypot(u, over) - half, v - row["cut"])
    alpha = min(max(0.5 - distance * row["sharp"], 0.0), 1.0) * row["opacity"]
    right, down = (min(max(k / half, -1.0), 1.0) for k in (u, over))
    towards = math.sqrt(max(1.0 - right**2 - (down * row["ball"]) ** 2, 0.0))
    return alpha, right, down, towards, v


def ink(row: dict, weave: dict | None, point: tuple) -> list[float]:
    """Colour of one stroke at one pixel."""
    _, right, down, towards, along = point
    colour = [row[c] for c in ("red", "green", "blue")]
    if weave:
        left = right * weave["left_u"] + towards * weave["left_n"]
        one, two = (
            stripes(left * weave[f"across{n}"] + along * weave[f"along{n}"] + weave[f"phase{n}"],
                    weave[f"share{n}"], weave[f"edge{n}"])
            for n in (1, 2)
        )  # fmt: skip
        mix = one * weave["first"] + two * weave["second"] + one * two * weave["both"]
        facing = right * weave["decal_u"] + towards * weave["decal_n"] + down * weave["decal_v"]
        facing = (facing - weave["decal_0"]) * weave["decal_edge"] + 0.5
        band = (weave["decal_half"] - abs(along - weave["decal_at"])) * weave["decal_cut"] + 0.5
        decal = min(max(min(facing, band), 0.0), 1.0)
        for i, c in enumerate(("red", "green", "blue")):
            cloth = colour[i] + (weave[c + "2"] - colour[i]) * mix
            colour[i] = cloth + (weave[c + "3"] - cloth) * decal
    light = row["lit"] + right * row["lit_u"] + down * row["lit_v"]
    light = max(light + towards * row["lit_n"] + along * row["lit_s"], 0.0)
    return [c * light for c in colour]


def by_hand(strokes: Strokes, ground: float = 0.5) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture and the part that is on top, (frames, 3, h, w) and (frames, h, w)."""
    picture = torch.full((FRAMES, 3, H, W), ground, dtype=torch.float64)
    parts = torch.zeros(FRAMES, H, W)
    rows = [dict(zip(PLAIN, column)) for column in strokes.table.double().T.tolist()]
    weaves = [dict(zip(FABRIC, column)) for column in strokes.fabric.double().T.tolist()]
    for s in torch.argsort(strokes.order, stable=True).tolist():
        frame, index = int(strokes.frame[s]), int(strokes.pattern[s])
        for y in range(H):
            for x in range(W):
                point = surface(rows[s], x + 0.5, y + 0.5)
                if point[0] > 0:
                    wet = torch.tensor(ink(rows[s], weaves[index] if index >= 0 else None, point))
                    picture[frame, :, y, x] += (wet - picture[frame, :, y, x]) * point[0]
                if point[0] >= 0.5:
                    parts[frame, y, x] = float(strokes.part[s])
    return picture, parts


@pytest.mark.parametrize("tile", [(4, 8), (8, 8), (5, 7)])
def test_paints_what_one_pixel_at_a_time_gives(tile: tuple[int, int]) -> None:
    for seed in range(2):
        strokes = scribble(seed)
        plan = raster.plan(strokes, FRAMES, H, W, tile)
        canvas = plan.canvas(3).fill_(0.5)
        raster.paint(plan, strokes, canvas)
        picture, parts = by_hand(strokes)
        assert (picture - 0.5).abs().max() > 0.2
        torch.testing.assert_close(
            plan.untile(canvas, H, W).double(), picture, atol=2e-3, rtol=0.0
        )  # the edges of stripes amplify float32's rounding
        labels = plan.canvas(1).fill_(0.0)
        raster.label(plan, strokes, strokes.part.float(), labels, strokes.owner > 0)
        assert (plan.untile(labels, H, W)[:, 0] != parts).float().mean() < 0.001


def test_tiles_leave_nothing_out() -> None:
    """Culling by tiles gives, bit for bit, what painting every stroke everywhere gives."""
    for seed in range(6):
        strokes = scribble(seed, count=12)
        pictures = []
        for tile in ((4, 8), (H, W)):
            plan = raster.plan(strokes, FRAMES, H, W, tile)
            canvas = plan.canvas(3).fill_(0.5)
            raster.paint(plan, strokes, canvas)
            pictures.append(plan.untile(canvas, H, W))
        torch.testing.assert_close(*pictures, atol=1e-5, rtol=0.0)


def test_invisible_strokes_are_dropped_and_ghosts_own_nothing() -> None:
    one = torch.ones(2)
    pen = Pen(2, (one, one, one), one, torch.arange(2), one, 2 * torch.ones(2).long())
    black = torch.zeros(3, 2)
    pen.stroke((one, one), (one, one), (one, one, one), black, part=3, depth=0.0,
               opacity=torch.tensor([1.0, 0.0]))  # fmt: skip
    pen.stroke((one, one), (one, one), (one, one, one), black, part=0, depth=0.0, ghost=True)
    strokes = pen.strokes()
    assert strokes.part.tolist() == [3, 0, 0]
    assert strokes.owner.tolist() == [2, 0, 0]
    assert strokes.frame.tolist() == [0, 0, 1]


def test_nothing_to_paint() -> None:
    strokes = Strokes.none(torch.device("cpu"))
    plan = raster.plan(strokes, 2, H, W, (4, 8))
    canvas = plan.canvas(3).fill_(0.25)
    raster.paint(plan, strokes, canvas)
    assert plan.untile(canvas, H, W).shape == (2, 3, H, W)
    assert set(canvas.flatten().tolist()) == {0.25}
