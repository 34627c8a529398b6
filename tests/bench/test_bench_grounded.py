"""Speed of grounded decoding on SmolLM2; prints figures, run by `make bench`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch

from workbench.methods.grounded.asking import ask_scores
from workbench.methods.grounded.cost import every_skill_tokens, shared_tokens
from workbench.methods.grounded.decoder import grounded_greedy
from workbench.methods.grounded.grounders import Mix, ground
from workbench.methods.grounded.prompts import write_prompt
from workbench.methods.grounded.scene import DEFAULT_MODEL
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.trie import prefix_value
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.tasks import sample
from workbench.methods.grounded.worlds.world import DONE
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
    world, task = sample("matching", 0)
    ask(engine, world, "warm up")  # loads the model and reads the examples
    started = time.perf_counter()
    scores = ask(engine, world, task.instruction)
    cold = time.perf_counter() - started
    times: list[float] = []
    for thing in world.things:
        moved = world.without(thing.name)
        started = time.perf_counter()
        again = ask(engine, moved, task.instruction)
        product = ground(moved, Mix()).product
        grounded_greedy(again, prefix_value(again.trie, product))
        times.append(time.perf_counter() - started)
    median = sorted(times)[len(times) // 2]
    report(
        f"one step over {len(world.skills())} skills ({shared_tokens(scores.trie)} contexts, "
        f"{every_skill_tokens(scores.trie):,} tokens on their own): {cold:.2f} s cold; "
        f"{1000 * median:.0f} ms after an object moved"
    )
    report(
        f"its matrix products alone, at this machine's best rate on {torch.get_num_threads()} "
        f"threads: {least_seconds(shared_tokens(scores.trie)):.2f} s"
    )
    assert median < MOVED_S
    assert cold < COLD_S
