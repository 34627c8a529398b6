"""Instructions in words: several wordings of each task, and one written for a task.

The wordings are our own, after the kind of sentence that the paper shows; it expands its seeds
with a language model (arXiv:2305.11175, section 3.4 and appendix).
"""

from __future__ import annotations

import re

from workbench.errors import InputError
from workbench.methods.visionllm.formats import slots_of
from workbench.methods.visionllm.task import SET_KINDS, Kind, Task

_PLACE = re.compile("<(class|format|points|range|length|question)>")
_FORMAT = "with c the index of the class and the offsets from the centre within <range>"
WORDINGS: dict[Kind, tuple[str, ...]] = {
    "detection": (
        "Find every object of <class> and write (<format>), " + _FORMAT + ". The image is: <image>",
        "Detect all objects that belong to <class>. Answer each with (<format>), "
        + _FORMAT
        + ". The image is: <image>",
        "For each thing in the picture that is one of <class>, give its class and its corners as "
        "(<format>), " + _FORMAT + ". The image is: <image>",
    ),
    "segmentation": (
        "Segment every object of <class>: write <points> points on its outline as (<format>), "
        + _FORMAT
        + ". The image is: <image>",
        "Outline all objects that belong to <class> with <points> points each, (<format>), "
        + _FORMAT
        + ". The image is: <image>",
    ),
    "grounding": (
        "Locate what the expression means, <class>, and write (<format>), "
        + _FORMAT
        + ". The image is: <image>",
        "Ground the expression <class>: answer with (<format>), "
        + _FORMAT
        + ". The image is: <image>",
    ),
    "captioning": (
        "The image is <image>. Write a <length> caption.",
        "The image is <image>. Describe it in a <length> caption.",
    ),
    "question": (
        "The image is <image>. Answer the question: <question>",
        "Look at the image <image> and answer this question: <question>",
    ),
}


def write_instruction(task: Task, wording: int = 0) -> str:
    """The words of a task; ``parse_instruction`` reads them back.

    Args:
        task: what to ask for.
        wording: which of the task's wordings; any number is taken, they repeat.

    Raises:
        InputError: a name or question with signs that an instruction has no way to hold.
    """
    wordings = WORDINGS[task.kind]
    parts = {
        "class": f"{{{', '.join(f'{_quote(one.name)}: <c{one.token}>' for one in task.entries)}}}",
        "points": str(task.points),
        "range": f"<p-{task.reach}> to <p{task.reach}>",
        "length": "long" if task.is_long else "short",
        "question": _quote(task.question),
    }
    if task.kind in SET_KINDS:
        parts["format"] = ", ".join(["c", *slots_of(task.points)[1:]])
    # In one pass, so that "<points>" within a name stays a name.
    return _PLACE.sub(lambda found: parts[found[1]], wordings[wording % len(wordings)])


def _quote(words: str) -> str:
    """Words in quotation marks that they do not hold themselves."""
    marks = [mark for mark in "\"'" if mark not in words]
    if not marks or set(words) & set("{}"):
        raise InputError(
            f"{words[:60]!r} cannot stand in an instruction: leave out braces, and use one kind of "
            "quotation mark at most."
        )
    return f"{marks[0]}{words}{marks[0]}"
