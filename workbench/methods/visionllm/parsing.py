"""From the words of an instruction to a task, or to what is wrong with them and where.

The paper lets its language model parse the instruction (arXiv:2305.11175, section 3.3). Here rules
do, so that a mistake is answered with its place and a valid instruction: our choice.
"""

from __future__ import annotations

import re
from typing import Final

from workbench.errors import InputError
from workbench.methods.visionllm.formats import BOX_POINTS, check_points, slots_of
from workbench.methods.visionllm.offsets import PAPER_REACH
from workbench.methods.visionllm.task import MOST_CLASSES, Entry, Kind, Task


class InstructionError(InputError):
    """An instruction that is not understood; ``place`` is the first character that is wrong."""

    def __init__(self, message: str, place: int = 0) -> None:
        super().__init__(message)
        self.place = place


VALID = (
    'Find every object of {"dog": <c0>, "car": <c1>} and write (c, x1, y1, x2, y2), with offsets '
    "within <p-64> to <p64>. The image is: <image>"
)
"""An instruction that parses, for messages."""
MOST_CHARACTERS = 32_000
DEFAULT_REACH = 64
_MOST_DIGITS = 9

_DICTIONARY = re.compile(r"\{([^{}]*)\}")
_ENTRY = re.compile(
    r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^"':,<>]+))\s*"""
    r"(?::\s*<c(?P<token>\d{1,6})>)?\s*"
)
_FORMAT = re.compile(
    r"\(\s*c\s*(?:,([^()]*))?\)|<cls>((?:\s*(?:<[xy]\d{1,6}>|…|\.\.\.))*)", re.IGNORECASE
)
_COORDINATE = re.compile(r"([xy])(\d{1,6})", re.IGNORECASE)
_FORMAT_WITHOUT_CLASS = re.compile(r"\(\s*[xy]\d", re.IGNORECASE)
_POINTS = re.compile(r"(?<![\w.,])([-−+]?\d(?:[\d.,]*\d)?)\s+(?:\w+\s+)?points?\b", re.IGNORECASE)
_RANGE = re.compile(r"<p\s*([-−+]?\d{1,9})>\s*(?:to|and|…|\.\.\.|,|-|–)\s*<p\s*([-−+]?\d{1,9})>")
_TOKEN = re.compile(r"<p\s*[-−+\d]")
_QUESTION = re.compile(r"""question\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\n]*))""", re.IGNORECASE)
_KIND_WORDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("grounding", re.compile(r"\b(?:ground|expression|refer\w*|phrase)\b", re.IGNORECASE)),
    ("segmentation", re.compile(r"\b(?:segment\w*|outlines?|contours?|masks?)\b", re.IGNORECASE)),
)
_CAPTION = re.compile(r"\b(?:captions?|describe|description)\b", re.IGNORECASE)
_LONG = re.compile(r"\b(?:long|longer|detail(?:ed)?|details)\b", re.IGNORECASE)


def parse_instruction(text: str) -> Task:
    """Read what an instruction asks for.

    A dictionary in braces makes it a set task: ``{"dog": <c0>, …}``, class tokens optional (the
    order then numbers them). Its format is a tuple ``(c, x1, y1, …)`` or a template
    ``<cls> <x1> <y1> …``; "…" stands for the points left out; without one it is a box, or as many
    points as the words say. The words "segment", "outline" or more than two points ask for
    contours, "expression" or "ground" for one thing. Without a dictionary, ``question: "…"`` asks
    a question and "caption" or "describe" for a caption.

    Args:
        text: the instruction.

    Raises:
        InstructionError: what cannot be understood, at which character, and a valid instruction.
        InputError: the text is far too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"The instruction has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read."
        )
    if not text.strip():
        raise _wrong(text, 0, "it is empty")
    if "{" in text or "}" in text:
        return _parse_set(text)
    question = _QUESTION.search(text)
    if question:
        words = next((part for part in question.groups() if part), "").strip()
        if question.group(3):
            words = words.strip("\"' ")  # a mark that nothing closes is no question
        if not words:
            raise _wrong(text, question.start(), "the question is empty")
        return Task("question", points=0, question=words)
    if _CAPTION.search(text):
        return Task("captioning", points=0, is_long=bool(_LONG.search(text)))
    raise _wrong(
        text, 0, 'it holds no classes in braces, no question: "…" and no word such as caption'
    )


def _parse_set(text: str) -> Task:
    found = _DICTIONARY.search(text)
    if not found:
        place = next(number for number, sign in enumerate(text) if sign in "{}")
        raise _wrong(text, place, "a brace is opened or closed alone")
    another = _DICTIONARY.search(text, found.end())
    if another:
        raise _wrong(text, another.start(), "there is a second dictionary")
    entries = _parse_entries(text, found.start(1), found.end(1))
    outside = text[: found.start()] + " " * len(found.group()) + text[found.end() :]
    kind = _kind_of(outside)
    points = _parse_points(text, outside, kind)
    if kind == "detection" and points != BOX_POINTS:
        kind = "segmentation"
    if kind == "segmentation" and points == BOX_POINTS:
        raise _wrong(text, 0, "an outline needs 8 to 24 points, and the format has 2")
    if kind == "grounding" and len(entries) != 1:
        raise _wrong(
            text, found.start(), f"grounding takes one expression in the braces, not {len(entries)}"
        )
    return Task(kind, entries, points, _parse_reach(text, outside))


def _kind_of(outside: str) -> Kind:
    for kind, words in _KIND_WORDS:
        if words.search(outside):
            return kind
    return "detection"


def _parse_entries(text: str, start: int, end: int) -> tuple[Entry, ...]:
    if not text[start:end].strip():
        raise _wrong(text, start, "the braces hold no class; name at least one")
    entries: list[Entry] = []
    position = start
    while True:
        match = _ENTRY.match(text, position, end)
        name = (
            " ".join((match["double"] or match["single"] or match["bare"] or "").split())
            if match
            else ""
        )
        if not match or not name:
            raise _wrong(text, position, 'a class is written "name": <c0>')
        token = len(entries) if match["token"] is None else int(match["token"])
        _check_entry(text, position, Entry(name, token), entries)
        entries.append(Entry(name, token))
        position = match.end()
        if position == end:
            return tuple(entries)
        if text[position] in ":<":
            raise _wrong(text, position, 'a class is written "name": <c0>')
        if text[position] != ",":
            raise _wrong(text, position, "classes are parted by commas")
        position += 1


def _check_entry(text: str, position: int, entry: Entry, before: list[Entry]) -> None:
    if len(before) >= MOST_CLASSES or entry.token >= MOST_CLASSES:
        raise _wrong(
            text,
            position,
            f"there are {MOST_CLASSES} class tokens, <c0> to <c{MOST_CLASSES - 1}>, and no more",
        )
    for one in before:
        if one.name.lower() == entry.name.lower():
            raise _wrong(text, position, f"the class {entry.name[:60]!r} is named twice")
        if one.token == entry.token:
            raise _wrong(
                text,
                position,
                f"<c{entry.token}> stands for both {one.name[:60]!r} and {entry.name[:60]!r}",
            )


def _parse_points(text: str, outside: str, kind: Kind) -> int:
    said = _POINTS.search(outside)
    found = _FORMAT.search(outside)
    if not found:
        bare = _FORMAT_WITHOUT_CLASS.search(outside)
        if bare:
            raise _wrong(text, bare.start(), "a format begins with c, as (c, x1, y1, x2, y2)")
        if not said:
            if kind == "segmentation":
                raise _wrong(text, 0, "an outline needs its number of points, such as 16 points")
            return BOX_POINTS
        points = _number_of_points(text, said)
        _check_points(text, said.start(), points)
        return points
    points = _points_of_format(text, found)
    if said and _number_of_points(text, said) != points:
        raise _wrong(
            text,
            said.start(),
            f"the words say {said.group(1)} points and the format has {points}",
        )
    return points


def _number_of_points(text: str, said: re.Match[str]) -> int:
    """N as the words say it: "16" or "1,000"."""
    written = said.group(1).replace(",", "").replace("−", "-")
    if "." in written or len(written) > _MOST_DIGITS:
        raise _wrong(
            text, said.start(), f"{said.group(1)[:20]} is no number of points; give 2, or 8 to 24"
        )
    return int(written)


def _points_of_format(text: str, found: re.Match[str]) -> int:
    """N of a written format, which must be x1, y1, …, xN, yN in order."""
    which = 1 if found.group(1) is not None else 2
    inner, start = found.group(which) or "", max(found.start(which), found.start())
    coordinates = [
        (match.group(1).lower() + match.group(2), start + match.start())
        for match in _COORDINATE.finditer(inner)
    ]
    left = _COORDINATE.sub("", inner).replace("...", "…")
    if not coordinates or set(left) - set(" ,<>…\n\t"):
        raise _wrong(
            text, start, "a format is (c, x1, y1, x2, y2), with more points for an outline"
        )
    last, place = coordinates[-1]
    points = int(last[1:])
    _check_points(text, place, points)
    expected = slots_of(points)[1:]
    written = [name for name, _ in coordinates]
    if "…" in left:
        # What stands before the dots must begin the format, what stands after must end it.
        before = len(_COORDINATE.findall(inner.replace("...", "…").split("…")[0]))
        whole = (*expected[:before], *expected[len(expected) - (len(written) - before) :])
    else:
        whole = expected
    for number, (name, place) in enumerate(coordinates):
        if number >= len(whole) or name != whole[number]:
            wanted = whole[number] if number < len(whole) else "the end"
            raise _wrong(text, place, f"{name} stands where {wanted} should; points go in order")
    if len(written) < len(whole):
        raise _wrong(text, place, f"{whole[len(written)]} is missing from the format")
    return points


def _check_points(text: str, place: int, points: int) -> None:
    try:
        check_points(points)
    except InputError as error:
        raise _wrong(text, place, str(error)[0].lower() + str(error)[1:].rstrip(".")) from error


def _parse_reach(text: str, outside: str) -> int:
    found = _RANGE.search(outside)
    if not found:
        token = _TOKEN.search(outside)
        if token:
            raise _wrong(text, token.start(), "a range is written <p-64> to <p64>")
        return DEFAULT_REACH
    low, high = (int(part.replace("−", "-")) for part in found.groups())
    if low != -high or not 1 <= high <= PAPER_REACH:
        raise _wrong(
            text,
            found.start(),
            f"the range goes from <p-R> to <pR> with R from 1 to {PAPER_REACH}",
        )
    return high


def _wrong(text: str, place: int, reason: str) -> InstructionError:
    place = len(text) - len(text[place:].lstrip())
    near = " ".join(text[place : place + 30].split())
    where = f"at character {place + 1}, near {near!r}: " if near else ""
    message = f"The instruction is not understood, {where}{reason}. A valid one: {VALID}"
    return InstructionError(message, place)
