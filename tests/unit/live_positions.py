"""Every position of a study's live controls, as its figures must carry them."""

from __future__ import annotations

from workbench.params import Choice, Flag, Range, fields_of


def every_position(params_type: type) -> dict[str, list]:
    """Positions by name, in slider order."""
    found: dict[str, list] = {}
    for field in fields_of(params_type):
        match field.kind:
            case Range(live=True) as kind:
                found[field.name] = kind.positions()
            case Choice(live=True) as kind:
                found[field.name] = list(kind.options)
            case Flag(live=True):
                found[field.name] = [False, True]
            case _:
                pass
    return found
