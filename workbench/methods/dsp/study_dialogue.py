"""Dialogue acts as hints: change the act and watch the reply.

arXiv:2302.11520, section 3: acts are defined in the prompt; each turn shows what the user said and,
in parentheses, the act of the reply. Acts of earlier turns are the recorded ones; only the act of
the turn to be answered changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from workbench.errors import BugError, InputError
from workbench.methods.dsp.asking import ask_rows
from workbench.methods.dsp.dialogue_acts import jaccard, parse_act, sentence_bleu
from workbench.methods.dsp.dialogue_result import Dialogue, Reply, Turn
from workbench.methods.dsp.multiwoz import read_dialogues
from workbench.methods.dsp.study_bench import WRITER
from workbench.params import Range, Text, Upload, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary
from workbench.uploads import open_upload

DIALOGUES = 20
TOKENS = 64
_STOPS = ("\n",)
MEANINGS = {
    "inform": "give information",
    "request": "ask the user for something",
    "nooffer": "say that nothing fits",
    "recommend": "recommend something",
    "select": "let the user choose",
    "offerbook": "offer to book",
    "offerbooked": "say that it is booked",
    "nobook": "say that booking failed",
    "bye": "say goodbye",
    "greet": "greet the user",
    "welcome": "say that the user is welcome",
    "reqmore": "ask whether anything else is needed",
}


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    act: Annotated[
        str,
        Text(
            "Your act",
            max_chars=200,
            lines=2,
            help="[domain] [act] slots, such as [train] [request] departure.",
        ),
    ] = "[general] [bye]"
    dialogue: Annotated[int, Range(1, DIALOGUES, 1, "Dialogue")] = 3
    turn: Annotated[
        int, Range(1, 6, 1, "Turn", help="The turn to be answered; after the last, the last.")
    ] = 2
    file: Annotated[
        str,
        Upload(
            "Your own dialogues (MultiWOZ)",
            (".json", ".jsonl"),
            max_mib=64.0,
            help="The authors' files of MultiWOZ 2.0 and 2.1, or rows of MultiWOZ 2.2.",
        ),
    ] = ""
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"

    def __post_init__(self) -> None:
        check(self)
        if not parse_act(self.act):
            raise InputError("Your act is empty; write one, such as [train] [request] departure.")


@dataclass(frozen=True)
class Inputs:
    """The turns so far, the last to be answered, and its answers: plain, recorded, own."""

    turns: tuple[Turn, ...]
    answers: tuple[str, str, str]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for the reply without an act, with the recorded act, and with the reader's."""
    row = _choose(client, params)
    every = [Turn(t["user"], t["aspn"], t["resp"]) for t in row["turns"]]
    turns = tuple(every[: params.turn])
    plain = _ask(client, params.model, write_prefix(turns, with_acts=False), ["Assistant:"])
    acts = [f"Assistant({act}):" for act in (turns[-1].act, params.act.strip())]
    recorded, own = _ask(client, params.model, write_prefix(turns, with_acts=True), acts)
    return Inputs(turns, (plain[0], recorded, own))


def _choose(client: ModelClient, params: Params) -> Mapping[str, Any]:
    if not params.file:
        return ask_rows(client, "dialogues")[params.dialogue - 1]
    rows = read_dialogues(open_upload(params.file).read_text("utf-8", errors="replace"))
    return rows[min(params.dialogue, len(rows)) - 1]


def write_prefix(turns: tuple[Turn, ...], *, with_acts: bool) -> str:
    """The definitions of the acts, the turns so far, and what the user said last.

    Args:
        turns: at least one; the last is not answered yet.
        with_acts: whether acts are defined and written before the replies.
    """
    lines = ["A user and an assistant talk. Names and numbers stand in brackets."]
    if with_acts:
        lines[0] += " The assistant's dialogue acts stand in parentheses:"
        lines += [f"{act}: {meaning}" for act, meaning in MEANINGS.items()]
    lines.append("")
    for turn in turns[:-1]:
        lines.append(f"User: {turn.user}")
        speaker = f"Assistant({turn.act})" if with_acts else "Assistant"
        lines.append(f"{speaker}: {turn.reply}")
    return "\n".join([*lines, f"User: {turns[-1].user}"]) + "\n"


def _ask(client: ModelClient, model: str, prefix: str, written: list[str]) -> list[str]:
    answer = client.call(
        Request(
            operation="language.generate_batch",
            model=model,
            arguments={
                "prefix": prefix,
                "prompts": list(written),
                "max_new_tokens": TOKENS,
                "stop": list(_STOPS),
            },
            dtype="float32",
            label="Replies",
        )
    )
    texts = answer.values.get("texts")
    if not isinstance(texts, list):
        raise BugError("The model server answered without texts.")
    return [str(text).strip() for text in texts]


def compute(inputs: Inputs, params: Params) -> Dialogue:
    """Score the three answers against the recorded one."""
    *history, turn = inputs.turns
    plain, recorded, own = (
        Reply(act, text, sentence_bleu(text, turn.reply), jaccard(act, turn.act) if act else 0.0)
        for act, text in zip(("", turn.act, params.act.strip()), inputs.answers, strict=True)
    )
    return Dialogue(tuple(history), turn, plain, recorded, own, params.model)


def summarise(found: Dialogue) -> Summary:
    """BLEU of the three answers, and how near the reader's act is to the recorded one."""
    return {
        "bleu_without": float(f"{found.without.bleu:.6g}"),
        "bleu_recorded": float(f"{found.recorded.bleu:.6g}"),
        "bleu_own": float(f"{found.own.bleu:.6g}"),
        "jaccard_own": float(f"{found.own.jaccard:.6g}"),
        "turns_before": len(found.history),
    }


DIALOGUE: Study[Params, Inputs, Dialogue] = Study(
    slug="dsp.dialogue",
    title="Dialogue acts",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
