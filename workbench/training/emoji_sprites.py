"""Render the sheet of drawings again: ``python -m workbench.training.emoji_sprites``.

The SVG files come from the wheel on the card ``openmoji``, fetched and checked like a model. Needs
``resvg-py``, one of the development tools.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

import workbench.data
from workbench.data.emoji.classes import EmojiClass, emoji_classes
from workbench.data.emoji.sprites import COLUMNS, SHEET, SIDE_PX
from workbench.models.card import read_card
from workbench.models.sources.wheel import WheelSource
from workbench.progress import download_bar
from workbench.settings import load_settings

CARD = Path(str(workbench.data.__file__)).with_name("cards") / "openmoji.toml"
_RENDER_PX = 256


def main() -> int:
    """Fetch the drawings if needed and write the sheet."""
    with download_bar("openmoji") as progress:
        folder = fetch_drawings(load_settings().data_dir, progress)
    render_sheet(folder).save(SHEET, optimize=True)
    return 0


def fetch_drawings(data_dir: Path, progress: Callable[[float | None, str], None]) -> Path:
    """Bring the SVG files here and check each digest.

    Returns:
        The folder of the files.

    Raises:
        UnreachableError: the package index does not answer.
        AssetError: what arrived is not what the card says.
    """
    source = WheelSource(read_card(CARD, kinds=("drawings",)), data_dir, offline=False)
    source.fetch(progress)
    source.check(thorough=True)
    return source.folder()


def render_sheet(folder: Path) -> Image.Image:
    """Draw every class.

    Args:
        folder: of the SVG files, named by code points.

    Returns:
        An RGBA image of ``COLUMNS`` drawings a row, each ``SIDE_PX`` wide and high.
    """
    classes = emoji_classes()
    rows = -(-len(classes) // COLUMNS)
    sheet = Image.new("RGBA", (COLUMNS * SIDE_PX, rows * SIDE_PX))
    for number, one in enumerate(classes):
        row, column = divmod(number, COLUMNS)
        sheet.paste(render(one, folder), (column * SIDE_PX, row * SIDE_PX))
    return sheet


def render(one: EmojiClass, folder: Path) -> Image.Image:
    """One drawing, cropped to what is drawn and fitted into a square without distortion."""
    import resvg_py

    svg = (folder / f"{one.code}.svg").read_text(encoding="utf-8")
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=_RENDER_PX, height=_RENDER_PX, skip_system_fonts=True
    )
    drawing = Image.open(io.BytesIO(png)).convert("RGBA")
    drawing = drawing.crop(drawing.getchannel("A").getbbox())
    side = max(drawing.size)
    square = Image.new("RGBA", (side, side))
    square.paste(drawing, ((side - drawing.width) // 2, (side - drawing.height) // 2))
    return square.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main())
