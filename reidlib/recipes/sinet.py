from reidlib.recipes.core import Recipe

RECIPES: tuple[Recipe, ...] = ()
