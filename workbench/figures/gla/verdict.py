"""What the main study says in words: whether GLA wins, by how much, and if not, why."""

from __future__ import annotations

import numpy as np

from workbench.figures.wording import join, say_gain, say_percent, say_points
from workbench.methods.gla.agreement import agreement
from workbench.methods.gla.benefit import TUNINGS, Result

LITTLE_PRIOR = 0.1
"""An estimated prior nearer to uniform than so many nats leaves little to take out."""
FAR_AHEAD = 0.15
"""A model that is right so much more often has little to learn from the other."""
OWN_WORDS = {"full": "whole model fine-tuned", "linear": "linear probe"}


def verdict(result: Result, tuning: str) -> str:
    """Two or three sentences: the gains of GLA with their intervals, and the reason if none."""
    benefit = result.benefits[tuning]
    gla = say_percent(benefit.accuracy("gla").mean)
    sentences = [f"With the {OWN_WORDS[tuning]} GLA guesses {gla} right."]
    for gain, other, reason in (
        (benefit.gain_fine_tuned, "fine-tuned model", _why_not_fine_tuned(result, tuning)),
        (benefit.gain_ensemble, "plain ensemble", _why_not_ensemble(result)),
        (benefit.gain_zero_shot, "debiased zero-shot model", _why_not_zero_shot(tuning)),
    ):
        if gain.low > 0.0:
            sentences.append(f"Against the {other} that is {say_gain(gain)}.")
        elif gain.high < 0.0:
            sentences.append(f"It is worse than the {other}, {say_gain(gain)}: {reason}.")
        else:
            sentences.append(f"It does not clearly beat the {other}, {say_gain(gain)}: {reason}.")
    return join(sentences)


def _why_not_fine_tuned(result: Result, tuning: str) -> str:
    benefit = result.benefits[tuning]
    ahead = benefit.accuracy("fine_tuned").mean - benefit.accuracy("zero_shot_debiased").mean
    if ahead > FAR_AHEAD:
        return (
            f"fine-tuning is {say_points(ahead)} points ahead of debiased zero-shot, which then "
            "adds more noise than evidence"
        )
    return _why_not_zero_shot(tuning)


def _why_not_zero_shot(tuning: str) -> str:
    if tuning == "linear":
        return "a linear probe reads the very features that zero-shot reads, so their errors agree"
    return "the two models make much the same errors, so joining them adds little"


def _why_not_ensemble(result: Result) -> str:
    uniform = np.zeros(len(result.log_truth))
    skew = agreement(result.prior.log_prior, uniform).kl
    if skew < LITTLE_PRIOR:
        return f"there is little prior to take out, {skew:.2f} nats from uniform"
    return "the prior is there, but the fine-tuned model has already made up for it"


def mixture_words(result: Result, tuning: int, i: int, j: int) -> str:
    """What one strength and weight gives, beside GLA and its rivals."""
    kind = TUNINGS[tuning]
    strength, weight = float(result.strengths[i]), float(result.weights[j])
    if strength == 1.0 and weight == 0.5:
        return verdict(result, kind)
    benefit = result.benefits[kind]
    by_class = benefit.mixture.by_class[i, j]
    here = float(by_class.mean())
    head, tail = (float(by_class[result.groups == g].mean()) for g in (0, 2))
    return (
        f"At strength {strength:g} and weight {weight:g}, {say_percent(here)} are guessed right "
        f"(head classes {say_percent(head)}, tail classes {say_percent(tail)}). GLA, at strength 1 "
        f"and weight ½, has {say_percent(benefit.accuracy('gla').mean)}, the fine-tuned model "
        f"{say_percent(benefit.accuracy('fine_tuned').mean)}."
    )
