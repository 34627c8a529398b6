"""Colours, fonts and Plotly templates: the one place that knows how figures look.

Every colour of ``PALETTE`` keeps a contrast of at least 3:1 against both grounds, paper and slate,
because a figure that leaves the page (a file, a notebook) may be shown on either; on a dark page
the browser exchanges each for its lighter twin of ``PALETTE_DARK``. The hues are those of Okabe
and Ito ("Color Universal Design", 2008), darkened or lightened until they pass; a test measures it.
"""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go

PAPER: Final = "#fbf8f1"
"""Ground of the page and its figures in light."""
SLATE: Final = "#171b21"
"""Ground of the page and its figures in dark."""
INK: Final = "#22262c"
"""Text on paper."""
CHALK: Final = "#e9e5da"
"""Text on slate."""

PALETTE: Final[dict[str, str]] = {
    # hues, in the order in which unnamed series take them
    "blue": "#1a76b4",
    "vermilion": "#d2591a",
    "green": "#0f8f6b",
    "purple": "#b0609a",
    "amber": "#ad7a08",
    "sky": "#4192bd",
    # roles
    "exact": "#7b8088",  # the truth an approximation is held against
    "baseline": "#8c8377",  # the trivial method everything must beat
    "threshold": "#c2410c",  # a line the paper draws
    "published": "#8a6d3b",  # a number printed in the paper, not measured here
    "danger": "#cf3a3a",  # where a method breaks
    "grid": "#8f8a7f",  # axes and rules, at low opacity
}

PALETTE_DARK: Final[dict[str, str]] = {
    "blue": "#63aeea",
    "vermilion": "#f28d52",
    "green": "#40c79c",
    "purple": "#d896c8",
    "amber": "#dcaa42",
    "sky": "#86c9ef",
    "exact": "#abb0b8",
    "baseline": "#b8b0a3",
    "threshold": "#f58a57",
    "published": "#ccab7b",
    "danger": "#f27474",
    "grid": "#8f8a7f",
}
"""The same roles on slate, each at 4.5:1 or more but for the grid."""

COLORWAY: Final = tuple(
    PALETTE[hue] for hue in ("blue", "vermilion", "green", "purple", "amber", "sky")
)

GROUPS: Final[dict[str, tuple[str, str]]] = {
    "See": ("#1b5f97", "#7fb9e6"),
    "Read": ("#a13d14", "#f0996c"),
    "Act": ("#0a6a55", "#62c9ae"),
    "Audit": ("#77386f", "#d79ace"),
}
"""Accent of each group of tabs, in light and in dark; as text they pass 4.5:1 on their ground."""

SEQUENTIAL: Final[list[list[float | str]]] = [
    [0.0, "#13213a"],
    [0.2, "#1f4a73"],
    [0.4, "#3f7791"],
    [0.6, "#7ba193"],
    [0.8, "#c4c48d"],
    [1.0, "#f8e8ae"],
]
"""From none (navy) to much (straw): lightness rises evenly, so it reads in grey and to all eyes."""

DIVERGING: Final[list[list[float | str]]] = [
    [0.0, "#154a80"],
    [0.25, "#6f9cc3"],
    [0.5, "#f1ece0"],
    [0.75, "#d9936a"],
    [1.0, "#8f3411"],
]
"""Below (blue), zero (paper), above (rust); pair it with limits of equal size."""

TITLE_FONT: Final = "'Source Serif 4 Variable', 'Source Serif 4', Georgia, 'Times New Roman', serif"
TEXT_FONT: Final = "'Source Sans 3 Variable', 'Source Sans 3', 'Segoe UI', Helvetica, sans-serif"
FONT_SIZE_PX: Final = 15


def _template(ground: str, text: str, quiet: str, *, grid_opacity: float) -> go.layout.Template:
    rule = f"rgba(143,138,127,{grid_opacity})"
    axis = {
        "showgrid": True,
        "gridcolor": rule,
        "gridwidth": 1,
        "zeroline": False,
        "showline": True,
        "linecolor": quiet,
        "linewidth": 1,
        "ticks": "outside",
        "ticklen": 5,
        "tickcolor": quiet,
        "tickfont": {"color": quiet, "size": FONT_SIZE_PX - 1},
        "title": {"font": {"color": text, "size": FONT_SIZE_PX}, "standoff": 12},
        # Plotly would draw everything twice to find the room for labels; "margin" leaves enough
        "automargin": False,
        "minor": {"showgrid": False},
    }
    bar = {
        "outlinewidth": 0,
        "thickness": 12,
        "len": 0.8,
        "tickfont": {"color": quiet, "size": FONT_SIZE_PX - 2},
        "title": {"font": {"color": text, "size": FONT_SIZE_PX - 1}},
    }
    return go.layout.Template(
        layout={
            "font": {"family": TEXT_FONT, "size": FONT_SIZE_PX, "color": text},
            "title": {
                "font": {"family": TITLE_FONT, "size": 20, "color": text},
                "x": 0,
                "xanchor": "left",
                "xref": "paper",
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(COLORWAY),
            "colorscale": {"sequential": SEQUENTIAL, "diverging": DIVERGING},
            "coloraxis": {"colorbar": bar},
            "margin": {"l": 84, "r": 24, "t": 40, "b": 64},
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": ground,
                "bordercolor": quiet,
                "font": {"family": TEXT_FONT, "size": FONT_SIZE_PX - 1, "color": text},
                "align": "left",
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "bgcolor": "rgba(0,0,0,0)",
                "font": {"size": FONT_SIZE_PX - 1, "color": text},
            },
            "annotationdefaults": {
                "font": {"size": FONT_SIZE_PX - 1, "color": text},
                "showarrow": False,
            },
            "shapedefaults": {"line": {"color": quiet, "width": 1.5}},
            "xaxis": axis,
            "yaxis": axis,
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": quiet,
                "activecolor": text,
            },
            "separators": ".\u2009",
        },
        data={
            "scatter": [{"line": {"width": 2.5}, "marker": {"size": 8}}],
            "heatmap": [{"colorscale": SEQUENTIAL, "colorbar": bar}],
        },
    )


TEMPLATE: Final = _template(PAPER, INK, "#5f6269", grid_opacity=0.22)
"""Figures on paper."""
TEMPLATE_DARK: Final = _template(SLATE, CHALK, "#a9a79f", grid_opacity=0.24)
"""Figures on slate."""
