"""Cells of tables: an estimate or a printed number in words, or its ends for programs."""

from __future__ import annotations

import math
import re

from reidlib.experiments.statistics import Estimate

NOT_RUN = "not run yet"
CONTROL = "(+): a control of ours, not in the paper"
# Data sets on a screen.
SHORT = {"iLIDS-VID": "iLIDS", "PRID-2011": "PRID", "DukeMTMC-VideoReID": "Duke"}


def halvings(fewest: int, wanted: int) -> list[str]:
    """What to say where runs are there, and not of all the halvings that a protocol averages."""
    return [f"{fewest} of {wanted} halvings"] if 0 < fewest < wanted else []


def ends(found: Estimate | None) -> list[object]:
    """Mean, low and high; None, an empty cell for programs, where there is none."""
    if found is None:
        return [None, None, None]
    both = (found.low, found.high)
    return [found.mean, *(end if math.isfinite(end) else None for end in both)]


def number(value: float | None) -> str:
    """A score in percent, or a dash."""
    return "-" if value is None else f"{value:.1f}"


def signed(value: float | None) -> str:
    """A difference of scores, or a dash."""
    return "-" if value is None else f"{value:+.1f}"


def score(found: Estimate | None) -> str:
    """A mean over worlds with half its interval's width; of one world the value alone."""
    if found is None:
        return NOT_RUN
    if found.worlds < 2:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} ± {found.high - found.mean:.1f}"


def gain(found: Estimate | None) -> str:
    """A mean difference with its interval; of one world the value alone."""
    if found is None:
        return NOT_RUN
    if found.worlds < 2:
        return f"{found.mean:+.1f}"
    return f"{found.mean:+.1f} [{found.low:+.1f}, {found.high:+.1f}]"


def numbered(place: int, label: str, control: bool) -> str:
    """A row's place and name; some papers number their rows, too."""
    return f"{place}. {'(+) ' * control}" + re.sub(r"^\d+[a-z]?\. ", "", label)
