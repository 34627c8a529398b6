"""Whatever is written is read back; whatever else arrives is refused, never worse."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from workbench.server import wire

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint64"]
FLOATS = ["float16", "float32", "float64", "complex64"]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
headers = st.dictionaries(st.text().filter(lambda name: name != "sha256"), json_values, max_size=4)
arrays = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name != "__metadata__"),
    of_numpy.arrays(
        st.sampled_from(DTYPES + FLOATS), of_numpy.array_shapes(min_dims=0, min_side=0, max_side=4)
    ),
    max_size=3,
)


@given(header=headers, given_arrays=arrays)
def test_what_is_written_is_read_back(
    header: dict[str, object], given_arrays: dict[str, np.ndarray]
) -> None:
    found_header, found = wire.unpack(wire.pack(header, given_arrays))
    assert found_header == header
    assert found.keys() == given_arrays.keys()
    for name, array in given_arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    try:
        wire.unpack(data)
    except wire.WireError:
        return
    raise AssertionError("random bytes were taken for an answer")


@given(header=headers, cut=st.integers(0, 400), junk=st.binary(min_size=1, max_size=40))
def test_changed_bytes_are_refused(header: dict[str, object], cut: int, junk: bytes) -> None:
    good = wire.pack(header, {"x": np.arange(4)})
    place = cut % len(good)
    bad = good[:place] + junk + good[place + len(junk) :]
    if bad == good:
        return
    try:
        wire.unpack(bad)
    except wire.WireError:
        return
    raise AssertionError("changed bytes were taken for an answer")
