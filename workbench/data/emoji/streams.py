"""Random numbers by name: the same name gives the same numbers on every machine.

NumPy's counter-based Philox generator (Salmon et al. 2011, "Parallel random numbers: as easy as
1, 2, 3") is keyed with a digest of the name, so different names never share a stream.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream_key(*name: str | int | float) -> int:
    """The 128-bit key of a stream: the first half of the SHA-256 of its name."""
    text = "\x1f".join(str(part) for part in name)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def stream(*name: str | int | float) -> np.random.Generator:
    """A generator of the stream with this name."""
    return np.random.Generator(np.random.Philox(key=stream_key(*name)))
