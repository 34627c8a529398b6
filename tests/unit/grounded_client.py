"""A model server made of words: what ``language.score_skills`` would answer, without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.unit.grounded_records import word_scores
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.worlds.world import DONE, World
from workbench.server.api import Receipt, Request
from workbench.server.api import Result as Answer


class WordClient:
    """Answers with seeded probabilities over words; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def call(self, request: Request) -> Any:
        self.asked.append(request)
        skills = [str(skill) for skill in request.arguments["skills"]]  # type: ignore[union-attr]
        text = "".join(str(request.arguments.get(name, "")) for name in ("prefix", "prompt"))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        scores = word_scores(skills, seed)
        trie = scores.trie
        paths = [[int(trie.token[n]) for n in trie.path(int(leaf))] for leaf in trie.leaf_of_skill]
        internal = trie.internal
        arrays = {
            "token_ids": np.concatenate([np.array(path, dtype=np.int32) for path in paths]),
            "token_counts": np.array([len(path) for path in paths], dtype=np.int32),
            "text_ids": np.array(list(scores.texts), dtype=np.int32),
            "log_probabilities": scores.log_probability.astype(np.float32),
            "outside_mass": scores.outside_mass.astype(np.float32),
            "outside_tokens": scores.outside_token.astype(np.int32),
            "outside_log_probabilities": np.where(
                scores.outside_token < 0, 0.0, scores.outside_log_probability
            ).astype(np.float32),
            "internal": internal.astype(np.int32),
            "top_tokens": scores.top_tokens[internal].astype(np.int32),
            "top_log_probabilities": scores.top_log_probabilities[internal].astype(np.float32),
        }
        receipt = Receipt(
            operation=request.operation,
            operation_version=1,
            model=request.model,
            model_digest="words",
            dtype=request.dtype,
            device="cpu",
            seed=request.seed,
            arguments_digest="",
            key="",
            created="",
            seconds=1.5,
            packages={},
        )
        return Answer(arrays, {"texts": list(scores.texts.values())}, receipt)


class SameModel(WordClient):
    """Answers about some skills with the same probabilities as about all of them."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__()
        self.skills = (*world.skills(), DONE)
        self.seed = seed

    def whole(self, prompt: str) -> LanguageScores:
        return word_scores(self.skills, seed=self.seed + prompt.count("\n"))

    def call(self, request: Request) -> Any:
        answer = super().call(request)
        wanted: Sequence[str] = request.arguments["skills"]  # type: ignore[assignment]
        whole = self.whole(str(request.arguments.get("prompt", "")))
        leaves = [whole.trie.leaf_of_skill[self.skills.index(skill)] for skill in wanted]
        paths = [list(whole.trie.path(int(leaf))) for leaf in leaves]
        ids = [whole.trie.token[path] for path in paths]
        part = type(whole.trie).from_skills(wanted, [one.tolist() for one in ids])
        log_probability = np.zeros(len(part))
        for path, leaf in zip(paths, part.leaf_of_skill, strict=True):
            log_probability[list(part.path(int(leaf)))] = whole.log_probability[path]
        n, internal = len(part), part.internal
        arrays = {
            "token_ids": np.concatenate(ids),
            "token_counts": np.array([len(one) for one in ids]),
            "text_ids": np.array([], dtype=np.int32),
            "log_probabilities": log_probability,
            "outside_mass": np.zeros(n),
            "outside_tokens": np.full(n, -1),
            "outside_log_probabilities": np.zeros(n),
            "internal": internal,
            "top_tokens": np.full((len(internal), 0), -1),
            "top_log_probabilities": np.zeros((len(internal), 0)),
        }
        return replace(answer, arrays=arrays, values={"texts": []})
