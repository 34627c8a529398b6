"""Times and weighs three ways to compute attention; runs as a process of its own.

    echo '{"sizes": [256, 512], "dimension": 4, "degree": 4}' | python -m workbench.timing.attention

A process of its own starts with a quiet memory and its own threads, whatever the page or the model
server is doing. Every path gets one thread and is measured in processor time, which on a quiet
machine is the time one waits, and on a busy one does not count the work of others. Every case is
run once to warm up, then up to five times within a budget; a case whose time, extrapolated from
the two before, would pass the limit is left out, and so are larger ones.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from workbench.methods.attention import exact_attention, make_inputs, polynomial_attention

REPETITIONS = 5
THREADS = 1
CASE_BUDGET_S = 0.25
"""No further repetition of a case starts after this."""
CASE_LIMIT_S = 0.6
"""A case that would take longer is left out."""
SEED = 0

Work = Callable[[], object]


def measure(*, sizes: Sequence[int], dimension: int, degree: int) -> dict[str, object]:
    """Time and weigh exact attention, torch's, and the factored path on uniform inputs, B = 1.

    Args:
        sizes: numbers of tokens n, ascending.
        dimension: d of queries, keys and values.
        degree: degree g of the Taylor polynomial (its kind does not change the time).

    Returns:
        ``seconds``: for each path, one median a size, as far as it went; ``peak_bytes``: likewise
        for the two paths of NumPy; ``threads``; ``backend`` of torch.
    """
    threads = torch.get_num_threads()
    seconds: dict[str, list[float]] = {"exact": [], "torch": [], "factored": []}
    peaks: dict[str, list[int]] = {"exact": [], "factored": []}
    with threadpool_limits(limits=threads):
        for step, size in enumerate(sizes):
            for path, work in paths(size, dimension, degree).items():
                done = seconds[path]
                if len(done) == step and _is_affordable(done):
                    done.append(median_seconds(work))
                    if path in peaks:
                        peaks[path].append(peak_bytes(work))
    return {
        "seconds": seconds,
        "peak_bytes": peaks,
        "threads": threads,
        "backend": "flash attention",
    }


def median_seconds(work: Work) -> float:
    """Median processor time of up to five runs after one to warm up.

    A slow case is timed by its first run. Every thread of this process is counted.
    """
    seconds: list[float] = []
    for _ in range(REPETITIONS + 1):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
        if sum(seconds) > CASE_BUDGET_S:
            break
    return float(np.median(seconds[1:] or seconds))


def peak_bytes(work: Work) -> int:
    """Most bytes that Python and NumPy held at a time during the work, beside what was there."""
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def paths(size: int, dimension: int, degree: int) -> dict[str, Work]:
    """Three ways to compute attention on the same uniform inputs with B = 1, by name."""
    q, k, v = make_inputs("uniform", tokens=size, dimension=dimension, seed=SEED)
    query, key, value = (torch.tensor(x, dtype=torch.float32)[None, None] for x in (q, k, v))

    def with_torch() -> torch.Tensor:
        # Only this backend, so that no n × n array is written; it refuses what it cannot do.
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return scaled_dot_product_attention(query, key, value, scale=1.0 / dimension)

    return {
        "exact": lambda: exact_attention(q, k, v),
        "torch": with_torch,
        "factored": lambda: polynomial_attention(q, k, v, degree=degree, kind="taylor"),
    }


def _is_affordable(seconds: Sequence[float]) -> bool:
    """Whether the next size, twice the last, is expected to stay below the limit."""
    if len(seconds) < 2:
        return True
    growth = seconds[-1] / seconds[-2]
    return seconds[-1] * min(max(growth, 2.0), 4.0) < CASE_LIMIT_S


def main() -> None:
    """Read what to measure from standard input and write what was measured to standard output."""
    torch.set_num_threads(THREADS)
    json.dump(measure(**json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
