"""Prompts: raw text or chat messages, and the token ids a model reads for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbench.errors import InputError
from workbench.server.operations.arguments import Arguments

MAX_CHARACTERS = 1_000_000
"""Longest text looked at at all; the model's own limit in tokens is usually far lower."""

_BYTES_PER_TOKEN = 4

NonEmpty = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


class Message(Arguments):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=MAX_CHARACTERS)]


class Prompted(Arguments):
    """Arguments that hold a raw prompt or a conversation."""

    prompt: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Prompted:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt, a text, or messages, a list of turns")
        if self.prompt is not None and not self.prompt:
            raise ValueError("the prompt is empty; type at least one character")
        if self.messages and not any(message.content.strip() for message in self.messages):
            raise ValueError("every message is empty; type at least one character")
        return self

    def estimated_tokens(self) -> int:
        """Roughly how many tokens the prompt has, without a tokenizer."""
        texts = [self.prompt or "", *(message.content for message in self.messages or ())]
        return estimate_tokens(*texts)


def estimate_tokens(*texts: str) -> int:
    """Roughly how many tokens some texts have together, at least 1."""
    return 1 + sum(len(text.encode()) for text in texts) // _BYTES_PER_TOKEN


def written_prompt(loaded: Any, prompted: Prompted) -> tuple[str, bool]:
    """The prompt as text, and whether the tokenizer shall add its special tokens to it.

    A conversation is written with the model's own chat template, which adds them itself. An
    encoder-decoder has no template: it is given the turns' texts, one after the other.

    Raises:
        InputError: the model has no chat template, or it refuses the conversation.
    """
    if prompted.messages is None:
        return prompted.prompt or "", True
    turns = [message.model_dump() for message in prompted.messages]
    if getattr(loaded.tokenizer, "chat_template", None):
        return _apply_template(loaded, turns), False
    if loaded.kind == "seq2seq-lm":
        return "\n".join(turn["content"] for turn in turns), True
    raise InputError(f"{loaded.name} has no chat template; give prompt instead of messages.")


def _apply_template(loaded: Any, turns: list[dict[str, str]]) -> str:
    import jinja2

    try:
        return loaded.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
    except jinja2.TemplateError as error:  # such as "roles must alternate"
        raise InputError(
            f"The chat template of {loaded.name} refuses the messages: {error}."
        ) from error


def encode(loaded: Any, texts: list[str], *, add_special_tokens: bool = True) -> list[list[int]]:
    """Token ids of some texts, without limit and padding."""
    # verbose=False: the tokenizer would warn of long texts, which are refused below anyway.
    return loaded.tokenizer(texts, add_special_tokens=add_special_tokens, verbose=False)[
        "input_ids"
    ]


def prompt_ids(loaded: Any, prompted: Prompted) -> list[int]:
    """Token ids of a prompt.

    Raises:
        InputError: it is longer than the model takes, or holds no token at all.
    """
    text, add_special_tokens = written_prompt(loaded, prompted)
    (ids,) = encode(loaded, [text], add_special_tokens=add_special_tokens)
    refuse_length(loaded, len(ids))
    if not ids:
        raise InputError("The prompt holds nothing the model can read; type some text.")
    return ids


def refuse_length(loaded: Any, tokens: int, what: str = "The prompt") -> None:
    """Refuse a text that is longer than the model takes.

    Raises:
        InputError: with the number of tokens and the limit.
    """
    if tokens > loaded.max_tokens:
        raise InputError(
            f"{what} has {tokens:,} tokens; {loaded.name} takes at most {loaded.max_tokens:,}. "
            "Shorten it."
        )


def start_token(loaded: Any) -> int:
    """The token a text begins with when nothing stands before it.

    Raises:
        InputError: the model has no such token.
    """
    tokenizer = loaded.tokenizer
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise InputError(f"{loaded.name} cannot score a text with nothing before it; give a prompt.")
