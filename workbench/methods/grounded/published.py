"""The tables of the paper: Huang et al. 2023, arXiv:2303.00855 (success in percent).

Nothing here was measured by the workbench. The category means of the tabletop are computed from
the rows of the per-task table; the paper prints them rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True, slots=True)
class PublishedTask:
    """One row of the per-task table of the tabletop.

    Args:
        template: its name here.
        category: "letters", "blocks" or "boxes".
        is_seen: whether the policies were trained on it.
        greedy: success with greedy decoding, percent.
        beam: success with beam search, percent.
    """

    template: str
    category: str
    is_seen: bool
    greedy: int
    beam: int


TASKS: Final = tuple(
    PublishedTask(*row)
    for row in (
        ("alphabetical", "letters", True, 20, 40),
        ("spell_word", "letters", True, 60, 65),
        ("vowels", "letters", True, 50, 65),
        ("reverse_alphabetical", "letters", False, 25, 25),
        ("spell_sport", "letters", False, 30, 30),
        ("symmetric", "letters", False, 35, 50),
        ("consonants", "letters", False, 25, 25),
        ("letters_before", "letters", False, 70, 75),
        ("stack_all", "blocks", True, 75, 90),
        ("one_corner", "blocks", True, 45, 70),
        ("matching", "blocks", True, 60, 70),
        ("mismatched", "blocks", False, 30, 55),
        ("different_corners", "blocks", False, 50, 60),
        ("cool", "blocks", False, 70, 70),
        ("warm", "blocks", False, 45, 35),
        ("primary_left", "blocks", False, 25, 30),
        ("brown_box", "boxes", True, 100, 90),
        ("any_boxes", "boxes", True, 75, 70),
        ("snacks_right", "boxes", True, 40, 55),
        ("picnic", "boxes", True, 100, 95),
    )
)
METHODS: Final = ("CLIPort, short", "CLIPort, long", "language model", "greedy", "beam")
CATEGORIES: Final[dict[tuple[str, bool], tuple[int, ...]]] = {
    ("letters", True): (7, 40, 20, 43, 57),
    ("blocks", True): (2, 62, 35, 60, 77),
    ("boxes", True): (15, 28, 11, 79, 78),
    ("letters", False): (6, 10, 19, 37, 41),
    ("blocks", False): (6, 10, 28, 44, 50),
}
"""Printed means by category and whether it was seen, in the order of ``METHODS``."""
MAZE_METHODS: Final = ("PPO", "hierarchical RL", "language model", "greedy", "beam")
MAZES: Final[dict[str, tuple[int, ...]]] = {
    "easy": (28, 68, 96, 100, 100),
    "medium": (13, 48, 87, 93, 97),
    "hard": (6, 31, 54, 78, 88),
}
KITCHEN: Final[dict[str, tuple[tuple[int, int], tuple[int, int]]]] = {
    "unambiguous": ((85, 57), (85, 57)),
    "ambiguous": ((58, 44), (33, 25)),
}
"""Planning and execution of Grounded Decoding, then of SayCan."""
EFFICIENCY: Final[dict[str, tuple[int, float]]] = {
    "greedy": (50, 1.0),
    "beam": (60, 4.3),
    "SayCan": (64, 113.7),
}
"""Success in percent, and tokens as a multiple of greedy decoding's."""


def category_mean(category: str, is_seen: bool, method: str) -> float:
    """Mean of a category's rows of the per-task table, percent.

    Args:
        category: "letters", "blocks" or "boxes".
        is_seen: which half of it.
        method: "greedy" or "beam".
    """
    rows = [
        getattr(task, method)
        for task in TASKS
        if task.category == category and task.is_seen == is_seen
    ]
    return float(np.mean(rows))
