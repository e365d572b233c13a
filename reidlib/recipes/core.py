"""What one training run needs, written as data: recipes (what is done) and profiles (how big)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reidlib.errors import ReidError


@dataclass(frozen=True)
class Loss:
    """One term of the objective: `kind` is a name of `reidlib.losses.LOSSES`."""

    kind: str
    heads: tuple[str, ...] = ("clip",)  # heads of the Output it reads; a mean over them
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampler:
    """Identity batches: P identities times K clips. Modes in `reidlib.data.sampling`."""

    identities: int = 8
    clips: int = 4
    mode: Literal["one_pass", "chunked_shuffle", "chunked_distinct"] = "one_pass"


@dataclass(frozen=True)
class Augment:
    """Training transforms, one draw a clip. Names in `reidlib.data.transforms`.

    per_frame: every frame has a draw of its own, as a clip of one frame would.
    erase_area, erase_aspect: least and most of the frame's area, and of height over width.
    """

    flip: float = 0.5
    crop: float = 0.0  # probability of the enlarge-by-1/8 and crop
    erase: float = 0.0
    erase_mode: Literal["clip_same_box", "clip_same_place", "per_frame"] = "clip_same_place"
    erase_fill: tuple[float, float, float] = (0.4914, 0.4822, 0.4465)  # after normalisation
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    per_frame: bool = False
    erase_area: tuple[float, float] = (0.02, 0.4)
    erase_aspect: tuple[float, float] = (0.3, 3.3)


@dataclass(frozen=True)
class Schedule:
    """Optimiser and learning rate of the `paper` profile; the others bring their own budget."""

    optimiser: Literal["adam", "sgd"] = "adam"
    rate: float = 3e-4
    weight_decay: float = 5e-4
    epochs: int = 160
    milestones: tuple[int, ...] = (40, 80, 120)
    gamma: float = 0.1
    # Parameters whose name begins so learn at this rate instead, without weight decay.
    rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Test:
    """How a tracklet becomes an embedding and how two are compared."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    frames: str = "all_frames_strided"  # a rule of `reidlib.data.sampling`
    length: int | None = None  # frames a clip; None is the training length
    stride: int | None = None  # for the rule "overlap"; None is half a clip, max(1, T // 2)
    tail: Literal["cover", "drop"] = "cover"
    distance: Literal["cosine", "euclidean"] = "cosine"


@dataclass(frozen=True)
class Recipe:
    """One training run, everything but its size. An ablation row changes one thing of another.

    options: keyword arguments of the model at the papers' size; `small` replaces some of them on
    the small networks (widths that the paper gives as ratios, places inside a shallower net).
    """

    name: str  # "sinet", "trsa-1/sam", ...
    summary: str  # what it is, or what changes against `base`; one line
    model: str  # a name of reidlib.models.MODELS
    paper: str = ""
    table: str = ""  # "trsa-1", "sinet-fig5", "" for none
    row: str = ""  # as printed
    also: tuple[tuple[str, str], ...] = ()  # further (table, row) that this same run fills
    base: str = ""  # the row it is compared with
    weights_of: str = ""  # a recipe whose trained weights this one tests; it trains nothing itself
    control: bool = False  # ours, not in the paper: marked (+)
    options: Mapping[str, Any] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)
    losses: tuple[Loss, ...] = (Loss("cross_entropy"), Loss("batch_hard_triplet"))
    penalties: Mapping[str, float] = field(default_factory=dict)  # weights of Output.penalties
    clip_length: int = 4  # at the papers' size
    small_clip_length: int = 4  # elsewhere; differs only where clip length is the question
    frames: str = "random"  # training rule, a name of `reidlib.data.sampling`
    sampler: Sampler = field(default_factory=Sampler)
    augment: Augment = field(default_factory=Augment)
    schedule: Schedule = field(default_factory=Schedule)
    test: Test = field(default_factory=Test)
    size: tuple[int, int] = (256, 128)  # height, width of a frame, at the papers' size
    backbone: Mapping[str, Any] = field(default_factory=dict)  # last_stride, se, ...


# What a recipe is called and compared with; a run is the same whatever stands here.
LABELS = ("summary", "paper", "table", "row", "also", "base", "control")


def shaping(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Of a recipe as plain data, all that shapes a run: two that agree in it are one."""
    return {name: value for name, value in recipe.items() if name not in LABELS}


@dataclass(frozen=True)
class Profile:
    """How big a run is, and in what precision it counts. It changes size, never method."""

    name: str
    height: int | None  # None: the recipe's own size
    width: int | None
    network: Literal["small", "resnet18", "resnet50"]
    small: bool  # take the recipe's `small` options and `small_clip_length`
    identities: int | None  # None: the recipe's own P x K
    clips: int | None
    steps: int | None  # None: the recipe's own epochs and milestones
    rate: float | None
    averaging: float = 0.0  # decay of the weight average; 0 is none
    precision: Literal["fp32", "bf16"] = "fp32"
    pretrained: str = ""  # a shipped file in data/checkpoints; "imagenet"; "" for none
    imprint: bool = False  # classifiers start from the classes' mean features, see reidlib.imprint
    summary: str = ""


@dataclass(frozen=True)
class Plan:
    """The numbers of one run, a recipe at a profile's size."""

    size: tuple[int, int]  # height, width of a frame
    frames: int  # of a clip
    identities: int  # in a batch
    clips: int  # of an identity
    options: Mapping[str, Any]  # of the model


def plan(recipe: Recipe, profile: Profile) -> Plan:
    """What a recipe becomes at a profile's size.

    Raises ReidError for clips without frames, and where a training clip holds several clips and the
    test's length is left open.
    """
    frames = recipe.small_clip_length if profile.small else recipe.clip_length
    if frames < 1:
        raise ReidError(f"clips have at least 1 frame, not {frames}")
    several = recipe.options.get("clips_per_tracklet", 1)
    if several != 1 and recipe.test.length is None:
        raise ReidError(
            f"{several} clips of a tracklet share {frames} frames in training, and a clip at test "
            f"would have all {frames}: set test.length to the frames of one clip"
        )
    return Plan(
        size=(profile.height or recipe.size[0], profile.width or recipe.size[1]),
        frames=frames,
        identities=profile.identities or recipe.sampler.identities,
        clips=profile.clips or recipe.sampler.clips,
        options={**recipe.options, **(recipe.small if profile.small else {})},
    )


PROFILES: dict[str, Profile] = {
    p.name: p
    for p in (
        Profile(
            "smoke", 64, 32, "small", True, 4, 2, 4, 3e-4, summary="seconds: does every part run?"
        ),
        Profile(
            "laptop", 64, 32, "small", True, 8, 4, 750, 1e-3, 0.99, "bf16", "small", True,
            summary="one to two minutes on 2 cores: every statistic",
        ),
        Profile(
            "fine", 128, 64, "small", True, 8, 4, 750, 1e-3, 0.99, "bf16", "small", True,
            summary="a few minutes on 2 cores: every picture of attention",
        ),
        Profile(
            "pretrain", 64, 32, "small", True, 16, 4, 2500, 2e-3, 0.99, "bf16",
            summary="minutes, once: the shipped backbone, on people of no other set",
        ),
        Profile(
            "paper", None, None, "resnet50", False, None, None, None, None,
            precision="bf16", pretrained="imagenet", summary="ResNet-50 on a GPU",
        ),
    )
}  # fmt: skip
