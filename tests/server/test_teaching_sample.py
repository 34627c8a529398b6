"""What the teaching tab ships is what the model says when it is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.methods.teaching import prompts, roles
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.examples import draw_examples
from workbench.methods.teaching.measure import Settings as Measurement
from workbench.methods.teaching.measure import ask_records
from workbench.methods.teaching.records import Records
from workbench.server.api import ModelClient, ModelEntry, Request, Result
from workbench.server.local import open_engine
from workbench.settings import Settings

pytestmark = pytest.mark.model

FIRST_SEED = Measurement(seeds=(41,))
SAMPLE = "193–200"
"""The last chunk of each role: eight questions."""


class Watching:
    """A client that keeps what was asked and answered."""

    def __init__(self, client: ModelClient) -> None:
        self.client = client
        self.asked: list[tuple[Request, Result]] = []

    def models(self) -> tuple[ModelEntry, ...]:
        return self.client.models()

    def call(self, request: Request) -> Result:
        answer = self.client.call(request)
        self.asked.append((request, answer))
        return answer


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """An engine that has nothing but what is shipped, and the model."""
    home: Path = tmp_path_factory.mktemp("sample")
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    client = open_engine(Settings(home=home, offline=True, device="cpu"))
    yield client
    client.close()


@pytest.fixture(scope="module")
def shipped(engine: ModelClient) -> tuple[Records, Watching]:
    watching = Watching(engine)
    return ask_records(watching, FIRST_SEED), watching  # type: ignore[arg-type]


def test_the_records_of_the_first_seed_are_shipped(shipped: tuple[Records, Watching]) -> None:
    _, watching = shipped
    assert {answer.receipt.source for _, answer in watching.asked} <= {"shipped", "memory"}


def test_a_sample_of_every_role_measures_the_same_again(
    engine: ModelClient, shipped: tuple[Records, Watching]
) -> None:
    sampled = [pair for pair in shipped[1].asked if pair[0].label.endswith(SAMPLE)]
    assert len({request.label for request, _ in sampled}) >= 6
    for request, old in sampled:
        new = engine.call(replace(request, fresh=True))
        assert new.receipt.source == "computed"
        if "texts" in old.values:
            assert new.values["texts"] == old.values["texts"], request.label
        else:
            np.testing.assert_allclose(
                new.arrays["log_probabilities"],
                old.arrays["log_probabilities"],
                atol=2e-3,
                err_msg=request.label,
            )


def test_a_question_asked_alone_gives_its_record(
    engine: ModelClient, shipped: tuple[Records, Watching]
) -> None:
    records, number = shipped[0], 197
    question = records.questions[number]
    from workbench.data.teaching.sets import load_questions

    examples, _ = draw_examples(load_questions("strategyqa", "train"), 4, 41)
    asker = Asker(engine, FIRST_SEED.student)
    alone = roles.reason(asker, examples, [question], "alone")
    assert alone.texts[0] == records.student_texts[0][number]
    np.testing.assert_allclose(
        alone.probabilities[0], records.student_probabilities[0, number], atol=1e-3
    )
    shown = [records.explanations[0][number]]
    taught = roles.answer_helped(asker, examples, [question], shown, "taught")
    np.testing.assert_allclose(
        taught.probabilities[0], records.taught_probabilities[0, number], atol=1e-3
    )
    assert prompts.ask_helped(question, shown[0]).endswith("So the answer is")
