"""Colours and names that several figures of this method share."""

from __future__ import annotations

from workbench.figures.theme import PALETTE

METHOD_COLOURS = {
    "ungrounded": PALETTE["baseline"],
    "greedy": PALETTE["vermilion"],
    "beam": PALETTE["green"],
    "saycan": PALETTE["blue"],
    "saycan_shared": PALETTE["sky"],
}
METHOD_NAMES = {
    "ungrounded": "language model alone",
    "greedy": "grounded, greedy",
    "beam": "grounded, beam",
    "saycan": "SayCan",
    "saycan_shared": "SayCan, shared prefixes",
}
LANGUAGE, SCENE, PRODUCT = PALETTE["blue"], PALETTE["green"], PALETTE["vermilion"]
"""What the language model says, what the scene says, and both together."""
OUTCOME_COLOURS = {
    "success": PALETTE["green"],
    "planner": PALETTE["vermilion"],
    "policy": PALETTE["amber"],
    "limit": PALETTE["purple"],
}
OUTCOME_NAMES = {
    "success": "done",
    "planner": "wrong plan",
    "policy": "the hand failed",
    "limit": "ran out of steps",
}
