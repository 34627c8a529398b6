"""The losses: object or not, centre, class, offsets; the next word for texts.

arXiv:2305.11175, section 3.4: L_tok is a focal loss on objectness, whatever the class, and L1 on
the centre; L_dec is cross-entropy over the vocabulary of every slot, after matching. Ours, the
paper being silent: alpha 0.25 and gamma 2 of the focal loss, and the weights 2, 5, 1 and 0.5. Soft
targets of the offsets are a departure of ours (``soft_targets``), and so is the pointer, whose
cross-entropy is over the prompt's entries alone. The offsets' term is the mean over the slots times
four, so that a contour weighs as much as a box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from workbench.methods.visionllm.boxes import box_around, sort_corners
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.matching import Candidates, Truth, match
from workbench.methods.visionllm.soft_targets import SOFT_WIDTH
from workbench.training.visionllm.network import Seen, VisionLLM

FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0
OBJECT_WEIGHT, CENTRE_WEIGHT, CLASS_WEIGHT, OFFSET_WEIGHT = 2.0, 5.0, 1.0, 0.5


def set_loss(
    network: VisionLLM,
    seen: Seen,
    states: torch.Tensor,
    truths: Sequence[Truth],
    points: Sequence[np.ndarray],
    *,
    is_soft: bool,
) -> tuple[torch.Tensor, dict[str, float]]:
    """Loss of a batch of set tasks.

    Args:
        network: whose vocabulary is used.
        seen: the pictures.
        states: ``(b, M, 1 + 2N, d)`` of the slots.
        truths: of each picture.
        points: of each, ``(g, N, 2)``.
        is_soft: whether offsets have Gaussian targets instead of one token.

    Returns:
        The loss and its parts, each per object.
    """
    logits = network.class_logits(seen, states[:, :, 0])
    pairs = match_batch(network, seen, states, logits, truths)
    rows = torch.tensor([row for row, (mine, _) in enumerate(pairs) for _ in mine])
    mine = torch.tensor(np.concatenate([one for one, _ in pairs]))
    entries = np.concatenate(
        [truth.entries[theirs] for truth, (_, theirs) in zip(truths, pairs, strict=True)]
    )
    wanted = np.concatenate([one[theirs] for one, (_, theirs) in zip(points, pairs, strict=True)])
    boxes = np.concatenate(
        [truth.boxes[theirs] for truth, (_, theirs) in zip(truths, pairs, strict=True)]
    )
    device, dtype = states.device, states.dtype
    rows, mine = rows.long().to(device), mine.long().to(device)
    count = max(1, len(rows))
    is_object = torch.zeros_like(seen.objectness)
    is_object[rows, mine] = 1
    objects = focal_loss(seen.objectness, is_object) / count
    if not len(rows):
        return OBJECT_WEIGHT * objects, {"object": float(objects)}
    centres = torch.tensor((boxes[:, :2] + boxes[:, 2:]) / 2, dtype=dtype, device=device)
    own = seen.centres[rows, mine]
    centre = (own - centres).abs().sum() / count
    classes = _class_loss(network, seen, states, logits, (rows, mine, entries)) / count
    # No gradient through the centre: the target would move towards what was predicted.
    offsets = torch.tensor(wanted, dtype=dtype, device=device) - own.detach()[:, None]
    matched = states[rows, mine, 1:]
    offset = offset_loss(network, matched, offsets.flatten(1), is_soft=is_soft)
    loss = (
        OBJECT_WEIGHT * objects
        + CENTRE_WEIGHT * centre
        + CLASS_WEIGHT * classes
        + OFFSET_WEIGHT * 2 * BOX_POINTS * offset
    )
    parts = {"object": objects, "centre": centre, "class": classes, "offset": offset}
    return loss, {name: float(value.detach()) for name, value in parts.items()}


def focal_loss(logits: torch.Tensor, is_object: torch.Tensor) -> torch.Tensor:
    """Sum of the sigmoid focal loss (Lin et al. 2017, arXiv:1708.02002, eq. 5)."""
    plain = functional.binary_cross_entropy_with_logits(logits, is_object, reduction="none")
    probability = logits.sigmoid()
    of_truth = probability * is_object + (1 - probability) * (1 - is_object)
    weight = FOCAL_ALPHA * is_object + (1 - FOCAL_ALPHA) * (1 - is_object)
    return (weight * (1 - of_truth) ** FOCAL_GAMMA * plain).sum()


def offset_loss(
    network: VisionLLM, states: torch.Tensor, offsets: torch.Tensor, *, is_soft: bool
) -> torch.Tensor:
    """Mean cross-entropy of the location slots over the whole vocabulary.

    Args:
        network: whose vocabulary is used.
        states: ``(n, 2N, d)``.
        offsets: ``(n, 2N)`` in fractions of the side.
        is_soft: a Gaussian of 1.5 tokens around the exact offset, or the rounded token alone.
    """
    logs = network.vocabulary_logits(states).log_softmax(-1)
    first, reach = len(network.shape.words), network.shape.reach
    logs = logs[..., first : first + network.shape.locations]
    exact = (offsets * reach).clamp(-reach, reach) + reach
    if not is_soft:
        return -logs.gather(-1, exact.round().long()[..., None]).mean()
    numbers = torch.arange(network.shape.locations, device=logs.device, dtype=logs.dtype)
    weights = (-0.5 * ((numbers - exact[..., None]) / SOFT_WIDTH) ** 2).softmax(-1)
    return -(weights * logs).sum(-1).mean()


def text_loss(network: VisionLLM, seen: Seen, texts: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each next word, ``(b, t)`` with 0 after the end."""
    logits = network.vocabulary_logits(network.read_words(seen, texts[:, :-1]))
    return functional.cross_entropy(logits.flatten(0, 1), texts[:, 1:].flatten(), ignore_index=0)


@torch.no_grad()
def match_batch(
    network: VisionLLM,
    seen: Seen,
    states: torch.Tensor,
    logits: torch.Tensor,
    truths: Sequence[Truth],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which candidate answers for which object, in each picture; no gradient flows."""
    shape = network.shape
    tokens = network.location_logits(states[:, :, 1:]).argmax(-1) - shape.reach
    points = tokens.unflatten(-1, (-1, 2)) / shape.reach + seen.centres[:, :, None]
    logs, objectness, centres, found = (
        one.float().cpu().numpy()
        for one in (logits.log_softmax(-1), seen.objectness.sigmoid(), seen.centres, points)
    )
    boxes = box_around(found)
    if found.shape[2] == BOX_POINTS:
        boxes = sort_corners(found).reshape(boxes.shape)
    return [
        match(Candidates(logs[row], objectness[row], centres[row], boxes[row]), truth)
        for row, truth in enumerate(truths)
    ]


def _class_loss(
    network: VisionLLM,
    seen: Seen,
    states: torch.Tensor,
    logits: torch.Tensor,
    matched: tuple[torch.Tensor, torch.Tensor, np.ndarray],
) -> torch.Tensor:
    """Sum over matched candidates: over the entries for the pointer, else over the vocabulary."""
    rows, mine, entries = matched
    target = torch.tensor(entries, device=states.device)
    if network.shape.class_head == "pointer":
        return functional.cross_entropy(logits[rows, mine], target, reduction="sum")
    every = network.vocabulary_logits(states[rows, mine, 0])
    tokens = len(network.shape.words) + network.shape.locations + seen.class_tokens[rows, target]
    return functional.cross_entropy(every, tokens, reduction="sum")
