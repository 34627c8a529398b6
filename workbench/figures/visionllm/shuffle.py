"""Fifty orders of one dictionary: what they change, for each model."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_label, add_line, add_points
from workbench.figures.theme import PALETTE
from workbench.figures.wording import join, say_percent
from workbench.methods.visionllm.shuffle import FIXED, STRICT, Result

NAMES = {STRICT: "strict head", FIXED: "strict head,<br>trained with one order"}
COLOURS = {STRICT: PALETTE["green"], FIXED: PALETTE["vermilion"]}


def draw_shuffle(result: Result) -> LiveFigure:
    """A point for each random order, and a diamond for the order of training."""
    figure = make_subplots(
        1, 2, shared_yaxes=True, horizontal_spacing=0.06,
        subplot_titles=["classes that are right", "AP50"],
    )  # fmt: skip
    models = list(result.ap50)
    jitter = np.linspace(-0.16, 0.16, result.params.orders)
    # Spread without a pattern that follows the order of drawing.
    jitter = jitter[np.random.default_rng(0).permutation(len(jitter))]
    for column, every in enumerate((result.accuracy, result.ap50), 1):
        for place, model in enumerate(models):
            colour = COLOURS.get(model, PALETTE["blue"])
            add_points(
                figure, 1, column, x=place + jitter, y=100 * every[model][1:], color=colour,
                size=8, opacity=0.6, name="random order", showlegend=column == 1 and place == 0,
                hovertemplate="%{y:.1f} %<extra>random order</extra>",
            )  # fmt: skip
            add_points(
                figure, 1, column, x=[place], y=[100 * every[model][0]], color=colour, size=15,
                symbol="diamond-open", line={"width": 2.5}, name="order of training",
                showlegend=column == 1 and place == 0,
                hovertemplate="%{y:.1f} %<extra>order of training</extra>",
            )  # fmt: skip
        figure.update_xaxes(
            tickvals=list(range(len(models))),
            ticktext=[NAMES.get(model, model) for model in models],
            range=[-0.6, len(models) - 0.4],
            showgrid=False,
            row=1,
            col=column,
        )
    add_line(
        figure, 1, 1, x=[-0.6, len(models) - 0.4], y=[100 * result.chance] * 2,
        color=PALETTE["baseline"], dash="dash", width=1.5, showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    add_label(
        figure, 1, 1, text="by chance", x=-0.57, y=100 * result.chance,
        xanchor="left", yanchor="bottom", color=PALETTE["baseline"],
    )  # fmt: skip
    figure.update_yaxes(range=[-2, 104])
    figure.update_yaxes(title_text="percent", col=1)
    figure.update_layout(margin={"t": 72}, legend={"y": 1.1})
    return LiveFigure(figure, words=_words(result))


def _words(result: Result) -> str:
    model = result.params.model
    own = result.accuracy[model]
    spread = float(np.ptp(own[1:]))
    said = (
        f"{result.params.orders} random orders of {result.inputs.orders.shape[1]} names, "
        f"{len(result.inputs.scenes)} scenes: {model} names {say_percent(float(own[1:].mean()))} "
        f"of the things rightly, and the orders differ by {say_percent(spread)} at most."
    )
    fixed = result.accuracy.get(FIXED)
    other = (
        "No network that was trained with one order is here to compare with."
        if fixed is None
        else f"The network that was trained with one order falls from "
        f"{say_percent(float(fixed[0]))} to {say_percent(float(fixed[1:].mean()))} (chance "
        f"{say_percent(result.chance)}): it learned what <c3> is, not to read the dictionary."
    )
    return join(
        [
            said,
            _say_strict(result),
            other,
            "The pointer scores the names themselves, so its calm is nearly by construction: it "
            "proves no learned look-up."
            if "pointer" in model
            else "",
        ]
    )


def _say_strict(result: Result) -> str:
    if STRICT not in result.agreement:
        return ""
    right, kept = (float(every[STRICT][1:].mean()) for every in (result.accuracy, result.agreement))
    return (
        f"The strict head answers with bare class tokens and must look their names up in the "
        f"prompt: {say_percent(right)} right, and {say_percent(kept)} of the things keep the name "
        "that they have in the order of training."
    )
