"""The transition for n → ∞: what the exponent of the cost tends to at B = x √(ln n).

With a = B² = x² ln n, d = c ln n and output error n^-p, the smallest Chebyshev degree tends to
γ ln n, where γ solves ``x² + √(γ² + x⁴) - γ asinh(γ / x²) = -p``: the relative error of the
truncated series is ``e^a I_g(a)`` up to powers of n that vanish, and ``I_g(a)`` has Olver's uniform
expansion (DLMF 10.41.3). Stirling's formula for ``C(g + d, g)`` then gives the exponent. The paper
(arXiv:2302.13214) proves the case x → 0; the curve between is this project's own arithmetic.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import xlogy


def limit_degree_factor(ratio: float, accuracy_power: float) -> float:
    """γ: the smallest degree divided by ln n, for n → ∞.

    Args:
        ratio: x = B / √(ln n), above 0.
        accuracy_power: p of the output error ``n^-p``, above 0.
    """
    bound = ratio * ratio

    def excess(gamma: float) -> float:
        root = np.hypot(gamma, bound)
        return float(bound + root - gamma * np.arcsinh(gamma / bound) + accuracy_power)

    upper = bound + accuracy_power
    while excess(upper) > 0.0:
        upper *= 2.0
    return float(root_scalar(excess, bracket=(0.0, upper), xtol=1e-12).root)


def limit_exponent(
    degree_factor: float, dimension_factor: float, *, counted_as_in_paper: bool = False
) -> float:
    """Exponent of n in the polynomial method's cost for n → ∞, where exact attention has 2.

    ``1 + (c + γ) ln(c + γ) - c ln c - γ ln γ``. The paper's bound of the rank,
    ``C(2 (g + d), 2 g)``, doubles all but the first term.

    Args:
        degree_factor: γ, the degree divided by ln n.
        dimension_factor: c, the dimension divided by ln n.
        counted_as_in_paper: count the rank as the paper does.
    """
    gamma, c = degree_factor, dimension_factor
    growth = xlogy(c + gamma, c + gamma) - xlogy(c, c) - xlogy(gamma, gamma)
    return float(1.0 + (2.0 if counted_as_in_paper else 1.0) * growth)
