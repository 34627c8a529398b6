"""Text of a model that writes, greedily, so that people can watch it and leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.server.operation import Control

MOST_NEW_TOKENS = 512
_STEPS_A_MESSAGE = 8


@dataclass(frozen=True)
class Watch:
    """The people who wait for one request.

    Args:
        control: of its batch.
        item: its number there.
    """

    control: Control
    item: int

    def check(self) -> None:
        """Stop when nobody waits."""
        self.control.check()

    def show(self, text: str) -> None:
        """Show what is written so far."""
        self.control.partial(self.item, values={"text": text})


def write(loaded: Any, inputs: Any, watch: Watch, most_tokens: int = MOST_NEW_TOKENS) -> Any:
    """Continue greedily, ``(rows, new tokens)`` ids.

    Args:
        loaded: a ``HubVisionModel`` that generates.
        inputs: what its processor made, on its device.
        watch: told every few tokens.
        most_tokens: the longest text.

    Raises:
        CancelledError: nobody waits any more.
    """
    import torch

    steps = 0

    def step(ids: Any, _scores: Any, **_options: Any) -> Any:
        nonlocal steps
        watch.check()
        steps += 1
        if steps % _STEPS_A_MESSAGE == 0:
            first = ids[0, -steps:]
            watch.show(loaded.processor.tokenizer.decode(first, skip_special_tokens=True))
        return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

    with torch.inference_mode():
        return loaded.model.generate(
            **inputs,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=most_tokens,
            stopping_criteria=[step],
        )
