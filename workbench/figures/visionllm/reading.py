"""An instruction as it is read, and the answer as it is written, token by token."""

from __future__ import annotations

import re

import numpy as np

from workbench.figures.passages import LivePassages, Passage, Span
from workbench.methods.visionllm.console import SCORE, Result, Said
from workbench.methods.visionllm.decoding import Answer
from workbench.methods.visionllm.formats import template
from workbench.methods.visionllm.hub import FAMILIES, SAME_INTERFACE
from workbench.methods.visionllm.parsing import VALID
from workbench.methods.visionllm.task import SET_KINDS, Task

_PARTS = re.compile(
    r"(?P<dictionary>\{[^{}]*\})|(?P<format>\(c,[^()]*\)|<cls>(?:\s*<[xy]\d+>)*)"
    r"|(?P<range><p-?\d+> to <p\d+>)|(?P<picture><image>)"
)
_ROLES = {"dictionary": "accent", "format": "mark", "range": "other", "picture": "muted"}
_NOTES = {
    "dictionary": "which names there are, and which class token stands for each in this prompt",
    "format": "what is to be filled in for every thing that is found",
    "range": "how far an offset may go",
    "picture": "where the picture's tokens stand",
}
_SHOWN_TUPLES = 12
CHOICES = (
    "The paper's: class tokens that mean nothing but what this prompt says; offsets from each "
    "token's own centre; the template's slots as queries, all filled in at once. Our choice: rules "
    "read the instruction, where the paper's language model does; how slots meet image tokens; the "
    "score, objectness times the class's probability; in training the weights of losses and of "
    "matching, soft targets of places, and a pointer to the prompt's names as class head (the "
    "paper's own, hard targets and bare class tokens, are models to choose). No code and no "
    "weights were ever published."
)


def draw_reading(result: Result) -> LivePassages:
    """The instruction with its parts, what was understood, and the answer in tokens."""
    said = result.said
    words = said.problem.text if said.problem is not None else say_origin(said)
    read = Passage("Instruction", _spans(said))
    if said.task is None:
        return LivePassages((read, Passage("A valid one", mark_parts(VALID))), words=words)
    understood = _understood(said.task)
    if said.answer is None:
        written = Passage("Answer", (Span(f"<bos> {said.text} <eos>", "good"),))
        return LivePassages((read, understood, written), words=words)
    at = [(read, understood, _answered(said.answer, said.task, k)) for k in SCORE.positions()]
    return LivePassages(at, {"score": SCORE.positions()}, words)


def say_origin(said: Said) -> str:
    """What of this is the paper's, what is ours, and what is another algorithm altogether."""
    if not said.family:
        return CHOICES
    family = FAMILIES[said.family]
    return f"{family.name} ({family.reference}): {SAME_INTERFACE}. {family.difference}"


def _spans(said: Said) -> tuple[Span, ...]:
    """The instruction; from where it is not understood on, in the colour of what is wrong."""
    if said.problem is None:
        return mark_parts(said.instruction)
    place = min(said.problem.place, max(len(said.instruction) - 1, 0))
    wrong = Span(said.instruction[place:], "bad", said.problem.text)
    return (Span(said.instruction[:place]), wrong) if place else (wrong,)


def mark_parts(text: str) -> tuple[Span, ...]:
    """An instruction with its dictionary, format and range in colours of their own."""
    spans: list[Span] = []
    end = 0
    for found in _PARTS.finditer(text):
        kind = str(found.lastgroup)
        if found.start() > end:
            spans.append(Span(text[end : found.start()]))
        spans.append(Span(found.group(), _ROLES[kind], _NOTES[kind]))  # type: ignore[arg-type]
        end = found.end()
    return (*spans, Span(text[end:])) if end < len(text) else tuple(spans)


def _understood(task: Task) -> Passage:
    spans = [Span(f"Task: {task.kind}\n", "mark")]
    if task.kind in SET_KINDS:
        spans += [Span(f"<c{entry.token}> = {entry.name}\n", "accent") for entry in task.entries]
        spans += [
            Span(f"{template(task.slots)}\n", "mark", "the slots of one answer, in order"),
            Span(f"<p-{task.reach}> … <p{task.reach}>", "other", "location tokens that may stand"),
        ]
    elif task.kind == "question":
        spans.append(Span(task.question, "accent"))
    else:
        spans.append(Span("a long caption" if task.is_long else "a short caption", "accent"))
    return Passage("What is understood", tuple(spans))


def _answered(answer: Answer, task: Task, smallest: float) -> Passage:
    spans = [
        span
        for place in range(min(len(answer.scores), _SHOWN_TUPLES))
        for span in _tuple(answer, task, place, smallest)
    ]
    note = f"{len(answer.scores)} answers, the surest first; those below {smallest:.2f} are grey."
    return Passage("Answer, tuple by tuple", tuple(spans), note)


def _tuple(answer: Answer, task: Task, place: int, smallest: float) -> list[Span]:
    entry = task.entries[int(answer.entries[place])]
    # Offsets only where the range of the task is theirs; other models say places of their own.
    said = answer.tokens[place]
    tokens = " ".join(f"<p{int(one)}>" for one in said)
    if not len(said) or np.abs(said).max() > task.reach:
        tokens = " ".join(f"{one:.3f}" for one in answer.points[place].ravel())
    score = float(answer.scores[place])
    is_sure = score >= smallest
    return [
        Span(f"<c{entry.token}> {tokens}", "good" if is_sure else "muted", entry.name),
        Span(f"  {entry.name}, {score:.2f}\n", "" if is_sure else "muted"),
    ]
