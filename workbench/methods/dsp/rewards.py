"""What a hint is paid: the language model's summary at the end, each phrase on the way.

``rl4lms/envs/text_generation/test_reward.py`` of the authors (arXiv:2302.11520). Two departures,
both on purpose: the penalty is a positive number that is subtracted (theirs is negative and
added), and a hint that never ends is scored like any other (theirs got no final reward).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.keywords import is_stop_phrase, occurs
from workbench.methods.dsp.rouge import rouge_average, rouge_scores

TERMINAL_COEFFICIENT = 10.0
"""``gpt3_coef`` of the 1k and 2k configurations; that of 4k is 1."""
STEP_COEFFICIENT = 1.0
PENALTY = 0.2


@dataclass(frozen=True)
class SummaryReward:
    """The parts of one hint's reward.

    Args:
        terminal: coefficient times the mean ROUGE average of the summaries.
        steps: ``(t,)`` coefficient times each phrase's reward.
        kl_penalty: ``(a,)`` β times log π - log π_ref of each action; subtracted.
        total: terminal + sum of steps - sum of the KL penalty.
    """

    terminal: float
    steps: np.ndarray
    kl_penalty: np.ndarray
    total: float


def phrase_reward(
    phrase: str,
    earlier: Sequence[str],
    reference: str,
    *,
    penalty: float = PENALTY,
    whole_words: bool = False,
) -> float:
    """What one finished phrase is paid, before its coefficient.

    Args:
        phrase: the phrase.
        earlier: phrases written before it.
        reference: the reference summary.
        penalty: at least 0.
        whole_words: match whole words only; the authors match substrings.

    Returns:
        1 if the reference holds the phrase; minus the penalty if it does not, or if the phrase is
        empty, a stop word, or contained in the earlier ones.
    """
    repeats = phrase.strip().lower() in "; ".join(earlier).lower()
    if is_stop_phrase(phrase) or repeats or not occurs(phrase, reference, whole_words=whole_words):
        return -penalty
    return 1.0


def step_rewards(
    hint: str, reference: str, *, penalty: float = PENALTY, whole_words: bool = False
) -> np.ndarray:
    """The reward of each phrase that a semicolon ends; the last phrase gets none.

    Args:
        hint: such as "a; b; c.".
        reference: the reference summary.
        penalty: what a phrase that misses costs, at least 0.
        whole_words: match whole words only; the authors match substrings.

    Returns:
        ``(number of semicolons,)``, before their coefficient.
    """
    phrases = [phrase.strip() for phrase in hint.split(";")]
    return np.array(
        [
            phrase_reward(
                phrase, phrases[:place], reference, penalty=penalty, whole_words=whole_words
            )
            for place, phrase in enumerate(phrases[:-1])
        ]
    )


def summary_reward(  # noqa: PLR0913  the coefficients of the paper's reward
    hint: str,
    summaries: Sequence[str],
    reference: str,
    *,
    without_hint: Sequence[str] = (),
    terminal_coefficient: float = TERMINAL_COEFFICIENT,
    step_coefficient: float = STEP_COEFFICIENT,
    penalty: float = PENALTY,
    kl: Sequence[float] | np.ndarray = (),
    beta: float = 0.0,
) -> SummaryReward:
    """The whole reward of one hint, part by part.

    Args:
        hint: such as "a; b; c.".
        summaries: what the language model wrote with it; scores are averaged, not texts.
        reference: the reference summary.
        without_hint: what it wrote without; when given, only the gain over it is paid.
        terminal_coefficient: of the summaries' ROUGE average, stemmer on.
        step_coefficient: of the phrases' rewards.
        penalty: what a phrase that misses costs, at least 0.
        kl: log π - log π_ref of each action.
        beta: its weight.

    Returns:
        The parts; ``total`` is their sum.

    Raises:
        ValueError: no summary.
    """
    if not summaries:
        raise ValueError("a reward needs at least one summary")
    score = _mean_rouge(summaries, reference)
    if without_hint:
        score -= _mean_rouge(without_hint, reference)
    terminal = terminal_coefficient * score
    steps = step_coefficient * step_rewards(hint, reference, penalty=penalty)
    kl_penalty = beta * np.asarray(kl, dtype=float)
    total = float(terminal + steps.sum() - kl_penalty.sum())
    return SummaryReward(terminal, steps, kl_penalty, total)


def _mean_rouge(summaries: Sequence[str], reference: str) -> float:
    scores = rouge_scores(summaries, [reference] * len(summaries))
    return float(rouge_average(scores[:, :, 2]).mean())
