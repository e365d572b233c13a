"""The one door from a recipe to a network with its first weights."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from reidlib.errors import ReidError
from reidlib.files import data_folder
from reidlib.models import build_model
from reidlib.models.backbone import Backbone, resnet, small
from reidlib.models.initialise import initialise
from reidlib.recipes.core import Profile, Recipe, plan
from reidlib.weights import digest, imagenet, load_backbone, read_tensors

DEPTHS = {"resnet18": 18, "resnet50": 50}


class Built(NamedTuple):
    """A model, and one line on where its backbone's weights come from."""

    model: nn.Module
    start: str


def build(
    recipe: Recipe,
    profile: Profile,
    num_classes: int,
    seed: int = 0,
    *,
    weights: Path | None = None,
    pretrained: bool = True,
) -> Built:
    """The recipe's model at the profile's size, drawn from `seed`, its backbone then pretrained.

    weights: a file for the backbone, in place of the profile's own choice.
    pretrained: False leaves the drawn weights (a trained checkpoint is about to replace them).
    Where ImageNet weights cannot be had, training starts from scratch and `start` says so.
    """
    settings = plan(recipe, profile)
    with torch.random.fork_rng(devices=[]):  # layers draw when they are made; all is redrawn below
        backbone = build_backbone(recipe, profile)
        model = build_model(
            recipe.model,
            backbone,
            num_classes,
            frames=settings.frames,
            size=settings.size,
            **settings.options,
        )
    initialise(model, seed)
    start = _pretrain(backbone, recipe, profile, weights) if pretrained else "scratch"
    return Built(model, start)


def build_backbone(recipe: Recipe, profile: Profile) -> Backbone:
    """The profile's network with the recipe's changes to it, not yet drawn.

    recipe.backbone: `se` (squeeze-and-excitation) counts for every network; `last_stride` and
    `stem_padding` belong to ResNets, `stride_on` and `stem_pool` to SE-ResNet-50.
    """
    options = dict(recipe.backbone)
    if profile.network == "small":
        return small(se=options.get("se", False))
    if not options.pop("se", False):
        return resnet(DEPTHS[profile.network], **options)
    if profile.network != "resnet50":
        raise ReidError(f"{recipe.name} needs SE-ResNet-50; {profile.network} has no SE variant")
    from reidlib.models.senet import se_resnet50

    return se_resnet50(**options)


def _pretrain(backbone: Backbone, recipe: Recipe, profile: Profile, weights: Path | None) -> str:
    se = recipe.backbone.get("se", False)
    if weights is not None:
        load_backbone(backbone, read_tensors(weights), str(weights))
        return f"{weights.name}, sha256 {digest(weights)[:16]}"
    if profile.pretrained == "":
        return "scratch"
    if profile.pretrained == "imagenet":
        if se:
            return "scratch: torchvision has no SE-ResNet-50 weights; give a file with --weights"
        try:
            load_backbone(backbone, imagenet(DEPTHS[profile.network]), "torchvision's weights")
        except OSError as error:
            return (
                f"scratch: ImageNet weights could not be downloaded ({error}); "
                "give a file with --weights"
            )
        return "ImageNet (torchvision, IMAGENET1K_V1)"
    path = data_folder("checkpoints") / f"{profile.pretrained}{'-se' if se else ''}.safetensors"
    if not path.is_file():
        return f"scratch: there is no {path.name} in data/checkpoints"
    load_backbone(backbone, read_tensors(path), str(path))
    return f"{path.name}, sha256 {digest(path)[:16]}"
