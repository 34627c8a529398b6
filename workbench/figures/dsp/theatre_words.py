"""What the training theatre says: how far the training has come, and whether it taught anything."""

from __future__ import annotations

from workbench.figures.dsp.wording import say_score
from workbench.figures.wording import NO_EFFECT, join, keep_together, say_percent, say_signed
from workbench.methods.dsp.theatre import RUN_NAMES, RUNS, Theatre
from workbench.methods.intervals import Interval

NAMES = dict(zip(RUNS, RUN_NAMES, strict=True))
NOTICEABLE = 0.005
"""Half a point of ROUGE."""


def theatre_words(stage: Theatre, i: int, other: str) -> str:
    """The state at point i of the training as set, beside another training if one is named."""
    own = stage.runs[RUNS[0]]
    start = (
        "Before any reward the policy is the supervised one"
        if i == 0
        else f"After {i} of {len(own.reward) - 1} iterations"
    )
    rouge = [say_score(float(own.validation_rouge[point])) for point in (i, 0)]
    precision = (
        f"{say_percent(float(own.hint_precision[i]), 0)} of its phrases stand in the reference "
        f"(at the start {say_percent(float(own.hint_precision[0]), 0)}), and the summaries have "
        f"ROUGE {rouge[0]} ({rouge[1]})."
    )
    sentences = [f"{start}: {precision}"]
    if other and other != RUNS[0]:
        curve = stage.runs[other]
        j = min(i, len(curve.reward) - 1)
        gap = float(own.validation_rouge[i] - curve.validation_rouge[j])
        sentences.append(
            f"{NAMES[other]}: {say_percent(float(curve.hint_precision[j]), 0)}, ROUGE "
            f"{say_score(float(curve.validation_rouge[j]))}; KL "
            f"{float(curve.kl[j]):.2f} nats against {float(own.kl[i]):.2f}."
        )
        if abs(gap) < NOTICEABLE:
            sentences.append("In ROUGE the two are within half a point of each other.")
    risen, lost = own.reward[i] - own.reward[0], own.validation_rouge[0] - own.validation_rouge[i]
    if risen > 0 and lost > NOTICEABLE:
        sentences.append(
            "The reward on the training articles has risen while the summaries of others got "
            "worse: the policy has learned those articles, not what makes a good hint."
        )
    if stage.gains:
        sentences.append(
            "Trained, its reward against random hints is "
            + " and ".join(
                f"{_say_gain(stage.gains[split])} on {where} articles"
                for split, where in (("train", "its training"), ("validation", "other"))
            )
            + "."
        )
    return join(
        [
            *sentences,
            f"{_say_seeds(1 + len(stage.repeats))} and {len(stage.articles)} validation articles: "
            "small differences are noise.",
        ]
    )


def _say_seeds(seeds: int) -> str:
    return f"{seeds} seeds (thin lines are the others)" if seeds > 1 else "One seed"


def _say_gain(gain: Interval) -> str:
    ends = f"95 % interval {say_signed(gain.low, 2)} to {say_signed(gain.high, 2)}"
    verdict = f", {NO_EFFECT}," if gain.covers_zero else ""
    return keep_together(f"{say_signed(gain.mean, 2)} ({ends}){verdict}")
