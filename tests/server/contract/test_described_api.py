"""Whatever the description allows or forbids: no 5xx, and every answer is one that it names."""

from __future__ import annotations

import contextlib

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 25
LEAST_ADDRESSES = {GenerationMode.POSITIVE: 10, GenerationMode.NEGATIVE: 4}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_server_answers_as_it_describes_itself(url: str, mode: GenerationMode) -> None:
    described = schemathesis.openapi.from_url(f"{url}/openapi.json")
    asked: set[str] = set()
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            asked.add(case.operation.label)
            case.call_and_validate(checks=CHECKS, timeout=20)

        with contextlib.suppress(Unsatisfiable):  # an address that takes nothing cannot be misused
            ask()
    assert len(asked) >= LEAST_ADDRESSES[mode]
