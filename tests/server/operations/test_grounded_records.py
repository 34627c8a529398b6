"""The shipped episodes are given as their file has them, and only to a page of the same release."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.server.operations.recording import run_one
from workbench.data.grounded import read_records
from workbench.errors import AssetError, InputError
from workbench.methods.grounded.records import DIGESTS, read_record
from workbench.server.operations.grounded_records import OPERATION

NO_MODEL = SimpleNamespace(name=None, device="cpu")


def test_every_record_of_the_file_is_given_with_how_it_was_measured() -> None:
    output = run_one(OPERATION, NO_MODEL, {"world": "tabletop", "digest": DIGESTS["tabletop"]})
    rows = output.values["records"]
    assert isinstance(rows, list)
    assert rows == read_records("tabletop")[0]
    assert len({(r.task, r.scene, r.method) for r in map(read_record, rows)}) == len(rows)  # type: ignore[arg-type]
    receipt = output.values["receipt"]
    assert isinstance(receipt, dict)
    assert {"model", "model_digest", "dtype", "device", "packages", "created"} <= set(receipt)


def test_another_version_of_the_file_is_refused() -> None:
    with pytest.raises(InputError, match="another version"):
        run_one(OPERATION, NO_MODEL, {"world": "tabletop", "digest": "0" * 64})


def test_a_world_without_a_file_says_how_to_measure() -> None:
    with pytest.raises(AssetError, match="grounded_records"):
        read_records("moon")
