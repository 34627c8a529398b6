"""The beam as a tree: what was kept at each token, what was cut, and who wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.wording import say_value, show_token
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join
from workbench.methods.grounded.decoder import Beam, Decoded
from workbench.methods.grounded.one_step import BeamResult
from workbench.methods.grounded.scores import LanguageScores

CUT_SHOWN = 3
"""So many of those that were cut are drawn at each token, the best ones."""


@dataclass
class Points:
    """Nodes of one kind."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    hover: list[str] = field(default_factory=list)

    def add(self, x: float, y: float, text: str, hover: str) -> None:
        self.x.append(x)
        self.y.append(y)
        self.text.append(text)
        self.hover.append(hover)


@dataclass
class Drawn:
    """One search as points and edges."""

    kept: Points = field(default_factory=Points)
    cut: Points = field(default_factory=Points)
    ended: Points = field(default_factory=Points)
    edges: Points = field(default_factory=Points)
    winner: Points = field(default_factory=Points)
    greedy: Points = field(default_factory=Points)


def draw_beam(result: BeamResult) -> LiveFigure:
    """The tree of both searches, with the winner's path and greedy decoding's."""
    scores, beams, greedy = result.scores, result.beams, result.greedy
    axis = "combination"
    drawn = {name: _search(scores, beam, greedy) for name, beam in beams.items()}
    first = next(iter(drawn.values()))
    figure = go.Figure()
    line = {"mode": "lines", "hoverinfo": "skip"}
    styles = {
        "edges": line
        | {"line": {"color": PALETTE["grid"], "width": 1}, "showlegend": False, "name": "kept"},
        "winner": line
        | {"line": {"color": PALETTE["green"], "width": 4.5}, "name": "beam's choice"},
        "greedy": line
        | {
            "line": {"color": PALETTE["vermilion"], "width": 2.5, "dash": "dot"},
            "name": "greedy's",
        },
        "cut": _dots("cut off", PALETTE["baseline"], 6, "x-thin-open"),
        "kept": _dots("kept", PALETTE["blue"], 9, "circle"),
        "ended": _dots("finished", PALETTE["green"], 13, "star"),
    }
    slots: list[Slot] = []
    for kind, style in styles.items():
        number = len(list(figure.data))
        points = getattr(first, kind)
        extra = {"text": points.text, "hovertext": points.hover} if "marker" in style else {}
        figure.add_scatter(x=points.x, y=points.y, **extra, **style)
        slots += _slots(number, axis, [getattr(d, kind) for d in drawn.values()], bool(extra))
    every = [p for d in drawn.values() for p in (d.kept, d.cut, d.ended)]
    figure.update_layout(template=TEMPLATE, height=520, margin={"l": 70, "r": 20, "t": 50, "b": 56})
    figure.update_xaxes(
        title_text="tokens written",
        range=[-0.4, max(max(p.x, default=1.0) for p in every) + 0.7],
        dtick=1,
        showgrid=False,
    )
    figure.update_yaxes(
        title_text="place in the beam",
        range=[max(max(p.y, default=1.0) for p in every) + 0.6, 0.4],
        dtick=1,
        showgrid=False,
    )
    words = [_words(scores, name, beam, greedy) for name, beam in beams.items()]
    return LiveFigure(figure, {axis: [*beams]}, tuple(slots), Slot("", (axis,), words))


def _dots(name: str, colour: str, size: int, symbol: str) -> dict:
    line = {"width": 1.5, "color": colour}
    return {
        "mode": "markers+text",
        "name": name,
        "textposition": "top center",
        "textfont": {"size": 11},
        "cliponaxis": False,
        "marker": {"color": colour, "size": size, "symbol": symbol, "line": line},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _slots(number: int, axis: str, kinds: Sequence[Points], has_text: bool) -> list[Slot]:
    room = max(len(points.x) for points in kinds)

    def pad(values: list, empty: object) -> list:
        return [*values, *[empty] * (room - len(values))]

    found: list[Slot] = []
    for part in ("x", "y"):
        rows = [pad(getattr(points, part), np.nan) for points in kinds]
        found.append(Slot(f"data[{number}].{part}", (axis,), np.array(rows, dtype=float)))
    if has_text:
        found += [
            Slot(f"data[{number}].{path}", (axis,), [pad(getattr(p, part), "") for p in kinds])
            for path, part in (("text", "text"), ("hovertext", "hover"))
        ]
    return found


def _search(scores: LanguageScores, beam: Beam, greedy: Decoded) -> Drawn:
    drawn = Drawn()
    # alive hypotheses of the level before: nodes so far, place on the figure
    alive: list[tuple[tuple[int, ...], tuple[float, float]]] = [((), (0.0, 1.0))]
    best, plain = beam.best.nodes, greedy.nodes
    for step, level in enumerate(beam.levels, start=1):
        following = []
        for place in range(min(level.kept + CUT_SHOWN, len(level.score))):
            nodes, start = alive[int(level.candidates.parent[place])]
            is_out = bool(level.candidates.is_outside[place])
            node = int(level.candidates.node[place])
            token = scores.texts.get(int(level.candidates.token[place]), "")
            here = (float(step), float(place + 1))
            is_kept, ends = place < level.kept, bool(level.is_finished[place])
            hover = f"{show_token(scores.text_of_path(node) if not is_out else token)}<br>" + (
                f"log score {level.score[place]:.2f}"
            )
            points = drawn.cut if not is_kept else drawn.ended if ends else drawn.kept
            points.add(*here, show_token(token) if is_kept else "", hover)
            if not is_kept:
                continue
            reached = nodes if is_out else (*nodes, node)
            _stroke(drawn.edges, start, here)
            for path, points in ((best, drawn.winner), (plain, drawn.greedy)):
                if not is_out and path[:step] == reached:
                    _stroke(points, start, here)
            if not is_out and not ends:
                following.append((reached, here))
        alive = following
    return drawn


def _stroke(points: Points, start: tuple[float, float], end: tuple[float, float]) -> None:
    points.x += [start[0], end[0], np.nan]
    points.y += [start[1], end[1], np.nan]


def _words(scores: LanguageScores, name: str, beam: Beam, greedy: Decoded) -> str:
    best = scores.text_of_path(beam.best.nodes[-1]).strip() if beam.best.nodes else ""
    plain = scores.text_of_path(greedy.nodes[-1]).strip() if greedy.nodes else ""
    cost = beam.best.tokens_scored / max(greedy.tokens_scored, 1)
    shared = next(
        (i for i, (a, b) in enumerate(zip(beam.best.nodes, greedy.nodes, strict=False)) if a != b),
        min(len(beam.best.nodes), len(greedy.nodes)),
    )
    verdict = (
        f"The beam's choice is greedy decoding's: “{best}”."
        if best == plain
        else f"They part at token {shared + 1}: the beam finishes “{best}”, greedy decoding "
        f"“{plain}”, a log score of {beam.best.score:.2f} against {greedy.score:.2f}."
    )
    rule = {
        "paper": "Each prefix's value counts, so early words are counted again and again.",
        "telescoped": "Only the value of the whole command counts in the end.",
    }.get(name, "")
    times = "as many tokens as" if cost == 1 else f"{say_value(cost)} times the tokens of"
    return join([verdict, rule, f"The beam read {times} greedy."])
