"""The transformers library, imported when the first model is loaded and not before."""

from __future__ import annotations

import importlib
from types import ModuleType

NAME = "transformers"


def import_transformers(name: str = NAME) -> ModuleType:
    """The library, whole even while another thread is still importing it.

    It puts another module under its name when it has been imported to its end. ``import
    transformers`` in a second thread waits for that end and then holds the first module, which has
    none of its classes; this function looks the name up again.

    Args:
        name: of the module.
    """
    return importlib.import_module(name)
