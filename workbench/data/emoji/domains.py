"""How pictures of the emoji world look: as in pre-training, or shifted."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import UnknownNameError


@dataclass(frozen=True)
class Domain:
    """What is done to a drawing before it is seen.

    Args:
        name: what it is asked for by.
        summary: one sentence for people.
        scale: smallest and largest size of the drawing, 1 fills the picture.
        rotation: largest turn either way, in radians.
        shift: largest shift either way, in half pictures.
        colour_loss: largest share of its colour that a picture loses, drawn uniformly.
        occluder: side of the box that hides a part, in pictures; it may fall outside.
        noise: standard deviation of the pixel noise, where white is 1.
        grey: whether all colour is lost.
    """

    name: str
    summary: str
    scale: tuple[float, float] = (0.5, 1.15)
    rotation: float = 0.7
    shift: float = 0.4
    colour_loss: float = 1.0
    occluder: float = 0.45
    noise: float = 0.15
    grey: bool = False


DOMAINS = (
    Domain("colour", "Pictures as in pre-training."),
    Domain("grey", "Grey-scale pictures; pre-training saw mostly coloured ones.", grey=True),
    Domain("noise", "More noise than pre-training had.", noise=0.22),
)
PRETRAINING = DOMAINS[0]


def find_domain(name: str) -> Domain:
    """A domain by its name.

    Raises:
        UnknownNameError: no such domain; names the nearest.
    """
    for domain in DOMAINS:
        if domain.name == name:
            return domain
    raise UnknownNameError.of("domain", name, [domain.name for domain in DOMAINS])
