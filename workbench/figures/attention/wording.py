"""Numbers and names as the figures of this method say them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from workbench.figures.theme import PALETTE
from workbench.methods.attention.polynomial import KINDS, NAMES

KIND_COLOURS = dict(
    zip(KINDS, (PALETTE["blue"], PALETTE["vermilion"], PALETTE["green"]), strict=True)
)
KIND_NAMES = dict(zip(KINDS, NAMES, strict=True))
IN_SENTENCE = {"taylor": "Taylor", "chebyshev": "Chebyshev", "minimax": "minimax"}

AXES = ("kind", "degree", "bound_b")

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def say_number(value: float) -> str:
    """A positive number with two digits that matter: 0.0070, 3.6, 250, 2.1 × 10⁻⁷."""
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else "no bound"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 0:
        return f"{value:.{1 - exponent}f}"
    if 0 <= exponent < 5:
        return f"{value:.1f}" if exponent == 0 else f"{float(f'{value:.2g}'):,.0f}"
    mantissa, _, power = f"{value:.1e}".partition("e")  # rounding may reach the next power
    return f"{mantissa} × {say_power(int(power))}"


def say_power(exponent: int, base: int = 10) -> str:
    """10ⁿ, or a power of another base, in characters."""
    return f"{base}{str(exponent).translate(_SUPERSCRIPT)}"


def log_ticks(
    lowest: int, highest: int, step: int, mantissas: Sequence[int] = (1,)
) -> dict[str, Any]:
    """Tick positions and words of a logarithmic axis from 10^lowest to 10^highest."""
    places = [(m, e) for e in range(lowest, highest + 1, step) for m in mantissas]
    return {
        "tickvals": [m * 10.0**e for m, e in places],
        "ticktext": [_say_tick(m, e) for m, e in places],
    }


def _say_tick(mantissa: int, exponent: int) -> str:
    if -3 <= exponent <= 3:
        return f"{mantissa * 10.0**exponent:,.{max(0, -exponent)}f}"
    return say_power(exponent) if mantissa == 1 else ""
