"""A model server that answers from rules and remembers what it was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.server.api import ModelEntry, Receipt, Request, Result

RECEIPT = Receipt("made", 1, None, None, None, "cpu", None, "", "", "", 0.0, {})


def chance(text: str) -> float:
    """A number in (0, 1) that a text always gives."""
    return (int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) + 0.5) / 2**32


def write(prompt: str) -> str:
    """A chain of thought whose answer the prompt decides."""
    mark = hashlib.sha256(prompt.encode()).hexdigest()[:6]
    return f" Because of {mark}. So the answer is {'yes' if chance(prompt) < 0.5 else 'no'}."


def whole(given: Any, prompt: str, begin: str) -> str:
    """All that stands before an answer; turns with the name of who speaks."""
    if "turns" not in given:
        return given["prefix"] + prompt
    spoken = [f"{turn['role']}: {turn['content']}\n" for turn in given["turns"]]
    return "".join([*spoken, f"user: {prompt}\nassistant: {begin}"])


@dataclass
class RuledClient:
    """Answers the teaching operations.

    Args:
        writes: text after a whole prompt.
        likes: probability of a candidate after a whole prompt.
        requests: what it was asked.
        catalogue: its models.
    """

    writes: Callable[[str], str] = write
    likes: Callable[[str, str], float] = lambda prompt, candidate: chance(prompt + candidate) / 2
    requests: list[Request] = field(default_factory=list)
    catalogue: tuple[ModelEntry, ...] = ()

    def call(self, request: Request) -> Result:
        self.requests.append(request)
        given: Any = request.arguments
        match request.operation:
            case "language.generate_batch":
                begins = given.get("begins") or [""] * len(given["prompts"])
                texts = [
                    self.writes(whole(given, prompt, begin))
                    for prompt, begin in zip(given["prompts"], begins, strict=True)
                ]
                return Result({}, {"texts": texts}, RECEIPT)
            case "language.score_batch":
                found = [
                    self.likes(whole(given, one["prompt"], one.get("begin", "")), candidate)
                    for one in given["questions"]
                    for candidate in one["candidates"]
                ]
                logs = np.log(found)
                counts = np.ones(len(found), dtype=np.int64)
                arrays = {
                    "log_probabilities": logs,
                    "token_log_probabilities": logs,
                    "token_counts": counts,
                }
                return Result(arrays, {}, RECEIPT)
            case "language.count_tokens":
                counts = np.array([len(text.split()) for text in given["texts"]])
                return Result({"counts": counts}, {}, RECEIPT)
            case other:
                raise AssertionError(f"nobody told it of {other}")

    def models(self) -> tuple[ModelEntry, ...]:
        return self.catalogue

    def wholes(self, operation: str) -> list[str]:
        """Every whole prompt of an operation, in order."""
        found: list[str] = []
        for request in self.requests:
            given: Any = request.arguments
            if request.operation == operation == "language.generate_batch":
                begins = given.get("begins") or [""] * len(given["prompts"])
                asked = zip(given["prompts"], begins, strict=True)
                found += [whole(given, prompt, begin) for prompt, begin in asked]
            elif request.operation == operation == "language.score_batch":
                found += [whole(given, q["prompt"], q.get("begin", "")) for q in given["questions"]]
        return found
