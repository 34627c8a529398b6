"""How wrong is the polynomial approximation of attention when entries grow? The main study.

Alman and Song (arXiv:2302.13214): below B = o(√log n) a low degree is enough and attention takes
almost linear time; from Θ(√log n) on no algorithm can. Here both sides are computed on the same
matrices: the error that was made, and the error that could have been made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.attention.approximate import factored_attention, output_error_bound
from workbench.methods.attention.exact import exact_attention
from workbench.methods.attention.grid import Grid, sweep_grid
from workbench.methods.attention.inputs import GENERATORS, make_inputs
from workbench.methods.attention.low_rank import paper_rank_bound, rank
from workbench.methods.attention.polynomial import KINDS, NAMES, exponential_polynomial
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

BOUND_B = Range(
    0.1,
    4.0,
    0.1,
    "Largest entry B",
    live=True,
    help="Every query and key entry lies between −B and B, so scores reach up to B².",
)
DEGREE = Range(
    1,
    12,
    1,
    "Degree g of the polynomial",
    live=True,
    help="A higher degree follows eˣ further, and needs many more columns.",
)
KIND = Choice(
    KINDS,
    "Polynomial",
    live=True,
    names=NAMES,
    help="Minimax has the smallest worst relative error of all polynomials of its degree.",
)
TOKENS = Range(16, 1024, 16, "Tokens n", help="The threshold √(ln n) moves slowly with n.")
DIMENSION = Range(1, 8, 1, "Dimension d of a head", help="The rank is C(g + d, g).")
GENERATOR = Choice(
    tuple(GENERATORS),
    "Queries and keys",
    names=("Uniform", "Clustered", "Needle", "Planted ±B"),
    help="Planted entries reach the widest scores; uniform ones stay well inside.",
)
SEED = Range(0, 2**31 - 1, 1, "Random seed")

REPETITIONS = 5
TIMING_BUDGET_S = 1.0
"""Slow cases are timed fewer times, at least once."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    bound_b: Annotated[float, BOUND_B] = 2.0
    degree: Annotated[int, DEGREE] = 6
    kind: Annotated[str, KIND] = "chebyshev"
    tokens: Annotated[int, TOKENS] = 256
    dimension: Annotated[int, DIMENSION] = 4
    generator: Annotated[str, GENERATOR] = "uniform"
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Matrices with entries in [-1, 1], and how long both ways took at the chosen B and degree.

    Args:
        queries: ``(n, d)`` float64.
        keys: ``(n, d)`` float64.
        values: ``(n, d)`` float64.
        exact_seconds: median seconds of exact attention.
        approximate_seconds: median seconds of the factored path.
    """

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    exact_seconds: float
    approximate_seconds: float


@dataclass(frozen=True)
class Result:
    """The chosen point, by the factored path, and every other position of the sliders.

    Args:
        params: what was asked for.
        max_abs_error: ``max_ij |T - Att|`` at the chosen point.
        epsilon_certified: certified relative error ε of the polynomial on [-B², B²].
        certified_bound: ``2 ε / (1 - ε) max|V|`` where ε < 1. Otherwise nothing can be promised
            in advance, and this is what is known afterwards: ``max|T| + max|V|``.
        is_certified: whether ε < 1.
        minimum_row_sum: smallest entry of D̃; the output means nothing where it is not positive.
        negative_rows: rows whose row sum is not positive.
        largest_score: largest absolute score that occurs, at most B².
        mean_of_values_error: error of answering every query with the mean of V.
        threshold_b: the paper's √(ln n), without its constant.
        ranks: ``(g,)`` columns of the factors for each degree.
        paper_ranks: ``(g,)`` the paper's bound of them.
        exact_seconds, approximate_seconds: as measured.
        grid: every position of the live controls.
    """

    params: Params
    max_abs_error: float
    epsilon_certified: float
    certified_bound: float
    is_certified: bool
    minimum_row_sum: float
    negative_rows: int
    largest_score: float
    mean_of_values_error: float
    threshold_b: float
    ranks: tuple[int, ...]
    paper_ranks: tuple[int, ...]
    exact_seconds: float
    approximate_seconds: float
    grid: Grid


def gather(client: ModelClient, params: Params) -> Inputs:  # noqa: ARG001  needs no model
    """Make the matrices and time both ways on them, without the server's help."""
    queries, keys, values = make_inputs(
        params.generator, tokens=params.tokens, dimension=params.dimension, seed=params.seed
    )
    q, k = params.bound_b * queries, params.bound_b * keys
    polynomial = exponential_polynomial(params.bound_b**2, degree=params.degree, kind=params.kind)
    return Inputs(
        queries,
        keys,
        values,
        exact_seconds=_median_seconds(lambda: exact_attention(q, k, values)),
        approximate_seconds=_median_seconds(lambda: factored_attention(q, k, values, polynomial)),
    )


def compute(inputs: Inputs, params: Params) -> Result:
    """The chosen point by the genuine factored path, and the grid of the live controls."""
    q, k, v = params.bound_b * inputs.queries, params.bound_b * inputs.keys, inputs.values
    bound = params.bound_b**2
    polynomial = exponential_polynomial(bound, degree=params.degree, kind=params.kind)
    exact = exact_attention(q, k, v)
    approximate, row_sums = factored_attention(q, k, v, polynomial)
    largest_value = float(np.abs(v).max())
    epsilon = polynomial.relative_error
    is_certified = epsilon < 1.0
    degrees = [int(g) for g in DEGREE.positions()]
    return Result(
        params=params,
        max_abs_error=float(np.abs(approximate - exact).max()),
        epsilon_certified=epsilon,
        certified_bound=(
            output_error_bound(epsilon, largest_value)
            if is_certified
            else float(np.abs(approximate).max()) + largest_value
        ),
        is_certified=is_certified,
        minimum_row_sum=float(row_sums.min()),
        negative_rows=int((row_sums <= 0.0).sum()),
        largest_score=float(np.abs(q @ k.T).max()) / params.dimension,
        mean_of_values_error=float(np.abs(v.mean(axis=0) - exact).max()),
        threshold_b=threshold_b(params.tokens),
        ranks=tuple(rank(g, params.dimension) for g in degrees),
        paper_ranks=tuple(paper_rank_bound(g, params.dimension) for g in degrees),
        exact_seconds=inputs.exact_seconds,
        approximate_seconds=inputs.approximate_seconds,
        grid=sweep_grid(inputs.queries, inputs.keys, v, BOUND_B.positions(), degrees),
    )


def summarise(result: Result) -> Summary:
    """The numbers of the chosen point; every one finite, to nine digits.

    The digits after those depend on the order in which a processor adds.
    """
    params = result.params
    numbers: dict[str, float | int | str | bool] = {
        "max_abs_error": result.max_abs_error,
        "certified_bound": result.certified_bound,
        "certified": result.is_certified,
        "epsilon_certified": result.epsilon_certified,
        "minimum_row_sum": result.minimum_row_sum,
        "negative_rows": result.negative_rows,
        "mean_of_values_error": result.mean_of_values_error,
        "largest_score": result.largest_score,
        "threshold_b": result.threshold_b,
        "rank": rank(params.degree, params.dimension),
        "rank_paper_bound": paper_rank_bound(params.degree, params.dimension),
        "tokens": params.tokens,
        "dimension": params.dimension,
        "exact_seconds": result.exact_seconds,
        "approximate_seconds": result.approximate_seconds,
    }
    return {
        name: float(f"{value:.9g}") if isinstance(value, float) else value
        for name, value in numbers.items()
    }


def threshold_b(tokens: int) -> float:
    """The paper's threshold of B without its unknown constant, ``√(ln n)``."""
    return float(np.sqrt(np.log(tokens)))


def _median_seconds(work: Callable[[], object]) -> float:
    """Median of five runs after one to warm up; fewer where the runs are slow."""
    seconds: list[float] = []
    for _ in range(REPETITIONS + 1):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
        if sum(seconds) > TIMING_BUDGET_S:
            break
    return float(np.median(seconds[1:] or seconds))


SWEEP: Study[Params, Inputs, Result] = Study(
    slug="attention",
    title="Error against B",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
