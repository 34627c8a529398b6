"""Embedding pictures against a bare open_clip loop; prints figures, run by `make bench`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch

from workbench.data.emoji.tasks import Task
from workbench.models.catalog import Catalog
from workbench.server.api import ModelClient, Request
from workbench.server.local import open_engine
from workbench.server.operations import clip_features
from workbench.settings import Settings

pytestmark = pytest.mark.bench

MODEL = "emoji-clip-bank"
ROUNDS = 9


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """The real engine with an empty cache of results."""
    # One thread on both sides: each side would else count the other's threads as its own time.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    client = open_engine(Settings(home=tmp_path_factory.mktemp("bench") / "home", torch_threads=1))
    yield client
    client.close()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """``(1820, 48, 48, 3)`` uint8: sixteen passes of the model."""
    task = Task("colour", "test", 17)
    drawn = torch.cat([task.draw_part(part) for part in range(task.parts())])
    return np.ascontiguousarray(drawn.permute(0, 2, 3, 1).numpy())[:1820]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(text: str) -> None:
    print(f"\n{text}")  # noqa: T201  the figures are what a bench is for


def test_embedding_through_the_engine_is_within_a_tenth_of_a_bare_loop(
    engine: ModelClient, pictures: np.ndarray
) -> None:
    loaded: Any = Catalog(Settings()).load(MODEL, device="cpu", dtype="float32")
    batch = (1 << 18) // (48 * 48)  # what the operation takes at once
    request = Request("clip.embed_images", MODEL, arrays={"images": pictures}, dtype="float32",
                      fresh=True)  # fmt: skip

    def bare() -> np.ndarray:
        rows = []
        plain = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        settings = loaded.model.visual.preprocess_cfg
        mean = torch.tensor(settings["mean"]).view(3, 1, 1)
        deviation = torch.tensor(settings["std"]).view(3, 1, 1)
        with torch.inference_mode():
            for part in plain.split(batch):
                normal = (part.float() / 255 - mean) / deviation
                rows.append(loaded.model.encode_image(normal, normalize=True))
        return torch.cat(rows).numpy()

    ours = engine.call(request).arrays["features"]
    np.testing.assert_allclose(ours, bare(), atol=1e-5)
    # In turns, so that whatever else the machine does slows both.
    pairs = [(seconds(lambda: engine.call(request)), seconds(bare)) for _ in range(ROUNDS)]
    ratio = median(through / direct for through, direct in pairs)
    through, direct = (len(pictures) / median(column) for column in zip(*pairs, strict=True))
    report(
        f"embedding 48-pixel pictures: {through:,.0f} a second through the engine, {direct:,.0f} "
        f"in a bare open_clip loop ({ratio:.2f} times its time)"
    )
    assert ratio < 1.10


def test_a_task_is_drawn_faster_than_it_is_embedded() -> None:
    loaded: Any = Catalog(Settings()).load(MODEL, device="cpu", dtype="float32")
    task = Task("grey", "test", 10)
    drawing = median(seconds(lambda: task.draw_part(0)) for _ in range(ROUNDS))
    part = task.draw_part(0)
    embedding = median(
        seconds(lambda: clip_features.embed_pictures(loaded, part)) for _ in range(ROUNDS)
    )
    report(
        f"emoji task: {len(part) / drawing:,.0f} pictures drawn and {len(part) / embedding:,.0f} "
        "embedded a second"
    )
    assert drawing < embedding
