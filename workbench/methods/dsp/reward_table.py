"""Every hint training may try, written and judged once: the rewards of reinforcement learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.asking import (
    Source,
    Writer,
    ask_rouge,
    ask_with_hints,
    ask_without_hints,
)
from workbench.methods.dsp.keywords import is_stop_phrase, occurs
from workbench.methods.dsp.rouge import rouge_average
from workbench.methods.dsp.sources import TABLE_CANDIDATES, Hint, table_candidates, table_hints
from workbench.server.api import ModelClient


@dataclass(frozen=True)
class RewardTable:
    """What each set of an article's training candidates earns.

    Args:
        sources: a articles.
        places: ``(a, k)`` which of the candidates training offers.
        outputs: summaries by article and hint; hint b holds candidate i where bit i of b is set.
        terminal: ``(a, 2^k)`` mean of ROUGE-1, 2 and L of each, with stemmer, in [0, 1].
    """

    sources: tuple[Source, ...]
    places: np.ndarray
    outputs: tuple[tuple[str, ...], ...]
    terminal: np.ndarray

    def phrases(self, article: int) -> tuple[str, ...]:
        """The phrases that training offers of an article."""
        candidates = self.sources[article].article.candidates
        return tuple(candidates[place] for place in self.places[article])

    def hint(self, article: int, bits: int) -> Hint:
        """The phrases of a hint by its number, in the article's order."""
        return tuple(p for bit, p in enumerate(self.phrases(article)) if bits >> bit & 1)

    def bits(self, width: int) -> np.ndarray:
        """``(a, width)`` the bit of each candidate in a hint's number; 0 if it is not offered."""
        found = np.zeros((len(self.sources), width), dtype=np.int64)
        np.put_along_axis(found, self.places, 1 << np.arange(self.places.shape[1])[None], axis=1)
        return found

    def offered(self, width: int) -> np.ndarray:
        """``(a, width)`` bool, which candidates training offers."""
        return self.bits(width) > 0

    def hit_counts(self) -> np.ndarray:
        """``(a, 2^k)`` how many phrases of each hint the reference holds."""
        return self._count([self.hits_of(row) for row in range(len(self.sources))])

    def lengths(self) -> np.ndarray:
        """``(2^k,)`` how many phrases each hint holds."""
        return np.array([int(b).bit_count() for b in range(self.terminal.shape[1])])

    def hits_of(self, article: int) -> np.ndarray:
        """``(k,)`` bool, which offered phrases the reference holds."""
        return find_hits(self.phrases(article), self.sources[article].article.reference)

    def _count(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        numbers = np.arange(self.terminal.shape[1])
        sets = numbers[:, None] >> np.arange(self.places.shape[1]) & 1  # (2^k, k)
        return np.stack([sets @ row.astype(np.int64) for row in rows])


def find_hits(phrases: Sequence[str], reference: str) -> np.ndarray:
    """``(c,)`` bool, which phrases the reference holds and so earn a step reward."""
    return np.array([occurs(p, reference) and not is_stop_phrase(p) for p in phrases], dtype=bool)


def ask_table(
    client: ModelClient, writer: Writer, sources: Sequence[Source], what: str
) -> RewardTable:
    """Let the language model write with every hint of every article, and judge the summaries.

    Args:
        client: the model server.
        writer: the language model.
        sources: articles with at least as many candidates as training offers; the others are
            left out.
        what: name of the articles, for the page.

    Raises:
        WorkbenchError: what the server refused.
    """
    kept = tuple(one for one in sources if len(one.article.candidates) >= TABLE_CANDIDATES)
    plain = ask_without_hints(
        client, writer, [one.article.text for one in kept], f"{what}, no hint"
    )
    outputs: list[tuple[str, ...]] = []
    for number, (one, without) in enumerate(zip(kept, plain, strict=True), start=1):
        label = f"{what} {number} of {len(kept)}"
        hints = table_hints(one)[1:]
        outputs.append((without, *ask_with_hints(client, writer, one.article.text, hints, label)))
    predictions = [text for row in outputs for text in row]
    references = [
        one.article.reference for one, row in zip(kept, outputs, strict=True) for _ in row
    ]
    scores = rouge_average(ask_rouge(client, predictions, references))
    return RewardTable(
        kept,
        np.array([table_candidates(one) for one in kept], dtype=np.int64),
        tuple(outputs),
        scores.reshape(len(kept), -1),
    )
