"""What became of whole episodes: one record for each task, scene and method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from workbench.errors import BugError, InputError
from workbench.methods.grounded.episode import Episode
from workbench.server.api import Json, ModelClient, Request

DIGESTS: Final[Mapping[str, str]] = {
    "tabletop": "ea5e12c13e2d99cbbafc3c962f19002fb477390f814ac48171cb04d94607d9bc",
    "pairs": "8ed287846d0e78d0d8feb008b12f68791778901ce2bd3457d1c648a9ae222d62",
    "maze": "2fb882ab8bfc793d327a40ce4cc7e1456d60fde4f4787cf9673d97c32db0dd53",
    "kitchen": "703ff524f008547664b2704a60b01f9439cbc198f794c5db28882811bf9073c3",
}
"""SHA-256 of the shipped records of each world, so that their answers can be kept."""


@dataclass(frozen=True, slots=True)
class Record:
    """One episode.

    Args:
        task: its template.
        scene: number of the first scene.
        method: one of ``episode.METHODS``.
        outcome: one of ``episode.OUTCOMES``.
        commands: in order.
        tokens_scored: contexts that the method read to choose each command.
        succeeded: whether each was carried out.
    """

    task: str
    scene: int
    method: str
    outcome: str
    commands: tuple[str, ...]
    tokens_scored: tuple[int, ...]
    succeeded: tuple[bool, ...]

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Records:
    """Measured episodes and where they come from.

    Args:
        records: the episodes.
        model: name of the language model.
        receipt: how they were measured (settings, digests, packages, date).
    """

    records: tuple[Record, ...]
    model: str
    receipt: Mapping[str, Json]


def record(episode: Episode, scene: int) -> Record:
    """What is kept of an episode."""
    return Record(
        task=episode.task.template,
        scene=scene,
        method=episode.settings.method,
        outcome=episode.outcome,
        commands=episode.commands,
        tokens_scored=tuple(step.tokens_scored for step in episode.steps),
        succeeded=tuple(step.succeeded for step in episode.steps),
    )


def read_record(row: Mapping[str, Any]) -> Record:
    """A record from plain JSON."""
    return Record(
        task=str(row["task"]),
        scene=int(row["scene"]),
        method=str(row["method"]),
        outcome=str(row["outcome"]),
        commands=tuple(map(str, row["commands"])),
        tokens_scored=tuple(map(int, row["tokens_scored"])),
        succeeded=tuple(map(bool, row["succeeded"])),
    )


def ask_records(client: ModelClient, world: str) -> Records:
    """The shipped records of a world.

    Raises:
        InputError: none were shipped for it.
    """
    if world not in DIGESTS:
        raise InputError(
            f"No episodes were measured ahead for {world}; choose tabletop, or measure now."
        )
    answer = client.call(
        Request(
            "grounded.records",
            arguments={"world": world, "digest": DIGESTS[world]},
            dtype="float32",
        )
    )
    rows, receipt = answer.values.get("records"), answer.values.get("receipt")
    if not isinstance(rows, list) or not isinstance(receipt, dict):
        raise BugError("The model server answered without records.")
    found = tuple(read_record(row) for row in rows if isinstance(row, dict))
    return Records(found, str(receipt.get("model", "")), receipt)
