"""How long the phrase policy learns from cached rewards; no language model takes part."""

import time

import numpy as np
import pytest
import torch

from workbench.methods.dsp.features import FEATURES
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
