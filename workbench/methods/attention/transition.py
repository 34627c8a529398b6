"""How does the cost of the polynomial method grow with n, as B passes √(ln n)? Counted, not timed.

Alman and Song (arXiv:2302.13214): with d = O(log n) and error 1/poly(n), attention takes time
``n^{1+o(1)}`` while B = o(√log n), and, under SETH, no algorithm takes ``O(n^{2-q})`` once
B = C_b √log n, for some constants. Here the paper's own algorithm is counted for n up to 2⁴⁰, with
the smallest degree that is certified instead of an asymptotic bound.

Choices: d = c ln n, rounded; output error ``ε_a = n^-p``; values lie in [-B, B], so the polynomial
needs the relative error ε with ``2 ε / (1 - ε) B = ε_a``; the degree is that of the truncated
Chebyshev series, which is certified for every B (minimax degrees are lower, but not in the limit).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.attention.costs import cost_exponent, log_rank
from workbench.methods.attention.low_rank import paper_rank_bound, rank
from workbench.methods.attention.polynomial import minimum_chebyshev_degrees
from workbench.methods.attention.transition_limit import limit_degree_factor, limit_exponent
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

LOG2_TOKENS = Range(
    8,
    40,
    2,
    "Tokens n, as a power of 2",
    live=True,
    help="From 256 tokens to a million million: far beyond what any computer could time.",
)
RATIO = Range(
    0.05,
    1.0,
    0.05,
    "B divided by √(ln n)",
    live=True,
    help="The paper's threshold is some constant on this scale; nobody knows which.",
)
CURVE_STEP = 0.01
"""Distance of the points of a curve, in units of √(ln n)."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    log2_tokens: Annotated[int, LOG2_TOKENS] = 16
    ratio: Annotated[float, RATIO] = 0.3
    dimension_factor: Annotated[
        float,
        Range(0.5, 2.0, 0.5, "Dimension d, in units of ln n", help="The paper takes d = O(log n)."),
    ] = 0.5
    accuracy_power: Annotated[
        float,
        Range(0.5, 2.0, 0.5, "Accuracy p: output error n⁻ᵖ", help="The paper takes 1/poly(n)."),
    ] = 1.0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Frames:
    """Counts for every n (rows, f) and every B (columns, x).

    Args:
        log2_tokens: ``(f,)`` log₂ n.
        ratios: ``(x,)`` B / √(ln n).
        dimensions: ``(f,)`` d.
        degrees: ``(f, x)`` smallest certified degree g.
        log_ranks: ``(f, x)`` ln C(g + d, g).
        log_paper_ranks: ``(f, x)`` ln C(2(g + d), 2g).
        exponents: ``(f, x)`` exponent of the cost on the scale where exact attention has 2.
        paper_exponents: ``(f, x)`` likewise with the paper's count of the rank.
    """

    log2_tokens: np.ndarray
    ratios: np.ndarray
    dimensions: np.ndarray
    degrees: np.ndarray
    log_ranks: np.ndarray
    log_paper_ranks: np.ndarray
    exponents: np.ndarray
    paper_exponents: np.ndarray

    @property
    def thresholds_b(self) -> np.ndarray:
        """``(f,)`` √(ln n)."""
        return np.sqrt(self.log2_tokens * math.log(2.0))

    @property
    def knee_ratios(self) -> np.ndarray:
        """``(f,)`` the largest B / √(ln n) drawn at which the polynomial method is cheaper."""
        cheaper = self.exponents < 2.0
        return np.where(cheaper, self.ratios, 0.0).max(axis=1)


@dataclass(frozen=True)
class Result:
    """The counts, and what they tend to.

    Args:
        params: what was asked for.
        frames: the counts for every n and B.
        limit_ratios: ``(l,)`` B / √(ln n) from 0, crowded there.
        limit_exponents: ``(l,)`` the exponents for n → ∞.
    """

    params: Params
    frames: Frames
    limit_ratios: np.ndarray
    limit_exponents: np.ndarray

    def limit_at(self, ratio: float) -> float:
        """The exponent for n → ∞ at one B / √(ln n)."""
        return float(np.interp(ratio, self.limit_ratios, self.limit_exponents))


def gather(client: ModelClient, params: Params) -> None:
    """Nothing: the counts need neither a model nor data."""


def compute(inputs: None, params: Params) -> Result:  # noqa: ARG001  nothing is gathered
    """Count every frame of the animation."""
    ratios = np.round(np.arange(CURVE_STEP, RATIO.maximum + CURVE_STEP / 2.0, CURVE_STEP), 10)
    frames = count_frames(
        np.array(LOG2_TOKENS.positions()),
        ratios,
        dimension_factor=params.dimension_factor,
        accuracy_power=params.accuracy_power,
    )
    # The limit leaves 1 with an infinite slope.
    limit_ratios = np.concatenate([np.geomspace(1e-9, CURVE_STEP, 40)[:-1], ratios])
    limit = [
        limit_exponent(limit_degree_factor(x, params.accuracy_power), params.dimension_factor)
        for x in limit_ratios.tolist()
    ]
    return Result(
        params,
        frames,
        limit_ratios=np.concatenate([[0.0], limit_ratios]),
        limit_exponents=np.array([1.0, *limit]),
    )


def count_frames(
    log2_tokens: np.ndarray,
    ratios: np.ndarray,
    *,
    dimension_factor: float,
    accuracy_power: float,
) -> Frames:
    """Count the polynomial method's cost for every n and B.

    Args:
        log2_tokens: ``(f,)`` log₂ n.
        ratios: ``(x,)`` B / √(ln n), above 0.
        dimension_factor: c; d is c ln n, rounded, at least 1.
        accuracy_power: p; the output error is ``n^-p``.
    """
    log_tokens = np.asarray(log2_tokens, dtype=np.float64)[:, None] * math.log(2.0)
    bounds_b = ratios * np.sqrt(log_tokens)
    dimensions = np.maximum(1, np.rint(dimension_factor * log_tokens)).astype(np.int64)
    degrees = np.stack(
        [
            minimum_chebyshev_degrees(b * b, relative_tolerance(np.exp(-accuracy_power * size), b))
            for size, b in zip(log_tokens[:, 0], bounds_b, strict=True)
        ]
    )
    matched = log_rank(degrees, dimensions)
    paper = log_rank(2 * degrees, 2 * dimensions)
    return Frames(
        log2_tokens=np.asarray(log2_tokens),
        ratios=ratios,
        dimensions=dimensions[:, 0],
        degrees=degrees,
        log_ranks=matched,
        log_paper_ranks=paper,
        exponents=cost_exponent(log_tokens, matched, dimensions),
        paper_exponents=cost_exponent(log_tokens, paper, dimensions),
    )


def relative_tolerance(output_error: float, largest_value: np.ndarray) -> np.ndarray:
    """The ε with ``2 ε / (1 - ε) max|V| = ε_a``: what the polynomial may be wrong by.

    The inverse of ``output_error_bound``. The paper asks for ``ε_a / (3 B)``, which is the same
    for small ε_a but for the constant, and no longer below 1 for small B.

    Args:
        output_error: ε_a > 0.
        largest_value: max|V|, B in the paper.
    """
    return output_error / (2.0 * np.asarray(largest_value) + output_error)


def summarise(result: Result) -> Summary:
    """The counts at the chosen n and B."""
    params, frames = result.params, result.frames
    f = int(np.argmin(np.abs(frames.log2_tokens - params.log2_tokens)))
    x = int(np.argmin(np.abs(frames.ratios - params.ratio)))
    degree, dimension = int(frames.degrees[f, x]), int(frames.dimensions[f])
    bound_b = float(frames.ratios[x] * frames.thresholds_b[f])
    tokens = 2.0 ** float(frames.log2_tokens[f])
    numbers: dict[str, float | int] = {
        "log2_tokens": int(frames.log2_tokens[f]),
        "bound_b": bound_b,
        "threshold_b": float(frames.thresholds_b[f]),
        "dimension": dimension,
        "relative_tolerance": float(
            relative_tolerance(tokens**-params.accuracy_power, np.array(bound_b))
        ),
        "degree": degree,
        "rank": rank(degree, dimension),
        "rank_paper_bound": paper_rank_bound(degree, dimension),
        "exponent": float(frames.exponents[f, x]),
        "exponent_paper_bound": float(frames.paper_exponents[f, x]),
        "exponent_limit": result.limit_at(float(frames.ratios[x])),
        "knee_ratio": float(frames.knee_ratios[f]),
        "knee_b": float(frames.knee_ratios[f] * frames.thresholds_b[f]),
    }
    return {name: _round(value) for name, value in numbers.items()}


def _round(value: float | int) -> float | int:
    """Nine digits: those after them depend on the processor. Huge counts become floats."""
    return value if isinstance(value, int) and abs(value) < 2**53 else float(f"{value:.9g}")


TRANSITION: Study[Params, None, Result] = Study(
    slug="attention.transition",
    title="Sharp transition",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
