"""The matrices themselves: attention weights, exact and approximate, and one cell in full.

The paper (arXiv:2302.13214, section 3) approximates every entry ``e^x`` of the attention matrix by
``P(x) = Σ_j c_j x^j``, and each power j becomes a group of columns of the factors. For one chosen
cell the sum is shown as it grows, power by power.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.attention.grid import chebyshev_grid, chebyshev_moments, weighted_mean
from workbench.methods.attention.inputs import make_inputs
from workbench.methods.attention.polynomial import KINDS, chebyshev_to_power
from workbench.methods.attention.sweep import DEGREE, DIMENSION, GENERATOR, KIND, SEED, TOKENS
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

WINDOW = 12
"""Tokens that are shown; sums run over all of them."""

BOUND_B = Range(
    0.2,
    4.0,
    0.2,
    "Largest entry B",
    live=True,
    help="Every query and key entry lies between −B and B, so scores reach up to B².",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    bound_b: Annotated[float, BOUND_B] = 2.0
    degree: Annotated[int, DEGREE] = 6
    kind: Annotated[str, KIND] = "chebyshev"
    query: Annotated[int, Range(1, WINDOW, 1, "Query of the cell", help="Or click a cell.")] = 6
    key: Annotated[int, Range(1, WINDOW, 1, "Key of the cell", help="Or click a cell.")] = 10
    tokens: Annotated[int, TOKENS] = 256
    dimension: Annotated[int, DIMENSION] = 4
    generator: Annotated[str, GENERATOR] = "uniform"
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Queries, keys and values with entries in [-1, 1], ``(n, d)`` float64."""

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Result:
    """Weights of the first w tokens; axes are (kind k, degree g, B b) in the sliders' order.

    Args:
        params: what was asked for.
        bounds_b: ``(b,)`` the values of B.
        degrees: ``(g,)`` the degrees.
        exact: ``(b, w, w)`` attention weights, normalised over all n keys.
        approximate: ``(k, g, b, w, w)`` the same of the approximation.
        exact_output: ``(b, w, d)`` rows of the output.
        approximate_output: ``(k, g, b, w, d)`` the same of the approximation.
        score: ``(b,)`` score x of the chosen cell.
        partial_sums: ``(k, g, b, j)`` ``Σ_{i <= j} c_i x^i`` of the chosen cell; not a number
            beyond the degree.
    """

    params: Params
    bounds_b: np.ndarray
    degrees: np.ndarray
    exact: np.ndarray
    approximate: np.ndarray
    exact_output: np.ndarray
    approximate_output: np.ndarray
    score: np.ndarray
    partial_sums: np.ndarray

    def index(self, params: Params) -> tuple[int, int, int]:
        """The position of a choice on the three axes."""
        return (
            KINDS.index(params.kind),
            params.degree - int(self.degrees[0]),
            int(np.argmin(np.abs(self.bounds_b - params.bound_b))),
        )


def gather(client: ModelClient, params: Params) -> Inputs:
    """Make the matrices; no model is needed."""
    del client
    return Inputs(
        *make_inputs(
            params.generator, tokens=params.tokens, dimension=params.dimension, seed=params.seed
        )
    )


def compute(inputs: Inputs, params: Params) -> Result:
    """Weights, outputs and the chosen cell's sums at every position of the live controls."""
    bounds_b, degrees = np.array(BOUND_B.positions()), np.array(DEGREE.positions(), dtype=int)
    coefficients, _ = chebyshev_grid(bounds_b, degrees)
    scores = inputs.queries[:WINDOW] @ inputs.keys.T / params.dimension  # of B = 1, in [-1, 1]
    extended = np.concatenate([inputs.values, np.ones((len(inputs.values), 1))], axis=1)
    sums = np.tensordot(
        coefficients, chebyshev_moments(scores, extended, coefficients.shape[-1]), axes=1
    )
    row_sums = sums[..., -1:]
    corner = scores[:, :WINDOW]
    orders = np.cos(np.arccos(np.clip(corner, -1.0, 1.0)) * _orders(coefficients)[:, None, None])
    exponentials = np.exp((bounds_b**2)[:, None, None] * scores)
    cell = float(corner[params.query - 1, params.key - 1])
    return Result(
        params=params,
        bounds_b=bounds_b,
        degrees=degrees,
        exact=exponentials[..., :WINDOW] / exponentials.sum(axis=-1, keepdims=True),
        approximate=np.tensordot(coefficients, orders, axes=1) / row_sums,
        exact_output=np.stack([weighted_mean(one, extended) for one in exponentials]),
        approximate_output=sums[..., :-1] / row_sums,
        score=bounds_b**2 * cell,
        partial_sums=_partial_sums(coefficients, degrees, cell),
    )


def summarise(result: Result) -> Summary:
    """What the chosen cell and the shown rows come to."""
    place = result.index(result.params)
    b = place[2]
    row, column = result.params.query - 1, result.params.key - 1
    score = float(result.score[b])
    numbers = {
        "score": score,
        "exponential": float(np.exp(score)),
        "polynomial": float(result.partial_sums[place][result.params.degree]),
        "weight_exact": float(result.exact[b, row, column]),
        "weight_approximate": float(result.approximate[(*place, row, column)]),
        "max_abs_weight_error_shown": float(
            np.abs(result.approximate[place] - result.exact[b]).max()
        ),
        "max_abs_output_error_shown": float(
            np.abs(result.approximate_output[place] - result.exact_output[b]).max()
        ),
    }
    return {name: float(f"{value:.9g}") for name, value in numbers.items()}


def _orders(coefficients: np.ndarray) -> np.ndarray:
    return np.arange(coefficients.shape[-1])


def _partial_sums(coefficients: np.ndarray, degrees: np.ndarray, cell: float) -> np.ndarray:
    """Sums over powers of ``score / B²``, which is the same number for every B."""
    flat = coefficients.reshape(-1, coefficients.shape[-1])
    powers = np.stack([chebyshev_to_power(one) for one in flat]).reshape(coefficients.shape)
    sums = np.cumsum(powers * cell ** _orders(coefficients), axis=-1)
    beyond = _orders(coefficients) > degrees[:, None, None]
    return np.where(beyond, np.nan, sums)


MATRICES: Study[Params, Inputs, Result] = Study(
    slug="attention.matrices",
    title="The matrices",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
