"""A model server made of words: what ``language.score_skills`` would answer, without a model."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from tests.unit.grounded_records import word_scores
from workbench.server.api import Receipt, Request
from workbench.server.api import Result as Answer


class WordClient:
    """Answers with seeded probabilities over words; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def call(self, request: Request) -> Any:
        self.asked.append(request)
        skills = [str(skill) for skill in request.arguments["skills"]]  # type: ignore[union-attr]
        text = f"{request.arguments['prefix']}{request.arguments['prompt']}"
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
