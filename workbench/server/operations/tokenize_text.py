"""``language.tokenize``: the tokens a model reads in a text."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import prompts
from workbench.server.operations.arguments import preparing


def tokenize(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Tokens of a text with their places in it.

    Returns:
        Arrays over the t tokens: ``ids``; ``offsets`` ``(t, 2)``, first and last character of
        the token in the text, the last excluded. Values: ``tokens``, the text of each token
        (half a character shows as U+FFFD); ``text``, what was tokenised; ``count``; ``limit``,
        the longest text the model takes, in tokens.
    """
    del number, control
    text, special = prompts.written_prompt(loaded, item.arguments)
    encoded = loaded.tokenizer(
        text, add_special_tokens=special, return_offsets_mapping=True, verbose=False
    )
    ids = encoded["input_ids"]
    prompts.refuse_length(loaded, len(ids), "The text")
    return Output(
        arrays={
            "ids": np.array(ids, dtype=np.int64),
            "offsets": np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2),
        },
        values={
            "tokens": [loaded.tokenizer.decode([token]) for token in ids],
            "text": text,
            "count": len(ids),
            "limit": loaded.max_tokens,
        },
    )


OPERATION = Operation(
    name="language.tokenize",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm", "sentence-encoder"}),
    prepare=preparing(prompts.Prompted, cost=prompts.Prompted.estimated_tokens),
    run=one_by_one(tokenize),
    max_batch_cost=65_536,
    max_batch_items=64,
    summary="The tokens of a text, with their places in it.",
)
