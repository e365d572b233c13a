"""Every data set by name, and the one door that loads them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reidlib.errors import ReidError

if TYPE_CHECKING:
    from reidlib.data.tracklets import TrackletDataset

# name -> module and function; looked up when asked for, so that one reader imports no other.
DATASETS = {
    "promenade": "reidlib.data.promenade:load",
    "mars": "reidlib.data.mars:load",
    "duke": "reidlib.data.duke:load",
    "ilids": "reidlib.data.ilids:load",
    "prid": "reidlib.data.prid:load",
    "lsvid": "reidlib.data.lsvid:load",
}


def loader(name: str) -> Callable[..., TrackletDataset]:
    """The `load` function of the data set `name`, imported when asked for."""
    if name not in DATASETS:
        raise ReidError(f"no data set {name!r}; there are {', '.join(DATASETS)}")
    module, function = DATASETS[name].split(":")
    found: Callable[..., TrackletDataset] = getattr(import_module(module), function)
    return found


def load_dataset(name: str, *args: Any, **options: Any) -> TrackletDataset:
    """The data set `name`; the real ones take the folder of the user's own copy first.

    args and options are those of the `load` function in the module of that name.
    """
    return loader(name)(*args, **options)
