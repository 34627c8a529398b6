"""The scene of one step: what can be taken, where it can go, and what was chosen."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.figures.grounded.frames import add_scene
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join
from workbench.methods.grounded.episode import describe
from workbench.methods.grounded.one_step import TrieResult
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import PLACES, skills_of


def draw_table(result: TrieResult) -> LiveFigure:
    """The scene, with arrows for the grounded command and for the model's own."""
    figure = go.Figure().set_subplots(1, 1)
    world = result.world
    add_scene(figure, [world], "", side_px=470)
    for decoded, colour, name in (
        (result.alone, PALETTE["baseline"], "language model alone"),
        (result.greedy, PALETTE["vermilion"], "grounded"),
    ):
        if decoded.skill is not None and isinstance(world, Tabletop):
            command = result.scores.trie.skills[decoded.skill]
            _add_arrow(figure, world, command, colour, name)
    figure.update_layout(template=TEMPLATE, height=540, margin={"l": 16, "r": 16, "t": 44, "b": 16})
    alone, grounded = (describe(result.scores, d) for d in (result.alone, result.greedy))
    here = world.describe().split(", ")
    lost = [name for name in _named(result) if name not in here and name not in PLACES]
    words = join(
        [
            f"Alone, the language model begins “{alone}”; grounded, it writes “{grounded}”."
            if alone != grounded
            else f"Alone and grounded, the language model writes “{alone}”.",
            f"There is no {lost[0]} here." if lost else "",
            "“" + alone + "” is no command that the robot knows." if result.alone.has_left else "",
            "The model never sees the scene: lay your own table and its probabilities do not move.",
        ]
    )
    return LiveFigure(figure, words=words)


def _named(result: TrieResult) -> tuple[str, ...]:
    """Things that the model's own command names."""
    world, skill = result.world, result.alone.skill
    if skill is None or not isinstance(world, Tabletop):
        return ()
    return skills_of(world.domain).get(result.scores.trie.skills[skill], ())


def _add_arrow(figure: go.Figure, world: Tabletop, command: str, colour: str, name: str) -> None:
    item, target = skills_of(world.domain).get(command, ("", ""))
    at = {thing.name: (thing.x, thing.y) for thing in world.things} | PLACES
    if item not in at or target not in at:
        return
    start, end = at[item], at[target]
    figure.add_scatter(
        x=[start[0], end[0]],
        y=[start[1], end[1]],
        mode="lines+markers",
        name=name,
        line={"color": colour, "width": 3},
        marker={"symbol": "arrow", "size": [0, 18], "angleref": "previous", "color": colour},
        hoverinfo="skip",
        row=1,
        col=1,
    )
