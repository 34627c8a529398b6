"""Figures whose live parameters redraw in the browser without a request.

Python computes the figure's data for every position of its live parameters in one sweep and
sends it once as compact arrays; the browser picks the position. No formula is written twice.
"""

from __future__ import annotations

import base64
import copy
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.wording import each, keep_together

Position = float | int | str | bool


@dataclass(frozen=True)
class Slot:
    """One part of a figure that depends on live parameters.

    Args:
        path: the part, as in Plotly's JSON: ``"data[2].y"``, ``"layout.shapes[0].x0"``.
        axes: names of the live parameters it depends on, in the order of ``values``' axes.
        values: numbers of shape ``(positions of axes[0], …, *shape of the part)``, or a nested
            list of text whose nesting follows ``axes``.
    """

    path: str
    axes: tuple[str, ...]
    values: np.ndarray | Sequence[Any]


@dataclass(frozen=True)
class LiveFigure:
    """A Plotly figure and how its parts change with live parameters.

    Args:
        figure: the figure at any one position; parts named by slots are replaced.
        axes: every position of each live parameter, in slider order.
        slots: the parts that change.
        words: what the reader sees, in two or three sentences; one text, or a slot of texts.
    """

    figure: go.Figure
    axes: Mapping[str, Sequence[Position]] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    words: str | Slot = ""

    def at(self, **position: Position) -> go.Figure:
        """The plain figure at one position of the live parameters (nearest position of each).

        Raises:
            KeyError: a live parameter is missing.
        """
        spec = copy.deepcopy(self.figure.to_plotly_json())
        for slot in self.slots:
            _assign(spec, slot.path, pick(slot.values, indices_at(self.axes, slot.axes, position)))
        return go.Figure(spec)

    def words_at(self, **position: Position) -> str:
        """The sentences for one position of the live parameters."""
        return words_at(self.words, self.axes, position)

    def payload(self) -> dict[str, Any]:
        """The figure as JSON for the browser: typed arrays as base64, in C order.

        Arrays travel as float32, or as float16 where a slot's values are. The template stays out:
        the page applies its own, light or dark.
        """
        spec = self.figure.to_plotly_json()
        spec.get("layout", {}).pop("template", None)
        return {
            "figure": _encode(spec),
            "axes": {name: list(positions) for name, positions in self.axes.items()},
            "slots": [encode_slot(slot, self.axes) for slot in self.slots],
            "words": encode_words(self.words, self.axes),
        }


def encode_slot(slot: Slot, axes: Mapping[str, Sequence[Position]]) -> dict[str, Any]:
    """A slot as JSON for the browser.

    Args:
        slot: what to write.
        axes: every position of each live parameter.

    Raises:
        ValueError: its numbers do not have a part for every position.
    """
    shape = [len(axes[name]) for name in slot.axes]
    head: dict[str, Any] = {"path": slot.path, "axes": list(slot.axes)}
    if isinstance(slot.values, np.ndarray) and slot.values.dtype.kind in "fiub":
        if list(slot.values.shape[: len(shape)]) != shape:
            raise ValueError(
                f"slot {slot.path}: shape {slot.values.shape} does not start with {shape}"
            )
        return head | {"shape": list(slot.values.shape)} | _base64(slot.values)
    texts = [pick(slot.values, index) for index in itertools.product(*map(range, shape))]
    return head | {"texts": texts}


def words_at(
    words: str | Slot, axes: Mapping[str, Sequence[Position]], position: Mapping[str, Position]
) -> str:
    """The sentences for one position of the live parameters.

    Args:
        words: one text, or a slot of texts.
        axes: every position of each live parameter.
        position: value of each live parameter.

    Raises:
        KeyError: a live parameter is missing.
    """
    if isinstance(words, str):
        return words
    return str(pick(words.values, indices_at(axes, words.axes, position)))


def encode_words(words: str | Slot, axes: Mapping[str, Sequence[Position]]) -> str | dict[str, Any]:
    """Sentences as JSON for the browser: one text, or a slot of texts."""
    return words if isinstance(words, str) else encode_slot(words, axes)


def indices_at(
    axes: Mapping[str, Sequence[Position]], names: Sequence[str], position: Mapping[str, Position]
) -> tuple[int, ...]:
    """Index of the position nearest to a value, on each of the named axes.

    Raises:
        KeyError: a live parameter is missing.
    """
    return tuple(_nearest(axes[name], position[name]) for name in names)


def pick(values: Any, index: Sequence[int]) -> Any:
    """What stands at an index of nested lists, or of an array."""
    for i in index:
        values = values[i]
    return values


def over_positions(shape: Sequence[int], say: Callable[..., str]) -> list[Any]:
    """One text for every position of live parameters, for a slot of texts.

    Args:
        shape: number of positions of each parameter.
        say: index on each axis -> the text there.

    Returns:
        Texts in lists nested as ``shape``, with no line break between a number and its unit.
    """
    return each(lambda *index: keep_together(say(*index)), *shape)


def _nearest(positions: Sequence[Position], value: Position) -> int:
    if isinstance(value, (str, bool)):
        return list(positions).index(value)
    return int(np.argmin(np.abs(np.asarray(positions, dtype=float) - float(value))))


def _assign(spec: Any, path: str, value: Any) -> None:
    keys = [int(k) if k.isdigit() else k for k in re.findall(r"[^.\[\]]+", path)]
    for key in keys[:-1]:
        spec = spec[key] if isinstance(key, int) else spec.setdefault(key, {})
    spec[keys[-1]] = value


def _base64(array: np.ndarray) -> dict[str, Any]:
    # float16 is kept: it halves what is only ever a colour
    kept = "float16" if array.dtype == np.float16 else "float32"
    compact = np.ascontiguousarray(array, dtype=np.dtype(kept).newbyteorder("<"))
    return {"dtype": kept, "base64": base64.b64encode(compact.tobytes()).decode()}


def _decode_plotly(part: Mapping[str, Any]) -> np.ndarray:
    """Read Plotly's own array encoding: dtype name, base64 bytes, and "rows, columns"."""
    flat = np.frombuffer(base64.b64decode(part["bdata"]), np.dtype(part["dtype"]))
    shape = str(part.get("shape", flat.size)).split(",")
    return flat.reshape([int(size) for size in shape])


def _encode(part: Any) -> Any:
    if isinstance(part, np.ndarray):
        if part.dtype.kind in "fiub" and part.size > 64:
            return {"shape": list(part.shape)} | _base64(part)
        return _encode(part.tolist())
    if isinstance(part, Mapping) and set(part) >= {"dtype", "bdata"}:
        return _encode(_decode_plotly(part))
    if isinstance(part, Mapping):
        return {key: _encode(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_encode(value) for value in part]
    if isinstance(part, np.generic):
        return _encode(part.item())
    if isinstance(part, float) and not np.isfinite(part):
        return None
    return part
