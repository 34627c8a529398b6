"""Trainings of the hint policy side by side: as set, and with one part taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.dsp.records import Article, TrainingCurve
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
    """

    runs: Mapping[str, TrainingCurve]
    articles: tuple[Article, ...]
    target_kl: float

    @property
    def points(self) -> int:
        """Points of the longest run, the one before training included."""
        return max(len(curve.reward) for curve in self.runs.values())


def set_stage(
    runs: Mapping[str, TrainingCurve], articles: Sequence[Article], target_kl: float
) -> Theatre:
    """Put trainings beside each other.

    Args:
        runs: by name out of ``RUNS``.
        articles: at least the validation articles of the runs, in any order.
        target_kl: KL per action that β steers to, in nats.

    Raises:
        InputError: no training as set, or runs on other validation articles.
    """
    if RUNS[0] not in runs:
        raise InputError("The training as set is missing; run it before comparing others with it.")
    ids = runs[RUNS[0]].validation_articles
    if any(curve.validation_articles != ids for curve in runs.values()):
        raise InputError("The trainings were validated on other articles; run them on the same.")
    by_id = {article.id: article for article in articles}
    return Theatre(runs, tuple(by_id[each] for each in ids), target_kl)


def summarise_theatre(stage: Theatre) -> dict[str, float | int]:
    """Start and end of every run: reward, KL, hint precision, validation ROUGE."""
    numbers: dict[str, float | int] = {"validation_articles": len(stage.articles)}
    for name, curve in stage.runs.items():
        numbers[f"iterations_{name}"] = len(curve.reward) - 1
        for quantity in ("reward", "kl", "beta", "hint_precision", "validation_rouge"):
            values: np.ndarray = getattr(curve, quantity)
            for point, end in ((0, "first"), (-1, "last")):
                numbers[f"{quantity}_{name}_{end}"] = float(f"{values[point]:.6g}")
    return numbers
