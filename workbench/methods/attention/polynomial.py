"""Polynomials in place of e^x: Taylor, Chebyshev and minimax, with certified relative errors.

Alman and Song (arXiv:2302.13214) need ``|P(x) - e^x| <= ε e^x`` on [-a, a] with a = B², because a
relative error of every entry of the attention matrix passes through its normalisation. Their
degree bound (Aggarwal and Alman, CCC 2022) is asymptotic; here every degree is found by search
over an error that is known exactly or bounded in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import gammaln, ive

from workbench.errors import InputError, UnknownNameError
from workbench.methods.attention.minimax import chebyshev_coefficients, fit_minimax
from workbench.methods.attention.minimax_reference import fit_minimax_reference

KINDS = ("taylor", "chebyshev", "minimax")
NAMES = ("Taylor", "Chebyshev", "Minimax")
MAXIMUM_DEGREE = 64
MAXIMUM_BOUND = 300.0
"""Beyond this e^{2a} leaves float64."""
MAXIMUM_MINIMAX_BOUND = 16.0
"""Beyond this rounding, magnified by e^{2a}, hides the error that the exchange levels."""
LOG_SMALLEST_ERROR = -500.0
"""Below e^-500 the best polynomial and the Chebyshev series are one in float64."""


@dataclass(frozen=True)
class ExponentialPolynomial:
    """A polynomial near e^x on [-a, a].

    Args:
        kind: "taylor", "chebyshev" or "minimax".
        degree: its degree g.
        bound: half-length a of the interval.
        chebyshev: ``(g + 1,)`` float64 coefficients in ``T_k(x / a)``: the stable form.
        relative_error: certified bound of ``|P(x) / e^x - 1|`` on [-a, a], in exact arithmetic.
    """

    kind: str
    degree: int
    bound: float
    chebyshev: np.ndarray = field(repr=False)
    relative_error: float

    @property
    def power(self) -> np.ndarray:
        """``(g + 1,)`` float64 coefficients of ``1, x, x², …``, as ``low_rank_factors`` takes."""
        return self.scaled_power / self.bound ** np.arange(self.degree + 1)

    @property
    def scaled_power(self) -> np.ndarray:
        """``(g + 1,)`` float64 coefficients of ``1, x / a, (x / a)², …``: safe for any a."""
        return chebyshev_to_power(self.chebyshev)

    def __call__(self, x: Any) -> Any:
        """P at an array or tensor of any shape, by Clenshaw's recurrence."""
        t = x / self.bound
        first, second = 0.0 * t, 0.0 * t
        for coefficient in self.chebyshev[:0:-1]:
            first, second = 2.0 * t * first - second + float(coefficient), first
        return t * first - second + float(self.chebyshev[0])


def exponential_polynomial(bound: float, *, degree: int, kind: str) -> ExponentialPolynomial:
    """The polynomial of one kind and degree near e^x on [-bound, bound].

    ``taylor`` is the expansion at 0; ``chebyshev`` the truncated series ``I_0 + 2 Σ I_k T_k``;
    ``minimax`` has the smallest relative error of all polynomials of its degree.

    Args:
        bound: a > 0, the largest absolute score; for entries in [-B, B] the paper takes B².
        degree: g, 0 to 64.
        kind: "taylor", "chebyshev" or "minimax".

    Raises:
        InputError: a bound or degree out of range.
        UnknownNameError: no such kind.
    """
    _check(bound, kind)
    if not 0 <= degree <= MAXIMUM_DEGREE or degree != int(degree):
        raise InputError(
            f"The degree is {degree}; choose a whole number from 0 to {MAXIMUM_DEGREE}."
        )
    coefficients, errors = fit_grid((float(bound),), int(degree), kind)
    return ExponentialPolynomial(kind, int(degree), float(bound), coefficients[0], float(errors[0]))


@lru_cache(maxsize=512)
def fit_grid(bounds: tuple[float, ...], degree: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Polynomials of one kind and degree on many intervals at once.

    Args:
        bounds: half-lengths a of m intervals.
        degree: degree g.
        kind: as for ``exponential_polynomial``.

    Returns:
        Read-only Chebyshev coefficients ``(m, g + 1)`` and certified relative errors ``(m,)``.
    """
    a = np.asarray(bounds, dtype=np.float64)
    if kind == "taylor":
        coefficients = _taylor_coefficients(a, degree)
        errors = np.exp(np.array([_log_taylor_error(one, degree) for one in bounds]))
    elif kind == "chebyshev":
        coefficients = chebyshev_coefficients(a, degree)
        errors = np.exp(_log_chebyshev_errors(a, degree + 1)[degree])
    else:
        coefficients, errors = _minimax(a, degree)
    coefficients.setflags(write=False)
    errors.setflags(write=False)
    return coefficients, errors


def minimum_degree(bound: float, tolerance: float, *, kind: str) -> int:
    """The smallest degree whose certified relative error on [-bound, bound] is within tolerance.

    Args:
        bound: a > 0.
        tolerance: largest allowed relative error, in (0, 1).
        kind: "taylor", "chebyshev" or "minimax" (the last for bounds up to 16).

    Raises:
        InputError: a bound or tolerance out of range.
        UnknownNameError: no such kind.
    """
    _check(bound, kind, largest=1e6)
    if not 0.0 < tolerance < 1.0:
        raise InputError(f"The tolerance is {tolerance:g}; choose a number between 0 and 1.")
    upper = int(minimum_chebyshev_degrees(np.array([bound]), tolerance)[0])
    if kind == "chebyshev":
        return upper
    if kind == "minimax":
        return _first(lambda g: fit_grid((float(bound),), g, kind)[1][0] <= tolerance, upper)
    limit = np.log(tolerance)
    while _log_taylor_error(bound, upper) > limit:
        upper *= 2
    return _first(lambda g: _log_taylor_error(bound, g) <= limit, upper)


def minimum_chebyshev_degrees(bounds: np.ndarray, tolerance: float | np.ndarray) -> np.ndarray:
    """``minimum_degree(bound, tolerance, kind="chebyshev")`` for many bounds, ``(m,)`` integers.

    Works for bounds far beyond float64's range of e^a, as the attention heads of language models
    need: the error is computed by its logarithm.

    Args:
        bounds: ``(m,)`` half-lengths a.
        tolerance: largest allowed relative error, one for all or ``(m,)``, one for each.
    """
    a = np.asarray(bounds, dtype=np.float64)
    limits = np.broadcast_to(np.log(tolerance), a.shape)
    degrees = np.zeros(a.shape, dtype=np.int64)
    order = np.argsort(a)
    # Intervals of similar length share one recurrence, so short ones don't pay for long ones.
    for part in np.array_split(order, max(1, len(a) // 16)):
        if part.size:
            terms = int(np.ceil(3.0 * a[part].max() + 40.0 - 3.0 * limits[part].min()))
            logs = _log_chebyshev_errors(a[part], terms)
            degrees[part] = (logs > limits[part]).sum(axis=0)
    return degrees


def chebyshev_to_power(coefficients: np.ndarray) -> np.ndarray:
    """Coefficients of ``1, t, t², …`` from those of ``T_k(t)``, summed in extended precision."""
    powers, _ = _conversions(len(coefficients) - 1)
    return (coefficients.astype(np.longdouble) @ powers).astype(np.float64)


def _taylor_coefficients(bounds: np.ndarray, degree: int) -> np.ndarray:
    """``a^j / j!`` in ``T_k(x / a)``, ``(m, g + 1)``."""
    orders = np.arange(degree + 1)
    terms = np.exp(orders * np.log(bounds)[:, None] - gammaln(orders + 1))
    _, series = _conversions(degree)
    return terms @ series.astype(np.float64)


@lru_cache(maxsize=MAXIMUM_DEGREE + 1)
def _conversions(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Row k: ``T_k`` in powers, and ``t^k`` in Chebyshev polynomials; extended precision."""
    powers = np.zeros((degree + 1, degree + 1), dtype=np.longdouble)
    series = np.zeros((degree + 1, degree + 1), dtype=np.longdouble)
    powers[0, 0] = series[0, 0] = 1
    if degree:
        powers[1, 1] = series[1, 1] = 1
    for k in range(2, degree + 1):
        powers[k, 1:] = 2 * powers[k - 1, :-1]
        powers[k] -= powers[k - 2]
        # t T_0 = T_1, and t T_j = (T_{j+1} + T_{j-1}) / 2
        half = series[k - 1] / 2
        series[k, 1:] = half[:-1]
        series[k, 1] += half[0]
        series[k, :-1] += half[1:]
    return powers, series


def _log_taylor_error(bound: float, degree: int) -> float:
    """Logarithm of the largest relative error of the Taylor polynomial, reached at x = -a.

    It is ``∫_0^a u^g e^u du / g!``, the remainder's integral form, summed as a series of positive
    terms ``a^{g+1+m} / (m! g! (g + 1 + m))``.
    """
    m = np.arange(int(bound + 12.0 * np.sqrt(bound)) + 60)
    n = degree + 1 + m
    logs = n * np.log(bound) - gammaln(m + 1) - gammaln(degree + 1) - np.log(n)
    return float(np.logaddexp.reduce(logs))


def _log_chebyshev_errors(bounds: np.ndarray, terms: int) -> np.ndarray:
    """Logarithm of the largest relative error of the truncated series, ``(terms, m)``.

    The series leaves out ``2 Σ_{k>g} I_k(a) T_k``. Its relative error is largest at x = -a, where
    it is ``2 e^a |Σ_{k>g} (-1)^k I_k(a)|`` (that no other critical point exceeds it is tested for
    a <= 25). Ratios of Bessel functions come from the backward recurrence
    ``I_{k+1} / I_k = 1 / (2 (k + 1) / a + I_{k+2} / I_{k+1})`` (stable: Gautschi 1967).
    """
    start = terms + 60
    ratio = np.zeros_like(bounds)
    tail = np.zeros_like(bounds)  # |Σ_{j>k} (-1)^j I_j| / I_k
    ratios = np.empty((terms, len(bounds)))
    tails = np.empty((terms, len(bounds)))
    for k in range(start, -1, -1):
        ratio = 1.0 / (2.0 * (k + 1) / bounds + ratio)
        tail = ratio * (1.0 - tail)
        if k < terms:
            ratios[k], tails[k] = ratio, tail
    log_bessel = np.zeros((terms, len(bounds)))
    np.cumsum(np.log(ratios[:-1]), axis=0, out=log_bessel[1:])
    return np.log(2.0) + 2.0 * bounds + np.log(ive(0, bounds)) + log_bessel + np.log(tails)


def _minimax(bounds: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    coefficients = chebyshev_coefficients(bounds, degree)
    logs = _log_chebyshev_errors(bounds, degree + 1)[degree]
    errors = np.exp(logs)
    worth = np.flatnonzero(logs > LOG_SMALLEST_ERROR)
    if worth.size:
        coefficients[worth], errors[worth] = fit_minimax(bounds[worth], degree)
    for i in np.flatnonzero(np.isnan(errors)):
        exact, error = fit_minimax_reference(float(bounds[i]), degree)
        coefficients[i], errors[i] = [float(c) for c in exact], float(error)
    return coefficients, errors


def _first(is_enough: Callable[[int], bool], upper: int) -> int:
    """The smallest g in 0 … upper with ``is_enough(g)``, which holds from some g on."""
    lower = -1
    while upper - lower > 1:
        middle = (lower + upper) // 2
        lower, upper = (lower, middle) if is_enough(middle) else (middle, upper)
    return upper


def _check(bound: float, kind: str, *, largest: float = MAXIMUM_BOUND) -> None:
    if kind not in KINDS:
        raise UnknownNameError.of("polynomial", str(kind), KINDS)
    limit = MAXIMUM_MINIMAX_BOUND if kind == "minimax" else largest
    if not 0.0 < bound <= limit:
        raise InputError(
            f"The largest score a is {bound:g}; for a {kind} polynomial choose a number above 0, "
            f"up to {limit:g}."
        )
