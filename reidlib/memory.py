"""Memory that training gives back and takes again at every step is kept instead."""

from __future__ import annotations

import ctypes
import sys

# The parameters of mallopt(3), by their numbers in glibc's <malloc.h>.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
GIB = 2**30


def keep_freed_memory() -> bool:
    """Let freed tensors' memory stay with this process, to be used again; once, before training.

    glibc returns blocks of many megabytes to the kernel as soon as they are freed, and the next
    step pays for the same pages being mapped and cleared again: a tenth of the time on small
    networks (`tests/benchmarks/kept_memory.py`). Numbers do not change, nor does the peak of
    memory; but the process stays as large as it was there until it ends.

    Returns False where the C library will not (no glibc, or an old one that forbids it).
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(MMAP_THRESHOLD, GIB) and mallopt(TRIM_THRESHOLD, 2 * GIB - 1))
