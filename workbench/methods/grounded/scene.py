"""The parameters that several studies share: which scene, which instruction, which grounders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from workbench.composed import chips
from workbench.errors import InputError, UnknownNameError
from workbench.methods.grounded.episode import STEP_LIMIT, Settings
from workbench.methods.grounded.grounders import Mix
from workbench.methods.grounded.rules import VOCABULARIES, Rules
from workbench.methods.grounded.trie import MODE_NAMES, MODES
from workbench.methods.grounded.worlds import catalog
from workbench.methods.grounded.worlds.board import pieces_of, world_of
from workbench.methods.grounded.worlds.grid import GridWorld
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import DOMAINS
from workbench.methods.grounded.worlds.world import DONE_VALUE, FREE, Task, World
from workbench.params import Board, Chips, Choice, Flag, Model, Range, Text

WORLD_NAMES: Final = {
    "tabletop": "Table",
    "pairs": "Three pairs",
    "maze": "Maze",
    "kitchen": "Kitchen",
}
MAZE_STEP_LIMIT: Final = 16


def _options() -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = [(world, name) for world, names in catalog.TEMPLATES.items() for name in names]
    options = tuple(name if world == "tabletop" else f"{world}.{name}" for world, name in found)
    shown = tuple(f"{WORLD_NAMES[world]}: {name.replace('_', ' ')}" for world, name in found)
    return options, shown


_OPTIONS, _SHOWN = _options()
TASK: Final = Choice(_OPTIONS, "Task", names=_SHOWN)
MODEL: Final = Model("causal-lm", "Language model")
DEFAULT_MODEL: Final = "smollm2-135m-instruct"


@dataclass(frozen=True, slots=True)
class Scene:
    """Which scene and which instruction."""

    task: Annotated[str, TASK] = "brown_box"
    scene: Annotated[int, Range(0, 99, 1, "Scene", help="Each number is another scene.")] = 0
    instruction: Annotated[
        str,
        Text("Instruction", max_chars=200, help="In any words; empty takes the task's own."),
    ] = ""
    board: Annotated[
        str,
        Board(
            "Your own table",
            (*pieces_of("boxes"), *pieces_of("blocks")),
            max_items=24,
            help="For tasks with boxes, or with blocks and bowls. Empty takes the scene above.",
        ),
    ] = ""
    taken: Annotated[
        str,
        Chips(
            "Taken away or shut",
            max_items=12,
            max_chars=40,
            help="Things that somebody takes off a table; doors of a maze that somebody shuts.",
            can_lock=False,
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class Grounded(Scene):
    """Which scene and instruction, which grounders and how they are combined."""

    affordance: Annotated[bool, Flag("Affordance: can it be done now?")] = True
    safety: Annotated[bool, Flag("Safety: no knife, nothing red")] = True
    habit: Annotated[
        bool,
        Flag(
            "Habit: leave alone what was put away",
            help="As a policy trained on demonstrations would. Tables only.",
        ),
    ] = True
    done: Annotated[
        float,
        Range(
            0.05,
            1.0,
            0.05,
            "Value of “done”",
            help="Our choice: the paper does not say what grounds it. 1 leaves it to the model.",
        ),
    ] = DONE_VALUE
    preferred: Annotated[
        str,
        Chips(
            "Preferred things",
            max_items=4,
            max_chars=40,
            help="Valued 0.5, the rest 0.1.",
            can_lock=False,
        ),
    ] = ""
    noise: Annotated[
        float,
        Range(0.0, 1.0, 0.05, "Noise of the affordance", help="A policy that misjudges."),
    ] = 0.0
    strength: Annotated[
        float,
        Range(0.0, 3.0, 0.1, "Strength λ of the scene", help="0: language alone; 1: the paper."),
    ] = 1.0
    mode: Annotated[str, Choice(MODES, "Value of half a command", names=MODE_NAMES)] = "max"
    vocabulary: Annotated[
        str,
        Choice(
            VOCABULARIES,
            "Tokens outside the list",
            names=("kept, at a small value", "masked"),
            help="Kept as in the paper; masked, the model can only choose skills.",
        ),
    ] = "open"
    model: Annotated[str, MODEL] = DEFAULT_MODEL


def open_scene(params: Scene, *, reliability: float = 1.0) -> tuple[World, Task]:
    """The first state and the task that some parameters name.

    Raises:
        InputError: a board or a removed thing in a world that has none, or an unknown piece.
        AssetError: a maze, without the package that holds them.
    """
    world_name, dot, template = params.task.partition(".")
    if not dot:
        world_name, template = "tabletop", params.task
    world, task = catalog.sample(world_name, template, params.scene, reliability=reliability)
    if params.board and not isinstance(world, Tabletop):
        raise InputError("Only tables can be laid; choose a task of a table, or empty the board.")
    if params.board and isinstance(world, Tabletop):
        world = world_of(params.board, world.domain, reliability)
    world = meddle(world, params.taken)
    if params.instruction.strip():
        said = " ".join(params.instruction.split())
        task = task if said == task.instruction else Task(FREE, said)
    return world, task


def meddle(world: World, taken: str) -> World:
    """A state after somebody took things off a table, or shut doors of a maze.

    Args:
        world: the state.
        taken: value of a ``Chips`` parameter: names of things or doors.

    Raises:
        InputError: a world in which nothing can be taken or shut, or a maze without such a door.
        UnknownNameError: no table ever holds such a thing; names the nearest.
    """
    for chip in chips(taken):
        if isinstance(world, Tabletop):
            known = {name for domain in DOMAINS.values() for name in domain.things}
            if chip.text not in known:  # another scene's thing is only not there
                raise UnknownNameError.of("thing", chip.text, known)
            world = world.without(chip.text)
        elif isinstance(world, GridWorld):
            world = world.shut(chip.text)
        else:
            raise InputError(
                "Nothing can be taken away in the kitchen; choose a table or a maze, or empty "
                "what is taken away."
            )
    return world


def settings_of(params: Grounded, method: str = "greedy", width: int = 4) -> Settings:
    """How every step is chosen under some parameters."""
    return Settings(
        method=method,
        rules=Rules(vocabulary=params.vocabulary, strength=params.strength),
        mix=mix_of(params),
        mode=params.mode,
        width=width,
        step_limit=MAZE_STEP_LIMIT if params.task.startswith("maze.") else STEP_LIMIT,
    )


def mix_of(params: Grounded) -> Mix:
    """Which grounders are on under some parameters."""
    preferred = tuple(chip.text for chip in chips(params.preferred))
    return Mix(
        affordance=params.affordance,
        safety=params.safety,
        preference=bool(preferred),
        habit=params.habit,
        done=params.done,
        preferred=preferred,
        noise=params.noise,
    )
