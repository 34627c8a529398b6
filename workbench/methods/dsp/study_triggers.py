"""Which trigger sentence makes the model reason best, and how much of "best" is luck?

arXiv:2302.11520 trains a policy that writes the trigger of chain-of-thought prompting; before that
it compares fixed ones. Four of the sentences here are in the paper, the others are our own.
Departures: word problems written for this project, greedy decoding, and the answer is the last
number that the model writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from workbench.errors import BugError
from workbench.methods.dsp.asking import ask_published, ask_rows
from workbench.methods.dsp.policies import ENCODER
from workbench.methods.dsp.study_bench import WRITER
from workbench.methods.dsp.triggers import TriggerGrid, select_triggers, train_selector
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary, rounded

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
_LETTER = re.compile(r"(?<![\w'])([A-E])(?![\w'])")
_STOPS = ("\nQ:", "\n\n")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    questions: Annotated[
        int, Range(4, 100, 1, "Questions", help="Word problems of one to three steps.")
    ] = 24
    questions_from: Annotated[
        str,
        Choice(
            ("ours", "multiarith", "aqua_rat"),
            "Questions of",
            names=("The workbench", "MultiArith (from the hub)", "AQuA (from the hub)"),
            help="The paper's own two sets are fetched where the models run.",
        ),
    ] = "ours"
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    tokens: Annotated[int, Range(16, 160, 8, "Longest answer, in tokens")] = 48
    seed: Annotated[int, Range(0, 10_000, 1, "Random seed of the halves")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Questions, their right answers, and what the model wrote by question and trigger.

    An answer is a number, or the letter of an option.
    """

    questions: tuple[str, ...]
    answers: tuple[float | str, ...]
    outputs: tuple[tuple[str, ...], ...]
    vectors: np.ndarray | None = None


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask every question with every trigger, the triggers together after one question."""
    rows = (
        ask_rows(client, "problems")[: params.questions]
        if params.questions_from == "ours"
        else ask_published(client, params.questions_from, params.questions)
    )
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
        tuple(_read_answer(row["final_ans"]) for row in rows),
        tuple(outputs),
        _embed(client, [str(row["question"]) for row in rows]),
    )


def _embed(client: ModelClient, questions: Sequence[str]) -> np.ndarray:
    answer = client.call(
        Request(
            operation="language.embed_text",
            model=ENCODER,
            arguments={"texts": list(questions), "truncate": True},
            dtype="float32",
            label="Reading the questions",
        )
    )
    return answer.arrays["embeddings"]


def last_number(text: str) -> float | None:
    """The last number that a text holds, or none.

    Example:
        >>> last_number("That is 3 * 4 = 12, so 1,200 in all.")
        1200.0
    """
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def last_letter(text: str) -> str | None:
    """The last letter of an option that a text names, or none.

    Example:
        >>> last_letter("Not (A): the answer is C.")
        'C'
    """
    found = _LETTER.findall(text)
    return found[-1] if found else None


def _read_answer(value: float | int | str) -> float | str:
    return value if isinstance(value, str) and value.isalpha() else float(value)


def judge(outputs: Sequence[Sequence[str]], answers: Sequence[float | str]) -> np.ndarray:
    """``(n, t)`` whether each text ends with the right answer: its last number, or letter."""
    return np.array(
        [
            [
                (last_letter(text) if isinstance(answer, str) else last_number(text)) == answer
                for text in texts
            ]
            for texts, answer in zip(outputs, answers, strict=True)
        ]
    )


def compute(inputs: Inputs, params: Params) -> TriggerGrid:
    """The grid, the best trigger, the oracle, and the best chosen fairly."""
    is_right = judge(inputs.outputs, inputs.answers)
    grid = select_triggers(is_right, TRIGGERS, inputs.questions, seed=params.seed)
    if inputs.vectors is None:
        return grid
    return replace(grid, selector=train_selector(is_right, inputs.vectors, seed=params.seed))


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
    if found.selector is not None:
        found.selector.accuracy.put(numbers, "accuracy_selector")
        found.selector.gain.put(numbers, "selector_over_fixed")
    for i, share in enumerate(found.accuracy.mean, start=1):
        numbers[f"accuracy_{i}"] = float(share)
    return rounded(numbers)


TRIGGER_CHOICE: Study[Params, Inputs, TriggerGrid] = Study(
    slug="dsp.triggers",
    title="Which trigger?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
