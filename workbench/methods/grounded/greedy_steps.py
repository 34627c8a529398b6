"""Ask the language model for what greedy decoding comes by, not for a whole list of commands.

Where the next token is chosen it must be known of every token that may follow, but nothing of what
would follow the others. So a few likely commands are read to their ends, and what leads away from
them is read only when it is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.methods.grounded.asking import ask_scores
from workbench.methods.grounded.prompts import kind_of, write_prompt
from workbench.methods.grounded.scores import LanguageScores, add_read
from workbench.methods.grounded.worlds.world import DONE, Task, World
from workbench.server.api import ModelClient


class GreedySteps:
    """What the model says of the next step after each history, as far as it was asked.

    Likely commands are read before any is chosen: whatever is moved, one of them is chosen nearly
    always, and nothing more is asked. Greedy decoding then comes to a skill that was not read
    (``LanguageScores.is_read``), or chooses what it chooses when all are read.

    Args:
        client: the model server.
        model: name of a causal language model.
        task: its instruction is read.
        world: only its list of skills is read, never its state.
        likely: ``(skills,)`` bool, "done" last, which are read at once; not a matter of the
            state either.
    """

    def __init__(
        self, client: ModelClient, model: str, task: Task, world: World, likely: np.ndarray
    ) -> None:
        self._client = client
        self._model = model
        self._instruction = task.instruction
        self._kind = kind_of(world)
        self._skills = (*world.skills(), DONE)
        self._likely = [skill for skill, is_so in zip(self._skills, likely, strict=True) if is_so]
        self._known: dict[tuple[str, ...], LanguageScores] = {}

    def __call__(self, history: Sequence[str], wanted: np.ndarray | None = None) -> LanguageScores:
        """Scores of the next step, to be decoded greedily.

        Args:
            history: the steps so far.
            wanted: ``(skills,)`` bool, which must be known, too.
        """
        steps = tuple(history)
        found = self._known.get(steps)
        if found is None:
            found = self._ask(steps, self._skills, self._likely)
        numbers = [] if wanted is None else np.flatnonzero(wanted & ~found.is_read).tolist()
        if numbers:
            part = self._ask(steps, [self._skills[number] for number in numbers])
            found = add_read(found, part, numbers)
        self._known[steps] = found
        return found

    def _ask(
        self, steps: tuple[str, ...], skills: Sequence[str], paths: Sequence[str] | None = None
    ) -> LanguageScores:
        prompt = write_prompt(self._kind, self._instruction, steps)
        label = f"Step {len(steps) + 1}"
        return ask_scores(self._client, self._model, prompt, skills, paths=paths, label=label)
