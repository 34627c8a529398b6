"""Speed of the language operations on SmolLM2; prints figures, run by `make bench`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from workbench.models.catalog import Catalog
from workbench.server.api import Json, ModelClient, Request, Result
from workbench.server.local import open_engine
from workbench.settings import Settings

pytestmark = pytest.mark.bench

MODEL = "smollm2-135m-instruct"
INSTRUCTION = (
    "You are asked about an ordinary house in an ordinary street, in which a family of four has "
    "lived for a long time. Think of how each thing looks there, of what it is made and of who "
    "uses it on a working day, and give the one word that fits best.\n"
)
SHOTS = "\n\n".join(
    f"Q: Which of these describes object {i} best, considering how people use it every day and "
    "what is known of its history in the region?\nA. a tool for cutting wood in the forest\n"
    "B. a kind of bread eaten in the morning\nC. a river that crosses three countries\n"
    f"D. a piece of music for four players\nAnswer: {'ABCD'[i % 4]}"
    for i in range(5)
)
LETTERS: list[Json] = [" A", " B", " C", " D"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """The real engine with the fetched models and an empty cache of results."""
    home = tmp_path_factory.mktemp("bench") / "home"
    home.mkdir()
    catalog = Catalog(Settings())
    if not catalog.is_ready(MODEL):
        catalog.fetch(MODEL)
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    client = open_engine(Settings(home=home))
    client.call(score("warm", [" up"]))
    yield client
    client.close()


def score(prompt: str, candidates: list[Json], prefix: str = "") -> Request:
    arguments: dict[str, Json] = {"prompt": prompt, "candidates": candidates, "prefix": prefix}
    return Request(
        "language.score_choices", model=MODEL, arguments=arguments, dtype="float32", fresh=True
    )


def together(client: ModelClient, requests: list[Request]) -> tuple[float, list[Result]]:
    started = time.perf_counter()
    jobs = [client.submit(request) for request in requests]
    results = [job.result() for job in jobs]
    return time.perf_counter() - started, results


def one_by_one(client: ModelClient, requests: list[Request]) -> tuple[float, list[Result]]:
    started = time.perf_counter()
    results = [client.call(request) for request in requests]
    return time.perf_counter() - started, results


def greatest_difference(first: list[Result], second: list[Result]) -> float:
    pairs = zip(first, second, strict=True)
    name = "log_probabilities"
    return max(float(np.abs(a.arrays[name] - b.arrays[name]).max()) for a, b in pairs)


def report(text: str) -> None:
    print(f"\n{text}")  # noqa: T201  the figures are what a bench is for


def test_smollm2_is_ready_within_one_and_a_half_seconds(engine: ModelClient) -> None:
    del engine  # the libraries are imported
    catalog = Catalog(Settings())
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        loaded: Any = catalog.load(MODEL, device="cpu", dtype="float32")
        seconds.append(time.perf_counter() - started)
        loaded.close()
    report(f"SmolLM2 ready from its converted files: {sorted(seconds)[1]:.2f} s (24 s from GGUF)")
    assert sorted(seconds)[1] < 1.5


def test_thirty_different_requests_are_three_times_faster_together(engine: ModelClient) -> None:
    questions = [f"The colour of the {n}th thing in the kitchen is" for n in range(30)]
    words: list[Json] = [" red", " blue", " dark green", " white"]
    unrelated = [score(f"{question}", words) for question in questions]
    instructed = [score(INSTRUCTION + question, words) for question in questions]
    for name, requests in (("without an instruction", unrelated), ("instructed", instructed)):
        batched_s, batched = together(engine, requests)
        single_s, single = one_by_one(engine, requests)
        difference = greatest_difference(batched, single)
        report(
            f"30 scoring requests {name}: together {batched_s:.2f} s, one by one {single_s:.2f} s "
            f"({single_s / batched_s:.1f} times), scores differ by at most {difference:.1e}"
        )
        assert difference < 1e-3
    assert single_s / batched_s >= 3.0


@pytest.mark.timeout(1200)  # 26,000 tokens are read without the prefix
def test_a_reused_prefix_makes_few_shot_scoring_four_times_faster(engine: ModelClient) -> None:
    questions = [
        f"\n\nQ: What is the main purpose of object {n}, as people in town {n * 7} say?\n"
        "A. to carry water\nB. to light a room\nC. to mark a border\nD. to hold paper\nAnswer:"
        for n in range(64)
    ]
    reused_s, reused = together(engine, [score(q, LETTERS, prefix=SHOTS) for q in questions])
    # One by one and without a named prefix, every question reads all of its examples.
    plain_s, plain = one_by_one(engine, [score(SHOTS + q, LETTERS) for q in questions])
    difference = greatest_difference(reused, plain)
    report(
        f"five-shot scoring of 64 questions: prefix reused {reused_s:.2f} s, without "
        f"{plain_s:.2f} s ({plain_s / reused_s:.1f} times), scores differ by at most "
        f"{difference:.1e}"
    )
    assert difference < 1e-3
    assert plain_s / reused_s >= 4.0


def test_generation_stops_within_half_a_second(engine: ModelClient) -> None:
    prompt = "Write a long story about a house.\n" + INSTRUCTION * 12
    request = Request(
        "language.generate",
        model=MODEL,
        arguments={"prompt": prompt, "max_new_tokens": 400, "temperature": 1.0},
        seed=1,
        dtype="float32",
        fresh=True,
    )
    waits = []
    for kind in ("running", "partial"):
        job = engine.submit(request)
        for event in job.events():
            if event.kind == kind:
                break
        started = time.perf_counter()
        job.cancel()
        # The device is idle when the next request, a tiny one, has been answered.
        engine.call(score("Are you there?", [" yes"]))
        waits.append(time.perf_counter() - started)
    report(f"cancelled generation to next answer: {', '.join(f'{wait:.2f} s' for wait in waits)}")
    assert max(waits) < 0.5 + 0.3  # half a second to stop, and the tiny request itself


def test_speed_of_generation_is_reported(engine: ModelClient) -> None:
    def ask(seed: int) -> Request:
        arguments: dict[str, Json] = {
            "prompt": "Once upon a time",
            "max_new_tokens": 48,
            "temperature": 1.0,
        }
        return Request(
            "language.generate",
            model=MODEL,
            arguments=arguments,
            seed=seed,
            dtype="float32",
            fresh=True,
        )

    for count in (1, 8):
        seconds, results = together(engine, [ask(seed) for seed in range(count)])
        tokens = sum(int(str(result.values["new_tokens"])) for result in results)
        report(f"{count} answers at once in float32: {tokens / seconds:.1f} tokens/s")
        assert tokens > 0
