"""Measured time and memory against the number of tokens, on logarithmic axes."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from workbench.figures.attention.wording import log_ticks, say_number
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import keep_together
from workbench.methods.attention.speed import PATHS, Result

COLOURS = {"exact": "exact", "torch": "vermilion", "factored": "blue"}
KIB, MIB = 2.0**10, 2.0**20


def draw_time(result: Result) -> LiveFigure:
    """Processor time of each path against n, with its fitted slope."""
    figure = go.Figure()
    for path, name in PATHS.items():
        seconds = result.measured.seconds[path]
        figure.add_scatter(
            x=result.sizes[: len(seconds)],
            y=seconds,
            name=f"{name}: n^{result.slopes[path]:.1f}",
            mode="lines+markers",
            line={"color": PALETTE[COLOURS[path]], "width": 4 if path == "factored" else 2.5},
            marker={"size": 9},
            hovertemplate=f"{name}<br>n = %{{x:,}}: %{{y:.2s}}s<extra></extra>",
        )
    every = np.concatenate(list(result.measured.seconds.values()))
    lowest = math.floor(math.log10(float(every.min())))
    highest = math.ceil(math.log10(float(every.max())))
    _lay_out(figure, result, "processor time, s", lowest, highest)
    crossover = result.crossover["torch"]
    if 0.0 < crossover < math.inf:
        figure.add_shape(
            type="line",
            x0=crossover,
            x1=crossover,
            y0=0.0,
            y1=1.0,
            yref="y domain",
            line={"color": PALETTE["threshold"], "width": 2, "dash": "longdash"},
        )
        figure.add_annotation(
            x=math.log10(crossover),
            y=0.98,
            yref="y domain",
            text=f"n = {say_number(crossover)}",
            font={"color": PALETTE["threshold"], "size": 16},
            xanchor="left",
            yanchor="top",
            xshift=6,
            showarrow=False,
        )
    return LiveFigure(figure, words=keep_together(_say_time(result)))


def draw_memory(result: Result) -> LiveFigure:
    """Most bytes held by each path of NumPy, and those of the whole attention matrix."""
    figure = go.Figure()
    peaks = result.measured.peak_bytes
    for name, values, role, dash, mode in (
        ("n × n matrix, counted", result.matrix_bytes, "danger", "longdash", "lines"),
        ("exact, in blocks, measured", peaks["exact"], "exact", "solid", "lines+markers"),
        ("factored, counted", result.counted_bytes, "sky", "dot", "lines"),
        ("factored, measured", peaks["factored"], "blue", "solid", "markers"),
    ):
        figure.add_scatter(
            x=result.sizes[: len(values)],
            y=values / MIB,
            name=name,
            mode=mode,
            line={"color": PALETTE[role], "dash": dash, "width": 2.5},
            marker={"size": 9, "color": PALETTE[role]},
            hovertemplate=f"{name}<br>n = %{{x:,}}: %{{y:.3s}} MiB<extra></extra>",
        )
    every = np.concatenate([result.matrix_bytes, peaks["factored"]]) / MIB
    lowest = math.floor(math.log10(float(every.min())))
    highest = math.ceil(math.log10(float(every.max())))
    _lay_out(figure, result, "most memory held, MiB", lowest, highest)
    return LiveFigure(figure, words=keep_together(_say_memory(result)))


def _lay_out(figure: go.Figure, result: Result, title: str, lowest: int, highest: int) -> None:
    sizes = result.sizes.tolist()
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 70, "r": 30})
    figure.update_xaxes(
        title_text="tokens n",
        type="log",
        range=[math.log10(sizes[0]) - 0.08, math.log10(sizes[-1]) + 0.08],
        tickvals=sizes,
        ticktext=[f"{n:,}" for n in sizes],
    )
    figure.update_yaxes(
        title_text=title,
        type="log",
        range=[lowest - 0.1, highest + 0.1],
        **log_ticks(lowest, highest, 1),
    )


def _say_time(result: Result) -> str:
    measured, slopes = result.measured, result.slopes
    torch, factored = measured.seconds["torch"], measured.seconds["factored"]
    last = min(len(torch), len(factored)) - 1
    ratio = float(torch[last] / factored[last])
    compared = f"{say_number(ratio)} times as long" if ratio >= 1.0 else "less"
    threads = "one thread" if measured.threads == 1 else f"{measured.threads} threads"
    ahead = {0.0: "It is ahead at every size here.", math.inf: "It is never ahead here."}
    crossover = result.crossover["torch"]
    where = ahead.get(crossover, f"It is ahead from about n = {say_number(crossover)} on.")
    return (
        f"Measured on this machine, {threads} each, after a warm-up, median of up to five runs: at "
        f"n = {int(result.sizes[last]):,} the factored path of rank {result.rank:,} took "
        f"{_say_seconds(float(factored[last]))}, torch's {measured.backend} "
        f"{_say_seconds(float(torch[last]))} in single precision, {compared}. {where} Time grows "
        f"like n^{slopes['factored']:.1f} for the factored path and n^{slopes['torch']:.1f} for "
        "torch; 1 and 2 are expected."
    )


def _say_memory(result: Result) -> str:
    factored = result.measured.peak_bytes["factored"]
    largest = int(result.sizes[len(factored) - 1])
    matrix = 8.0 * largest * largest
    return (
        f"At n = {largest:,} the factored path held {_say_bytes(float(factored[-1]))} at most; the "
        f"n × n matrix, which it never makes, would take {_say_bytes(matrix)}. Its memory grows "
        f"like n^{result.memory_slope:.2f}, as counted. Exact attention in blocks of rows soon "
        "needs no more than its blocks: what it cannot save is time."
    )


def _say_seconds(seconds: float) -> str:
    return f"{say_number(seconds)} s" if seconds >= 0.1 else f"{say_number(1e3 * seconds)} ms"


def _say_bytes(size: float) -> str:
    for unit, name in ((2.0**30, "GiB"), (MIB, "MiB")):
        if size >= unit:
            return f"{say_number(size / unit)} {name}"
    return f"{say_number(size / KIB)} KiB"
