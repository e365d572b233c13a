"""The cells of a notebook, run one after the other in this process; outputs as nbformat has them.

An IPython shell does the work, without the messages and threads of a kernel, so that it can be
forked from a process in which the libraries are loaded already.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from reidlib.course.confine import spare

_AGAIN = 10.0  # seconds from one interruption to the next
_TEXT = 50_000  # characters kept of what a cell prints
_DISPLAYS = 20  # pictures and tables kept of a cell
_KINDS = ("text/plain", "image/png", "text/latex")  # nothing that a browser would run


class CellStopped(BaseException):  # not an Exception: `except Exception` must not swallow it
    """The cell took too long."""


class _Printed(io.StringIO):
    """Keeps the first characters; an endless loop of prints fills no memory."""

    def write(self, text: str) -> int:
        room = _TEXT - self.tell()
        if room > 0:
            super().write(text[:room] + ("\n[cut off here]\n" if len(text) > room else ""))
        return len(text)


def shell() -> Any:
    """An IPython shell that keeps no history (no thread, no file) and draws into outputs."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0

    class Quiet(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:
            """No window, no event loop."""

    made = Quiet.instance(config=config)
    made.enable_matplotlib("inline")
    return made


def run(
    ip: Any,
    sources: list[str],
    limit: float,
    patience: float,
    report: Callable[[int, list[Any], float], None],
) -> None:
    """Run the sources in the shell `ip`; after each, `report(index, outputs, seconds)`.

    limit: processor seconds after which a cell is interrupted; patience: so many times as long
    by the clock.
    """
    from IPython.core.displayhook import CapturingDisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher

    failure: list[Any] = []

    def failed(kind: Any, value: Any, lines: list[str]) -> None:
        _alarm(0, 0)
        failure.append((kind, value, lines))

    ip.display_pub = CapturingDisplayPublisher()
    shown = ip.display_pub.outputs
    ip.display_trap.hook = CapturingDisplayHook(shell=ip, outputs=shown)
    ip._showtraceback = failed

    def late(number: int, frame: FrameType | None) -> None:
        raise CellStopped(f"stopped after {limit:g} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGPROF, late)
    for index, source in enumerate(sources):
        failure.clear()
        shown.clear()
        sys.stdout = sys.stderr = printed = _Printed()
        start = time.perf_counter()
        _alarm(limit, patience * limit)
        error: BaseException | None
        try:
            done = ip.run_cell(source)
            error = done.error_before_exec or done.error_in_exec
        except (CellStopped, MemoryError) as broken:  # in the shell, while it wrote the traceback
            error = broken
        finally:
            _alarm(0, 0)
        with spare():
            if error is not None and not failure:  # no cell fails without saying so
                failure.append((type(error), error, [f"{type(error).__name__}: {error}"]))
            outputs = _outputs(printed.getvalue(), list(shown), failure)
            report(index, outputs, time.perf_counter() - start)


def _alarm(busy: float, clock: float) -> None:
    """Interrupt after so many seconds of work or by the clock; again and again, since code may
    catch everything. Zeros: never."""
    signal.setitimer(signal.ITIMER_PROF, busy, _AGAIN)
    signal.setitimer(signal.ITIMER_REAL, clock, _AGAIN)


def _outputs(printed: str, shown: list[Any], failure: list[Any]) -> list[Any]:
    outputs: list[Any] = []
    if printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed})
    for item in shown[:_DISPLAYS]:
        data = {k: v for k, v in item["data"].items() if k in _KINDS}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    for kind, value, lines in failure[-1:]:
        outputs.append(
            {
                "output_type": "error",
                "ename": kind.__name__,
                "evalue": str(value)[:2000],
                "traceback": [str(line)[:4000] for line in lines[-30:]],
            }
        )
    return outputs
