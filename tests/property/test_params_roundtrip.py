"""Whatever a link or a shell carries either reads back equal or is refused with a sentence."""

from dataclasses import dataclass
from typing import Annotated

from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.params import Choice, Flag, Range, Text, as_text, check, parse


@dataclass(frozen=True, slots=True)
class Params:
    bound: Annotated[float, Range(-1.5, 4.0, 0.1, "B")] = 1.0
    degree: Annotated[int, Range(1, 12, 1, "Degree")] = 4
    kind: Annotated[str, Choice(("a", "b"), "Kind")] = "a"
    text: Annotated[str, Text("Text", max_chars=50)] = ""
    flag: Annotated[bool, Flag("Flag")] = False

    def __post_init__(self) -> None:
        check(self)


@given(
    st.builds(
        Params,
        bound=st.floats(-1.5, 4.0),
        degree=st.integers(1, 12),
        kind=st.sampled_from(["a", "b"]),
        text=st.text(max_size=50),
        flag=st.booleans(),
    )
)
def test_parameters_round_trip_through_text(params: Params) -> None:
    assert parse(Params, as_text(params)) == params


@given(
    st.dictionaries(
        st.sampled_from(["bound", "degree", "kind", "text", "flag"]),
        st.one_of(
            st.text(max_size=60),
            st.floats(),
            st.integers(),
            st.booleans(),
            st.none(),
            st.lists(st.integers(), max_size=2),
        ),
    )
)
def test_anything_else_is_refused_or_in_range(values: dict) -> None:
    try:
        params = parse(Params, values)
    except InputError:
        return
    assert -1.5 <= params.bound <= 4.0
    assert 1 <= params.degree <= 12
    assert params.kind in ("a", "b")
    assert len(params.text) <= 50
