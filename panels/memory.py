"""Memory that a page has let go of goes back to the system.

The answers a page reads, hundreds of kilobytes each, come and go in dozens of threads. The GNU
allocator keeps a heap for many of them and, once it has seen large blocks freed, takes later ones
from these heaps, between small things that stay: what is freed cannot be given back, and the page
grows by the hour.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3), from glibc's malloc.h."""
LARGE_BYTES = 256 * 1024
"""Blocks from this size on are mapped by themselves, and unmapped when they are freed."""
HEAPS = 2


def give_memory_back() -> bool:
    """Have the allocator of this process give back what is freed; whether it can.

    Not for a process that computes with a model: each of its large blocks would be mapped anew.
    """
    if sys.platform != "linux":
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library than GNU's
        return False
    options = {_ARENA_MAX: HEAPS, _MMAP_THRESHOLD: LARGE_BYTES, _TRIM_THRESHOLD: LARGE_BYTES}
    return all(set_option(option, value) for option, value in options.items())
