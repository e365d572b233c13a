"""The plain baseline: average pooling in space and time, cross-entropy and batch-hard triplet."""

from reidlib.recipes.core import Augment, Recipe

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="baseline",
        summary="average pooling in space and time, cross-entropy and batch-hard triplet",
        model="baseline",
        frames="sparse",
        augment=Augment(flip=0.5, erase=0.5),
    ),
)
