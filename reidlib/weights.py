"""Weights that a backbone starts from: ImageNet's, a file of the user's, or one shipped here.

Nothing is unpickled: safetensors, or PyTorch files restricted to tensors.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from reidlib.errors import ReidError
from reidlib.models.backbone import Backbone
from reidlib.models.senet import native_names

WRAPPINGS = ("state_dict", "model")  # keys under which public files hide their tensors
PREFIXES = ("module.", "backbone.", "base.")  # what public files put before the names


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth or .pt file by name, on the CPU."""
    from safetensors.torch import load_file

    if not path.is_file():
        raise ReidError(f"there is no weight file {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is no pickle fails in torch in every way there is
        raise ReidError(
            f"{path} is not a file of plain tensors (safetensors, or PyTorch without code): {error}"
        ) from error
    for key in WRAPPINGS:
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise ReidError(f"{path} holds no table of tensors by name")
    return found


def load_backbone(backbone: Backbone, tensors: Mapping[str, Tensor], source: str) -> int:
    """Copy into the backbone what goes by the same name; returns how many tensors were copied.

    Plug-ins are left alone, classifiers are passed over, and squeeze-and-excitation blocks that
    the file lacks keep the start they have. Any other gap, or another shape, is a ReidError.
    """
    bare = native_names({_bare(name): tensor for name, tensor in tensors.items()}, backbone)
    wanted = {n: t for n, t in backbone.state_dict().items() if not n.startswith("plugins.")}
    chosen = {}
    for name, own in wanted.items():
        if name not in bare:
            if name.endswith("num_batches_tracked") or ".se." in name:
                continue
            raise ReidError(f"{source} has no {name}: it is not made for this backbone")
        if bare[name].shape != own.shape:
            raise ReidError(
                f"{source}: {name} is {tuple(bare[name].shape)} there "
                f"and {tuple(own.shape)} in this backbone"
            )
        chosen[name] = bare[name]
    backbone.load_state_dict(chosen, strict=False)
    return len(chosen)


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def imagenet(depth: int) -> dict[str, Tensor]:
    """torchvision's first ImageNet weights of ResNet-18 or -50, those the papers started from.

    Read from PyTorch's own cache, or downloaded into it. Raises OSError when neither works.
    """
    from torchvision.models import ResNet18_Weights, ResNet50_Weights

    weights = {18: ResNet18_Weights, 50: ResNet50_Weights}[depth].IMAGENET1K_V1
    with _patience(seconds=20):
        found: dict[str, Tensor] = weights.get_state_dict(progress=True, check_hash=True)
    return found


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """The downloader waits for ever on a network that swallows packets."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def digest(path: Path) -> str:
    """The file's SHA-256, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
