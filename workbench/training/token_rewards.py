"""What each token of a hint is paid (arXiv:2302.11520, section 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.methods.dsp.keywords import is_stop_phrase
from workbench.methods.dsp.rewards import PENALTY, phrase_reward


def token_rewards(
    tokens: Sequence[int],
    decode: Callable[[Sequence[int]], str],
    reference: str,
    terminal: float,
    *,
    step_coefficient: float = 1.0,
    penalty: float = PENALTY,
) -> np.ndarray:
    """What each token of a hint is paid, without the KL penalty.

    A phrase is paid at the token that ends it with a semicolon, whatever the tokenizer calls that
    token; the summary at the last token, whether or not it ends the hint.

    Args:
        tokens: of one hint, to its end.
        decode: tokens to text.
        reference: the reference summary.
        terminal: reward of the summary, coefficient applied.
        step_coefficient: of the phrases.
        penalty: of a phrase that misses.

    Returns:
        ``(t,)``.
    """
    found = np.zeros(len(tokens))
    semicolons = 0
    for place in range(len(tokens)):
        phrases = [phrase.strip() for phrase in decode(tokens[: place + 1]).split(";")]
        for finished in range(semicolons, len(phrases) - 1):
            earlier = [phrase for phrase in phrases[:finished] if not is_stop_phrase(phrase)]
            found[place] += step_coefficient * phrase_reward(
                phrases[finished], earlier, reference, penalty=penalty
            )
        semicolons = max(semicolons, len(phrases) - 1)
    if len(tokens):
        found[-1] += terminal
    return found
