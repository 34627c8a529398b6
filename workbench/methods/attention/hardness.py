"""Why would fast attention at large B solve a problem that is believed to be hard?

The lower bound of Alman and Song (arXiv:2302.13214) in miniature. Finding the pair of
nearest bit strings among two sets of n takes about n² steps, as far as anybody knows (for gaps of
1 + δ: Rubinstein 2018, under SETH). Written into queries and keys with entries 0 and B, one call of
attention answers it: the outputs give the sum of ``e^score`` for each query, and a near pair adds
``e^{B² Δ}`` to a sum of n background terms. Once B² > ln n / Δ the pair alone is as large as all of
the background. Below, it drowns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.attention.exact import exact_attention
from workbench.methods.attention.hardness_instance import (
    HALF_RANGE,
    Instance,
    plant,
    recover_row_sums,
    signal_gap,
)
from workbench.methods.attention.polynomial import exponential_polynomial
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

BOUND_B = Range(
    0.5,
    12.0,
    0.5,
    "Largest entry B",
    live=True,
    help="Bits are written as 0 and B: the larger B, the more a near pair outweighs the others.",
)
DEGREE = Range(
    2,
    24,
    2,
    "Degree g of the approximation",
    live=True,
    help="What a polynomial of this degree would make of the same outputs.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    bound_b: Annotated[float, BOUND_B] = 8.0
    degree: Annotated[int, DEGREE] = 8
    tokens: Annotated[
        int, Range(64, 512, 64, "Strings n in each set", help="The background has n terms.")
    ] = 256
    bits: Annotated[
        int, Range(32, 128, 16, "Bits of a string", help="The paper takes O(log n) of them.")
    ] = 64
    distance: Annotated[
        int, Range(0, 12, 1, "Bits in which the hidden pair differs", help="Others: about half.")
    ] = 4
    seed: Annotated[int, Range(0, 2**31 - 1, 1, "Random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Sweep:
    """What attention says of the instance at every B (b) and every degree (g).

    Args:
        bounds_b: ``(b,)``.
        degrees: ``(g,)``.
        outputs: ``(b, n)`` exact attention.
        row_sums: ``(b, n)`` read from the outputs, divided by ``n e^{dummy score}``: 1 is what
            unrelated strings give.
        signals: ``(b,)`` ``e^{B² Δ}`` of the hidden pair.
        gaps: ``(b,)`` the hidden query's output above the next largest; negative while it drowns.
        errors: ``(g, b)`` largest error of the outputs with a Chebyshev polynomial.
    """

    bounds_b: np.ndarray
    degrees: np.ndarray
    outputs: np.ndarray
    row_sums: np.ndarray
    signals: np.ndarray
    gaps: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class Result:
    """The instance and its sweep.

    Args:
        params: what was asked for.
        query: number of the hidden pair's query.
        gap_delta: Δ: the hidden pair's score above the background's mean, divided by B².
        crossing_b: ``√(ln n / Δ)``, where one signal is as large as n background terms.
        nearest_other: fewest bits in which any other pair differs.
        sweep: every position of the sliders.
    """

    params: Params
    query: int
    gap_delta: float
    crossing_b: float
    nearest_other: int
    sweep: Sweep


def gather(client: ModelClient, params: Params) -> Instance:  # noqa: ARG001  needs no model
    """Plant the instance; no model is asked."""
    return plant(tokens=params.tokens, bits=params.bits, distance=params.distance, seed=params.seed)


def compute(inputs: Instance, params: Params) -> Result:
    """Exact attention at every B, and polynomials of every degree on the same scores."""
    delta = signal_gap(params.bits, params.distance)
    bounds_b = np.array(BOUND_B.positions())
    degrees = [int(g) for g in DEGREE.positions()]
    outputs = np.stack(
        [
            exact_attention(b * inputs.queries, b * inputs.keys, inputs.values)[:, 0]
            for b in bounds_b
        ]
    )
    tokens = params.tokens
    row_sums = np.stack([recover_row_sums(one, dummies=1.0) for one in outputs])
    others = np.delete(outputs, inputs.query, axis=1).max(axis=1)
    distances = inputs.distances
    distances[inputs.query, inputs.key] = params.bits
    return Result(
        params=params,
        query=inputs.query,
        gap_delta=delta,
        crossing_b=math.sqrt(math.log(tokens) / delta),
        nearest_other=int(distances.min()),
        sweep=Sweep(
            bounds_b=bounds_b,
            degrees=np.array(degrees),
            outputs=outputs,
            row_sums=row_sums,
            signals=np.exp(bounds_b**2 * delta),
            gaps=outputs[:, inputs.query] - others,
            errors=polynomial_errors(inputs, outputs, bounds_b, degrees),
        ),
    )


def polynomial_errors(
    instance: Instance, outputs: np.ndarray, bounds_b: np.ndarray, degrees: list[int]
) -> np.ndarray:
    """Largest output error of a Chebyshev polynomial at every degree and B, ``(g, b)``.

    The interval is the narrowest that holds every score a pair of strings can have: softmax does
    not change when a constant is taken from all scores, so they are centred at the dummy's score
    and a = B² / 8, where the paper would take B². That is kinder to the polynomial. With the whole
    score matrix at hand ``P(S) V / P(S) 1`` is what the factored path would give; in 4 bits
    dimensions its rank would be out of reach.
    """
    scores = instance.queries @ instance.keys.T / instance.queries.shape[1]
    centred = (scores - instance.dummy_score) / HALF_RANGE  # in [-1, 1] for any B
    extended = np.hstack([instance.values, np.ones_like(instance.values)])
    moments = _chebyshev_moments(centred, extended, max(degrees) + 1)
    errors = np.empty((len(degrees), len(bounds_b)))
    for i, degree in enumerate(degrees):
        for j, b in enumerate(bounds_b.tolist()):
            polynomial = exponential_polynomial(b * b * HALF_RANGE, degree=degree, kind="chebyshev")
            sums = np.tensordot(polynomial.chebyshev, moments[: degree + 1], axes=1)
            errors[i, j] = np.abs(sums[:, 0] / sums[:, 1] - outputs[j]).max()
    return errors


def _chebyshev_moments(positions: np.ndarray, extended: np.ndarray, count: int) -> np.ndarray:
    """``T_k(positions) @ extended`` for k below ``count``, ``(count, n, 2)``."""
    before, now = np.ones_like(positions), positions
    moments = [before @ extended, now @ extended]
    for _ in range(2, count):
        before, now = now, 2.0 * positions * now - before
        moments.append(now @ extended)
    return np.stack(moments[:count])


def summarise(result: Result) -> Summary:
    """What is seen at the chosen B and degree."""
    params, sweep = result.params, result.sweep
    b = int(np.argmin(np.abs(sweep.bounds_b - params.bound_b)))
    g = int(np.argmin(np.abs(sweep.degrees - params.degree)))
    numbers = {
        "gap_delta": result.gap_delta,
        "crossing_b": result.crossing_b,
        "threshold_b": math.sqrt(math.log(params.tokens)),
        "signal": float(sweep.signals[b]),
        "background": float(params.tokens),
        "hidden_row_sum": float(sweep.row_sums[b, result.query]),
        "median_row_sum": float(np.median(sweep.row_sums[b])),
        "gap": float(sweep.gaps[b]),
        "polynomial_error": float(sweep.errors[g, b]),
    }
    return {
        "nearest_other_distance": result.nearest_other,
        "is_visible": bool(sweep.gaps[b] > 0.0),
        **{name: float(f"{value:.9g}") for name, value in numbers.items()},
    }


HARDNESS: Study[Params, Instance, Result] = Study(
    slug="attention.hardness",
    title="Hardness",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
