"""Every position of the controls that redraw a figure without a request."""

from __future__ import annotations

from workbench.figures.live import Position
from workbench.params import Choice, Flag, Range, fields_of


def live_axes(params_type: type) -> dict[str, list[Position]]:
    """The axes of a study's live figures: each live parameter's positions, as declared.

    Args:
        params_type: the study's dataclass of parameters.

    Returns:
        Positions by name, in slider order; parameters that are not live are left out.
    """
    axes: dict[str, list[Position]] = {}
    for field in fields_of(params_type):
        match field.kind:
            case Range(live=True) as kind:
                whole = field.type is int
                axes[field.name] = [int(p) if whole else p for p in kind.positions()]
            case Choice(live=True) as kind:
                axes[field.name] = list(kind.options)
            case Flag(live=True):
                axes[field.name] = [False, True]
            case _:
                pass
    return axes
