"""The skill trie: how the language model splits at each word, and what the scene still allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.tree_layout import Layout, choose_leaves, lay_out
from workbench.figures.grounded.wording import say_value, show_token
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_percent, shorten
from workbench.methods.grounded.decoder import Decoded
from workbench.methods.grounded.episode import describe
from workbench.methods.grounded.one_step import TrieResult
from workbench.methods.grounded.scores import LanguageScores

LEAVES = 22
ALLOWED = [[0.0, "#c9c4b8"], [0.02, "#c9c4b8"], [1.0, PALETTE["green"]]]
"""Colours of p_G: grey where nothing ahead is possible."""


def draw_trie(result: TrieResult) -> LiveFigure:
    """Branches sized by the language model's probability, coloured by p_G, with both paths."""
    axis = "token"
    positions = [int(p) for p in live_axes(type(result.params))[axis]]
    scores = result.scores
    leaves = choose_leaves(scores, result.values, LEAVES)
    paths = [d.nodes for d in (result.greedy, result.alone) if d.nodes]
    ends = [p[-1] for p in paths if scores.trie.child_count[p[-1]] == 0]
    layout = lay_out(scores, list(dict.fromkeys([*ends, *leaves.tolist()])))
    figure = go.Figure()
    figure.add_scatter(
        **_edges(layout, range(1, len(layout.last))),
        mode="lines",
        line={"color": PALETTE["grid"], "width": 1},
        opacity=0.55,
        hoverinfo="skip",
        showlegend=False,
    )
    slots = []
    for decoded, name, colour, width, dash in (
        (result.alone, "language model alone", PALETTE["baseline"], 2.5, "dot"),
        (result.greedy, "grounded", PALETTE["vermilion"], 4, "solid"),
    ):
        number = len(list(figure.data))
        drawn = [_walked(layout, scores, decoded, count) for count in positions]
        edges = [_edges(layout, branches, len(drawn[-1])) for branches in drawn]
        figure.add_scatter(
            **edges[-1],
            mode="lines",
            name=name,
            line={"color": colour, "width": width, "dash": dash},
            hoverinfo="skip",
        )
        slots += [
            Slot(f"data[{number}].{part}", (axis,), np.array([e[part] for e in edges]))
            for part in ("x", "y")
        ]
    figure.add_scatter(**_branches(layout, result), mode="markers+text", showlegend=False)
    deepest = float(layout.x.max())
    figure.update_layout(template=TEMPLATE, height=580, margin={"l": 16, "r": 16, "t": 44, "b": 16})
    figure.update_xaxes(visible=False, range=[-0.12, deepest + 0.75])
    figure.update_yaxes(visible=False, range=[float(layout.y.max()) + 0.8, -1.0])
    words = Slot("", (axis,), each(lambda i: _words(result, positions[i]), len(positions)))
    return LiveFigure(figure, {axis: [*positions]}, tuple(slots), words)


def _branches(layout: Layout, result: TrieResult) -> dict:
    scores = result.scores
    chance = np.ones(len(layout.last))
    below = layout.above >= 0
    before = layout.last[layout.above[below]]
    chance[below] = np.exp(scores.log_prefix[layout.last[below]] - scores.log_prefix[before])
    values = result.values[layout.last]
    labels = [show_token(text.strip()) for text in layout.labels]
    return {
        "x": layout.x,
        "y": layout.y,
        "text": [_shorten(text) for text in labels],
        "textposition": ["middle right" if leaf else "top center" for leaf in layout.is_leaf],
        "textfont": {"size": 12},
        "cliponaxis": False,
        "marker": {
            "size": 7 + 24 * np.sqrt(chance),
            "color": values,
            "colorscale": ALLOWED,
            "cmin": 0.0,
            "cmax": 1.0,
            "line": {"width": 1, "color": PALETTE["exact"]},
            "opacity": 1,
        },
        "hovertext": [
            f"{label}<br>language model {say_percent(p, 1)}<br>scene {say_value(v)}"
            for label, p, v in zip(labels, chance, values, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _shorten(text: str, most: int = 26) -> str:
    text = text.replace("\N{NO-BREAK SPACE}", " ").replace(" and place it on the", " …")
    return shorten(text, most)


def _walked(layout: Layout, scores: LanguageScores, decoded: Decoded, count: int) -> list[int]:
    """Branches whose tokens have all been chosen when so many are."""
    chosen = set(decoded.nodes[:count])
    depth = scores.trie.depth[layout.last]
    return [
        b for b in range(1, len(layout.last)) if int(layout.last[b]) in chosen and depth[b] <= count
    ]


def _edges(layout: Layout, branches: Sequence[int], room: int = 0) -> dict[str, np.ndarray]:
    """Bent lines from the branch above to each; ``room`` branches long, the rest empty."""
    x, y = [], []
    for b in branches:
        a = int(layout.above[b])
        x += [layout.x[a], layout.x[a] + 0.25, layout.x[b], np.nan]
        y += [layout.y[a], layout.y[b], layout.y[b], np.nan]
    empty = [np.nan] * (4 * max(room - len(branches), 0) or (0 if branches else 4))
    return {"x": np.array(x + empty), "y": np.array(y + empty)}


def _words(result: TrieResult, count: int) -> str:
    scores, trie = result.scores, result.scores.trie
    nodes = result.greedy.nodes[:count]
    node = nodes[-1] if nodes else 0
    so_far = scores.text_of_path(node).strip()
    possible = int(result.grounding.possible.sum())
    if trie.child_count[node] == 0 and nodes:
        is_idle = not result.grounding.possible[:-1].any()  # the last is "done"
        nothing = "Nothing else can be done in this scene." if is_idle else ""
        return join([f"The command is “{so_far}”.", nothing, _say_alone(result, so_far)])
    ahead = int(result.grounding.possible[trie.below(node)].sum())
    mass = float(scores.outside_mass[node])
    return join(
        [
            f"After “{so_far}” {ahead} command{'' if ahead == 1 else 's'} can still be carried out"
            if so_far
            else f"Of {len(trie.skills)} commands, {possible} can be carried out in this scene",
            "(green branches; grey ones cannot).",
            f"The language model gives {say_percent(mass, 1)} to words that begin no command."
            if mass
            else "",
            "Take a thing off the board: colours change, sizes do not.",
        ]
    )


def _say_alone(result: TrieResult, command: str) -> str:
    alone = result.alone
    written = describe(result.scores, alone)
    if written == command:
        return "So would the language model have done alone."
    if alone.skill is None:
        return f"Alone, the language model would have begun “{written}”, which is no command here."
    return (
        f"Alone, the language model would have written “{written}”, whose value here is "
        f"{say_value(float(result.values[alone.nodes[-1]]))}."
    )
