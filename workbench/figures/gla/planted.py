"""The planted prior: what was hidden, what was found, and how many pictures that takes."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.gla.marks import POWERS_OF_TEN, add_estimates, lay_out_prior
from workbench.figures.gla.wording import say_distance
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import RING, add_label, add_line, add_points, segments
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_percent
from workbench.methods.gla.planted import ESTIMATORS, Params, Result
from workbench.methods.intervals import NORMAL_95

AXES = ("estimator", "labelled")
COLOURS = (PALETTE["green"], PALETTE["purple"])
NAMES = ("best fit", "stationary vector")


def draw_planted(result: Result) -> LiveFigure:
    """The estimate of every class beside the planted prior, sorted, and one against the other."""
    order = np.argsort(-result.log_truth, kind="stable")
    truth = np.exp(result.log_truth[order])
    log_estimate = result.log_prior[:, :, order]
    estimate = np.exp(log_estimate)
    error = NORMAL_95 * result.standard_error[:, order]
    low, high = (np.exp(log_estimate[0] + side * error) for side in (-1.0, 1.0))
    strokes = np.stack([segments(low, high), np.full((*low.shape[:-1], 3 * len(order)), np.nan)])
    ranks = np.arange(1, len(order) + 1)
    figure = make_subplots(1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.12)
    add_line(
        figure,
        1,
        1,
        x=ranks,
        y=truth,
        name="planted prior",
        color=PALETTE["exact"],
        width=5,
        hovertemplate="rank %{x}: planted %{y:.4f}<extra></extra>",
    )
    intervals, bars = add_estimates(
        figure,
        ranks,
        strokes[0, 0],
        estimate[0, 0],
        width=2,
        opacity=0.6,
        name="estimate",
        color=PALETTE["green"],
        hovertemplate="rank %{x}: estimated %{y:.4f}<extra></extra>",
    )
    lowest, highest = 0.25 * truth.min(), min(1.0, 4.0 * truth.max())
    add_line(
        figure,
        1,
        2,
        x=[lowest, highest],
        y=[lowest, highest],
        name="equal",
        color=PALETTE["exact"],
        dash="dot",
        showlegend=False,
        hoverinfo="skip",
    )
    pairs = add_points(
        figure,
        1,
        2,
        x=truth,
        y=estimate[0, 0],
        name="classes",
        color=PALETTE["green"],
        showlegend=False,
        hovertemplate="planted %{x:.4f}, estimated %{y:.4f}<extra></extra>",
        size=9,
    )
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 50, "r": 20})
    span = [np.log10(lowest), np.log10(highest)]
    lay_out_prior(figure, "class, commonest first", [0.0, len(order) + 1.0], span)
    figure.update_xaxes(title_text="planted", range=span, row=1, col=2, **POWERS_OF_TEN)
    figure.update_yaxes(title_text="estimated", range=span, row=1, col=2, **POWERS_OF_TEN)
    colours = list(COLOURS)
    slots = (
        Slot(f"data[{intervals}].y", AXES, strokes),
        Slot(f"data[{bars}].y", AXES, estimate),
        Slot(f"data[{pairs}].y", AXES, estimate),
        Slot(f"data[{bars}].marker.color", ("estimator",), colours),
        Slot(f"data[{pairs}].marker.color", ("estimator",), colours),
    )
    return LiveFigure(figure, live_axes(Params), slots, Slot("", AXES, _words(result)))


def draw_convergence(result: Result) -> LiveFigure:
    """Distance to the planted prior, and accuracy without it, against labelled pictures."""
    figure = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.13)
    x = result.labelled.astype(float)
    kl = np.array([[max(found.kl, 1e-5) for found in row] for row in result.agreements])
    uniform = result.agreements[0][0].kl_uniform
    right = 100.0 * result.debiased_accuracy
    for col, values, unit in ((1, kl, "%{y:.3f} nats"), (2, right, "%{y:.1f} %")):
        for e, name in enumerate(NAMES):
            add_line(
                figure,
                1,
                col,
                x=x,
                y=values[e],
                name=name,
                color=COLOURS[e],
                showlegend=col == 1,
                hovertemplate=f"{name}, %{{x}} pictures a class: {unit}<extra></extra>",
            )
    ends = [x[0], x[-1]]
    flat = ((1, uniform, "no estimate: uniform", "baseline"),) if uniform > 0 else ()
    for col, height, words, role in (
        *flat,
        (2, 100.0 * result.zero_shot_accuracy, "nothing taken out", "baseline"),
        (2, 100.0 * result.oracle_accuracy, "planted prior taken out", "exact"),
    ):
        add_line(
            figure,
            1,
            col,
            x=ends,
            y=[height, height],
            name=words,
            color=PALETTE[role],
            dash="dot",
            showlegend=False,
            hoverinfo="skip",
        )
        add_label(
            figure,
            1,
            col,
            words,
            x=np.log10(x[-1]),
            y=np.log10(height) if col == 1 else height,
            xanchor="right",
            yanchor="bottom",
            yshift=8 if role == "exact" else 0,
            color=PALETTE[role],
        )
    slots: list[Slot] = []
    for col, values in ((1, kl), (2, right)):
        number = add_points(
            figure,
            1,
            col,
            x=[x[0]],
            y=[values[0, 0]],
            name="chosen",
            color=COLOURS[0],
            size=15,
            line=RING,
            showlegend=False,
            hoverinfo="skip",
        )
        slots += [
            Slot(f"data[{number}].x[0]", ("labelled",), x),
            Slot(f"data[{number}].y[0]", AXES, values),
            Slot(f"data[{number}].marker.color", ("estimator",), list(COLOURS)),
        ]
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 50, "r": 20})
    for col in (1, 2):
        figure.update_xaxes(
            title_text="labelled pictures a class",
            type="log",
            range=[-0.05, np.log10(x[-1]) + 0.05],
            tickvals=[1, 2, 5, 10, 20, 50, 100, 200],
            row=1,
            col=col,
        )
    top = np.log10(max(float(kl.max()), uniform, 1e-3)) + 0.2
    figure.update_yaxes(
        title_text="KL to the planted prior (nats)",
        range=[np.log10(float(kl.min())) - 0.2, top],
        row=1,
        col=1,
        **POWERS_OF_TEN,
    )
    edges = np.array([right.min(), right.max(), 100 * result.zero_shot_accuracy])
    figure.update_yaxes(
        title_text="test pictures guessed right (%)",
        range=[edges.min() - 2.0, edges.max() + 2.5],
        row=1,
        col=2,
    )
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, _words(result)))


def _words(result: Result) -> list[list[str]]:
    def say(e: int, m: int) -> str:
        found = result.agreements[e][m]
        count = int(result.labelled[m])
        pictures = "1 labelled picture" if count == 1 else f"{count} labelled pictures"
        if found.kl < 1e-6:
            distance = "all of the planted prior"
        else:
            distance = (
                f"a prior {say_distance(found.kl)} nats from the planted one (guessing uniform: "
                f"{say_distance(found.kl_uniform)})"
            )
        accuracy = float(result.debiased_accuracy[e, m])
        return join(
            [
                f"With {pictures} a class the {NAMES[e]} finds {distance}.",
                f"Taking it out moves accuracy from {say_percent(result.zero_shot_accuracy)} to "
                f"{say_percent(accuracy)}; the planted prior itself would give "
                f"{say_percent(result.oracle_accuracy)}.",
                "The model is nearly always right, so its prior can hardly be seen, and hardly "
                "matters."
                if result.zero_shot_accuracy > 0.95
                else "",
            ]
        )

    return each(say, len(ESTIMATORS), len(result.labelled))
