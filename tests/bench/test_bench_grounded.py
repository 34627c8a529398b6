"""Speed of grounded decoding on SmolLM2; prints figures, run by `make bench`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from workbench.methods.grounded.asking import ask_scores
from workbench.methods.grounded.cost import every_skill_tokens, shared_tokens
from workbench.methods.grounded.episode import Settings as Choosing
from workbench.methods.grounded.episode import run
from workbench.methods.grounded.greedy_steps import GreedySteps
from workbench.methods.grounded.prompts import write_prompt
from workbench.methods.grounded.scene import DEFAULT_MODEL
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.tasks import sample
from workbench.methods.grounded.worlds.world import DONE, FREE, Task
from workbench.models.catalog import Catalog
from workbench.server.api import ModelClient
from workbench.server.local import open_engine
from workbench.settings import Settings

pytestmark = pytest.mark.bench

COLD_S = 3.0
"""One step with 462 skills on two quiet cores, the examples read already."""
MOVED_S = 0.050
"""The same step after an object moved: the language scores are known."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """The real engine with the fetched models and an empty cache of results."""
    home = tmp_path_factory.mktemp("bench") / "home"
    home.mkdir()
    catalog = Catalog(Settings())
    if not catalog.is_ready(DEFAULT_MODEL):
        catalog.fetch(DEFAULT_MODEL)
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    client = open_engine(Settings(home=home))
    yield client
    client.close()


PARAMETERS = 134_515_008
"""Of SmolLM2-135M, its output layer shared with its embedding (the model's card: 134.5M)."""


def least_seconds(contexts: int) -> float:
    """What the matrix products alone take here: two operations a parameter and context.

    The rate is that of one product of the model's own size, on the threads that torch uses.
    """
    left, right = torch.randn(256, 576), torch.randn(576, 1536)
    best = float("inf")
    for _ in range(50):
        started = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - started)
    rate = 2 * left.numel() * right.shape[1] / best
    return 2 * PARAMETERS * contexts / rate


def report(text: str) -> None:
    print(f"\n{text}")  # noqa: T201  the figures are what a bench is for


def ask(client: ModelClient, world: Tabletop, instruction: str) -> LanguageScores:
    prompt = write_prompt("blocks", instruction, [])
    return ask_scores(client, DEFAULT_MODEL, prompt, (*world.skills(), DONE))


def test_a_step_with_462_skills_takes_three_seconds_and_moving_an_object_almost_none(
    engine: ModelClient,
) -> None:
    """As the theatre asks: what is said of the things on the table; then the choice."""
    world, task = sample("matching", 0)
    likely = np.append(world.mentioned(), True)

    def step(
        state: Tabletop, instruction: str, method: str = "greedy"
    ) -> tuple[LanguageScores, float]:
        task = Task(FREE, instruction)
        started = time.perf_counter()
        ask = GreedySteps(engine, DEFAULT_MODEL, task, world, likely)
        episode = run(state, task, Choosing(method, step_limit=1), ask)
        return episode.steps[0].scores, time.perf_counter() - started

    step(world, "warm up")  # loads the model and reads the examples
    scores, cold = step(world, task.instruction)
    times = [step(world.without(t.name), task.instruction)[1] for t in world.things]
    median = sorted(times)[len(times) // 2]
    contexts = len(scores.trie.leading_to(np.flatnonzero(scores.is_read)))
    further, alone = step(world, task.instruction, "ungrounded")
    report(
        f"one step over {len(world.skills())} skills, {scores.is_read.sum()} of them read to the "
        f"end ({contexts} contexts): {cold:.2f} s cold; {1000 * median:.0f} ms after an object "
        f"was taken away (at most {1000 * max(times):.0f} ms)"
    )
    report(
        f"its matrix products alone, at this machine's best rate on {torch.get_num_threads()} "
        f"threads: {least_seconds(contexts):.2f} s"
    )
    more = further.is_read.sum() - scores.is_read.sum()
    report(f"what the model alone would do: {more} more skills read, {alone:.2f} s more")
    assert max(times) < MOVED_S
    assert cold < COLD_S


def test_the_same_step_with_every_skill_read(engine: ModelClient) -> None:
    """As beam, SayCan and the trie ask; a figure to compare with, without a target of its own."""
    world, task = sample("matching", 0)
    ask(engine, world, "warm up again")
    started = time.perf_counter()
    scores = ask(engine, world, task.instruction)
    cold = time.perf_counter() - started
    started = time.perf_counter()
    ask(engine, world, task.instruction)
    again = time.perf_counter() - started
    contexts = shared_tokens(scores.trie)
    report(
        f"every skill read ({contexts} contexts, {every_skill_tokens(scores.trie):,} tokens on "
        f"their own): {cold:.2f} s cold, {1000 * again:.0f} ms again"
    )
    report(
        f"its matrix products alone, at this machine's best rate on {torch.get_num_threads()} "
        f"threads: {least_seconds(contexts):.2f} s"
    )
    assert again < MOVED_S
