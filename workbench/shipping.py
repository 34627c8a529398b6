"""Answers written to a folder that comes with the workbench, so that tabs open without a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.server.api import Json, Result, canonical_json, digest_arrays
from workbench.server.cache import write_shipped
from workbench.server.wire import WireError, unpack_result
from workbench.study import is_timing


@dataclass(frozen=True, slots=True)
class Shipped:
    """How many files of a folder are new (or say something else now), as they were, and gone."""

    new: int
    kept: int
    removed: int

    def __str__(self) -> str:
        return f"{self.new} new, {self.kept} kept as they were, {self.removed} removed"


def ship(folder: Path, answers: Iterable[Result]) -> Shipped:
    """Make a folder hold exactly these answers.

    A file that says the same already stays as it is, with the receipt of its own measurement:
    measuring again changes times and dates, and would change every byte for nothing.

    Args:
        folder: holds ``<key>.bin`` files; made if it is not there.
        answers: what it shall hold; of several with one key the last counts.
    """
    wanted = {f"{answer.receipt.key}.bin": answer for answer in answers}
    here = {path.name for path in folder.glob("*.bin")}
    kept = {name for name in here & wanted.keys() if says_the_same(folder / name, wanted[name])}
    for name in wanted.keys() - kept:
        write_shipped(folder, wanted[name])
    for name in here - wanted.keys():
        (folder / name).unlink()
    return Shipped(len(wanted) - len(kept), len(kept), len(here - wanted.keys()))


def says_the_same(path: Path, answer: Result) -> bool:
    """Whether a shipped file holds an answer's arrays and values; measured times may differ."""
    try:
        found = unpack_result(path.read_bytes())
    except WireError:  # damaged: to be written anew
        return False
    return (
        found.receipt.key == answer.receipt.key
        and digest_arrays(found.arrays) == digest_arrays(answer.arrays)
        and _say(found) == _say(answer)
    )


def _say(answer: Result) -> str:
    return canonical_json(_without_times(dict(answer.values)))


def _without_times(value: Json) -> Json:
    if isinstance(value, dict):
        return {
            name: _without_times(part)
            for name, part in value.items()
            if name != "seconds" and not is_timing(name)
        }
    return [_without_times(part) for part in value] if isinstance(value, list) else value
