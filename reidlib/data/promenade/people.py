"""Identities: what a person looks like and how they walk, drawn once from (world, person).

Clothes come from one small palette that everybody shares, mostly dark, grey, blue and white, so that
people are told apart by what goes with what and by shape, not by one unusual colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from reidlib.data.promenade.census import DISTRACTOR, JUNK, Census
from reidlib.data.promenade.chance import Floats, Ints, choice, integer, normal, uniform
from reidlib.data.promenade.settings import Settings

# name: (red, green, blue, weight in upper garments, in lower garments)
CLOTH: Mapping[str, tuple[float, float, float, float, float]] = MappingProxyType(
    {
        "black": (0.11, 0.11, 0.12, 17, 24),
        "charcoal": (0.24, 0.25, 0.27, 11, 13),
        "grey": (0.50, 0.51, 0.53, 11, 9),
        "white": (0.88, 0.88, 0.86, 13, 4),
        "navy": (0.14, 0.18, 0.33, 11, 15),
        "denim": (0.28, 0.39, 0.57, 6, 20),
        "sky": (0.55, 0.70, 0.86, 5, 1),
        "red": (0.72, 0.17, 0.18, 5, 1),
        "wine": (0.42, 0.13, 0.20, 4, 1),
        "green": (0.20, 0.42, 0.28, 4, 1),
        "olive": (0.39, 0.40, 0.25, 4, 4),
        "beige": (0.76, 0.67, 0.53, 5, 7),
        "brown": (0.39, 0.27, 0.19, 3, 4),
        "mustard": (0.82, 0.62, 0.20, 2, 0),
        "rose": (0.85, 0.55, 0.60, 3, 1),
        "violet": (0.42, 0.30, 0.55, 2, 0),
    }
)
SKIN = ((0.95, 0.79, 0.68), (0.89, 0.70, 0.57), (0.78, 0.58, 0.44), (0.62, 0.43, 0.31), (0.44, 0.29, 0.21), (0.31, 0.20, 0.15))  # fmt: skip
HAIR = ((0.13, 0.12, 0.12), (0.24, 0.17, 0.12), (0.35, 0.23, 0.14), (0.55, 0.38, 0.20), (0.80, 0.66, 0.42), (0.55, 0.27, 0.14), (0.62, 0.62, 0.63))  # fmt: skip

# Every labelled attribute and the words for its values; colours are names of CLOTH.
ATTRIBUTES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "skin": ("pale", "fair", "tan", "brown", "dark brown", "deep"),
        "hair": ("black", "dark brown", "brown", "light brown", "blond", "red", "grey"),
        "hairstyle": ("short", "bald", "bob", "long", "ponytail", "bun", "curly"),
        "hat": ("none", "cap", "beanie", "brimmed hat"),
        "upper": ("T-shirt", "shirt", "open jacket", "hoodie", "coat"),
        "upper_colour": tuple(CLOTH),
        "second_colour": tuple(CLOTH),
        "pattern": ("plain", "horizontal stripes", "vertical stripes", "checks", "dots", "block"),
        "sleeve": ("short", "long"),
        "logo": ("no", "yes"),
        "lower": ("trousers", "shorts", "skirt", "dress"),
        "lower_colour": tuple(CLOTH),
        "socks": tuple(CLOTH),
        "sock_length": ("ankle", "calf"),
        "shoes": tuple(CLOTH),
        "sole": ("dark", "white"),
        "bag": ("none", "backpack", "shoulder bag", "hand bag"),
        "bag_colour": tuple(CLOTH),
    }
)
MEASURES = ("height", "build", "hips", "cadence", "stride", "swing", "lean", "bounce", "phase")
FAMILY_TRAITS = ("skin", "upper", "upper_colour", "second_colour", "pattern", "sleeve", "logo", "build", "height", "hips", "fabric")  # fmt: skip

Traits = dict[str, np.ndarray]


def person_keys(settings: Settings, census: Census) -> Ints:
    """What a tracklet's person depends on: the identity, or the tracklet where nobody is labelled."""
    named = integer("person", settings.world, census.person)
    nobody = integer("nobody", census.key(settings.world))
    return np.where(census.person > 0, named, nobody)


def family_of(settings: Settings, person: Ints) -> Ints:
    """The family a raw identity belongs to, 0 for none. Neighbours in number are family."""
    first = np.where(person >= 7000, 7000, np.where(person >= 5001, 5001, 1))
    odd_even = np.where(person < 5001, (person + 1) % 2, 2)
    index = np.where(person < 5001, (person - 1) // 2, person - first)
    family = 1 + index // settings.family + 10_000 * (odd_even + 10 * (first // 1000))
    real = uniform("family", settings.world, family) < settings.strength["lookalike"]
    return np.where(real & (person > 0), family, 0)


def draw_traits(world: int, keys: Ints) -> Traits:
    """Attributes (indices) and measures of the people with these keys."""
    upper_weights = [c[3] for c in CLOTH.values()]
    lower_weights = [c[4] for c in CLOTH.values()]
    shoe_weights = [6 if n in ("black", "white") else 2 if n in ("charcoal", "brown", "grey") else 0.4 for n in CLOTH]  # fmt: skip
    weights: dict[str, list[float]] = {
        "skin": [3, 4, 3, 2, 2, 1],
        "hair": [5, 5, 3, 1.5, 1.2, 0.6, 1.2],
        "hairstyle": [9, 1, 3, 4, 2.5, 1.2, 1.5],
        "hat": [16, 1.6, 1.4, 0.6],
        "upper": [5, 3, 3, 3, 1.6],
        "upper_colour": upper_weights,
        "second_colour": upper_weights,
        "pattern": [9, 2, 1, 1.4, 0.8, 1.6],
        "sleeve": [1, 1],
        "logo": [2, 1],
        "lower": [12, 3, 2, 1.3],
        "lower_colour": lower_weights,
        "socks": [4 if n in ("black", "white") else 1 for n in CLOTH],
        "sock_length": [2, 1],
        "shoes": shoe_weights,
        "sole": [1, 1],
        "bag": [9, 4, 3, 2.4],
        "bag_colour": upper_weights,
    }
    traits: Traits = {name: choice(weights[name], name, world, keys) for name in ATTRIBUTES}
    same = traits["second_colour"] == traits["upper_colour"]
    traits["second_colour"][same] = (traits["upper_colour"][same] + 3) % len(CLOTH)
    traits["upper"][(traits["lower"] == 3) & np.isin(traits["upper"], (2, 4))] = 0
    covered = np.isin(traits["upper"], (2, 3, 4))  # jackets, hoodies and coats have long sleeves
    traits["sleeve"][covered] = 1
    traits["sleeve"][traits["upper"] == 0] = 0
    traits["pattern"][np.isin(traits["upper"], (2, 4))] = 0
    traits["height"] = 1.70 + normal("height", world, keys, scale=0.085)
    traits["build"] = np.clip(1.0 + normal("build", world, keys, scale=0.11), 0.78, 1.35)
    traits["hips"] = uniform("hips", world, keys)
    traits["cadence"] = 0.93 + normal("cadence", world, keys, scale=0.07)
    traits["stride"] = 0.95 + normal("stride", world, keys, scale=0.11)
    traits["swing"] = np.clip(0.95 + normal("swing", world, keys, scale=0.35), 0.15, 1.9)
    traits["lean"] = normal("lean", world, keys, scale=0.012)
    traits["bounce"] = uniform("bounce", world, keys, low=0.6, high=1.4)
    traits["phase"] = uniform("phase", world, keys)
    traits["fabric"] = uniform("fabric", world, keys)
    return traits


def dress_people(settings: Settings, person: Ints, keys: Ints) -> Traits:
    """Traits of labelled people, with the salient ones shared inside families."""
    traits = draw_traits(settings.world, keys)
    family = family_of(settings, person)
    inside = family > 0
    if inside.any():
        shared = draw_traits(settings.world, integer("family", settings.world, family[inside]))
        for name in FAMILY_TRAITS:
            traits[name][inside] = shared[name]
        # A dress would show or hide the lower garment, one of the cues that are the person's own.
        traits["lower"][inside & (traits["lower"] == 3)] = 0
    traits["family"] = family
    return traits


def describe(traits: Traits, row: int) -> dict[str, str]:
    """One person in words."""
    words = {name: values[int(traits[name][row])] for name, values in ATTRIBUTES.items()}
    words["height"] = f"{traits['height'][row]:.2f} m"
    family = int(traits.get("family", np.zeros(row + 1))[row])
    words["family"] = str(family) if family else "none"
    return words


def colours(traits: Traits, name: str) -> Floats:
    """(n, 3) of an attribute that is a colour; cloth differs a little from garment to garment."""
    index = traits[name]
    if name == "skin":
        return np.array(SKIN)[index]
    if name == "hair":
        return np.array(HAIR)[index]
    return np.array([c[:3] for c in CLOTH.values()])[index]


__all__ = ["ATTRIBUTES", "CLOTH", "DISTRACTOR", "JUNK", "describe", "draw_traits", "dress_people"]
