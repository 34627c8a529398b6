"""The template filled at once and slot after slot, and what each way takes."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE
from workbench.figures.wording import MINUS, join, say_count, say_number, say_percent
from workbench.methods.visionllm.formats import BOX_POINTS, slots_of
from workbench.methods.visionllm.race import MODES, Params, Result

AXIS = "step"
TITLES = ("all slots at once", "one slot after another")
_FILLED = [[0.0, "rgba(143,138,127,0.10)"], [1.0, "rgba(26,118,180,0.38)"]]


def draw_race(result: Result) -> LiveFigure:
    """The tuples of every candidate after each pass of the decoder."""
    positions = np.array([int(p) for p in live_axes(Params)[AXIS]])
    slots_named = slots_of(BOX_POINTS)
    figure = make_subplots(1, 2, horizontal_spacing=0.06, shared_yaxes=True, subplot_titles=TITLES)
    slots: list[Slot] = []
    for column, mode in enumerate(MODES):
        texts = _texts(result, mode)
        count = texts.size
        order = np.arange(count).reshape(texts.shape)
        done = positions if mode == MODES[1] else np.where(positions > 0, count, 0)
        filled = order[None] < done[:, None, None]
        shown = np.where(filled, texts, "")
        _add_grid(figure, column + 1, filled[1], slots_named)
        rows, columns = texts.shape
        flat = shown.reshape(len(positions), -1).tolist()
        figure.add_scatter(
            x=list(slots_named) * rows,
            y=np.repeat(np.arange(1, rows + 1), columns),
            text=flat[1],
            mode="text",
            textfont={"size": 13},
            hoverinfo="skip",
            showlegend=False,
            row=1,
            col=column + 1,
        )
        slots += [
            Slot(f"data[{2 * column}].z", (AXIS,), filled.astype(np.float16)),
            Slot(f"data[{2 * column + 1}].text", (AXIS,), flat),
        ]
        said = [_clock(result, mode, int(p)) for p in positions]
        figure.add_annotation(
            text=said[1], xref=f"x{column + 1 if column else ''} domain", yref="paper", x=0.5,
            y=-0.14, yanchor="top", font={"color": PALETTE["blue"], "size": 17},
        )  # fmt: skip
        slots.append(Slot(f"layout.annotations[{2 + column}].text", (AXIS,), said))
    figure.update_yaxes(
        autorange="reversed", showgrid=False, dtick=1, showline=False, ticks="", fixedrange=True
    )
    figure.update_yaxes(title_text="candidate (image token)", col=1)
    figure.update_xaxes(showgrid=False, showline=False, ticks="", fixedrange=True)
    figure.update_layout(margin={"b": 84})
    words = Slot("", (AXIS,), [_race_words(result, int(p)) for p in positions])
    return LiveFigure(figure, {AXIS: [*positions.tolist()]}, tuple(slots), words)


def _add_grid(figure: go.Figure, column: int, filled: np.ndarray, names: tuple[str, ...]) -> None:
    """Cells of the template, coloured once they are filled in."""
    figure.add_heatmap(
        z=filled.astype(float),
        x=list(names),
        y=list(range(1, len(filled) + 1)),
        colorscale=_FILLED,
        zmin=0,
        zmax=1,
        xgap=3,
        ygap=3,
        showscale=False,
        hoverinfo="skip",
        row=1,
        col=column,
    )


def draw_latency(result: Result) -> LiveFigure:
    """Milliseconds by number of things: measured at once and in turn, reckoned for a writer."""
    milliseconds = {mode: 1e3 * result.seconds[mode] for mode in MODES}
    each_ms = 1e3 * result.pass_seconds
    tokens = len(result.inputs.opened[MODES[0]][0].slots[0].objectness)
    width = len(slots_of(BOX_POINTS))
    things = np.arange(tokens + 1)
    figure = go.Figure()
    add_line(
        figure,
        x=things,
        y=milliseconds[MODES[0]] + width * things * each_ms,
        color=PALETTE["vermilion"],
        dash="dash",
        name=f"writes only what it finds: {width}n + 1 passes (reckoned)",
        hovertemplate="%{x} things: %{y:.0f} ms<extra></extra>",
    )
    add_line(
        figure, x=things, y=np.full(len(things), milliseconds[MODES[0]]), color=PALETTE["blue"],
        name="all slots at once: 1 pass (measured)", hovertemplate="%{y:.1f} ms<extra></extra>",
    )  # fmt: skip
    add_points(
        figure, x=[tokens], y=[milliseconds[MODES[1]]], color=PALETTE["vermilion"],
        name=f"every slot in turn: {result.passes[MODES[1]]} passes (measured)",
        hovertemplate="%{y:.0f} ms<extra></extra>",
    )  # fmt: skip
    add_label(
        figure, text=f"{milliseconds[MODES[0]]:.0f} ms", x=tokens, y=milliseconds[MODES[0]],
        yanchor="bottom", xanchor="right", color=PALETTE["blue"],
    )  # fmt: skip
    figure.update_xaxes(title_text="things in the picture, n", dtick=1)
    figure.update_yaxes(title_text="milliseconds a picture", rangemode="tozero")
    figure.update_layout(margin={"t": 110}, legend={"orientation": "v"})
    return LiveFigure(figure, words=_latency_words(result, each_ms))


def _texts(result: Result, mode: str) -> np.ndarray:
    """What each slot of each candidate says, ``(M, 5)``, candidates in their own order."""
    answer, names = result.answers[mode], result.inputs.task.names
    order = np.argsort(answer.candidates)
    rows = [
        [
            names[answer.entries[place]],
            *(f"{MINUS if t < 0 else ''}{abs(int(t))}" for t in answer.tokens[place]),
        ]
        for place in order
    ]
    return np.array(rows, dtype=object)


def _clock(result: Result, mode: str, step: int) -> str:
    passes = result.passes[mode]
    done = min(step, passes)
    # The first pass comes with looking at the picture.
    first = result.seconds[MODES[0]]
    spent = 1e3 * (first + result.pass_seconds * (done - 1)) if done else 0.0
    return f"{done} of {say_count(passes, 'pass', 'passes')}, {spent:.0f} ms"


def _agreement(result: Result) -> str:
    if result.params.inside_tuple:
        return (
            f"{say_percent(result.same)} of the tokens of sure boxes are the same: at once the "
            "slots of a candidate see each other half done, in turn each sees those before it, "
            "which the network never trained for."
        )
    return (
        f"Without a look at each other both ways agree in {say_percent(result.same)} of the "
        f"tokens of sure boxes; probabilities differ by {result.largest_gap:.0e} at most."
    )


def _race_words(result: Result, step: int) -> str:
    if step == 0:
        return "Nothing is filled in. Press play: each step is one pass of the decoder."
    passes = result.passes[MODES[1]]
    left = max(0, passes - step)
    return join(
        [
            "After one pass every slot of every candidate stands on the left.",
            f"On the right {say_count(min(step, passes), 'slot is', 'slots are')} filled and "
            f"{left} are to come."
            if left
            else f"On the right it took {passes} passes.",
            _agreement(result),
        ]
    )


def _latency_words(result: Result, each_ms: float) -> str:
    once, turn = (1e3 * result.seconds[mode] for mode in MODES)
    return join(
        [
            f"One picture: {once:.0f} ms at once, {turn:.0f} ms in turn ({result.passes[MODES[1]]} "
            f"passes, {say_number(each_ms, 1)} ms for each after the first), medians of "
            f"{len(result.inputs.opened[MODES[0]])} pictures, looking at them included.",
            f"A decoder that writes only the {say_count(result.things_found, 'thing')} found here "
            f"would need {result.written_passes} passes: reckoned from the time of a pass, not "
            "measured.",
            "No keys or values are kept between passes, so a tuned writer would be quicker in "
            "turn; the number of passes stays.",
            _agreement(result),
        ]
    )
