"""One byte format: what is written is read back, and nothing else is."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.server import wire
from workbench.server.api import Event, Receipt, Request, Result

RECEIPT = Receipt(
    operation="test.make",
    operation_version=1,
    model="tiny",
    model_digest="0",
    dtype="float32",
    device="cpu",
    seed=1,
    arguments_digest="1",
    key="2",
    created="2026-01-01T00:00:00+00:00",
    seconds=0.5,
    packages={"numpy": "2"},
    source="disk",
    shared_with=3,
)
ARRAYS = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "transposed": np.arange(6, dtype=np.int64).reshape(2, 3).T,
    "scalar": np.float64(3.5).reshape(()),
    "nothing": np.zeros((0, 3), dtype=np.float16),
    "flags": np.array([True, False]),
    "big-endian": np.arange(3, dtype=">i4"),
}


def assert_same(found: object, expected: object) -> None:
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].shape == array.shape
        assert found[name].dtype == array.dtype.newbyteorder("<")
        np.testing.assert_array_equal(found[name], array)


def test_the_layout_is_length_header_safetensors() -> None:
    data = wire.pack({"a": [1, "é"]}, {"x": np.arange(2, dtype=np.uint8)})
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert list(header) == ["sha256", "a"]
    assert header["a"] == [1, "é"]
    inner = int.from_bytes(data[8 + length : 16 + length], "little")
    described = json.loads(data[16 + length : 16 + length + inner])
    assert described["x"] == {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}
    assert data[-2:] == b"\x00\x01"


def test_arrays_of_every_shape_come_back_the_same_and_read_only() -> None:
    header, arrays = wire.unpack(wire.pack({}, ARRAYS))
    assert header == {}
    assert_same(arrays, ARRAYS)
    for array in arrays.values():
        assert not array.flags.writeable


def test_a_result_comes_back_the_same() -> None:
    result = Result(ARRAYS, {"a": [1, None, {"b": "漢"}]}, RECEIPT)
    found = wire.unpack_result(wire.pack_result(result))
    assert found.values == result.values
    assert found.receipt == RECEIPT
    assert_same(found.arrays, ARRAYS)


def test_a_request_comes_back_the_same() -> None:
    request = Request("test.make", "tiny", {"a": 1}, ARRAYS, "float32", 4, True, "me", 2.5)
    found = wire.unpack_request(wire.pack_request(request))
    assert_same(found.arrays, ARRAYS)
    assert Request(**{**vars(found), "arrays": ARRAYS}) == request


def test_an_event_comes_back_the_same() -> None:
    event = Event("partial", 2, 0.5, 1.5, "half", {"loss": 0.25}, ARRAYS)
    found = wire.unpack_event(wire.pack_event(event))
    assert_same(found.arrays, ARRAYS)
    assert Event(**{**vars(found), "arrays": ARRAYS}) == event


@pytest.mark.parametrize(
    "array",
    [
        np.array(["text"]),
        np.array([object()], dtype=object),
        np.zeros(2, dtype=np.complex128),
        np.zeros(2, dtype="V2"),  # how NumPy sees bfloat16 without a library for it
        np.zeros(2, dtype="datetime64[s]"),
    ],
)
def test_types_that_cannot_be_written_are_refused_by_name(array: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"Array 'x' is of type .*bfloat16 to float32"):
        wire.pack({}, {"x": array})
    with pytest.raises(InputError, match="Array 'x'"):
        wire.freeze({"x": array})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_a_header_that_is_not_plain_json_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="not plain JSON"):
        wire.pack({"a": value})


def test_numbers_of_numpy_are_numbers() -> None:
    header, _ = wire.unpack(wire.pack({"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(1)}))
    assert header == {"a": 0.5, "b": 3, "c": True}


def test_the_digest_cannot_be_brought_along() -> None:
    with pytest.raises(ValueError, match="sha256"):
        wire.pack({"sha256": "0"})


@pytest.mark.parametrize("read", [wire.unpack_result, wire.unpack_event, wire.unpack_request])
def test_bytes_of_another_kind_are_refused(read: object) -> None:
    with pytest.raises(wire.WireError, match="hold no"):
        read(wire.pack({"unexpected": 1}))  # type: ignore[operator]


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    data = wire.pack({"a": 1}, {"x": np.arange(3, dtype=np.uint8)})
    for position in range(len(data)):
        for bit in (1, 128):
            changed = bytearray(data)
            changed[position] ^= bit
            with pytest.raises(wire.WireError):
                wire.unpack(changed)
        with pytest.raises(wire.WireError):
            wire.unpack(data[:position])
    with pytest.raises(wire.WireError):
        wire.unpack(data + b"\x00")


def test_the_length_of_the_header_is_part_of_the_digest() -> None:
    data = bytearray(wire.pack({"a": 1}, {"x": np.arange(3, dtype=np.uint8)}))
    data[0] += 1  # a blank behind the header would be good JSON still
    with pytest.raises(wire.WireError, match="do not match their digest"):
        wire.unpack(data)


def test_frozen_arrays_are_copies() -> None:
    array = np.zeros(3)
    frozen = wire.freeze({"x": array})["x"]
    array[:] = 1
    assert frozen.tolist() == [0, 0, 0]
    assert not frozen.flags.writeable


def test_a_megabyte_is_read_in_a_few_milliseconds() -> None:
    data = wire.pack({}, {"x": np.zeros(2**18, dtype=np.float32)})
    fastest_s = min(_seconds_to_read(data) for _ in range(10))
    assert fastest_s < 0.02  # 1 ms on two cores; JSON takes 360 ms


def _seconds_to_read(data: bytes) -> float:
    start = time.perf_counter()
    wire.unpack(data)
    return time.perf_counter() - start
