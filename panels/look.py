"""Gradio's own components in the page's colours and fonts; ``assets/css`` does the rest."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import sizes

from workbench.figures.theme import CHALK, INK, PAPER, SLATE, TEXT_FONT

THEME = Base(
    text_size=sizes.text_md,
    radius_size=sizes.radius_sm,
    spacing_size=sizes.spacing_md,
    font=[TEXT_FONT],
    font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
).set(
    body_background_fill=PAPER,
    body_background_fill_dark=SLATE,
    body_text_color=INK,
    body_text_color_dark=CHALK,
    background_fill_primary=PAPER,
    background_fill_primary_dark=SLATE,
    block_background_fill="transparent",
    block_background_fill_dark="transparent",
    block_border_width="0px",
    block_shadow="none",
    slider_color="var(--wb-accent)",
    slider_color_dark="var(--wb-accent)",
)
