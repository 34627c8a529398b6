"""One turn of a dialogue, answered under several dialogue acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: what the user said, the act of the answer, and the answer (delexicalised)."""

    user: str
    act: str
    reply: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the language model.

    Args:
        act: what it was told to do; empty for nothing.
        text: the answer.
        bleu: sentence BLEU against the recorded answer, 0 to 100.
        jaccard: shared parts of the act told and the recorded act, over all parts, 0 to 1; only of
            acts, so it does not depend on the answer.
    """

    act: str
    text: str
    bleu: float
    jaccard: float


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What the study of dialogue acts shows.

    There is no database behind these dialogues, so nothing is said of Inform and Success.

    Args:
        history: the turns before.
        turn: the turn to be answered, with its recorded act and answer.
        without: the answer when no act is given.
        recorded: the answer to the recorded act.
        own: the answer to the act of the reader.
        model: the language model.
    """

    history: tuple[Turn, ...]
    turn: Turn
    without: Reply
    recorded: Reply
    own: Reply
    model: str
