"""A policy that was shown how to put things away has seldom seen them taken out again.

Not named in arXiv:2303.00855: its affordance is the confidence of a policy trained on
demonstrations, which is low for what no demonstration does. The rule of the simulated table has no
such habit, so it is given one, as a grounder of its own that can be switched off. It is a function
of the state: what lies in a place, a box or a bowl, or on a block, was put there.
"""

from __future__ import annotations

import numpy as np

from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import skills_of

SELDOM = 1e-3
"""Value of picking up again what was put somewhere; above 0, so that it never rules out."""


def habit(world: Tabletop) -> np.ndarray:
    """``(skills,)`` ``SELDOM`` where every thing of the name was put somewhere already, else 1."""
    loose = {thing.name for thing in world.things if thing.on is None}
    return np.array(
        [1.0 if item in loose else SELDOM for item, _ in skills_of(world.domain).values()]
    )
