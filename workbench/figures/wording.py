"""Numbers and sentences as every figure says them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workbench.methods.intervals import Interval

MINUS = "\N{MINUS SIGN}"
NO_EFFECT = "no detectable effect"


def keep_together(text: str) -> str:
    """The text with no line break between a number and its unit or power."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace(
        " × 10", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10"
    )


def say_percent(fraction: float, digits: int = 1) -> str:
    """A fraction as percent: 0.734 is "73.4 %"; what would round to nothing is "below 0.1 %"."""
    least = 10.0**-digits
    if 0.0 < 100.0 * fraction < 0.5 * least:
        return keep_together(f"below {least:g} %")
    return keep_together(f"{100.0 * fraction:.{digits}f} %")


def say_number(number: float, digits: int = 2) -> str:
    """A number with a true minus sign."""
    return f"{number:.{digits}f}".replace("-", MINUS)


def say_signed(number: float, digits: int = 1) -> str:
    """A number with its sign; nothing but zeros has none."""
    text = f"{number:+.{digits}f}"
    return text[1:] if not text.strip("+-0.") else text.replace("-", MINUS)


def say_points(fraction: float, digits: int = 1) -> str:
    """A difference of fractions in points, with its sign: 0.021 is "+2.1"."""
    return say_signed(100.0 * fraction, digits)


def say_gain(gain: Interval, digits: int = 1) -> str:
    """A difference with its interval: "+2.1 points (95 % interval +0.4 to +3.8)"."""
    return keep_together(
        f"{say_points(gain.mean, digits)} points (95 % interval {say_points(gain.low, digits)} to "
        f"{say_points(gain.high, digits)})"
    )


def say_amount(count: float) -> str:
    """A number of things, which is whole but for a mean of runs: "3", "1,200", "2.3"."""
    return f"{count:,.0f}" if abs(count - round(count)) < 0.05 else f"{count:,.1f}"


def say_count(count: float, one: str, many: str = "") -> str:
    """A number of things by name: "1 article", "3 articles", "2.3 articles"."""
    number = say_amount(count)
    return f"{number} {one if number == '1' else many or one + 's'}"


def shorten(text: str, most_chars: int, *, at_word: bool = False) -> str:
    """The text, cut with an ellipsis where it is too long.

    Args:
        text: plain text, without markup.
        most_chars: how long it may be, the ellipsis counted in.
        at_word: cut between two words.
    """
    if len(text) <= most_chars:
        return text
    cut = text[: most_chars - 1]
    return (cut.rsplit(" ", 1)[0].rstrip(",;:") if at_word else cut) + "…"


def each(say: Callable[..., Any], *sizes: int) -> list[Any]:
    """Nested lists of ``say(i, j, …)`` for every index below ``sizes``."""
    if not sizes:
        return say()
    return [each(lambda *rest, i=i: say(i, *rest), *sizes[1:]) for i in range(sizes[0])]


def join(sentences: Sequence[str]) -> str:
    """Sentences in a row, without the empty ones."""
    return " ".join(filter(None, sentences))
