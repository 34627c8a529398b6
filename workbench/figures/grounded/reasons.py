"""Why the scene gives a token little, in words."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.figures.grounded.wording import show_text
from workbench.methods.grounded.episode import Step
from workbench.methods.grounded.moments import Moment, blame, skills_ahead
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import PLACES, skills_of
from workbench.methods.grounded.worlds.world import DONE, World

SOFT = 0.02
"""From this value on a scene is taken to rule nothing out, only to like something else better."""
REASONS = {
    "affordance": "nothing that goes on so can be done now",
    "safety": "what goes on so is a hazard, a knife or something red",
    "preference": "what goes on so is not preferred",
    "habit": "what goes on so takes out again what was put away",
    "": "no command goes on so",
}


def say_why(step: Step, moment: Moment, row: int) -> str:
    """What stands against a candidate.

    Args:
        step: the step that the moment belongs to.
        moment: one of its tokens.
        row: of the candidate.
    """
    ahead = [step.grounding.skills[number] for number in skills_ahead(step, moment, row)]
    if ahead == [DONE]:
        return "something can still be done"
    if ahead and moment.grounding[row] >= SOFT:
        return "what goes on so is worth less now"
    grounder = blame(step, moment, row)
    missing = _missing(step.world, ahead) if grounder == "affordance" else ""
    return f"there is no {show_text(missing)} here" if missing else REASONS[grounder]


def _missing(world: World, commands: Sequence[str]) -> str:
    """The one thing that every command names and that is not on the table."""
    if not isinstance(world, Tabletop):
        return ""
    named = skills_of(world.domain)
    here = {thing.name for thing in world.things} | set(PLACES)
    shared = set.intersection(*(set(named.get(command, ())) for command in commands)) - here
    return min(shared, default="")
