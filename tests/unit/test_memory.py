"""What is freed goes back to the system, also between small things that stay."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

MIB = 2**20
BLOCKS = 64
GROWN = f"""
import sys
import numpy as np
import psutil

if sys.argv[1] == "given back":
    from panels.memory import give_memory_back
    assert give_memory_back()
np.ones({MIB}, dtype=np.uint8)  # freed at once: from here on such blocks come from the heap
before = psutil.Process().memory_info().rss
large, small = [], []
for _ in range({BLOCKS}):
    large.append(np.ones({MIB}, dtype=np.uint8))
    small.append(np.ones(2000, dtype=np.uint8))
large.clear()
print((psutil.Process().memory_info().rss - before) // {MIB})
"""


def grown_mib(how: str) -> int:
    command = [sys.executable, "-c", GROWN, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"),
    reason="only the GNU allocator has such options; un-skip where give_memory_back is true",
)
def test_large_blocks_between_small_ones_that_stay_are_given_back() -> None:
    assert grown_mib("kept") > BLOCKS // 2  # or there is nothing to mend
    assert grown_mib("given back") < BLOCKS // 8
