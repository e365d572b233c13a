"""What is fixed for every tracklet of a request: its person, its camera, the light it is in."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from reidlib.data.promenade.cameras import View, draw_cameras
from reidlib.data.promenade.census import Census
from reidlib.data.promenade.chance import Ints, normal, uniform
from reidlib.data.promenade.people import Traits, dress_people, person_keys
from reidlib.data.promenade.settings import Settings


class Tables:
    """One entry a row of the census in every table."""

    def __init__(self, settings: Settings, census: Census, device: str = "cpu") -> None:
        self.settings, self.census, self.device = settings, census, torch.device(device)

    @cached_property
    def keys(self) -> Ints:
        """What each row's own draws depend on."""
        return self.census.key(self.settings.world)

    @cached_property
    def traits(self) -> Traits:
        """Traits of the person of every row."""
        people = person_keys(self.settings, self.census)
        return dress_people(self.settings, self.census.person, people)

    @cached_property
    def view(self) -> View:
        """Camera settings for every row, with the light of the moment."""
        settings, k = self.settings, self.keys
        cameras = draw_cameras(settings.world, np.arange(settings.cameras))
        view = {name: values[self.census.camera] for name, values in cameras.items()}
        cloud = normal("cloud", k, scale=0.09)
        view["gain"] = view["gain"] * np.clip(1.0 + cloud, 0.55, 1.5)
        view["warm"] = np.clip(view["warm"] + normal("warmth", k, scale=0.02), -0.35, 0.35)
        view["ambient"] = np.clip(view["ambient"] - 0.3 * cloud, 0.3, 0.8)
        back = np.where(uniform("back", k) < 0.4, 0.5, 0.0)
        view["heading"] = view["heading"] + back + normal("course", k, scale=0.07)
        view["pause"] = view["pause"] * (0.4 if settings.size == "mars" else 1.0)
        return view
