"""Pictures and an instruction in, answers out: what the model server and the measurements share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from workbench.methods.visionllm.decoding import Slots
from workbench.methods.visionllm.task import Task
from workbench.training.visionllm.network import Seen, VisionLLM
from workbench.training.visionllm.prompts import build_prompts
from workbench.training.visionllm.shape import BEGIN, END

AT_ONCE = 64
"""Pictures in one pass."""


@dataclass(frozen=True)
class Options:
    """What may be switched when a trained network is asked.

    Args:
        use_language: whether the picture is looked at with the prompt in mind.
        inside_tuple: whether the slots of a candidate see each other.
        one_by_one: slot after slot instead of all at once.
    """

    use_language: bool = True
    inside_tuple: bool = True
    one_by_one: bool = False


@dataclass(frozen=True, eq=False)
class Written:
    """A text that was written.

    Args:
        text: its words.
        probabilities: ``(t,)`` of each word, the end sign included when it was reached.
    """

    text: str
    probabilities: np.ndarray


def fit_picture(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """A picture of any size as the network sees it: scaled to a square, ``(s, s, 3)`` uint8.

    Both sides are scaled by themselves, so places in fractions of the sides stay what they are.
    """
    if pixels.shape[:2] == (side_px, side_px):
        return pixels
    picture = Image.fromarray(pixels).resize((side_px, side_px), Image.Resampling.LANCZOS)
    return np.asarray(picture)


@torch.no_grad()
def look(network: VisionLLM, pictures: np.ndarray, tasks: Sequence[Task], options: Options) -> Seen:
    """Look at pictures with a prompt each.

    Args:
        network: in evaluation mode.
        pictures: ``(b, s, s, 3)`` uint8 of the network's own side.
        tasks: of each picture.
        options: switches.
    """
    device = next(network.parameters()).device
    prompts = build_prompts(tasks, network.shape).to(str(device))
    pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2)
    return network.look(pixels, prompts, use_language=options.use_language)


@torch.no_grad()
def fill_slots(
    network: VisionLLM, pictures: np.ndarray, tasks: Sequence[Task], options: Options | None = None
) -> list[Slots]:
    """Answers to set tasks of one format, as probabilities slot by slot.

    Args:
        network: in evaluation mode.
        pictures: ``(n, s, s, 3)`` uint8 of the network's own side.
        tasks: of each picture, all of one number of points.
        options: switches.

    Returns:
        Of each picture.
    """
    options = options or Options()
    answers: list[Slots] = []
    for start in range(0, len(tasks), AT_ONCE):
        part = tasks[start : start + AT_ONCE]
        seen = look(network, pictures[start : start + AT_ONCE], part, options)
        answers += read_slots(network, seen, part, states_of(network, seen, part[0], options))
    return answers


@torch.no_grad()
def states_of(network: VisionLLM, seen: Seen, task: Task, options: Options) -> torch.Tensor:
    """States of every slot, ``(b, M, 1 + 2N, d)``."""
    if options.one_by_one:
        return network.fill_one_by_one(seen, task.points, inside_tuple=options.inside_tuple)[0]
    return network.fill(seen, task.points, inside_tuple=options.inside_tuple)


@torch.no_grad()
def read_slots(
    network: VisionLLM, seen: Seen, tasks: Sequence[Task], states: torch.Tensor
) -> list[Slots]:
    """Probabilities of every slot, masked to the tokens it may hold."""
    arrays = (
        seen.objectness.sigmoid(),
        seen.centres,
        network.class_logits(seen, states[:, :, 0]).softmax(-1),
        network.location_logits(states[:, :, 1:]).softmax(-1),
    )
    objectness, centres, classes, locations = (one.float().cpu().numpy() for one in arrays)
    return [
        Slots(objectness[row], centres[row], classes[row][:, : len(task.entries)], locations[row])
        for row, task in enumerate(tasks)
    ]


@torch.no_grad()
def write_texts(
    network: VisionLLM, pictures: np.ndarray, tasks: Sequence[Task], options: Options | None = None
) -> list[Written]:
    """Captions and answers, the likeliest word each time, from <bos> to <eos>.

    Args:
        network: in evaluation mode.
        pictures: ``(n, s, s, 3)`` uint8 of the network's own side.
        tasks: of each picture.
        options: switches.
    """
    written: list[Written] = []
    for start in range(0, len(tasks), AT_ONCE):
        part = tasks[start : start + AT_ONCE]
        seen = look(network, pictures[start : start + AT_ONCE], part, options or Options())
        written += _write(network, seen)
    return written


def _write(network: VisionLLM, seen: Seen) -> list[Written]:
    words = network.shape.words
    begin, end = words.index(BEGIN), words.index(END)
    count = len(seen.memory)
    text = torch.full((count, 1), begin, dtype=torch.int64, device=seen.memory.device)
    sure: list[torch.Tensor] = []
    for _ in range(network.shape.text_tokens - 1):
        logits = network.vocabulary_logits(network.read_words(seen, text)[:, -1])
        logits = logits[:, : len(words)]  # words only: neither locations nor classes
        logits[:, :end] = -torch.inf  # nor padding and <bos>
        best = logits.softmax(-1).max(-1)
        text = torch.cat([text, best.indices[:, None]], 1)
        sure.append(best.values)
        if bool((text == end).any(1).all()):
            break
    rows, probabilities = text[:, 1:].tolist(), torch.stack(sure, 1).float().cpu().numpy()
    lengths = [row.index(end) if end in row else len(row) for row in rows]
    return [
        Written(" ".join(words[one] for one in row[:length]), probabilities[number, : length + 1])
        for number, (row, length) in enumerate(zip(rows, lengths, strict=True))
    ]
