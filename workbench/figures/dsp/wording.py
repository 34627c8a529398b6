"""Scores as the figures of this method say them: times 100, as in the paper."""

from __future__ import annotations

from workbench.figures.wording import NO_EFFECT, say_gain, say_number
from workbench.methods.intervals import Interval


def say_score(fraction: float) -> str:
    """A score as the paper prints it: 0.3845 is "38.5"."""
    return say_number(100.0 * fraction, 1)


def say_effect(gain: Interval, subject: str, over: str, what: str = "the score") -> str:
    """One sentence: raises, lowers, or no detectable effect, always with the interval."""
    if gain.covers_zero:
        return f"{subject} have {NO_EFFECT} on {what} against {over}: {say_gain(gain)}."
    verb = "raise" if gain.mean > 0 else "lower"
    return f"{subject} {verb} {what} against {over}: {say_gain(gain)}."
