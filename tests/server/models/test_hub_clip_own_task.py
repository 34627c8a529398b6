"""A person's own task with a model from the hub: fetched, pinned, used, and its features kept."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from workbench.methods.gla import NAMES, OWN_TASK
from workbench.server.api import Result
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute
from workbench.uploads import keep_upload

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CARD = """
kind = "open-clip"
summary = "A tiny random model."
source = "hf:somebody/tiny-clip"
licence = "MIT"
download_mib = 13
memory_mib = 13
good_for = "Testing."
"""
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}
PREPROCESS = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
COLOURS = {"red thing": (220, 20, 20), "green thing": (20, 200, 20), "blue thing": (20, 20, 220)}
PER_CLASS = 6


class StandInHub:
    """Answers as huggingface_hub does, and counts what it gave."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.given: list[str] = []

    def model_info(self, repository: str, *, revision: str, files_metadata: bool) -> Any:
        assert (repository, revision, files_metadata) == ("somebody/tiny-clip", "main", True)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        return SimpleNamespace(
            sha=COMMIT,
            siblings=[
                SimpleNamespace(
                    rfilename=name,
                    lfs=None if name.endswith(".json") else SimpleNamespace(sha256=digests[name]),
                )
                for name in self.files
            ],
        )

    def hf_hub_download(
        self, repository: str, name: str, *, revision: str, local_dir: Path
    ) -> None:
        assert (repository, revision) == ("somebody/tiny-clip", COMMIT)
        self.given.append(name)
        (local_dir / name).write_bytes(self.files[name])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> StandInHub:
    import open_clip

    torch.manual_seed(5)
    model = open_clip.CLIP(**CONFIG)  # pyright: ignore[reportArgumentType]
    config = {"model_cfg": CONFIG, "preprocess_cfg": PREPROCESS}
    hub = StandInHub(
        {
            "open_clip_model.safetensors": save(model.state_dict()),
            "open_clip_config.json": json.dumps(config).encode(),
            "open_clip_pytorch_model.bin": b"pickled",
        }
    )
    monkeypatch.setattr(huggingface_hub, "model_info", hub.model_info)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.hf_hub_download)
    return hub


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "tiny-clip.toml").write_text(CARD)
    return tmp_path


def pictures() -> bytes:
    random = np.random.default_rng(0)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, colour in COLOURS.items():
            for number in range(PER_CLASS):
                pixels = np.clip(np.array(colour) + random.normal(0, 25, (40, 50, 3)), 0, 255)
                one = io.BytesIO()
                Image.fromarray(pixels.astype(np.uint8)).save(one, "PNG")
                archive.writestr(f"mine/{name}/{number}.png", one.getvalue())
    return packed.getvalue()


def run(home: Path, study: Any, *, offline: bool, **values: Any) -> tuple[Any, list[Result]]:
    engine = open_engine(Settings(home=home, offline=offline, device="cpu"))
    answers: list[Result] = []
    try:
        outcome = execute(
            study, engine, study.params(model="tiny-clip", **values), on_answer=answers.append
        )
    finally:
        engine.close()
    return outcome, answers


def test_a_hub_model_serves_an_own_task_and_its_features_are_kept(
    hub: StandInHub, home: Path
) -> None:
    zipped = keep_upload(pictures(), "mine.zip", suffixes=(".zip",), max_mib=64)
    first, answers = run(home, OWN_TASK, offline=False, pictures=zipped)
    assert sorted(hub.given) == ["open_clip_config.json", "open_clip_model.safetensors"]
    assert {answer.receipt.source for answer in answers} == {"computed"}
    assert first.result.class_names == tuple(sorted(COLOURS))
    assert first.summary["labelled_pictures"] == first.summary["test_pictures"] == 9
    assert all(np.isfinite(v) for v in first.summary.values() if isinstance(v, float))
    # the colours are plain to a random model too: a probe on its vectors tells them apart
    assert first.summary["accuracy_linear_probe"] > 0.8

    # another session, no network, other halves: nothing is embedded again
    hub.files.clear()
    again, answers = run(home, OWN_TASK, offline=True, pictures=zipped, seed=1)
    assert {answer.receipt.source for answer in answers} == {"disk"}
    assert any(answer.receipt.operation == "clip.embed_images" for answer in answers)
    assert len(hub.given) == 2
    assert again.summary["test_pictures"] == 9

    # the same pictures with names typed instead of folders: the model is here, so no network
    named, answers = run(
        home, NAMES, offline=True, names="a red thing; a blue thing", template="{}"
    )
    assert {a.receipt.model for a in answers if a.receipt.model} == {"tiny-clip"}
    assert named.summary["names"] == 2
    assert named.result.mean_chance.sum() == pytest.approx(1.0)
