"""Speed of the attention method; prints figures, run by `make bench`."""

import time

import numpy as np
import pytest
import torch

from workbench.methods.attention import HEADS, SWAP, SWEEP, polynomial_attention, swap
from workbench.methods.attention import heads as atlas
from workbench.methods.attention import sweep as study
from workbench.methods.attention.polynomial import fit_grid
from workbench.server.api import Request
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute

pytestmark = pytest.mark.bench


def median_seconds(work, repetitions: int = 5) -> float:
    work()
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def test_the_sweep_of_the_page_takes_less_than_600_ms() -> None:
    params = study.Params()
    inputs = SWEEP.gather(None, params)  # type: ignore[arg-type]
    fit_grid.cache_clear()
    started = time.perf_counter()
    SWEEP.compute(inputs, params)
    first = time.perf_counter() - started
    later = median_seconds(lambda: SWEEP.compute(inputs, params))
    print(f"\nsweep at the defaults: first {first:.3f} s, later {later:.3f} s")  # noqa: T201
    assert first < 0.6


def test_the_head_atlas_is_quick_cold_and_warm(tmp_path) -> None:
    # The models that are already fetched, but a cache of results that is empty.
    settings = Settings()
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(settings.models_dir, target_is_directory=True)
    engine = open_engine(Settings(home=home))
    try:
        text = " ".join([atlas.DEFAULT_TEXT] * 4)[:1_720]
        params = atlas.Params(text=text)
        engine.call(
            Request(
                "attention.head_statistics",
                model=params.model,
                arguments={"text": "warm"},
                dtype="float32",
            )
        )
        started = time.perf_counter()
        cold = execute(HEADS, engine, params)
        cold_seconds = time.perf_counter() - started
        warm_seconds = median_seconds(lambda: execute(HEADS, engine, params))
        tokens = cold.summary["tokens"]
        print(  # noqa: T201
            f"\nhead atlas, {tokens} tokens: cold {cold_seconds:.2f} s, warm {warm_seconds:.3f} s"
        )
        assert cold_seconds < 10.0
        assert warm_seconds < 0.2
    finally:
        engine.close()


def test_swapping_a_head_takes_less_than_15_s_cold(tmp_path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    engine = open_engine(Settings(home=home))
    try:
        # The model resident, the answer not: another text than the shipped one.
        params = swap.Params(text=atlas.DEFAULT_TEXT + " They rowed home.")
        short = swap.Params(text="They rowed home.", new_tokens=0)
        execute(SWAP, engine, short)
        started = time.perf_counter()
        outcome = execute(SWAP, engine, params)
        cold_seconds = time.perf_counter() - started
        warm_seconds = median_seconds(lambda: execute(SWAP, engine, params))
        tokens = outcome.summary["tokens"]
        print(  # noqa: T201
            f"\nswap of a head, {tokens} tokens, 22 rows, 24 tokens written: cold "
            f"{cold_seconds:.1f} s, warm {warm_seconds:.3f} s"
        )
        assert cold_seconds < 15.0
        assert warm_seconds < 0.2
    finally:
        engine.close()


def test_low_rank_attention_is_ten_times_faster_than_exact_at_16384_tokens() -> None:
    n, d = 16_384, 4
    random = np.random.default_rng(0)
    q, k, v = (random.uniform(-1.0, 1.0, (n, d)) for _ in range(3))
    low_rank = median_seconds(lambda: polynomial_attention(q, k, v, degree=4, kind="taylor"))
    tensors = [torch.tensor(x, dtype=torch.float32)[None, None] for x in (q, k, v)]
    exact = median_seconds(
        lambda: torch.nn.functional.scaled_dot_product_attention(*tensors, scale=1 / d), 3
    )
    print(f"\nn = {n}, rank 70: exact SDPA {exact:.3f} s, low rank {low_rank:.3f} s")  # noqa: T201
    assert exact > 10.0 * low_rank
