"""The scene of one step: what can be taken, where it can go, and what was chosen."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.figures.grounded.scene import add_scene
from workbench.figures.grounded.wording import join
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.grounded.decoder import Decoded
from workbench.methods.grounded.one_step import TrieResult
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import PLACES, skills_of


def draw_table(result: TrieResult) -> LiveFigure:
    """The scene, with arrows for the grounded command and for the model's own."""
    figure = go.Figure().set_subplots(1, 1)
    world = result.world
    add_scene(figure, [world], "", side_px=470)
    said = []
    for decoded, colour, name in (
        (result.alone, PALETTE["baseline"], "language model alone"),
        (result.greedy, PALETTE["vermilion"], "grounded"),
    ):
        if decoded.skill is None:
            continue
        command = result.scores.trie.skills[decoded.skill]
        said.append((name, command))
        if isinstance(world, Tabletop):
            _add_arrow(figure, world, command, colour, name)
    figure.update_layout(template=TEMPLATE, height=540, margin={"l": 16, "r": 16, "t": 44, "b": 16})
    commands = " ".join(f"The {name} writes “{command}”." for name, command in said)
    blocked = ""
    if isinstance(world, Tabletop):
        lost = [n for n in _named(result.alone, result) if n not in world.describe().split(", ")]
        lost = [name for name in lost if name not in PLACES]
        blocked = f"There is no {lost[0]} here." if lost else ""
    words = join(
        [
            commands[:1].upper() + commands[1:],
            blocked,
            "The model never sees the scene; lay your own table and its bars do not move.",
        ]
    )
    return LiveFigure(figure, words=words)


def _named(decoded: Decoded, result: TrieResult) -> tuple[str, ...]:
    world = result.world
    if decoded.skill is None or not isinstance(world, Tabletop):
        return ()
    return skills_of(world.domain).get(result.scores.trie.skills[decoded.skill], ())


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
