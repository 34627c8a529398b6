"""An answer as it is kept: arrays nobody can change, values as text, and the receipt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from workbench.server import wire
from workbench.server.api import Receipt, Result
from workbench.server.operation import Output

Source = Literal["computed", "memory", "disk", "shipped"]


@dataclass(frozen=True, eq=False)
class Answer:
    """One answer, kept in a form that no caller can change for the others.

    Args:
        arrays: read-only arrays by name.
        values_text: the values as JSON text; every caller reads its own copy from it.
        receipt: the receipt of the computation itself.
    """

    arrays: dict[str, np.ndarray]
    values_text: str
    receipt: Receipt
    nbytes: int = field(init=False)
    """Bytes it takes in memory, roughly."""

    def __post_init__(self) -> None:
        size = sum(array.nbytes for array in self.arrays.values()) + len(self.values_text) + 1024
        object.__setattr__(self, "nbytes", size)

    @classmethod
    def of(cls, output: Output, receipt: Receipt) -> Answer:
        """Keep what an operation gave.

        Raises:
            InputError: an array or a value is of a type that cannot be kept.
        """
        return cls(wire.freeze(output.arrays), wire.as_text(output.values), receipt)

    @classmethod
    def unpack(cls, data: bytes, *, key: str) -> Answer:
        """Read an answer from bytes.

        Raises:
            WireError: the bytes are damaged, or answer another key.
        """
        result = wire.unpack_result(data)
        if result.receipt.key != key:
            raise wire.WireError("The bytes answer another request than the one asked for.")
        return cls(dict(result.arrays), wire.as_text(result.values), result.receipt)

    def pack(self) -> bytes:
        """Write it as bytes."""
        return wire.pack_result(self.result())

    def result(self, source: Source | None = None, shared_with: int = 0) -> Result:
        """The answer for one caller.

        Args:
            source: where this caller's answer came from; as kept when ``None``.
            shared_with: how many other callers waited for the same computation.
        """
        changes: dict[str, Any] = {"shared_with": shared_with}
        if source is not None:
            changes["source"] = source
        receipt = replace(self.receipt, **changes)
        return Result(dict(self.arrays), json.loads(self.values_text), receipt)
