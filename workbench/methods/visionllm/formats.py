"""What a decoder is to fill in: the slots of one answer, in order.

Wang et al. 2023, arXiv:2305.11175, section 3.3: the language model first parses the instruction
into a template, and the template's own tokens are the queries of the decoder.
"""

from __future__ import annotations

from workbench.errors import InputError

BOX_POINTS = 2
FEWEST_POINTS, MOST_POINTS = 8, 24
"""Of a contour; the paper trains on 8 to 24."""
CLASS_SLOT = "cls"
TEXT_SLOT = "bos"


def slots_of(points: int) -> tuple[str, ...]:
    """Slots of a tuple (class, points): ``cls, x1, y1, …, xN, yN``.

    Args:
        points: N, 2 for the corners of a box, or 8 to 24 for a contour.

    Raises:
        InputError: another number of points.
    """
    check_points(points)
    return (CLASS_SLOT, *(f"{axis}{place}" for place in range(1, points + 1) for axis in "xy"))


def template(slots: tuple[str, ...]) -> str:
    """The slots as the paper writes them: ``<cls> <x1> <y1> <x2> <y2>``."""
    return " ".join(f"<{slot}>" for slot in slots)


def check_points(points: int) -> None:
    """Refuse a number of points that no format has.

    Raises:
        InputError: not 2 and not 8 to 24.
    """
    if points != BOX_POINTS and not FEWEST_POINTS <= points <= MOST_POINTS:
        raise InputError(
            f"A format of {points} points; give {BOX_POINTS} for the corners of a box, or "
            f"{FEWEST_POINTS} to {MOST_POINTS} for a contour."
        )
