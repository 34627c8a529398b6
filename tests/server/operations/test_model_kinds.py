"""What a page's list of models offers is what the operations behind it run on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workbench.errors import InputError
from workbench.methods.catalog import studies
from workbench.params import SCORERS, WRITERS, Model, fields_of
from workbench.server.api import Request
from workbench.server.checking import check_request
from workbench.server.operations.catalog import OPERATIONS as ALL

OPERATIONS = {one.name: one for one in ALL}
ENDPOINT = SimpleNamespace(
    kind=lambda _name: "openai",
    entries=lambda: (SimpleNamespace(name="tiny", kind="causal-lm"),),
)


@pytest.mark.parametrize("name", ["language.generate", "language.generate_batch"])
def test_every_kind_that_writes_can_be_asked_to_write(name: str) -> None:
    assert OPERATIONS[name].kinds == set(WRITERS)


@pytest.mark.parametrize("name", ["language.score_choices", "language.score_batch"])
def test_every_kind_that_scores_can_be_asked_for_probabilities(name: str) -> None:
    assert OPERATIONS[name].kinds == set(SCORERS)


@pytest.mark.parametrize("method", ["teaching", "dsp"])
def test_a_language_model_of_any_kind_that_can_play_the_part_is_listed(method: str) -> None:
    kinds = {
        f"{study.slug} {field.name}": field.kind.kinds
        for study in studies(method).values()
        for field in fields_of(study.params)
        if isinstance(field.kind, Model)
    }
    writing = [name for name, found in kinds.items() if found == WRITERS]
    assert len(writing) > len(kinds) / 2, kinds
    assert all(found in (WRITERS, SCORERS, ("seq2seq-lm",)) for found in kinds.values()), kinds


def test_probabilities_of_an_endpoint_are_refused_with_reason_and_choice() -> None:
    request = Request("language.score_choices", "hosted", {"prompt": "a", "candidates": ["b"]})
    with pytest.raises(InputError) as refused:
        check_request(request, OPERATIONS, ENDPOINT, default_dtype=lambda: "float32")
    assert str(refused.value) == (
        "language.score_choices cannot run on hosted, a model of kind openai, which writes texts "
        "but gives no probabilities and shows nothing of its inside. Choose one of kind causal-lm "
        "or seq2seq-lm: tiny."
    )
