"""The roles' prompts as turns of a conversation, for models with a chat template.

The words stay the same: each demonstration's question is a turn of the user's and its answer one of
the assistant's, and what a prompt says of the answer already begins the assistant's last turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.methods.teaching.prompts import HEADER
from workbench.server.api import Json

_ANSWER = re.compile(r"\n(?:A:|(?P<kept>AI Predicted Answer:))")
"""Where the answer begins. The mental model must see whose answer is wanted, so its mark stays."""


def split_prompt(prompt: str) -> tuple[str, str]:
    """What the user asks, and what the answer begins with."""
    found = _ANSWER.search(prompt)
    if found is None:
        return prompt.strip(), ""
    kept = found.group("kept")
    asked = prompt[: found.start()] + (f"\n{kept}" if kept else "")
    return asked.strip(), prompt[found.end() :].strip()


def as_turns(prefix: str, prompts: Sequence[str]) -> tuple[list[Json], list[tuple[str, str]]]:
    """Examples as turns, and each prompt as what is asked and what the answer begins with.

    Args:
        prefix: examples, blocks joined by blank lines; the mental model's begin with a heading,
            which goes to the first thing asked.
        prompts: n questions after it.
    """
    blocks = [block for block in prefix.split("\n\n") if block]
    heading = f"{blocks.pop(0)}\n\n" if blocks and blocks[0] == HEADER else ""
    split = [split_prompt(one) for one in (*blocks, *prompts)]
    examples, asked = split[: len(blocks)], split[len(blocks) :]
    if not examples:
        return [], [(heading + question, begin) for question, begin in asked]
    turns: list[Json] = []
    for place, (question, answer) in enumerate(examples):
        turns.append({"role": "user", "content": question if place else heading + question})
        turns.append({"role": "assistant", "content": answer})
    return turns, asked
