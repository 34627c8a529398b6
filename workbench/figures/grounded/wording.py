"""Numbers and words as only the figures of this method say them."""

from __future__ import annotations

import html

from workbench.figures.wording import NO_EFFECT, shorten
from workbench.methods.intervals import Interval


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
    return html.escape(shorten(" ".join(text.split()), most_chars))


def verdict_of(gain: Interval) -> str:
    """What a difference's interval lets one say."""
    if gain.covers_zero:
        return NO_EFFECT
    return "a gain" if gain.mean > 0 else "a loss"
