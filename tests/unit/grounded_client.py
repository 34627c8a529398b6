"""A model server made of words: what ``language.score_skills`` would answer, without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.unit.grounded_records import word_scores
from workbench.methods.grounded.scores import NO_TOKEN, LanguageScores
from workbench.methods.grounded.worlds.world import DONE, World
from workbench.server.api import Receipt, Request
from workbench.server.api import Result as Answer
from workbench.skill_trie import SkillTrie


class WordClient:
    """Answers with seeded probabilities over words; remembers what was asked and how much it read.

    A list whose skills are all in one that was asked for before has the probabilities of that one.
    """

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.contexts = 0

    def call(self, request: Request) -> Any:
        self.asked.append(request)
        whole, skills = self.whole(request), skills_of(request)
        paths: Any = request.arguments.get("paths", skills)
        arrays = answer_arrays(whole, skills, paths)
        self.contexts += len(arrays["internal"])
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
        return Answer(arrays, {"texts": list(whole.texts.values())}, receipt)

    def whole(self, request: Request) -> LanguageScores:
        """The scores of a list of which a request may ask a part."""
        wanted = set(skills_of(request))
        lists = [skills_of(one) for one in self.asked if wanted <= set(skills_of(one))]
        text = "".join(str(request.arguments.get(name, "")) for name in ("prefix", "prompt"))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        return word_scores(lists[0], seed)


class ForgetfulClient(WordClient):
    """Gives the tokens of each list numbers of its own."""

    def whole(self, request: Request) -> LanguageScores:
        return word_scores(skills_of(request), 0)


class SameModel(WordClient):
    """Answers about the skills of a world, whatever was asked for first."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__()
        self.skills = (*world.skills(), DONE)
        self.seed = seed

    def after(self, prompt: str) -> LanguageScores:
        return word_scores(self.skills, seed=self.seed + prompt.count("\n"))

    def whole(self, request: Request) -> LanguageScores:
        return self.after(str(request.arguments.get("prompt", "")))


def skills_of(request: Request) -> list[str]:
    """What a request asks for."""
    return [str(skill) for skill in request.arguments["skills"]]  # type: ignore[union-attr]


def answer_arrays(
    whole: LanguageScores, skills: Sequence[str], paths: Sequence[str]
) -> Mapping[str, np.ndarray]:
    """The arrays of an answer about some of the skills that a model was scored on.

    Only the nodes that lead to ``paths`` are read.
    A word that follows in the whole list and not in the part leaves the part.
    """
    number = {skill: i for i, skill in enumerate(whole.trie.skills)}
    leaves = whole.trie.leaf_of_skill[[number[skill] for skill in skills]]
    nodes = [list(whole.trie.path(int(leaf))) for leaf in leaves]
    ids = [whole.trie.token[path] for path in nodes]
    trie = SkillTrie.from_skills(skills, [one.tolist() for one in ids])
    place = np.zeros(len(trie), dtype=np.int64)
    for path, leaf in zip(nodes, trie.leaf_of_skill, strict=True):
        place[list(trie.path(int(leaf)))] = path
    n = len(trie)
    read = trie.leading_to([list(skills).index(skill) for skill in paths])
    log_probability, outside = np.full(n, np.nan), np.zeros(n)
    log_probability[0] = 0.0
    token, mass = np.full(n, NO_TOKEN), np.zeros(n)
    for node in read.tolist():
        below, there = list(trie.children(node)), int(place[node])
        log_probability[below] = whole.log_probability[place[below]]
        token[node], outside[node] = (
            whole.outside_token[there],
            whole.outside_log_probability[there],
        )
        mass[node] = whole.outside_mass[there]
        missing = sorted({*whole.trie.children(there)}.difference(place[below].tolist()))
        if missing:
            logs = whole.log_probability[missing]
            mass[node] += np.exp(logs).sum()
            if logs.max() > outside[node]:
                token[node], outside[node] = whole.trie.token[missing[logs.argmax()]], logs.max()
    return {
        "token_ids": np.concatenate(ids).astype(np.int32),
        "token_counts": np.array([len(one) for one in ids], dtype=np.int32),
        "text_ids": np.array(list(whole.texts), dtype=np.int32),
        "log_probabilities": log_probability.astype(np.float32),
        "outside_mass": mass.astype(np.float32),
        "outside_tokens": token.astype(np.int32),
        "outside_log_probabilities": outside.astype(np.float32),
        "internal": read.astype(np.int32),
        "top_tokens": whole.top_tokens[place[read]].astype(np.int32),
        "top_log_probabilities": whole.top_log_probabilities[place[read]].astype(np.float32),
    }
