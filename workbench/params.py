"""Parameters declared once: checked by the method, drawn by the page, parsed from text and links.

A method declares a frozen dataclass whose fields are ``Annotated`` with one of the kinds
below and calls ``check(self)`` in ``__post_init__``:

    @dataclass(frozen=True, slots=True)
    class Params:
        temperature: Annotated[float, Range(0.1, 5.0, 0.1, "Temperature T")] = 1.0
        kind: Annotated[str, Choice(("taylor", "minimax"), "Polynomial")] = "minimax"
        text: Annotated[str, Text("Text", max_chars=20_000)] = "Hello."
        centred: Annotated[bool, Flag("Centre the keys")] = False
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from workbench.composed import Board as Board
from workbench.composed import Chip as Chip
from workbench.composed import Chips as Chips
from workbench.composed import Composed
from workbench.composed import Picks as Picks
from workbench.composed import Piece as Piece
from workbench.composed import Placed as Placed
from workbench.composed import chips as chips
from workbench.composed import picked as picked
from workbench.composed import placed as placed
from workbench.errors import InputError, UnknownNameError

P = TypeVar("P")

WRITERS = ("causal-lm", "seq2seq-lm", "openai")
"""Kinds of language model that write a text; an OpenAI-compatible endpoint is one of them."""
SCORERS = ("causal-lm", "seq2seq-lm")
"""Kinds of language model that also say how probable a given text is; an endpoint does not."""

UPLOAD_REFERENCE = re.compile(r"([0-9a-f]{64})/([^/\\\x00-\x1f]{1,80})")
"""SHA-256 of a file and its name for people."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two ends, both included.

    Args:
        minimum: smallest value allowed.
        maximum: largest value allowed.
        step: distance of the slider's positions; a value between positions is allowed.
        label: what stands above the control.
        live: the page re-reads a measurement for it, so it redraws without a request.
        help: one sentence under the control.
    """

    minimum: float
    maximum: float
    step: float
    label: str
    live: bool = False
    help: str = ""

    def positions(self) -> list[float]:
        """Every position of the slider, ends included, rounded to the step's decimals."""
        count = round((self.maximum - self.minimum) / self.step)
        return [round(self.minimum + i * self.step, 10) for i in range(count + 1)]


@dataclass(frozen=True, slots=True)
class Choice:
    """One name out of a fixed list.

    Args:
        options: the accepted values, in screen order.
        label: what stands above the control.
        live: as in ``Range``.
        names: words to show for the options, in the same order; the options when empty.
        help: one sentence under the control.
    """

    options: tuple[str, ...]
    label: str
    live: bool = False
    names: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Free text up to a length.

    Args:
        label: what stands above the control.
        max_chars: longest text allowed, in characters.
        min_chars: shortest text allowed after stripping white space.
        lines: height of the box, in lines.
        help: one sentence under the control.
    """

    label: str
    max_chars: int = 2_000
    min_chars: int = 0
    lines: int = 1
    help: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a kind, by the name of its card (the catalogue checks that it exists).

    Args:
        kind: kind of model, as written on the cards ("causal-lm", "sentence-encoder", …); several
            where what the study asks of it is asked of each of them alike.
        label: what stands above the control.
        help: one sentence under the control.
    """

    kind: str | tuple[str, ...]
    label: str
    help: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind it may be of."""
        return (self.kind,) if isinstance(self.kind, str) else self.kind


@dataclass(frozen=True, slots=True)
class Flag:
    """On or off.

    Args:
        label: what stands beside the box.
        live: as in ``Range``.
        help: one sentence under the control.
    """

    label: str
    live: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the user's; its value is a reference as ``workbench.uploads`` gives, or empty.

    Args:
        label: what stands above the control.
        suffixes: accepted endings of the file's name, in lower case, with the dot.
        max_mib: largest file accepted.
        help: one sentence under the control.
        can_draw: the page also offers a sheet to draw on, which arrives as a PNG file.
    """

    label: str
    suffixes: tuple[str, ...]
    max_mib: float = 16.0
    help: str = ""
    can_draw: bool = False


Kind = Range | Choice | Text | Model | Flag | Upload | Composed


@dataclass(frozen=True, slots=True)
class Field:
    """One declared parameter: its name, Python type, kind and default."""

    name: str
    type: type
    kind: Kind
    default: Any


@functools.cache
def fields_of(params_type: type) -> tuple[Field, ...]:
    """List the parameters a dataclass declares, in order.

    Raises:
        TypeError: a field carries none of the kinds above.
    """
    hints = typing.get_type_hints(params_type, include_extras=True)
    found: list[Field] = []
    for field in dataclasses.fields(params_type):
        hint = hints[field.name]
        kinds = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Kind)]
        if len(kinds) != 1:
            raise TypeError(f"{params_type.__qualname__}.{field.name} declares no kind")
        found.append(Field(field.name, typing.get_args(hint)[0], kinds[0], field.default))
    return tuple(found)


def check(params: Any) -> None:
    """Refuse a parameter that is out of range or of the wrong type.

    Raises:
        InputError: one sentence with the parameter's label, its value and what is allowed.
    """
    for field in fields_of(type(params)):
        if isinstance(field.kind, Composed):
            field.kind.check(getattr(params, field.name))
        else:
            _check_value(field, getattr(params, field.name))


def _check_value(field: Field, value: Any) -> None:
    match field.kind:
        case Range():
            _check_range(field, field.kind, value)
        case Text():
            _check_text(field.kind, value)
        case Choice() as c:
            if value not in c.options:
                raise UnknownNameError.of(c.label, str(value), c.options)
        case Model():
            _check_model(field.kind, value)
        case Flag() as f:
            if not isinstance(value, bool):
                raise InputError(f"{f.label} is {_short(value)}; choose true or false.")
        case Upload():
            _check_upload(field.kind, value)


def _check_range(field: Field, r: Range, value: Any) -> None:
    good_type = isinstance(value, int if field.type is int else (int, float))
    if (
        not good_type
        or isinstance(value, bool)
        or not _is_finite(value)
        or not r.minimum <= value <= r.maximum
    ):
        raise InputError(f"{r.label} is {_short(value)}; choose {_span(field, r)}.")


def _check_text(t: Text, value: Any) -> None:
    if not isinstance(value, str):
        raise InputError(f"{t.label} must be text, not {type(value).__name__}.")
    if len(value) > t.max_chars:
        raise InputError(
            f"{t.label} has {len(value):,} characters; at most {t.max_chars:,} are allowed. "
            "Shorten it."
        )
    if len(value.strip()) < t.min_chars:
        raise InputError(f"{t.label} is empty; type at least {t.min_chars} character(s).")


def _check_model(m: Model, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise InputError(f"{m.label} must be the name of a model.")


def _check_upload(u: Upload, value: Any) -> None:
    if not isinstance(value, str) or not (value == "" or UPLOAD_REFERENCE.fullmatch(value)):
        raise InputError(f"{u.label} is {_short(value)}; choose a file.")


def describe(field: Field) -> str:
    """What a parameter is and may be, in one line: "Degree g: a whole number from 1 to 12"."""
    match field.kind:
        case Range() as r:
            allowed = _span(field, r)
        case Choice() as c:
            allowed = ", ".join(c.options)
        case Text() as t:
            allowed = f"text of up to {t.max_chars:,} characters"
        case Model() as m:
            allowed = f"the name of a {' or '.join(m.kinds)} model"
        case Flag():
            allowed = "true or false"
        case Upload() as u:
            allowed = f"a {' or '.join(u.suffixes)} file of up to {u.max_mib:g} MiB"
        case Picks() | Chips() | Board() as composed:
            allowed = composed.allowed
    return f"{field.kind.label}: {allowed}"


def _span(field: Field, r: Range) -> str:
    number = "a whole number from " if field.type is int else ""
    return f"{number}{_plain(r.minimum)} to {_plain(r.maximum)}"


def _plain(number: float) -> str:
    return f"{number:.0f}" if float(number).is_integer() else f"{number:g}"


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _short(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number far too large"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # "9", as it was typed, not "9.0"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def parse(params_type: type[P], values: Mapping[str, Any]) -> P:
    """Build parameters from text or numbers, as they come from a link, the shell or a form.

    Args:
        params_type: the dataclass to build.
        values: by name; missing ones take their default. Text is converted to the field's
            type; a whole number may arrive as ``6``, ``6.0`` or ``"6"``.

    Raises:
        UnknownNameError: a name the dataclass does not declare.
        InputError: a value that cannot be converted or is not allowed.
    """
    known = {field.name: field for field in fields_of(params_type)}
    for name in values:
        if name not in known:
            raise UnknownNameError.of("parameter", str(name), known)
    return params_type(**{name: _convert(known[name], value) for name, value in values.items()})


def _convert(field: Field, value: Any) -> Any:
    if isinstance(field.kind, Flag) and isinstance(value, str):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        return words.get(value.strip().lower(), value)
    if isinstance(field.kind, Upload | Composed) and value is None:
        return ""
    if isinstance(field.kind, Range) and not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return value  # check() names it
        if field.type is int:
            return _whole(value, number)
        return number
    return value


def _whole(value: Any, number: float) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        return int(value) if len(value) < 40 else value  # exact beyond 2**53
    return int(number) if math.isfinite(number) and number == int(number) else number


def as_dict(params: Any) -> dict[str, Any]:
    """The parameters as a plain dictionary, in declared order."""
    return {field.name: getattr(params, field.name) for field in fields_of(type(params))}


def as_text(params: Any) -> dict[str, str]:
    """The parameters as text that ``parse`` reads back to equal values, for links and shells."""
    return {name: _write(value) for name, value in as_dict(params).items()}


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
