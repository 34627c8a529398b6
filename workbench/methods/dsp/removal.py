"""What is each phrase of a hint worth? The hint without it, measured again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.records import Article


@dataclass(frozen=True)
class Removal:
    """One article's hint, whole and with each phrase left out in turn.

    Args:
        article: the article and its reference.
        hint: the whole hint.
        phrases: those that are left out in turn, k of them.
        outputs: k + 1 summaries: of the whole hint, then without each phrase.
        rouge: ``(2, k + 1, 3)`` F1 of ROUGE-1, 2 and L, without and with stemmer.
        log_probability: ``(k + 1,)`` log of the reference's probability under the prompt, in nats
            over all its tokens: one forward pass, no sampling, so it moves smoothly.
        model: the language model.
    """

    article: Article
    hint: tuple[str, ...]
    phrases: tuple[str, ...]
    outputs: tuple[str, ...]
    rouge: np.ndarray
    log_probability: np.ndarray
    model: str

    def __post_init__(self) -> None:
        k = len(self.phrases)
        shapes = (2, k + 1, 3), (k + 1,)
        if (self.rouge.shape, self.log_probability.shape) != shapes:
            raise ValueError(f"rouge and log_probability must have the shapes {shapes}")

    @property
    def rouge_lost(self) -> np.ndarray:
        """``(2, k)`` mean ROUGE of the whole hint less that without each phrase."""
        mean = self.rouge.mean(axis=-1)
        return mean[:, :1] - mean[:, 1:]

    @property
    def log_probability_lost(self) -> np.ndarray:
        """``(k,)`` nats of the reference's probability lost without each phrase."""
        return self.log_probability[0] - self.log_probability[1:]
