"""Numbers printed in the paper (Li et al. 2023, arXiv:2302.11520), and what follows from them.

Every table here is the paper's own; nothing in it was measured by this project. What the paper
adds up, ``combined_score`` and ``relative_gain`` add up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from workbench.errors import InputError

ARTICLES: Final = 500
"""Test articles of CNN/DailyMail behind the summarisation table; the language model is ChatGPT."""
TRAIN_SIZES: Final = (1_000, 2_000, 4_000)
"""Articles on which the hint policy was trained."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One metric of the summarisation table, times 100 (BERTScore as printed).

    Args:
        metric: its name.
        standard: without a hint.
        supervised: hints of the fine-tuned policy, by training size.
        reinforced: after reinforcement learning, by training size.
    """

    metric: str
    standard: float
    supervised: tuple[float, float, float]
    reinforced: tuple[float, float, float]


SUMMARIES: Final = (
    SummaryRow("ROUGE-1", 38.45, (39.30, 39.32, 39.47), (39.99, 40.06, 40.19)),
    SummaryRow("ROUGE-2", 16.20, (16.82, 16.88, 17.08), (17.45, 17.50, 17.70)),
    SummaryRow("ROUGE-L", 25.52, (26.09, 26.20, 26.25), (26.69, 26.70, 26.84)),
    SummaryRow("BLEU", 8.06, (8.40, 8.70, 8.71), (8.99, 9.07, 9.10)),
    SummaryRow("METEOR", 31.59, (32.05, 32.22, 32.24), (32.59, 32.70, 32.72)),
    SummaryRow("BERTScore", 0.8807, (0.8826, 0.8831, 0.8832), (0.8843, 0.8841, 0.8845)),
)
OVERLAP_METRICS: Final = ("ROUGE-1", "ROUGE-2", "ROUGE-L", "BLEU", "METEOR")


@dataclass(frozen=True, slots=True)
class Preference:
    """How often a judge preferred the summary with a hint, without one, or neither."""

    hinted: int
    standard: int
    ties: int


PREFERENCE: Final = Preference(hinted=255, standard=222, ties=23)
"""GPT-4 as the judge, on the 500 test articles."""


@dataclass(frozen=True, slots=True)
class DialogueScore:
    """Inform and Success rates and BLEU of a dialogue system, times 100, with the printed sum."""

    inform: float
    success: float
    bleu: float
    combined: float


@dataclass(frozen=True, slots=True)
class DialogueRow:
    """One system on MultiWOZ 2.0 and 2.1."""

    system: str
    on_2_0: DialogueScore
    on_2_1: DialogueScore


DIALOGUES: Final = (
    DialogueRow(
        "ChatGPT, standard",
        DialogueScore(71.8, 44.1, 10.5, 68.4),
        DialogueScore(72.8, 44.2, 10.4, 68.9),
    ),
    DialogueRow(
        "ChatGPT, supervised, 80",
        DialogueScore(76.6, 66.5, 11.2, 82.8),
        DialogueScore(76.0, 64.3, 11.3, 81.4),
    ),
    DialogueRow(
        "ChatGPT, reinforced, 80",
        DialogueScore(90.9, 82.2, 10.2, 96.7),
        DialogueScore(87.3, 78.7, 10.7, 93.7),
    ),
    DialogueRow(
        "ChatGPT, supervised, 800",
        DialogueScore(72.7, 64.7, 11.8, 80.5),
        DialogueScore(75.0, 67.7, 12.6, 83.9),
    ),
    DialogueRow(
        "ChatGPT, reinforced, 800",
        DialogueScore(95.3, 82.3, 10.9, 99.6),
        DialogueScore(95.0, 84.0, 10.7, 100.2),
    ),
    DialogueRow(
        "Codex, standard",
        DialogueScore(76.7, 41.5, 7.7, 66.8),
        DialogueScore(74.2, 41.9, 7.8, 65.9),
    ),
    DialogueRow(
        "Codex, reinforced, 800",
        DialogueScore(96.0, 86.9, 10.7, 102.2),
        DialogueScore(94.0, 86.0, 9.2, 99.2),
    ),
    DialogueRow(
        "GALAXY, all data",
        DialogueScore(94.4, 85.3, 20.5, 110.4),
        DialogueScore(95.3, 86.2, 20.0, 110.8),
    ),
)
"""The number behind a name is how many dialogues trained the hint policy."""


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """Accuracy in percent of a chain-of-thought trigger on MultiArith and AQuA (InstructGPT)."""

    trigger: str
    multiarith: float
    aqua: float


TRIGGERS: Final = (
    TriggerRow("Let's think step by step.", 79.6, 31.9),
    TriggerRow("We should think about this step by step.", 81.2, 28.7),
    TriggerRow("First,", 78.0, 38.2),
    TriggerRow("The answer is after the proof.", 42.8, 34.3),
    TriggerRow("APE's prompt", 81.6, 34.3),
    TriggerRow("DSP, supervised", 75.2, 35.8),
    TriggerRow("DSP, reinforced", 84.0, 38.6),
)
"""Part of the paper's table: some of its 14 fixed triggers, and the trained ones."""
MULTIARITH_ITEMS: Final = 250
"""Inferred: every MultiArith value of the table is a whole number of 250 questions."""
AQUA_ITEMS: Final = 254


def combined_score(inform: float, success: float, bleu: float) -> float:
    """MultiWOZ's combined score, half the sum of Inform and Success plus BLEU (times 100).

    Example:
        >>> round(combined_score(90.9, 82.2, 10.2), 2)
        96.75
    """
    return 0.5 * (inform + success) + bleu


def relative_gain(value: float, baseline: float) -> float:
    """By which fraction of the baseline a value is larger.

    Raises:
        InputError: the baseline is not positive.

    Example:
        >>> round(relative_gain(96.7, 68.4), 3)
        0.414
    """
    if not baseline > 0.0:
        raise InputError(f"The baseline is {baseline:g}; a relative gain needs one above 0.")
    return value / baseline - 1.0


def published_gains() -> np.ndarray:
    """``(4, 2, 3)`` points over no hint: of ROUGE-1, 2, L and their mean; of both stages; by size.

    The stages are supervised and reinforced, the sizes ``TRAIN_SIZES``.
    """
    three = np.array(
        [
            [np.subtract(stage, row.standard) for stage in (row.supervised, row.reinforced)]
            for row in SUMMARIES[:3]
        ]
    )
    return np.concatenate([three, three.mean(axis=0, keepdims=True)])
