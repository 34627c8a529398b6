"""Who wins and who pays: classes one by one, and where wrong guesses go."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.gla.accuracy import AXES
from workbench.figures.gla.marks import GROUP_COLOURS, GROUP_NAMES, METHOD_COLOURS
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, add_points, segments, thrice
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, SEQUENTIAL, TEMPLATE
from workbench.figures.wording import each, join, say_percent, say_points
from workbench.methods.gla.benefit import TUNINGS, Params, Result
from workbench.methods.gla.calibration import Reliability

FLOWS = ("zero_shot", "fine_tuned", "ensemble", "gla")
FLOW_NAMES = ("Zero-shot", "Fine-tuned", "Plain ensemble", "GLA, as set")
FEW = 0.005
"""A bin with a smaller share of the pictures says too little to be drawn."""
CALIBRATED = ("zero_shot", "zero_shot_debiased", "fine_tuned", "ensemble", "gla")
CALIBRATED_NAMES = ("Zero-shot", "Zero-shot, debiased", "Fine-tuned", "Plain ensemble", "GLA")


def draw_classes(result: Result) -> LiveFigure:
    """Change of each class's accuracy against the plain ensemble, commonest class first."""
    order = np.argsort(-result.log_truth, kind="stable")
    change = 100.0 * np.array(
        [
            result.benefits[k].mixture.by_class - result.benefits[k].answers["ensemble"].by_class
            for k in TUNINGS
        ]
    )
    figure = make_subplots(1, 1)
    slots: list[Slot] = []
    ranks = np.arange(1, len(order) + 1)
    for g, name in enumerate(GROUP_NAMES):
        own = result.groups[order] == g
        members, places = order[own], ranks[own]
        values = change[..., members].astype(np.float16)
        strokes = segments(np.zeros_like(values), values)
        stroke = add_line(
            figure,
            1,
            1,
            x=thrice(places),
            y=strokes[0, 0, 0],
            name=name,
            color=GROUP_COLOURS[g],
            width=3,
            showlegend=False,
            hoverinfo="skip",
        )
        point = add_points(
            figure,
            1,
            1,
            x=places,
            y=values[0, 0, 0],
            name=f"{name} classes",
            color=GROUP_COLOURS[g],
            size=8,
            hovertext=[result.class_names[c] for c in members],
            hovertemplate="%{hovertext}: %{y:+.0f} points<extra></extra>",
        )
        mean = add_line(
            figure,
            1,
            1,
            x=[places[0], places[-1]],
            y=[0.0, 0.0],
            name=f"{name} mean",
            color=GROUP_COLOURS[g],
            dash="dot",
            showlegend=False,
            hoverinfo="skip",
        )
        means = change[..., members].mean(axis=-1)
        slots += [
            Slot(f"data[{stroke}].y", AXES, strokes),
            Slot(f"data[{point}].y", AXES, values),
            Slot(f"data[{mean}].y", AXES, np.stack([means, means], axis=-1)),
        ]
    middle = (result.weights >= 0.25) & (result.weights <= 0.75)  # alone, a model changes far more
    limit = float(np.abs(change[:, :, middle]).max()) + 4.0
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 60, "r": 20})
    figure.update_xaxes(
        title_text="class, commonest in pre-training first", range=[-1.0, len(order) + 2.0]
    )
    figure.update_yaxes(
        title_text="change against the plain ensemble (points)", range=[-limit, limit]
    )
    return LiveFigure(
        figure, live_axes(Params), tuple(slots), Slot("", AXES, _class_words(result, change))
    )


def _class_words(result: Result, change: np.ndarray) -> list:
    def say(t: int, i: int, j: int) -> str:
        found = change[t, i, j]
        if not found.any():
            return (
                "Nothing is taken out and both models count alike: this is the plain ensemble "
                "itself. Raise the strength to 1 to see GLA."
            )
        means = [say_points(found[result.groups == g].mean() / 100.0) for g in range(3)]
        by_gain = np.argsort(-found, kind="stable")

        def name(c: int) -> str:
            return f"{result.class_names[c]} ({say_points(found[c] / 100.0)})"

        return join(
            [
                f"Head classes move by {means[0]} points on average, middle by {means[1]}, tail by "
                f"{means[2]}.",
                f"{int((found > 0).sum())} classes win, {int((found < 0).sum())} pay.",
                f"Most won by {name(by_gain[0])} and {name(by_gain[1])}; most paid by "
                f"{name(by_gain[-1])} and {name(by_gain[-2])}.",
            ]
        )

    return each(say, *change.shape[:3])


def draw_flows(result: Result) -> LiveFigure:
    """Wrong guesses from third to third of the classes, for four methods."""
    figure = make_subplots(
        1, len(FLOWS), subplot_titles=FLOW_NAMES, horizontal_spacing=0.04, shared_yaxes=True
    )
    fixed = 100.0 * np.array(
        [[result.benefits[k].answers[m].flows for m in FLOWS] for k in TUNINGS]
    )
    moving = 100.0 * np.array([result.benefits[k].mixture.flows for k in TUNINGS])
    slots: list[Slot] = []
    highest = float(max(fixed.max(), moving.max()))
    for m, method in enumerate(FLOWS):
        is_live = method == "gla"
        figure.add_heatmap(
            x=list(GROUP_NAMES),
            y=list(GROUP_NAMES),
            z=fixed[0, m],
            zmin=0.0,
            zmax=highest,
            colorscale=SEQUENTIAL,
            showscale=False,
            xgap=2,
            ygap=2,
            texttemplate="%{z:.0f}",
            textfont={"size": 16},
            hovertemplate="%{y} pictures wrongly given a %{x} class: %{z:.1f} %<extra></extra>",
            row=1,
            col=m + 1,
        )
        figure.update_xaxes(title_text="wrongly guessed", showgrid=False, row=1, col=m + 1)
        values = moving if is_live else fixed[:, m]
        slots.append(Slot(f"data[{m}].z", AXES if is_live else ("tuning",), values))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_yaxes(title_text="picture of a class of the", row=1, col=1)
    figure.update_layout(template=TEMPLATE, height=360, margin={"t": 50, "r": 20})

    def say(t: int, i: int, j: int) -> str:
        now, plain = moving[t, i, j] / 100.0, fixed[t, FLOWS.index("ensemble")] / 100.0
        return join(
            [
                "Each cell is the share, in %, of a third's pictures that is wrongly given a "
                "class of some third.",
                f"Of the tail's pictures {say_percent(now[2, 0], 0)} are lost to head classes, "
                f"{say_percent(plain[2, 0], 0)} in the plain ensemble; of the head's, "
                f"{say_percent(now[0, 2], 0)} go to tail classes, before "
                f"{say_percent(plain[0, 2], 0)}.",
            ]
        )

    return LiveFigure(
        figure, live_axes(Params), tuple(slots), Slot("", AXES, each(say, *moving.shape[:3]))
    )


def draw_reliability(result: Result) -> LiveFigure:
    """Confidence against accuracy of five methods, with full correction and equal weights."""
    figure = make_subplots(1, 1)
    add_line(
        figure,
        1,
        1,
        x=[0.0, 100.0],
        y=[0.0, 100.0],
        name="honest",
        color=PALETTE["exact"],
        dash="dot",
        showlegend=False,
        hoverinfo="skip",
    )
    add_label(figure, 1, 1, "as sure as right", x=1, y=24, xanchor="left", color=PALETTE["exact"])
    slots: list[Slot] = []
    for method, name in zip(CALIBRATED, CALIBRATED_NAMES, strict=True):
        found = [_reliability(result, kind)[method] for kind in TUNINGS]
        x, y = (
            np.array([100.0 * np.where(f.share < FEW, np.nan, part) for f, part in parts])
            for parts in (
                [(f, f.confidence) for f in found],
                [(f, f.accuracy) for f in found],
            )
        )
        number = add_line(
            figure,
            1,
            1,
            x=x[0],
            y=y[0],
            name=name,
            color=METHOD_COLOURS[method],
            width=4 if method == "gla" else 2.5,
            connectgaps=True,
            hovertemplate=f"{name}: %{{x:.0f}} % sure, %{{y:.0f}} % right<extra></extra>",
        )
        slots += [
            Slot(f"data[{number}].x", ("tuning",), x),
            Slot(f"data[{number}].y", ("tuning",), y),
        ]
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 60, "r": 20})
    figure.update_xaxes(title_text="how sure, mean confidence (%)", range=[0, 100])
    figure.update_yaxes(title_text="how often right (%)", range=[0, 100])

    def say(t: int) -> str:
        found = _reliability(result, TUNINGS[t])
        gaps = ", ".join(
            f"{name.lower() if name != 'GLA' else name} "
            f"{100.0 * found[method].calibration_error:.1f}"
            for method, name in zip(CALIBRATED, CALIBRATED_NAMES, strict=True)
        )
        return (
            "Below the diagonal a method is surer than it is right. The mean gap in points: "
            f"{gaps}. Adding two models' logits makes the sum surer; that moves no guess, but it "
            "is too sure wherever the two share their errors."
        )

    return LiveFigure(
        figure, live_axes(Params), tuple(slots), Slot("", ("tuning",), each(say, len(TUNINGS)))
    )


def _reliability(result: Result, tuning: str) -> dict[str, Reliability]:
    return {**result.reliability, **result.benefits[tuning].reliability}
