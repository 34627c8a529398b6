"""Language guidance: objectness on the picture for two dictionaries, and its average."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.positions import live_axes
from workbench.figures.theme import CHALK, PALETTE, PALETTE_DARK, SLATE
from workbench.figures.visionllm.picture import add_names, add_outlines, add_picture, corners
from workbench.figures.wording import each, join, say_count, say_number
from workbench.methods.visionllm.guidance import COUNT, SHOWN, Params, Result
from workbench.methods.visionllm.published import WITHOUT_LANGUAGE

AXES = ("shown", "use_language")
LARGEST_PX = 44


def draw_guidance(result: Result) -> LiveFigure:
    """Tokens of the picture, sized by objectness under dictionary A, B, or by the difference.

    In the difference a token of A stands with its objectness where B has none near, and the other
    way round: both sets of dots are drawn, A's in one colour and B's in another.
    """
    axes = live_axes(Params)
    slots_of = result.inputs.slots
    tokens = len(slots_of["A", True].objectness)
    shape = tuple(len(axes[name]) for name in AXES)
    places = np.zeros((*shape, 2, tokens, 2))
    sizes = np.zeros((*shape, 2, tokens))
    for i, shown in enumerate(axes["shown"]):
        for j, use in enumerate(axes["use_language"]):
            for k, dictionary in enumerate(("A", "B")):
                one = slots_of[dictionary, bool(use)]
                places[i, j, k] = one.centres
                if shown == dictionary:
                    sizes[i, j, k] = one.objectness
                elif shown == SHOWN[2]:
                    other = slots_of["B" if k == 0 else "A", bool(use)]
                    # The same query under both dictionaries: what one gains over the other.
                    sizes[i, j, k] = (one.objectness - other.objectness).clip(min=0)
    scene = result.inputs.scene
    figure = go.Figure()
    add_picture(figure, scene.pictures[0])
    add_outlines(figure, corners(scene.boxes), colour=CHALK, width=1, dash="dot")
    add_names(figure, scene.boxes[:, :2], _who_names(result))
    slots: list[Slot] = []
    for k, colour in enumerate((PALETTE_DARK["amber"], PALETTE_DARK["sky"])):
        number = add_points(
            figure,
            x=places[0, 1, k, :, 0],
            y=places[0, 1, k, :, 1],
            color=colour,
            size=LARGEST_PX * np.sqrt(sizes[0, 1, k]),
            line={"width": 2, "color": SLATE},
            opacity=0.8,
            customdata=sizes[0, 1, k],
            hovertemplate=f"dictionary {'AB'[k]}: %{{customdata:.2f}}<extra></extra>",
            showlegend=False,
        )
        slots += [
            Slot(f"data[{number}].x", AXES, places[:, :, k, :, 0]),
            Slot(f"data[{number}].y", AXES, places[:, :, k, :, 1]),
            Slot(f"data[{number}].marker.size", AXES, LARGEST_PX * np.sqrt(sizes[:, :, k])),
            Slot(f"data[{number}].customdata", AXES, sizes[:, :, k]),
        ]
    figure.update_layout(margin={"l": 12, "r": 12, "t": 16, "b": 16})
    words = Slot("", AXES, each(lambda i, j: _map_words(result, sizes[i, j], i, bool(j)), *shape))
    return LiveFigure(figure, {name: axes[name] for name in AXES}, tuple(slots), words)


def draw_listed(result: Result) -> LiveFigure:
    """Mean objectness of named and other things, with and without language, with intervals."""
    axes = live_axes(Params)
    figure = go.Figure()
    groups = (True, False)
    for listed, colour, name in (
        (True, PALETTE["green"], "named by the instruction"),
        (False, PALETTE["danger"], "not named"),
    ):
        found = [result.strength[use, listed] for use in groups]
        x = np.arange(2) + (-0.12 if listed else 0.12)
        low, high = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
        add_line(figure, x=thrice(x), y=segments(low, high), color=colour, hoverinfo="skip",
                 showlegend=False)  # fmt: skip
        add_points(
            figure,
            x=x,
            y=[one.mean for one in found],
            color=colour,
            size=14,
            name=name,
            text=[say_number(one.mean) for one in found],
            textposition="middle left" if listed else "middle right",
            hoverinfo="skip",
        )
    band = {"line_width": 0, "fillcolor": PALETTE["exact"], "opacity": 0.1, "layer": "below"}
    figure.add_shape(type="rect", x0=-0.4, x1=0.4, y0=0, y1=1, **band)
    figure.update_xaxes(
        tickvals=[0, 1],
        ticktext=["looking with the instruction in mind", "without"],
        range=[-0.5, 1.5],
        showgrid=False,
    )
    figure.update_yaxes(title_text="objectness, mean over things", range=[0, 1])
    edges = np.array([[0.6, 1.4] if not use else [-0.4, 0.4] for use in axes["use_language"]])
    slots = (
        Slot("layout.shapes[0].x0", ("use_language",), edges[:, 0]),
        Slot("layout.shapes[0].x1", ("use_language",), edges[:, 1]),
    )
    words = Slot(
        "", ("use_language",), [_mean_words(result, bool(use)) for use in axes["use_language"]]
    )
    return LiveFigure(figure, {name: axes[name] for name in AXES}, slots, words)


def _who_names(result: Result) -> list[str]:
    texts: list[str] = []
    for name in result.inputs.scene.names_in(0):
        both = [one for one, names in result.names.items() if name in names]
        texts.append(f"{name} ({' and '.join(both) if both else 'neither'})")
    return texts


def _map_words(result: Result, sizes: np.ndarray, shown: int, use: bool) -> str:
    how = "" if use else "Without language the tokens cannot know what is asked for: "
    if SHOWN[shown] != SHOWN[2]:
        sure = int((sizes[shown] >= 0.5).sum())
        named = sum(name in result.names[SHOWN[shown]] for name in result.inputs.scene.names_in(0))
        return join(
            [
                how,
                f"{say_count(sure, 'token')} with an objectness of 0.5 or more under dictionary "
                f"{SHOWN[shown]}, which names {say_count(named, 'thing')} of this picture.",
                "A dot's area is its objectness; dotted boxes are the truth.",
            ]
        )
    most = float(sizes.max())
    if most < 1e-4:
        return how + "both dictionaries give the very same tokens, so there is no difference."
    return join(
        [
            how,
            f"Amber: what a token gains under A; blue: under B; at most {say_number(most)}.",
            "Only the words changed. The tokens for what is no longer named lose their objectness.",
        ]
    )


def _mean_words(result: Result, use: bool) -> str:
    named, other = result.strength[use, True], result.strength[use, False]
    with_it, without = (result.strength[u, False] for u in (True, False))
    apart = named.low > other.high
    return join(
        [
            f"{'With' if use else 'Without'} language: {say_number(named.mean)} for things that "
            f"are named, {say_number(other.mean)} (95 % interval {say_number(other.low)} to "
            f"{say_number(other.high)}) for the others, over {result.things[True]} and "
            f"{result.things[False]} things of {COUNT} scenes, each asked for with both "
            "dictionaries.",
            "The named ones stand out." if apart else "The two cannot be told apart.",
            f"Switching language off moves the others from {say_number(with_it.mean)} to "
            f"{say_number(without.mean)}.",
            "In the paper a tokenizer trained without BERT finds as well where all classes are "
            f"named (AP {WITHOUT_LANGUAGE['detection'][1]} against "
            f"{WITHOUT_LANGUAGE['detection'][0]}); grounding falls from "
            f"{WITHOUT_LANGUAGE['grounding'][0]} to {WITHOUT_LANGUAGE['grounding'][1]}.",
        ]
    )
