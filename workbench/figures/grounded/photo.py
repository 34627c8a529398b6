"""The photo with the best box of every phrase that the detector sees on it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.wording import say_value, show_text
from workbench.figures.live import LiveFigure
from workbench.figures.theme import TEMPLATE
from workbench.figures.visionllm.picture import (
    add_names,
    add_outlines,
    add_picture,
    corners,
    entry_colour,
)
from workbench.figures.wording import join
from workbench.methods.grounded.kitchen import Result


def draw_photo(result: Result) -> LiveFigure:
    """What the detector sees; an empty sheet while there is no photo."""
    figure = go.Figure().set_subplots(1, 1)
    figure.update_layout(template=TEMPLATE, height=480, margin={"l": 16, "r": 16, "t": 30, "b": 16})
    seen = result.seen
    if seen is None:
        figure.update_layout(height=280)
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        figure.add_annotation(
            text="No photo yet.<br>Choose a file under “Photo of a kitchen”.",
            xref="paper",
            yref="paper",
            x=0.5,
            y=0.5,
            showarrow=False,
            font={"size": 16},
        )
        words = (
            "There is no photo: the scores are those of the table. Upload one, and a detector "
            "looks for every phrase on it."
        )
        return LiveFigure(figure, words=words)
    add_picture(figure, seen.pixels, 1, 1)
    here = [phrase for phrase, score in seen.scores.items() if score >= seen.there]
    for number, phrase in enumerate(here):
        box, colour = np.array([seen.boxes[phrase]]), entry_colour(number)
        add_outlines(figure, corners(box), 1, 1, colour=colour)
        text = f"{show_text(phrase, 30)} {say_value(seen.scores[phrase])}"
        add_names(figure, box[:, :2], [text], 1, 1, colour=colour, textposition="bottom right")
    found = ", ".join(f"{show_text(p, 30)} ({say_value(seen.scores[p])})" for p in here)
    words = join(
        [
            f"From {say_value(seen.there)} on a phrase counts as there, as the detector's own "
            f"code has it: {found or 'nothing does'}.",
            "A box counts for the phrase that fits it best; a phrase without one has nearly 0.",
        ]
    )
    return LiveFigure(figure, words=words)
