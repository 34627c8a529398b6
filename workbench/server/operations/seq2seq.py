"""Encoder-decoder models: scoring candidates against an encoded prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, WorkbenchError
from workbench.server.operation import Control, Output
from workbench.server.operations import prompts, scores
from workbench.server.operations.forward import logits_only_at, step_tokens

if TYPE_CHECKING:
    import torch

    from workbench.server.operations.score_choices import Arguments


def encode_prompts(loaded: Any, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the encoder over prompts padded on the right.

    Returns:
        Hidden states ``(n, t, d)`` and the mask ``(n, t)`` of real tokens.
    """
    import torch

    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), loaded.tokenizer.pad_token_id)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    ids, mask = ids.to(loaded.device), mask.to(loaded.device)
    encoder = loaded.model.get_encoder()
    with torch.inference_mode():
        return encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask


def first_decoder_token(loaded: Any) -> int:
    """The token the decoder starts from."""
    config = loaded.model.config
    token = config.decoder_start_token_id
    return int(loaded.tokenizer.pad_token_id if token is None else token)


def score(
    loaded: Any, requests: Sequence[Arguments], control: Control
) -> list[Output | WorkbenchError]:
    """Score the candidates of each request with the decoder; one request after the other."""
    outcomes: list[Output | WorkbenchError] = []
    for number, arguments in enumerate(requests):
        control.check()
        try:
            outcomes.append(_score_one(loaded, arguments, control))
        except InputError as error:
            outcomes.append(error)
        control.progress(number, 1.0, "scoring")
    return outcomes


def _score_one(loaded: Any, arguments: Arguments, control: Control) -> Output | WorkbenchError:
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    text, special = prompts.written_prompt(loaded, arguments)
    (ids,) = prompts.encode(loaded, [arguments.prefix + text], add_special_tokens=special)
    prompts.refuse_length(loaded, len(ids))
    answers = prompts.encode(loaded, list(arguments.candidates), add_special_tokens=False)
    for answer in answers:
        prompts.refuse_length(loaded, len(answer), "The longest candidate")
        if not answer:
            raise InputError("A candidate holds no token; give it some text.")
    hidden, mask = encode_prompts(loaded, [ids])
    start = first_decoder_token(loaded)
    rows_a_pass = max(1, step_tokens(loaded.device) // max(len(a) for a in answers))
    found = []
    for first in range(0, len(answers), rows_a_pass):
        control.check()
        part = answers[first : first + rows_a_pass]
        inputs = torch.zeros(len(part), max(len(a) for a in part), dtype=torch.long)
        for row, answer in enumerate(part):
            inputs[row, : len(answer)] = torch.tensor([start, *answer[:-1]])
        wanted = [(row, at) for row, answer in enumerate(part) for at in range(len(answer))]
        with torch.inference_mode(), logits_only_at(loaded.model, wanted):
            logits = loaded.model(
                encoder_outputs=BaseModelOutput(last_hidden_state=hidden.expand(len(part), -1, -1)),
                attention_mask=mask.expand(len(part), -1),
                decoder_input_ids=inputs.to(loaded.device),
                use_cache=False,
            ).logits[0]
        done = 0
        for answer in part:
            found.append(
                scores.log_probabilities(logits[done : done + len(answer)].float(), answer)
            )
            done += len(answer)
    return scores.write_output(loaded, arguments.candidates, answers, found)
