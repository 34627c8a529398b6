"""Which trigger sentence makes the model reason best, and how much of "best" is luck?

arXiv:2302.11520 trains a policy that writes the trigger of chain-of-thought prompting; before that
it compares fixed ones. Four of the sentences here are in the paper, the others are our own.
Departures: word problems written for this project, greedy decoding, and the answer is the last
number that the model writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.errors import BugError
from workbench.methods.dsp.asking import ask_rows
from workbench.methods.dsp.study_bench import WRITER
from workbench.methods.dsp.triggers import TriggerGrid, select_triggers
from workbench.params import Range, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary

TRIGGERS = (
    "Let's think step by step.",
    "We should think about this step by step.",
    "First,",
    "The answer is after the proof.",
    "The answer is",
    "Let's write down what we know.",
    "We calculate:",
    "Let's do this one sum at a time.",
    "Start with the numbers in the question.",
    "Here is a short and careful solution.",
    "Like a teacher at the blackboard, we explain each sum.",
    "Let's guess and then check.",
    "The weather is fine today.",
    "Don't think, just say a number.",
)
"""The first four are in the paper; the last three should not help."""
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_STOPS = ("\nQ:", "\n\n")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    questions: Annotated[
        int, Range(4, 100, 1, "Questions", help="Word problems of one to three steps.")
    ] = 24
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    tokens: Annotated[int, Range(16, 160, 8, "Longest answer, in tokens")] = 48
    seed: Annotated[int, Range(0, 10_000, 1, "Random seed of the halves")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Questions, their right answers, and what the model wrote by question and trigger."""

    questions: tuple[str, ...]
    answers: tuple[float, ...]
    outputs: tuple[tuple[str, ...], ...]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask every question with every trigger, the triggers together after one question."""
    rows = ask_rows(client, "problems")[: params.questions]
    outputs: list[tuple[str, ...]] = []
    for number, row in enumerate(rows, start=1):
        answer = client.call(
            Request(
                operation="language.generate_batch",
                model=params.model,
                arguments={
                    "prefix": f"Q: {row['question']}\nA:",
                    "prompts": [f" {trigger}" for trigger in TRIGGERS],
                    "max_new_tokens": params.tokens,
                    "stop": list(_STOPS),
                },
                dtype="float32",
                label=f"Question {number} of {len(rows)}",
            )
        )
        texts = answer.values.get("texts")
        if not isinstance(texts, list):
            raise BugError("The model server answered without texts.")
        outputs.append(tuple(str(text) for text in texts))
    return Inputs(
        tuple(row["question"] for row in rows),
        tuple(float(row["final_ans"]) for row in rows),
        tuple(outputs),
    )


def last_number(text: str) -> float | None:
    """The last number that a text holds, or none.

    Example:
        >>> last_number("That is 3 * 4 = 12, so 1,200 in all.")
        1200.0
    """
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def judge(outputs: Sequence[Sequence[str]], answers: Sequence[float]) -> np.ndarray:
    """``(n, t)`` whether the last number of each text is the right answer."""
    return np.array(
        [
            [last_number(text) == answer for text in texts]
            for texts, answer in zip(outputs, answers, strict=True)
        ]
    )


def compute(inputs: Inputs, params: Params) -> TriggerGrid:
    """The grid, the best trigger, the oracle, and the best chosen fairly."""
    is_right = judge(inputs.outputs, inputs.answers)
    return select_triggers(is_right, TRIGGERS, inputs.questions, seed=params.seed)


def summarise(found: TriggerGrid) -> Summary:
    """Accuracy of every trigger and of the three ways of choosing."""
    numbers: dict[str, float | int] = {
        "questions": len(found.questions),
        "best": found.best + 1,
        "accuracy_best": float(found.accuracy.mean[found.best]),
        "accuracy_best_low": float(found.accuracy.low[found.best]),
        "accuracy_best_high": float(found.accuracy.high[found.best]),
        "accuracy_fair": found.fair,
        "selection_noise": found.selection_noise,
        "accuracy_oracle": found.oracle.mean,
    }
    for i, share in enumerate(found.accuracy.mean, start=1):
        numbers[f"accuracy_{i}"] = float(share)
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in numbers.items()
    }


TRIGGER_CHOICE: Study[Params, Inputs, TriggerGrid] = Study(
    slug="dsp.triggers",
    title="Which trigger?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
