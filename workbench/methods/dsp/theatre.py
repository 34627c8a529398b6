"""Trainings of the hint policy side by side: as set, and with one part taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.dsp.intervals import paired_difference
from workbench.methods.dsp.records import Article, TrainingCurve
from workbench.methods.intervals import Interval
from workbench.params import Choice, Range

RUNS: Final[tuple[str, ...]] = ("nlpo", "ppo", "no_kl", "no_step")
RUN_NAMES: Final[tuple[str, ...]] = (
    "As set (NLPO)",
    "Without the mask (PPO)",
    "Without the KL (β = 0)",
    "No step reward",
)
MAXIMUM_ITERATIONS: Final = 20

ITERATION = Range(
    0,
    MAXIMUM_ITERATIONS,
    1,
    "Iteration",
    live=True,
    help="0 is the supervised policy, before any reward.",
)
OVERLAY = Choice(
    RUNS[1:],
    "Compare with",
    live=True,
    names=RUN_NAMES[1:],
    help="The same training with one part taken away.",
)
CHECKPOINT = Range(
    0,
    MAXIMUM_ITERATIONS,
    1,
    "Against checkpoint",
    live=True,
    help="Every iteration's policy is kept; 0 is the supervised one.",
)
SHOWN_ARTICLES: Final = 8
ARTICLE = Range(
    1, SHOWN_ARTICLES, 1, "Validation article", live=True, help="The policy did not train on it."
)


def points_at(points: int) -> list[int]:
    """Point of a training at each position of the iteration's slider; after its end, the last."""
    return [min(int(i), points - 1) for i in ITERATION.positions()]


@dataclass(frozen=True)
class Theatre:
    """Trainings by name, and the validation articles their hints are of.

    Args:
        runs: by name out of ``RUNS``; "nlpo" must be among them.
        articles: the validation articles, in the order of the curves' hints.
        target_kl: KL per action that β steers to, in nats.
        repeats: the training as set, from other seeds.
        by_article: ``(I, a)`` mean ROUGE of the summaries with each checkpoint's likeliest hints,
            of the training as set, on the validation articles.
        gains: reward of the trained policy's likeliest hint less that of a random hint, paired by
            article, on "train" and "validation" articles, and less that of a random hint of the
            same length, on "train_same_length" and "validation_same_length".
    """

    runs: Mapping[str, TrainingCurve]
    articles: tuple[Article, ...]
    target_kl: float
    gains: Mapping[str, Interval] = field(default_factory=dict)
    repeats: tuple[TrainingCurve, ...] = ()
    by_article: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def points(self) -> int:
        """Points of the longest run, the one before training included."""
        return max(len(curve.reward) for curve in self.runs.values())


def hint_rewards(
    terminal: np.ndarray,
    hits: np.ndarray,
    lengths: np.ndarray,
    *,
    terminal_coefficient: float,
    step_coefficient: float,
    penalty: float,
) -> np.ndarray:
    """``(a, h)`` reward of every hint of every article, without the KL.

    Args:
        terminal: ``(a, h)`` mean ROUGE of the summary with hint h, in [0, 1].
        hits: ``(a, h)`` phrases of the hint that the reference holds.
        lengths: ``(h,)`` phrases of the hint.
        terminal_coefficient: weight of the summary's ROUGE.
        step_coefficient: weight of the phrases.
        penalty: taken off for each phrase that the reference lacks.
    """
    steps = hits - penalty * (lengths - hits)
    return terminal_coefficient * terminal + step_coefficient * steps


def gain_over_random(rewards: np.ndarray, chosen: np.ndarray) -> Interval:
    """Reward of the chosen hints less the mean of all hints that say something.

    Args:
        rewards: ``(a, h)``; hint 0 is the empty one.
        chosen: ``(a,)`` number of the chosen hint of each article, or ``(k, a)`` of k policies,
            whose mean counts.
    """
    own = _rewards_of(rewards, chosen).mean(axis=0)
    return paired_difference(own, rewards[:, 1:].mean(axis=1))


def _rewards_of(rewards: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """``(k, a)`` rewards of the chosen hints."""
    return rewards[np.arange(len(rewards)), np.atleast_2d(chosen)]


def gain_over_equally_long(
    rewards: np.ndarray, chosen: np.ndarray, lengths: np.ndarray
) -> Interval:
    """Reward of the chosen hints less the mean of all hints of as many phrases.

    Args:
        rewards: ``(a, h)``.
        chosen: ``(a,)`` number of the chosen hint of each article, or ``(k, a)``.
        lengths: ``(h,)`` phrases of each hint.
    """
    own = _rewards_of(rewards, chosen).mean(axis=0)
    rivals = np.array(
        [
            [row[lengths == lengths[c]].mean() for row, c in zip(rewards, one, strict=True)]
            for one in np.atleast_2d(chosen)
        ]
    )
    return paired_difference(own, rivals.mean(axis=0))


def set_stage(
    runs: Mapping[str, TrainingCurve],
    articles: Sequence[Article],
    target_kl: float,
    gains: Mapping[str, Interval] | None = None,
    repeats: Sequence[TrainingCurve] = (),
) -> Theatre:
    """Put trainings beside each other.

    Args:
        runs: by name out of ``RUNS``.
        articles: at least the validation articles of the runs, in any order.
        target_kl: KL per action that β steers to, in nats.
        gains: of the training as set over random hints, see ``Theatre``.
        repeats: the training as set, from other seeds.

    Raises:
        InputError: no training as set, or runs on other validation articles.
    """
    if RUNS[0] not in runs:
        raise InputError("The training as set is missing; run it before comparing others with it.")
    ids = runs[RUNS[0]].validation_articles
    if any(curve.validation_articles != ids for curve in runs.values()):
        raise InputError("The trainings were validated on other articles; run them on the same.")
    by_id = {article.id: article for article in articles}
    return Theatre(runs, tuple(by_id[each] for each in ids), target_kl, gains or {}, (*repeats,))


def summarise_theatre(stage: Theatre) -> dict[str, float | int]:
    """Start and end of every run: reward, KL, hint precision, validation ROUGE."""
    numbers: dict[str, float | int] = {"validation_articles": len(stage.articles)}
    for name, curve in stage.runs.items():
        numbers[f"iterations_{name}"] = len(curve.reward) - 1
        for quantity in ("reward", "kl", "beta", "hint_precision", "validation_rouge"):
            values: np.ndarray = getattr(curve, quantity)
            for point, end in ((0, "first"), (-1, "last")):
                numbers[f"{quantity}_{name}_{end}"] = float(f"{values[point]:.6g}")
    numbers["seeds"] = 1 + len(stage.repeats)
    for number, curve in enumerate(stage.repeats, start=2):
        for quantity in ("reward", "validation_rouge"):
            values = getattr(curve, quantity)
            numbers[f"{quantity}_{RUNS[0]}_seed_{number}_last"] = float(f"{values[-1]:.6g}")
    for split, gain in stage.gains.items():
        gain.put(numbers, f"reward_over_random_{split}", 6)
    return numbers
