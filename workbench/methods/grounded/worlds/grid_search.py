"""Shortest ways through a maze: breadth-first search over places and headings.

MiniGrid's own rules: turning left, turning right and stepping forward each take one action.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE = range(6)
STEPS: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Change of (column, row) for headings east, south, west, north: MiniGrid's numbers."""

Pose = tuple[int, int, int]
Cell = tuple[int, int]


@dataclass(frozen=True)
class Reach:
    """Every pose that can be reached, with the way to it.

    Args:
        start: column, row, heading.
        steps: fewest actions to each pose.
        before: the pose before each, and the action that leaves it.
    """

    start: Pose
    steps: dict[Pose, int]
    before: dict[Pose, tuple[Pose, int]]

    def way(self, pose: Pose) -> tuple[int, ...]:
        """Actions from the start to a pose, a shortest way."""
        actions: list[int] = []
        while pose != self.start:
            pose, action = self.before[pose]
            actions.append(action)
        return tuple(reversed(actions))

    def facing(self, cell: Cell) -> Pose | None:
        """The nearest pose that looks at a cell from beside it; None if there is none."""
        poses = ((cell[0] - dx, cell[1] - dy, heading) for heading, (dx, dy) in enumerate(STEPS))
        reached = [pose for pose in poses if pose in self.steps]
        return min(reached, key=lambda pose: (self.steps[pose], pose), default=None)


def search(free: np.ndarray, start: Pose) -> Reach:
    """Find every pose that can be reached.

    Args:
        free: ``(columns, rows)`` bool, cells that can be entered; the start counts as free.
        start: column, row, heading.
    """
    columns, rows = free.shape
    steps: dict[Pose, int] = {start: 0}
    before: dict[Pose, tuple[Pose, int]] = {}
    queue = deque([start])
    while queue:
        x, y, heading = pose = queue.popleft()
        dx, dy = STEPS[heading]
        following = [((x, y, (heading - 1) % 4), LEFT), ((x, y, (heading + 1) % 4), RIGHT)]
        if 0 <= x + dx < columns and 0 <= y + dy < rows and free[x + dx, y + dy]:
            following.append(((x + dx, y + dy, heading), FORWARD))
        for after, action in following:
            if after not in steps:
                steps[after] = steps[pose] + 1
                before[after] = (pose, action)
                queue.append(after)
    return Reach(start, steps, before)
