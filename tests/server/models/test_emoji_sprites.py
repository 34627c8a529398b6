"""The shipped sheet of drawings is what the published SVG files give."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.data.emoji.atlas import atlas, read_atlas
from workbench.data.emoji.sprites import read_sheet
from workbench.models.store import silent
from workbench.settings import Settings
from workbench.training.emoji_sprites import fetch_drawings, render, render_sheet

pytestmark = pytest.mark.model


def test_the_sheet_is_openmojis_drawings_rendered_by_resvg() -> None:
    folder = fetch_drawings(Settings().data_dir, silent)
    rendered = np.asarray(render_sheet(folder)).astype(int)
    shipped = read_sheet().astype(int)
    rows = [
        rendered[row : row + 48, column : column + 48]
        for row in range(0, rendered.shape[0], 48)
        for column in range(0, rendered.shape[1], 48)
    ]
    # another version of resvg may place an edge a fraction of a pixel elsewhere
    assert np.abs(np.stack(rows) - shipped).mean() < 1.0


def test_the_atlas_is_openmojis_drawings_too() -> None:
    every, drawings = atlas(), read_atlas().astype(int)
    places = list(range(0, len(every), 40))
    folder = fetch_drawings(Settings().data_dir, silent, [every[place] for place in places])
    for place in places:
        rendered = np.asarray(render(every[place].code, folder)).astype(int)
        shown = drawings[place]
        # where nothing is seen, colours mean nothing
        seen = (rendered[..., 3:] > 0) | (shown[..., 3:] > 0)
        assert np.abs((rendered - shown) * seen).mean() < 1.0, every[place].name
