"""The one shape everything is drawn with, and the pen that collects it.

A stroke is a line from a to b with a width that swells between three values along it and a round,
squashed or cut end: an arm, a head, a skirt, a pole, a cloud of shadow. Seen as a solid of
revolution it has a surface normal at every pixel, so one formula gives shape, light and fabric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

# Rows of the parameter table. Lengths are pixels of the frame, y grows downwards.
PLAIN = (
    "ax", "ay", "dx", "dy", "length", "w0", "w1", "w2", "cap0", "cap1", "cut", "sharp", "opacity",
    "red", "green", "blue", "ball", "lit", "lit_u", "lit_v", "lit_n", "lit_s",
)  # fmt: skip
# Rows of the fabric table; only strokes with a pattern or a decal have an entry.
FABRIC = (
    "red2", "green2", "blue2", "red3", "green3", "blue3", "left_u", "left_n",
    "across1", "along1", "phase1", "share1", "edge1",
    "across2", "along2", "phase2", "share2", "edge2", "first", "second", "both",
    "decal_u", "decal_n", "decal_v", "decal_0", "decal_edge", "decal_at", "decal_half", "decal_cut",
)  # fmt: skip
Widths = tuple[Tensor, Tensor, Tensor]
NEVER = 1e6  # a cut so far away that the end stays round


@dataclass
class Strokes:
    """Strokes of many frames, flat. `table` (len(PLAIN), s), `fabric` (len(FABRIC), p)."""

    table: Tensor
    fabric: Tensor
    pattern: Tensor  # (s,) column of `fabric`, -1 for none
    frame: Tensor  # (s,) which frame it is in
    order: Tensor  # (s,) painted in ascending order
    part: Tensor  # (s,) index into PARTS, 0 for what is no part of a person
    owner: (
        Tensor  # (s,) 1: the labelled person; 2: anything in front; 0: scenery, shadow, far people
    )

    @staticmethod
    def none(device: torch.device) -> Strokes:
        """An empty collection."""
        table = torch.zeros(len(PLAIN), 0, device=device)
        empty = torch.zeros(0, dtype=torch.long, device=device)
        fabric = torch.zeros(len(FABRIC), 0, device=device)
        return Strokes(table, fabric, empty, empty, empty.float(), empty, empty)

    @staticmethod
    def joined(pieces: list[Strokes]) -> Strokes:
        """All strokes of several collections, in their order."""
        shift, patterns = 0, []
        for piece in pieces:
            patterns.append(torch.where(piece.pattern >= 0, piece.pattern + shift, piece.pattern))
            shift += piece.fabric.shape[1]
        return Strokes(
            torch.cat([p.table for p in pieces], 1),
            torch.cat([p.fabric for p in pieces], 1),
            torch.cat(patterns),
            *(torch.cat([getattr(p, name) for p in pieces])
              for name in ("frame", "order", "part", "owner")),
        )  # fmt: skip


@dataclass
class Pen:
    """Collects strokes; each call draws the same shape for all figures at once.

    light: (x, y, n) direction to the lamp on the screen (y down, n towards the viewer), each (f,).
    """

    figures: int
    light: tuple[Tensor, Tensor, Tensor]
    ambient: Tensor
    frame: Tensor
    layer: Tensor  # (f,) order of the whole figure
    owner: Tensor  # (f,)
    sharp: float = 1.0  # below 1 every edge is softer: out of focus
    _rows: list[Tensor] = field(default_factory=list)
    _fabrics: list[Tensor] = field(default_factory=list)
    _patterns: list[Tensor] = field(default_factory=list)
    _orders: list[Tensor] = field(default_factory=list)
    _parts: list[tuple[int, int, bool]] = field(default_factory=list)

    def stroke(
        self,
        a: tuple[Tensor, Tensor],
        b: tuple[Tensor, Tensor],
        widths: Widths,
        colour: Tensor,
        *,
        part: int,
        depth: Tensor | float,
        caps: tuple[Tensor | float, Tensor | float] = (1.0, 1.0),
        cut: Tensor | float | None = None,
        opacity: Tensor | float = 1.0,
        sharp: Tensor | float = 1.0,
        fade: Tensor | float = 0.0,
        ball: float = 0.0,
        flat: float = 1.0,
        ghost: bool = False,
        fabric: Mapping[str, Tensor | float] | None = None,
    ) -> None:
        """One stroke (figures,) or a left and a right one (2, figures).

        widths: half widths at the start, the middle and the end.
        caps: how strongly the two ends are squashed (1 round, 2 half as long).
        cut: the end is straight, this far beyond b.
        sharp: below 1 the edge is 1 / sharp pixels wide.
        fade: light lost towards b. flat: 1 lit as a solid, 0 not shaded at all.
        ball: 1 lit as a ball at its ends, 0 as a cylinder throughout.
        ghost: light or shade, which covers nothing.
        colour: (3, figures). part: index into PARTS. depth: later is nearer, within the figure.
        """
        ax, ay, bx, by = torch.broadcast_tensors(*a, *b)
        shape = ax.shape
        dx, dy = bx - ax, by - ay
        length = torch.sqrt(dx * dx + dy * dy)
        safe = length.clamp(min=1e-4)
        tiny = length <= 1e-4
        dx, dy = torch.where(tiny, 0.0, dx / safe), torch.where(tiny, 1.0, dy / safe)
        start, middle, end = widths
        slope = 4.0 * middle - 3.0 * start - end
        bend = 2.0 * (start + end) - 4.0 * middle
        lx, ly, ln = self.light
        zero = torch.zeros(shape, device=ax.device)
        diffuse = (1.0 - self.ambient) * flat
        values: dict[str, Tensor | float] = {
            "ax": ax, "ay": ay, "dx": dx, "dy": dy, "length": length, "w0": start,
            "w1": torch.where(tiny, 0.0, slope / safe),
            "w2": torch.where(tiny, 0.0, bend / (safe * safe)),
            "cap0": caps[0], "cap1": caps[1], "cut": length + (NEVER if cut is None else cut),
            "sharp": sharp * self.sharp, "opacity": opacity,
            "red": colour[0], "green": colour[1], "blue": colour[2],
            "ball": ball, "lit": self.ambient * flat + (1.0 - flat),
            "lit_u": diffuse * (lx * dy - ly * dx),
            "lit_v": ball * diffuse * (lx * dx + ly * dy),
            "lit_n": diffuse * ln, "lit_s": -fade / safe,
        }  # fmt: skip
        count = 1 if len(shape) == 1 else shape[0]
        rows = torch.stack([zero + values[name] for name in PLAIN])
        self._rows.append(rows.reshape(len(PLAIN), count, self.figures))
        have = sum(f.shape[1] for f in self._fabrics)
        if fabric is None:
            self._patterns.append(torch.full((count,), -1, dtype=torch.long))
        else:
            table = torch.stack([zero + fabric.get(name, 0.0) for name in FABRIC])
            self._fabrics.append(table.reshape(len(FABRIC), count, self.figures))
            self._patterns.append(torch.arange(have, have + count))
        self._orders.append((zero + depth).reshape(count, self.figures))
        self._parts.append((part, count, ghost))

    def strokes(self) -> Strokes:
        """Everything drawn so far; invisible strokes are left out."""
        device = self.frame.device
        table = torch.cat(self._rows, 1)
        slots = table.shape[1]
        order = torch.cat(self._orders, 0) + self.layer
        figure = torch.arange(self.figures, device=device)
        slot_pattern = torch.cat(self._patterns).to(device)[:, None]
        pattern = torch.where(slot_pattern >= 0, slot_pattern * self.figures + figure, -1)
        parts = torch.tensor([p for p, n, _ in self._parts for _ in range(n)], device=device)
        solid = torch.tensor([not g for _, n, g in self._parts for _ in range(n)], device=device)
        fabric = (
            torch.cat(self._fabrics, 1)
            if self._fabrics
            else torch.zeros(len(FABRIC), 0, self.figures, device=device)
        )
        keep = (table[PLAIN.index("opacity")] > 0.0).flatten().nonzero().squeeze(1)

        def flat(values: Tensor) -> Tensor:
            return values.expand(slots, self.figures).reshape(-1)[keep]

        return Strokes(
            table.reshape(len(PLAIN), -1)[:, keep],
            fabric.reshape(len(FABRIC), -1),
            flat(pattern),
            flat(self.frame),
            flat(order),
            flat(parts[:, None]),
            flat(self.owner * solid[:, None]),
        )
