"""Keys: the same question has one key, different questions have different ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.server.api import Request
from workbench.server.fingerprint import digest_arguments, fingerprint

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "1", "true", "null", "1.0", "é", "e\u0301", '"', "\\", "\x00"])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
arguments = st.dictionaries(st.text(max_size=2), json_values, max_size=4)


def key(request: Request, **parts: Any) -> str:
    given_parts = {
        "operation_version": 1,
        "arguments_digest": digest_arguments(request),
        "model_digest": None,
        "dtype": None,
        **parts,
    }
    return fingerprint(request, **given_parts)


def typed(value: Any) -> Any:
    """The value with the type of every part written out, dictionaries in order of their keys."""
    if isinstance(value, dict):
        return ("dict", tuple(sorted((name, typed(item)) for name, item in value.items())))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(typed(item) for item in value))
    return (type(value).__name__, repr(value))


@given(arguments, st.randoms())
def test_the_order_of_arguments_does_not_matter(values: dict[str, Any], random: Any) -> None:
    shuffled = list(values.items())
    random.shuffle(shuffled)
    assert key(Request("a", arguments=values)) == key(Request("a", arguments=dict(shuffled)))


@given(arguments, arguments)
def test_arguments_have_equal_keys_exactly_when_they_are_equal_in_value_and_type(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    keys_equal = key(Request("a", arguments=first)) == key(Request("a", arguments=second))
    assert keys_equal == (typed(first) == typed(second))


@given(arguments)
def test_a_key_survives_the_journey_as_json(values: dict[str, Any]) -> None:
    journey = json.loads(json.dumps(values))
    assert key(Request("a", arguments=values)) == key(Request("a", arguments=journey))


def test_values_that_look_alike_have_different_keys() -> None:
    alike = [1, 1.0, "1", True, "true", None, "null", [1], {"1": 1}, 0, 0.0, -0.0, False, "", []]
    keys = [key(Request("a", arguments={"x": value})) for value in alike]
    assert len(set(keys)) == len(alike)


def test_every_part_that_decides_a_number_changes_the_key() -> None:
    request = Request("a", "m", {"x": 1}, {"y": np.zeros(2)}, "float32", 1)
    keys = {
        key(request),
        key(replace(request, operation="b")),
        key(replace(request, arguments={"x": 2})),
        key(replace(request, arrays={"y": np.ones(2)})),
        key(replace(request, arrays={"z": np.zeros(2)})),
        key(replace(request, seed=2)),
        key(replace(request, seed=None)),
        key(request, operation_version=2),
        key(request, model_digest="d"),
        key(request, dtype="float32"),
        key(request, dtype="bfloat16"),
    }
    assert len(keys) == 11


def test_nothing_else_changes_the_key() -> None:
    request = Request("a", "m", {"x": 1})
    others = [
        replace(request, user="somebody"),
        replace(request, deadline_s=3.0),
        replace(request, fresh=True),
        replace(request, model="another name for the same digest"),
        replace(request, arguments={"x": np.int64(1)}),
    ]
    assert {key(other) for other in others} == {key(request)}
    assert {digest_arguments(other) for other in others} == {digest_arguments(request)}


def test_arrays_of_equal_bytes_and_different_shape_or_type_have_different_keys() -> None:
    zeros = [
        np.zeros((), dtype=np.float32),
        np.zeros(1, dtype=np.float32),
        np.zeros((1, 1), dtype=np.float32),
        np.zeros(1, dtype=np.int32),
        np.zeros(2, dtype=np.int16),
        np.zeros(4, dtype=np.uint8),
        np.zeros((2, 2), dtype=np.uint8),
    ]
    keys = [key(Request("a", arrays={"x": array})) for array in zeros]
    assert len(set(keys)) == len(zeros)


def test_the_layout_of_an_array_in_memory_does_not_matter() -> None:
    array = np.arange(6.0).reshape(2, 3)
    columns_first = np.asfortranarray(array)
    assert key(Request("a", arrays={"x": array})) == key(Request("a", arrays={"x": columns_first}))


def test_the_key_is_the_digest_of_this_very_text() -> None:
    # a change here retires every kept and every shipped answer: raise KEY_SCHEMA with it
    request = Request(
        "test.make", "tiny", {"text": "é", "k": 3}, {"x": np.arange(3, dtype="<i2")}, None, 7
    )
    arrays = hashlib.sha256(b'["x","<i2",[3]]' + b"\0\0\1\0\2\0").hexdigest()
    asked = hashlib.sha256(('[{"k":3,"text":"é"},"' + arrays + '"]').encode()).hexdigest()
    text = (
        '{"arguments":"' + asked + '","dtype":"float32","model":"d",'
        '"operation":"test.make","operation_version":1,"schema":1,"seed":7}'
    )
    assert (
        key(request, model_digest="d", dtype="float32") == hashlib.sha256(text.encode()).hexdigest()
    )


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, b"", object(), "\ud800"])
def test_what_is_not_plain_json_has_no_key(value: Any) -> None:
    with pytest.raises(InputError, match="not plain JSON"):
        key(Request("a", arguments={"x": value}))
