"""What the main study's figures say in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from workbench.figures.wording import NO_EFFECT, join, say_amount, say_count, say_gain, say_percent
from workbench.methods.intervals import Interval
from workbench.methods.teaching.allocation import TEACHERS, Result
from workbench.methods.teaching.interventions import find
from workbench.methods.teaching.spending import FUNCTIONS, Spending

HABIT = 0.1
"""A change of an answer's share that is worth a sentence."""


def effect(gain: Interval) -> str:
    """What to add to a difference whose interval covers zero."""
    return f": {NO_EFFECT}" if gain.covers_zero else ""


class Judged(Protocol):
    """What a budget's sentences are about: one student under one or more teachers."""

    @property
    def spendings(self) -> Mapping[str, Spending]:
        """By teacher, in the order of the page."""
        ...

    @property
    def chance(self) -> Interval:
        """Of pure guessing."""
        ...

    @property
    def constants(self) -> Mapping[str, float]:
        """Accuracy of always giving one answer, by answer."""
        ...


def say_chance(result: Judged, accuracy: Interval) -> str:
    """How an accuracy stands to guessing and to always giving one answer."""
    chance = result.chance.mean
    if chance <= 0.0:
        return ""
    constant = max(result.constants.values(), default=0.0)
    always = (
        f" (always giving one answer scores {say_percent(constant)})"
        if constant and abs(constant - chance) > 5e-4
        else ""
    )
    if accuracy.low <= chance <= accuracy.high:
        return f"The interval of this accuracy covers chance, {say_percent(chance)}{always}."
    side = "above" if accuracy.mean > chance else "below"
    return f"That is {side} chance, {say_percent(chance)}{always}."


def curve_words(result: Judged, t: int, f: int, b: int) -> str:
    """The chosen function at the chosen budget against random choice."""
    spending = list(result.spendings.values())[t]
    k, n = int(spending.counts[b]), len(spending.records.questions)
    accuracy = spending.accuracy.at(f, b)
    alone, taught = spending.alone, spending.taught
    if k in (0, n):
        state = "No explanation is shown" if k == 0 else "Every explanation is shown"
        return join(
            [
                f"{state}, so all functions agree: the student has {say_percent(accuracy.mean)} "
                f"right (95 % interval {say_percent(accuracy.low)} to "
                f"{say_percent(accuracy.high)}).",
                say_chance(result, accuracy),
                f"Alone it has {say_percent(alone.mean)}, with every explanation "
                f"{say_percent(taught.mean)}.",
            ]
        )
    gain = spending.gain.at(f, b)
    return join(
        [
            f"{k} of {n} questions are explained, {find(FUNCTIONS[f]).rule}: the student has "
            f"{say_percent(accuracy.mean)} right, {say_gain(gain)} against random choice"
            f"{effect(gain)}.",
            say_chance(result, accuracy),
            say_runs(spending, f, b),
            say_spent(spending, f, b),
            say_certain(spending.records.student) if spending.records.is_certain else "",
        ]
    )


def say_certain(model: str) -> str:
    """What it means that a model is a black box."""
    return (
        f"{model} tells no probabilities: what it writes counts as certain, so many questions "
        "rank alike and keep their order."
    )


def say_runs(spending: Spending, f: int, b: int) -> str:
    """How far the runs are apart, which the interval over questions does not say."""
    runs = spending.by_seed[f, :, b]
    if len(runs) < 2:
        return ""
    return (
        f"Its {len(runs)} runs, with other demonstrations each, lie between "
        f"{say_percent(float(runs.min()))} and {say_percent(float(runs.max()))}."
    )


def say_spent(spending: Spending, f: int, b: int) -> str:
    """What the explanations were spent on."""
    helped, sure, lost, harmed = (float(x) for x in spending.spent[f, b])
    return (
        f"Of these explanations {say_amount(helped)} turned a wrong answer right, "
        f"{say_amount(harmed)} a right one wrong, and {say_amount(sure + lost)} changed "
        "nothing."
    )


def teacher_words(result: Result, f: int, b: int) -> str:
    """A person's explanations against a model's."""
    difference = result.difference.at(f, b)
    human, model = (result.spendings[t].accuracy.at(f, b) for t in TEACHERS)
    k = int(result.spendings["human"].counts[b])
    teacher = result.spendings["model"].records.teacher
    if k == 0:
        return (
            "Without explanations the teachers cannot differ: the student alone has "
            f"{say_percent(human.mean)} right."
        )
    told = "no detectable difference" if difference.covers_zero else "a difference beyond chance"
    return join(
        [
            f"With {say_count(k, 'explanation')} from people the student has "
            f"{say_percent(human.mean)} right, with as many from {teacher} "
            f"{say_percent(model.mean)}: {say_gain(difference)}, {told}.",
            f"By itself the teaching model has "
            f"{say_percent(float(result.spendings['model'].records.teacher_correct.mean()))} "
            "right, so it can seldom know better than its student."
            if result.spendings["model"].records.student == teacher
            else "",
        ]
    )


def quadrant_words(result: Result, t: int, f: int, b: int) -> str:
    """How many of each kind there are, and how many of them are explained."""
    spending = result.spendings[TEACHERS[t]]
    helped, _, _, harmed = (float(x) for x in spending.spent[f, b])
    total = spending.kinds
    k = int(spending.counts[b])
    return join(
        [
            f"Over {say_count(len(spending.records.seeds), 'run')}, help could put "
            f"{say_count(total[0], 'answer')} right and would spoil {say_amount(total[3])}; on "
            f"the other {say_amount(total[1] + total[2])} it changes nothing.",
            f"With {say_count(k, 'explanation')} given, {find(FUNCTIONS[f]).rule}, "
            f"{say_amount(helped)} of the first and {say_amount(harmed)} of the second "
            f"were explained: {say_percent(spending.accuracy.at(f, b).mean)} are right in the end."
            if k
            else "Nothing is explained yet: raise the budget.",
            say_habit(result, t),
        ]
    )


def say_habit(result: Result, t: int) -> str:
    """Whether help changes what the student is in the habit of saying."""
    shares = result.shares[TEACHERS[t]]
    if not shares:
        return ""
    answer, (alone, taught) = max(shares.items(), key=lambda item: item[1][0] - item[1][1])
    if alone - taught < HABIT:
        return ""
    return (
        f"Alone the student says “{answer}” to {say_percent(alone, 0)}, with every explanation to "
        f"{say_percent(taught, 0)}: part of this is a change of habit, not of knowledge."
    )
