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
from workbench.errors import BugError
from workbench.methods.teaching.parsing import first_line, read_answer
from workbench.methods.teaching.prompts import candidates, is_open
from workbench.server.api import Json, ModelClient, Request, Result

CHUNK = 64
"""Questions in one request."""
_SAID_TOKENS = 8
"""Enough for an answer after a cue."""
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
    """

    client: ModelClient
    model: str
    max_new_tokens: int = ANSWER_TOKENS

    @cached_property
    def is_black_box(self) -> bool:
        """Whether the model tells no probabilities."""
        return any(
            entry.name == self.model and entry.kind == "openai" for entry in self.client.models()
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
                    "prefix": prefix,
                    "prompts": list(prompts[first : first + CHUNK]),
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
                answer = read_answer(_first_words(text, question), question)
                row[answer if 0 <= answer < width else []] = 1.0
            return found
        for first in range(0, len(prompts), CHUNK):
            part = range(first, min(first + CHUNK, len(prompts)))
            asked: list[Json] = [
                {"prompt": prompts[n], "candidates": [*candidates(questions[n])]} for n in part
            ]
            answer = self._call(
                "language.score_batch",
                {"prefix": prefix, "questions": asked},
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

    def _call(self, operation: str, arguments: dict[str, Json], label: str) -> Result:
        return self.client.call(
            Request(operation, self.model, arguments, dtype="float32", label=label)
        )


def _first_words(text: str, question: Question) -> str:
    """The answer itself; after a cue it is the first word that is written."""
    words = first_line(text).split()
    return " ".join(words) if is_open(question) else " ".join(words[:1])


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
