"""How few powers of x does e^x need? The polynomial itself, under the microscope.

Alman and Song (arXiv:2302.13214) replace e^x on [-B², B²] by a polynomial of relative error ε; the
degree that takes decides the rank of everything that follows. Range, accuracy and kind are live;
the degree is the smallest whose certified error is within ε.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.attention.low_rank import paper_rank_bound, rank
from workbench.methods.attention.polynomial import KINDS, MAXIMUM_DEGREE, NAMES, fit_grid
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

BOUND_B = Range(
    0.5,
    3.0,
    0.1,
    "Largest entry B",
    live=True,
    help="Scores reach up to B², so the polynomial has to follow eˣ from −B² to B².",
)
LOG10_TOLERANCE = Range(
    -6,
    1,
    1,
    "Accuracy ε, as a power of ten",
    live=True,
    help="Allowed relative error: −2 is 1 %, 0 is 100 %, 1 is ten times the value itself.",
)
KIND = Choice(
    KINDS,
    "Polynomial",
    live=True,
    names=NAMES,
    help="Taylor expands at 0; Chebyshev cuts a series; minimax spreads its error evenly.",
)
CURVE_POINTS = 161
FINE_POINTS = 2_001
"""Points among which the largest errors are looked for."""
SMALLEST_PEAK = 0.01


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    bound_b: Annotated[float, BOUND_B] = 2.0
    log10_tolerance: Annotated[int, LOG10_TOLERANCE] = -2
    kind: Annotated[str, KIND] = "minimax"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Microscope:
    """Every position; axes are (kind k, tolerance t, B b) in the order of the sliders.

    Args:
        params: what was asked for.
        bounds_b: ``(b,)`` the values of B.
        tolerances: ``(t,)`` the allowed relative errors.
        degrees: ``(k, t, b)`` the smallest degree that is within the tolerance.
        relative_error: ``(k, t, b)`` its certified relative error on [-B², B²].
        position: ``(p,)`` scores divided by B², from -1 to 1.
        exponential: ``(b, p)`` e^x.
        polynomial: ``(k, t, b, p)`` P(x).
        error: ``(k, t, b, p)`` ``P(x) / e^x - 1``, with its sign.
        peak_position: ``(k, t, b, m)`` places, divided by B², of the largest error between each
            two changes of its sign; padded with not-a-number.
        peak_error: ``(k, t, b, m)`` the error there.
        negative_from, negative_to: ``(k, t, b)`` the outermost scores at which P < 0; not a number
            where P is positive throughout.
    """

    params: Params
    bounds_b: np.ndarray
    tolerances: np.ndarray
    degrees: np.ndarray
    relative_error: np.ndarray
    position: np.ndarray
    exponential: np.ndarray
    polynomial: np.ndarray
    error: np.ndarray
    peak_position: np.ndarray
    peak_error: np.ndarray
    negative_from: np.ndarray
    negative_to: np.ndarray

    def index(self, params: Params) -> tuple[int, int, int]:
        """The position of a choice on the three axes."""
        return (
            KINDS.index(params.kind),
            int(np.argmin(np.abs(np.log10(self.tolerances) - params.log10_tolerance))),
            int(np.argmin(np.abs(self.bounds_b - params.bound_b))),
        )


def gather(client: ModelClient, params: Params) -> None:
    """Nothing: the polynomials need no matrices and no model."""
    del client, params


def compute(inputs: None, params: Params) -> Microscope:
    """Fit every polynomial that any position of the sliders asks for."""
    del inputs
    bounds_b = np.array(BOUND_B.positions())
    tolerances = 10.0 ** np.array(LOG10_TOLERANCE.positions())
    bounds = bounds_b**2
    degrees, errors = find_degrees(tuple(bounds.tolist()), tolerances)
    shape = degrees.shape
    series = np.zeros((*shape, int(degrees.max()) + 1))  # coefficients in T_k(x / B²)
    for k, t, b in np.ndindex(*shape):
        g = int(degrees[k, t, b])
        series[k, t, b, : g + 1] = fit_grid(tuple(bounds.tolist()), g, KINDS[k])[0][b]
    position = np.cos(np.linspace(np.pi, 0.0, CURVE_POINTS))
    exponential = np.exp(bounds[:, None] * position)
    polynomial = _evaluate(series, position)
    fine = np.cos(np.linspace(np.pi, 0.0, FINE_POINTS))
    on_fine = _evaluate(series, fine)
    peaks = _peaks(on_fine / np.exp(bounds[:, None] * fine) - 1.0, fine)
    negative = on_fine < 0.0
    place = bounds[:, None] * fine
    anywhere = negative.any(axis=-1)
    return Microscope(
        params=params,
        bounds_b=bounds_b,
        tolerances=tolerances,
        degrees=degrees,
        relative_error=errors,
        position=position,
        exponential=exponential,
        polynomial=polynomial,
        error=polynomial / exponential - 1.0,
        peak_position=peaks[0],
        peak_error=peaks[1],
        negative_from=np.where(anywhere, np.where(negative, place, np.inf).min(axis=-1), np.nan),
        negative_to=np.where(anywhere, np.where(negative, place, -np.inf).max(axis=-1), np.nan),
    )


def find_degrees(
    bounds: tuple[float, ...], tolerances: Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The smallest degree within each tolerance, and its certified error.

    Args:
        bounds: half-lengths a of the intervals.
        tolerances: allowed relative errors, which may be 1 or more.

    Returns:
        Degrees and relative errors, ``(kinds, tolerances, bounds)``.
    """
    shape = (len(KINDS), len(tolerances), len(bounds))
    degrees, errors = np.full(shape, -1), np.full(shape, np.nan)
    limits = np.asarray(tolerances)[:, None]
    for k, kind in enumerate(KINDS):
        for degree in range(MAXIMUM_DEGREE + 1):
            found = fit_grid(bounds, degree, kind)[1]
            first = (degrees[k] < 0) & (found <= limits)
            degrees[k][first] = degree
            errors[k][first] = np.broadcast_to(found, first.shape)[first]
            if (degrees[k] >= 0).all():
                break
    return degrees, errors


def summarise(result: Microscope) -> Summary:
    """Degree, error and rank at the chosen position."""
    k, t, b = result.index(result.params)
    degree = int(result.degrees[k, t, b])
    left = float(result.negative_from[k, t, b])
    return {
        "degree": degree,
        "epsilon_certified": float(f"{result.relative_error[k, t, b]:.9g}"),
        "tolerance": float(result.tolerances[t]),
        "largest_score": float(f"{result.bounds_b[b] ** 2:.9g}"),
        "alternations": int(np.isfinite(result.peak_position[k, t, b]).sum()),
        "is_positive": bool(np.isnan(left)),
        "degree_taylor": int(result.degrees[0, t, b]),
        "degree_chebyshev": int(result.degrees[1, t, b]),
        "degree_minimax": int(result.degrees[2, t, b]),
        "rank_dimension_4": rank(degree, 4),
        "rank_dimension_64": rank(degree, 64),
        "rank_paper_bound_dimension_4": paper_rank_bound(degree, 4),
    }


def _evaluate(series: np.ndarray, position: np.ndarray) -> np.ndarray:
    orders = np.cos(np.arccos(position) * np.arange(series.shape[-1])[:, None])
    return series @ orders


def _peaks(error: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest error between each two changes of its sign, moved to the front and padded.

    Rounding crosses zero many times where the error does so once; what stays below
    ``SMALLEST_PEAK`` of the largest error is left out.
    """
    flat = error.reshape(-1, error.shape[-1])
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for one in flat:
        ends = np.flatnonzero(np.diff(np.sign(one))) + 1
        starts = np.concatenate([[0], ends])
        largest = np.maximum.reduceat(np.abs(one), starts)
        stops = np.concatenate([ends, [len(one)]])
        keep = largest >= SMALLEST_PEAK * largest.max()
        places = np.array(
            [
                a + np.argmax(np.abs(one[a:b]))
                for a, b in zip(starts[keep], stops[keep], strict=True)
            ]
        )
        found.append((position[places], one[places]))
    count = max(len(places) for places, _ in found)
    padded = np.full((2, len(flat), count), np.nan)
    for row, (places, values) in enumerate(found):
        padded[0, row, : len(places)] = places
        padded[1, row, : len(places)] = values
    return tuple(padded.reshape(2, *error.shape[:-1], count))  # type: ignore[return-value]


MICROSCOPE: Study[Params, None, Microscope] = Study(
    slug="attention.microscope",
    title="The polynomial",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
