"""Import Gradio in half the time.

For each of its components Gradio parses the source and renders an interface file for editors, at
every start: 2.2 of 4.5 seconds here. It passes over classes that have no source file, so while it
is imported its own classes are said to have none. Import this before anything that imports Gradio.
"""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Iterator
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@contextlib.contextmanager
def _without_interface_files() -> Iterator[None]:
    find_file = inspect.getfile

    def find_file_but_not_gradios(item: Any) -> str:
        if inspect.isclass(item) and item.__module__.startswith("gradio."):
            raise OSError("passed over")
        return find_file(item)

    inspect.getfile = find_file_but_not_gradios
    try:
        yield
    finally:
        inspect.getfile = find_file


with _without_interface_files():
    import gradio

__all__ = ["gradio"]
