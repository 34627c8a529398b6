"""How long the phrase policy learns from cached rewards, and how soon an edited hint is heard."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.methods.dsp import BENCH
from workbench.methods.dsp.features import FEATURES
from workbench.methods.dsp.study_bench import WITH
from workbench.models.catalog import Catalog
from workbench.server.api import Event, ModelClient
from workbench.server.local import open_engine
from workbench.settings import Settings as Home
from workbench.study import execute
from workbench.training.phrase_checkpoint import begin
from workbench.training.phrase_policy import (
    MAX_PHRASES,
    Candidates,
    fit_labels,
    new_policy,
    read_weights,
)
from workbench.training.phrase_rollouts import RewardTable
from workbench.training.phrase_training import Settings, Trainer

pytestmark = pytest.mark.bench

ARTICLES, WIDTH, OFFERED, ITERATIONS = 120, 12, 4, 20
BUDGET_S = 180.0
FIRST_WORD_BUDGET_S = 2.0
EDITS = 5


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ModelClient]:
    """The real engine with the fetched model and an empty cache of results."""
    model = BENCH.params().model
    catalog = Catalog(Home())
    if not catalog.is_ready(model):
        catalog.fetch(model)
    (tmp_path / "models").symlink_to(Home().models_dir, target_is_directory=True)
    client = open_engine(Home(home=tmp_path, device="cpu"))
    yield client
    client.close()


def test_the_first_word_comes_within_two_seconds_of_an_edited_phrase(engine: ModelClient):
    params = BENCH.params()
    execute(BENCH, engine, params, fresh=True)  # the model is loaded and the article read
    waits: list[float] = []
    for number in range(EDITS):
        edited = replace(params, hint=f"{params.hint}; edited {number}")
        first: list[float] = []

        def note(event: Event, first: list[float] = first) -> None:
            if event.kind == "partial" and event.label == WITH:
                first.append(time.perf_counter())

        started = time.perf_counter()
        execute(BENCH, engine, edited, on_event=note)
        waits.append(first[0] - started)
    print(f"first word after {np.median(waits):.2f} s (worst {max(waits):.2f} s)")  # noqa: T201
    assert np.median(waits) < FIRST_WORD_BUDGET_S


def test_fine_tuning_and_twenty_iterations_take_three_minutes_at_most():
    draw = np.random.default_rng(0)
    features = torch.tensor(draw.normal(size=(ARTICLES, WIDTH, len(FEATURES))), dtype=torch.float32)
    similarity = torch.eye(WIDTH).expand(ARTICLES, WIDTH, WIDTH).clone()
    offered = torch.zeros(ARTICLES, WIDTH, dtype=torch.bool)
    offered[:, :OFFERED] = True
    candidates = Candidates(features, similarity, offered)
    bits = np.where(np.arange(WIDTH) < OFFERED, 1 << np.arange(WIDTH), 0)
    table = RewardTable(
        np.tile(bits, (ARTICLES, 1)),
        draw.random((ARTICLES, 2**OFFERED)),
        draw.random((ARTICLES, WIDTH)) < 0.4,
    )
    labels = np.full((ARTICLES, MAX_PHRASES), -1)
    labels[:, :2] = [0, 1]
    started = time.perf_counter()
    policy = new_policy(len(FEATURES), 0)
    fit_labels(policy, candidates, labels)
    tuned = time.perf_counter()
    settings = Settings()
    start = begin(read_weights(policy), settings.beta)
    trainer = Trainer(candidates, table, candidates, settings, start, 0)
    for _ in range(ITERATIONS):
        trainer.learn(trainer.look(), lambda: None)
    ended = time.perf_counter()
    print(f"fine-tuning {tuned - started:.1f} s, 20 iterations {ended - tuned:.1f} s")  # noqa: T201
    assert ended - started < BUDGET_S
