"""A sample of the shipped episodes of grounded decoding, measured again with the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.data.grounded import read_records
from workbench.methods.grounded.episode import METHODS
from workbench.methods.grounded.measure import WITHOUT_HABIT, Plan, measure
from workbench.methods.grounded.records import read_record
from workbench.server.local import open_engine
from workbench.settings import Settings


@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_first_scene_goes_as_it_was_recorded(tmp_path: Path) -> None:
    shipped = [read_record(row) for row in read_records("tabletop")[0]]
    expected = {r.method: r for r in shipped if (r.task, r.scene) == ("brown_box", 0)}
    (tmp_path / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    engine = open_engine(Settings(home=tmp_path, offline=True, device="cpu"))
    try:
        plan = Plan("tabletop", ("brown_box",), scenes=1, methods=tuple(expected))
        found = list(measure(engine, plan))
    finally:
        engine.close()
    assert set(expected) == {*METHODS, WITHOUT_HABIT}
    assert {one.method: one for one in found} == expected
