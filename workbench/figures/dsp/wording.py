"""Numbers as the figures of this method say them; scores times 100, as in the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workbench.figures.live import keep_together
from workbench.methods.intervals import Interval

_MINUS = "\N{MINUS SIGN}"
NO_EFFECT = "no detectable effect"


def say_score(fraction: float) -> str:
    """A score as the paper prints it: 0.3845 is "38.5"."""
    return f"{100.0 * fraction:.1f}".replace("-", _MINUS)


def say_percent(fraction: float) -> str:
    """A fraction as percent: 0.734 is "73 %"."""
    return keep_together(f"{100.0 * fraction:.0f} %")


def say_signed(number: float, digits: int = 1) -> str:
    """A number with its sign; nothing but zeros has none."""
    text = f"{number:+.{digits}f}"
    return text[1:] if not text.strip("+-0.") else text.replace("-", _MINUS)


def say_points(gain: Interval) -> str:
    """A difference with its interval: "+2.1 points (95 % interval +0.4 to +3.8)"."""
    return keep_together(
        f"{say_signed(100 * gain.mean)} points (95 % interval {say_signed(100 * gain.low)} to "
        f"{say_signed(100 * gain.high)})"
    )


def say_effect(gain: Interval, subject: str, over: str, what: str = "the score") -> str:
    """One sentence: raises, lowers, or no detectable effect, always with the interval."""
    if gain.covers_zero:
        return f"{subject} have {NO_EFFECT} on {what} against {over}: {say_points(gain)}."
    verb = "raise" if gain.mean > 0 else "lower"
    return f"{subject} {verb} {what} against {over}: {say_points(gain)}."


def say_count(count: int, one: str, many: str = "") -> str:
    """A number of things: "1 article", "3 articles"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def each(say: Callable[..., Any], *sizes: int) -> list[Any]:
    """Nested lists of ``say(i, j, …)`` for every index below ``sizes``."""
    if not sizes:
        return say()
    return [each(lambda *rest, i=i: say(i, *rest), *sizes[1:]) for i in range(sizes[0])]


def join(sentences: Sequence[str]) -> str:
    """Sentences in a row, without the empty ones."""
    return " ".join(sentence for sentence in sentences if sentence)
