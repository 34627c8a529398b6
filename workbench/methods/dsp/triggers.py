"""Choosing one trigger sentence for a set of questions, and what the choice itself adds.

The paper (arXiv:2302.11520, section on chain of thought) compares 14 fixed triggers with a trained
one. The best of 14 is best partly by luck; choosing on one half of the questions and scoring on
the other takes the luck out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.methods.dsp.intervals import bootstrap
from workbench.methods.intervals import Interval, Spread, wilson

SPLITS = 1_000
SEED = 0
SELECTOR_SPLITS = 200
RIDGE = 1.0
"""Of unit vectors: a single question hardly moves the prediction for another."""
MINIMUM_TO_LEARN = 4
SAME = 1e-9


@dataclass(frozen=True)
class TriggerGrid:
    """Which trigger answers which question, and what a fair choice among them is worth.

    Args:
        triggers: t sentences.
        questions: n texts.
        is_right: ``(n, t)``.
        accuracy: by trigger, ``(t,)``, Wilson's intervals.
        best: index of the best column (the first of equals).
        oracle: share of the questions that at least one trigger answers.
        fair: accuracy of the best column on the half of the questions that did not choose it,
            over many random halvings.
        selection_noise: accuracy of the best column on the half where it was chosen, less that on
            the other half.
        chosen_share: ``(t,)`` how often each trigger was chosen on a half.
        gain: best column less the first trigger, paired over questions.
    """

    triggers: tuple[str, ...]
    questions: tuple[str, ...]
    is_right: np.ndarray
    accuracy: Spread
    best: int
    oracle: Interval
    fair: float
    selection_noise: float
    chosen_share: np.ndarray
    gain: Spread
    selector: Selector | None = None


@dataclass(frozen=True)
class Selector:
    """A choice of the trigger by the question, learnt on one half and scored on the other.

    Args:
        accuracy: share of the held-out questions that its triggers answer.
        gain: less that of the one trigger that was best on the same half, paired by question.
        triggers_used: how many different triggers it takes on a held-out half, on average.
    """

    accuracy: Interval
    gain: Interval
    triggers_used: float


def train_selector(
    is_right: np.ndarray, vectors: np.ndarray, *, splits: int = SELECTOR_SPLITS, seed: int = SEED
) -> Selector:
    """Learn from what a question says which trigger will answer it.

    Ridge regression from the question's sentence vector to whether each trigger answers it; the
    trigger with the highest prediction is taken. Both halves take turns in teaching.

    Args:
        is_right: ``(n, t)`` whether trigger j answers question i.
        vectors: ``(n, d)`` of the questions.
        splits: how many random halvings are averaged.
        seed: of the halvings.

    Raises:
        InputError: shapes do not fit, or fewer than four questions.
    """
    found, n = np.asarray(is_right, dtype=float), len(is_right)
    if n < MINIMUM_TO_LEARN or len(vectors) != n:
        raise InputError(
            f"A selector learns from at least {MINIMUM_TO_LEARN} questions with a vector each; "
            f"there are {n} questions and {len(vectors)} vectors."
        )
    random = np.random.default_rng(seed)
    own, fixed, times = np.zeros((3, n))
    used: list[int] = []
    for _ in range(splits):
        order = random.permutation(n)
        for teach, ask in ((order[: n // 2], order[n // 2 :]), (order[n // 2 :], order[: n // 2])):
            chosen = _predict(found[teach], vectors[teach], vectors[ask])
            own[ask] += _worth(found[ask], chosen)
            fixed[ask] += _worth(found[ask], found[teach].mean(axis=0, keepdims=True))
            times[ask] += 1
            used.append(len(np.unique(chosen.argmax(axis=1))))
    both = bootstrap(np.stack([own / times, (own - fixed) / times]))
    return Selector(both.at(0), both.at(1), float(np.mean(used)))


def _worth(right: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    """``(m,)`` whether each question is answered by the trigger that is preferred for it.

    Of equals each counts alike, as if drawn by lot: the first would favour early columns.
    """
    best = preferred > preferred.max(axis=1, keepdims=True) - SAME
    return (right * best).sum(axis=1) / best.sum(axis=1)


def _predict(right: np.ndarray, known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """``(m, t)`` predicted correctness: the trigger's mean, moved by what the question says."""
    centre, level = known.mean(axis=0), right.mean(axis=0)
    kernel = (known - centre) @ (known - centre).T
    weights = np.linalg.solve(kernel + RIDGE * np.eye(len(known)), right - level)
    return level + (asked - centre) @ (known - centre).T @ weights


def select_triggers(
    is_right: np.ndarray,
    triggers: Sequence[str],
    questions: Sequence[str],
    *,
    splits: int = SPLITS,
    seed: int = SEED,
) -> TriggerGrid:
    """Accuracy of every trigger, the best, the oracle, and the best chosen fairly.

    Args:
        is_right: ``(n, t)`` whether trigger j answers question i.
        triggers: t sentences, the reference first.
        questions: n texts.
        splits: how many random halvings of the questions are averaged.
        seed: of the halvings.

    Raises:
        InputError: shapes do not fit, or fewer than two questions.
    """
    found = np.asarray(is_right, dtype=bool)
    if found.shape != (len(questions), len(triggers)) or found.shape[0] < 2 or not found.shape[1]:
        raise InputError(
            f"The grid has the shape {found.shape}; give one row for each of {len(questions)} "
            f"questions (at least 2) and one column for each of {len(triggers)} triggers."
        )
    n = len(questions)
    columns = [wilson(int(column.sum()), n) for column in found.T]
    accuracy = Spread(*(np.array([getattr(c, end) for c in columns]) for end in ENDS))
    chosen_on, scored_on, share = _split_halves(found, splits, seed)
    return TriggerGrid(
        triggers=tuple(triggers),
        questions=tuple(questions),
        is_right=found,
        accuracy=accuracy,
        best=int(found.mean(axis=0).argmax()),
        oracle=wilson(int(found.any(axis=1).sum()), n),
        fair=scored_on,
        selection_noise=chosen_on - scored_on,
        chosen_share=share,
        gain=bootstrap(found.T.astype(float) - found[:, 0].astype(float)),
    )


ENDS = ("mean", "low", "high")


def _split_halves(found: np.ndarray, splits: int, seed: int) -> tuple[float, float, np.ndarray]:
    """Mean accuracy of the chosen trigger where it was chosen and on the other half."""
    n, t = found.shape
    random = np.random.default_rng(seed)
    # (splits, n): a random half of the questions is 1; both halves take turns in choosing
    order = random.random((splits, n)).argsort(axis=1)
    half = (order < n // 2).astype(float)
    chosen_on = scored_on = 0.0
    share = np.zeros(t)
    for chooser in (half, 1.0 - half):
        size = chooser.sum(axis=1, keepdims=True)
        inside = chooser @ found / size
        outside = (1.0 - chooser) @ found / (n - size)
        # equals are drawn by lot: taking the first would favour early columns
        lot = random.random(inside.shape)
        tied = np.abs(inside - inside.max(axis=1, keepdims=True)) < SAME
        best = np.where(tied, lot, -1.0).argmax(axis=1)[:, None]
        chosen_on += float(np.take_along_axis(inside, best, axis=1).mean()) / 2
        scored_on += float(np.take_along_axis(outside, best, axis=1).mean()) / 2
        share += np.bincount(best[:, 0], minlength=t) / (2 * splits)
    return chosen_on, scored_on, share
