"""A library that exchanges its own module is whole for every thread that asks for it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from workbench.models.transformers_library import import_transformers

PATIENCE_S = 20.0
EXCHANGED = """
import sys, types
import wb_gate_of_import
wb_gate_of_import.begun.set()
assert wb_gate_of_import.open.wait(20)
whole = types.ModuleType(__name__)
whole.__spec__ = __spec__
whole.Model = object
sys.modules[__name__] = whole
"""


def is_waiting_for_an_import(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code.co_name == "acquire" and "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def test_who_asks_while_it_is_imported_gets_the_module_that_holds_the_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = type(sys)("wb_gate_of_import")
    gate.begun, gate.open = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    (tmp_path / "wb_exchanged.py").write_text(EXCHANGED)
    monkeypatch.setitem(sys.modules, gate.__name__, gate)
    monkeypatch.syspath_prepend(str(tmp_path))
    found: list[object] = []
    first = threading.Thread(target=lambda: import_transformers("wb_exchanged"))
    second = threading.Thread(target=lambda: found.append(import_transformers("wb_exchanged")))
    try:
        first.start()
        assert gate.begun.wait(PATIENCE_S)
        second.start()
        deadline = time.monotonic() + PATIENCE_S
        while not is_waiting_for_an_import(second):
            assert time.monotonic() < deadline, "the second thread never came to wait"
        gate.open.set()
        first.join(PATIENCE_S)
        second.join(PATIENCE_S)
    finally:
        gate.open.set()
        sys.modules.pop("wb_exchanged", None)
    assert [hasattr(one, "Model") for one in found] == [True]
