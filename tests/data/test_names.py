"""Every data set's name leads to that data set's own `load`."""

from importlib import import_module

import pytest

from reidlib.data import DATASETS


@pytest.mark.parametrize("name", DATASETS)
def test_every_name_loads_what_it_names(name):
    module, function = DATASETS[name].split(":")
    assert module == f"reidlib.data.{name}"
    load = getattr(import_module(module), function)
    assert load.__module__.startswith(module)
