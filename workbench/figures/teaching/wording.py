"""Numbers as the figures of this method say them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workbench.methods.intervals import Interval

_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def say_percent(fraction: float, digits: int = 1) -> str:
    """A fraction as percent: 0.734 is "73.4 %"."""
    return f"{100.0 * fraction:.{digits}f}{_SPACE}%"


def say_points(fraction: float) -> str:
    """A difference of fractions in points, with its sign: 0.021 is "+2.1"."""
    text = f"{100.0 * fraction:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", _MINUS)


def say_gain(gain: Interval) -> str:
    """A difference with its interval: "+2.1 points (95 % interval +0.4 to +3.8)"."""
    return (
        f"{say_points(gain.mean)} points (95{_SPACE}% interval {say_points(gain.low)} to "
        f"{say_points(gain.high)})"
    )


def say_count(count: float, word: str) -> str:
    """How many, in the plural where it is one: "3 questions", "2.3 questions" (mean of runs)."""
    number = f"{count:.0f}" if abs(count - round(count)) < 0.05 else f"{count:.1f}"
    return f"{number} {word}" if number == "1" else f"{number} {word}s"


def say_number(number: float, digits: int = 2) -> str:
    """A number with a true minus sign."""
    return f"{number:.{digits}f}".replace("-", _MINUS)


def each(say: Callable[..., Any], *sizes: int) -> list[Any]:
    """Nested lists of ``say(i, j, …)`` for every index below ``sizes``."""
    if not sizes:
        return say()
    return [each(lambda *rest, i=i: say(i, *rest), *sizes[1:]) for i in range(sizes[0])]


def join(sentences: Sequence[str]) -> str:
    """Sentences in a row, without the empty ones."""
    return " ".join(sentence for sentence in sentences if sentence)


def shorten(text: str, characters: int) -> str:
    """The text, cut at a word where it is too long."""
    if len(text) <= characters:
        return text
    return text[: characters - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
