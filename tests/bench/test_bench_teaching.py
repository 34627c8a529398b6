"""Speed of the teaching measurement on SmolLM2; prints figures, run by `make bench`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.data.teaching.sets import load_questions
from workbench.methods.teaching import THEATRE, prompts
from workbench.methods.teaching.examples import draw_examples
from workbench.methods.teaching.measure import Settings as Measurement
from workbench.methods.teaching.measure import ask_records
from workbench.models.catalog import Catalog
from workbench.server.api import Json, ModelClient, Request
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute

pytestmark = pytest.mark.bench

MODEL = "smollm2-135m-instruct"
QUESTIONS = 48
TOKENS = 40


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """The real engine with the fetched models and an empty cache of results."""
    home: Path = tmp_path_factory.mktemp("bench") / "home"
    home.mkdir()
    catalog = Catalog(Settings())
    if not catalog.is_ready(MODEL):
        catalog.fetch(MODEL)
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    client = open_engine(Settings(home=home))
    client.call(_request("language.generate", {"prompt": "warm", "max_new_tokens": 2}))
    yield client
    client.close()


def _request(operation: str, arguments: dict[str, Json]) -> Request:
    return Request(operation, MODEL, arguments, dtype="float32", fresh=True)


@pytest.mark.timeout(900)
def test_a_shared_prefix_and_a_batch_make_reasoning_four_times_faster(engine: ModelClient) -> None:
    examples, _ = draw_examples(load_questions("strategyqa", "train"), 4, 41)
    prefix = prompts.reasoning_prefix(examples)
    asked = [prompts.ask_alone(q) for q in load_questions("strategyqa", "test")[:QUESTIONS]]
    writing: dict[str, Json] = {"max_new_tokens": TOKENS, "stop": ["\n"]}
    started = time.perf_counter()
    together = engine.call(
        _request("language.generate_batch", {**writing, "prefix": prefix, "prompts": [*asked]})
    )
    together_s = time.perf_counter() - started
    started = time.perf_counter()
    alone = [
        engine.call(_request("language.generate", {**writing, "prompt": prefix + one}))
        for one in asked
    ]
    alone_s = time.perf_counter() - started
    same = [one.values["text"] for one in alone] == together.values["texts"]
    print(  # noqa: T201  the figures are what a bench is for
        f"\n{QUESTIONS} chains of thought after 4 examples: together {together_s:.1f} s, one by "
        f"one {alone_s:.1f} s ({alone_s / together_s:.1f} times); the same texts: {same}"
    )
    assert same
    assert alone_s / together_s >= 4.0


@pytest.mark.timeout(900)
def test_every_role_answers_one_question_live_in_fifteen_seconds(engine: ModelClient) -> None:
    """The student's trials on training questions are shipped; all else is asked of the model."""
    first_text_s: list[float] = []
    params = THEATRE.params(question=7, explanation="Tin is soft. It melts in a camp fire.")
    started, worked = time.perf_counter(), time.process_time()
    outcome = execute(
        THEATRE,
        engine,
        params,
        on_event=lambda event: (
            first_text_s.append(time.perf_counter() - started) if event.kind == "partial" else None
        ),
    )
    seconds, processor_s = time.perf_counter() - started, time.process_time() - worked
    print(  # noqa: T201  the figures are what a bench is for
        f"\n{len(outcome.result.inputs.scenes)} roles at one question: {seconds:.1f} s, "
        f"{processor_s:.1f} s of processor time; first words after {first_text_s[0]:.1f} s"
    )
    assert seconds <= 15.0


def test_records_of_three_seeds_are_read_in_under_a_second() -> None:
    client = open_engine(Settings())
    try:
        ask_records(client, Measurement())
        started = time.perf_counter()
        ask_records(client, Measurement())
        seconds = time.perf_counter() - started
    finally:
        client.close()
    print(f"\nrecords of three seeds, human teacher: {seconds:.2f} s")  # noqa: T201
    assert seconds < 1.0
