"""Every way of joining a zero-shot and a fine-tuned model, counted on the same pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.calibration import Reliability, reliability
from workbench.methods.gla.emoji import FineTuned
from workbench.methods.gla.mixture import Answers, Judge, Mixture
from workbench.methods.gla.temperature import fit_temperature_and_log_prior, matching_temperature
from workbench.methods.intervals import Interval, interval

METHODS = (
    "zero_shot",
    "zero_shot_debiased",
    "fine_tuned",
    "ensemble",
    "wise_ft",
    "gla",
    "oracle",
)
TEMPERATURES = ("none", "joint", "matching")


@dataclass(frozen=True)
class Scaled:
    """Both models' logits after their temperatures."""

    zero_shot: np.ndarray
    fine_tuned: tuple[np.ndarray, ...]
    log_prior_downstream: tuple[np.ndarray, ...]
    temperatures: tuple[float, ...]


@dataclass(frozen=True)
class Benefit:
    """One kind of fine-tuning.

    Args:
        answers: by name of ``METHODS``, with full correction and equal weights.
        mixture: every strength and weight.
        reliability: by name, of fine-tuned, ensemble and GLA with the first seed.
        gain_fine_tuned, gain_ensemble, gain_zero_shot: accuracy of GLA less that of the fine-tuned
            model, the plain ensemble and debiased zero-shot, paired.
        temperature: mean T of the fine-tuned models.
        train_accuracy: mean over the seeds.
    """

    answers: Mapping[str, Answers]
    mixture: Mixture
    reliability: Mapping[str, Reliability]
    gain_fine_tuned: Interval
    gain_ensemble: Interval
    gain_zero_shot: Interval
    temperature: float
    train_accuracy: float

    def accuracy(self, method: str) -> Interval:
        """Accuracy of a method with its 95 % interval over seeds and test pictures."""
        answers = self.answers[method]
        return interval(float(answers.by_class.mean()), answers.replicates)


def find_temperature(how: str, logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature of one model, found on the labelled pictures in one of ``TEMPERATURES``."""
    if how == "joint":
        return fit_temperature_and_log_prior(logits, labels)[0]
    return matching_temperature(logits, labels) if how == "matching" else 1.0


def compare(
    judge: Judge,
    scaled: Scaled,
    runs: tuple[FineTuned, ...],
    mixture: Mixture,
    log_prior: np.ndarray,
    log_truth: np.ndarray,
) -> Benefit:
    """Count every method and its gains, with full correction and equal weights.

    Args:
        judge: of the test pictures.
        scaled: both models' logits.
        runs: the fine-tunings, in the same order.
        mixture: every strength and weight, counted before.
        log_prior: ``(k,)`` the estimate.
        log_truth: ``(k,)`` the true log prior of pre-training.
    """
    z = scaled.zero_shot
    joined = [z + e for e in scaled.fine_tuned]
    gla = [s - log_prior - p for s, p in zip(joined, scaled.log_prior_downstream, strict=True)]
    scores = {
        "zero_shot": [z],
        "zero_shot_debiased": [z - log_prior],
        "fine_tuned": list(scaled.fine_tuned),
        "ensemble": joined,
        "wise_ft": [run.wise_logits for run in runs],
        "gla": gla,
        "oracle": [
            s - log_truth - p for s, p in zip(joined, scaled.log_prior_downstream, strict=True)
        ],
    }
    answers: dict[str, Answers] = {}
    for method, of_seeds in scores.items():
        guesses = np.stack([one.argmax(axis=1) for one in of_seeds])
        # one zero-shot model serves every seed; repeated, it is resampled as the others are
        answers[method] = judge.judge(np.broadcast_to(guesses, (len(runs), guesses.shape[1])))
    return Benefit(
        answers=answers,
        mixture=mixture,
        reliability={
            method: reliability(scores[method][0], judge.labels)
            for method in ("fine_tuned", "ensemble", "gla")
        },
        gain_fine_tuned=_gain(answers, "fine_tuned"),
        gain_ensemble=_gain(answers, "ensemble"),
        gain_zero_shot=_gain(answers, "zero_shot_debiased"),
        temperature=float(np.mean(scaled.temperatures)),
        train_accuracy=float(np.mean([run.train_accuracy for run in runs])),
    )


def _gain(answers: Mapping[str, Answers], other: str) -> Interval:
    mine, others = answers["gla"], answers[other]
    return interval(
        float(mine.by_class.mean() - others.by_class.mean()), mine.replicates - others.replicates
    )
