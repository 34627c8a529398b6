"""The bias of two emoji models: every class's estimated prior beside the captions' frequency."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.gla.marks import GROUP_COLOURS, GROUP_NAMES, add_estimates, lay_out_prior
from workbench.figures.gla.wording import say_distance
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, segments
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_number, say_percent
from workbench.methods.gla.bias import SIZES, Params, Result
from workbench.methods.gla.emoji import MODELS
from workbench.methods.intervals import NORMAL_95

AXES = ("model", "labelled")
COLOURS = (PALETTE["green"], PALETTE["purple"])
MODEL_NAMES = ("caption bank", "in-batch")


def draw_bias(result: Result) -> LiveFigure:
    """Sorted log prior with intervals, and accuracy of head, middle and tail before and after."""
    order = np.argsort(-result.log_truth, kind="stable")
    fits = [[e.fit for e in result.models[m].estimates] for m in MODELS]
    log_prior = np.array([[f.log_prior[order] for f in row] for row in fits])
    error = NORMAL_95 * np.array([[f.standard_error[order] for f in row] for row in fits])
    ranks = np.arange(1, len(order) + 1)
    figure = make_subplots(1, 2, column_widths=[0.66, 0.34], horizontal_spacing=0.11)
    strokes = segments(np.exp(log_prior - error), np.exp(log_prior + error))
    truth = np.exp(result.log_truth[order])
    interval, points = add_estimates(
        figure,
        ranks,
        strokes[0, 0],
        np.exp(log_prior[0, 0]),
        width=2,
        opacity=0.45,
        name="estimated prior",
        color=PALETTE["green"],
        size=7,
        hovertext=[result.class_names[c] for c in order],
        hovertemplate="%{hovertext}: %{y:.2~%}<extra></extra>",
    )
    add_line(
        figure,
        1,
        1,
        x=ranks,
        y=truth,
        name="frequency of the captions",
        color=PALETTE["exact"],
        width=4,
        hoverinfo="skip",
    )
    slots = [
        Slot(f"data[{interval}].y", AXES, strokes),
        Slot(f"data[{points}].y", AXES, np.exp(log_prior)),
        Slot(f"data[{interval}].line.color", ("model",), list(COLOURS)),
        Slot(f"data[{points}].marker.color", ("model",), list(COLOURS)),
        *_add_groups(figure, result),
    ]
    span = [np.log10(truth.min()) - 0.9, np.log10(truth.max()) + 0.5]
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 60, "r": 20})
    ends = [-1.0, len(order) + 2.0]
    lay_out_prior(figure, "class, commonest in pre-training first", ends, span)
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, _words(result)))


def _add_groups(figure, result: Result) -> list[Slot]:
    """Head, middle and tail accuracy: nothing, the estimate, and the truth taken out."""
    places = ["nothing", "estimate", "true<br>frequency"]
    slots: list[Slot] = []
    for g, group in enumerate(GROUP_NAMES):
        values = np.array(
            [
                [
                    [model.zero_shot[group], e.accuracy[group], model.oracle[group]]
                    for e in model.estimates
                ]
                for model in (result.models[m] for m in MODELS)
            ]
        )
        number = len(list(figure.data))
        figure.add_scatter(
            x=places,
            y=100.0 * values[0, 0],
            name=f"{group} classes",
            mode="lines+markers",
            line={"color": GROUP_COLOURS[g], "width": 2.5},
            marker={"size": 9},
            showlegend=False,
            hovertemplate=f"{group} classes, %{{x}} taken out: %{{y:.1f}} %<extra></extra>",
            row=1,
            col=2,
        )
        slots.append(Slot(f"data[{number}].y", AXES, 100.0 * values))
        add_label(
            figure,
            1,
            2,
            group,
            x=1.04,
            xref="x2 domain",
            y=0.12 - 0.05 * g,
            yref="y2 domain",
            xanchor="right",
            color=GROUP_COLOURS[g],
        )
    figure.update_xaxes(title_text="what is taken out", row=1, col=2)
    figure.update_yaxes(title_text="guessed right (%)", range=[0, 100], row=1, col=2)
    return slots


def _words(result: Result) -> list[list[str]]:
    def say(m: int, s: int) -> str:
        model = result.models[MODELS[m]]
        chosen = model.estimates[s]
        found = chosen.agreement
        before, after = model.zero_shot, chosen.accuracy
        count = "1 labelled picture" if SIZES[s] == "1" else f"{SIZES[s]} labelled pictures"
        return join(
            [
                f"{MODEL_NAMES[m].capitalize()} model, {count} a class: the estimated log prior "
                f"correlates with the captions' frequency by {say_number(found.pearson)} (slope "
                f"{say_number(found.slope)}), {say_distance(found.kl)} nats away; uniform is "
                f"{say_distance(found.kl_uniform)} away.",
                f"Taking it out moves accuracy from {say_percent(before['all'])} to "
                f"{say_percent(after['all'])}, tail classes from {say_percent(before['tail'])} to "
                f"{say_percent(after['tail'])}.",
                _oracle_words(model.oracle["all"] - before["all"]),
            ]
        )

    return each(say, len(MODELS), len(SIZES))


def _oracle_words(gain: float) -> str:
    if gain < -0.005:
        return (
            "Taking out the true frequency instead would hurt: this model's bias is not the "
            "frequency of its captions."
        )
    return ""
