"""Questions to the model server, in chunks that share their examples.

A chunk is one request: cached, shipped and cancelled as one, so a measurement that was stopped goes
on where it stopped.

A model behind an endpoint is a black box that tells no probabilities: its answer is read from what
it writes after the same prompt, and counts as certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.data.teaching.question import Question
from workbench.errors import BugError, InputError
from workbench.methods.teaching.parsing import UNPARSED, first_line, parse, read_answer
from workbench.methods.teaching.prompts import candidates, is_open
from workbench.methods.teaching.turns import as_turns
from workbench.server.api import Json, ModelClient, Request, Result

CHUNK = 64
"""Questions in one request."""
_SAID_TOKENS = 16
"""Enough for an answer after a cue, and for saying the cue again."""
_COUNTED = 1024
"""Texts whose tokens are counted in one request."""
ANSWER_TOKENS = 64
"""Longest chain of thought; the paper's code allows 100."""


@dataclass(frozen=True)
class Asker:
    """A language model, and how it is asked.

    Args:
        client: the model server.
        model: name of the model.
        max_new_tokens: longest text it may write.
        is_chat: whether prompts are turns of a conversation, written with its chat template.
    """

    client: ModelClient
    model: str
    max_new_tokens: int = ANSWER_TOKENS
    is_chat: bool = False

    @cached_property
    def is_black_box(self) -> bool:
        """Whether the model tells no probabilities."""
        return any(
            entry.name == self.model and entry.kind == "openai" for entry in self.client.models()
        )

    def refuse_black_box(self) -> None:
        """Refuse a model that tells no probabilities, for studies of nothing else.

        Raises:
            InputError: it is one.
        """
        if self.is_black_box:
            raise InputError(
                f"{self.model} tells no probabilities, and this study is about them. Choose a "
                f"model that the server runs itself; the other studies accept {self.model}."
            )

    def generate(self, prefix: str, prompts: Sequence[str], label: str) -> list[str]:
        """Greedy texts after each prompt, up to the first new line.

        Args:
            prefix: examples that stand before each prompt.
            prompts: any number of them.
            label: what the page calls it while it runs.

        Raises:
            WorkbenchError: what the server refused.
        """
        texts: list[str] = []
        for first in range(0, len(prompts), CHUNK):
            answer = self._call(
                "language.generate_batch",
                {
                    **self._prompted(prefix, prompts[first : first + CHUNK]),
                    "max_new_tokens": self.max_new_tokens,
                    "stop": ["\n"],
                },
                _label(label, first, len(prompts)),
            )
            found = answer.values.get("texts")
            if not isinstance(found, list):
                raise BugError("The model server answered without texts.")
            texts += [str(one) for one in found]
        return texts

    def score(
        self, prefix: str, prompts: Sequence[str], questions: Sequence[Question], label: str
    ) -> np.ndarray:
        """Probabilities of each question's options as the continuation of its prompt.

        An option's probability is that of all its tokens in context; on an open question it is the
        mean of the probabilities of the right number's digits at successive steps, as in the
        released code.

        Returns:
            ``(n, c)`` float64; 0 where a question has fewer options.

        Raises:
            WorkbenchError: what the server refused.
        """
        width = max((len(question.options) for question in questions), default=1)
        found = np.zeros((len(questions), width))
        if self.is_black_box:
            texts = replace(self, max_new_tokens=_SAID_TOKENS).generate(prefix, prompts, label)
            for row, text, question in zip(found, texts, questions, strict=True):
                answer = _read_continuation(text, question)
                row[answer if 0 <= answer < width else []] = 1.0
            return found
        for first in range(0, len(prompts), CHUNK):
            part = range(first, min(first + CHUNK, len(prompts)))
            answer = self._call(
                "language.score_batch",
                self._questions(prefix, [(prompts[n], candidates(questions[n])) for n in part]),
                _label(label, first, len(prompts)),
            )
            _put_probabilities(found, part, answer, questions)
        return found

    def count_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """``(n,)`` int64: tokens of each text; words, for a black box.

        Raises:
            WorkbenchError: what the server refused.
        """
        if self.is_black_box:
            return np.array([len(text.split()) for text in texts], dtype=np.int64)
        counts: list[np.ndarray] = []
        for first in range(0, len(texts), _COUNTED):
            part = texts[first : first + _COUNTED]
            answer = self._call("language.count_tokens", {"texts": [*part]}, "Counting tokens")
            counts.append(answer.arrays["counts"])
        return np.concatenate(counts)

    def _prompted(self, prefix: str, prompts: Sequence[str]) -> dict[str, Json]:
        if not self.is_chat:
            return {"prefix": prefix, "prompts": list(prompts)}
        turns, asked = as_turns(prefix, prompts)
        questions, begins = (list(part) for part in zip(*asked, strict=True))
        return {"turns": turns, "prompts": questions, "begins": begins}

    def _questions(self, prefix: str, asked: Sequence[tuple[str, list[str]]]) -> dict[str, Json]:
        if not self.is_chat:
            plain: list[Json] = [{"prompt": one, "candidates": [*found]} for one, found in asked]
            return {"prefix": prefix, "questions": plain}
        turns, split = as_turns(prefix, [one for one, _ in asked])
        questions: list[Json] = []
        for (question, begin), (_, found) in zip(split, asked, strict=True):
            # the first word of an answer has no space before it
            options: list[Json] = [one if begin else one.lstrip() for one in found]
            questions.append({"prompt": question, "begin": begin, "candidates": options})
        return {"turns": turns, "questions": questions}

    def _call(self, operation: str, arguments: dict[str, Json], label: str) -> Result:
        return self.client.call(
            Request(operation, self.model, arguments, dtype="float32", label=label)
        )


def _read_continuation(text: str, question: Question) -> int:
    """The answer after a cue: the first word, or where the model begins its sentence anew."""
    first = first_line(text).split()[:1]
    answer = read_answer(" ".join(first), question)
    return answer if answer != UNPARSED else parse(text, question).answer


def _label(label: str, first: int, total: int) -> str:
    return label if total <= CHUNK else f"{label}, {first + 1}–{min(first + CHUNK, total)}"


def _put_probabilities(
    found: np.ndarray, part: range, answer: Result, questions: Sequence[Question]
) -> None:
    sums = answer.arrays["log_probabilities"]
    counts = answer.arrays["token_counts"].astype(np.int64)
    tokens = answer.arrays["token_log_probabilities"]
    start = token = 0
    for number in part:
        question = questions[number]
        count = len(question.options)
        if is_open(question):
            # the digits are the last tokens; a leading space may be one of its own
            own = tokens[token : token + counts[start]][-len(question.answer) :]
            found[number, 0] = np.exp(own).mean()
        else:
            found[number, :count] = np.exp(sums[start : start + count])
        token += int(counts[start : start + count].sum())
        start += count
