"""What a run tells while it trains: a progress bar, a CSV file, TensorBoard where it is installed.

The CSV has one row a step and is the run's memory of its readings: a resumed run reads back the
rows before its step and writes on behind them.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from reidlib.files import write_text

NAME = "log.csv"


class Logbook:
    """Readings by step.

    folder: where log.csv goes; None keeps the readings in memory only.
    start, steps: the first step still to do, and how many there are.
    """

    def __init__(self, folder: Path | None, start: int, steps: int, *, progress: bool) -> None:
        from tqdm import tqdm

        self.rows: list[dict[str, float]] = []
        self.file: io.TextIOBase | None = None
        self.board = _tensorboard(folder)
        if folder is not None:
            path = folder / NAME
            self.rows = [row for row in read_log(path) if row["step"] < start]
            write_text(path, _text(self.rows))
            self.file = path.open("a", encoding="utf-8", newline="")
        self.bar = tqdm(
            total=steps, initial=start, unit="step", disable=not progress, dynamic_ncols=True
        )
        self.start, self.began = start, time.perf_counter()

    def say(self, text: str) -> None:
        """One line above the bar."""
        if not self.bar.disable:
            self.bar.write(text, file=sys.stderr)

    def write(
        self, step: int, rate: float, found: Mapping[str, Tensor], frames: int, waiting: float
    ) -> None:
        """One step: learning rate, readings, frames in its batch, share of time without data."""
        readings = {"rate": rate, **{name: value.item() for name, value in found.items()}}
        seconds = max(time.perf_counter() - self.began, 1e-9)
        speed = frames * (step + 1 - self.start) / seconds
        row = {"step": step, **readings, "frames_per_second": speed, "waiting": waiting}
        self.rows.append(row)
        if self.file is not None:
            self.file.write(_text([row], header=len(self.rows) == 1))
            self.file.flush()
        if self.board is not None:
            for name, value in row.items():
                self.board.add_scalar(name, value, step)
        active = [value for name, value in readings.items() if name.endswith(".active")]
        shown = {"loss": f"{readings['loss']:.3f}", "frames/s": f"{speed:.0f}"}
        if active:
            shown["active"] = f"{active[0]:.0%}"
        self.bar.set_postfix({**shown, "waiting": f"{waiting:.0%}"}, refresh=False)
        self.bar.update()

    def closing(self) -> dict[str, float]:
        """Every reading as its mean over the last tenth of the steps."""
        last = self.rows[-max(1, len(self.rows) // 10) :]
        return {key: sum(r[key] for r in last) / len(last) for key in last[0] if key != "step"}

    def curve(self, points: int = 50) -> dict[str, list[float]]:
        """The loss in at most `points` means over training: "step" (the last of each), "loss"."""
        size = max(1, -(-len(self.rows) // points))
        parts = [self.rows[first : first + size] for first in range(0, len(self.rows), size)]
        return {
            "step": [part[-1]["step"] for part in parts],
            "loss": [round(sum(row["loss"] for row in part) / len(part), 5) for part in parts],
        }

    def __enter__(self) -> Logbook:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.close()
        if self.file is not None:
            self.file.close()
        if self.board is not None:
            self.board.close()


def read_log(path: Path) -> list[dict[str, float]]:
    """The rows of a log.csv; none where there is no file. A torn last row is left out."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    return [{key: float(value) for key, value in row.items() if value} for row in rows]


def _text(rows: list[dict[str, float]], header: bool = True) -> str:
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows({**row, "step": int(row["step"])} for row in rows)
    return out.getvalue()


def _tensorboard(folder: Path | None) -> Any:
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # optional: see the extra "tensorboard"
        return None
    return SummaryWriter(str(folder / "tensorboard"))
