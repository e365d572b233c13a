"""Freed memory is kept where the C library can, and nothing is touched elsewhere."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from reidlib.memory import keep_freed_memory

# Blocks over the largest size that glibc comes to keep by itself: filled, freed, filled again.
FAULTS = """
import resource, sys
import torch
from reidlib.memory import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    print("refused")
    sys.exit()
def fill():
    return [torch.ones(size * 2**20, dtype=torch.uint8) for size in (36, 40, 48)]
for _ in range(10):  # until there is room for all of them
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(way: str) -> int:
    ran = subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    if ran.stdout.strip() == "refused":
        pytest.skip("this C library has no such setting")
    return int(ran.stdout)


def test_freed_memory_is_used_again_without_faults() -> None:
    pytest.importorskip("resource", reason="page faults are counted on Unix")
    assert faults("kept") < faults("given back") / 2


def test_nothing_is_touched_where_there_is_no_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())  # no mallopt, as musl
    assert keep_freed_memory() is False
