"""One article, one hint: what the language model writes with it and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.marking import Fate, fate, occurs
from workbench.methods.dsp.records import Article


@dataclass(frozen=True)
class Bench:
    """What the hint bench shows.

    Args:
        article: the article, its reference and the phrases to choose from.
        phrases: the hint, in its order.
        output_with, output_without: the language model's summaries.
        rouge_with, rouge_without, rouge_lead2: ``(2, 3)`` F1 of ROUGE-1, 2 and L, first row
            without stemmer, second with it; the last is the article's first two sentences.
        model: the language model.
        number: of the test article; 0 for the reader's own.
    """

    article: Article
    phrases: tuple[str, ...]
    output_with: str
    output_without: str
    rouge_with: np.ndarray
    rouge_without: np.ndarray
    rouge_lead2: np.ndarray
    model: str
    number: int = 0

    @property
    def fates(self) -> tuple[Fate, ...]:
        """What became of each phrase."""
        return tuple(fate(p, self.output_with, self.article.reference) for p in self.phrases)

    @property
    def not_in_article(self) -> tuple[str, ...]:
        """Phrases that the article does not have: the hint then says something new."""
        return tuple(p for p in self.phrases if not occurs(p, self.article.text))

    @property
    def coverage(self) -> float:
        """Share of the hint's phrases that stand in the output; 0 for an empty hint."""
        used = sum(found != "muted" for found in self.fates)
        return used / len(self.phrases) if self.phrases else 0.0

    @property
    def hits(self) -> int:
        """Number of the hint's phrases that stand in the reference."""
        return sum(occurs(phrase, self.article.reference) for phrase in self.phrases)
