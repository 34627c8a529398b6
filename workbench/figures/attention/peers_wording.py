"""Names, colours and sentences of the comparison with other methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.figures.attention.wording import (
    IN_SENTENCE,
    say_number,
)
from workbench.figures.live import over_positions
from workbench.figures.theme import PALETTE
from workbench.methods.attention.comparison import Result
from workbench.methods.attention.peers.contest import METHODS
from workbench.methods.attention.polynomial import KINDS

NAMES = {
    "polynomial": "polynomial",
    "favor": "Performer (FAVOR+)",
    "nystrom": "Nyströmformer",
    "uniform": "uniform key sample",
    "importance": "HyperAttention style",
    "window": "sliding window",
    "mean": "mean of V",
}
SHOWN = tuple(NAMES)
"""What is drawn: one polynomial, the peers, the trivial answer."""

COLOURS = dict(
    zip(
        SHOWN,
        (
            PALETTE[hue]
            for hue in ("blue", "vermilion", "green", "purple", "amber", "sky", "baseline")
        ),
        strict=True,
    )
)
AXES = ("kind", "log2_budget", "bound_b")

ROUNDING = 1e-12
"""An error below is what float64 leaves of an exact answer."""
NEARLY_UNIFORM = 0.75
"""Share of the keys that a query reads from which on attention is called nearly uniform."""


def method_index(name: str, kind: int) -> int:
    """Where a shown method stands on the axis of all methods; ``kind`` is the polynomial's."""
    return kind if name == "polynomial" else METHODS.index(name)


def say_work(count: int) -> str:
    """A count of multiply-adds: 2.6 million, 410,000."""
    if count >= 1_000_000:
        return f"{count / 1e6:,.1f} million"
    return f"{float(f'{count:.2g}'):,.0f}"


def say_positions(
    result: Result, say_last: Callable[[Result, int, int, int], str]
) -> Sequence[Sequence[Sequence[str]]]:
    """What the reader sees at every position, nested as ``AXES`` are.

    Args:
        result: of the comparison.
        say_last: the figure's own sentence at ``(kind, budget, B)``, after who is nearest.
    """
    contest = result.contest
    shape = (len(KINDS), len(contest.budgets), len(contest.bounds_b))
    return over_positions(
        shape, lambda k, m, b: f"{_say_nearest(result, k, m, b)} {say_last(result, k, m, b)}"
    )


def say_bound(result: Result, k: int, m: int, b: int) -> str:  # noqa: ARG001  one signature
    """Over how many keys a query spreads its attention, and so how hard the mean is to beat."""
    tokens, keys = result.params.tokens, float(result.contest.effective_keys[b])
    share = f"Here a query spreads its attention over about {keys:.0f} of {tokens} keys"
    if keys >= NEARLY_UNIFORM * tokens:
        return f"{share}: small entries make weights nearly uniform, and the mean is hard to beat."
    return f"{share}, so it matters which ones are read."


def say_budget(result: Result, k: int, m: int, b: int) -> str:  # noqa: ARG001
    """What the largest budget buys over the smallest."""
    contest = result.contest
    polynomial, uniform = (
        _say_change(contest.error[method_index(name, k), :, b])
        for name in ("polynomial", "uniform")
    )
    return (
        f"From m = {contest.budgets[0]} to {contest.budgets[-1]} the {IN_SENTENCE[KINDS[k]]} "
        f"polynomial's error {polynomial}, the uniform sample's {uniform}."
    )


def _say_change(errors: np.ndarray) -> str:
    """How the first error compares with the last: "falls 38-fold"."""
    first, last = float(errors[0]), float(errors[-1])
    if last < ROUNDING:
        return "falls to rounding"
    if last > first:
        return f"grows {say_number(last / first)}-fold"
    return f"falls {say_number(first / last)}-fold"


def say_work_spent(result: Result, k: int, m: int, b: int) -> str:  # noqa: ARG001
    """Who spends more than exact attention would."""
    contest = result.contest
    over = [
        NAMES[name]
        for name in SHOWN
        if contest.work[method_index(name, k), m] >= contest.exact_work
    ]
    polynomial = int(contest.work[k, m])
    first = (
        f"Exact attention takes {say_work(contest.exact_work)} multiply-adds, the polynomial "
        f"{say_work(polynomial)}"
    )
    if not over:
        return f"{first}; all methods take fewer than exact attention."
    return f"{first}; {' and '.join(over)} would cost no less than the exact answer."


def _say_nearest(result: Result, k: int, m: int, b: int) -> str:
    """Who comes nearest, and who beats the mean of V."""
    contest = result.contest
    errors = {name: float(contest.error[method_index(name, k), m, b]) for name in SHOWN}
    mean = errors.pop("mean")
    ranked = sorted(errors, key=errors.__getitem__)
    best, second = (
        f"{_the(_say_polynomial(result, k, m) if name == 'polynomial' else NAMES[name])}"
        for name in ranked[:2]
    )
    where = f"At B = {contest.bounds_b[b]:g} and m = {contest.budgets[m]}"
    trivial = (
        f"the mean of V, which reads neither queries nor keys and is off by {say_number(mean)}"
    )
    if errors[ranked[0]] >= mean:
        return (
            f"{where} nothing beats {trivial} at worst; the nearest is {best} with "
            f"{say_number(errors[ranked[0]])}."
        )
    beaten = sum(error < mean for error in errors.values())
    return (
        f"{where} {best} comes nearest, off by {say_number(errors[ranked[0]])} at worst, then "
        f"{second} with {say_number(errors[ranked[1]])}. {_say_beaten(beaten, len(errors))} "
        f"{trivial}."
    )


def _say_polynomial(result: Result, k: int, m: int) -> str:
    degree, columns = int(result.contest.degrees[m]), int(result.contest.columns[m])
    return (
        f"{IN_SENTENCE[KINDS[k]]} polynomial of degree {degree} "
        f"({columns} {'column' if columns == 1 else 'columns'})"
    )


def _the(name: str) -> str:
    return name if name in (NAMES["favor"], NAMES["nystrom"]) else f"the {name}"


def _say_beaten(beaten: int, of: int) -> str:
    if beaten == of:
        return f"All {of} methods beat"
    return f"{beaten} of {of} methods {'beats' if beaten == 1 else 'beat'}"
