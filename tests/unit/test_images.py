"""Pictures that people bring are shown as they look, or refused with the reason."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workbench.data import images
from workbench.data.images import MAX_PIXELS, decode_image
from workbench.errors import InputError, TooLargeError

RED = (200, 30, 40)


def write(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and holds a single row's worth of zeros."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_that_is_named_is_read(kind: str) -> None:
    picture = decode_image(write(Image.new("RGB", (40, 30), RED), kind))
    assert (picture.format, picture.width, picture.height) == (kind, 40, 30)
    assert picture.pixels.shape == (30, 40, 3)
    assert picture.pixels.dtype == np.uint8
    assert np.abs(picture.pixels.astype(int) - RED).max() <= 3
    assert kind in images.FORMATS


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB"])
def test_every_mode_of_png_becomes_the_colours_it_shows(mode: str) -> None:
    source = Image.new("RGB", (8, 8), (255, 255, 255)).convert(mode)
    assert (decode_image(write(source)).pixels == 255).all()


def test_a_transparent_picture_stands_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (*RED, 0))
    image.putpixel((1, 1), (*RED, 255))
    image.putpixel((2, 2), (0, 0, 0, 128))
    pixels = decode_image(write(image)).pixels
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert tuple(pixels[1, 1]) == RED
    assert np.abs(pixels[2, 2].astype(int) - 127).max() <= 1


def test_a_palette_with_a_transparent_entry_stands_on_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, *RED])
    image.putpixel((0, 0), 0)
    pixels = decode_image(write(image, transparency=0)).pixels
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert tuple(pixels[3, 3]) == RED


def test_a_cmyk_picture_has_its_colours() -> None:
    image = Image.new("RGB", (16, 16), RED).convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        pixels = decode_image(write(image, kind)).pixels
        assert np.abs(pixels.astype(int) - RED).max() <= 4, kind


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_greys(kind: str) -> None:
    """Pillow's own conversion would turn everything above 255 to white."""
    values = np.array([[0, 257, 257 * 128, 65535]], dtype=np.uint16)
    pixels = decode_image(write(Image.fromarray(values), kind)).pixels
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert (pixels == pixels[..., :1]).all()


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    image = Image.new("RGB", (20, 10), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 10, 10))  # white at the left
    exif = Image.Exif()
    exif[0x0112] = 6  # "the left of the file is the top of the picture, turned clockwise"
    picture = decode_image(write(image, "JPEG", quality=95, exif=exif))
    assert (picture.width, picture.height) == (10, 20)
    assert picture.pixels[:8].min() > 200
    assert picture.pixels[12:].max() < 50


def test_one_pixel_is_a_picture() -> None:
    assert decode_image(write(Image.new("RGB", (1, 1), RED))).pixels.tolist() == [[list(RED)]]


def test_a_large_picture_is_made_smaller_and_keeps_its_proportions() -> None:
    data = write(Image.new("RGB", (400, 100), RED))
    picture = decode_image(data, longest_side=80)
    assert picture.pixels.shape == (20, 80, 3)
    assert (picture.width, picture.height) == (400, 100)
    assert decode_image(data, longest_side=1000).pixels.shape == (100, 400, 3)


def test_a_pixel_bomb_is_refused_from_its_header() -> None:
    side = int(MAX_PIXELS**0.5)
    for width, height in ((side + 1, side + 1), (12_000, 10_000), (100_000, 100_000)):
        with pytest.raises(TooLargeError, match=f"{MAX_PIXELS:,}"):
            decode_image(png_header(width, height))


def test_a_strip_is_refused() -> None:
    """Scaled until its shorter side is a model's 224 pixels it would need gigabytes."""
    with pytest.raises(InputError, match="20 times"):
        decode_image(write(Image.new("RGB", (1000, 1))))


def test_an_animation_is_refused() -> None:
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 90, 200)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = write(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(InputError, match="moves"):
            decode_image(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4", b"PK\x03\x04"],
)
def test_what_is_no_picture_is_refused_with_the_formats(data: bytes) -> None:
    with pytest.raises(InputError, match="PNG, JPEG"):
        decode_image(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_cut_off_file_is_refused(kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    data = write(Image.fromarray(noise), kind)
    with pytest.raises(InputError, match=r"damaged|not a picture"):
        decode_image(data[: len(data) // 2])


def test_fractions_as_pixels_are_refused() -> None:
    with pytest.raises(InputError, match="fractions"):
        decode_image(write(Image.new("F", (4, 4), 0.5), "TIFF"))


def test_too_many_bytes_are_refused_before_they_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 1000)
    with pytest.raises(TooLargeError, match="at most"):
        decode_image(bytes(1001))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells what it could not read
@settings(max_examples=150)
@given(st.data())
def test_a_damaged_file_gives_a_picture_or_a_reason_never_a_bug(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
    file = bytearray(write(Image.radial_gradient("L").resize((24, 24)).convert("RGB"), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        pixels = decode_image(bytes(file)).pixels
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
