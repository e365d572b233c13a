"""Promenade's illnesses on sliders, for a notebook whose kernel runs.

Without one, and in a stored notebook, a line of text stands where the sliders would be.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from reidlib.data.promenade.settings import SCENARIOS
from reidlib.seeing.sheets import Shots, strip

INSTEAD = "(sliders: they appear where this notebook runs)"
SHOWN: Shots = {
    "one": ((317, 5), (317, 7), (317, 9)),
    "two": ((609, 2), (609, 4), (609, 7)),
    "three": ((234, 3), (234, 5), (234, 8)),
    "four": ((299, 0), (299, 4), (299, 7)),
}


class Sliders:
    """Four tracklets under five strengths that the reader sets, or takes from a scenario.

    values: the strengths of now. Every change draws anew; only clutter, which builds six streets,
    takes more than a moment. Once a slider is moved, no scenario is marked and any can be chosen.
    """

    def __init__(self, shots: Shots = SHOWN, *, height: int = 128, width: int = 64) -> None:
        import ipywidgets as widgets

        self.shots, self.size = shots, (height, width)
        self.picture = widgets.Image(format="png")
        self.scenario = widgets.ToggleButtons(options=list(SCENARIOS))
        self.sliders = {
            name: widgets.FloatSlider(
                description=name, min=0, max=1, step=0.05, continuous_update=False
            )
            for name in SCENARIOS["clean"]
        }
        self.scenario.observe(self._take, names="value")
        for slider in self.sliders.values():
            slider.observe(self._changed, names="value")
        self._quiet = False
        self.box = widgets.VBox([self.scenario, *self.sliders.values(), self.picture])

    @property
    def values(self) -> dict[str, float]:
        return {name: float(slider.value) for name, slider in self.sliders.items()}

    def draw(self) -> None:
        """Show the tracklets under the strengths of now."""
        height, width = self.size
        self.picture.value = png(strip(self.shots, self.values, height=height, width=width))

    def _take(self, change: Mapping[str, Any]) -> None:
        """All five strengths of a scenario, drawn once."""
        if change["new"] is None:
            return
        self._quiet = True
        for name, strength in SCENARIOS[change["new"]].items():
            self.sliders[name].value = strength
        self._quiet = False
        self.draw()

    def _changed(self, _: Mapping[str, Any]) -> None:
        if not self._quiet:
            self.scenario.value = None  # a marked button could not be pressed again
            self.draw()

    def _repr_mimebundle_(self, **more: Any) -> dict[str, Any]:
        """What a notebook shows: the widgets, and for those who cannot, one line."""
        if not self.picture.value:
            self.draw()
        bundle: dict[str, Any] = dict(self.box._repr_mimebundle_(**more) or {})
        return {**bundle, "text/plain": INSTEAD}


def png(picture: Any) -> bytes:
    """uint8 (h, w, 3) as the bytes of a PNG file."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(picture).save(held, "PNG")
    return held.getvalue()
