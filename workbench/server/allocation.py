"""How the C library's allocator treats the large blocks that answers are packed in."""

from __future__ import annotations

import functools

MIB = 2**20


@functools.cache
def keep_freed_blocks() -> None:
    """Have glibc keep freed blocks of up to 31 MiB for the next answer.

    As it starts, glibc gives every block above 128 KiB back to the system when it is freed, and
    the next one costs a page fault for each 4 KiB: packing 1 MiB took 4 ms instead of 1. Its
    threshold rises to the size of the largest block ever freed, up to 32 MiB (mallopt(3),
    M_MMAP_THRESHOLD). The block is never written to, so it takes no memory; on other C libraries
    this does nothing.
    """
    bytes(31 * MIB)
