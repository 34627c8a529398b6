"""Instructions in words: several wordings of each task, and one written for a task.

The wordings are our own, after the kind of sentence that the paper shows; it expands its seeds
with a language model (arXiv:2305.11175, section 3.4 and appendix).
"""

from __future__ import annotations

from workbench.methods.visionllm.formats import slots_of
from workbench.methods.visionllm.task import SET_KINDS, Kind, Task

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
        'The image is <image>. Answer the question: "<question>"',
        'Look at the image <image> and answer this question: "<question>"',
    ),
}


def write_instruction(task: Task, wording: int = 0) -> str:
    """The words of a task; ``parse_instruction`` reads them back.

    Args:
        task: what to ask for.
        wording: which of the task's wordings; any number is taken, they repeat.
    """
    wordings = WORDINGS[task.kind]
    text = wordings[wording % len(wordings)]
    if task.kind not in SET_KINDS:
        length = "long" if task.is_long else "short"
        return text.replace("<length>", length).replace("<question>", task.question)
    dictionary = ", ".join(f'"{entry.name}": <c{entry.token}>' for entry in task.entries)
    return (
        text.replace("<class>", f"{{{dictionary}}}")
        .replace("<points>", str(task.points))
        .replace("<range>", f"<p-{task.reach}> to <p{task.reach}>")
        .replace("<format>", ", ".join(["c", *slots_of(task.points)[1:]]))
    )
