"""From strokes to pixels: tiles, painted back to front, all frames at once.

The frames are cut into small tiles and every stroke is listed only in the tiles it touches. Pass k
paints the k-th stroke of every tile that has one, so the work follows the painted area. Tiles stand
last in memory, sorted by how much is to be painted, so each pass works on one plain slice.

Only additions, multiplications, divisions, square roots, minima and floors are used, one tensor
operation each: they round alike for any batch, thread count and machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from reidlib.data.promenade.strokes import FABRIC, PLAIN, Strokes

_P = {name: i for i, name in enumerate(PLAIN)}
_F = {name: i for i, name in enumerate(FABRIC)}


_PIECE = 1 << 17  # pixels that are worked on together


@dataclass
class Plan:
    """Which stroke is painted in which tile in which pass."""

    grid: tuple[int, int, int]  # frames, tile rows, tile columns
    tile: tuple[int, int]  # pixels of a tile
    place: Tensor  # (tiles,) position of each tile on the canvas
    corner: tuple[Tensor, Tensor]  # (tiles,) x and y of the first pixel's centre, by position
    frame: Tensor  # (tiles,) by position
    stroke: Tensor  # (pairs,) pass after pass
    passes: list[int]  # tiles painted in each pass

    def canvas(self, channels: int) -> Tensor:
        """(channels, tile height, tile width, tiles), to be filled by its owner."""
        return torch.empty(channels, *self.tile, len(self.place), device=self.place.device)

    def pixels(self) -> tuple[Tensor, Tensor]:
        """x (1, tile width, tiles) and y (tile height, 1, tiles) of the canvas' pixel centres."""
        high, wide = self.tile
        device = self.place.device
        x = torch.arange(wide, device=device, dtype=torch.float32)[None, :, None] + self.corner[0]
        y = torch.arange(high, device=device, dtype=torch.float32)[:, None, None] + self.corner[1]
        return x, y

    def pieces(self) -> Iterator[tuple[slice, slice]]:
        """Pass after pass, cut to what fits the processor's cache: pairs, and their tiles."""
        most = _PIECE // (self.tile[0] * self.tile[1]) if self.place.is_cpu else len(self.place)
        begin = 0
        for tiles in self.passes:
            for first in range(0, tiles, most):
                last = min(first + most, tiles)
                yield slice(begin + first, begin + last), slice(first, last)
            begin += tiles

    def untile(self, canvas: Tensor, height: int, width: int) -> Tensor:
        """(channels, th, tw, tiles) to (frames, channels, height, width)."""
        frames, rows, columns = self.grid
        high, wide = self.tile
        sorted_back = canvas.reshape(-1, canvas.shape[-1]).index_select(1, self.place)
        image = sorted_back.view(-1, high, wide, frames, rows, columns).permute(3, 0, 4, 1, 5, 2)
        image = image.reshape(frames, -1, rows * high, columns * wide)
        return image[:, :, :height, :width]


def plan(strokes: Strokes, frames: int, height: int, width: int, tile: tuple[int, int]) -> Plan:
    """Sort strokes into tiles."""
    device = strokes.table.device
    high, wide = tile
    rows, columns = -(-height // high), -(-width // wide)
    x0, x1, y0, y1, wmax = _bounds(strokes.table)
    left = torch.floor(x0 / wide).clamp(0, columns).long()
    right = torch.floor(x1 / wide).clamp(-1, columns - 1).long()
    top = torch.floor(y0 / high).clamp(0, rows).long()
    bottom = torch.floor(y1 / high).clamp(-1, rows - 1).long()
    across, down = (right - left + 1).clamp(min=0), (bottom - top + 1).clamp(min=0)
    count = across * down
    stroke = torch.repeat_interleave(torch.arange(len(count), device=device), count)
    first = torch.cumsum(count, 0) - count
    cell = torch.arange(len(stroke), device=device) - first[stroke]
    row = top[stroke] + cell // across[stroke]
    column = left[stroke] + cell % across[stroke]
    touch = _touches(strokes.table[:, stroke], row, column, tile, wmax[stroke])
    stroke, row, column = stroke[touch], row[touch], column[touch]
    where = (strokes.frame[stroke] * rows + row) * columns + column
    by_order = torch.argsort(strokes.order, stable=True)
    rank = torch.empty_like(by_order)
    rank[by_order] = torch.arange(len(by_order), device=device)
    sort = torch.argsort(where * len(rank) + rank[stroke])
    stroke, where = stroke[sort], where[sort]
    tiles = frames * rows * columns
    load = torch.bincount(where, minlength=tiles)
    begin = torch.cumsum(load, 0) - load
    turn = torch.arange(len(where), device=device) - begin[where]
    busiest = torch.argsort(load, descending=True, stable=True)
    place = torch.empty_like(busiest)
    place[busiest] = torch.arange(tiles, device=device)
    passes = torch.bincount(turn).tolist() if len(turn) else []
    stroke = stroke[torch.argsort(turn * tiles + place[where])]
    return Plan(
        (frames, rows, columns),
        tile,
        place,
        (
            (busiest % columns * wide).float() + 0.5,
            (busiest // columns % rows * high).float() + 0.5,
        ),
        busiest // (rows * columns),
        stroke,
        passes,
    )


def _bounds(table: Tensor) -> tuple[Tensor, ...]:
    """Box around each stroke, and its largest half width plus what antialiasing adds."""
    ax, ay, dx, dy, length = (table[_P[n]] for n in ("ax", "ay", "dx", "dy", "length"))
    w0, w1, w2 = (table[_P[n]] for n in ("w0", "w1", "w2"))
    middle = w0 + 0.5 * length * (w1 + 0.5 * length * w2)
    end = w0 + length * (w1 + length * w2)
    # A quadratic through three values stays below their maximum plus an eighth of its bend.
    wide = torch.maximum(torch.maximum(w0, middle), end) + 0.125 * (w2 * length * length).abs()
    soft = 0.5 / table[_P["sharp"]] + 0.5
    before = (w0 + soft) / table[_P["cap0"]].clamp(max=1.0)
    after = torch.minimum((end + soft) / table[_P["cap1"]].clamp(max=1.0),
                          table[_P["cut"]] - length + soft)  # fmt: skip
    sx, sy = ax - dx * before, ay - dy * before
    ex, ey = ax + dx * (length + after), ay + dy * (length + after)
    wide = wide + soft
    gx, gy = dy.abs() * wide, dx.abs() * wide
    return (
        torch.minimum(sx, ex) - gx, torch.maximum(sx, ex) + gx,
        torch.minimum(sy, ey) - gy, torch.maximum(sy, ey) + gy, wide,
    )  # fmt: skip


def _touches(
    table: Tensor, row: Tensor, column: Tensor, tile: tuple[int, int], wide: Tensor
) -> Tensor:
    """Whether a tile comes near enough to the axis of its (slanted) stroke."""
    high, across = tile
    x = (column.float() + 0.5) * across - table[_P["ax"]]
    y = (row.float() + 0.5) * high - table[_P["ay"]]
    dx, dy = table[_P["dx"]], table[_P["dy"]]
    return (x * dy - y * dx).abs() <= wide + 0.5 * (dy.abs() * across + dx.abs() * high)


def paint(plan: Plan, strokes: Strokes, canvas: Tensor) -> None:
    """Paint all passes over what `canvas` (3, th, tw, tiles) shows already, in place."""
    table = strokes.table[:, plan.stroke]
    pattern = strokes.pattern[plan.stroke]
    x, y = plan.pixels()
    for pairs, tiles in plan.pieces():
        row = table[:, pairs]
        shape = _Shape(row, x[..., tiles], y[..., tiles])
        colour = row[_P["red"] : _P["blue"] + 1, None, None]
        index = pattern[pairs]
        dressed = (index >= 0).nonzero().squeeze(1)
        if len(dressed):
            body = colour.expand(3, *shape.alpha.shape).contiguous()
            some = _weave(strokes.fabric[:, index[dressed]], shape, colour[..., dressed], dressed)
            body.index_copy_(3, dressed, some)
            ink = body.mul_(shape.light())
        else:
            ink = colour * shape.light()
        view = canvas[..., tiles]
        view += ink.sub_(view).mul_(shape.alpha)


def label(plan: Plan, strokes: Strokes, values: Tensor, canvas: Tensor, among: Tensor) -> None:
    """Write values (s,) where strokes of `among` (s,) cover at least half a pixel, in order."""
    table = strokes.table[:, plan.stroke]
    value, takes = values[plan.stroke], among[plan.stroke]
    x, y = plan.pixels()
    for pairs, tiles in plan.pieces():
        shape = _Shape(table[:, pairs], x[..., tiles], y[..., tiles])
        view = canvas[0, ..., tiles]
        covered = (shape.alpha >= 0.5) & takes[pairs]
        view.copy_(torch.where(covered, value[pairs], view))


class _Shape:
    """One stroke in each tile: how far it covers each pixel, and its surface there."""

    def __init__(self, row: Tensor, x: Tensor, y: Tensor) -> None:
        get = row.__getitem__
        dx, dy = get(_P["dx"]), get(_P["dy"])
        x, y = x - get(_P["ax"]), y - get(_P["ay"])
        u = x * dy - y * dx
        v = x * dx + y * dy
        on_line = torch.minimum(v.clamp(min=0.0), get(_P["length"]))
        over = v - on_line
        over = (
            over.clamp(max=0.0)
            .mul_(get(_P["cap0"]))
            .add_(over.clamp(min=0.0).mul_(get(_P["cap1"])))
        )
        half = (on_line * get(_P["w2"])).add_(get(_P["w1"])).mul_(on_line).add_(get(_P["w0"]))
        half.clamp_(min=1e-3)
        off = torch.sqrt(u * u + over * over)
        distance = torch.maximum(off - half, v - get(_P["cut"]))
        self.alpha = (0.5 - distance * get(_P["sharp"])).clamp_(0.0, 1.0).mul_(get(_P["opacity"]))
        self.row, self.along = row, v
        self.right = (u / half).clamp_(-1.0, 1.0)
        self.down = (over / half).clamp_(-1.0, 1.0)
        ball = self.down * get(_P["ball"])
        self.towards = torch.sqrt(
            (1.0 - self.right * self.right).sub_(ball.mul_(ball)).clamp_(min=0.0)
        )

    def light(self) -> Tensor:
        row = self.row
        lit = self.right * row[_P["lit_u"]] + row[_P["lit"]]
        lit += self.down * row[_P["lit_v"]]
        lit += self.towards * row[_P["lit_n"]]
        lit += self.along * row[_P["lit_s"]]
        return lit.clamp_(min=0.0)


def _weave(fabric: Tensor, shape: _Shape, colour: Tensor, which: Tensor) -> Tensor:
    """Colours (3, th, tw, n) of patterned strokes: two families of stripes, then one decal."""
    get = {name: fabric[i] for name, i in _F.items()}
    right, towards = shape.right.index_select(2, which), shape.towards.index_select(2, which)
    down, along = shape.down.index_select(2, which), shape.along.index_select(2, which)
    left = right * get["left_u"] + towards * get["left_n"]

    def stripes(n: str) -> Tensor:
        t = left * get["across" + n] + along * get["along" + n] + get["phase" + n]
        t = (t - torch.floor(t) - 0.5).abs_()
        return ((t - get["share" + n]) * get["edge" + n] + 0.5).clamp_(0.0, 1.0)

    one, two = stripes("1"), stripes("2")
    mix = one * get["first"] + two * get["second"] + (one * two).mul_(get["both"])
    facing = right * get["decal_u"] + towards * get["decal_n"] + down * get["decal_v"]
    facing = (facing - get["decal_0"]) * get["decal_edge"] + 0.5
    band = (get["decal_half"] - (along - get["decal_at"]).abs_()) * get["decal_cut"] + 0.5
    decal = torch.minimum(facing, band).clamp_(0.0, 1.0)
    second = fabric[_F["red2"] : _F["blue2"] + 1, None, None]
    third = fabric[_F["red3"] : _F["blue3"] + 1, None, None]
    cloth = colour + (second - colour) * mix
    return cloth + (third - cloth) * decal
