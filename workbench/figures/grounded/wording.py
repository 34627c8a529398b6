"""Numbers and words as the figures of this method say them."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from workbench.figures.live import keep_together, over_positions
from workbench.methods.intervals import Interval

MINUS = "\N{MINUS SIGN}"


def say_percent(fraction: float, digits: int = 0) -> str:
    """A fraction as percent: 0.734 is "73 %"; what would round to nothing is "below 1 %"."""
    least = 10.0**-digits
    if 0.0 < 100.0 * fraction < 0.5 * least:
        return keep_together(f"below {least:g} %")
    return keep_together(f"{100.0 * fraction:.{digits}f} %")


def say_points(fraction: float) -> str:
    """A difference of fractions in points, with its sign: 0.021 is "+2"."""
    text = f"{100.0 * fraction:+.0f}"
    return "0" if text in ("+0", "-0") else text.replace("-", MINUS)


def say_value(value: float) -> str:
    """A value between 0 and 1 with two digits that matter."""
    return "0" if value == 0.0 else f"{value:.2g}"


def say_times(ratio: float) -> str:
    """A ratio: "3.4 times", "118 times"."""
    return f"{ratio:,.1f} times" if ratio < 10 else f"{ratio:,.0f} times"


def show_token(text: str) -> str:
    """A token as it stands in a figure: its space shown, its line break named."""
    if not text.strip():
        return "⏎" if "\n" in text else "␣"
    return html.escape(text.replace("\n", "⏎").replace(" ", "\N{NO-BREAK SPACE}"))


def show_text(text: str, most_chars: int = 60) -> str:
    """Text of a person or a model, safe in a figure and not too long."""
    text = " ".join(text.split())
    return html.escape(text if len(text) <= most_chars else text[: most_chars - 1] + "…")


def join(sentences: Sequence[str]) -> str:
    """Sentences in a row, without the empty ones."""
    return " ".join(filter(None, sentences))


def each(say: Callable[..., Any], *sizes: int) -> list[Any]:
    """Nested lists of ``say(i, j, …)`` for every index below ``sizes``; texts keep their units."""
    return over_positions(sizes, say)


def say_gain(gain: Interval) -> str:
    """A difference with its interval: "+31 points (95 % interval +24 to +38)"."""
    return keep_together(
        f"{say_points(gain.mean)} points (95 % interval {say_points(gain.low)} to "
        f"{say_points(gain.high)})"
    )


def verdict_of(gain: Interval) -> str:
    """What a difference's interval lets one say."""
    if gain.covers_zero:
        return "no detectable effect"
    return "a gain" if gain.mean > 0 else "a loss"
