"""A picture somebody brings comes back as plain pixels, or refused without harm to others."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.server.operations.recording import RecordingControl
from workbench.errors import InputError
from workbench.server.api import Request
from workbench.server.operation import Output, Prepared
from workbench.server.operations import decode_image


def prepared(data: bytes, **arguments: int) -> Prepared:
    file = np.frombuffer(data, dtype=np.uint8)
    return decode_image.prepare(Request("clip.decode_image", None, arguments, {"file": file}))


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 200, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_damaged_picture_is_refused_and_the_others_of_its_batch_are_not() -> None:
    items = [prepared(png(30, 20)), prepared(b"no picture"), prepared(png(90, 60), size=45)]
    first, refused, small = decode_image.run(None, items, RecordingControl(), "cpu")
    assert isinstance(refused, InputError)
    assert isinstance(first, Output)
    assert isinstance(small, Output)
    assert first.arrays["image"].shape == (20, 30, 3)
    assert first.values == {"width": 30, "height": 20, "format": "PNG"}
    assert small.arrays["image"].shape == (30, 45, 3)
    assert (small.arrays["image"] == (10, 200, 30)).all()


def test_a_file_is_a_row_of_bytes() -> None:
    for file in (np.zeros(4), np.zeros((2, 2), dtype=np.uint8)):
        with pytest.raises(InputError, match="the bytes of one picture"):
            decode_image.prepare(Request("clip.decode_image", None, {}, {"file": file}))
    with pytest.raises(InputError, match="size"):
        prepared(png(1, 1), size=-1)
