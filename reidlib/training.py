"""The training loop: recipe x profile x data x seed -> a trained model.

Everything random is a function of (seed, step), so that a run that was killed goes on from its
last checkpoint and ends, on a CPU, at the very bits it would have reached. Devices and several
processes (`torchrun`) are accelerate's work; half precision is the backbone's, see there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reidlib.build import build
from reidlib.checkpoints import MODEL, About, Run, save_model
from reidlib.data.loading import Batch, ClipLoader
from reidlib.data.sampling import PKSampler
from reidlib.data.tracklets import TrackletDataset
from reidlib.data.transforms import augment, draw
from reidlib.errors import ReidError
from reidlib.files import writable_folder
from reidlib.imprint import imprint
from reidlib.logbook import Logbook
from reidlib.losses.objective import objective
from reidlib.optimising import Average, make_optimiser, rate_factor
from reidlib.parallel import gather, gather_heads, mean, synchronise
from reidlib.recipes.core import Profile, Recipe, plan
from reidlib.sources import TRAINING, sources

if TYPE_CHECKING:
    from accelerate import Accelerator


class Diverged(ReidError):
    """A loss or a weight that is not finite."""


@dataclass(frozen=True)
class Trained:
    """A trained model, in evaluation mode and single precision, and what training told."""

    model: nn.Module
    about: About
    steps: int
    seconds: float  # in the loop, over all parts of an interrupted run
    readings: dict[str, float]  # means over the last tenth of the steps
    parameters: int
    device: str
    precision: str  # of the residual blocks
    sources: dict[str, str]  # file -> hash, of the code that trained and will score it
    curve: dict[str, list[float]] = field(default_factory=dict)  # `Logbook.curve`


def train(
    recipe: Recipe,
    profile: Profile,
    dataset: TrackletDataset,
    *,
    seed: int = 0,
    out: Path | None = None,
    weights: Path | None = None,
    device: str | None = None,
    save_steps: int | None = None,
    fresh: bool = False,
    progress: bool = True,
) -> Trained:
    """Train the recipe at the profile's size on the data set's training tracklets.

    out: folder of the run (log.csv, state.pt, model.safetensors). A run that was stopped there
        goes on, one that is finished is loaded. None leaves nothing on disk.
    weights: a file for the backbone's start, in place of the profile's own.
    device: "cpu", "cuda", "cuda:1"; None is the best there is.
    save_steps: steps between checkpoints; None saves once a minute.
    fresh: start anew whatever lies in `out`.
    Raises:
        ReidError: a folder that cannot be written or holds another run, too few identities.
        Diverged: the loss is not finite any more; the last good checkpoint stays.
    """
    if recipe.weights_of:
        raise ReidError(f"{recipe.name} trains nothing: it tests what {recipe.weights_of} learned")
    engine = make_engine(device)
    place = torch.device(device) if device else engine.device
    main = engine.is_main_process

    # What is trained, and on what.
    model, start = build(recipe, profile, dataset.num_train_pids, seed, weights=weights)
    hashes = sources(recipe)  # of now: by the end of the run the files may have changed
    classes, trained_by = dataset.num_train_pids, sources(recipe, TRAINING)
    about = About(recipe, profile, classes, seed, describe(dataset), start, trained_by)
    if out is not None:
        writable_folder(out, need=8 * sum(t.nbytes for t in model.state_dict().values()))
    part = (engine.process_index, engine.num_processes)
    loader = make_loader(recipe, profile, dataset, seed, part)
    model.to(place).train()
    precision = set_precision(model, profile)
    if profile.imprint:
        first = make_loader(recipe, profile, dataset, seed)  # the same in every process
        batches = first.stream(0, len(first.sampler))
        imprint(model, (to_device(batch, recipe, profile, seed, place) for batch in batches))
    if engine.num_processes > 1:
        synchronise(model)

    # How it moves, for how long, and from where.
    epoch = len(loader.sampler)
    steps = profile.steps or recipe.schedule.epochs * epoch
    optimiser = make_optimiser(model, recipe, profile)
    average = Average(model, profile.averaging)
    run = Run(model, optimiser, average, about, out)
    if not fresh:
        run.resume()
    wrapped = engine.prepare_model(model, device_placement=False)

    with Logbook(out if main else None, run.step, steps, progress=progress and main) as log:
        log.say(f"{recipe.name}, {profile.name}, seed {seed}, on {place}; backbone: {start}")
        for batch in loader.stream(run.step, steps):
            for group in optimiser.param_groups:
                group["lr"] = group["base"] * rate_factor(batch.step, steps, epoch, recipe, profile)
            clips, labels = to_device(batch, recipe, profile, seed, place)
            output = gather_heads(wrapped(clips))
            loss, readings = objective(output, gather(labels), recipe.losses, recipe.penalties)
            readings["loss"] = mean(readings["loss"])
            if not readings["loss"].isfinite():
                raise Diverged(last_words(batch, run))
            optimiser.zero_grad()
            engine.backward(loss)
            if not gradient_norm(model).isfinite():
                raise Diverged(last_words(batch, run))
            optimiser.step()
            average.update(batch.step)
            run.advance()
            frames = clips.shape[0] * clips.shape[1] * engine.num_processes
            log.write(batch.step, optimiser.param_groups[0]["lr"], readings, frames, loader.waiting)
            if main and run.due(save_steps):
                run.save()
    if run.step > run.saved and not average.finite():
        raise Diverged(last_words(batch, run))
    model.load_state_dict(average.values)
    set_precision(model, None)
    if main and out is not None and run.step > run.saved:
        run.save()
    if main and out is not None:
        save_model(out / MODEL, model, about)
    return Trained(
        model=model.eval(),
        about=about,
        steps=steps,
        seconds=run.seconds,
        readings=log.closing(),
        parameters=sum(p.numel() for p in model.parameters()),
        device=str(place),
        precision=precision,
        sources=hashes,
        curve=log.curve(),
    )


def make_engine(device: str | None) -> Accelerator:
    """The engine for one process, or for one of several that `torchrun` has started."""
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    return Accelerator(
        # without `cpu` two processes on a machine without a GPU would each train alone
        cpu=torch.distributed.is_torchelastic_launched()
        and (device == "cpu" or not torch.accelerator.is_available()),
        # in the first step some parameters stand behind a zero and get no gradient
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )


def make_loader(
    recipe: Recipe,
    profile: Profile,
    dataset: TrackletDataset,
    seed: int,
    part: tuple[int, int] = (0, 1),
) -> ClipLoader:
    """The recipe's batches; part: (i, n) for the i-th of n processes."""
    settings = plan(recipe, profile)
    sampler = PKSampler(
        dataset.train, settings.identities, settings.clips, recipe.sampler.mode, seed
    )
    return ClipLoader(dataset, sampler, recipe.frames, settings.frames, seed, part=part)


def to_device(
    batch: Batch, recipe: Recipe, profile: Profile, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Augmented clips (b, t, 3, h, w) and labels (b,) on the device."""
    size = plan(recipe, profile).size
    slots, frames = batch.slots.tolist(), batch.clips.shape[1]
    draws = draw(recipe.augment, slots, frames, size, seed=seed, step=batch.step)
    batch = batch.to(device)
    return augment(batch.clips, draws, recipe.augment, size), batch.pids


def set_precision(model: nn.Module, profile: Profile | None) -> str:
    """Half precision for the backbone where the profile asks and the processor has it."""
    wanted = profile is not None and profile.precision == "bf16"
    device = next(model.parameters()).device
    half = wanted and has_bf16(device)
    model.backbone.precision = torch.bfloat16 if half else torch.float32  # type: ignore[union-attr]
    return "bf16" if half else "fp32"


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16; where it only could pretend to, it is slower."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def describe(dataset: TrackletDataset) -> dict[str, Any]:
    """What a record says of the data."""
    return {
        "name": dataset.name,
        "version": dataset.version,
        "protocol": dataset.protocol,
        "split": dataset.split_id,
        "settings": {k: v for k, v in dataset.settings.items() if not is_dataclass(v)},
    }


def gradient_norm(model: nn.Module) -> Tensor:
    """Of all gradients together; not finite as soon as one entry is not."""
    return nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])


def last_words(batch: Batch, run: Run) -> str:
    """Where training broke, and what is left of it."""
    kept = f"the state after step {run.saved} is kept" if run.saved else "nothing was saved yet"
    return (
        f"training diverged (not a finite number) at step {batch.step}, on tracklet rows "
        f"{batch.rows.tolist()}; {kept}. Lower the rate, or look at these tracklets"
    )
