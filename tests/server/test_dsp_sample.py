"""What the DSP tab ships is what the models say when they are asked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.methods.dsp import BENCH, DIALOGUE, REMOVAL, SOURCES_STUDY, STUDIES
from workbench.server.api import Job, ModelClient, ModelEntry, Request, Result, Status
from workbench.server.local import open_engine
from workbench.settings import Settings

pytestmark = pytest.mark.model

EXACT = {"dsp.articles", "dsp.rows", "text.rouge"}
"""Operations that read files or count words."""


class Watching:
    """A client that keeps what was asked and answered."""

    def __init__(self, client: ModelClient) -> None:
        self.client = client
        self.asked: list[tuple[Request, Result]] = []

    def submit(self, request: Request) -> Job:
        return self.client.submit(request)

    def call(self, request: Request) -> Result:
        answer = self.client.call(request)
        self.asked.append((request, answer))
        return answer

    def models(self) -> tuple[ModelEntry, ...]:
        return self.client.models()

    def status(self) -> Status:
        return self.client.status()

    def close(self) -> None:
        """The engine belongs to the fixture."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """An engine that has nothing but what is shipped, and the models."""
    home: Path = tmp_path_factory.mktemp("sample")
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    client = open_engine(Settings(home=home, offline=True, device="cpu"))
    yield client
    client.close()


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.slug)
def test_what_a_study_opens_with_is_shipped(engine: ModelClient, study) -> None:
    watching = Watching(engine)
    params = study.params()
    study.summarise(study.compute(study.gather(watching, params), params))
    assert watching.asked
    assert {answer.receipt.source for _, answer in watching.asked} <= {"shipped", "memory"}


@pytest.mark.parametrize("study", [BENCH, REMOVAL, DIALOGUE], ids=lambda study: study.slug)
def test_a_sample_measures_the_same_again(engine: ModelClient, study) -> None:
    watching = Watching(engine)
    study.gather(watching, study.params())
    for request, old in watching.asked:
        new = engine.call(replace(request, fresh=True))
        assert new.receipt.source == "computed"
        if "texts" in old.values:
            assert new.values["texts"] == old.values["texts"]
        for name, array in old.arrays.items():
            tolerance = 0.0 if request.operation in EXACT else 2e-3
            np.testing.assert_allclose(
                new.arrays[name], array, rtol=tolerance, atol=tolerance, err_msg=name
            )


def test_another_articles_hints_do_not_beat_the_references_own(engine: ModelClient) -> None:
    params = SOURCES_STUDY.params()
    found = SOURCES_STUDY.compute(SOURCES_STUDY.gather(engine, params), params)
    numbers = SOURCES_STUDY.summarise(found)
    means = {
        source: sum(float(numbers[f"{m}_{source}"]) for m in ("rouge1", "rouge2", "rougeL"))
        for source in ("wrong", "reference")
    }
    assert means["wrong"] <= means["reference"]
