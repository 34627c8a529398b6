"""From how many tokens on is the polynomial method faster, and how much memory does it take?

The one study of this method that is timed. Alman and Song (arXiv:2302.13214) promise almost linear
time; at a fixed degree and dimension the factored path is linear in n in time and memory, exact
attention quadratic in time. Times are of this machine, measured in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from workbench.errors import BusyError
from workbench.methods.attention.approximate import BLOCK_ENTRIES
from workbench.methods.attention.costs import (
    exact_flops,
    factored_bytes,
    factored_flops,
    full_matrix_bytes,
)
from workbench.methods.attention.low_rank import check_rank, rank
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

LOG2_SMALLEST = 8
LOG2_COMPARED = 10
"""The size at which every path is timed, on any machine."""
PROCESS_LIMIT_S = 90.0
WAIT_LIMIT_S = 30.0
MODULE = "workbench.timing.attention"
PATHS = {
    "exact": "exact, in blocks",
    "torch": "exact, torch",
    "factored": "polynomial, factored",
}

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    degree: Annotated[
        int, Range(1, 8, 1, "Degree g of the polynomial", help="Rank C(g + d, g): 70 for 4 and 4.")
    ] = 4
    dimension: Annotated[int, Range(1, 8, 1, "Dimension d of a head")] = 4
    log2_largest: Annotated[
        int,
        Range(
            LOG2_COMPARED,
            17,
            1,
            "Largest n, as a power of 2",
            help="Slow paths stop earlier, where one run would take longer than 0.6 s.",
        ),
    ] = 14

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """What was measured.

    Args:
        seconds: for each name of ``PATHS``, the median for each size, as far as it went.
        peak_bytes: likewise, the most bytes held, for "exact" and "factored".
        threads: how many threads all paths could use.
        backend: which of torch's implementations ran.
    """

    seconds: Mapping[str, np.ndarray]
    peak_bytes: Mapping[str, np.ndarray]
    threads: int
    backend: str


@dataclass(frozen=True)
class Result:
    """What was measured beside what was counted.

    Args:
        params: what was asked for.
        sizes: ``(s,)`` numbers of tokens n.
        rank: columns of the factors.
        measured: the times and bytes.
        slopes: for each path, the fitted exponent of n of its time.
        memory_slope: the fitted exponent of n of the factored path's memory.
        crossover: tokens from which the factored path is faster than "exact" and "torch"; 0 when
            it is from the first size, infinite when it never is.
        counted_bytes: ``(s,)`` of the factored path.
        matrix_bytes: ``(s,)`` of the whole n × n matrix.
    """

    params: Params
    sizes: np.ndarray
    rank: int
    measured: Inputs
    slopes: Mapping[str, float]
    memory_slope: float
    crossover: Mapping[str, float]
    counted_bytes: np.ndarray
    matrix_bytes: np.ndarray


def sizes_of(params: Params) -> list[int]:
    """Numbers of tokens that are measured: every power of 2."""
    return [2**power for power in range(LOG2_SMALLEST, params.log2_largest + 1)]


def gather(client: ModelClient, params: Params) -> Inputs:  # noqa: ARG001  needs no model
    """Measure in a process of its own; two at once would slow each other, so they queue.

    Raises:
        InputError: the factors would not fit in memory; nothing has been started.
        BusyError: other measurements are running.
    """
    sizes = sizes_of(params)
    columns = rank(params.degree, params.dimension)
    block = min(sizes[-1], max(1, BLOCK_ENTRIES // columns))
    check_rank(params.degree, params.dimension, rows=2 * block)
    asked = {"sizes": sizes, "dimension": params.dimension, "degree": params.degree}
    if not _one_at_a_time.acquire(timeout=WAIT_LIMIT_S):
        raise BusyError("Other people's times are being measured; press Run again in a moment.")
    try:
        found = json.loads(_run(json.dumps(asked)))
    finally:
        _one_at_a_time.release()
    return Inputs(
        seconds={path: np.array(found["seconds"][path]) for path in PATHS},
        peak_bytes={path: np.array(values) for path, values in found["peak_bytes"].items()},
        threads=int(found["threads"]),
        backend=str(found["backend"]),
    )


def _run(asked: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  our own module, by our own interpreter
            [sys.executable, "-m", MODULE],
            input=asked,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PROCESS_LIMIT_S,
            cwd=Path(__file__).parents[3],
        )
    except subprocess.TimeoutExpired as error:
        raise BusyError(
            f"This machine is too busy to be timed: nothing came in {PROCESS_LIMIT_S:.0f} s. "
            "Press Run again later, or choose a smaller n."
        ) from error
    return done.stdout


def compute(inputs: Inputs, params: Params) -> Result:
    """Slopes, crossovers and counts beside what was measured."""
    sizes = np.array(sizes_of(params))
    columns = rank(params.degree, params.dimension)
    d, factored = params.dimension, inputs.seconds["factored"]
    return Result(
        params=params,
        sizes=sizes,
        rank=columns,
        measured=inputs,
        slopes={path: fit_slope(sizes, inputs.seconds[path]) for path in PATHS},
        memory_slope=fit_slope(sizes, inputs.peak_bytes["factored"]),
        crossover={
            path: find_crossover(sizes, inputs.seconds[path], factored)
            for path in ("exact", "torch")
        },
        counted_bytes=np.array([factored_bytes(n, columns, d, d) for n in sizes.tolist()]),
        matrix_bytes=full_matrix_bytes(sizes),
    )


def fit_slope(sizes: np.ndarray, values: np.ndarray) -> float:
    """Exponent of n: the slope of a line through the points, both axes in logarithms.

    Points below n = 1,024, where fixed costs rule, are left out as long as two are left.

    Args:
        sizes: ``(s,)`` numbers of tokens, ascending.
        values: ``(m,)`` positive, for the first m sizes, m >= 2.
    """
    measured = sizes[: len(values)]
    first = min(int(np.searchsorted(measured, 2**LOG2_COMPARED)), len(values) - 2)
    return float(np.polyfit(np.log(measured[first:]), np.log(values[first:]), 1)[0])


def find_crossover(sizes: np.ndarray, slow: np.ndarray, fast: np.ndarray) -> float:
    """Number of tokens from which ``fast`` takes less time, interpolated between logarithms.

    Args:
        sizes: ``(s,)`` numbers of tokens, ascending.
        slow: ``(m,)`` seconds for the first m sizes.
        fast: seconds for the same sizes, perhaps more.

    Returns:
        0 when it is faster from the first size on; infinity when not at the last both have.
    """
    both = min(len(slow), len(fast))
    lead = np.log(slow[:both]) - np.log(fast[:both])
    behind = np.flatnonzero(lead <= 0.0)
    if not behind.size:
        return 0.0
    last = int(behind[-1])
    if last == both - 1:
        return float("inf")
    x = np.log(sizes[last : last + 2])
    share = -lead[last] / (lead[last + 1] - lead[last])
    return float(np.exp(x[0] + share * (x[1] - x[0])))


def summarise(result: Result) -> Summary:
    """Counts, and times at n = 1,024, where every path is timed on any machine."""
    params, largest = result.params, int(result.sizes[-1])
    compared = LOG2_COMPARED - LOG2_SMALLEST
    seconds = result.measured.seconds
    return {
        "rank": result.rank,
        "tokens": largest,
        "exact_flops": float(exact_flops(largest, params.dimension, params.dimension)),
        "factored_flops": float(factored_flops(largest, result.rank, params.dimension)),
        "matrix_bytes": float(result.matrix_bytes[-1]),
        "factored_bytes": float(result.counted_bytes[-1]),
        **{
            f"{path}_at_{2**LOG2_COMPARED}_seconds": float(seconds[path][compared])
            for path in PATHS
        },
        "factored_last_seconds": float(seconds["factored"][-1]),
    }


SPEED: Study[Params, Inputs, Result] = Study(
    slug="attention.speed",
    title="Time and memory",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
    is_local=True,
)
