"""Parameters are declared once; this proves what declaring one gives."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from workbench.errors import InputError, UnknownNameError
from workbench.params import (
    WRITERS,
    Choice,
    Flag,
    Model,
    Range,
    Text,
    as_dict,
    as_text,
    check,
    describe,
    fields_of,
    parse,
)


@dataclass(frozen=True, slots=True)
class Params:
    bound_b: Annotated[float, Range(0.1, 4.0, 0.1, "Largest entry B", live=True)] = 1.0
    degree: Annotated[int, Range(1, 12, 1, "Degree g")] = 4
    kind: Annotated[str, Choice(("taylor", "chebyshev"), "Polynomial")] = "taylor"
    text: Annotated[str, Text("Text", max_chars=10, min_chars=1)] = "hello"
    model: Annotated[str, Model("causal-lm", "Model")] = "tiny"
    centred: Annotated[bool, Flag("Centre the keys")] = False

    def __post_init__(self) -> None:
        check(self)


def test_a_range_lists_every_slider_position_with_both_ends() -> None:
    positions = Range(0.1, 4.0, 0.1, "B").positions()
    assert len(positions) == 40
    assert (positions[0], positions[2], positions[-1]) == (0.1, 0.3, 4.0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"bound_b": 9}, "Largest entry B is 9; choose 0.1 to 4."),
        ({"bound_b": "abc"}, "Largest entry B is 'abc'; choose 0.1 to 4."),
        ({"bound_b": "nan"}, "Largest entry B is nan; choose 0.1 to 4."),
        ({"bound_b": "inf"}, "Largest entry B is inf; choose 0.1 to 4."),
        ({"bound_b": 10**5000}, "Largest entry B is a number far too large; choose 0.1 to 4."),
        ({"bound_b": True}, "Largest entry B is True; choose 0.1 to 4."),
        ({"bound_b": None}, "Largest entry B is None; choose 0.1 to 4."),
        ({"degree": "2.5"}, "Degree g is 2.5; choose a whole number from 1 to 12."),
        ({"degree": 13}, "Degree g is 13; choose a whole number from 1 to 12."),
        ({"kind": "chebishev"}, "No Polynomial called 'chebishev'. Did you mean chebyshev?"),
        ({"text": "x" * 11}, "Text has 11 characters; at most 10 are allowed. Shorten it."),
        ({"text": "  "}, "Text is empty; type at least 1 character(s)."),
        ({"text": 5}, "Text must be text, not int."),
        ({"model": ""}, "Model must be the name of a model."),
        ({"centred": "perhaps"}, "Centre the keys is 'perhaps'; choose true or false."),
        ({"degre": 3}, "No parameter called 'degre'. Did you mean degree?"),
    ],
)
def test_bad_input_gets_one_sentence_with_what_is_allowed(values: dict, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(Params, values)
    assert str(caught.value) == sentence


def test_text_from_a_shell_or_link_becomes_the_declared_type() -> None:
    params = parse(Params, {"bound_b": "2", "degree": "6.0", "centred": "true"})
    assert as_dict(params) == {
        "bound_b": 2.0,
        "degree": 6,
        "kind": "taylor",
        "text": "hello",
        "model": "tiny",
        "centred": True,
    }
    assert type(params.degree) is int
    assert type(params.bound_b) is float


def test_text_form_reads_back_to_equal_parameters() -> None:
    params = Params(bound_b=0.1 + 0.2, degree=12, text="é ✓ &=?", centred=True)
    assert parse(Params, as_text(params)) == params


def test_whole_numbers_beyond_float_precision_stay_exact() -> None:
    @dataclass(frozen=True, slots=True)
    class Seeded:
        seed: Annotated[int, Range(0, 2**63, 1, "Seed")] = 0

    assert parse(Seeded, {"seed": str(2**53 + 1)}).seed == 2**53 + 1


def test_an_undeclared_field_is_a_programming_error() -> None:
    @dataclass(frozen=True, slots=True)
    class Bare:
        degree: int = 4

    with pytest.raises(TypeError, match="declares no kind"):
        fields_of(Bare)


def test_every_kind_describes_itself_in_one_line() -> None:
    assert [describe(field) for field in fields_of(Params)] == [
        "Largest entry B: 0.1 to 4",
        "Degree g: a whole number from 1 to 12",
        "Polynomial: taylor, chebyshev",
        "Text: text of up to 10 characters",
        "Model: the name of a causal-lm model",
        "Centre the keys: true or false",
    ]


def test_a_model_of_several_kinds_names_them_all() -> None:
    @dataclass(frozen=True, slots=True)
    class Asked:
        model: Annotated[str, Model(WRITERS, "Model")] = "tiny"

    (field,) = fields_of(Asked)
    assert describe(field) == "Model: the name of a causal-lm or seq2seq-lm or openai model"
    assert field.kind.kinds == WRITERS
    assert Model("causal-lm", "Model").kinds == ("causal-lm",)


def test_an_unknown_name_is_also_an_input_error_with_its_own_status() -> None:
    assert issubclass(UnknownNameError, InputError)
    assert UnknownNameError.status == 404
