"""Ask the language model about those skills alone that may be chosen.

When tokens outside the list are masked, a skill of value 0 is never chosen, whatever the model says
of it: its probability need not be known. A table of five things leaves a few dozen of hundreds of
skills, and one more episode costs what these cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.methods.grounded.asking import ask_scores, ask_trie
from workbench.methods.grounded.prompts import kind_of, write_prompt
from workbench.methods.grounded.scores import LanguageScores, closed_scores, nodes_within
from workbench.methods.grounded.worlds.world import DONE, Task, World
from workbench.server.api import ModelClient


class PossibleSteps:
    """What the model says of some skills after each history; asks of no skill twice.

    The scores are over the trie of all skills. What was not asked has a log-probability of
    ``-inf``, so whoever reads them must give it no value either; no token leaves the trie.

    Args:
        client: the model server.
        model: name of a causal language model.
        task: its instruction is read.
        world: only its list of skills is read, never its state.
    """

    def __init__(self, client: ModelClient, model: str, task: Task, world: World) -> None:
        self._client = client
        self._model = model
        self._instruction = task.instruction
        self._kind = kind_of(world)
        self._skills = (*world.skills(), DONE)
        self._trie = ask_trie(client, model, self._skills)
        self._known: dict[tuple[str, ...], np.ndarray] = {}

    def __call__(self, history: Sequence[str], wanted: np.ndarray | None = None) -> LanguageScores:
        """Scores of the next step.

        Args:
            history: the steps so far.
            wanted: ``(skills,)`` bool, "done" last, which must be known; all when ``None``.
        """
        trie, steps = self._trie, tuple(history)
        found = self._known.get(steps, np.where(np.arange(len(trie)) == 0, 0.0, -np.inf))
        missing = ~np.isfinite(found[trie.leaf_of_skill])
        if wanted is not None:
            missing &= wanted
        numbers = np.flatnonzero(missing)
        if len(numbers):
            found = self._ask(steps, numbers, found)
            self._known[steps] = found
        return closed_scores(trie, found)

    def _ask(self, steps: Sequence[str], numbers: np.ndarray, known: np.ndarray) -> np.ndarray:
        """``(nodes,)`` what was known, and what the model says of some more skills."""
        prompt = write_prompt(self._kind, self._instruction, steps)
        skills = [self._skills[number] for number in numbers]
        label = f"Step {len(steps) + 1}"
        part = ask_scores(self._client, self._model, prompt, skills, top=0, label=label)
        found = known.copy()
        found[nodes_within(self._trie, part.trie, numbers.tolist())] = part.log_probability
        return found
