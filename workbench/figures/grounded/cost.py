"""The cost race: what choosing one command costs as the list of commands grows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.grounded.marks import METHOD_COLOURS, METHOD_NAMES, add_line
from workbench.figures.grounded.wording import join, say_times
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.grounded.published import EFFICIENCY


def draw_race(
    counts: np.ndarray,
    tokens: Mapping[str, np.ndarray],
    seconds: Mapping[str, np.ndarray] | None = None,
) -> LiveFigure:
    """Tokens, and seconds where they were measured, against the number of commands.

    Args:
        counts: ``(k,)`` lengths of the list of commands.
        tokens: by method, ``(k,)`` tokens that the language model reads for one command.
        seconds: by method, ``(k,)``; NaN where nothing was measured.
    """
    has_seconds = bool(seconds) and any(np.isfinite(s).any() for s in (seconds or {}).values())
    figure = make_subplots(1, 2 if has_seconds else 1, horizontal_spacing=0.14)
    for col, numbers in enumerate((tokens, seconds or {})[: 1 + has_seconds], start=1):
        unit = ("tokens", "s")[col - 1]
        for method, values in numbers.items():
            shown = np.isfinite(values)
            if not shown.any():
                continue
            add_line(
                figure,
                1,
                col,
                x=counts[shown],
                y=values[shown],
                name=METHOD_NAMES[method],
                color=METHOD_COLOURS[method],
                legendgroup=method,
                showlegend=col == 1,
                hovertemplate=f"{METHOD_NAMES[method]}, %{{x:,}} commands: %{{y:,.3~g}} {unit}"
                "<extra></extra>",
            )
        titles = ("tokens read for one command", "seconds for one command")
        figure.update_xaxes(title_text="commands in the list", type="log", row=1, col=col)
        figure.update_yaxes(title_text=titles[col - 1], type="log", row=1, col=col)
    greedy, naive = tokens["greedy"], tokens["saycan"]
    ratio = float(naive[-1] / greedy[-1])
    figure.add_annotation(
        text=say_times(ratio),
        x=np.log10(counts[-1]),
        y=np.log10(naive[-1]),
        xanchor="right",
        yanchor="bottom",
        yshift=6,
        font={"color": METHOD_COLOURS["saycan"]},
        showarrow=False,
        row=1,
        col=1,
    )
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 60, "l": 84, "r": 30})
    figure.update_layout(legend={"font": {"color": PALETTE["exact"]}})
    shared = tokens.get("saycan_shared")
    words = join(
        [
            f"With {int(counts[-1]):,} commands SayCan reads {int(naive[-1]):,} tokens to choose "
            f"one, greedy decoding {int(greedy[-1])}: {say_times(ratio)} as many.",
            f"Reading what commands begin with in common only once brings that to "
            f"{int(shared[-1]):,}."
            if shared is not None
            else "",
            f"The paper reports {EFFICIENCY['SayCan'][1]:g} times on its own list (published).",
        ]
    )
    return LiveFigure(figure, words=words)
