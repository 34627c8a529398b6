"""What is asked of the model server: what a language model says of every node of a skill trie.

The state of the scene is never part of a question, so moving an object asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.errors import BugError
from workbench.methods.grounded.prompts import (
    Prompt,
    kind_of,
    write_prompt,
    write_without_instruction,
)
from workbench.methods.grounded.scores import NO_TOKEN, LanguageScores, discount_prior
from workbench.methods.grounded.worlds.world import DONE, Task, World
from workbench.server.api import Json, ModelClient, Request
from workbench.server.api import Result as Answer
from workbench.skill_trie import SkillTrie

TOP = 10
"""The most probable tokens shown at each place."""

Score = Callable[..., LanguageScores]
"""Steps so far -> scores of what may come next.

``possible.PossibleSteps`` and ``greedy_steps.GreedySteps`` are also told which skills to ask for.
"""


def ask_scores(  # noqa: PLR0913  keyword-only options of one question
    client: ModelClient,
    model: str,
    prompt: Prompt,
    skills: Sequence[str],
    *,
    top: int = TOP,
    terminator: str = "\n",
    paths: Sequence[str] | None = None,
    label: str = "",
) -> LanguageScores:
    """Scores of some skills after a prompt.

    Args:
        client: the model server.
        model: name of a causal language model.
        prompt: what stands before.
        skills: m texts.
        top: how many of the most probable tokens to name at each node.
        terminator: what ends a skill.
        paths: skills to read to their ends; all when ``None``.
        label: what the page calls it while it runs.

    Raises:
        WorkbenchError: what the server refused.
    """
    arguments: dict[str, Json] = {
        "prefix": prompt.prefix,
        "prompt": prompt.text,
        "skills": list(skills),
        "terminator": terminator,
        "top": top,
    }
    if paths is not None:  # else unsaid, so that what was asked before is still the same question
        arguments["paths"] = list(paths)
    request = Request(
        "language.score_skills", model=model, arguments=arguments, dtype="float32", label=label
    )
    return read_scores(client.call(request), skills)


def ask_steps(
    client: ModelClient, model: str, task: Task, world: World, *, top: int = TOP, beta: float = 0.0
) -> Score:
    """What the model says of every next step of a plan, asked for when it is needed.

    Args:
        client: the model server.
        model: name of a causal language model.
        task: its instruction is read.
        world: only its list of skills is read, never its state.
        top: how many of the most probable tokens to name at each node.
        beta: see ``scores.discount_prior``; 0 asks nothing more.
    """
    kind, skills = kind_of(world), (*world.skills(), DONE)
    known: dict[tuple[str, ...], LanguageScores] = {}

    def score(history: Sequence[str]) -> LanguageScores:
        steps = tuple(history)
        if steps not in known:
            label = f"Step {len(steps) + 1}"
            prompt = write_prompt(kind, task.instruction, steps)
            found = ask_scores(client, model, prompt, skills, top=top, label=label)
            if beta:
                bare = write_without_instruction(kind, steps)
                plain = ask_scores(client, model, bare, skills, top=0, label=label)
                found = discount_prior(found, plain, beta)
            known[steps] = found
        return known[steps]

    return score


def ask_trie(client: ModelClient, model: str, skills: Sequence[str]) -> SkillTrie:
    """The trie of some skills in a model's tokens, nothing scored."""
    arguments: dict[str, Json] = {"skills": list(skills)}
    answer = client.call(
        Request("language.tokenize_skills", model=model, arguments=arguments, dtype="float32")
    )
    return _read_trie(answer, skills)


def _read_trie(answer: Answer, skills: Sequence[str]) -> SkillTrie:
    ids = np.split(answer.arrays["token_ids"], np.cumsum(answer.arrays["token_counts"])[:-1])
    return SkillTrie.from_skills(skills, [one.tolist() for one in ids])


def read_scores(answer: Answer, skills: Sequence[str]) -> LanguageScores:
    """The answer of ``language.score_skills`` as scores over the trie of its skills."""
    arrays = answer.arrays
    trie = _read_trie(answer, skills)
    texts = answer.values.get("texts")
    if not isinstance(texts, list):
        raise BugError("The model server answered without the texts of its tokens.")
    outside = arrays["outside_tokens"].astype(np.int64)
    top = arrays["top_tokens"].shape[1]
    top_tokens = np.full((len(trie), top), NO_TOKEN)
    top_log_probabilities = np.full((len(trie), top), -np.inf)
    top_tokens[arrays["internal"]] = arrays["top_tokens"]
    top_log_probabilities[arrays["internal"]] = arrays["top_log_probabilities"]
    return LanguageScores(
        trie=trie,
        log_probability=arrays["log_probabilities"].astype(np.float64),
        outside_log_probability=np.where(
            outside == NO_TOKEN, -np.inf, arrays["outside_log_probabilities"]
        ),
        outside_token=outside,
        outside_mass=arrays["outside_mass"].astype(np.float64),
        top_tokens=top_tokens,
        top_log_probabilities=top_log_probabilities,
        texts=dict(zip(arrays["text_ids"].tolist(), map(str, texts), strict=True)),
        seconds=answer.receipt.seconds,
    )
