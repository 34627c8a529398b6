"""A figure's colours are those of its ground: darker on paper, lighter on slate."""

from __future__ import annotations

from tests.browser.conftest import Watched
from workbench.figures.theme import PALETTE, PALETTE_DARK

COLOURS = """document.querySelector('#wb-study-waves .js-plotly-plot')
    ._fullData.map(trace => trace.line?.color ?? trace.marker?.color)"""


def test_changing_to_dark_exchanges_every_palette_colour_and_back(watched: Watched) -> None:
    page = watched.open_waves()
    on_paper = page.evaluate(COLOURS)
    roles = {colour: role for role, colour in PALETTE.items()}
    assert roles.keys() & set(on_paper), "the toy draws in colours of the palette"
    on_slate = [PALETTE_DARK[roles[c]] if c in roles else c for c in on_paper]
    page.get_by_role("button", name="Change to dark").click()
    page.wait_for_function(f"JSON.stringify({COLOURS}) === JSON.stringify({on_slate!r})")
    page.get_by_role("button", name="Change to light").click()
    page.wait_for_function(f"JSON.stringify({COLOURS}) === JSON.stringify({on_paper!r})")
