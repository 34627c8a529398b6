"""The picture that is asked about: a test scene, one of one's own, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.methods.uploaded_pictures import decode_upload
from workbench.params import Board, Piece, Range, Upload, placed
from workbench.server.api import Json, ModelClient, Request

THINGS: Final = {
    "lemon": "🍋",
    "banana": "🍌",
    "grapes": "🍇",
    "strawberry": "🍓",
    "pineapple": "🍍",
    "carrot": "🥕",
    "dog": "🐶",
    "rabbit": "🐇",
    "panda": "🐼",
    "cow": "🐮",
    "penguin": "🐧",
    "car": "🚗",
    "bus": "🚌",
    "bicycle": "🚲",
    "rocket": "🚀",
    "sailing boat": "⛵",
}
"""Everything that a small scene can hold."""
MOST_PIECES: Final = 9
LONGEST_PX: Final = 512
BOARD: Final = Board(
    "Your own scene",
    tuple(Piece(name, "transparent", "square", glyph) for name, glyph in THINGS.items()),
    max_items=MOST_PIECES,
    help="Drag emoji onto the ground; the model sees them drawn at the size below.",
)
SIZE: Final = Range(0.22, 0.46, 0.02, "Size of your emoji", help="As a share of the picture.")
UPLOAD: Final = Upload(
    "Picture of your own",
    (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    max_mib=16.0,
    help="Any size; the small network only knows drawn emoji, so expect little of photographs.",
    can_draw=True,
)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, and what is known of it.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        name: what it is called.
        names: of the things that are in it; empty where nobody knows.
        boxes: ``(m, 4)`` in fractions of the sides.
        expressions: words that mean one of the things.
        caption: what can be said of it; empty where nobody knows.
    """

    pixels: np.ndarray
    name: str
    names: tuple[str, ...] = ()
    boxes: np.ndarray | None = None
    expressions: tuple[str, ...] = ()
    caption: str = ""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


def bring_picture(client: ModelClient, scene: int, board: str, size: float, upload: str) -> Picture:
    """The picture: the file if there is one, else the board if anything stands on it.

    Args:
        client: the model server, which draws and decodes.
        scene: number of the test scene.
        board: pieces put on the ground, as a ``Board`` writes them.
        size: of the pieces, as a share of the side.
        upload: reference of a file, or empty.

    Raises:
        InputError: the file is no picture that can be read; says which and why.
    """
    if upload:
        name = upload.split("/", 1)[1][:80]
        return Picture(decode_upload(client, upload, LONGEST_PX), name)
    if placed(board):
        things: list[Json] = [
            {"name": one.piece, "x": one.x, "y": 1 - one.y} for one in placed(board)
        ]
        request = Request("vision.compose", arguments={"things": things, "size": size})
        return _read(client.call(request), "your own scene")
    request = Request("vision.scenes", arguments={"start": scene, "count": 1})
    return _read(client.call(request), f"test scene {scene}")


def _read(answer: Any, name: str) -> Picture:
    values = answer.values
    class_names = [str(one) for one in values["class_names"]]
    return Picture(
        np.ascontiguousarray(answer.arrays["images"][0]),
        name,
        tuple(class_names[label] for label in answer.arrays["labels"]),
        answer.arrays["boxes"],
        tuple(str(one["text"]) for one in values["expressions"][0]),
        str(values["captions"][0]),
    )
