"""Measured episodes of grounded decoding (``assets/grounded``)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from workbench.errors import AssetError

FOLDER = Path(__file__).parents[2] / "assets" / "grounded"


def read_records(world: str) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    """The episodes of a world, how they were measured, and the file's SHA-256.

    Args:
        world: as in the file's name.

    Raises:
        AssetError: the file is missing or damaged.
    """
    path = FOLDER / f"records-{world}.jsonl"
    try:
        data = path.read_bytes()
        header, *rows = [json.loads(line) for line in data.decode().splitlines()]
    except (OSError, ValueError) as error:
        raise AssetError(
            f"The measured episodes in {path.name} cannot be read; measure them again with "
            "`python -m workbench.training.grounded_records`."
        ) from error
    return rows, header, hashlib.sha256(data).hexdigest()
