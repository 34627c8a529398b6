"""Prompts: raw text or chat messages, and the token ids a model reads for them."""

from __future__ import annotations

from collections.abc import Sequence
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


Turns = Annotated[list[Message], Field(max_length=1000)]
"""A conversation that may still be empty."""
Begin = Annotated[str, Field(max_length=MAX_CHARACTERS)]
"""What an answer begins with."""


def check_turns(turns: Sequence[Message] | None, prefix: str, begins: Sequence[str]) -> None:
    """Check that several prompts are either plain or turns of a conversation.

    Raises:
        ValueError: they are both; in words for pydantic.
    """
    if turns is not None and prefix:
        raise ValueError("turns of a conversation have no prefix; give either")
    if turns is None and any(begins):
        raise ValueError("only an answer in a conversation can be begun; give turns too")


def add_turn(turns: Sequence[Message], prompt: str, begin: str) -> list[Message]:
    """A conversation with one more prompt, and the beginning of the answer if there is any."""
    asked = [*turns, Message(role="user", content=prompt)]
    return [*asked, Message(role="assistant", content=begin)] if begin else asked


class Prompted(Arguments):
    """Arguments that hold a raw prompt or a conversation.

    ``continues`` says that the last message is the beginning of the answer: the model goes on with
    it instead of beginning a turn of its own.
    """

    prompt: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=1000)] | None = None
    continues: bool = False

    @model_validator(mode="after")
    def _check_one(self) -> Prompted:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt, a text, or messages, a list of turns")
        if self.prompt is not None and not self.prompt:
            raise ValueError("the prompt is empty; type at least one character")
        if self.messages and not any(message.content.strip() for message in self.messages):
            raise ValueError("every message is empty; type at least one character")
        if self.continues and (not self.messages or self.messages[-1].role != "assistant"):
            raise ValueError("continues needs messages that end in the assistant's turn")
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
    if getattr(loaded.tokenizer, "chat_template", None):
        return write_turns(loaded, prompted.messages, continues=prompted.continues), False
    if loaded.kind == "seq2seq-lm":
        return "\n".join(turn.content for turn in prompted.messages), True
    raise InputError(f"{loaded.name} has no chat template; give prompt instead of messages.")


def write_turns(
    loaded: Any, turns: Sequence[Message], *, continues: bool = False, answers: bool = True
) -> str:
    """A conversation as the model's chat template writes it.

    Args:
        loaded: a language model with a chat template.
        turns: the messages.
        continues: leave the last turn open, to be gone on with.
        answers: begin the assistant's next turn, unless the last one is continued.

    Raises:
        InputError: the template refuses the conversation.
    """
    import jinja2

    try:
        return loaded.tokenizer.apply_chat_template(
            [turn.model_dump() for turn in turns],
            tokenize=False,
            add_generation_prompt=answers and not continues,
            continue_final_message=continues,
        )
    # a template's own refusal ("roles must alternate"), or one that drops the open turn's text
    except (jinja2.TemplateError, ValueError) as error:
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise InputError(
            f"The chat template of {loaded.name} refuses the messages: {reason}."
        ) from error


def refuse_without_template(loaded: Any) -> None:
    """Refuse a model whose prompts cannot be turns of a conversation.

    Raises:
        InputError: it has no chat template.
    """
    if not getattr(loaded.tokenizer, "chat_template", None):
        raise InputError(
            f"{loaded.name} has no chat template. Switch the chat template off to use plain "
            "prompts, or choose a model that has one."
        )


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
