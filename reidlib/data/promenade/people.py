"""Identities: what a person looks like and how they walk, drawn once from (world, person).

Clothes come from one small palette that everybody shares, mostly dark, grey, blue and white, so
that people are told apart by what goes with what and by shape, not by one unusual colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from reidlib.data.promenade.census import PRETRAIN_FROM, VALIDATION_FROM, Census
from reidlib.data.promenade.chance import Floats, Ints, choice, integer, normal, uniform
from reidlib.data.promenade.settings import Settings

# name: (red, green, blue, weight in upper garments, in lower garments)
CLOTH: Mapping[str, tuple[float, float, float, float, float]] = MappingProxyType(
    {
        "black": (0.11, 0.11, 0.12, 11, 16),
        "charcoal": (0.24, 0.25, 0.27, 8, 9),
        "grey": (0.50, 0.51, 0.53, 8, 8),
        "white": (0.88, 0.88, 0.86, 10, 5),
        "navy": (0.14, 0.18, 0.33, 9, 12),
        "denim": (0.28, 0.39, 0.57, 7, 14),
        "sky": (0.55, 0.70, 0.86, 6, 3),
        "red": (0.72, 0.17, 0.18, 7, 3),
        "wine": (0.42, 0.13, 0.20, 5, 3),
        "green": (0.20, 0.42, 0.28, 6, 2),
        "olive": (0.39, 0.40, 0.25, 5, 6),
        "beige": (0.76, 0.67, 0.53, 6, 8),
        "brown": (0.39, 0.27, 0.19, 5, 6),
        "mustard": (0.82, 0.62, 0.20, 5, 1),
        "rose": (0.85, 0.55, 0.60, 5, 2),
        "violet": (0.42, 0.30, 0.55, 4, 1),
    }
)
_CLOTH_RGB = np.array([c[:3] for c in CLOTH.values()])
_SKIN_RGB = np.array(
    [(0.95, 0.79, 0.68), (0.89, 0.70, 0.57), (0.78, 0.58, 0.44), (0.62, 0.43, 0.31),
     (0.44, 0.29, 0.21), (0.31, 0.20, 0.15)]
)  # fmt: skip
_HAIR_RGB = np.array(
    [(0.13, 0.12, 0.12), (0.24, 0.17, 0.12), (0.35, 0.23, 0.14), (0.55, 0.38, 0.20),
     (0.80, 0.66, 0.42), (0.55, 0.27, 0.14), (0.62, 0.62, 0.63)]
)  # fmt: skip

# Every labelled attribute and the words for its values.
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
_T_SHIRT, _JACKET, _HOODIE, _COAT = 0, 2, 3, 4  # of "upper"
_TROUSERS, _DRESS = 0, 3  # of "lower"
_UPPER = [c[3] for c in CLOTH.values()]
_PLAIN_SHADES = ("black", "white", "charcoal", "brown", "grey")
_WEIGHTS: Mapping[str, list[float]] = MappingProxyType(
    {
        "skin": [3, 4, 3, 2, 2, 1],
        "hair": [5, 5, 3, 1.5, 1.2, 0.6, 1.2],
        "hairstyle": [9, 1, 3, 4, 2.5, 1.2, 1.5],
        "hat": [16, 1.6, 1.4, 0.6],
        "upper": [5, 3, 3, 3, 1.6],
        "upper_colour": _UPPER,
        "second_colour": _UPPER,
        "pattern": [9, 2, 1, 1.4, 0.8, 1.6],
        "sleeve": [1, 1],
        "logo": [2, 1],
        "lower": [12, 3, 2, 1.3],
        "lower_colour": [c[4] for c in CLOTH.values()],
        "socks": [4 if name in ("black", "white") else 1 for name in CLOTH],
        "sock_length": [2, 1],
        "shoes": [3.0 if name in _PLAIN_SHADES else 0.4 for name in CLOTH],
        "sole": [1, 1],
        "bag": [9, 4, 3, 2.4],
        "bag_colour": _UPPER,
    }
)
# What look-alikes share: head, salient garment and build. Half of the families also share the
# lower garment.
FAMILY_TRAITS = ("skin", "hair", "hairstyle", "hat", "upper", "upper_colour", "second_colour",
                 "pattern", "sleeve", "logo", "fabric", "build", "height", "hips")  # fmt: skip
SOMETIMES_SHARED = ("lower", "lower_colour")

Traits = dict[str, np.ndarray]  # name -> one entry a person: indices into ATTRIBUTES, or measures


def person_keys(settings: Settings, census: Census) -> Ints:
    """What a tracklet's person depends on: the identity, or the tracklet if nobody is labelled."""
    named = integer("person", settings.world, census.person)
    nobody = integer("nobody", census.key(settings.world))
    return np.where(census.person > 0, named, nobody)


def family_of(settings: Settings, person: Ints) -> Ints:
    """The family a raw identity belongs to, 0 for none: neighbours in their own set of people.

    The strength of `lookalike` is the share of families that are real.
    """
    beyond = np.where(person >= PRETRAIN_FROM, 3, 2)
    group = np.where(person < VALIDATION_FROM, (person + 1) % 2, beyond)
    family = 1 + _index(person) // settings.family + 10_000 * (1 + group)
    real = uniform("family", settings.world, family) < settings.strength["lookalike"]
    return np.where(real & (person > 0), family, 0)


def _index(person: Ints) -> Ints:
    """Raw identities -> places in their own set of people; training and test people alternate."""
    start = np.where(person >= PRETRAIN_FROM, PRETRAIN_FROM, VALIDATION_FROM)
    return np.where(person < VALIDATION_FROM, (person - 1) // 2, person - start)


def draw_traits(world: int, keys: Ints) -> Traits:
    """Attributes (indices) and measures of the people with these keys."""
    traits: Traits = {name: choice(w, name, world, keys) for name, w in _WEIGHTS.items()}
    upper, second = traits["upper_colour"], traits["second_colour"]
    traits["second_colour"] = np.where(second == upper, (upper + 3) % len(CLOTH), second)
    in_dress = (traits["lower"] == _DRESS) & np.isin(traits["upper"], (_JACKET, _COAT))
    traits["upper"] = np.where(in_dress, _T_SHIRT, traits["upper"])
    covered = np.isin(traits["upper"], (_JACKET, _HOODIE, _COAT))
    traits["sleeve"] = np.where(covered, 1, traits["sleeve"] * (traits["upper"] != _T_SHIRT))
    traits["pattern"] *= ~np.isin(traits["upper"], (_JACKET, _COAT))
    traits["height"] = 1.70 + normal("height", world, keys, scale=0.085)  # metres
    traits["build"] = np.clip(1.0 + normal("build", world, keys, scale=0.11), 0.78, 1.35)
    traits["hips"] = uniform("hips", world, keys)
    traits["cadence"] = 0.93 + normal("cadence", world, keys, scale=0.07)  # cycles a second
    traits["stride"] = 0.95 + normal("stride", world, keys, scale=0.11)
    traits["swing"] = np.clip(0.95 + normal("swing", world, keys, scale=0.35), 0.15, 1.9)
    traits["lean"] = normal("lean", world, keys, scale=0.012)  # turns
    traits["phase"] = uniform("phase", world, keys)
    traits["fabric"] = uniform("fabric", world, keys)  # how fine its pattern is
    return traits


def dress_people(settings: Settings, person: Ints, keys: Ints) -> Traits:
    """Traits of labelled people, with the salient ones shared inside families."""
    traits = draw_traits(settings.world, keys)
    family = traits["family"] = family_of(settings, person)
    inside = family > 0
    shared = draw_traits(settings.world, integer("family", settings.world, family))
    for name in FAMILY_TRAITS:
        traits[name] = np.where(inside, shared[name], traits[name])
    alike = inside & (uniform("same lower garment", settings.world, family) < 0.5)
    for name in SOMETIMES_SHARED:
        traits[name] = np.where(alike, shared[name], traits[name])
    # No two relatives' shoes have one colour: something always tells them apart.
    member = _index(person) % settings.family
    apart = (shared["shoes"] + 5 * member) % len(CLOTH)
    traits["shoes"] = np.where(inside, apart, traits["shoes"])
    # A dress would belong to the salient garment and hide the lower one, a cue of their own.
    dress = inside & (traits["lower"] == _DRESS)
    traits["lower"] = np.where(dress, _TROUSERS, traits["lower"])
    return traits


def describe(traits: Traits, row: int) -> dict[str, str]:
    """One person in words."""
    words = {name: values[int(traits[name][row])] for name, values in ATTRIBUTES.items()}
    words["height"] = f"{traits['height'][row]:.2f} m"
    family = int(traits["family"][row])
    words["family"] = str(family) if family else "none"
    return words


def colours(traits: Traits, name: str) -> Floats:
    """(n, 3) of an attribute that is a colour."""
    table = {"skin": _SKIN_RGB, "hair": _HAIR_RGB}.get(name, _CLOTH_RGB)
    return table[traits[name]]
