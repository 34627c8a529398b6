"""A picture file that somebody brings, as the pixels that methods ask models about."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError
from workbench.server.api import ModelClient, Request
from workbench.uploads import open_upload


def decode_upload(client: ModelClient, upload: str, longest_px: int) -> np.ndarray:
    """Its pixels, upright and on white, ``(h, w, 3)`` uint8.

    Args:
        client: the model server, which decodes.
        upload: reference of the file.
        longest_px: a larger picture is made smaller, to this longer side.

    Raises:
        InputError: the picture is refused; says which and why.
    """
    name = upload.split("/", 1)[1][:80]
    request = Request(
        "clip.decode_image",
        arguments={"size": longest_px},
        arrays={"file": np.frombuffer(open_upload(upload).read_bytes(), np.uint8)},
    )
    try:
        pixels = client.call(request).arrays["image"]
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return np.ascontiguousarray(pixels)
