"""``language.generate_batch``: continue several prompts that stand after one prefix.

Each answer is the one that ``language.generate`` gives to prefix and prompt with the same seed.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from workbench.errors import CancelledError, InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import generate, prompts, remote_generation
from workbench.server.operations.arguments import parse
from workbench.server.operations.prompts import MAX_CHARACTERS, NonEmpty
from workbench.server.operations.several import MAX_TEXTS, PartControl

_REMOTE_AT_ONCE = 8
"""Prompts an endpoint is asked at the same time."""


class Arguments(generate.Settings):
    """Prompts and how to continue them.

    ``prefix`` stands before each prompt; it changes no answer, and its keys and values are read
    once. With ``turns`` each prompt is the next turn of that conversation instead, written with the
    model's chat template, and ``begins`` may begin each answer.
    """

    prompts: Annotated[list[NonEmpty], Field(min_length=1, max_length=MAX_TEXTS)]
    prefix: Annotated[str, Field(max_length=MAX_CHARACTERS)] = ""
    turns: prompts.Turns | None = None
    begins: Annotated[list[prompts.Begin], Field(max_length=MAX_TEXTS)] | None = None

    @model_validator(mode="after")
    def _check_form(self) -> Arguments:
        prompts.check_turns(self.turns, self.prefix, self.begins or ())
        if self.begins is not None and len(self.begins) != len(self.prompts):
            raise ValueError("begins must hold one text for each prompt")
        return self

    def asked(self) -> list[tuple[str, str]]:
        """Each prompt with what its answer begins with."""
        return list(zip(self.prompts, self.begins or [""] * len(self.prompts), strict=True))


def prepare(request: Request) -> Prepared:
    """Check a request."""
    return Prepared(parse(Arguments, request), seed=generate.check_seed(request.seed))


def answer(loaded: Any, item: Prepared, number: int, control: Control) -> Output | WorkbenchError:
    """Answer one request's prompts together.

    Returns:
        Values with one entry for each prompt, as ``language.generate`` writes them: ``texts``,
        ``finishes``, ``prompt_tokens``, ``new_tokens``. Arrays over the new tokens of all, one
        answer after the other: ``token_ids`` and ``token_log_probabilities``; and
        ``token_counts`` of each.
    """
    if loaded.kind == "openai":
        return _answer_remotely(loaded, number, item, control)
    arguments: Arguments = item.arguments
    shared, texts = _write_texts(loaded, arguments)
    is_plain = arguments.turns is None  # a template writes the special tokens itself
    wholes = prompts.encode(loaded, texts, add_special_tokens=is_plain)
    answers: list[generate.Answer] = []
    for part, ids in enumerate(wholes):
        try:
            prompts.refuse_length(loaded, len(ids))
            answers.append(generate.begin(loaded, part, ids, arguments, item.seed))
        except InputError as error:
            raise _name_part(error, part, len(wholes)) from error
    parts = PartControl(control, number, len(answers))
    prefix = prompts.encode(loaded, [shared], add_special_tokens=is_plain)[0] if shared else []
    ended = generate.decode(loaded, answers, parts, prefix)
    if len(ended) < len(answers):
        return CancelledError("The request was left before it was answered.")
    ended.sort(key=lambda one: one.number)
    return Output(
        arrays={
            "token_ids": np.array([t for one in ended for t in one.tokens], dtype=np.int64),
            "token_log_probabilities": np.array(
                [p for one in ended for p in one.log_probabilities], dtype=np.float32
            ),
            "token_counts": np.array([len(one.tokens) for one in ended], dtype=np.int64),
        },
        values={
            "texts": [one.text for one in ended],
            "finishes": [one.finish for one in ended],
            "prompt_tokens": [len(one.prompt) for one in ended],
            "new_tokens": [len(one.tokens) for one in ended],
        },
    )


def _write_texts(loaded: Any, arguments: Arguments) -> tuple[str, list[str]]:
    """What all prompts begin with, and each whole prompt."""
    turns = arguments.turns
    if turns is None:
        return arguments.prefix, [arguments.prefix + one for one in arguments.prompts]
    prompts.refuse_without_template(loaded)
    texts = [
        prompts.write_turns(loaded, prompts.add_turn(turns, prompt, begin), continues=bool(begin))
        for prompt, begin in arguments.asked()
    ]
    return prompts.write_turns(loaded, turns, answers=False) if turns else "", texts


def _ask_remotely(arguments: Arguments) -> list[generate.Arguments]:
    settings = arguments.model_dump(exclude={"prompts", "turns", "begins", "prefix"})
    if arguments.turns is None:
        return [
            generate.Arguments(**settings, prefix=arguments.prefix, prompt=one)
            for one in arguments.prompts
        ]
    # few endpoints go on with a begun answer: its beginning ends the question's own turn
    return [
        generate.Arguments(
            **settings,
            messages=prompts.add_turn(
                arguments.turns, f"{prompt}\nA: {begin}" if begin else prompt, ""
            ),
        )
        for prompt, begin in arguments.asked()
    ]


def _answer_remotely(
    loaded: Any, number: int, item: Prepared, control: Control
) -> Output | WorkbenchError:
    arguments: Arguments = item.arguments
    whole = _ask_remotely(arguments)
    count = len(whole)
    found: list[Output] = []
    while len(found) < count:
        some = whole[len(found) : len(found) + _REMOTE_AT_ONCE]
        asked = [Prepared(one, seed=item.seed) for one in some]
        parts = PartControl(control, number, len(some), done=len(found), of=count)
        for outcome in remote_generation.run(loaded, asked, parts):
            if isinstance(outcome, WorkbenchError):
                return outcome
            found.append(outcome)
        control.progress(number, len(found) / count, f"{len(found)} of {count} texts")
    return Output(
        values={
            "texts": [one.values["text"] for one in found],
            "finishes": [one.values["finish"] for one in found],
            "prompt_tokens": [one.values["prompt_tokens"] for one in found],
            "new_tokens": [one.values["new_tokens"] for one in found],
        }
    )


def _name_part(error: InputError, part: int, parts: int) -> InputError:
    return InputError(f"Text {part + 1} of {parts}: {error}") if parts > 1 else error


OPERATION = Operation(
    name="language.generate_batch",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm", "openai"}),
    prepare=prepare,
    run=one_by_one(answer),
    is_cacheable=generate.is_repeatable,
    summary="Continue up to 64 prompts after one shared prefix, decoded together.",
)
